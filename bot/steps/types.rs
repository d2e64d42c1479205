//! The one list of step types: `uses: tailscale.attribute` is checked and done by `steps/tailscale/attribute*.rs`.

use crate::kernel::workflow::StepType;

use super::{tailscale, tclip};

/// Every step type, by name.
pub const TYPES: &[StepType] = &[tailscale::attribute_check::TYPE, tclip::paste_check::TYPE];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::outside::tailscale::{Credential, Tailscale, TailscaleSettings};
    use crate::steps::Steps;

    #[test]
    fn what_is_checked_is_what_can_be_done() {
        crate::outside::tls();
        let api_url = "http://127.0.0.1:1".parse().unwrap();
        let settings = TailscaleSettings::new(api_url, Credential::ApiKey("none".into()));
        let clock = Clock::manual(0);
        let tailscale = Tailscale::new(settings, clock.clone()).unwrap();
        let steps = Steps::new(tailscale, std::sync::Arc::new(crate::steps::tclip::NoKeeper), clock);
        assert_eq!(steps.names(), TYPES.iter().map(|kind| kind.uses).collect::<Vec<_>>());
        for kind in TYPES {
            assert!(kind.key_settings.iter().all(|name| kind.settings.contains(name)), "{}", kind.uses);
        }
    }
}
