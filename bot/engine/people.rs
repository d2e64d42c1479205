//! Who people are: fresh facts from Slack and the tailnet, gathered for one decision and kept with it.

mod about;
mod candidates;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use about::About;
pub use candidates::Candidates;

use super::directory::{Directory, List};
use crate::clock::{Clock, Stamp};
use crate::kernel::{Failure, Person, Standing, Who};
use crate::outside::slack::{self, Slack, SlackError, UserGroup};
use crate::outside::tailscale::{Tailscale, TailscaleError, User};
use crate::planted::{Fault, is_planted};

/// Facts for a decision are at most this old.
pub const FRESH_MS: i64 = 5_000;
/// Which groups there are changes rarely; who is in them is read afresh.
const HANDLES_MS: i64 = 300_000;
/// Who is in the tailnet at all, to know whether a link's owner still is.
const LOGINS_MS: i64 = 60_000;
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
    /// Logins by role in the tailnet.
    roles: HashMap<String, (Stamp, Vec<String>)>,
    /// Slack ids of active members by e-mail; none: nobody has it.
    ids: HashMap<String, (Stamp, Option<String>)>,
}

/// Somebody as they are now, as far as that could be read.
#[derive(Clone, Debug)]
pub struct Looked {
    /// Who they are, and the rules they are known to belong to.
    pub person: Person,
    /// The rules of which that could not be read. They let nobody in by themselves, and keep nobody out whom another lets in.
    pub unread: Vec<(Who, Failure)>,
}

impl Looked {
    /// That one of the rules could not be read, by its name.
    pub fn failure(&self) -> Option<Failure> {
        self.unread.first().map(|(rule, failure)| unread(rule, failure))
    }
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

    /// Who this is now, in no rules.
    ///
    /// # Errors
    /// Slack did not say, or the tailnet did not and `needs_login`.
    pub async fn fresh(&self, slack_id: &str, needs_login: bool) -> Result<Person, Failure> {
        Ok(self.looked_up(slack_id, (&[], &About::default()), needs_login).await?.person)
    }

