//! What the listed types say about themselves holds together.

use std::collections::BTreeSet;

use serde_json::Map;

use super::*;
use crate::kernel::step_type::{Holds, SettingKind};
use crate::kernel::workflow::{Input, InputKind};

#[test]
fn every_type_says_all_that_people_and_checks_need() {
    let mut seen = BTreeSet::new();
    for kind in TYPES {
        let uses = kind.uses;
        assert!(seen.insert(uses), "{uses} stands twice in the list");
        assert!(uses.split_once('.').is_some_and(|(system, thing)| !system.is_empty() && !thing.is_empty()), "{uses}");
        assert!(kind.about.ends_with('.') && !kind.settings.is_empty(), "{uses}");
        let names: BTreeSet<_> = kind.names().collect();
        assert_eq!(names.len(), kind.settings.len(), "{uses}");
        for setting in kind.settings {
            assert!(setting.about.ends_with('.') && !setting.example.is_empty(), "{uses} {}", setting.name);
        }
        // Whoever shares a thing must be told apart from who does not.
        // The policy file is one thing, whoever writes what into it.
        let is_told_apart = uses == "tailscale.policy" || kind.settings.iter().any(|setting| setting.is_key);
        assert!(kind.holds == Holds::Once || is_told_apart, "{uses}");
        assert!(kind.results.iter().all(|result| result.about.ends_with('.')), "{uses}");
    }
}

#[test]
fn what_must_be_there_is_missed_by_the_check() {
    for kind in TYPES {
        let missed: BTreeSet<_> = (kind.check)(&Map::new(), &[]).into_iter().map(|mistake| mistake.setting).collect();
        let required = kind.settings.iter().filter(|setting| setting.is_required).map(|setting| setting.name);
        let required: BTreeSet<_> = required.collect();
        if required.is_empty() {
            // One of several must be there.
            assert!(!missed.is_empty(), "{}", kind.uses);
        } else {
            // What must be there unless something else is, the check knows alone.
            assert!(missed.is_superset(&required), "{}", kind.uses);
        }
    }
}

#[test]
fn a_device_is_always_an_input() {
    let inputs = [Input::plain("device", "Device", InputKind::own_device())];
    for kind in TYPES {
        for setting in kind
            .settings
            .iter()
            .filter(|setting| matches!(setting.kind, SettingKind::Device | SettingKind::NamedDevice))
        {
            let with = [(setting.name.to_owned(), "n123CNTRL".into())].into_iter().collect();
            let mistakes = (kind.check)(&with, &inputs);
            assert!(mistakes.iter().any(|mistake| mistake.setting == setting.name), "{} {}", kind.uses, setting.name);
        }
    }
}
