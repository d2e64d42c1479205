//! Puts what an event led to into one line of a table.

use super::story::Story;
use crate::effect::Due;
use crate::{Applied, Effect, Ledger, Notice, Place, Purpose, Recipient, Refusal, Request};

/// What the newest event of `after` changed and led to; `-` for nothing.
pub(super) fn words(before: &Request, after: &Story) -> String {
    let Applied { request, effects, ledger } = &after.last;
    let mut parts = changes(before, request);
    parts.extend(ledger.iter().map(ledger_word));
    parts.extend(effects.iter().map(|due| due_word(due, after.now)));
    if parts.is_empty() { "-".to_owned() } else { parts.join(", ") }
}

fn changes(before: &Request, after: &Request) -> Vec<String> {
    let mut changes = Vec::new();
    if (before.state, before.outcome) != (after.state, after.outcome) {
        let outcome = after.outcome.map(|outcome| format!(" {}", outcome.word())).unwrap_or_default();
        changes.push(format!("{}{outcome}", after.state.word().to_uppercase()));
    }
    if before.stuck != after.stuck {
        changes.push(if after.stuck { "STUCK" } else { "UNSTUCK" }.to_owned());
    }
    let phases = |request: &Request| -> Vec<String> {
        request.steps.iter().map(|step| format!("{:?}", step.phase).to_lowercase()).collect()
    };
    if phases(before) != phases(after) {
        changes.push(format!("steps {}", phases(after).join("+")));
    }
    let places =
        |request: &Request| -> Vec<String> { request.cards.iter().map(|card| place_word(&card.place)).collect() };
    if places(before) != places(after) {
        changes.push(format!("cards [{}]", places(after).join(" ")));
    }
    if changes.is_empty() && before != after {
        changes.push("noted".to_owned());
    }
    changes
}

fn place_word(place: &Place) -> String {
    place.target().to_owned()
}

fn ledger_word(entry: &Ledger) -> String {
    match entry {
        Ledger::Hold { key, .. } => format!("hold {}", key.address()),
        Ledger::Release { key } => format!("release {}", key.address()),
        Ledger::Remember { key, .. } => format!("remember {}", key.address()),
        Ledger::Leave { key } => format!("leave {}", key.address()),
        Ledger::Confirm { key, .. } => format!("confirm {}", key.address()),
    }
}

fn due_word(due: &Due, now: i64) -> String {
    let word = match &due.effect {
        Effect::FindApprovers { stage: 0 } => "find approvers".to_owned(),
        Effect::FindApprovers { stage } => format!("find approvers of stage {}", stage + 1),
        Effect::Identify { slack_id, purpose: Purpose::Passing } => format!("find out if it passes for {slack_id}"),
        Effect::Identify { slack_id, purpose: Purpose::Start } => format!("identify {slack_id} to start"),
        Effect::Identify { slack_id, purpose: Purpose::TakingOver { from, .. } } => {
            format!("identify {slack_id} to take over from {from}")
        }
        Effect::Identify { slack_id, purpose: Purpose::Extending } => format!("identify {slack_id} to extend"),
        Effect::Identify { slack_id, purpose: Purpose::Press { number } } => {
            format!("identify {slack_id} for press {number}")
        }
        Effect::FindTier { tier, .. } => format!("find tier {tier}"),
        Effect::FindReviewers => "find reviewers".to_owned(),
        Effect::Settle { key } => format!("settle {}", key.address()),
        Effect::Look { key } => format!("look at {}", key.address()),
        Effect::Show { place } => format!("show {}", place_word(place)),
        Effect::Tell { to, notice } => format!("tell {} {}", recipient_word(to), notice_word(notice)),
        Effect::Rewrite { message, notice, .. } => format!("rewrite {} {}", message.ts, notice_word(notice)),
        Effect::Say { channel, .. } => format!("say in {channel}"),
        Effect::Complete { typed } => format!("complete what {} typed", typed.by),
        Effect::Answer { typed, .. } => format!("answer {}", typed.by),
        Effect::StartWorkflow { start } => format!("start {}", start.workflow),
        Effect::ExpirePaste { id } => format!("expire paste {id}"),
        Effect::SaveLink { change, .. } => format!("save link {}", change.wanted.short),
        Effect::PostPaste { posting } => format!("post paste {}", posting.id),
        Effect::DeletePaste { deletion } => format!("delete paste {}", deletion.paste.id),
        Effect::Wake { wake } => format!("wake {}", format!("{wake:?}").to_lowercase()),
    };
    if due.at == now { word } else { format!("{word} in {}", crate::hold::show(due.at - now)) }
}

fn recipient_word(to: &Recipient) -> &str {
    match to {
        Recipient::Person { slack_id } | Recipient::Private { slack_id, .. } => slack_id,
        Recipient::Thread => "thread",
        Recipient::Channel => "channel",
    }
}

fn notice_word(notice: &Notice) -> String {
    match notice {
        Notice::Refused { why } => format!("no: {}", refusal_word(why)),
        Notice::Decided { approved, .. } => if *approved { "approved" } else { "denied" }.to_owned(),
        Notice::NotIdentified { .. } => "not identified".to_owned(),
        other => format!("{other:?}").to_lowercase(),
    }
}

pub(super) fn refusal_word(why: &Refusal) -> String {
    match why {
        Refusal::TooLate { state, outcome, .. } => {
            let outcome = outcome.map(|outcome| format!(" {}", outcome.word())).unwrap_or_default();
            format!("too late, {}{outcome}", state.word())
        }
        Refusal::TooEarly { state } => format!("too early, {}", state.word()),
        other => other.to_string(),
    }
}
