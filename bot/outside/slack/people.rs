//! Who people are in Slack: fresh user records, what they make of a person, user groups, and the channels they are in.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use serde_json::{Value, json};

use super::pace::{Limit, Method};
use super::{Slack, SlackError};
use crate::clock::Stamp;

const AUTH_TEST: Method = Method::new("auth.test", Limit::Unpaced);
const BOTS_INFO: Method = Method::new("bots.info", Limit::Tier3);
/// Which app we are is worth no long wait.
const APP_LIMIT: Duration = Duration::from_secs(2);
const USERS_INFO: Method = Method::new("users.info", Limit::Tier4);
const USERS_LIST: Method = Method::new("users.list", Limit::Tier2);
const LOOKUP_BY_EMAIL: Method = Method::new("users.lookupByEmail", Limit::Tier3);
const CONVERSATIONS_INFO: Method = Method::new("conversations.info", Limit::Tier3);

/// People on one page of `users.list`.
const PAGE_SIZE: &str = "500";

/// Slackbot's id is the same everywhere, and its record says `is_bot: false`.
const SLACKBOT: &str = "USLACKBOT";
/// Above this many remembered people, those loaded more than a minute ago are forgotten.
const PEOPLE_MAX: usize = 4_096;
const PEOPLE_KEPT_MS: i64 = 60_000;

/// Ourselves, as `auth.test` tells. Everything that comes in is compared with this and never with itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnTeam {
    /// `T...`; for an org-wide install `E...`.
    pub team_id: String,
    /// `E...` when the workspace belongs to an Enterprise org.
    pub enterprise_id: Option<String>,
    /// The bot's user, `U...`.
    pub bot_user_id: String,
    /// The bot itself, `B...`.
    pub bot_id: Option<String>,
    /// `A...`; Slack does not always say.
    pub app_id: Option<String>,
    /// Installed for a whole org: payloads then come without a team.
    pub is_enterprise_install: bool,
    /// Where people open it: `https://acme.slack.com/`.
    pub url: Option<String>,
}

impl OwnTeam {
    /// The address of a message in it, if Slack said where people open it.
    pub fn link_to(&self, channel: &str, ts: &str) -> Option<String> {
        let base = self.url.as_deref().filter(|url| url.starts_with("https://"))?.trim_end_matches('/');
        Some(format!("{base}/archives/{channel}/p{}", ts.replace('.', "")))
    }
}

/// A person's membership in an Enterprise org.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enterprise {
    /// `E...`
    pub id: String,
    /// The workspaces of the org the person is in, `T...`.
    pub teams: Vec<String>,
}

/// A user record. The flags are `None` when Slack did not say; see `standing` for what that means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlackUser {
    /// `U...` or `W...`; the letter means nothing.
    pub id: String,
    /// The home workspace.
    pub team_id: Option<String>,
    /// The handle; may change at any time, never to be matched on.
    pub name: String,
    /// For display: the real name, else the display name, else the handle. Never to be matched on.
    pub real_name: String,
    /// Missing without the scope `users:read.email`, for people of other companies, and while Slack waits for its owner to
    /// confirm it (`is_email_confirmed`): until then it is only what somebody typed.
    pub email: Option<String>,
    /// IANA time zone, e.g. `Europe/Berlin`.
    pub tz: Option<String>,
    /// Deactivated.
    pub deleted: Option<bool>,
    /// A bot (or a workflow, which Slack marks separately).
    pub is_bot: Option<bool>,
    /// A guest of either kind.
    pub is_restricted: Option<bool>,
    /// A guest of a single channel; Slack sets both marks then.
    pub is_ultra_restricted: Option<bool>,
    /// From another company, sharing no channel with us. Those who share one have false here.
    pub is_stranger: Option<bool>,
    /// Enterprise orgs only.
    pub enterprise: Option<Enterprise>,
}

/// What a person is to us. Only `Member` may ask or decide unless a workflow says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A full, active, human member of our workspace (or of our org, when installed for the org).
    Member,
    /// A guest of our workspace.
    Guest,
    /// Somebody else's member.
    Outsider,
    /// Not a human.
    Bot,
    /// Was somebody.
    Deactivated,
    /// Slack did not say enough; to be refused.
    Unknown,
}

impl SlackUser {
    /// Reads a `user` object. `None` without an id.
    pub fn from_value(user: &Value) -> Option<Self> {
        let text = |pointer: &str| user.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
        let flag = |name: &str| user.get(name).and_then(Value::as_bool);
        let id = text("/id")?.to_owned();
        let name = text("/name").unwrap_or(&id).to_owned();
        let real_name = text("/real_name").or(text("/profile/real_name")).or(text("/profile/display_name"));
        let is_bot = if flag("is_workflow_bot") == Some(true) { Some(true) } else { flag("is_bot") };
        let enterprise = text("/enterprise_user/enterprise_id").map(|org| {
            let teams = user.pointer("/enterprise_user/teams").and_then(Value::as_array);
            let teams = teams.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
            Enterprise { id: org.to_owned(), teams }
        });
        Some(Self {
            team_id: text("/team_id").map(str::to_owned),
            real_name: real_name.map_or_else(|| name.clone(), str::to_owned),
            email: text("/profile/email").filter(|_| flag("is_email_confirmed") != Some(false)).map(str::to_owned),
            tz: text("/tz").map(str::to_owned),
            deleted: flag("deleted"),
            is_bot,
            is_restricted: flag("is_restricted"),
            is_ultra_restricted: flag("is_ultra_restricted"),
            is_stranger: flag("is_stranger"),
            enterprise,
            id,
            name,
        })
    }

