//! Who people are: fresh facts from Slack and the tailnet, gathered for one decision and kept with it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::directory::{Directory, List};
use crate::clock::{Clock, Stamp};
use crate::kernel::workflow::Stage;
use crate::kernel::{Failure, Person, Standing, Who};
use crate::outside::slack::{self, Slack, SlackError, UserGroup};
use crate::outside::tailscale::{Tailscale, TailscaleError, User};

/// Facts for a decision are at most this old.
pub const FRESH_MS: i64 = 5_000;
/// Which groups there are changes rarely; who is in them is read afresh.
const HANDLES_MS: i64 = 300_000;
/// Whose account in Slack an e-mail belongs to, to know whom to ask: Slack answers fifty such questions a minute, and whether
/// they may decide is found out when they do.
const ASKED_MS: i64 = 60_000;
/// Who is in the tailnet at all, to know whether a link's owner still is.
const LOGINS_MS: i64 = 60_000;
/// Logins of a whole tailnet that are looked at to find somebody to ask.
const LISTED_MAX: usize = 1_000;
/// At most this many people are asked by name.
const ASKED_MAX: usize = 20;
/// Looking up everything about one person takes no longer.
const LIMIT: Duration = Duration::from_secs(15);

/// Looks people up. Cloning shares what was remembered.
#[derive(Clone)]
pub struct People {
    slack: Slack,
    tailscale: Tailscale,
    /// Slack id to tailnet login, from the configuration.
    logins: Arc<BTreeMap<String, String>>,
    directory: Directory,
    clock: Clock,
    recent: Arc<Mutex<Recent>>,
    /// Held while groups are read, so that many who ask at once share one question.
    reading: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Default)]
struct Recent {
    groups: Option<(Stamp, Vec<UserGroup>)>,
    members: HashMap<String, (Stamp, Vec<String>)>,
    /// Slack ids of active members by e-mail; none: nobody has it.
    ids: HashMap<String, (Stamp, Option<String>)>,
}

/// Who could decide: distinct names, and whether there may be more than can be listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidates {
    /// Logins, e-mails or Slack ids, lower case where case does not matter.
    pub names: BTreeSet<String>,
    /// A group synced from an identity provider: its members cannot be listed.
    pub has_unlisted: bool,
}

impl People {
    /// Over these clients; `logins` is the configuration's `people:` table.
    pub fn new(
        slack: Slack,
        tailscale: Tailscale,
        logins: Arc<BTreeMap<String, String>>,
        directory: Directory,
        clock: Clock,
    ) -> Self {
        Self { slack, tailscale, logins, directory, clock, recent: Arc::default(), reading: Arc::default() }
    }

    /// Who this is now, and which of `rules` they belong to. `needs_login`: a tailnet that cannot be asked is a failure
    /// even if no rule needs it.
    pub async fn fresh(&self, slack_id: &str, rules: &[Who], needs_login: bool) -> Result<Person, Failure> {
        match tokio::time::timeout(LIMIT, self.look_up(slack_id, rules, needs_login)).await {
            Ok(found) => found,
            Err(_) => Err(transient("looking a person up took too long")),
        }
    }

    /// Whether the configuration says which login this person has: then their e-mail says nothing.
    pub fn is_named(&self, slack_id: &str) -> bool {
        self.logins.contains_key(slack_id)
    }

    /// Who this is in Slack now; the tailnet is not asked, so they have no login.
    ///
    /// # Errors
    /// Slack did not say.
    pub async fn in_slack(&self, slack_id: &str) -> Result<Person, Failure> {
        let user = match self.slack.user_cached(slack_id, FRESH_MS).await {
            Ok(user) => user,
            Err(error) if matches!(error.code(), Some("user_not_found" | "user_not_visible")) => {
                self.directory.note_nobody(slack_id).await;
                return Ok(nobody(slack_id));
            }
            Err(error) => return Err(slack_failure(&error)),
        };
        let own = match self.slack.own_team() {
            Some(own) => own,
            None => self.slack.auth_test().await.map_err(|error| slack_failure(&error))?,
        };
        self.directory.note_person(&user).await;
        let standing = standing(user.standing(&own));
        let email = user.email.as_ref().map(|email| email.to_lowercase());
        let (slack_id, name) = (slack_id.to_owned(), user.real_name);
        Ok(Person { slack_id, name, email, login: None, standing, belongs: Vec::new() })
    }

