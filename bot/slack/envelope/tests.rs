//! Every payload of the fixtures through the readers, and who is refused early.

use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use super::*;

fn fixture(name: &str) -> String {
    let path = format!("{}/tests/fixtures/slack/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn form(name: &str) -> Map<String, Value> {
    let body = fixture(name);
    let pairs = url::form_urlencoded::parse(body.trim_end().as_bytes());
    pairs.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect()
}

/// As the doors do it: by name of the file instead of by content type.
fn read(name: &str) -> Delivery {
    if name.ends_with(".form.txt") {
        let fields = form(name);
        return match fields.get("payload").and_then(Value::as_str) {
            Some(payload) => from_interaction(&serde_json::from_str(payload).expect("JSON")),
            None => from_command(&Value::Object(fields)),
        };
    }
    let body: Value = serde_json::from_str(&fixture(name)).expect("JSON");
    match name {
        name if name.starts_with("slash_command") => from_command(&body),
        name if name.starts_with("event_") => from_event(&body, None),
        _ => from_interaction(&body),
    }
}

fn acme() -> OwnTeam {
    OwnTeam {
        url: None,
        team_id: "T0ACME001".to_owned(),
        enterprise_id: None,
        bot_user_id: "U0JITBOT1".to_owned(),
        bot_id: Some("B0JITBOT1".to_owned()),
        app_id: Some("A0JITBOT1".to_owned()),
        is_enterprise_install: false,
    }
}

fn acme_org() -> OwnTeam {
    let enterprise_id = Some("E0ACMEORG".to_owned());
    OwnTeam { team_id: "E0ACMEORG".to_owned(), enterprise_id, is_enterprise_install: true, ..acme() }
}

fn acme_in_org() -> OwnTeam {
    OwnTeam { enterprise_id: Some("E0ACMEORG".to_owned()), ..acme() }
}

/// One line per fixture: what it is, who did it, and whether it is refused early by a lone workspace.
#[test]
fn every_fixture_is_understood() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/slack");
    let mut lines = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the fixtures") {
        let name = entry.expect("a file").file_name().to_string_lossy().into_owned();
        let inbound = ["block_", "event_", "message_action", "shortcut", "slash_command", "view_"];
        if name == "event_retry_headers.json" || !inbound.iter().any(|start| name.starts_with(start)) {
            continue;
        }
        let delivery = read(&name);
        let elsewhere = if delivery.is_from_elsewhere(&acme()) { " from elsewhere" } else { "" };
        let echo = if delivery.is_own_echo(&acme()) { " own echo" } else { "" };
        let line = format!("{name}: {} {}{elsewhere}{echo}", delivery.what.name(), delivery.actor.user_id);
        lines.push(line.trim_end().to_owned());
    }
    lines.sort();
    insta::assert_snapshot!(lines.join("\n"), @r"
    block_actions_ephemeral_no_message.json: block_actions U0ANN0001
    block_actions_external_user.json: block_actions U0EVE0EXT from elsewhere
    block_actions_external_user_partner_team.json: block_actions U0EVE0EXT from elsewhere
    block_actions_grid_user_team_is_enterprise.json: block_actions W0GRID001
    block_actions_home_tab.json: block_actions U0ANN0001
    block_actions_in_thread.json: block_actions U0BOB0001
    block_actions_message_button.form.txt: block_actions U0BOB0001
    block_actions_message_button.json: block_actions U0BOB0001
    block_actions_modal.json: block_actions U0ANN0001
    block_actions_org_install_team_null.json: block_actions W0GRID001
    block_actions_overflow.json: block_actions U0BOB0001
    block_actions_static_select.json: block_actions U0ANN0001
    block_actions_static_select_deselected.json: block_actions U0ANN0001
    block_actions_users_select.json: block_actions U0ANN0001
    block_suggestion.form.txt: block_suggestion U0ANN0001
    block_suggestion.json: block_suggestion U0ANN0001
    block_suggestion_empty_query.json: block_suggestion U0ANN0001
    event_app_home_opened.json: app_home_opened U0ANN0001
    event_app_home_opened_with_view.json: app_home_opened U0ANN0001
    event_app_mention.json: app_mention U0ANN0001
    event_app_mention_external_author.json: app_mention U0EVE0EXT from elsewhere
    event_app_rate_limited.json: unknown
    event_app_uninstalled.json: app_uninstalled
    event_message_im.json: message U0ANN0001
    event_message_own_bot_echo.json: message U0JITBOT1 own echo
    event_subteam_members_changed.json: subteam_members_changed
    event_tokens_revoked.json: tokens_revoked
    event_url_verification.json: url_verification
    event_user_change_deactivated.json: user_change U0BOB0001
    message_action.form.txt: message_action U0ANN0001
    message_action.json: message_action U0ANN0001
    shortcut_global.form.txt: shortcut U0ANN0001
    shortcut_global.json: shortcut U0ANN0001
    slash_command.form.txt: command U0ANN0001
    slash_command.json: command U0ANN0001
    slash_command_dm_empty_text.form.txt: command U0ANN0001
    slash_command_escaped.form.txt: command U0ANN0001
    slash_command_escaped.json: command U0ANN0001
    slash_command_grid.form.txt: command W0GRID001
    slash_command_grid.json: command W0GRID001
    slash_command_hostile_text.form.txt: command U0ANN0001
    slash_command_hostile_text.json: command U0ANN0001
    slash_command_org_install.form.txt: command W0GRID001
    slash_command_private_channel_escaped.form.txt: command U0ANN0001
    slash_command_ssl_check.form.txt: ssl_check
    view_closed.form.txt: view_closed U0ANN0001
    view_closed.json: view_closed U0ANN0001
    view_closed_cleared.json: view_closed U0ANN0001
    view_submission.form.txt: view_submission U0ANN0001
    view_submission.json: view_submission U0ANN0001
    view_submission_external_user_slack_connect.json: view_submission U0EVE0EXT from elsewhere
    view_submission_org_install_team_null.json: view_submission U0ANN0001
    view_submission_with_response_urls.json: view_submission U0ANN0001
    ");
}

