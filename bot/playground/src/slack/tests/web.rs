//! What the Web API refuses, and how.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::slack::{Kind, Person};

#[tokio::test]
async fn arguments_may_come_as_query_form_or_json() {
    let world = world().await;
    let by_query = get(&world, "users.info", &[("user", "U0ALICE01")]).await;
    assert_eq!(by_query["user"]["profile"]["email"], "alice@example.com");
    assert_eq!(by_query["user"]["tz_offset"], 3600);
    let form = [("token", world.app().bot_token), ("user", "U0ALICE01".to_owned())];
    let by_form = http().post(format!("{}/users.info", world.api_url())).form(&form).send().await.expect("an answer");
    let by_form: Value = by_form.json().await.expect("JSON");
    assert_eq!(by_form["user"], by_query["user"]);
    let blocks = json!([{ "type": "divider" }]).to_string();
    let form = [("channel", "C0ACCESS01"), ("text", "x"), ("blocks", blocks.as_str())];
    let url = format!("{}/chat.postMessage", world.api_url());
    let request = http().post(url).bearer_auth(world.app().bot_token).form(&form);
    let posted: Value = request.send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(posted["message"]["blocks"][0]["type"], "divider");
    assert_eq!(world.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn read_methods_do_not_see_json_and_the_linter_says_so() {
    let world = world().await;
    let answer = call(&world, "users.info", json!({ "user": "U0ALICE01" })).await;
    assert_eq!(answer["error"], "invalid_arguments");
    assert_eq!(world.violations(), ["users.info: takes no JSON body"]);
}

#[tokio::test]
async fn tokens_and_scopes_are_checked() {
    let world = world_of(Seed::acme().without_scope("users:read.email")).await;
    let url = format!("{}/auth.test", world.api_url());
    let without: Value = http().post(&url).send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(without["error"], "not_authed");
    let wrong: Value =
        http().post(&url).bearer_auth("xoxb-x").send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(wrong["error"], "invalid_auth");
    assert_eq!(call(&world, "apps.connections.open", json!({})).await["error"], "not_allowed_token_type");
    let scope = get(&world, "users.lookupByEmail", &[("email", "bob@example.com")]).await;
    assert_eq!(scope["error"], "missing_scope");
    assert_eq!(scope["needed"], "users:read.email");
    let info = get(&world, "users.info", &[("user", "U0ALICE01")]).await;
    assert!(info["user"]["profile"].get("email").is_none(), "{info}");
    assert_eq!(call(&world, "chat.nothing", json!({})).await["error"], "unknown_method");
}

#[tokio::test]
async fn each_kind_of_person_shows_in_users_info() {
    let world = world_of(Seed::acme().person(Person::new("U0ROBOT01", "robot", "Etc/UTC").kind(Kind::Bot))).await;
    let user = async |id: &str| get(&world, "users.info", &[("user", id)]).await["user"].clone();
    assert_eq!(user("U0GRACE01").await["is_restricted"], true);
    assert_eq!(user("U0OTTO001").await["team_id"], "T0OTHER01");
    assert_eq!(user("U0OTTO001").await["is_stranger"], false);
    assert_eq!(user("U0DORA001").await["deleted"], true);
    assert_eq!(user("U0ROBOT01").await["is_bot"], true);
    assert_eq!(get(&world, "users.info", &[("user", "U0NOBODY1")]).await["error"], "user_not_found");
    let gone = get(&world, "users.lookupByEmail", &[("email", "dora@example.com")]).await;
    assert_eq!(gone["error"], "users_not_found");
    let all = get(&world, "users.list", &[]).await.to_string();
    assert!(all.contains("U0ALICE01") && !all.contains("U0OTTO001"), "{all}");
    let group = get(&world, "usergroups.users.list", &[("usergroup", "S0DBONCALL")]).await;
    assert_eq!(group["users"], json!(["U0BOB0001", "U0CAROL01"]));
}

#[tokio::test]
async fn a_trigger_works_once_and_for_three_seconds() {
    let clock = Clock::manual(NEW_YEAR_MS);
    let world = SlackWorld::start(clock.clone(), Seed::acme()).await.expect("a free port");
    let app = TinyApp::connect(&world, |_| None).await;
    let open =
        async |trigger: &Value| call(&world, "views.open", json!({ "trigger_id": trigger, "view": form() })).await;
    world.shortcut("alice", "ask").await.expect("delivered");
    let trigger = app.last()["trigger_id"].clone();
    assert_eq!(open(&trigger).await["ok"], true);
    assert_eq!(open(&trigger).await["error"], "exchanged_trigger_id");
    assert_eq!(open(&json!("1.2.x")).await["error"], "invalid_trigger_id");
    world.shortcut("alice", "ask").await.expect("delivered");
    clock.advance(Duration::from_millis(3_001));
    assert_eq!(open(&app.last()["trigger_id"]).await["error"], "expired_trigger_id");
}

#[tokio::test]
async fn a_view_is_updated_only_by_who_knows_its_newest_hash_and_keeps_what_was_typed() {
    let world = world().await;
    let app = TinyApp::connect(&world, |_| None).await;
    world.shortcut("alice", "ask").await.expect("delivered");
    let opened = call(&world, "views.open", json!({ "trigger_id": app.last()["trigger_id"], "view": form() })).await;
    world.fill("alice", "Reason", "typed").await.expect("filled");
    let (id, hash) = (&opened["view"]["id"], &opened["view"]["hash"]);
    let update = json!({ "view_id": id, "hash": hash, "view": form() });
    assert_eq!(call(&world, "views.update", update.clone()).await["ok"], true);
    assert_eq!(call(&world, "views.update", update).await["error"], "hash_conflict");
    let shown = world.modal("alice").expect("open");
    assert!(shown.contains("Reason: <typed>"), "{shown}");
    let unknown = json!({ "view_id": "V0NOTHING", "view": form() });
    assert_eq!(call(&world, "views.update", unknown).await["error"], "not_found");
}

#[tokio::test]
async fn messages_are_refused_as_slack_refuses_them() {
    let world = world().await;
    let post = async |args: Value| call(&world, "chat.postMessage", args).await;
    assert_eq!(post(json!({ "channel": "C0NOTHING", "text": "x" })).await["error"], "channel_not_found");
    assert_eq!(post(json!({ "channel": "C0ACCESS01" })).await["error"], "no_text");
    world.set_scope("chat:write.public", false);
    assert_eq!(post(json!({ "channel": "C0GENERAL1", "text": "x" })).await["error"], "not_in_channel");
    world.edit_channel("#access", |channel| channel.is_archived = true);
    assert_eq!(post(json!({ "channel": "C0ACCESS01", "text": "x" })).await["error"], "is_archived");
    let sent = post(json!({ "channel": "U0ALICE01", "text": "psst" })).await;
    assert_eq!(sent["channel"], "D0ALICE01");
    let long = "x".repeat(4_001);
    let update = json!({ "channel": "D0ALICE01", "ts": sent["ts"], "text": long });
    assert_eq!(call(&world, "chat.update", update).await["error"], "msg_too_long");
    let update = json!({ "channel": "D0ALICE01", "ts": "1.2", "text": "x" });
    assert_eq!(call(&world, "chat.update", update).await["error"], "message_not_found");
    let (hers, _) = world.say("alice", "@nightlatch", "mine", None).await.expect("said");
    let update = json!({ "channel": hers.channel, "ts": hers.ts, "text": "x" });
    assert_eq!(call(&world, "chat.update", update).await["error"], "cant_update_message");
    let bad = json!({ "channel": "U0ALICE01", "text": "x", "blocks": [{ "type": "sections" }] });
    let refused = post(bad).await;
    assert_eq!(refused["error"], "invalid_blocks");
    let message = &refused["response_metadata"]["messages"][0];
    assert_eq!(message, "[ERROR] unsupported type: sections [json-pointer:/blocks/0/type]");
}

#[tokio::test]
async fn a_response_url_works_five_times_within_thirty_minutes() {
    let clock = Clock::manual(NEW_YEAR_MS);
    let world = SlackWorld::start(clock.clone(), Seed::acme()).await.expect("a free port");
    let app = TinyApp::connect(&world, |_| None).await;
    world.command("alice", "#access", "/access").await.expect("delivered");
    let first = app.last()["response_url"].as_str().expect("a url").to_owned();
    for _ in 0..5 {
        assert_eq!(post_hook(&first, json!({ "text": "again" })).await, 200);
    }
    assert_eq!(post_hook(&first, json!({ "text": "again" })).await, 404);
    world.command("alice", "#access", "/access").await.expect("delivered");
    clock.advance(Duration::from_secs(30 * 60 + 1));
    let second = app.last()["response_url"].as_str().expect("a url").to_owned();
    assert_eq!(post_hook(&second, json!({ "text": "late" })).await, 404);
    assert!(!world.everything_said().contains("late\nlate"));
}
