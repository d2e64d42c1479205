//! At the edges: sockets that say nothing, the other kind of credential, kinds nobody knows, a database that does not take
//! it, and the less used ways in.

use nightlatch::kernel::{Outcome, State};
use nightlatch::playground::slack::{Envelope, Writing};
use serde_json::json;

use crate::harness::*;

#[tokio::test(flavor = "multi_thread")]
async fn while_every_socket_is_open_and_silent_what_is_on_ends_on_time_and_is_told() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bob.press("Approve").await;
        stage.slack.silence_sockets();
        stage.advance(2.hours()).await;
        assert!(!stage.is_on());
        assert!(stage.alice.reads().contains("has ended"));
        assert!(stage.bob.sees("#access").contains("Verified gone"));
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_key_does_what_an_oauth_client_does() {
    let setting = || Setting { has_api_key: true, ..Setting::default() };
    story_everywhere_with(setting, async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bob.press("Approve").await;
        assert!(stage.is_on());
        stage.advance(2.hours()).await;
        assert!(!stage.is_on());
        let asked_for_tokens = stage.tailnet.calls().iter().filter(|call| call.path.contains("oauth")).count();
        assert_eq!(asked_for_tokens, 0);
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_nobody_knows_is_acknowledged_every_time_and_logged_once() {
    for (mode, kind) in [(Mode::Socket, "sparkle_by_socket"), (Mode::Http, "sparkle_by_http")] {
        story_with(Setting { mode, ..Setting::default() }, async |stage| {
            for round in 0..3 {
                let payload =
                    json!({ "type": kind, "user": { "id": "U0ALICE01" }, "trigger_id": format!("1.2.{round}") });
                let delivered = stage.slack.deliver_raw(Envelope::Interactive, payload).await;
                assert!(delivered.acked && delivered.body.is_none(), "{delivered:?}");
            }
            let event = json!({ "type": format!("event_{kind}"), "team_id": "T0ACME001" });
            assert!(stage.slack.deliver_raw(Envelope::EventsApi, event).await.acked);
            assert_eq!(stage.logged(&format!("slack.kind={kind}")), 1);
            assert_eq!(stage.logged(&format!("slack.kind=event_{kind}")), 1);
            assert!(stage.requests().await.is_empty());
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_database_does_not_take_is_told_wherever_it_was_done() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bob.press("Deny").await;
        stage.slack.shortcut("carol", "access_request").await.expect("a shortcut");
        stage.bot.settle().await;
        stage.carol.fill("Reason", "invoice 1205").await;
        stage.bot.store().await.close().await;
        stage.slack.submit_modal("carol").await.expect("a form");
        insta::assert_snapshot!(stage.carol.modal().lines().filter(|line| line.contains("  ! ")).collect::<String>(), @"  ! Nothing was asked: my records could not be read. Send it again in a moment.");
        stage.slack.submit_modal("bob").await.expect("a form");
        insta::assert_snapshot!(stage.bob.modal().lines().filter(|line| line.contains("saved")).collect::<String>(), @"  ! That could not be saved, so nothing was counted. Press again in a moment; if it stays like this, tell an admin.");
        stage.bot.restart().await;
        assert_eq!((stage.requests().await.len(), stage.request().await.state), (1, State::Pending));
        // The forms are still open, with what was typed.
        stage.carol.submit().await;
        stage.bob.submit().await;
        let states: Vec<_> = stage.requests().await.iter().map(|request| (request.state, request.outcome)).collect();
        assert_eq!(states, [(State::Pending, None), (State::Ended, Some(Outcome::Denied))]);
        stage.carol.command("/access withdraw prod-db").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shortcut_on_a_message_opens_the_form_where_the_message_is() {
    story(async |stage| {
        let writing = Writing { text: "who can look at invoice 1204?".to_owned(), ..Writing::default() };
        let message = stage.slack.write("bob", "#general", writing).expect("a message");
        stage.slack.message_shortcut("alice", &message, "access_request").await.expect("a shortcut");
        assert!(stage.slack.until(|slack| slack.modal("alice").is_some()).await);
        stage.alice.fill("Reason", "invoice 1204").await;
        stage.alice.submit().await;
        assert_eq!(stage.request().await.channel.as_deref(), Some("C0GENERAL1"));
        stage.alice.command("/access withdraw prod-db").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_s_own_request_can_be_approved_from_home_where_the_workflow_says_confirm() {
    let setting = || Setting::default().prod_db(&[("own_request: never", "own_request: confirm")]);
    story_everywhere_with(setting, async |stage| {
        stage.bob.command("/access prod-db 2h device=bob-laptop restore a backup").await;
        let home = stage.bob.home().await;
        assert!(home.contains("[Approve]"), "{home}");
        let asks = stage.slack.confirmation("bob", "home", "Approve").expect("a button").expect("a question");
        assert_eq!(
            asks,
            "Your own request You approve what you asked for yourself. That will be written down. [Approve] [Back]"
        );
        stage.bob.press_in("home", "Approve").await;
        assert_eq!(stage.tailnet.attribute("bob-laptop", JIT), Some(true.into()));
        stage.advance(2.hours()).await;
        stage.everybody_reads();
    })
    .await;
}