    /// What this person is to us (`apis/slack.md` section 18 rule 1). A missing mark never makes a member.
    ///
    /// `is_ultra_restricted` alone may be missing: Slack never sets it without `is_restricted`.
    pub fn standing(&self, own: &OwnTeam) -> Standing {
        if self.is_bot == Some(true) || self.id == SLACKBOT || self.id == own.bot_user_id {
            return Standing::Bot;
        }
        if self.deleted == Some(true) {
            return Standing::Deactivated;
        }
        let belongs = match self.team_id.as_deref() {
            Some(team_id) => team_id == own.team_id || self.is_in_own_organisation(own),
            // Organisations leave it out for some of their members; then the membership in ours decides.
            None if self.enterprise.is_some() => self.is_in_own_organisation(own),
            None => return Standing::Unknown,
        };
        if self.is_stranger == Some(true) || !belongs {
            return Standing::Outsider;
        }
        if self.is_restricted == Some(true) || self.is_ultra_restricted == Some(true) {
            return Standing::Guest;
        }
        match (self.deleted, self.is_bot, self.is_restricted) {
            (Some(false), Some(false), Some(false)) => Standing::Member,
            _ => Standing::Unknown,
        }
    }

    fn is_in_own_organisation(&self, own: &OwnTeam) -> bool {
        let (Some(org), Some(own_org)) = (&self.enterprise, &own.enterprise_id) else { return false };
        // Installed in one workspace of an org: being in the org is not enough, one must be in the workspace.
        org.id == *own_org && (own.is_enterprise_install || org.teams.contains(&own.team_id))
    }
}

/// What matters about a channel before something is said or decided in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// `C...`, `G...` or `D...`; may change when a channel starts to be shared.
    pub id: String,
    /// Without the `#`; empty for direct messages.
    pub name: String,
    /// People of other companies are in it: decisions taken here do not count. (`is_shared` also means sharing inside
    /// an org, which is not this.)
    pub is_shared_outside: bool,
    /// Only members see it.
    pub is_private: bool,
    /// Nothing can be posted any more.
    pub is_archived: bool,
    /// The bot is in it.
    pub is_member: bool,
}

type Load = Shared<BoxFuture<'static, Result<SlackUser, SlackError>>>;

/// People asked for lately: id, when the question was sent, and the (possibly still running) answer.
#[derive(Default)]
pub(super) struct People {
    loads: Mutex<HashMap<String, (Stamp, Load)>>,
}

impl Slack {
    /// Who we are; also remembered (`own_team`). Call again now and then: a workspace can join an org.
    pub async fn auth_test(&self) -> Result<OwnTeam, SlackError> {
        let answer = self.write(AUTH_TEST, "", json!({})).await?;
        let text =
            |name: &str| answer.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
        let own = OwnTeam {
            team_id: text("team_id").ok_or_else(|| AUTH_TEST.malformed("no team_id"))?,
            enterprise_id: text("enterprise_id"),
            bot_user_id: text("user_id").ok_or_else(|| AUTH_TEST.malformed("no user_id"))?,
            bot_id: text("bot_id"),
            app_id: text("app_id"),
            url: text("url"),
            is_enterprise_install: answer.get("is_enterprise_install").and_then(Value::as_bool).unwrap_or(false),
        };
        let known = self.own_team().filter(|known| known.bot_id == own.bot_id).and_then(|known| known.app_id);
        let own = OwnTeam { app_id: own.app_id.or(known), ..own };
        // First: whoever knows that it is an organisation must know of which workspaces.
        if own.is_enterprise_install {
            self.learn_workspaces().await;
        }
        self.keep_own_team(&own);
        self.learn_app(own).await
    }

    fn keep_own_team(&self, own: &OwnTeam) {
        *self.inner.own_team.lock().unwrap_or_else(PoisonError::into_inner) = Some(own.clone());
    }

    /// Our app's id, if Slack has not told it yet. Without it nothing is refused for naming another app.
    async fn learn_app(&self, own: OwnTeam) -> Result<OwnTeam, SlackError> {
        let (None, Some(bot_id)) = (&own.app_id, &own.bot_id) else { return Ok(own) };
        let workspaces = self.inner.workspaces.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let team = workspaces.into_iter().next();
        let asked = self.read(BOTS_INFO, vec![("bot", Some(bot_id.clone())), ("team_id", team)]);
        let app_id = match tokio::time::timeout(APP_LIMIT, asked).await {
            Ok(Ok(answer)) => answer.pointer("/bot/app_id").and_then(Value::as_str).map(str::to_owned),
            Ok(Err(error)) => {
                tracing::debug!(%error, "Slack does not say which app we are");
                None
            }
            Err(_) => None,
        };
        let own = OwnTeam { app_id, ..own };
        self.keep_own_team(&own);
        Ok(own)
    }

