//! The buttons below what is said. What one does is named by its `action_id`; its `value` is `<request id> <seal>`, so
//! that a press counts only for what was shown.

use serde_json::{Value, json};

use super::facts::{can_retry, needs_push};
use super::text::{fit, one_line};
use super::words::{hold, plain_whos};
use crate::inputs::duration;
use crate::kernel::{Button, Notice, Outcome, Place, Recipient, Refusal, Request, Shows, State, Workflow};

/// Step types whose change is a text that can be shown before anything happens.
const PREVIEWED: &[&str] = &["tailscale.policy"];

/// Below the card.
pub fn card(request: &Request, place: &Place, now: i64) -> Vec<Value> {
    match request.state {
        // Whoever was asked in an earlier stage only reads.
        State::Pending if matches!(place, Place::Approver(reader) if !request.asked_now().contains(reader)) => {
            Vec::new()
        }
        State::Pending => [
            Some(styled(button("approve", "Approve", &sealed(request)), "primary")),
            approve_for_less(request),
            Some(styled(button("deny", "Deny", &sealed(request)), "danger")),
            preview(request),
        ]
        .into_iter()
        .flatten()
        .collect(),
        // Whoever does not decide reads the rest.
        State::Active if request.is_extension_asked() && is_asked(request, place) => {
            let rest = match place {
                Place::Channel(_) => vec![give_back(request), revoke(request)],
                Place::Approver(_) => vec![revoke(request)],
            };
            extension(request).into_iter().chain(rest).collect()
        }
        State::Approved | State::Activating => vec![revoke(request)],
        State::Active if request.is_drifted() => {
            let own = match place {
                Place::Channel(_) => extend(request).into_iter().chain([give_back(request)]).collect(),
                Place::Approver(_) => Vec::new(),
            };
            drifted(request, now).into_iter().chain(own).chain([revoke(request)]).collect()
        }
        State::Active => match place {
            Place::Channel(_) => extend(request).into_iter().chain([give_back(request), revoke(request)]).collect(),
            // The holder does not see an approver's direct messages.
            Place::Approver(_) => vec![revoke(request)],
        },
        State::Ending if needs_push(request) => vec![retry(request)],
        State::Ended => {
            let retry = request.can_restart(now).then(|| retry(request)).into_iter().chain(drifted(request, now));
            let is_asked = |reader: &String| request.open_review().is_some_and(|review| review.asked.contains(reader));
            let reviews = match place {
                Place::Approver(reader) if !is_asked(reader) => Vec::new(),
                _ => review(request),
            };
            retry.chain(reviews).collect()
        }
        State::Ending => Vec::new(),
    }
}

/// Below one thing said beside the card.
pub fn notice(request: &Request, notice: &Notice, to: &Recipient, now: i64) -> Vec<Value> {
    let is_holder = match to {
        Recipient::Person { slack_id } | Recipient::Private { slack_id, .. } => *slack_id == request.requester.slack_id,
        // The card above has the buttons.
        Recipient::Thread => return Vec::new(),
        Recipient::Channel => false,
    };
    match notice {
        Notice::Active | Notice::EndsSoon | Notice::Extended | Notice::NotExtended { .. }
            if is_holder && request.state == State::Active =>
        {
            extend(request).into_iter().chain([give_back(request)]).collect()
        }
        Notice::AskedFor if request.state == State::Pending => vec![withdraw(request)],
        // A no to an extension leaves what is held as it is.
        Notice::Decided { extends: true, .. } => Vec::new(),
        // A no that is not the last word leaves it open.
        Notice::Decided { approved: false, .. } if request.state == State::Pending => Vec::new(),
        Notice::Decided { approved: false, .. } | Notice::Ended | Notice::Lapsed if is_holder => vec![again(request)],
        Notice::Failed if can_retry(request, now) => vec![retry(request)],
        Notice::Failed if is_holder && request.state == State::Ended => vec![again(request)],
        Notice::Stuck if needs_push(request) => vec![retry(request)],
        Notice::GlassBroken if matches!(request.state, State::Approved | State::Activating | State::Active) => {
            vec![revoke(request)]
        }
        Notice::Drifted => drifted(request, now),
        Notice::ReviewOpened | Notice::ReviewLate => review(request),
        Notice::Refused { why: Refusal::ConfirmOwnRequest { hold_ms } } if request.is_waiting() => {
            let sealed = sealed_for(request, &Button::Approve { confirmed: true, hold_ms: *hold_ms });
            let value = hold_ms.map_or(sealed.clone(), |hold_ms| format!("{sealed} {hold_ms}"));
            vec![styled(button("approve_own", "Yes, approve my own request", &value), "primary")]
        }
        Notice::Refused { why: Refusal::OwnDenial } if request.state == State::Pending => vec![withdraw(request)],
        Notice::Refused { why: no } if is_by_rules(no) => vec![why(&request.workflow.name)],
        Notice::Refused { why: Refusal::TooLate { outcome: Some(outcome), .. } }
            if is_holder && request.state == State::Ended && *outcome != Outcome::Withdrawn =>
        {
            vec![again(request)]
        }
        _ => Vec::new(),
    }
}

