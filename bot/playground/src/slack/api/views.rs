//! Methods that show modals and Home views: `views.*` (slack.md section 4).

use serde_json::{Value, json};

use super::super::blocks;
use super::super::people::Kind;
use super::super::state::State;
use super::super::views::View;
use super::args::Args;
use super::{Answer, Refused};

/// Slack's limit for a whole view.
const VIEW_BYTES_MAX: usize = 250_000;
/// A trigger_id may be used this long after it was sent.
const TRIGGER_MS: i64 = 3_000;
/// Views on top of each other.
const STACK_MAX: usize = 3;

pub(super) fn call(state: &mut State, name: &str, args: &Args) -> Answer {
    let given = args.nested("view").cloned().unwrap_or_default();
    check(state, name, &given)?;
    match name {
        "views.open" => open(state, args, &given),
        "views.push" => push(state, args, &given),
        "views.update" => update(state, args, &given),
        _ => publish(state, args, &given),
    }
}

fn check(state: &mut State, name: &str, given: &Value) -> Result<(), Refused> {
    if given.to_string().len() > VIEW_BYTES_MAX {
        state.violations.push(format!("{name}: view_too_large"));
        return Err("view_too_large".into());
    }
    let mut found = blocks::check_view(given);
    let wanted = if name == "views.publish" { "home" } else { "modal" };
    let kind = super::super::json::text(given, "/type");
    if name != "views.update" && kind != wanted {
        found.push(format!("must be a {wanted} view [json-pointer:/view/type]"));
    }
    if found.is_empty() {
        return Ok(());
    }
    state.violations.extend(found.iter().map(|what| format!("{name}: {what}")));
    Err(Refused::with_messages("invalid_arguments", &found))
}

/// Uses up a trigger; whose it was and which view it came from.
fn exchange(state: &mut State, args: &Args) -> Result<(String, Option<String>), Refused> {
    let now_ms = state.clock.now_ms();
    let trigger = state.triggers.get_mut(&args.word("trigger_id")).ok_or("invalid_trigger_id")?;
    if trigger.is_used {
        return Err("exchanged_trigger_id".into());
    }
    if now_ms.saturating_sub(trigger.at_ms) > TRIGGER_MS {
        return Err("expired_trigger_id".into());
    }
    trigger.is_used = true;
    Ok((trigger.user.clone(), trigger.from_view.clone()))
}

fn check_external_id(state: &State, given: &Value, except: &str) -> Result<(), Refused> {
    let external_id = super::super::json::text(given, "/external_id");
    let taken = !external_id.is_empty()
        && state.modals.values().flatten().any(|view| view.external_id() == external_id && view.id != except);
    if taken { Err("duplicate_external_id".into()) } else { Ok(()) }
}

fn open(state: &mut State, args: &Args, given: &Value) -> Answer {
    check_external_id(state, given, "")?;
    let (user, _) = exchange(state, args)?;
    let view = View::new(state, &user, given, None);
    let shown = view.json(state);
    state.modals.insert(user, vec![view]);
    Ok(json!({ "view": shown }))
}

fn push(state: &mut State, args: &Args, given: &Value) -> Answer {
    check_external_id(state, given, "")?;
    let (user, from_view) = exchange(state, args)?;
    let stack = state.modals.get(&user).map(Vec::as_slice).unwrap_or_default();
    let Some(below) = stack.iter().find(|view| Some(&view.id) == from_view.as_ref()).cloned() else {
        return Err("no_open_view".into());
    };
    if stack.len() >= STACK_MAX {
        return Err("push_limit_reached".into());
    }
    let view = View::new(state, &user, given, Some(&below));
    let shown = view.json(state);
    state.modals.entry(user).or_default().push(view);
    Ok(json!({ "view": shown }))
}

fn update(state: &mut State, args: &Args, given: &Value) -> Answer {
    let (id, external_id) = (args.word("view_id"), args.word("external_id"));
    let is_wanted = |view: &&View| {
        (!id.is_empty() && view.id == id) || (!external_id.is_empty() && view.external_id() == external_id)
    };
    let all = || state.modals.values().flatten().chain(state.homes.values());
    let old = all().find(is_wanted).cloned().ok_or("not_found")?;
    check_external_id(state, given, &old.id)?;
    if args.text("hash").is_some_and(|hash| hash != old.hash) {
        return Err("hash_conflict".into());
    }
    let view = old.replaced_by(state, given);
    let shown = view.json(state);
    state.put_back(view);
    Ok(json!({ "view": shown }))
}

fn publish(state: &mut State, args: &Args, given: &Value) -> Answer {
    let user = args.word("user_id");
    let person = state.people.get(&user).ok_or("user_not_found")?;
    if person.kind == Kind::Deactivated {
        return Err("user_not_found".into());
    }
    if !state.app.has_home {
        return Err("not_enabled".into());
    }
    let old = state.homes.get(&user).cloned();
    if let (Some(old), Some(hash)) = (&old, args.text("hash"))
        && old.hash != hash
    {
        return Err("hash_conflict".into());
    }
    let view = match old {
        Some(old) => old.replaced_by(state, given),
        None => View::new(state, &user, given, None),
    };
    let shown = view.json(state);
    state.homes.insert(user, view);
    Ok(json!({ "view": shown }))
}
