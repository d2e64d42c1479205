//! Words that do not stand in a template because others need them too: refusals, times, names, states.

use jiff::Timestamp;

use crate::kernel::approval::{ClauseNow, StageNow};
use crate::kernel::person::{Standing, Who};
use crate::kernel::workflow::{Clause, Stage};
use crate::kernel::{By, Outcome, Refusal, Request, State, Workflow};

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

fn plain_whos(whos: &[Who], last: &str) -> String {
    let mut names: Vec<String> = whos.iter().take(10).map(|who| one_line(&who.to_string(), 80)).collect();
    match whos.len().saturating_sub(10) {
        0 => {}
        more => names.push(format!("{more} more")),
    }
    listed(&names, last)
}

/// Whom a stage still takes, for example `one more of group:security, and 2 of group:dba or @db-oncall`. Not escaped.
pub fn missing(stage: &StageNow<'_>) -> String {
    let one = |clause: &ClauseNow<'_>| {
        let by = plain_whos(&clause.clause.by, "or");
        let count = match clause.missing {
            1 => "one".to_owned(),
            count => count.to_string(),
        };
        match (clause.yeses.is_empty(), clause.clause.by.as_slice()) {
            (true, [Who::Email(_)]) => by,
            (true, _) => format!("{count} of {by}"),
            (false, _) => format!("{count} more of {by}"),
        }
    };
    stage.open_clauses().map(one).collect::<Vec<_>>().join(", and ")
}

/// What people call a stage, for example `Stage 2 (security)`. Not escaped.
pub fn stage_title(workflow: &Workflow, index: usize) -> String {
    let name = workflow.approve.get(index).and_then(|stage| stage.name.as_ref()).map(|name| one_line(name, 60));
    match (workflow.approve.len(), name) {
        (0 | 1, None) => "Approval".to_owned(),
        (0 | 1, Some(name)) => name,
        (_, None) => format!("Stage {}", index.saturating_add(1)),
        (_, Some(name)) => format!("Stage {} ({name})", index.saturating_add(1)),
    }
}

/// Whether approval takes more words than one stage of one quorum.
pub fn is_staged(workflow: &Workflow) -> bool {
    match workflow.approve.as_slice() {
        [] => false,
        [one] => one.clauses.len() > 1 || one.denials > 1 || one.name.is_some(),
        _ => true,
    }
}

/// What a workflow takes before anything is decided, for example `one of group:dba; then 2 of group:security`. Not escaped.
pub fn takes(workflow: &Workflow) -> String {
    let clause = |clause: &Clause| match (clause.needed(), clause.by.as_slice()) {
        (1, [Who::Email(_)]) => plain_whos(&clause.by, "or"),
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
        Some(Outcome::Unknown) | None => "ended",
    }
}

/// Why somebody may not, and what to do next. In mrkdwn, safe as it is; whoever reads it is `you`.
pub fn refusal(why: &Refusal, request: Option<&Request>) -> String {
    match why {
        Refusal::MayNotAsk { ask } => format!(
            "You cannot ask for {}: that takes {}. If you should be among them, ask an admin to add you, then try again.",
            called(request),
            member_of(ask)
        ),
        Refusal::NotAnApprover { by } => format!(
            "You are not an approver of {}, so nothing was counted. It takes {}.",
            called(request),
            member_of(by)
        ),
        Refusal::StageIsOver { by } => waits_for_others(request, by, "The stage in which you could decide is through"),
        Refusal::StageComesLater { by } => waits_for_others(request, by, "Your turn comes later"),
        Refusal::NotNeeded { by } => waits_for_others(request, by, "Enough of the people you belong to have approved"),
        Refusal::OwnRequest => {
            format!("This is your own request, and nobody approves their own. {} has to decide.", others(request))
        }
        Refusal::OwnDenial => {
            let line = request.map(|request| format!(" or `/access withdraw {}`", escape(&request.workflow.name)));
            format!(
                "This is your own request, and nobody decides their own. Take it back with Withdraw{}.",
                line.unwrap_or_default()
            )
        }
        Refusal::ConfirmOwnRequest => {
            "This is your own request. You may approve it yourself; that will be written down. Are you sure?".to_owned()
        }
        Refusal::DecidedBefore => {
            "You have decided on this request already; each person counts once. Nothing changed.".to_owned()
        }
        Refusal::TooLate { state, outcome, by } => too_late(*state, *outcome, by, request),
        Refusal::TooEarly { state: State::Pending } => {
            "That comes too early: the request still waits for approval, and nothing is on. Until then \
             its requester can withdraw it and an approver can deny it."
                .to_owned()
        }
        Refusal::TooEarly { state } => {
            format!("That comes too early: the request is {} and nothing has to be tried again.", state.word())
        }
        Refusal::NotYours => "This is somebody else's request, and only they can do that. Approvers can use Revoke \
                              once it is approved, or Deny before."
            .to_owned(),
        Refusal::Standing { standing } => standing_words(*standing).to_owned(),
        Refusal::Altered => "What you saw is not what is stored (an old or foreign message), so nothing was counted. \
                             Use the newest message about this request, or `/access list`."
            .to_owned(),
        Refusal::HoldTooLong { max_ms } if *max_ms <= 0 => {
            format!("{} does not say how long it can be lent. Ask whoever looks after it to fix it.", called(request))
        }
        Refusal::HoldTooLong { max_ms } => {
            format!("That is too long: the most is {}. Ask again with a shorter time.", hold(*max_ms))
        }
        Refusal::TooManyPending { most } => format!(
            "You have {most} requests that wait for a decision, and nobody may have more, so nothing was asked. Withdraw one (`/access list` shows them), \
             or wait until somebody decides."
        ),
        Refusal::Unusable { missing } => format!(
            "This workflow cannot be used: it has no {}. Ask whoever looks after it to fix it.",
            escape(&one_line(missing, 80))
        ),
    }
}

