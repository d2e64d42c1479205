//! What the directory knows, for forms, suggestions and asks: a few indexed questions to our own database.

use std::collections::BTreeSet;

use super::{Directory, List};
use crate::engine::people::Candidates;
use crate::kernel::workflow::Input;
use crate::kernel::{Failure, Person, Standing, Who};
use crate::outside::tailscale::Device;
use crate::steps::slack::user_group;
use crate::store::{DeviceRow, DevicesOf, GroupKind, StoreError, UserRow};

/// More names than somebody can have in one list: Slack id, e-mail and login.
const NAMES_OF_ONE: usize = 3;
/// The rule that means every active user of the tailnet.
const EVERYBODY: &str = "autogroup:member";

/// Whose devices are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Somebody's own, by login.
    Own(String),
    /// Whoever's: those that carry one of these tags.
    Tagged(Vec<String>),
}

impl Whose {
    /// What this input asks of somebody with that login.
    pub fn of(input: &Input, login: &str) -> Self {
        match input.kind.tags() {
            [] => Self::Own(login.to_lowercase()),
            tags => Self::Tagged(tags.to_vec()),
        }
    }

    fn rows(&self) -> DevicesOf<'_> {
        match self {
            Self::Own(login) => DevicesOf::Owner(login),
            Self::Tagged(tags) => DevicesOf::Tags(tags),
        }
    }
}

impl Directory {
    /// Remembers when the lists were read that are in the database.
    pub(super) async fn remember(&self) {
        let rows = match self.inner.store.known_lists().await {
            Ok(rows) => rows,
            Err(error) => {
                tracing::warn!(%error, "what is known of people and devices cannot be read; it is read anew");
                return;
            }
        };
        for list in List::ALL {
            if let Some(row) = rows.iter().find(|row| row.list == list.word()) {
                self.listed(list).progress.change(|progress| {
                    (progress.read_at, progress.took_ms) = (Some(row.read_at), row.took_ms);
                });
            }
        }
    }

    /// Who this is and which of `rules` they belong to, if the directory knows them as a full member.
    ///
    /// # Errors
    /// The database failed.
    pub async fn person(&self, slack_id: &str, rules: &[Who]) -> Result<Option<Person>, Failure> {
        self.note_use();
        let Some(row) = self.inner.store.known_person(slack_id).await?.filter(|row| row.standing == "member") else {
            return Ok(None);
        };
        let named = self.inner.logins.get(slack_id).or(row.email.as_ref());
        let user = match named {
            Some(named) => self.user(named).await?.filter(|user| user.may_act),
            None => None,
        };
        let person = Person {
            slack_id: row.slack_id,
            name: row.name,
            email: row.email,
            login: user.map(|user| user.spelled),
            standing: Standing::Member,
            belongs: Vec::new(),
        };
        let belongs = self.groups_of(&person, rules).await?;
        Ok(Some(Person { belongs, ..person }))
    }

    /// The Slack account of a tailnet login, as far as it is known: whoever is said to be it in the configuration, else the one with
    /// that e-mail, unless they are said to be somebody else.
    ///
    /// # Errors
    /// The database failed.
    pub async fn account_of(&self, login: &str) -> Result<Option<String>, StoreError> {
        let is_it = |named: &String| named.eq_ignore_ascii_case(login);
        if let Some((slack_id, _)) = self.inner.logins.iter().find(|(_, named)| is_it(named)) {
            return Ok(Some(slack_id.clone()));
        }
        let known = self.inner.store.known_ids_of(&login.to_lowercase()).await?;
        Ok(match known.as_slice() {
            [only] if !self.inner.logins.contains_key(only) => Some(only.clone()),
            _ => None,
        })
    }

    /// Which of `rules` somebody belongs to, as far as it is known.
    pub(in crate::engine) async fn groups_of(&self, person: &Person, rules: &[Who]) -> Result<Vec<Who>, StoreError> {
        let mut belongs: Vec<Who> = Vec::new();
        for rule in rules {
            if !belongs.contains(rule) && self.seems_to_belong(person, rule).await? {
                belongs.push(rule.clone());
            }
        }
        Ok(belongs)
    }

    async fn seems_to_belong(&self, person: &Person, rule: &Who) -> Result<bool, StoreError> {
        let store = &self.inner.store;
        match (rule, &person.login) {
            (Who::Email(email), login) => Ok(person.email.as_deref() == Some(email)
                || login.as_ref().is_some_and(|login| login.eq_ignore_ascii_case(email))),
            (Who::SlackGroup(handle), _) => store.is_known_member(GroupKind::Slack, handle, &person.slack_id).await,
            (Who::TailnetGroup(group), Some(_)) if group == EVERYBODY => Ok(true),
            (Who::TailnetGroup(group), Some(login)) => {
                store.is_known_member(GroupKind::Tailnet, group, &login.to_lowercase()).await
            }
            (Who::Anyone, _) => Ok(true),
            // Roles are not kept: they are looked up. Who is known by a request is not known here.
            (Who::TailnetGroup(_), None) | (Who::Unknown(_) | Who::Role(_) | Who::Manager | Who::DeviceOwner, _) => {
                Ok(false)
            }
        }
    }

    /// A user of the tailnet, by login.
    pub(in crate::engine) async fn user(&self, login: &str) -> Result<Option<UserRow>, StoreError> {
        self.inner.store.known_user(&login.to_lowercase()).await
    }

