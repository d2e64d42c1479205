//! Reading each list and handing the writer what changed, piece by piece.

use std::collections::{BTreeSet, HashSet};

use super::{Directory, DirectoryWork, List, passing, unread};
use crate::clock::Stamp;
use crate::engine::people::{only_group, slack_failure, standing, tailscale_failure};
use crate::engine::{Engine, TellError};
use crate::kernel::{Failure, Standing, Who};
use crate::outside::slack::{OwnTeam, SlackError, SlackUser};
use crate::outside::tailscale::Device;
use crate::store::{DeviceRow, GroupKind, ListRow, ListedRows, PersonRow, ROWS_MAX, StoreError, UserRow};

/// Pages of people that are read; a workspace with more is not known as a whole.
const PAGES_MAX: usize = 1_000;
/// Members of one group that are compared.
const MEMBERS_MAX: i64 = 1_000_000;

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        unread(&error)
    }
}

impl From<TellError> for Failure {
    fn from(error: TellError) -> Self {
        passing(&error.to_string())
    }
}

/// Reads a list and keeps it. Returns how many records it had.
pub(super) async fn read(
    engine: &Engine,
    directory: &Directory,
    list: List,
    (began_at, stamp): (i64, Stamp),
) -> Result<usize, Failure> {
    let count = match list {
        List::People => directory.read_people().await?,
        List::Users => directory.read_users().await?,
        List::Devices => directory.read_devices().await?,
        // Without a group that is named there may be no right to read it.
        List::Policy => match rules(engine)
            .iter()
            .any(|rule| matches!(rule, Who::TailnetGroup(group) if group.starts_with("group:")))
        {
            true => directory.read_policy().await?,
            false => 0,
        },
        List::Groups => directory.read_groups(&handles(engine)).await?,
    };
    let took_ms = directory.inner.clock.age_ms(stamp);
    directory.save(DirectoryWork::Read(ListRow { list: list.word().to_owned(), read_at: began_at, took_ms })).await?;
    Ok(count)
}

/// Whom workflows and guardrails name.
fn rules(engine: &Engine) -> BTreeSet<Who> {
    let catalog = engine.catalog();
    let guardrails = catalog.guardrails().into_iter().flat_map(|guardrails| guardrails.groups().iter().cloned());
    catalog.workflows().flat_map(|workflow| workflow.everybody_named()).chain(guardrails).collect()
}

/// The Slack user groups that workflows name.
fn handles(engine: &Engine) -> BTreeSet<String> {
    let rules = rules(engine).into_iter();
    rules.filter_map(|rule| if let Who::SlackGroup(handle) = rule { Some(handle) } else { None }).collect()
}

impl Directory {
    async fn read_people(&self) -> Result<usize, Failure> {
        let own = self.own_team().await?;
        let mut listed = HashSet::new();
        for team in self.inner.slack.team_arguments() {
            let mut cursor = None;
            for _ in 0..PAGES_MAX {
                let (people, next) = self.page(team.clone(), cursor.clone()).await?;
                let rows: Vec<PersonRow> = people.iter().filter_map(|user| person_row(user, &own)).collect();
                listed.extend(rows.iter().map(|row| row.slack_id.clone()));
                for rows in pieces(rows) {
                    let changed = self.inner.store.people_to_put(rows).await?;
                    if !changed.is_empty() {
                        self.save(DirectoryWork::People(changed)).await?;
                    }
                }
                cursor = next;
                if cursor.is_none() {
                    break;
                }
            }
        }
        self.forget_unlisted(ListedRows::People, &listed).await?;
        Ok(listed.len())
    }

    async fn own_team(&self) -> Result<OwnTeam, Failure> {
        match self.inner.slack.own_team() {
            Some(own) => Ok(own),
            None => self.inner.slack.auth_test().await.map_err(|error| slack_failure(&error)),
        }
    }