#[test]
fn the_same_thing_has_the_same_key_through_both_doors() {
    for (form, json) in [
        ("slash_command.form.txt", "slash_command.json"),
        ("block_actions_message_button.form.txt", "block_actions_message_button.json"),
        ("view_submission.form.txt", "view_submission.json"),
        ("view_closed.form.txt", "view_closed.json"),
        ("block_suggestion.form.txt", "block_suggestion.json"),
        ("message_action.form.txt", "message_action.json"),
        ("shortcut_global.form.txt", "shortcut_global.json"),
    ] {
        assert_eq!(read(form).key, read(json).key, "{form}");
    }
}

#[test]
fn keys_tell_things_apart_and_hold_no_secret() {
    let click = read("block_actions_message_button.json");
    let mut second: Value = serde_json::from_str(&fixture("block_actions_message_button.json")).expect("JSON");
    second["actions"][0]["action_ts"] = json!("1767225660.999999");
    second["trigger_id"] = json!("another");
    assert_ne!(click.key, from_interaction(&second).key, "a second click is a second thing");
    let What::Actions(actions) = &click.what else { panic!("a click") };
    let trigger_id = actions.trigger_id.as_ref().expect("a trigger").expose_secret().to_owned();
    assert!(!click.key.contains(&trigger_id));
    assert!(click.key.starts_with("block_actions:"));
    assert_eq!(format!("{click:?}"), "Delivery { what: \"block_actions\", actor: \"U0BOB0001\", .. }");
}

#[test]
fn a_command_is_read_whole() {
    let What::Command(command) = read("slash_command_escaped.form.txt").what else { panic!("a command") };
    assert_eq!(command.command, "/access");
    assert_eq!(command.text.plain, "prod-db 2h for @bob in #devops see https://wiki.acme.test/INC-42");
    assert_eq!(command.text.mentions, ["U0BOB0001"]);
    assert_eq!((command.channel_id.as_str(), command.channel_name.as_str()), ("C0DEVOPS1", "devops"));
    assert!(command.response_url.is_some() && command.trigger_id.is_some());
    let What::Command(empty) = read("slash_command_dm_empty_text.form.txt").what else { panic!("a command") };
    assert_eq!(empty.text, CommandText::default());
}

#[test]
fn hostile_text_arrives_as_plain_words() {
    let What::Command(command) = read("slash_command_hostile_text.form.txt").what else { panic!("a command") };
    assert_eq!(command.text.plain, "prod-db 2h reason=\"@channel & https://evil.test\" bidi 'smart quotes' — 日本");
}

#[test]
fn a_click_in_an_ephemeral_message_still_says_where() {
    let What::Actions(actions) = read("block_actions_ephemeral_no_message.json").what else { panic!("a click") };
    assert!(actions.is_ephemeral);
    let message = actions.message.expect("a place");
    assert_eq!((message.channel_id.as_str(), message.ts.as_str()), ("C0DEVOPS1", "1767225700.000300"));
    assert_eq!(actions.value.as_deref(), Some("01JGT0REQ"));
}

#[test]
fn a_click_says_its_thread_its_view_and_what_was_chosen() {
    let click = |name: &str| match read(name).what {
        What::Actions(actions) => actions,
        _ => panic!("a click"),
    };
    let threaded = click("block_actions_in_thread.json").message.expect("a message");
    assert_eq!(threaded.thread_ts.as_deref(), Some("1767225500.000100"));
    assert_eq!(click("block_actions_static_select.json").value.as_deref(), Some("PT2H"));
    assert_eq!(click("block_actions_static_select_deselected.json").value, None);
    assert_eq!(click("block_actions_users_select.json").value.as_deref(), Some("U0BOB0001"));
    assert_eq!(click("block_actions_overflow.json").value.as_deref(), Some("extend:01JGT0REQ"));
    let modal = click("block_actions_modal.json");
    let view = modal.view.expect("a view");
    assert_eq!((view.view_id.as_str(), view.callback_id.as_str()), ("V0MODAL01", "access_form"));
    assert_eq!(view.hash.as_deref(), Some("1767225610.aB3dE5fG"));
    assert!(modal.message.is_none() && modal.response_url.is_none());
}