    /// Who this is now, and which of `rules` they belong to, in a request that says `about` whom it is. `needs_login`: a tailnet that cannot be asked is a failure
    /// even if no rule needs it.
    ///
    /// # Errors
    /// Slack did not say who they are, or the tailnet did not and `needs_login`.
    pub async fn looked_up(
        &self,
        slack_id: &str,
        rules: (&[Who], &About),
        needs_login: bool,
    ) -> Result<Looked, Failure> {
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

    /// The time zone that Slack knows of somebody.
    ///
    /// # Errors
    /// Slack did not say who they are.
    pub(super) async fn zone(&self, slack_id: &str) -> Result<Option<String>, Failure> {
        let user = self.slack.user_cached(slack_id, FRESH_MS).await.map_err(|error| slack_failure(&error))?;
        Ok(user.tz)
    }

    async fn look_up(
        &self,
        slack_id: &str,
        (rules, about): (&[Who], &About),
        needs_login: bool,
    ) -> Result<Looked, Failure> {
        let mut person = self.in_slack(slack_id).await?;
        let mut unread = Vec::new();
        if person.standing != Standing::Member {
            return Ok(Looked { person, unread });
        }
        let named = self.logins.get(slack_id).cloned().or_else(|| person.email.clone());
        let user = match &named {
            Some(named) => self.active_user(named).await,
            None => Ok(None),
        };
        person.login = match &user {
            Ok(user) => user.as_ref().map(|user| user.login_name.clone()),
            Err(failure) if needs_login => return Err(failure.clone()),
            // Only used to notice that two accounts are one human.
            Err(_) => self.logins.get(slack_id).cloned(),
        };
        let tailnet = Tailnet { named, user };
        for rule in rules {
            let meant = match about.meant(rule) {
                Ok(Some(meant)) => meant,
                Ok(None) => continue,
                Err(failure) => {
                    unread.push((rule.clone(), failure));
                    continue;
                }
            };
            match self.belongs(&person, &tailnet, &meant).await {
                Ok(true) => person.belongs.push(rule.clone()),
                Ok(false) => {}
                Err(failure) => unread.push((rule.clone(), failure)),
            }
        }
        Ok(Looked { person, unread })
    }

    /// This user of the tailnet, if they may act there now: one user is read, and the whole list only for somebody whom the directory
    /// does not know.
    async fn active_user(&self, named: &str) -> Result<Option<User>, Failure> {
        if let Some(user) = self.user_now(named).await? {
            return Ok(Some(user).filter(User::may_act));
        }
        // Unknown so far; or they left, or have another login now.
        self.directory.read_since(List::Users, self.clock.now_ms().saturating_sub(FRESH_MS)).await?;
        Ok(self.user_now(named).await?.filter(User::may_act))
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

    async fn belongs(&self, person: &Person, tailnet: &Tailnet, rule: &Who) -> Result<bool, Failure> {
        match rule {
            Who::Email(email) if person.email.as_deref() == Some(email) => Ok(true),
            // A login is always the one they are known by, so that most are no without asking anybody.
            Who::Email(email) => match &tailnet.named {
                Some(named) if named.eq_ignore_ascii_case(email) => Ok(tailnet.user()?.is_some()),
                _ => Ok(false),
            },
            Who::Anyone => Ok(person.standing == Standing::Member),
            Who::Unknown(_) | Who::Manager | Who::DeviceOwner => Ok(false),
            Who::SlackGroup(handle) => Ok(self.members(handle).await?.contains(&person.slack_id)),
            Who::Role(_) => Ok(tailnet.user()?.is_some_and(|user| rule.role() == Some(&user.role))),
            Who::TailnetGroup(group) => {
                let Some(user) = tailnet.user()? else { return Ok(false) };
                if group == "autogroup:member" {
                    return Ok(true);
                }
                let policy = self.tailscale.policy_cached(FRESH_MS).await.map_err(|error| tailscale_failure(&error))?;
                Ok(policy.is_in_group(&user.login_name, group).unwrap_or(false))
            }
        }
    }

    /// The members of a Slack user group but those who borrow their place from us, by handle, at most `FRESH_MS` old. A handle nobody
    /// has is an empty group.
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
        let mut members = self.slack.usergroup_members(&group).await.map_err(|error| slack_failure(&error))?;
        // Nobody borrows a vote.
        let borrowers = self.directory.borrowers(handle).await?;
        members.retain(|member| !borrowers.contains(member));
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
}

/// What is known of somebody in the tailnet.
struct Tailnet {
    /// The login they are looked for by.
    named: Option<String>,
    /// The active user they are, if that could be read.
    user: Result<Option<User>, Failure>,
}

impl Tailnet {
    fn user(&self) -> Result<Option<&User>, Failure> {
        self.user.as_ref().map(Option::as_ref).map_err(Clone::clone)
    }
}

/// That it is not known who belongs to a rule, by its name.
fn unread(rule: &Who, failure: &Failure) -> Failure {
    Failure { what: format!("who belongs to {rule} cannot be read now: {}", failure.what), ..failure.clone() }
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
        slack::Standing::Deactivated if is_planted(Fault::LeaversDecide) => Standing::Member,
        slack::Standing::Deactivated => Standing::Deactivated,
        slack::Standing::Unknown => Standing::Unknown,
    }
}

fn transient(what: &str) -> Failure {
    Failure { what: what.to_owned(), advice: String::new(), retryable: true, retry_after_ms: None }
}

pub(super) fn slack_failure(error: &SlackError) -> Failure {
    // What only an operator can mend was told when the call was refused, once.
    tracing::debug!(%error, "a look-up failed");
    let (what, advice) = error.for_people();
    Failure { what, advice, retryable: error.is_retryable(), retry_after_ms: error.retry_after_ms() }
}

pub(super) fn tailscale_failure(error: &TailscaleError) -> Failure {
    tracing::debug!(%error, "a look-up failed");
    let (what, advice) = error.for_people();
    Failure { what, advice, retryable: error.is_retryable(), retry_after_ms: error.retry_after_ms() }
}
