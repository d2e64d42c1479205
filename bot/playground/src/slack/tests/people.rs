//! What people do and what they see.

use insta::assert_snapshot;
use serde_json::json;

use super::*;
use crate::slack::{CannotAct, Kind};

#[tokio::test]
async fn a_slash_command_reaches_the_app_and_its_reply_is_seen_only_by_the_asker() {
    let world = world().await;
    let app = TinyApp::connect(&world, |_| Some(json!({ "text": "Asked <@U0BOB0001>." }))).await;
    let delivered = world.command("alice", "#access", "/access prod-db 2h a & b @bob").await.expect("delivered");
    assert!(delivered.acked);
    let payload = app.last();
    assert_eq!(payload["text"], "prod-db 2h a &amp; b <@U0BOB0001|bob>");
    assert_eq!(payload["user_id"], "U0ALICE01");
    assert_eq!(payload["is_enterprise_install"], "false");
    assert_snapshot!(world.screen("alice", "#access"), @r"
    #access
    nightlatch (only you): Asked @bob.
    ");
    assert_snapshot!(world.screen("bob", "#access"), @"#access");
    assert_eq!(world.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn each_reader_sees_dates_in_their_own_time_zone() {
    let world = world().await;
    let posted =
        call(&world, "chat.postMessage", json!({ "channel": "C0ACCESS01", "text": "x", "blocks": card() })).await;
    assert_eq!(posted["ok"], true, "{posted}");
    let reply = json!({ "channel": "C0ACCESS01", "text": "granted", "thread_ts": posted["ts"] });
    call(&world, "chat.postMessage", reply).await;
    assert_snapshot!(world.screen("alice", "#access"), @r"
    #access
    nightlatch:
      @alice asks for *prod-db* & a hug
      *Until* today 13:00 | laptop
      [Approve] [Deny]
        nightlatch: granted
    ");
    assert_snapshot!(world.screen("carol", "#access"), @r"
    #access
    nightlatch:
      @alice asks for *prod-db* & a hug
      *Until* today 21:00 | laptop
      [Approve] [Deny]
        nightlatch: granted
    ");
    assert_eq!(world.unread("carol"), [("#access".to_owned(), 2)]);
    world.mark_read("carol", "#access");
    assert_eq!(world.unread("carol"), []);
}

#[tokio::test]
async fn a_pressed_button_carries_message_trigger_and_response_url() {
    let world = world().await;
    let app = TinyApp::connect(&world, |_| None).await;
    let posted =
        call(&world, "chat.postMessage", json!({ "channel": "C0ACCESS01", "text": "x", "blocks": card() })).await;
    let dialog = world.confirmation("bob", "#access", "Deny").expect("there");
    assert_eq!(dialog.as_deref(), Some("Deny? The requester is told. [Deny] [Back]"));
    world.press("bob", "#access", "Approve").await.expect("pressed");
    let payload = app.last();
    assert_eq!(payload["actions"][0]["action_id"], "approve");
    assert_eq!(payload["actions"][0]["value"], "r1");
    assert_eq!(payload["message"]["ts"], posted["ts"]);
    assert_eq!(payload["user"]["team_id"], "T0ACME001");
    let hook = payload["response_url"].as_str().expect("a url");
    assert_eq!(post_hook(hook, json!({ "replace_original": true, "text": "Approved" })).await, 200);
    assert_snapshot!(world.screen("alice", "#access"), @r"
    #access
    nightlatch: Approved
    ");
    let missing = world.press("bob", "#access", "Approve").await.expect_err("gone");
    assert_snapshot!(missing, @r#"bob sees nothing called "Approve" there; there is: nothing"#);
}

#[tokio::test]
async fn a_modal_is_filled_in_refused_corrected_and_closed() {
    let world = world().await;
    let app = TinyApp::connect(&world, |payload| match payload["type"].as_str() {
        Some("block_suggestion") => Some(json!({ "options": [
            { "text": { "type": "plain_text", "text": "alice-laptop" }, "value": "n1" }] })),
        Some("view_submission") if payload["view"]["state"]["values"]["reason"]["reason"]["value"] == "no" => {
            Some(json!({ "response_action": "errors", "errors": { "reason": "Say more." } }))
        }
        _ => None,
    })
    .await;
    world.command("alice", "#access", "/access").await.expect("delivered");
    let opened = call(&world, "views.open", json!({ "trigger_id": app.last()["trigger_id"], "view": form() })).await;
    assert_eq!(opened["ok"], true, "{opened}");
    let early = world.submit_modal("alice").await.expect_err("incomplete");
    assert!(matches!(early, CannotAct::Incomplete(_)), "{early}");
    world.fill("alice", "How long", "2 hours").await.expect("filled");
    world.fill("alice", "Device", "alice").await.expect("filled");
    world.fill("alice", "Reason", "no").await.expect("filled");
    world.submit_modal("alice").await.expect("sent");
    assert_snapshot!(world.modal("alice").expect("still open"), @r"
    == Ask for access ==
    How long: <2 hours>
    Device (optional): <alice-laptop>
    Reason: <no>
      ! Say more.
    (Cancel) [Ask]
    ");
    world.fill("alice", "Reason", "invoice 1204").await.expect("filled");
    world.submit_modal("alice").await.expect("sent");
    assert_eq!(world.modal("alice"), None);
    let values = app.last()["view"]["state"]["values"].clone();
    assert_eq!(values["hold"]["hold"]["selected_option"]["value"], "2h");
    assert_eq!(values["device"]["device"]["selected_option"]["value"], "n1");
    assert_eq!(world.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_closed_modal_is_told_to_the_app() {
    let world = world().await;
    let app = TinyApp::connect(&world, |_| None).await;
    world.shortcut("alice", "ask").await.expect("delivered");
    call(&world, "views.open", json!({ "trigger_id": app.last()["trigger_id"], "view": form() })).await;
    world.close_modal("alice").await.expect("closed").expect("told");
    assert_eq!(app.last()["type"], "view_closed");
    assert_eq!(app.last()["is_cleared"], false);
    assert_eq!(world.modal("alice"), None);
}

#[tokio::test]
async fn somebody_of_another_company_may_press_but_not_command() {
    let world = world().await;
    let app = TinyApp::connect(&world, |_| None).await;
    call(&world, "chat.postMessage", json!({ "channel": "C0PARTNER1", "text": "x", "blocks": card() })).await;
    let refused = world.command("otto", "#access-partners", "/access prod-db").await.expect_err("refused");
    assert_eq!(refused, CannotAct::NoSuchCommand("/access".to_owned()));
    world.press("otto", "#access-partners", "Approve").await.expect("pressed");
    assert_eq!(app.last()["user"]["team_id"], "T0OTHER01");
    assert_eq!(app.last()["team"]["id"], "T0ACME001");
    call(&world, "views.open", json!({ "trigger_id": app.last()["trigger_id"], "view": form() })).await;
    world.fill("otto", "Reason", "let me in").await.expect("filled");
    world.submit_modal("otto").await.expect("sent");
    assert_eq!(app.last()["team"]["id"], "T0OTHER01", "Slack names the other company here");
    assert_eq!(app.last()["view"]["app_installed_team_id"], "T0ACME001");
}

#[tokio::test]
async fn an_org_wide_install_sends_no_team() {
    let world = world_of(Seed::acme().org_install("E0ACMEORG", "Acme Org")).await;
    let app = TinyApp::connect(&world, |_| None).await;
    world.shortcut("alice", "ask").await.expect("delivered");
    assert!(app.last()["team"].is_null());
    assert_eq!(app.last()["enterprise"]["id"], "E0ACMEORG");
    assert_eq!(call(&world, "auth.test", json!({})).await["team_id"], "E0ACMEORG");
}

#[tokio::test]
async fn the_app_hears_of_home_messages_and_leavers() {
    let world = world().await;
    let app = TinyApp::connect(&world, |_| None).await;
    world.open_home("alice").await.expect("delivered").expect("subscribed");
    assert_eq!(app.last()["event"]["type"], "app_home_opened");
    world.say("alice", "@nightlatch", "hello", None).await.expect("said");
    assert_eq!(app.last()["event"]["channel_type"], "im");
    world.say("alice", "#access", "nothing for the bot", None).await.expect("said");
    assert_eq!(app.last()["event"]["text"], "hello");
    world.set_kind("bob", Kind::Deactivated).await.expect("changed");
    assert_eq!(app.last()["event"]["user"]["deleted"], true);
    world.set_group("@db-oncall", &["carol", "dave"]).await.expect("changed");
    assert_eq!(app.last()["event"]["added_users"], json!(["U0DAVE001"]));
    assert_eq!(app.last()["event"]["removed_users"], json!(["U0BOB0001"]));
}

#[tokio::test]
async fn the_page_gets_everything_one_person_sees() {
    let world = world().await;
    let ephemeral = json!({ "channel": "C0ACCESS01", "user": "U0ALICE01", "text": "psst" });
    call(&world, "chat.postEphemeral", ephemeral).await;
    let home = json!({ "type": "home", "blocks": [{ "type": "divider" }] });
    call(&world, "views.publish", json!({ "user_id": "U0ALICE01", "view": home })).await;
    let of_alice = world.view_for("alice");
    assert_eq!(of_alice["unread"], 1);
    assert_eq!(of_alice["home"]["blocks"][0]["type"], "divider");
    assert_eq!(of_alice["channels"][0]["messages"][0]["shown"], "nightlatch (only you): psst");
    assert_eq!(world.view_for("bob")["unread"], 0);
    assert_eq!(world.home("alice").as_deref(), Some("---"));
}
