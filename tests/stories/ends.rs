//! Access ends, whatever fails: ends that meet in one moment, records that cannot be read, and a bot that overslept.

use nightlatch::kernel::{Found, Outcome, State};
use nightlatch::playground::slack::MessageRef;
use nightlatch::playground::tailnet::{Endpoint, Fault};

use crate::harness::*;

async fn granted(stage: &Stage, line: &str) {
    stage.alice.command(line).await;
    stage.bob.press("Approve").await;
    assert!(stage.is_on());
}

/// The card in #access with these words.
fn card(stage: &Stage, words: &str) -> MessageRef {
    let cards = stage.slack.messages("#access");
    let card = cards.iter().find(|card| card.text.contains(words)).expect("a card");
    MessageRef { channel: "C0ACCESS01".into(), ts: card.ts.clone() }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_grants_that_end_while_one_of_them_is_being_settled_leave_nothing_on() {
    story(async |stage| {
        granted(stage, "/access prod-db 1h first").await;
        granted(stage, "/access prod-db 2h second").await;
        // As slow as the real one, and slower: the second lets go while the first is being settled.
        for endpoint in [Endpoint::Attributes, Endpoint::SetAttribute, Endpoint::DeleteAttribute] {
            stage.tailnet.fault(endpoint, Fault::Slow(300), None);
        }
        for words in ["1h", "2h"] {
            let pressed = stage.slack.press("alice", card(stage, words), "Return").await.expect("a button");
            assert!(pressed.acked);
        }
        stage.bot.settle().await;
        assert!(!stage.is_on(), "nobody holds it");
        for request in stage.requests().await {
            assert_eq!((request.state, request.outcome), (State::Ended, Some(Outcome::Returned)));
            let found = request.steps[0].proof.as_ref().map(|proof| &proof.found);
            assert!(!matches!(found, Some(Found::Untouched)), "it was on: {found:?}");
        }
        assert!(!stage.alice.reads().contains("Nothing was switched on"));
        stage.tailnet.clear_faults(Endpoint::Attributes);
        // What was there before was nothing, for the next one too.
        granted(stage, "/access prod-db 1h third").await;
        stage.advance(1.hours()).await;
        assert!(!stage.is_on());
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_holders_of_one_thing_that_end_together_are_one_write() {
    story_with(Setting::default().several_of_one(), async |stage| {
        for reason in ["a", "b", "c", "d", "e", "f"] {
            granted(stage, &format!("/access prod-db 1h {reason}")).await;
        }
        let before = stage.tailnet.calls_of(Endpoint::DeleteAttribute);
        stage.advance(1.hours()).await;
        assert!(!stage.is_on());
        assert_eq!(stage.tailnet.calls_of(Endpoint::DeleteAttribute) - before, 1);
        assert!(stage.requests().await.iter().all(|request| request.state == State::Ended));
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_effect_of_a_later_version_is_set_aside_and_everything_else_goes_on() {
    story(async |stage| {
        granted(stage, "/access prod-db 1h invoice 1204").await;
        stage.bot.kill().await;
        stage
            .bot
            .change_database(
                "insert into outbox (seq, request_id, slot, lane, ordered, due_at, attempts, effect, class, first)
                 values (-1, 'tomorrow', '', 'tomorrow', 0, 0, 0, '{\"shape\":99,\"effect\":\"teleport\"}', 0, 1)",
            )
            .await;
        stage.bot.start().await;
        stage.bot.settle().await;
        assert_eq!(stage.bot.store().await.set_aside_count().await.expect("the outbox"), 1);
        stage.advance(1.hours()).await;
        assert!(!stage.is_on());
        assert_eq!(stage.request().await.outcome, Some(Outcome::Expired));
        assert_eq!(stage.logged("an effect cannot be read by this version; it is set aside"), 1, "told once");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_cannot_be_read_is_taken_back_from_the_ledger_alone_and_people_are_told() {
    story(async |stage| {
        granted(stage, "/access prod-db 1h invoice 1204").await;
        stage.alice.reads();
        stage.bob.reads_in("#access");
        // The net under us tears too.
        stage.tailnet.set_expiry_lag_ms(86_400_000);
        stage.bot.kill().await;
        stage.bot.change_database("update request set body = 'x' || body").await;
        stage.bot.start().await;
        stage.bot.settle().await;
        assert!(stage.is_on(), "its time is not up");
        stage.advance(1.hours() + 10.seconds()).await;
        assert!(!stage.is_on());
        assert!(stage.bot.store().await.keys().await.expect("keys").is_empty());
        insta::assert_snapshot!(stage.bob.reads_in("#access"), @"
        #access
        nightlatch: ⚠️ The record of request 01kjmma2g000000001 (*prod-db*, @alice) cannot be read by this version of Nightlatch, so its card no longer changes. Its time was up and it was taken back: it reads back as off, today 08:00:10. The log says why.
        ");
        // A version that can read it is started: it hears what became of it, and nothing is taken back twice.
        stage.bot.kill().await;
        stage.bot.change_database("update request set body = substr(body, 2)").await;
        stage.ends_late = true;
        stage.bot.start().await;
        stage.bot.settle().await;
        assert_eq!(stage.request().await.outcome, Some(Outcome::Expired));
        assert!(stage.alice.reads().contains("Verified gone"));
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_should_have_ended_it_and_is_lost_is_made_up_for_by_the_ledger() {
    story(async |stage| {
        granted(stage, "/access prod-db 1h invoice 1204").await;
        stage.tailnet.set_expiry_lag_ms(86_400_000);
        stage.bot.kill().await;
        stage.bot.change_database("delete from outbox").await;
        stage.bot.start().await;
        stage.advance(1.hours() + 10.seconds()).await;
        assert!(!stage.is_on());
        assert_eq!(stage.request().await.outcome, Some(Outcome::Expired));
        stage.ends_late = true;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_down_for_longer_than_the_hold_before_it_was_confirmed_begins_it_anew() {
    story(async |stage| {
        stage.alice.command("/access prod-db 1h invoice 1204").await;
        stage.tailnet.fault(Endpoint::SetAttribute, Fault::Status(500), Some(1));
        stage.bob.press("Approve").await;
        assert_eq!(stage.request().await.state, State::Activating);
        stage.bot.kill().await;
        stage.clock.advance(3.hours());
        stage.bot.start().await;
        stage.bot.settle().await;
        assert!(stage.is_on());
        let request = stage.request().await;
        assert_eq!((request.state, request.expires_at), (State::Active, Some(stage.clock.now_ms() + 3_600_000)));
        stage.advance(1.hours()).await;
        assert!(!stage.is_on());
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_definite_refusal_to_take_back_alarms_at_once() {
    story(async |stage| {
        granted(stage, "/access prod-db 1h invoice 1204").await;
        stage.bob.reads_in("#access");
        stage.tailnet.fault(Endpoint::DeleteAttribute, Fault::Status(403), None);
        stage.advance(1.hours()).await;
        assert!(stage.request().await.stuck, "nobody waits for five tries of what is refused");
        assert!(stage.bob.reads_in("#access").contains("[Retry]"));
        stage.tailnet.clear_faults(Endpoint::DeleteAttribute);
        stage.ends_late = true;
        stage.advance(2.minutes()).await;
        assert!(!stage.is_on());
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_nothing_can_be_saved_access_ends_all_the_same_and_that_is_told_later() {
    story(async |stage| {
        granted(stage, "/access prod-db 1h invoice 1204").await;
        stage.alice.reads();
        // The net under us tears too.
        stage.tailnet.set_expiry_lag_ms(86_400_000);
        let locked = stage.bot.lock_database().await;
        let mut changed = stage.tailnet.changed();
        stage.clock.advance(1.hours() + 3.seconds());
        while stage.is_on() {
            changed.changed().await.expect("the tailnet");
        }
        assert_eq!(stage.request().await.state, State::Active, "nothing was saved, so nothing is said");
        drop(locked);
        stage.ends_late = true;
        stage.bot.settle().await;
        assert_eq!(stage.request().await.outcome, Some(Outcome::Expired));
        assert!(stage.alice.reads().contains("Verified gone"));
        stage.everybody_reads();
    })
    .await;
}