    /// A page; whoever calls too fast waits here, since nobody waits for this list.
    async fn page(
        &self,
        team: Option<String>,
        cursor: Option<String>,
    ) -> Result<(Vec<SlackUser>, Option<String>), Failure> {
        loop {
            match self.inner.slack.users_page(team.clone(), cursor.clone()).await {
                Ok(page) => return Ok(page),
                Err(SlackError::RateLimited { retry_after_ms, .. }) if cursor.is_some() => {
                    let clock = &self.inner.clock;
                    clock.sleep_until(clock.now_ms().saturating_add(retry_after_ms)).await;
                }
                Err(error) => return Err(slack_failure(&error)),
            }
        }
    }

    async fn read_users(&self) -> Result<usize, Failure> {
        let users = self.inner.tailscale.users().await.map_err(|error| tailscale_failure(&error))?;
        let rows: Vec<UserRow> = users
            .into_iter()
            .map(|user| UserRow {
                login: user.login_name.to_lowercase(),
                may_act: user.may_act(),
                spelled: user.login_name,
                user_id: user.id,
            })
            .filter(|row| !row.login.is_empty())
            .collect();
        let listed: HashSet<String> = rows.iter().map(|row| row.login.clone()).collect();
        for rows in pieces(rows) {
            let changed = self.inner.store.users_to_put(rows).await?;
            if !changed.is_empty() {
                self.save(DirectoryWork::Users(changed)).await?;
            }
        }
        self.forget_unlisted(ListedRows::Users, &listed).await?;
        Ok(listed.len())
    }

    async fn read_devices(&self) -> Result<usize, Failure> {
        let devices = self.inner.tailscale.devices().await.map_err(|error| tailscale_failure(&error))?;
        let count = devices.len();
        let rows: Vec<DeviceRow> = devices.iter().filter_map(device_row).collect();
        drop(devices);
        let listed: HashSet<String> = rows.iter().map(|row| row.node_id.clone()).collect();
        for rows in pieces(rows) {
            let changed = self.inner.store.devices_to_put(rows).await?;
            if !changed.is_empty() {
                self.save(DirectoryWork::Devices(changed)).await?;
            }
        }
        self.forget_unlisted(ListedRows::Devices, &listed).await?;
        Ok(count)
    }

    async fn forget_unlisted(&self, rows: ListedRows, listed: &HashSet<String>) -> Result<(), Failure> {
        let mut after = Some(String::new());
        while let Some(from) = after {
            let (gone, last) = self.inner.store.unlisted(rows, listed, &from).await?;
            if !gone.is_empty() {
                self.save(DirectoryWork::Gone(rows, gone)).await?;
            }
            after = last;
        }
        Ok(())
    }

    async fn read_policy(&self) -> Result<usize, Failure> {
        let policy = self.inner.tailscale.policy().await.map_err(|error| tailscale_failure(&error))?;
        for (name, members) in &policy.groups {
            let members = members.iter().map(|member| member.to_lowercase()).collect();
            self.keep_group(GroupKind::Tailnet, name, "", members).await?;
        }
        for name in self.inner.store.known_groups(GroupKind::Tailnet).await? {
            if !policy.groups.contains_key(&name) {
                self.save(DirectoryWork::GroupGone(GroupKind::Tailnet, name)).await?;
            }
        }
        Ok(policy.groups.len())
    }

    async fn read_groups(&self, handles: &BTreeSet<String>) -> Result<usize, Failure> {
        let mut known = BTreeSet::new();
        if !handles.is_empty() {
            let groups = self.inner.slack.usergroups_list().await.map_err(|error| slack_failure(&error))?;
            for handle in handles {
                let Some(group) = only_group(&groups, handle) else { continue };
                let mut members =
                    self.inner.slack.usergroup_members(&group).await.map_err(|error| slack_failure(&error))?;
                let borrowers = self.borrowers(handle).await?;
                members.retain(|member| !borrowers.contains(member));
                self.keep_group(GroupKind::Slack, handle, &group.id, members).await?;
                known.insert(handle.clone());
            }
        }
        for name in self.inner.store.known_groups(GroupKind::Slack).await? {
            if !known.contains(&name) {
                self.save(DirectoryWork::GroupGone(GroupKind::Slack, name)).await?;
            }
        }
        Ok(known.len())
    }

