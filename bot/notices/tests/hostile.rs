//! Nobody can break a message, ping or link by what they type, in any state, for anybody who is told.

use proptest::prelude::*;
use serde_json::Value;

use super::notices;
use crate::kernel::event::Failure;
use crate::kernel::person::Who;
use crate::kernel::request::{Asked, Decider};
use crate::kernel::workflow::{Clause, OwnRequest, Stage};
use crate::kernel::{By, Found, Key, Notice, Refusal, Request};
use crate::notices::{Said, sample};

/// Text as an attacker would type it: markup, our own line marks, long runs, tricks with direction.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("<!channel>"),
        Just("<@U0EVIL>"),
        Just("<https://evil.example|Approve>"),
        Just("&"),
        Just("<"),
        Just(">"),
        Just("\n---\n"),
        Just("\n~ small"),
        Just("\n= Who: bob"),
        Just("\r\n"),
        Just("```"),
        Just("`"),
        Just("*"),
        Just("|"),
        Just("\u{202e}\u{2067}"),
        Just("\u{0}\u{7}"),
        Just("😀"),
        Just("{{ reason }}"),
        Just("lorem ipsum "),
    ];
    (proptest::collection::vec(piece, 0..12), 1_usize..120).prop_map(|(pieces, times)| {
        let text: String = pieces.concat().repeat(times);
        text.chars().take(3000).collect()
    })
}

/// One of the sample lives with every text replaced.
fn spoiled() -> impl Strategy<Value = Request> {
    let texts = (hostile(), hostile(), hostile(), hostile(), hostile());
    (0..sample::lives().len(), texts, 0_usize..40).prop_map(|(index, (a, b, c, d, e), approvers)| {
        let mut request = sample::lives().remove(index);
        request.ask.reason.clone_from(&a);
        request.ask.workflow.title.clone_from(&b);
        request.ask.workflow.name.clone_from(&c);
        request.ask.workflow.description.clone_from(&d);
        request.ask.workflow.announce = Some(e.clone());
        request.ask.workflow.approve[0].clauses[0].by = vec![Who::TailnetGroup(b.clone()); approvers];
        // Every other one has more stages, with names of their own.
        if index % 2 == 0 {
            let clause = Clause { quorum: 2, by: vec![Who::SlackGroup(d.clone()); approvers] };
            let (name, own_request) = (Some(a.clone()), OwnRequest::Never);
            let more = Stage {
                name,
                clauses: vec![clause; 5],
                own_request,
                denials: 2,
                ..Stage::of(1, Vec::new(), own_request)
            };
            request.ask.workflow.approve.extend(vec![more; 9]);
        }
        request.ask.requester.name.clone_from(&c);
        request.ended_reason.clone_from(&d);
        request.asked = vec![Asked::of(0, (0..approvers).map(|number| format!("U0A{number}")).collect(), 0)];
        request.trouble = Some(Failure { what: e.clone(), advice: a.clone(), retryable: true, retry_after_ms: None });
        if let Some(device) = &mut request.ask.device {
            device.name.clone_from(&e);
            device.os.clone_from(&d);
        }
        request.ask.workflow.steps = vec![request.ask.workflow.steps[0].clone(); 12];
        let steps = request.steps.clone();
        request.steps = steps.iter().cycle().take(12 * steps.len()).cloned().collect();
        for step in &mut request.steps {
            step.key = Some(Key::new(&c, &d));
            if let Some(proof) = &mut step.proof
                && let Found::PutBack { what, .. } | Found::LeftAlone { what, .. } = &mut proof.found
            {
                what.clone_from(&e);
            }
        }
        for decision in &mut request.decisions {
            let Decider::Person { rule, .. } = &mut decision.by else { continue };
            *rule = Some(Who::SlackGroup(a.clone()));
            decision.reason.clone_from(&a);
        }
        request
    })
}

