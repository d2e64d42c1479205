//! Methods about the app itself: `auth.test`, `auth.teams.list`, `apps.connections.open`, `team.info`.

use serde_json::json;

use super::super::state::State;
use super::Answer;

pub(super) fn call(state: &mut State, name: &str, is_get: bool) -> Answer {
    match name {
        "auth.test" => auth_test(state),
        "auth.teams.list" => Ok(json!({
            "teams": [{ "id": state.team.id, "name": state.team.name }], "response_metadata": { "next_cursor": "" },
        })),
        "apps.connections.open" => connections_open(state, is_get),
        _ => team_info(state),
    }
}

fn auth_test(state: &State) -> Answer {
    let (team, app) = (&state.team, &state.app);
    if let (Some((id, name)), true) = (&team.enterprise, team.is_org_install) {
        return Ok(json!({
            "url": format!("https://{}.enterprise.slack.com/", team.domain), "team": name, "user": "nightlatch",
            "team_id": id, "user_id": app.bot_user, "bot_id": app.bot_id, "enterprise_id": id,
            "is_enterprise_install": true,
        }));
    }
    let mut answer = json!({
        "url": format!("https://{}.slack.com/", team.domain), "team": team.name, "user": "nightlatch",
        "team_id": team.id, "user_id": app.bot_user, "bot_id": app.bot_id, "is_enterprise_install": false,
    });
    if let (Some((id, _)), Some(map)) = (&team.enterprise, answer.as_object_mut()) {
        map.insert("enterprise_id".to_owned(), json!(id));
    }
    Ok(answer)
}

fn connections_open(state: &mut State, is_get: bool) -> Answer {
    if is_get {
        return Err("insecure_request".into());
    }
    if state.faults.refused_connections > 0 {
        // Left counted for the dial as well: a caller that is refused here does not dial.
        if state.faults.refused_connections != u32::MAX {
            state.faults.refused_connections -= 1;
        }
        return Err("internal_error".into());
    }
    let ticket = state.next_secret();
    state.tickets.insert(ticket.clone());
    let base = state.base_url.replacen("http", "ws", 1);
    Ok(json!({ "url": format!("{base}/link/?ticket={ticket}&app_id={}", state.app.id) }))
}

fn team_info(state: &State) -> Answer {
    let team = &state.team;
    let mut shown = json!({
        "id": team.id, "name": team.name, "domain": team.domain, "email_domain": "example.com",
        "icon": { "image_default": true },
    });
    if let (Some((id, name)), Some(map)) = (&team.enterprise, shown.as_object_mut()) {
        map.insert("enterprise_id".to_owned(), json!(id));
        map.insert("enterprise_name".to_owned(), json!(name));
    }
    Ok(json!({ "team": shown }))
}
