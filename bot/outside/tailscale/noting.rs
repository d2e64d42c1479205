//! What came of each call, where the operator sees it.

use super::wire::{Answer, Call};
use super::{Tailscale, TailscaleError};
use crate::outside::contacts::Refused;

/// As it is called in metrics.
pub(super) const SERVICE: &str = "tailscale";

impl Tailscale {
    /// What a person has to do something about is told where it is seen.
    pub(super) fn note(&self, call: &Call, answer: &Result<Answer, TailscaleError>) {
        let contacts = self.inner.settings.net.contacts();
        let refusal = |error: &TailscaleError, is_everything| Refused {
            service: SERVICE,
            what: error.to_string(),
            advice: error.advice().unwrap_or_default(),
            is_everything,
        };
        match answer {
            Err(error @ TailscaleError::Unauthorized(_)) => contacts.refused(call.name, refusal(error, true)),
            Err(error @ TailscaleError::MissingScopeOrPlan(_)) => contacts.refused(call.name, refusal(error, false)),
            // It was let in, whatever came of it.
            Ok(_) | Err(TailscaleError::NotFound(_)) => contacts.works(SERVICE, call.name),
            Err(_) => {}
        }
    }
}
