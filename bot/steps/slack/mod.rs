//! Step types that hold something in Slack, and what those share that make somebody a member of something for a while.

pub mod channel;
pub mod message;
pub mod user_group;

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::clock::Clock;
use crate::kernel::request::Found;
use crate::kernel::step_type::{Lends, SettingMistake};
use crate::kernel::{Failure, Key, Proof};
use crate::outside::slack::{Slack, SlackError, Standing, UserGroup};
use crate::planted::{Fault, is_planted};
use crate::steps::{Before, Holder};

/// A call that did not work, in words for people.
fn failure(error: &SlackError) -> Failure {
    tracing::info!(%error, "a call of a step failed");
    let (what, advice) = error.for_people();
    Failure { what, advice, retryable: error.is_retryable(), retry_after_ms: error.retry_after_ms() }
}

/// A failure that only a person can mend.
fn refusal(what: String, advice: &str) -> Failure {
    Failure { what, advice: advice.to_owned(), retryable: false, retry_after_ms: None }
}

/// What is wrong with who is meant: only somebody known by the request, never an id written in the file.
fn user(user: Option<&Value>) -> Option<SettingMistake> {
    let is_reference = |text: &str| text.trim().starts_with("{{") && text.trim().ends_with("}}");
    match user {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) if is_reference(text) => None,
        Some(_) => {
            let help = "write user: \"{{ inputs.NAME }}\" with an input of type person, or leave it out: then it is the requester";
            Some(SettingMistake::new("user", "`user` must be the requester or an input of type person", help))
        }
    }
}

/// What somebody is made a member of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::steps::slack) enum Place {
    /// A user group. Its members are written as a whole, so that one is written after the other.
    Group,
    /// A channel.
    Channel,
}

/// Makes people members and takes them out again.
pub(in crate::steps::slack) struct Membership {
    slack: Slack,
    clock: Clock,
    place: Place,
    /// One list of members is read and written at a time.
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// The same as it is now.
enum Now {
    Group(UserGroup, Vec<String>),
    Channel(String, Vec<String>),
}

impl Now {
    fn members(&self) -> &[String] {
        match self {
            Self::Group(_, members) | Self::Channel(_, members) => members,
        }
    }
}

impl Membership {
    pub(in crate::steps::slack) fn new(slack: Slack, clock: Clock, place: Place) -> Self {
        Self { slack, clock, place, turn: Arc::default() }
    }

    async fn read(&self, name: &str) -> Result<Now, Failure> {
        match self.place {
            Place::Group => {
                let groups = self.slack.usergroups_list().await.map_err(|error| failure(&error))?;
                let mut found = groups.into_iter().filter(|group| group.handle.eq_ignore_ascii_case(name));
                let group = found.next().ok_or_else(|| {
                    refusal(
                        format!("there is no user group @{name} in Slack"),
                        "make it, or correct its name in the workflow",
                    )
                })?;
                if found.next().is_some() {
                    return Err(refusal(format!("more than one user group is called @{name}"), "rename one of them"));
                }
                let members = self.slack.usergroup_members(&group).await.map_err(|error| failure(&error))?;
                Ok(Now::Group(group, members))
            }
            Place::Channel => {
                let id = self.slack.channel_id(name).await.map_err(|error| failure(&error))?;
                let id = id.ok_or_else(|| {
                    refusal(
                        format!("there is no channel {name} that the app can see"),
                        "make it, or invite the app to it",
                    )
                })?;
                let members = self.slack.channel_members(&id).await.map_err(|error| failure(&error))?;
                Ok(Now::Channel(id, members))
            }
        }
    }