fn every_notice(text: &str) -> Vec<Notice> {
    let why = Failure { what: text.into(), advice: text.into(), retryable: true, retry_after_ms: None };
    let by = vec![Who::TailnetGroup(text.into()); 30];
    vec![
        Notice::Decided { by: By::Person("U0BOB".into()), approved: true, reason: text.into(), extends: false },
        Notice::Decided { by: By::Person(text.into()), approved: false, reason: text.into(), extends: true },
        Notice::Active,
        Notice::EndsSoon,
        Notice::Ended,
        Notice::Lapsed,
        Notice::Failed,
        Notice::Stuck,
        Notice::LeftOn,
        Notice::Unstuck,
        Notice::Moved,
        Notice::Refused { why: Refusal::NotAnApprover { by } },
        Notice::Refused { why: Refusal::OwnRequest },
        Notice::Refused { why: Refusal::Unusable { missing: text.into() } },
        Notice::NotIdentified { why },
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn no_text_breaks_a_message_pings_or_links(request in spoiled(), text in hostile()) {
        let notices = notices();
        for place in sample::places() {
            is_good(&notices.card(&request, &place, sample::NOW))?;
        }
        is_good(&notices.asked(&request))?;
        for notice in every_notice(&text) {
            for to in sample::readers(&request) {
                is_good(&notices.notice(&request, &notice, &to, sample::NOW))?;
            }
        }
        let many = vec![request.clone(); 30];
        is_good(&notices.list((&many, &many), (&many, &many), &many, sample::NOW))?;
        is_good(&notices.help(&vec![&*request.workflow; 60]))?;
    }
}

/// Slack's limits, and no markup but ours.
fn is_good(said: &Said) -> Result<(), TestCaseError> {
    within(&said.text, 1, 900)?;
    is_tame(&said.text)?;
    let blocks = said.blocks.as_array().expect("blocks are a list");
    prop_assert!((1..=50).contains(&blocks.len()), "{} blocks", blocks.len());
    for block in blocks {
        match block["type"].as_str() {
            Some("section") => {
                let fields = block["fields"].as_array().cloned().unwrap_or_default();
                prop_assert!(fields.len() <= 10 && fields.is_empty() != block["text"].is_null());
                fields.iter().try_for_each(|field| is_mrkdwn(field, 2000))?;
                if fields.is_empty() {
                    is_mrkdwn(&block["text"], 3000)?;
                }
                if block["accessory"].is_object() {
                    is_button(&block["accessory"])?;
                }
            }
            Some("context") => {
                block["elements"].as_array().expect("elements").iter().try_for_each(|text| is_mrkdwn(text, 2000))?;
            }
            Some("actions") => {
                let buttons = block["elements"].as_array().expect("elements");
                prop_assert!((1..=25).contains(&buttons.len()));
                let mut names: Vec<&Value> = buttons.iter().map(|button| &button["action_id"]).collect();
                names.dedup();
                prop_assert_eq!(names.len(), buttons.len());
                buttons.iter().try_for_each(is_button)?;
            }
            other => prop_assert!(false, "a block of type {other:?}"),
        }
    }
    Ok(())
}

fn is_mrkdwn(text: &Value, max: usize) -> Result<(), TestCaseError> {
    prop_assert_eq!(&text["type"], "mrkdwn");
    prop_assert_eq!(&text["verbatim"], true);
    let text = text["text"].as_str().expect("text");
    within(text, 1, max)?;
    is_tame(text)
}

fn is_button(button: &Value) -> Result<(), TestCaseError> {
    within(button["text"]["text"].as_str().expect("words"), 1, 75)?;
    within(button["action_id"].as_str().expect("an action"), 1, 255)?;
    within(button["value"].as_str().expect("a value"), 1, 2000)?;
    prop_assert!(button["style"].is_null() || button["style"] == "primary" || button["style"] == "danger");
    if let Some(confirm) = button["confirm"].as_object() {
        for (name, max) in [("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)] {
            prop_assert_eq!(&confirm[name]["type"], "plain_text");
            within(confirm[name]["text"].as_str().expect("words"), 1, max)?;
        }
    }
    Ok(())
}

fn within(text: &str, min: usize, max: usize) -> Result<(), TestCaseError> {
    let length = text.chars().map(char::len_utf16).sum::<usize>();
    prop_assert!((min..=max).contains(&length), "{length} of {min}..={max}: {text}");
    Ok(())
}

/// Every `<` and `&` is the start of something we wrote; quotations have their `>` at the start of a line.
fn is_tame(text: &str) -> Result<(), TestCaseError> {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('<') {
        let inside = after.split_once('>').map(|(inside, _)| inside).unwrap_or("not closed");
        let is_person = inside.strip_prefix("@U0").is_some_and(|id| {
            ["ALICE", "BOB", "CAROL"].contains(&id) || id.strip_prefix('A').is_some_and(|n| n.parse::<u32>().is_ok())
        });
        prop_assert!(is_person || inside.starts_with("!date^"), "live markup <{inside}>");
        rest = after;
    }
    for line in text.lines() {
        let line = line.strip_prefix("> ").or_else(|| line.strip_prefix('>')).unwrap_or(line);
        prop_assert_eq!(line.matches('<').count(), line.matches('>').count(), "{}", line);
    }
    let bare = text.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "");
    prop_assert!(!bare.contains('&'), "a bare or cut & in {text}");
    prop_assert!(!text.contains('\u{202e}') && !text.contains('\u{7}'), "control characters in {text}");
    Ok(())
}
