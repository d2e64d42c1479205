//! Whom rules name: to see whether enough people could decide, and to ask some of them.

use std::collections::BTreeSet;

use super::{About, FRESH_MS, People, slack_failure, standing, tailscale_failure, unread};
use crate::clock::Stamp;
use crate::engine::directory::List;
use crate::kernel::workflow::Stage;
use crate::kernel::{Failure, Standing, Who};

/// Logins of a whole tailnet that are looked at to find somebody to ask.
const LISTED_MAX: usize = 1_000;
/// At most this many people are asked by name.
const ASKED_MAX: usize = 20;
/// Whose account in Slack an e-mail belongs to, to know whom to ask: Slack answers fifty such questions a minute, and whether
/// they may decide is found out when they do.
const ASKED_MS: i64 = 60_000;

/// Who could decide: distinct names, and whether there may be more than can be listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidates {
    /// Logins, e-mails or Slack ids, lower case where case does not matter.
    pub names: BTreeSet<String>,
    /// A group synced from an identity provider: its members cannot be listed.
    pub has_unlisted: bool,
    /// Why one of the rules could not be read.
    pub unread: Option<Failure>,
}

impl People {
    /// Everybody the rules name, as far as it can be listed; to see whether anybody can decide at all.
    pub async fn candidates(&self, rules: &[Who], about: &About) -> Candidates {
        let mut all = Candidates::default();
        for rule in rules {
            let named = match about.meant(rule) {
                Ok(Some(meant)) => self.named_by(&meant).await,
                Ok(None) => continue,
                Err(failure) => Err(failure),
            };
            match named {
                Ok(Some(names)) => all.names.extend(names),
                Ok(None) => all.has_unlisted = true,
                Err(failure) => all.unread = Some(unread(rule, &failure)),
            }
        }
        all
    }

    /// The names of those whom one rule names; none: they cannot be listed.
    async fn named_by(&self, rule: &Who) -> Result<Option<Vec<String>>, Failure> {
        Ok(Some(match rule {
            Who::Unknown(_) | Who::Manager | Who::DeviceOwner | Who::Anyone => Vec::new(),
            Who::Email(email) => vec![email.clone()],
            Who::SlackGroup(handle) => self.members(handle).await?,
            Who::Role(_) => self.in_role(rule.role().unwrap_or_default()).await?,
            Who::TailnetGroup(group) if group == "autogroup:member" => {
                self.directory.read_since(List::Users, 0).await?;
                self.directory.logins(true, LISTED_MAX).await?
            }
            Who::TailnetGroup(group) => {
                let policy = self.tailscale.policy_cached(FRESH_MS).await.map_err(|error| tailscale_failure(&error))?;
                let Some(members) = policy.groups.get(group) else { return Ok(None) };
                members.iter().map(|login| login.to_lowercase()).collect()
            }
        }))
    }

    /// The logins of active users with this role, in lower case.
    async fn in_role(&self, role: &str) -> Result<Vec<String>, Failure> {
        let is_fresh = |at: Stamp| self.clock.age_ms(at) <= ASKED_MS;
        let known = self.recent().roles.get(role).filter(|(at, _)| is_fresh(*at)).map(|(_, logins)| logins.clone());
        if let Some(logins) = known {
            return Ok(logins);
        }
        let now = self.clock.stamp();
        let users = self.tailscale.users_in_role(role).await.map_err(|error| tailscale_failure(&error))?;
        let logins: Vec<String> =
            users.iter().filter(|user| user.may_act()).map(|user| user.login_name.to_lowercase()).collect();
        self.recent().roles.insert(role.to_owned(), (now, logins.clone()));
        Ok(logins)
    }

    /// Slack ids of people who can decide in this stage, some for each of its clauses, at most twenty; only active members.
    pub async fn approvers(&self, stage: &Stage, about: &About) -> Result<Vec<String>, Failure> {
        let share = ASKED_MAX.checked_div(stage.clauses.len()).unwrap_or_default().max(1);
        let mut found = Vec::new();
        let mut failed = None;
        for clause in &stage.clauses {
            let enough = found.len().saturating_add(share);
            let candidates = self.candidates(&clause.by, about).await;
            failed = failed.or(candidates.unread);
            for name in candidates.names {
                if found.len() >= enough {
                    break;
                }
                if let Some(id) = self.slack_id_of(&name).await?.filter(|id| !found.contains(id)) {
                    found.push(id);
                }
            }
        }
        match failed {
            // What could be read is enough to ask somebody.
            Some(failure) if found.is_empty() => Err(failure),
            _ => Ok(found),
        }
    }

    /// Whose account in Slack this e-mail address or login belongs to; who they are now is read when they decide.
    pub(in crate::engine) async fn slack_id_of(&self, name: &str) -> Result<Option<String>, Failure> {
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