    /// Whether they are a member before anything was done.
    pub(in crate::steps::slack) async fn was_member(&self, key: &Key) -> Result<bool, Failure> {
        let (name, user) = address(key)?;
        match self.read(name).await {
            Ok(now) => Ok(now.members().iter().any(|member| member == user)),
            // Granting says so; there is nothing to be taken back.
            Err(error) if !error.retryable => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(in crate::steps::slack) async fn settle(
        &self,
        key: &Key,
        holders: &[Holder],
        before: &Before,
        was_member: bool,
    ) -> Result<Proof, Failure> {
        let (name, user) = address(key)?;
        let _turn = self.turn.lock().await;
        let found = match holders.is_empty() {
            false => self.hold(name, user, holders, was_member).await?,
            true => self.release(name, user, before, was_member).await?,
        };
        Ok(Proof { at: self.clock.now_ms(), found })
    }

    async fn hold(&self, name: &str, user: &str, holders: &[Holder], was_member: bool) -> Result<Found, Failure> {
        if holders.iter().any(|holder| holder.is_new) {
            self.check(user).await?;
        }
        let now = self.read(name).await?;
        let is_in = now.members().iter().any(|member| member == user);
        match (is_in, was_member) {
            (true, true) => return Ok(Found::OnBefore),
            (true, false) => return Ok(Found::On { until: None }),
            (false, _) => {}
        }
        if holders.iter().any(|holder| !holder.is_new && holder.confirmed_until.is_some()) {
            return Ok(Found::TakenAway);
        }
        if self.place == Place::Group && now.members().is_empty() {
            let advice = "put somebody in who stays: Slack lets no group be empty again";
            return Err(refusal(format!("@{name} has no permanent member"), advice));
        }
        let done = self.change(&now, user, true).await;
        match self.confirm(name, user, done, true).await? {
            true => Ok(Found::On { until: None }),
            false => Err(lasting(format!("Slack took it, but they do not read back as a member of {name}"))),
        }
    }

    async fn release(&self, name: &str, user: &str, before: &Before, was_member: bool) -> Result<Found, Failure> {
        let now = match self.read(name).await {
            Ok(now) => now,
            // What is gone has no members.
            Err(error) if !error.retryable && before.confirmed => return Ok(Found::Gone),
            Err(error) if !error.retryable => return Ok(Found::Untouched),
            Err(error) => return Err(error),
        };
        let is_in = now.members().iter().any(|member| member == user);
        if was_member {
            let what = if is_in { "they were a member before" } else { "they were a member before, and are none now" };
            return Ok(match is_in {
                true => Found::PutBack { what: what.to_owned(), is_on: true },
                false => Found::LeftAlone { what: what.to_owned(), is_on: false },
            });
        }
        if !is_in || is_planted(Fault::KeepsMember) {
            return Ok(Found::Gone);
        }
        if self.place == Place::Group && now.members().len() == 1 {
            let advice = "put somebody in who stays, or take them out by hand: Slack lets no group be empty";
            return Err(refusal(format!("nobody else is in @{name}"), advice));
        }
        let done = self.change(&now, user, false).await;
        match self.confirm(name, user, done, false).await? {
            true => Ok(Found::Gone),
            false => Err(lasting(format!("Slack took it, but they still read back as a member of {name}"))),
        }
    }

    /// Only a full member of the workspace, read now.
    async fn check(&self, user: &str) -> Result<(), Failure> {
        let known = self.slack.users_info(user).await.map_err(|error| failure(&error))?;
        let own = match self.slack.own_team() {
            Some(own) => own,
            None => self.slack.auth_test().await.map_err(|error| failure(&error))?,
        };
        match known.standing(&own) {
            Standing::Member => Ok(()),
            _ => Err(refusal("only a full member of the workspace can be put in".to_owned(), "ask for somebody else")),
        }
    }

    async fn change(&self, now: &Now, user: &str, is_in: bool) -> Result<(), SlackError> {
        match now {
            Now::Group(group, members) => {
                let mut users: Vec<&str> =
                    members.iter().map(String::as_str).filter(|member| *member != user).collect();
                if is_in {
                    users.push(user);
                }
                self.slack.usergroup_replace(group, &users).await
            }
            Now::Channel(channel, _) if is_in => self.slack.invite(channel, user).await,
            Now::Channel(channel, _) => self.slack.kick(channel, user).await,
        }
    }

    /// Reads back: a call that failed may have worked, and one that worked may not have.
    async fn confirm(
        &self,
        name: &str,
        user: &str,
        done: Result<(), SlackError>,
        is_in: bool,
    ) -> Result<bool, Failure> {
        if let Err(error) = &done
            && !error.may_have_happened()
        {
            return Err(failure(error));
        }
        let now = self.read(name).await?;
        let is_right = now.members().iter().any(|member| member == user) == is_in;
        match done {
            Err(error) if !is_right => Err(failure(&error)),
            _ => Ok(is_right),
        }
    }
}

fn lasting(what: String) -> Failure {
    Failure { what, advice: String::new(), retryable: true, retry_after_ms: None }
}

/// The handle or channel, and the person.
fn address(key: &Key) -> Result<(&str, &str), Failure> {
    let none = || refusal(format!("`{key}` is not a place and a person"), "this is a bug of ours");
    key.address().split_once(' ').ok_or_else(none)
}

/// Who is where; the name of what is touched says as much.
pub(in crate::steps::slack) fn placed(with: &Map<String, Value>, setting: &str) -> Lends {
    let place = with.get(setting).and_then(Value::as_str).unwrap_or_default();
    Lends { words: format!("a place in {place}"), is_in_key: true }
}

/// The same as text, of filled settings.
pub(in crate::steps::slack) fn written(with: &Map<String, Value>, setting: &str) -> Result<String, String> {
    let text = |name: &str| with.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let place = text(setting).ok_or_else(|| format!("no {setting}"))?.trim_start_matches('@');
    let user = text("user").ok_or("nobody")?;
    if place.contains(' ') || user.contains(' ') {
        return Err(format!("a {setting} or person with a space"));
    }
    Ok(format!("{} {user}", if setting == "group" { place.to_lowercase() } else { place.to_owned() }))
}