fn waits_for_others(request: Option<&Request>, by: &[Who], why: &str) -> String {
    format!("{why}, so nothing was counted: {} waits for {} now.", called(request), member_of(by))
}

fn called(request: Option<&Request>) -> String {
    request.map_or_else(|| "this".to_owned(), |request| format!("*{}*", escape(&one_line(&request.workflow.title, 80))))
}

fn member_of(who: &[Who]) -> String {
    if who.is_empty() {
        "somebody this workflow does not name".to_owned()
    } else {
        format!("one of {}", whos(who, "or"))
    }
}

fn others(request: Option<&Request>) -> String {
    let rules = |request: &Request| {
        let approval = request.approval();
        let rules: Vec<Who> = approval.open().into_iter().flat_map(|open| open.stage.rules()).cloned().collect();
        whos(&rules, "or")
    };
    match request.map(rules) {
        Some(by) if !by.is_empty() => format!("Somebody else of {by}"),
        _ => "Somebody else".to_owned(),
    }
}

fn too_late(state: State, outcome: Option<Outcome>, by: &[String], request: Option<&Request>) -> String {
    let by_people = |ids: &[String]| {
        let people: Vec<String> = ids.iter().take(5).map(|id| mention(id)).collect();
        if people.is_empty() { String::new() } else { format!(" by {}", listed(&people, "and")) }
    };
    // Everybody who had a part in it; as long as nobody ended it, that is who approved.
    let approved = by_people(by);
    let ended = request.and_then(|request| request.ended_by.as_ref()).map(By::to_string);
    match (state, outcome) {
        // A denial is always the last decision.
        (_, Some(Outcome::Denied)) => {
            let denied = by_people(by.last().map(std::slice::from_ref).unwrap_or_default());
            format!("Too late: it was denied{denied}. Nothing changed.")
        }
        (_, Some(Outcome::Withdrawn)) => "Too late: the requester took it back before it was decided.".to_owned(),
        (_, Some(Outcome::Lapsed)) => {
            "Too late: nobody answered in time, and the request lapsed. It can be asked again.".to_owned()
        }
        (State::Ended, Some(Outcome::Failed)) => {
            format!(
                "Too late: it was approved{approved}, but granting failed. Retry tries it again for a while; else ask again."
            )
        }
        (_, Some(Outcome::Failed)) => {
            format!("Too late: it was approved{approved}, granting failed, and what was begun is being taken back.")
        }
        (State::Ending | State::Ended, outcome) => {
            let how = match outcome {
                Some(Outcome::Returned) => "its holder gave it back".to_owned(),
                Some(Outcome::Revoked) if request.is_some() && ended.is_none() => {
                    "somebody took it away by hand in the tailnet".to_owned()
                }
                Some(Outcome::Revoked) => {
                    format!("it was revoked{}", by_people(ended.as_slice()))
                }
                Some(Outcome::Expired) => format!("it was approved{approved}, and its time was up"),
                _ => "it has ended".to_owned(),
            };
            let now = if state == State::Ended { "It can be asked again." } else { "It is being taken back." };
            format!("Too late: {how}. {now}")
        }
        (State::Active, _) => format!("Too late: it was approved{approved} and is active."),
        (State::Approved | State::Activating, _) => {
            format!("Too late: it was approved{approved}; it is being switched on.")
        }
        (State::Pending, _) => "That cannot be done while the request waits for approval.".to_owned(),
    }
}

fn standing_words(standing: Standing) -> &'static str {
    match standing {
        Standing::Member => "Your account may do this.",
        Standing::Guest => {
            "Guests of the workspace cannot ask or decide here. Ask a full member to do it, or an admin to make you one."
        }
        Standing::Outsider => {
            "People of another company cannot ask or decide here, also not in a shared channel. Ask somebody of this \
             workspace to do it."
        }
        Standing::Bot => "Programs cannot ask or decide here. A person has to do it.",
        Standing::Deactivated => "This Slack account is switched off, so nothing was counted.",
        Standing::Unknown => {
            "Slack did not say who you are, so nothing was counted. Try again; if it stays like this, tell an admin."
        }
    }
}