    /// Writes whom a group got and lost since.
    async fn keep_group(
        &self,
        kind: GroupKind,
        name: &str,
        group_id: &str,
        members: Vec<String>,
    ) -> Result<(), Failure> {
        let store = &self.inner.store;
        let known = store.known_group(kind, name).await?;
        let stored: BTreeSet<String> = store.known_members(kind, name, MEMBERS_MAX).await?.into_iter().collect();
        let now: BTreeSet<String> = members.into_iter().collect();
        let mut added = pieces(now.difference(&stored).cloned().collect()).into_iter();
        let mut removed = pieces(stored.difference(&now).cloned().collect()).into_iter();
        let mut is_new = known.as_deref() != Some(group_id);
        loop {
            let (added, removed) = (added.next(), removed.next());
            if added.is_none() && removed.is_none() && !is_new {
                return Ok(());
            }
            is_new = false;
            let (added, removed) = (added.unwrap_or_default(), removed.unwrap_or_default());
            let (name, group_id) = (name.to_owned(), group_id.to_owned());
            self.save(DirectoryWork::Members { kind, name, group_id, added, removed }).await?;
        }
    }

    /// Slack says what somebody is now. Kept if it is not known yet.
    pub async fn note_person(&self, user: &SlackUser) {
        let noted = async {
            let row = person_row(user, &self.own_team().await?);
            self.note(&user.id, row).await
        };
        self.noted(noted.await, &user.id);
    }

    /// Slack says that there is nobody of that id.
    pub(in crate::engine) async fn note_nobody(&self, slack_id: &str) {
        self.noted(self.note(slack_id, None).await, slack_id);
    }

    async fn note(&self, slack_id: &str, row: Option<PersonRow>) -> Result<(), Failure> {
        let known = self.inner.store.known_person(slack_id).await?;
        let work = match row {
            row if row == known => return Ok(()),
            Some(row) => DirectoryWork::People(vec![row]),
            None => DirectoryWork::Gone(ListedRows::People, vec![slack_id.to_owned()]),
        };
        Ok(self.save(work).await?)
    }

    fn noted(&self, noted: Result<(), Failure>, slack_id: &str) {
        if let Err(failure) = noted {
            tracing::warn!(
                actor = slack_id,
                failure = failure.what,
                "what Slack said about a person could not be kept"
            );
        }
    }
}

fn pieces<T>(rows: Vec<T>) -> Vec<Vec<T>> {
    let (mut rows, mut pieces) = (rows.into_iter(), Vec::new());
    loop {
        let piece: Vec<T> = rows.by_ref().take(ROWS_MAX).collect();
        if piece.is_empty() {
            return pieces;
        }
        pieces.push(piece);
    }
}

/// Members and guests; nobody else can ask.
fn person_row(user: &SlackUser, own: &OwnTeam) -> Option<PersonRow> {
    let standing = match standing(user.standing(own)) {
        Standing::Member => "member",
        Standing::Guest => "guest",
        _ => return None,
    };
    let email = user.email.as_ref().map(|email| email.to_lowercase());
    Some(PersonRow { slack_id: user.id.clone(), email, name: user.real_name.clone(), standing: standing.to_owned() })
}

/// Those that can be somebody's own, and those that have tags.
fn device_row(device: &Device) -> Option<DeviceRow> {
    let is_tagged = device.is_tagged(&device.tags).is_ok();
    if !is_tagged {
        device.is_owned_by(&device.user).ok()?;
    }
    let name = device.short_name().to_owned();
    // A connected device has no last-seen time: it is seen now.
    let seen_at = if device.connected_to_control { i64::MAX } else { device.last_seen_at.unwrap_or(0) };
    Some(DeviceRow {
        search: format!("{name} ({}) {}", device.os, device.hostname).to_lowercase(),
        node_id: device.node_id.clone(),
        owner: if is_tagged { String::new() } else { device.user.to_lowercase() },
        name,
        hostname: device.hostname.clone(),
        os: device.os.clone(),
        seen_at,
        tags: if is_tagged { format!(" {} ", device.tags.join("  ")) } else { String::new() },
        addresses: device.addresses.join(" "),
    })
}
