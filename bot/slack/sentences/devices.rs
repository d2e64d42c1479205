//! What is said of devices: that there is none, or that there are several.

use crate::inputs::device;
use crate::kernel::workflow::Input;
use crate::notices::words::{escape, sentence};

/// Nobody's device can be chosen, over a form in which that may change.
pub(in crate::slack) fn none_yet(input: &Input) -> String {
    match input.kind.tags() {
        [] => "You have no device of your own in the tailnet (tagged and shared ones do not count). Connect one with Tailscale, then \
               choose it here."
            .to_owned(),
        tags => sentence(&device::none_tagged(tags)),
    }
}

/// The tailnet has no device of this person's.
pub(in crate::slack) fn none() -> String {
    "You have no device of your own in the tailnet (tagged and shared ones do not count). Connect one with Tailscale, then ask again."
        .to_owned()
}

/// More than one can be meant.
pub(in crate::slack) fn several(input: &Input) -> String {
    match input.kind.tags() {
        [] => "you have several devices".to_owned(),
        tags => format!("several devices have {}", escape(&device::any_of(tags))),
    }
}