    async fn look_up(&self, slack_id: &str, rules: &[Who], needs_login: bool) -> Result<Person, Failure> {
        let mut person = self.in_slack(slack_id).await?;
        let needs_tailnet = rules.iter().any(|rule| matches!(rule, Who::TailnetGroup(_)));
        let named = self.logins.get(slack_id).cloned().or_else(|| person.email.clone());
        person.login = match named {
            Some(named) if person.standing == Standing::Member => match self.active_login(&named).await {
                Ok(login) => login,
                Err(failure) if needs_login || needs_tailnet => return Err(failure),
                // Only used to notice that two accounts are one human.
                Err(_) => self.logins.get(slack_id).cloned(),
            },
            _ => None,
        };
        if person.standing == Standing::Member {
            for rule in rules {
                if self.belongs(&person, rule).await? {
                    person.belongs.push(rule.clone());
                }
            }
        }
        Ok(person)
    }

    /// The login of this user as the tailnet spells it, if they may act there now: one user is read, and the whole list only for
    /// somebody whom the directory does not know.
    async fn active_login(&self, named: &str) -> Result<Option<String>, Failure> {
        if let Some(user) = self.user_now(named).await? {
            return Ok(Some(user.login_name.clone()).filter(|_| user.may_act()));
        }
        // Unknown so far; or they left, or have another login now.
        self.directory.read_since(List::Users, self.clock.now_ms().saturating_sub(FRESH_MS)).await?;
        let user = self.user_now(named).await?;
        Ok(user.filter(User::may_act).map(|user| user.login_name))
    }

    /// A user as they are now, if the directory knows which one to read, and they still have that login.
    async fn user_now(&self, named: &str) -> Result<Option<User>, Failure> {
        let Some(known) = self.directory.user(named).await? else { return Ok(None) };
        match self.tailscale.user(&known.user_id).await {
            Ok(user) => Ok(Some(user).filter(|user| user.has_login(named))),
            Err(TailscaleError::NotFound(_)) => Ok(None),
            Err(error) => Err(tailscale_failure(&error)),
        }
    }

    async fn belongs(&self, person: &Person, rule: &Who) -> Result<bool, Failure> {
        match rule {
            Who::Email(email) => Ok(person.email.as_deref() == Some(email)),
            Who::Unknown(_) => Ok(false),
            Who::SlackGroup(handle) => Ok(self.members(handle).await?.contains(&person.slack_id)),
            Who::TailnetGroup(group) => {
                let Some(login) = &person.login else { return Ok(false) };
                if group == "autogroup:member" {
                    return Ok(true);
                }
                let policy = self.tailscale.policy_cached(FRESH_MS).await.map_err(|error| tailscale_failure(&error))?;
                Ok(policy.is_in_group(login, group).unwrap_or(false))
            }
        }
    }

    /// The members of a Slack user group, by handle, at most `FRESH_MS` old. A handle nobody has is an empty group.
    async fn members(&self, handle: &str) -> Result<Vec<String>, Failure> {
        if let Some(known) = self.remembered_members(handle) {
            return Ok(known);
        }
        let _one_at_a_time = self.reading.lock().await;
        if let Some(known) = self.remembered_members(handle) {
            return Ok(known);
        }
        let now = self.clock.stamp();
        let Some(group) = self.group(handle, now).await? else {
            tracing::warn!(group = handle, "no Slack user group has this handle");
            return Ok(Vec::new());
        };
        let members = self.slack.usergroup_members(&group).await.map_err(|error| slack_failure(&error))?;
        self.recent().members.insert(group.id, (now, members.clone()));
        Ok(members)
    }

    fn remembered_members(&self, handle: &str) -> Option<Vec<String>> {
        let recent = self.recent();
        let (_, groups) = recent.groups.as_ref().filter(|(at, _)| self.clock.age_ms(*at) <= HANDLES_MS)?;
        let group = only_group(groups, handle)?;
        let (_, members) = recent.members.get(&group.id).filter(|(at, _)| self.clock.age_ms(*at) <= FRESH_MS)?;
        Some(members.clone())
    }

    async fn group(&self, handle: &str, now: Stamp) -> Result<Option<UserGroup>, Failure> {
        let remembered = self.recent().groups.clone().filter(|(at, _)| self.clock.age_ms(*at) <= HANDLES_MS);
        if let Some(found) = remembered.and_then(|(_, groups)| only_group(&groups, handle)) {
            return Ok(Some(found));
        }
        let groups = self.slack.usergroups_list().await.map_err(|error| slack_failure(&error))?;
        let found = only_group(&groups, handle);
        self.recent().groups = Some((now, groups));
        Ok(found)
    }

    fn recent(&self) -> std::sync::MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The logins of everybody in the tailnet, suspended people too, in lower case.
    pub async fn logins(&self) -> Result<BTreeSet<String>, Failure> {
        self.directory.read_since(List::Users, self.clock.now_ms().saturating_sub(LOGINS_MS)).await?;
        Ok(self.directory.logins(false, usize::MAX).await?.into_iter().collect())
    }