    /// A user record, fresh from Slack.
    pub async fn users_info(&self, user: &str) -> Result<SlackUser, SlackError> {
        let answer = self.read(USERS_INFO, vec![("user", Some(user.to_owned()))]).await?;
        read_user(USERS_INFO, &answer).and_then(|found| {
            // Somebody else's record must never decide about this person.
            if found.id == user { Ok(found) } else { Err(USERS_INFO.malformed("a record of someone else")) }
        })
    }

    /// One page of everybody in the workspace (in the organisation's workspace `team`, if it is one), from `cursor` on, and where the
    /// next one begins. People of other companies are not in it. A record without an id leaves out itself.
    pub async fn users_page(
        &self,
        team: Option<String>,
        cursor: Option<String>,
    ) -> Result<(Vec<SlackUser>, Option<String>), SlackError> {
        let query = vec![("limit", Some(PAGE_SIZE.to_owned())), ("cursor", cursor), ("team_id", team)];
        let answer = self.read(USERS_LIST, query).await?;
        let members = answer.get("members").and_then(Value::as_array);
        let members = members.ok_or_else(|| USERS_LIST.malformed("no members"))?;
        let found: Vec<SlackUser> = members.iter().filter_map(SlackUser::from_value).collect();
        if let odd @ 1.. = members.len().saturating_sub(found.len()) {
            tracing::warn!(odd, "records of Slack's list of people have no id and are left out");
        }
        let next = answer.pointer("/response_metadata/next_cursor").and_then(Value::as_str).unwrap_or_default();
        Ok((found, Some(next.to_owned()).filter(|next| !next.is_empty())))
    }

    /// A user record asked for at most `max_age_ms` ago. Callers at the same time share one question; a failure is
    /// shared by those who waited for it and then forgotten.
    pub async fn user_cached(&self, user: &str, max_age_ms: i64) -> Result<SlackUser, SlackError> {
        let clock = &self.inner.clock;
        let load = {
            let mut loads = self.inner.people.loads.lock().unwrap_or_else(PoisonError::into_inner);
            if loads.len() > PEOPLE_MAX {
                loads.retain(|_, (asked_at, _)| clock.age_ms(*asked_at) < PEOPLE_KEPT_MS);
            }
            match loads.get(user) {
                Some((asked_at, load)) if is_usable(clock.age_ms(*asked_at), load, max_age_ms) => load.clone(),
                _ => {
                    let (slack, id) = (self.clone(), user.to_owned());
                    let load = async move { slack.users_info(&id).await }.boxed().shared();
                    loads.insert(user.to_owned(), (clock.stamp(), load.clone()));
                    load
                }
            }
        };
        load.await
    }

    /// Forgets what is remembered of a person, e.g. when Slack says they changed.
    pub fn forget_user(&self, user: &str) {
        self.inner.people.loads.lock().unwrap_or_else(PoisonError::into_inner).remove(user);
    }

    /// The active person with this address; `None` if there is none (a deactivated one is not found either).
    pub async fn lookup_by_email(&self, email: &str) -> Result<Option<SlackUser>, SlackError> {
        match self.read(LOOKUP_BY_EMAIL, vec![("email", Some(email.to_owned()))]).await {
            Ok(answer) => read_user(LOOKUP_BY_EMAIL, &answer).map(Some),
            Err(error) if error.code() == Some("users_not_found") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What matters about a channel.
    pub async fn conversations_info(&self, channel: &str) -> Result<Conversation, SlackError> {
        let answer = self.read(CONVERSATIONS_INFO, vec![("channel", Some(channel.to_owned()))]).await?;
        let found = answer.get("channel").ok_or_else(|| CONVERSATIONS_INFO.malformed("no channel"))?;
        let flag = |name: &str| found.get(name).and_then(Value::as_bool).unwrap_or(false);
        let text = |name: &str| found.get(name).and_then(Value::as_str).map(str::to_owned);
        Ok(Conversation {
            id: text("id").ok_or_else(|| CONVERSATIONS_INFO.malformed("no channel id"))?,
            name: text("name").unwrap_or_default(),
            is_shared_outside: flag("is_ext_shared"),
            is_private: flag("is_private") || flag("is_im") || flag("is_mpim"),
            is_archived: flag("is_archived"),
            is_member: flag("is_member") || flag("is_im"),
        })
    }
}

fn is_usable(age_ms: i64, load: &Load, max_age_ms: i64) -> bool {
    age_ms <= max_age_ms && load.peek().is_none_or(Result::is_ok)
}

fn read_user(method: Method, answer: &Value) -> Result<SlackUser, SlackError> {
    answer.get("user").and_then(SlackUser::from_value).ok_or_else(|| method.malformed("no user"))
}