    /// Logins of everybody in the tailnet, or of those who may act, in lower case; at most `limit`.
    pub(in crate::engine) async fn logins(&self, only_active: bool, limit: usize) -> Result<Vec<String>, StoreError> {
        self.inner.store.known_logins(only_active, i64::try_from(limit).unwrap_or(i64::MAX)).await
    }

    /// Devices that fit what was typed so far, the newest seen first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn devices(&self, whose: &Whose, query: &str, limit: usize) -> Result<Vec<Device>, Failure> {
        self.note_use();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = self.inner.store.known_devices(whose.rows(), query, limit).await?;
        Ok(rows.into_iter().map(device).collect())
    }

    /// Who is in that Slack user group by our doing alone, or is being taken out again: a place that was lent counts for no rule.
    ///
    /// # Errors
    /// The database failed.
    pub(in crate::engine) async fn borrowers(&self, handle: &str) -> Result<BTreeSet<String>, Failure> {
        let words = format!("{} {handle} ", user_group::LISTED.about.uses);
        let held = self.inner.store.held_beginning(&words).await?;
        let lent = held.into_iter().filter(|(_, before)| !before.as_ref().is_some_and(user_group::was_member));
        Ok(lent.filter_map(|(key, _)| Some(key.address().split_once(' ')?.1.to_owned())).collect())
    }

    /// The one of these devices that has this id or name.
    ///
    /// # Errors
    /// The database failed.
    pub async fn device(&self, whose: &Whose, named: &str) -> Result<Option<Device>, Failure> {
        Ok(self.inner.store.known_device(whose.rows(), named).await?.map(device))
    }

    /// The device of that id, whoever's it is: only to show what it is called.
    ///
    /// # Errors
    /// The database failed.
    pub async fn device_of(&self, node_id: &str) -> Result<Option<Device>, Failure> {
        Ok(self.inner.store.known_device_of(node_id).await?.map(device))
    }

    /// Some of those whom the rules name: enough to see whether `quorum` people beside one could decide.
    pub(in crate::engine) async fn candidates(&self, rules: &[Who], quorum: usize) -> Result<Candidates, StoreError> {
        let limit = quorum.saturating_add(NAMES_OF_ONE);
        let rows = i64::try_from(limit).unwrap_or(i64::MAX);
        let store = &self.inner.store;
        let mut all = Candidates::default();
        for rule in rules {
            match rule {
                Who::Unknown(_) | Who::Role(_) | Who::Manager | Who::DeviceOwner | Who::Anyone => {}
                Who::Email(email) => drop(all.names.insert(email.clone())),
                Who::SlackGroup(handle) => all.names.extend(store.known_members(GroupKind::Slack, handle, rows).await?),
                Who::TailnetGroup(group) if group == EVERYBODY => all.names.extend(self.logins(true, limit).await?),
                Who::TailnetGroup(group) => {
                    all.names.extend(store.known_members(GroupKind::Tailnet, group, rows).await?);
                    // Synced from an identity provider: its members cannot be listed.
                    all.has_unlisted |=
                        self.has_read(List::Policy) && store.known_group(GroupKind::Tailnet, group).await?.is_none();
                }
            }
        }
        Ok(all)
    }

    /// At most so many of the people with these names beside `without`, each once, as far as the directory can tell two names of
    /// one human.
    pub(in crate::engine) async fn humans(
        &self,
        names: &BTreeSet<String>,
        most: usize,
        without: Option<&Person>,
    ) -> Result<BTreeSet<String>, StoreError> {
        let mut humans = BTreeSet::new();
        for name in names {
            if humans.len() >= most {
                break;
            }
            let human = self.human(name).await?;
            let is_them = |person: &Person| {
                let own = [Some(&person.slack_id), person.email.as_ref(), person.login.as_ref()];
                own.into_iter().flatten().any(|own| own.eq_ignore_ascii_case(&human) || own.eq_ignore_ascii_case(name))
            };
            if !without.is_some_and(is_them) {
                humans.insert(human);
            }
        }
        Ok(humans)
    }

    /// The Slack id of whoever has this login or address, if that is known; else the name itself.
    async fn human(&self, name: &str) -> Result<String, StoreError> {
        Ok(self.slack_id_of(name).await?.unwrap_or_else(|| name.to_owned()))
    }

    /// The Slack id of whoever has this login or address, if the directory knows just one.
    pub(in crate::engine) async fn slack_id_of(&self, name: &str) -> Result<Option<String>, StoreError> {
        if let Some((id, _)) = self.inner.logins.iter().find(|(_, login)| login.eq_ignore_ascii_case(name)) {
            return Ok(Some(id.clone()));
        }
        if !name.contains('@') {
            return Ok(Some(name.to_uppercase()));
        }
        let mut ids = self.inner.store.known_ids_of(&name.to_lowercase()).await?;
        Ok(ids.pop().filter(|_| ids.is_empty()))
    }
}

fn device(row: DeviceRow) -> Device {
    let is_connected = row.seen_at == i64::MAX;
    Device {
        node_id: row.node_id,
        user: row.owner,
        name: row.name,
        hostname: row.hostname,
        os: row.os,
        tags: row.tags.split_whitespace().map(str::to_owned).collect(),
        addresses: row.addresses.split_whitespace().map(str::to_owned).collect(),
        is_external: false,
        is_ephemeral: false,
        connected_to_control: is_connected,
        last_seen_at: Some(row.seen_at).filter(|at| !is_connected && *at > 0),
        created_at: None,
    }
}