/// Below the private answer to somebody who asked.
pub fn asked(request: &Request) -> Vec<Value> {
    match request.state {
        State::Pending => std::iter::once(withdraw(request)).chain(break_glass(request)).collect(),
        State::Approved | State::Activating | State::Active => vec![give_back(request)],
        State::Ending | State::Ended => Vec::new(),
    }
}

/// Below the private answer to somebody who has what they asked for.
pub fn already(request: &Request) -> Vec<Value> {
    extend(request).into_iter().chain(asked(request)).collect()
}

/// Beside one's own request in a list.
pub fn row(request: &Request, now: i64) -> Option<Value> {
    match request.state {
        State::Pending => Some(withdraw(request)),
        State::Approved | State::Activating | State::Active => Some(give_back(request)),
        State::Ending => needs_push(request).then(|| retry(request)),
        State::Ended if request.can_restart(now) => Some(retry(request)),
        State::Ended => Some(again(request)),
    }
}

/// Beside what one asked for somebody else in a list.
pub fn for_another(request: &Request) -> Option<Value> {
    (request.state == State::Pending).then(|| withdraw(request))
}

/// Beside somebody else's in a list, for whoever may take it back.
pub fn lent(request: &Request) -> Option<Value> {
    match request.state {
        State::Approved | State::Activating | State::Active => Some(revoke(request)),
        State::Ending => needs_push(request).then(|| retry(request)),
        State::Pending | State::Ended => None,
    }
}

/// For whoever waits and may have it at once; the second press says what follows.
pub fn break_glass(request: &Request) -> Option<Value> {
    let glass = request.workflow.break_glass.as_ref()?;
    let may = request.state == State::Pending
        && !request.breaks_glass
        && request.asker.is_none()
        && request.lent_ms() <= glass.max_hold_ms
        && !request.reason.trim().is_empty()
        && glass.who.iter().any(|who| who.means(&request.requester));
    let mut button = styled(button("break_glass", "Break glass", &sealed(request)), "danger").as_object()?.clone();
    let text = format!("You get it at once, without approval. {}", what_follows(&request.workflow));
    let confirm = json!({
        "title": plain("Break glass?"),
        "text": plain(&fit(&text, 300)),
        "confirm": plain("Break glass"),
        "deny": plain("Wait"),
        "style": "danger",
    });
    button.insert("confirm".to_owned(), confirm);
    may.then_some(Value::Object(button))
}

/// What breaking glass leads to, for whoever is about to.
pub fn what_follows(workflow: &Workflow) -> String {
    let Some(glass) = &workflow.break_glass else { return String::new() };
    let told = match &workflow.announce {
        Some(channel) if channel.starts_with('#') => {
            format!("{} and those who would have been asked", one_line(channel, 40))
        }
        _ => "Those who would have been asked".to_owned(),
    };
    format!(
        "{told} hear of it loudly. It cannot be extended. Afterwards {} has {} to say whether it was fine.",
        one_line(&plain_whos(&glass.review_by, "or"), 100),
        hold(glass.review_within_ms)
    )
}

/// For those who review broken glass.
pub fn review(request: &Request) -> Vec<Value> {
    if request.open_review().is_none() {
        return Vec::new();
    }
    vec![
        button("review_fine", "It was fine", &sealed(request)),
        styled(button("review_not_fine", "Not fine ...", &sealed(request)), "danger"),
    ]
}

/// Beside a no of the rules: which ones, in the words of `/access why`.
pub fn why(workflow: &str) -> Value {
    // Slack takes no empty value.
    button("why", "Why?", if workflow.is_empty() { "-" } else { workflow })
}

/// Whether rules about people, or guardrails, say this no.
pub fn is_by_rules(why: &Refusal) -> bool {
    matches!(
        why,
        Refusal::MayNotAsk { .. }
            | Refusal::MayNotAskFor { .. }
            | Refusal::MayNotBreakGlass { .. }
            | Refusal::NotAnApprover { .. }
            | Refusal::StageIsOver { .. }
            | Refusal::StageComesLater { .. }
            | Refusal::NotNeeded { .. }
            | Refusal::OwnRequest
            | Refusal::Forbidden { .. }
    )
}