#[test]
fn a_form_reads_every_kind_of_element() {
    let What::Submission(form) = read("view_submission.json").what else { panic!("a form") };
    let state: Value = serde_json::from_str(&fixture("view_submission.json")).expect("JSON");
    let blocks = state["view"]["state"]["values"].as_object().expect("fields");
    let mut lines = Vec::new();
    for (block_id, elements) in blocks {
        for (action_id, element) in elements.as_object().expect("elements") {
            let values = form.state.values(block_id, action_id).join(", ");
            let line = format!("{}: {values}", element["type"].as_str().unwrap_or_default());
            lines.push(line.trim_end().to_owned());
        }
    }
    insta::assert_snapshot!(lines.join("\n"), @r"
    external_select: prod-db
    plain_text_input: investigating INC-42
    static_select: PT2H
    users_select: U0BOB0001
    multi_users_select: U0BOB0001, U0CAT0001
    conversations_select: C0DEVOPS1
    channels_select: C0DEVOPS1
    checkboxes: ro
    radio_buttons:
    datepicker: 2026-01-02
    timepicker: 14:30
    datetimepicker: 1767229200
    number_input: 3
    email_text_input: ann@acme.test
    url_text_input: https://wiki.acme.test/INC-42
    plain_text_input:
    ");
    assert_eq!(form.state.value("reason", "reason_in"), Some("investigating INC-42"));
    assert_eq!(form.state.value("radio", "mode"), None);
    assert_eq!(form.state.value("nowhere", "mode"), None);
    assert_eq!(form.view.private_metadata, r#"{"v":1,"channel":"C0DEVOPS1"}"#);
    assert!(form.input_block_ids.contains(&"reason".to_owned()), "{:?}", form.input_block_ids);
}

#[test]
fn outsiders_are_refused_by_what_we_know_of_ourselves() {
    let refused = |name: &str, own: &OwnTeam| read(name).is_from_elsewhere(own);
    assert!(refused("block_actions_external_user.json", &acme()), "our team in `team`, theirs in `user.team_id`");
    assert!(refused("block_actions_external_user_partner_team.json", &acme()), "theirs in both");
    assert!(refused("view_submission_external_user_slack_connect.json", &acme()));
    assert!(refused("view_submission_external_user_slack_connect.json", &acme_in_org()), "another org");
    assert!(refused("event_app_mention_external_author.json", &acme()));
    assert!(!refused("block_actions_message_button.json", &acme()));
    assert!(!refused("view_submission.json", &acme()));
}

#[test]
fn org_wide_installs_and_grid_people_are_not_refused_early() {
    for name in [
        "block_actions_org_install_team_null.json",
        "view_submission_org_install_team_null.json",
        "slash_command_org_install.form.txt",
        "slash_command_grid.form.txt",
        "block_actions_grid_user_team_is_enterprise.json",
    ] {
        for own in [acme_org(), acme_in_org()] {
            assert!(!read(name).is_from_elsewhere(&own), "{name} {own:?}");
        }
    }
}

#[test]
fn a_modal_of_an_app_installed_elsewhere_is_refused_though_every_other_field_is_ours() {
    let mut payload: Value = serde_json::from_str(&fixture("view_submission.json")).expect("JSON");
    payload["view"]["app_installed_team_id"] = json!("T0PARTNER");
    assert!(from_interaction(&payload).is_from_elsewhere(&acme()));
}

#[test]
fn events_name_their_person_and_their_repetition() {
    let change = read("event_user_change_deactivated.json");
    assert_eq!(change.actor.user_id, "U0BOB0001");
    assert_eq!(change.key, read("event_user_change_deactivated.json").key);
    let body: Value = serde_json::from_str(&fixture("event_app_mention.json")).expect("JSON");
    let (first, again) = (from_event(&body, None), from_event(&body, Some(1)));
    assert_eq!((first.key.as_str(), again.retry), (again.key.as_str(), Some(1)));
}

#[test]
fn what_is_incomplete_is_unknown_and_never_guessed() {
    let kind = |delivery: Delivery| match delivery.what {
        What::Unknown { kind } => kind,
        _ => panic!("unknown"),
    };
    assert_eq!(kind(from_command(&json!({ "command": "/access" }))), "a command without name or person");
    assert_eq!(kind(from_interaction(&json!({ "type": "block_actions" }))), "an interaction without a person");
    let no_action = json!({ "type": "block_actions", "user": { "id": "U1" }, "actions": [] });
    assert_eq!(kind(from_interaction(&no_action)), "block_actions without its parts");
    assert_eq!(kind(from_interaction(&json!({ "type": "new\nkind", "user": { "id": "U1" } }))), "newkind");
    assert_eq!(kind(from_event(&json!([1]), None)), "a payload without a type");
    assert_eq!(kind(from_event(&json!({ "type": "app_rate_limited" }), None)), "app_rate_limited");
}
