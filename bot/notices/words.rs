//! Words that do not stand in a template because others need them too: refusals, times, names, states.

use jiff::Timestamp;

use crate::kernel::approval::{ClauseNow, StageNow};
use crate::kernel::person::Who;
use crate::kernel::workflow::{Clause, Stage};
use crate::kernel::{Outcome, Request, State, Workflow};

pub use super::text::{escape, fit, one_line, quote, sentence};

/// Within this of now, seconds are shown too.
const NEAR_MS: i64 = 5 * 60 * 1000;

/// A time as Slack shows it in each reader's own zone, with UTC where it cannot. Safe in mrkdwn as it is.
pub fn when(at: i64, now: i64) -> String {
    let near = at.abs_diff(now) < NEAR_MS.unsigned_abs();
    date(at, if near { "time_secs" } else { "time" })
}

/// A time to the second: for what was read back.
pub fn when_exactly(at: i64) -> String {
    date(at, "time_secs")
}

fn date(at: i64, time: &str) -> String {
    let Ok(instant) = Timestamp::from_second(at.div_euclid(1000)) else { return "a time that cannot be shown".into() };
    let fallback = if time == "time" { "%Y-%m-%d %H:%M UTC" } else { "%Y-%m-%d %H:%M:%S UTC" };
    format!("<!date^{}^{{date_short_pretty}} {{{time}}}|{}>", instant.as_second(), instant.strftime(fallback))
}

/// A length of time, for example `1h30m`.
pub fn hold(length_ms: i64) -> String {
    crate::kernel::hold::show(length_ms)
}

/// A person by Slack id, so that Slack shows their name and notifies them. Anything that is no id is shown as text.
pub fn mention(slack_id: &str) -> String {
    if is_id(slack_id, &['U', 'W']) { format!("<@{slack_id}>") } else { escape(&one_line(slack_id, 40)) }
}

/// A channel by id, so that Slack shows its name as a link; a name is shown as text.
pub fn channel(name: &str) -> String {
    if is_id(name, &['C', 'G']) { format!("<#{name}>") } else { escape(&one_line(name, 80)) }
}

/// A link that Slack shows as these words. An address that could be more than one is shown as text.
pub fn link(address: &str, label: &str) -> String {
    let is_plain = address.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '|' | '"' | '`'));
    if is_plain { format!("<{}|{}>", escape(address), escape(label)) } else { escape(&one_line(address, 200)) }
}

fn is_id(text: &str, starts: &[char]) -> bool {
    let is_plain = text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    is_plain && text.len() > 1 && text.len() <= 32 && text.starts_with(starts)
}

/// `a, b and c`.
pub fn listed(items: &[String], last: &str) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [some @ .., end] => format!("{} {last} {end}", some.join(", ")),
    }
}

/// Groups and people as a workflow names them, at most ten. Escaped.
pub fn whos(whos: &[Who], last: &str) -> String {
    escape(&plain_whos(whos, last))
}

/// One of them, as people say it: whoever is meant by the request is called by what they are. Not escaped.
pub fn who(who: &Who) -> String {
    match who {
        Who::Manager => "the requester's manager".to_owned(),
        Who::DeviceOwner => "the owner of the device".to_owned(),
        other => one_line(&other.to_string(), 80),
    }
}

/// The same, not escaped.
pub fn plain_whos(whos: &[Who], last: &str) -> String {
    let mut names: Vec<String> = whos.iter().take(10).map(who).collect();
    match whos.len().saturating_sub(10) {
        0 => {}
        more => names.push(format!("{more} more")),
    }
    listed(&names, last)
}

/// Whom a stage still takes, for example `one more of group:security, and 2 of group:dba or @db-oncall`. Not escaped.
pub fn missing(stage: &StageNow<'_>) -> String {
    let one = |clause: &ClauseNow<'_>| {
        let names: Vec<Who> = clause.by.iter().map(|who| (*who).clone()).collect();
        let by = plain_whos(&names, "or");
        let count = match clause.missing {
            1 => "one".to_owned(),
            count => count.to_string(),
        };
        match (clause.yeses.is_empty(), names.as_slice()) {
            (true, [only]) if only.is_one_person() => by,
            (true, _) => format!("{count} of {by}"),
            (false, _) => format!("{count} more of {by}"),
        }
    };
    stage.open_clauses().map(one).collect::<Vec<_>>().join(", and ")
}

