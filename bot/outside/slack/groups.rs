//! User groups: of our one workspace, or of every workspace of the organisation the app is installed for.

use std::sync::PoisonError;

use serde_json::{Value, json};

use super::pace::{Limit, Method};
use super::{Slack, SlackError};

const AUTH_TEAMS_LIST: Method = Method::new("auth.teams.list", Limit::Tier2);
const USERGROUPS_LIST: Method = Method::new("usergroups.list", Limit::Tier2);
const USERGROUP_REPLACE: Method = Method::new("usergroups.users.update", Limit::Tier2);
const USERGROUP_MEMBERS: Method = Method::new("usergroups.users.list", Limit::Tier2);

/// Pages of workspaces that are read, a thousand each.
const PAGES_MAX: usize = 5;

/// A Slack user group (`@dba`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserGroup {
    /// `S...`
    pub id: String,
    /// Without the `@`.
    pub handle: String,
    /// For people.
    pub name: String,
    /// The workspace it belongs to; a token for a whole organisation must name it.
    pub team_id: Option<String>,
}

impl Slack {
    /// Learns the workspaces of the organisation (https://api.slack.com/methods/auth.teams.list). Without them the
    /// calls below name none, and Slack says what is missing.
    pub(super) async fn learn_workspaces(&self) {
        match self.workspaces().await {
            Ok(found) => *self.inner.workspaces.lock().unwrap_or_else(PoisonError::into_inner) = found,
            Err(error) => {
                tracing::warn!(%error, "the workspaces of the organisation are not known; its user groups may not be found")
            }
        }
    }

    async fn workspaces(&self) -> Result<Vec<String>, SlackError> {
        let (mut found, mut cursor) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let query = vec![("limit", Some("1000".to_owned())), ("cursor", cursor)];
            let answer = self.read(AUTH_TEAMS_LIST, query).await?;
            let teams = answer.get("teams").and_then(Value::as_array);
            let teams = teams.ok_or_else(|| AUTH_TEAMS_LIST.malformed("no teams"))?;
            found.extend(teams.iter().filter_map(|team| team.get("id")?.as_str()).map(str::to_owned));
            let next = answer.pointer("/response_metadata/next_cursor").and_then(Value::as_str).unwrap_or_default();
            if next.is_empty() {
                break;
            }
            cursor = Some(next.to_owned());
        }
        found.sort_unstable();
        Ok(found)
    }

    /// What `team_id` is to be in turn, to ask about everything we are installed for.
    pub fn team_arguments(&self) -> Vec<Option<String>> {
        let own = self.own_team();
        if own.as_ref().is_some_and(|own| own.is_enterprise_install) {
            let known = self.inner.workspaces.lock().unwrap_or_else(PoisonError::into_inner).clone();
            return if known.is_empty() { vec![None] } else { known.into_iter().map(Some).collect() };
        }
        // Ignored by Slack for a token of one workspace, so it can always be said.
        vec![own.map(|own| own.team_id).filter(|id| id.starts_with('T'))]
    }

    /// The enabled user groups of the workspace, or of all workspaces we are installed for.
    pub async fn usergroups_list(&self) -> Result<Vec<UserGroup>, SlackError> {
        let mut found = Vec::new();
        for team_id in self.team_arguments() {
            let answer = self.read(USERGROUPS_LIST, vec![("team_id", team_id.clone())]).await?;
            let groups = answer.get("usergroups").and_then(Value::as_array);
            let groups = groups.ok_or_else(|| USERGROUPS_LIST.malformed("no usergroups"))?;
            found.extend(groups.iter().filter_map(|group| read_group(group, team_id.as_deref())));
        }
        Ok(found)
    }

    /// The ids of a group's members. Deactivated people may linger in it: look at each before it counts.
    pub async fn usergroup_members(&self, group: &UserGroup) -> Result<Vec<String>, SlackError> {
        let query = vec![("usergroup", Some(group.id.clone())), ("team_id", group.team_id.clone())];
        let answer = self.read(USERGROUP_MEMBERS, query).await?;
        let users = answer.get("users").and_then(Value::as_array);
        let users = users.ok_or_else(|| USERGROUP_MEMBERS.malformed("no users"))?;
        Ok(users.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }
}

impl Slack {
    /// Makes these the members of a group, in place of those it has: the last write wins, and Slack has no way to say "only if".
    /// It may not be empty. Needs `usergroups:write`.
    ///
    /// # Errors
    /// As every call.
    pub async fn usergroup_replace(&self, group: &UserGroup, users: &[&str]) -> Result<(), SlackError> {
        let mut body = json!({ "usergroup": group.id, "users": users.join(",") });
        if let (Some(map), Some(team_id)) = (body.as_object_mut(), &group.team_id) {
            map.insert("team_id".to_owned(), team_id.as_str().into());
        }
        self.write(USERGROUP_REPLACE, "", body).await.map(drop)
    }
}

fn read_group(group: &Value, team_id: Option<&str>) -> Option<UserGroup> {
    let text = |name: &str| group.get(name).and_then(Value::as_str).map(str::to_owned);
    if group.get("date_delete").and_then(Value::as_i64).unwrap_or(0) != 0 {
        return None;
    }
    let handle = text("handle")?;
    let name = text("name").unwrap_or_else(|| handle.clone());
    Some(UserGroup { id: text("id")?, name, team_id: team_id.map(str::to_owned), handle })
}
