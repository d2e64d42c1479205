//! Examples of what guardrails were asked and said.

use nightlatch::kernel::guardrail::{Action, Counts, DeviceFacts, Facts, Judgement, Local, Rule, Ruling, Verdict};
use nightlatch::kernel::{Event, Purpose};

use crate::requests::{HOUR, alice, bob};
use crate::variants;

/// A guardrail.
pub fn rule() -> Rule {
    Rule { id: "office-hours".to_owned(), reason: "not <at> night".to_owned() }
}

/// What guardrails said, for every action and every ruling, with facts of every kind.
pub fn judgements() -> Vec<Judgement> {
    let device = DeviceFacts {
        node_id: "nALICE1CNTRL".to_owned(),
        name: "alice-laptop".to_owned(),
        os: "macOS".to_owned(),
        online: true,
        tags: vec!["tag:ci".to_owned()],
        attributes: [("custom:healthy", "true")].map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
    };
    let judged = |action, ruling| Judgement {
        rules: "5f70bf18".to_owned(),
        facts: Facts {
            action,
            who: bob(),
            zone: "Europe/Berlin".to_owned(),
            requester: Some(alice()),
            requester_zone: Some("UTC".to_owned()),
            workflow: "prod-db".to_owned(),
            labels: vec!["production".to_owned()],
            reason: "invoice 1204".to_owned(),
            hold_ms: HOUR,
            local: Local { hour: 23, weekday: "sun".to_owned() },
            counts: Counts { today: 1, this_week: 2 },
            device: Some(device.clone()),
            stage: Some((1, "never".to_owned())),
        },
        verdict: Verdict { ruling, by: vec![rule()] },
    };
    let rulings = [Ruling::Permitted, Ruling::Forbidden, Ruling::Broken].map(|ruling| judged(Action::Ask, ruling));
    Action::ALL.into_iter().map(|action| judged(action, Ruling::Silent)).chain(rulings).collect()
}

/// Each of them with somebody who was identified.
pub fn events() -> Vec<(String, Event)> {
    let told = |judged: Judgement| {
        let (action, ruling) = (variants::action(&judged.facts.action), variants::ruling(&judged.verdict.ruling));
        let (purpose, judged) = (Purpose::Press { number: 1 }, Some(Box::new(judged)));
        (format!("identified judged {action} {ruling}"), Event::Identified { purpose, person: bob(), judged })
    };
    judgements().into_iter().map(told).collect()
}