/// What people call a stage, for example `Stage 2 (security)`. Not escaped.
pub fn stage_title(stages: &[Stage], index: usize) -> String {
    let name = stages.get(index).and_then(|stage| stage.name.as_ref()).map(|name| one_line(name, 60));
    match (stages.len(), name) {
        (0 | 1, None) => "Approval".to_owned(),
        (0 | 1, Some(name)) => name,
        (_, None) => format!("Stage {}", index.saturating_add(1)),
        (_, Some(name)) => format!("Stage {} ({name})", index.saturating_add(1)),
    }
}

/// Whether approval takes more words than one stage of one quorum.
pub fn is_staged(stages: &[Stage]) -> bool {
    match stages {
        [] => false,
        [one] => one.clauses.len() > 1 || one.denials > 1 || one.name.is_some(),
        _ => true,
    }
}

/// What a workflow takes before anything is decided, for example `one of group:dba; then 2 of group:security`. Not escaped.
pub fn takes(workflow: &Workflow) -> String {
    let clause = |clause: &Clause| match (clause.needed(), clause.by.as_slice()) {
        (1, [only]) if only.is_one_person() => plain_whos(&clause.by, "or"),
        (1, _) => format!("one of {}", plain_whos(&clause.by, "or")),
        (count, _) => format!("{count} of {}", plain_whos(&clause.by, "or")),
    };
    let stage = |stage: &Stage| stage.clauses.iter().map(clause).collect::<Vec<_>>().join(", and ");
    workflow.approve.iter().map(stage).collect::<Vec<_>>().join("; then ")
}

/// The state as one sign.
pub fn emoji(request: &Request) -> &'static str {
    if request.stuck {
        return "🚨";
    }
    match (request.state, request.outcome) {
        (State::Ended, _) if request.is_left_on() => "⚠️",
        (State::Pending, _) => "⏳",
        (State::Approved | State::Activating, _) => "🔄",
        (State::Active, _) => "🟢",
        (State::Ending | State::Ended, Some(Outcome::Failed)) => "❌",
        (State::Ending | State::Ended, Some(Outcome::Done)) => "✅",
        (State::Ending, _) => "🔄",
        (State::Ended, Some(Outcome::Denied)) => "⛔",
        (State::Ended, Some(Outcome::Lapsed)) => "💤",
        (State::Ended, Some(Outcome::Withdrawn)) => "↩️",
        (State::Ended, _) => "🔒",
    }
}

/// Where a request is, in a few words for one line. Says nothing that is not yet so. No markup.
pub fn state_line(request: &Request) -> &'static str {
    if request.stuck {
        return "STUCK: taking it back does not work yet";
    }
    match (request.state, request.outcome) {
        (State::Pending, _) => "waiting for approval",
        (State::Approved, _) => "approved, not on yet",
        (State::Activating, _) => "approved, being switched on",
        (State::Active, _) => "active",
        (State::Ending, Some(Outcome::Done)) => "done",
        (State::Ending, Some(Outcome::Failed)) => "failed, what was begun is being taken back",
        (State::Ending, _) => "being taken back",
        (State::Ended, _) if request.is_left_on() => "over, and still on by somebody else's doing",
        (State::Ended, outcome) => outcome_word(outcome),
    }
}

/// How it ended, in a word or two. No markup.
pub fn outcome_word(outcome: Option<Outcome>) -> &'static str {
    match outcome {
        Some(Outcome::Denied) => "denied",
        Some(Outcome::Lapsed) => "lapsed, nobody answered in time",
        Some(Outcome::Withdrawn) => "withdrawn",
        Some(Outcome::Failed) => "failed",
        Some(Outcome::Returned) => "returned",
        Some(Outcome::Revoked) => "revoked",
        Some(Outcome::Expired) => "over, its time was up",
        Some(Outcome::Done) => "done",
        Some(Outcome::Unknown) | None => "ended",
    }
}
