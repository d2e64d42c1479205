//! Methods about people and bots: `users.*`, `bots.info` and `usergroups.*`.

use serde_json::{Value, json};

use super::super::people::{Kind, group_json, user_json};
use super::super::state::State;
use super::args::Args;
use super::{Answer, Refused};

pub(super) fn call(state: &mut State, name: &str, args: &Args) -> Answer {
    match name {
        "bots.info" => bots_info(state, args),
        "users.info" => users_info(state, args),
        "users.list" => Ok(users_list(state, args)?),
        "users.lookupByEmail" => lookup_by_email(state, args),
        "usergroups.list" => usergroups_list(state, args),
        "usergroups.users.update" => usergroup_update(state, args),
        _ => usergroup_users(state, args),
    }
}

/// Puts these in place of the members there are: full members only, and at least one (slack.md section 16).
fn usergroup_update(state: &mut State, args: &Args) -> Answer {
    need_team(state, args)?;
    let id = args.word("usergroup");
    if state.groups.get(&id).is_none_or(|group| group.is_disabled) {
        return Err("no_such_subteam".into());
    }
    let users = args.word("users");
    let users: Vec<String> =
        users.split(',').map(|user| user.trim().to_owned()).filter(|user| !user.is_empty()).collect();
    if users.is_empty() {
        return Err("no_users_provided".into());
    }
    let is_full = |user: &String| state.people.get(user).is_some_and(|person| person.kind == Kind::Member);
    if !users.iter().all(is_full) {
        return Err("invalid_users".into());
    }
    if let Some(group) = state.groups.get_mut(&id) {
        group.members = users.into_iter().collect();
    }
    let group = state.groups.get(&id).ok_or("no_such_subteam")?;
    Ok(json!({ "usergroup": group_json(state, group, true, false) }))
}

/// Knows our own bot and nobody else's.
fn bots_info(state: &State, args: &Args) -> Answer {
    need_team(state, args)?;
    let app = &state.app;
    if args.word("bot") != app.bot_id {
        return Err("bot_not_found".into());
    }
    Ok(json!({ "bot": {
        "id": app.bot_id, "app_id": app.id, "user_id": app.bot_user, "name": "nightlatch", "deleted": false, "icons": {},
        "updated": 1_449_272_004,
    } }))
}

fn users_info(state: &State, args: &Args) -> Answer {
    let person = state.people.get(&args.word("user")).ok_or("user_not_found")?;
    Ok(json!({ "user": user_json(state, person) }))
}

/// Leaves out people of other companies (slack.md section 16).
fn users_list(state: &State, args: &Args) -> Answer {
    need_team(state, args)?;
    let ours: Vec<_> = state
        .people
        .values()
        .filter(|person| !matches!(person.kind, Kind::Outsider { .. }))
        .map(|person| user_json(state, person))
        .collect();
    let (members, next) = page(&ours, args)?;
    Ok(json!({
        "members": members, "cache_ts": state.clock.now_ms().div_euclid(1000),
        "response_metadata": { "next_cursor": next },
    }))
}

/// A deactivated person and one of another company are not found (slack.md section 16).
fn lookup_by_email(state: &State, args: &Args) -> Answer {
    let email = args.word("email").to_lowercase();
    let person = state
        .people
        .values()
        .filter(|person| !matches!(person.kind, Kind::Deactivated | Kind::Outsider { .. } | Kind::Bot))
        .find(|person| person.email.to_lowercase() == email && person.id != state.app.bot_user)
        .ok_or("users_not_found")?;
    Ok(json!({ "user": user_json(state, person) }))
}

fn usergroups_list(state: &State, args: &Args) -> Answer {
    need_team(state, args)?;
    let groups: Vec<_> = state
        .groups
        .values()
        .filter(|group| !group.is_disabled || args.flag("include_disabled"))
        .map(|group| group_json(state, group, args.flag("include_users"), args.flag("include_count")))
        .collect();
    Ok(json!({ "usergroups": groups }))
}

fn usergroup_users(state: &State, args: &Args) -> Answer {
    need_team(state, args)?;
    let group = state.groups.get(&args.word("usergroup")).ok_or("no_such_subteam")?;
    if group.is_disabled && !args.flag("include_disabled") {
        return Err("no_such_subteam".into());
    }
    Ok(json!({ "users": group.members }))
}

/// With an org-wide token these methods need to be told the workspace (slack.md section 17).
pub(super) fn need_team(state: &State, args: &Args) -> Result<(), Refused> {
    match args.text("team_id") {
        Some(team) if team != state.team.id && state.team.is_org_install => Err("team_access_not_granted".into()),
        None if state.team.is_org_install => Err("missing_argument".into()),
        _ => Ok(()),
    }
}

/// One page of a list: `limit` (1000 at most) and `cursor`, which is a number here.
pub(super) fn page<'a>(all: &'a [Value], args: &Args) -> Result<(&'a [Value], String), Refused> {
    let limit: usize = args.text("limit").map_or(Ok(1000), |limit| limit.parse()).map_err(|_| "invalid_limit")?;
    let start: usize = args.text("cursor").map_or(Ok(0), |cursor| cursor.parse()).map_err(|_| "invalid_cursor")?;
    let limit = if limit == 0 { 1000 } else { limit.min(1000) };
    let end = start.saturating_add(limit).min(all.len());
    let part = all.get(start..end).ok_or("invalid_cursor")?;
    Ok((part, if end < all.len() { end.to_string() } else { String::new() }))
}