/// For those who decide: a form with the lengths that are shorter than what it is lent for by now; none where there is no usual one.
pub fn approve_for_less(request: &Request) -> Option<Value> {
    let is_longest = duration::shorter_than(request.lent_ms()).is_empty();
    (!is_longest).then(|| button("approve_for", "Approve...", &sealed(request)))
}

/// For those who decide, where what it changes is a text.
fn preview(request: &Request) -> Option<Value> {
    let mut steps = request.workflow.steps.iter().enumerate();
    let is_shown = steps.any(|(index, step)| PREVIEWED.contains(&step.uses.as_str()) && !request.leaves_out(index));
    is_shown.then(|| button("preview", "What changes?", &sealed(request)))
}

/// For those who decide, where somebody else changed what is held or took it away.
fn drifted(request: &Request, now: i64) -> Vec<Value> {
    let sealed = |button| sealed_for(request, &button);
    let put_back = request.can_put_back(now).then(|| button("put_back", "Put back", &sealed(Button::PutBack)));
    let adopt = request.is_drifted().then(|| button("adopt", "Adopt", &sealed(Button::Adopt)));
    put_back.into_iter().chain(adopt).collect()
}

fn give_back(request: &Request) -> Value {
    button("return", "Return", &sealed(request))
}

/// For its holder, where it can be held for longer. It carries the end it puts off, so that a second press does not do it twice.
pub fn extend(request: &Request) -> Option<Value> {
    let length_ms = request.extends_by()?;
    let sealed = sealed_for(request, &Button::Extend { length_ms: 0 });
    Some(button("extend", &format!("Extend by {}", hold(length_ms)), &sealed))
}

/// For whoever decides whether it is extended.
pub fn extension(request: &Request) -> Vec<Value> {
    let sealed = |button| sealed_for(request, &button);
    vec![
        styled(
            button("approve", "Approve extension", &sealed(Button::Approve { confirmed: false, hold_ms: None })),
            "primary",
        ),
        styled(button("deny", "Deny extension", &sealed(Button::Deny { reason: String::new() })), "danger"),
    ]
}

/// Whether somebody who decides now reads it there.
fn is_asked(request: &Request, place: &Place) -> bool {
    !matches!(place, Place::Approver(reader) if !request.asked_now().contains(reader))
}

fn withdraw(request: &Request) -> Value {
    button("withdraw", "Withdraw", &sealed(request))
}

fn retry(request: &Request) -> Value {
    button("retry", "Retry", &sealed(request))
}

fn again(request: &Request) -> Value {
    button("ask_again", "Ask again", request.id.as_str())
}

fn revoke(request: &Request) -> Value {
    let mut revoke = styled(button("revoke", "Revoke", &sealed(request)), "danger");
    let (name, title) = (one_line(&request.requester.name, 60), one_line(&request.workflow.title, 100));
    let text = format!("{name} loses {title} now. Open TCP connections may live on.");
    if let Some(revoke) = revoke.as_object_mut() {
        let confirm = json!({
            "title": plain("Take it back now?"),
            "text": plain(&fit(&text, 300)),
            "confirm": plain("Revoke"),
            "deny": plain("Keep it"),
            "style": "danger",
        });
        revoke.insert("confirm".to_owned(), confirm);
    }
    revoke
}

/// Whether one of these blocks is the row of buttons of this request's card.
pub fn are_on_card_of(blocks: &Value, request: &Request) -> bool {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let sealed = Some(sealed(request));
    list(Some(blocks))
        .iter()
        .filter(|block| text(block, "block_id").as_deref() == Some(Shows::Card.word()))
        .any(|row| list(row.get("elements")).iter().any(|button| text(button, "value") == sealed))
}

/// What the value of a button says that counts only for an end that was shown with it.
fn sealed_for(request: &Request, button: &Button) -> String {
    format!("{} {}", request.id, request.seal_for(button))
}

/// What a button's value says: which request, as it was shown.
fn sealed(request: &Request) -> String {
    format!("{} {}", request.id, request.seal)
}

fn button(action_id: &str, text: &str, value: &str) -> Value {
    // A value over Slack's 2,000 would cost the whole message; ours are far below, and a cut one is refused when pressed.
    let value: String = value.chars().take(1000).collect();
    json!({ "type": "button", "action_id": action_id, "text": plain(text), "value": value })
}

fn styled(mut button: Value, style: &str) -> Value {
    if let Some(button) = button.as_object_mut() {
        button.insert("style".to_owned(), json!(style));
    }
    button
}

fn plain(text: &str) -> Value {
    json!({ "type": "plain_text", "text": text, "emoji": false })
}
