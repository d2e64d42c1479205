//! What Slack is told and when: an ack means saved, and what an ack cannot carry reaches the person another way.

use nightlatch::kernel::State;
use nightlatch::playground::slack::{Envelope, Fault};
use serde_json::json;

use crate::harness::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_press_that_is_not_saved_in_time_is_not_acknowledged_and_counts_once_all_the_same() {
    for mode in [Mode::Socket, Mode::Http] {
        story_with(Setting { mode, ..Setting::default() }, async |stage| {
            stage.alice.command("/access prod-db 2h invoice 1204").await;
            let other = stage.bot.lock_database().await;
            let pressed = stage.slack.press("bob", "#access", "Approve").await.expect("a button");
            assert!(!pressed.acked, "Slack must show bob that it failed: {pressed:?}");
            assert_eq!(pressed.status, (mode == Mode::Http).then_some(503));
            drop(other);
            // He presses again, as Slack tells him to; the first press is saved by now, or will be.
            stage.slack.press("bob", "#access", "Approve").await.expect("a button");
            stage.bot.settle().await;
            let request = stage.request().await;
            assert_eq!((request.state, request.decisions.len()), (State::Active, 1));
            stage.alice.press("Return").await;
            stage.everybody_reads();
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_press_on_a_bot_that_gives_up_its_database_is_not_acknowledged() {
    for mode in [Mode::Socket, Mode::Http] {
        story_with(Setting { mode, ..Setting::default() }, async |stage| {
            stage.alice.command("/access prod-db 2h invoice 1204").await;
            stage.bot.settle().await;
            // From here on the process only ends: what it would say in private may reach nobody.
            stage.bot.store().await.break_down("disk I/O error");
            let pressed = stage.slack.press("bob", "#access", "Approve").await.expect("a button");
            assert!(!pressed.acked, "Slack must show bob that it failed: {pressed:?}");
            stage.bot.kill().await;
            stage.bot.start().await;
            stage.bob.press("Approve").await;
            assert!(stage.is_on());
            stage.alice.press("Return").await;
            stage.everybody_reads();
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_press_that_is_saved_is_acknowledged_however_slow_slack_is() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bob.home().await;
        stage.slack.fail("views.publish", Fault::Hang, 1);
        stage.bob.press_in("home", "Approve").await;
        assert!(stage.is_on());
        stage.alice.press("Return").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_whose_address_is_used_up_reaches_the_person_privately() {
    for fault in [Fault::Error("used_url".to_owned()), Fault::Unavailable, Fault::LostReply] {
        story(async |stage| {
            stage.alice.command("/access prod-db 2h invoice 1204").await;
            assert!(stage.slack.set_member("#access", "otto", true).is_ok());
            stage.slack.fail("response_url", fault, 1);
            stage.otto.press_in("#access", "Approve").await;
            assert!(stage.slack.until(|slack| slack.screen("otto", DM).contains("another company")).await);
            stage.alice.command("/access withdraw prod-db").await;
            stage.everybody_reads();
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_meant_for_another_app_is_not_taken() {
    for (mode, other) in [(Mode::Socket, "A0OTHER001"), (Mode::Http, "A0OTHER002")] {
        story_with(Setting { mode, ..Setting::default() }, async |stage| {
            let payload = |app: Option<&str>, once: u32| {
                let mut payload = json!({
                    "command": "/access", "text": "prod-db 2h invoice 1204", "user_id": "U0ALICE01", "team_id": "T0ACME001",
                    "channel_id": "C0GENERAL1", "channel_name": "general", "trigger_id": format!("1.2.{once}"),
                });
                if let Some(app) = app {
                    payload["api_app_id"] = app.into();
                }
                payload
            };
            let delivered = stage.slack.deliver_raw(Envelope::SlashCommands, payload(Some(other), 1)).await;
            assert!(!delivered.acked, "{delivered:?}");
            assert_eq!(delivered.status, (mode == Mode::Http).then_some(401));
            assert!(stage.requests().await.is_empty());
            assert_eq!(stage.logged(other), 1);
            // Not every payload names an app; what is not said proves nothing.
            assert!(stage.slack.deliver_raw(Envelope::SlashCommands, payload(None, 2)).await.acked);
            stage.bot.settle().await;
            assert_eq!(stage.requests().await.len(), 1);
            stage.alice.command("/access withdraw prod-db").await;
        })
        .await;
    }
}