    /// Everybody the rules name, as far as it can be listed; to see whether anybody can decide at all.
    pub async fn candidates(&self, rules: &[Who]) -> Result<Candidates, Failure> {
        let mut all = Candidates::default();
        for rule in rules {
            match rule {
                Who::Unknown(_) => {}
                Who::Email(email) => drop(all.names.insert(email.clone())),
                Who::SlackGroup(handle) => all.names.extend(self.members(handle).await?),
                Who::TailnetGroup(group) if group == "autogroup:member" => {
                    self.directory.read_since(List::Users, 0).await?;
                    all.names.extend(self.directory.logins(true, LISTED_MAX).await?);
                }
                Who::TailnetGroup(group) => {
                    let policy =
                        self.tailscale.policy_cached(FRESH_MS).await.map_err(|error| tailscale_failure(&error))?;
                    match policy.groups.get(group) {
                        Some(members) => all.names.extend(members.iter().map(|login| login.to_lowercase())),
                        None => all.has_unlisted = true,
                    }
                }
            }
        }
        Ok(all)
    }

    /// Slack ids of people who can decide in this stage, some for each of its clauses, at most twenty; only active members.
    pub async fn approvers(&self, stage: &Stage) -> Result<Vec<String>, Failure> {
        let share = ASKED_MAX.checked_div(stage.clauses.len()).unwrap_or_default().max(1);
        let mut found = Vec::new();
        for clause in &stage.clauses {
            let enough = found.len().saturating_add(share);
            for name in self.candidates(&clause.by).await?.names {
                if found.len() >= enough {
                    break;
                }
                if let Some(id) = self.slack_id_of(&name).await?.filter(|id| !found.contains(id)) {
                    found.push(id);
                }
            }
        }
        Ok(found)
    }

    async fn slack_id_of(&self, name: &str) -> Result<Option<String>, Failure> {
        if let Some(id) = self.directory.slack_id_of(name).await? {
            return Ok(Some(id));
        }
        let now = self.clock.stamp();
        let is_fresh = |at: Stamp| self.clock.age_ms(at) <= ASKED_MS;
        let remembered = self.recent().ids.get(name).filter(|(at, _)| is_fresh(*at)).cloned();
        if let Some((_, id)) = remembered {
            return Ok(id);
        }
        let found = self.slack.lookup_by_email(name).await.map_err(|error| slack_failure(&error))?;
        let own = self.slack.own_team();
        let member =
            found.filter(|user| own.as_ref().is_none_or(|own| standing(user.standing(own)) == Standing::Member));
        let id = member.map(|user| user.id);
        let mut recent = self.recent();
        recent.ids.retain(|_, (at, _)| is_fresh(*at));
        recent.ids.insert(name.to_owned(), (now, id.clone()));
        Ok(id)
    }
}

/// The group of this handle. Two workspaces of an organisation may both have one: then the workflow cannot have meant
/// either for sure, and nobody is let in by it.
pub(super) fn only_group(groups: &[UserGroup], handle: &str) -> Option<UserGroup> {
    let mut found = groups.iter().filter(|group| group.handle.eq_ignore_ascii_case(handle));
    let first = found.next()?;
    if found.next().is_some() {
        tracing::warn!(
            group = handle,
            "several workspaces have a Slack user group of this handle; nobody counts as a member"
        );
        return None;
    }
    Some(first.clone())
}

fn nobody(slack_id: &str) -> Person {
    Person {
        slack_id: slack_id.to_owned(),
        name: slack_id.to_owned(),
        email: None,
        login: None,
        standing: Standing::Unknown,
        belongs: Vec::new(),
    }
}

/// The same words in two rooms that may not know each other.
pub(super) fn standing(standing: slack::Standing) -> Standing {
    match standing {
        slack::Standing::Member => Standing::Member,
        slack::Standing::Guest => Standing::Guest,
        slack::Standing::Outsider => Standing::Outsider,
        slack::Standing::Bot => Standing::Bot,
        slack::Standing::Deactivated => Standing::Deactivated,
        slack::Standing::Unknown => Standing::Unknown,
    }
}

fn transient(what: &str) -> Failure {
    Failure { what: what.to_owned(), advice: String::new(), retryable: true, retry_after_ms: None }
}

pub(super) fn slack_failure(error: &SlackError) -> Failure {
    Failure {
        what: error.to_string(),
        advice: error.advice().unwrap_or_default(),
        retryable: error.is_retryable(),
        retry_after_ms: error.retry_after_ms(),
    }
}

pub(super) fn tailscale_failure(error: &TailscaleError) -> Failure {
    Failure {
        what: error.to_string(),
        advice: error.advice().unwrap_or_default(),
        retryable: error.is_retryable(),
        retry_after_ms: error.retry_after_ms(),
    }
}
