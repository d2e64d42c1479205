//! The one list of step types: `uses: tailscale.attribute` is checked and done by `steps/tailscale/attribute*.rs`.

use crate::kernel::workflow::StepType;

use super::tailscale;

/// Every step type, by name.
pub const TYPES: &[StepType] = &[tailscale::attribute_check::TYPE];
