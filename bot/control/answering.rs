//! What each call does, and what is said of it. Everything that is said was saved before.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::listed::name_of;
use super::{Call, Listed, Reply};
use crate::engine::Engine;
use crate::engine::operating::Judged;
use crate::kernel::{Button, By, Operator, Outcome, Refusal, Request, RequestId, State, hold};
use crate::notices::words;

/// Answers calls with the engine. Cloning shares it.
#[derive(Clone)]
pub struct Answering {
    engine: Engine,
    /// User of this machine to the person they are.
    operators: Arc<BTreeMap<String, String>>,
}

impl Answering {
    /// `operators` is the configuration's table.
    pub fn new(engine: Engine, operators: BTreeMap<String, String>) -> Self {
        Self { engine, operators: Arc::new(operators) }
    }

    /// Does what this operator wants.
    pub async fn answer(&self, by: &Operator, call: Call) -> Reply {
        let answered = match call {
            Call::Requests { all, limit } => self.requests(all, limit).await,
            Call::Approve { id, confirmed, hold_ms } => self.approve(by, &id, (confirmed, hold_ms)).await,
            Call::Extend { id, length_ms } => self.extend(by, &id, length_ms).await,
            Call::Deny { id, reason } => self.deny(by, &id, reason).await,
            Call::Revoke { id, reason } => self.revoke(by, &id, reason).await,
            Call::Backup { to } => self.backup(&to).await,
            Call::Snapshot { only } => self.snapshot(only.as_deref()).await,
        };
        answered.unwrap_or_else(Reply::no)
    }

    async fn snapshot(&self, only: Option<&str>) -> Result<Reply, String> {
        let taken = match only {
            Some(named) => self.engine.snapshot_of(named).await,
            None => self.engine.snapshot().await,
        };
        taken.map(|snapshot| Reply::Snapshot { snapshot }).map_err(|failure| failure.what)
    }

    async fn requests(&self, all: bool, limit: u32) -> Result<Reply, String> {
        let limit = limit.clamp(1, 10_000);
        let mut found = self.engine.listed(all, i64::from(limit) + 1).await.map_err(|error| error.to_string())?;
        let more = found.len() > usize::try_from(limit).unwrap_or(usize::MAX);
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        // Over, and not done with.
        if !all {
            let reviews = self.engine.open_reviews().await.map_err(|error| error.to_string())?;
            found.extend(reviews.into_iter().filter(|request| request.state == State::Ended));
        }
        Ok(Reply::Requests { requests: found.iter().map(Listed::of).collect(), more })
    }

    async fn approve(
        &self,
        by: &Operator,
        id: &str,
        (confirmed, hold_ms): (bool, Option<i64>),
    ) -> Result<Reply, String> {
        let named = self.person(by, "approving")?;
        let request = self.find(id).await?;
        let judged = self.engine.press_as((by, named), &request, Button::Approve { confirmed, hold_ms }).await;
        match judged.map_err(|error| error.to_string())? {
            Judged::Counted(now) => Ok(Reply::done(counted(named, &now))),
            Judged::Refused(Refusal::ConfirmOwnRequest { .. }) => {
                let shorter = hold_ms.map(|hold_ms| format!(" --for {}", hold::show(hold_ms))).unwrap_or_default();
                Err(format!(
                    "this is the own request of {named}; to approve it all the same, which will be written down: nightlatch approve --confirm{shorter} {id}"
                ))
            }
            Judged::Refused(why) => {
                Err(format!("not counted, as {named}: {}", plain(&self.engine.notices().refusal(&why, Some(&request)))))
            }
            Judged::Waits => Ok(Reply::done(format!(
                "saved; whether it counts is decided as soon as Slack and the tailnet say who {named} is"
            ))),
            Judged::NotCounted => Err(format!("not counted; {named} was told why in Slack")),
        }
    }

    /// It is the holder's own wish: whoever is another person is told so.
    async fn extend(&self, by: &Operator, id: &str, length_ms: i64) -> Result<Reply, String> {
        let named = self.person(by, "extending")?;
        let request = self.find(id).await?;
        let judged = self.engine.press_as((by, named), &request, Button::Extend { length_ms }).await;
        match judged.map_err(|error| error.to_string())? {
            Judged::Counted(now) => Ok(Reply::done(extended(named, &now))),
            Judged::Refused(why) => {
                let why = self.engine.notices().refusal(&why, Some(&request));
                Err(format!("not extended, as {named}: {}", plain(&why)))
            }
            Judged::Waits => Ok(Reply::done(format!(
                "saved; whether it counts is decided as soon as Slack and the tailnet say who {named} is"
            ))),
            Judged::NotCounted => Err(format!("not extended; {named} was told why in Slack")),
        }
    }

    /// Who this user of the machine is.
    fn person(&self, by: &Operator, doing: &str) -> Result<&str, String> {
        self.operators.get(&by.user).map(String::as_str).ok_or_else(|| {
            format!(
                "{doing} takes a person, and the configuration does not say who {by} is: write \
                 `operators: {{ {}: alice@example.com }}` and restart; denying and revoking need no person",
                by.user
            )
        })
    }

    async fn deny(&self, by: &Operator, id: &str, reason: String) -> Result<Reply, String> {
        let request = self.find(id).await?;
        if request.is_extension_asked() {
            let told = self.engine.deny_by(by, &request.ask.id, reason).await.map_err(|error| error.to_string())?;
            let now = &told.request;
            return Ok(Reply::done(format!("denied: {} is not extended, and ends {}", called(now), ends(now))));
        }
        if request.state != State::Pending {
            let what = match request.state {
                State::Ending | State::Ended => "there is nothing to deny".to_owned(),
                _ => format!("to take it back: nightlatch revoke {id}"),
            };
            return Err(format!("{}; {what}", is_now(&request)));
        }
        let told = self.engine.deny_by(by, &request.ask.id, reason).await.map_err(|error| error.to_string())?;
        let now = &told.request;
        if now.outcome == Some(Outcome::Denied) && now.ended_by == Some(By::Operator(by.clone())) {
            return Ok(Reply::done(format!("denied: {}; nothing was switched on", called(now))));
        }
        Err(format!("somebody was faster: {}", is_now(now)))
    }

    async fn revoke(&self, by: &Operator, id: &str, reason: String) -> Result<Reply, String> {
        let request = self.find(id).await?;
        match request.state {
            State::Pending => {
                return Err(format!("{}, and nothing is on; to say no: nightlatch deny {id}", is_now(&request)));
            }
            State::Ending | State::Ended => return Err(is_now(&request)),
            State::Approved | State::Activating | State::Active => {}
        }
        let told = self.engine.revoke_by(by, &request.ask.id, reason).await.map_err(|error| error.to_string())?;
        let now = &told.request;
        if now.outcome != Some(Outcome::Revoked) || now.ended_by != Some(By::Operator(by.clone())) {
            return Err(format!("somebody was faster: {}", is_now(now)));
        }
        Ok(Reply::done(match now.state {
            State::Ended => format!("revoked: {}; nothing was on yet", called(now)),
            _ => format!(
                "revoked: {}; it is being taken back, and `nightlatch requests` lists it until that was read back",
                called(now)
            ),
        }))
    }

    async fn backup(&self, to: &Path) -> Result<Reply, String> {
        if !to.is_absolute() {
            return Err(format!("{} is no absolute path", to.display()));
        }
        let size = self.engine.backup(to).await.map_err(|error| error.to_string())?;
        Ok(Reply::done(format!("{} holds the database as it was a moment ago, {size} bytes", to.display())))
    }

    async fn find(&self, id: &str) -> Result<Request, String> {
        let asked = RequestId(id.trim().to_lowercase());
        if let Some(request) = self.engine.request(&asked).await.map_err(|error| error.to_string())? {
            return Ok(request);
        }
        let ids = self.engine.newest_ids().await.map_err(|error| error.to_string())?;
        let near = ids.iter().map(|other| (strsim::damerau_levenshtein(other, asked.as_str()), other)).min();
        let advice = match near {
            Some((distance, other)) if distance <= 4 || other.starts_with(asked.as_str()) => {
                format!("did you mean {other}?")
            }
            Some(_) => "nightlatch requests --all lists them".to_owned(),
            None => "there is none at all".to_owned(),
        };
        Err(format!("there is no request {id}; {advice}"))
    }
}

/// For example `01kj... (prod-db for alice@example.com)`.
fn called(request: &Request) -> String {
    format!("{} ({} for {})", request.ask.id, request.workflow.name, name_of(&request.requester))
}

fn is_now(request: &Request) -> String {
    let how = match (request.state, request.outcome) {
        (State::Pending, _) => "waits for a decision".to_owned(),
        (State::Approved | State::Activating, _) => "is being switched on".to_owned(),
        (State::Active, _) => "is active".to_owned(),
        (State::Ending, Some(outcome)) => format!("is being taken back ({})", outcome.word()),
        (State::Ending, None) => "is being taken back".to_owned(),
        (State::Ended, Some(outcome)) => format!("has ended ({})", outcome.word()),
        (State::Ended, None) => "has ended".to_owned(),
    };
    format!("{} {how}", called(request))
}

/// When it ends, as scripts read times.
fn ends(request: &Request) -> String {
    let at = request.expires_at.and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
    at.map(|at| format!("{at:.0}")).unwrap_or_default()
}

/// Says no later end before that was read back.
fn extended(named: &str, now: &Request) -> String {
    let missing = now.approval().open().map(words::missing).filter(|_| now.is_extension_asked());
    match (&now.extending, missing) {
        (Some(_), Some(missing)) => {
            format!(
                "asked, as {named}: it waits for {}, and until then {} ends {}",
                plain(&missing),
                called(now),
                ends(now)
            )
        }
        (Some(_), None) => {
            format!("saved, as {named}: {} ends {} until a later end is confirmed", called(now), ends(now))
        }
        (None, _) => format!("extended, as {named}: {} ends {}", called(now), ends(now)),
    }
}

fn counted(named: &str, now: &Request) -> String {
    let waits = now.approval().open().map(words::missing).filter(|_| now.is_waiting());
    let shorter = now.shortened().filter(|_| !now.is_extension_asked()).map(|(lent_ms, _)| {
        format!(", for {} of the {} that were asked", hold::show(lent_ms), hold::show(now.hold_ms))
    });
    let shorter = shorter.unwrap_or_default();
    match waits {
        Some(missing) => format!("counted, as {named}{shorter}: {} waits for {}", called(now), plain(&missing)),
        None => format!("approved, as {named}{shorter}: {}", is_now(now)),
    }
}

/// Slack's markup taken out of a sentence; a time is what it says where it cannot be shown in one's own zone.
fn plain(text: &str) -> String {
    let mut parts = text.split("<!date^");
    let first = parts.next().unwrap_or_default().to_owned();
    let text = parts.fold(first, |said, part| {
        let (time, rest) = part.split_once('>').unwrap_or((part, ""));
        format!("{said}{}{rest}", time.rsplit('|').next().unwrap_or_default())
    });
    let text = text.replace(['*', '`'], "").replace("<@", "").replace("&lt;", "<").replace("&gt;", ">");
    text.replace("&amp;", "&")
}
