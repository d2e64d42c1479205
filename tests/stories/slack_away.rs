//! Slack is down, slow, limits us, or has no such channel: messages wait and collapse; grants and ends never do.

use nightlatch::kernel::{Outcome, State};
use nightlatch::playground::slack::{Fault, Limit};

use crate::harness::*;

/// Nothing can be said for as long as this lasts.
fn silence(stage: &Stage) {
    for method in ["chat.postMessage", "chat.update", "chat.postEphemeral"] {
        stage.slack.fail(method, Fault::Unavailable, u32::MAX);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_slack_is_down_access_begins_and_ends_on_time_and_is_told_later() {
    story_everywhere_with(
        || Setting::default().several_of_one(),
        async |stage| {
            stage.alice.command("/access prod-db 2h invoice 1204").await;
            stage.alice.command("/access prod-db 10m another").await;
            let old = stage.old_press("bob", "Approve").await;
            silence(stage);
            old.arrives().await;
            stage.advance(1.seconds()).await;
            assert!(stage.is_on(), "a grant does not wait for messages");
            stage.advance(10.minutes()).await;
            assert!(!stage.is_on(), "nor does an end");
            assert_eq!(stage.requests().await[0].outcome, Some(Outcome::Expired));
            stage.slack.heal();
            stage.advance(5.minutes()).await;
            let told = stage.alice.reads();
            assert!(told.contains("has ended"), "{told}");
            assert!(stage.bob.sees("#access").contains("Verified gone"));
            stage.alice.command("/access withdraw prod-db").await;
            stage.everybody_reads();
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_late_says_what_is_so_now_and_in_order() {
    story(async |stage| {
        stage.alice.command("/access prod-db 10m invoice 1204").await;
        let old = stage.old_press("bob", "Approve").await;
        silence(stage);
        old.arrives().await;
        stage.advance(20.minutes()).await;
        let before = stage.slack.calls().len();
        stage.slack.heal();
        stage.advance(5.minutes()).await;
        insta::assert_snapshot!(stage.alice.reads(), @"
        @nightlatch
        nightlatch:
          🔒 *Production database: over, its time was up*
          It was on from today 13:00 to today 13:10.
          ~ Request 01kjmma2g000000001
        nightlatch:
          🔒 *Production database has ended*: the time was up.
          🔒 Verified gone today 13:10:00
          Open TCP connections may live on; close them yourself if they should not.
          ~ Request 01kjmma2g000000001
          [Ask again]
        ");
        insta::assert_snapshot!(stage.bob.sees("#access"), @"
        #access
        nightlatch:
          🔒 *Ended: the time was up* · Production database
          @alice had it on alice-laptop (macOS) from today 07:00 to today 07:10
          > invoice 1204
          Approved by @bob (group:dba) today 07:00
          🔒 Verified gone today 07:10:00
          Open TCP connections may live on.
          ~ Request 01kjmma2g000000001 · `prod-db` · `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
            nightlatch: ✅ @bob approved (group:dba). It is over, its time was up.
            nightlatch: 🟢 Was confirmed as on today 07:00:00. Now it is over, its time was up.
            nightlatch:
              🔒 Ended: the time was up.
              🔒 Verified gone today 07:10:00
              Open TCP connections may live on.
        ");
        let calls = stage.slack.calls();
        let updates =
            calls.iter().skip(before).filter(|call| call.method == "chat.update" && call.outcome == "ok").count();
        assert_eq!(updates, 1, "four changes of the card collapse to its newest state");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_could_not_be_posted_appears_when_slack_is_back() {
    story(async |stage| {
        silence(stage);
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.advance(30.minutes()).await;
        assert_eq!(stage.bob.sees("#access"), "#access");
        stage.slack.heal();
        stage.advance(2.minutes()).await;
        stage.bob.press("Approve").await;
        assert!(stage.is_on());
        stage.alice.press("Return").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_slacks_that_gets_lost_leaves_one_card_that_is_kept_up_to_date() {
    story(async |stage| {
        stage.slack.fail("chat.update", Fault::LostReply, 1);
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bob.press("Approve").await;
        stage.advance(2.hours()).await;
        assert!(stage.bob.sees("#access").contains("*Ended: the time was up*"));
        let cards = stage.slack.messages("#access").into_iter().filter(|message| message.thread_ts.is_none());
        assert_eq!(cards.count(), 1);
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_somebody_deleted_is_replaced_by_a_new_card() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.slack.edit_channel("#access", |channel| channel.messages.clear());
        stage.carol.home().await;
        stage.carol.press_in("home", "Approve").await;
        assert!(stage.is_on());
        let seen = stage.bob.sees("#access");
        assert!(seen.contains("*Active until") && seen.contains("[Revoke]"), "{seen}");
        stage.carol.press_in("#access", "Revoke").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_is_missing_or_archived_keeps_no_request_from_its_approvers() {
    let nowhere = || Setting::default().prod_db(&[("\"#access\"", "\"#no-such-channel\"")]);
    story_everywhere_with(nowhere, async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        assert!(stage.carol.sees(DM).contains("[Approve] [Approve...] [Deny]"));
        stage.bob.press_in(DM, "Approve").await;
        assert!(stage.is_on());
        stage.advance(2.hours()).await;
        stage.everybody_reads();
    })
    .await;
    story(async |stage| {
        stage.slack.edit_channel("#access", |channel| channel.is_archived = true);
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bob.press_in(DM, "Approve").await;
        assert!(stage.is_on());
        stage.alice.press("Return").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_archived_while_access_is_active_keeps_nothing_from_ending() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bob.press("Approve").await;
        stage.slack.edit_channel("#access", |channel| channel.is_archived = true);
        stage.advance(2.hours()).await;
        assert!(!stage.is_on());
        assert_eq!(stage.request().await.state, State::Ended);
        assert!(stage.alice.reads().contains("has ended"));
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slacks_limits_are_kept_and_nobody_waits_for_a_grant_because_of_them() {
    story_with(Setting::default().several_of_one(), async |stage| {
        stage.slack.limit("chat.postMessage", Limit { burst: 5, per_minute: 60 });
        stage.slack.limit("chat.update", Limit { burst: 20, per_minute: 50 });
        for number in 0..12 {
            stage.alice.command(&format!("/access prod-db 1h number {number}")).await;
        }
        stage.advance(1.minutes()).await;
        for _ in 0..12 {
            stage.bob.press("Approve").await;
        }
        assert!(stage.requests().await.iter().all(|request| request.state == State::Active));
        stage.advance(1.hours()).await;
        stage.advance(3.minutes()).await;
        assert!(!stage.is_on());
        let limited: Vec<_> = stage.slack.calls().into_iter().filter(|call| call.outcome == "ratelimited").collect();
        assert!(limited.is_empty(), "{} calls over the limit", limited.len());
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn however_many_ask_at_once_every_card_says_who_is_asked() {
    story_with(Setting::default().several_of_one(), async |stage| {
        for number in 0..60 {
            let asked = stage.slack.command("alice", "#general", &format!("/access prod-db 1h number {number}")).await;
            assert!(asked.expect("a command").acked);
        }
        stage.bot.settle().await;
        stage.advance(2.minutes()).await;
        let cards = stage.slack.messages("#access");
        let cards: Vec<_> = cards.iter().filter(|card| card.thread_ts.is_none()).collect();
        let named =
            |blocks: &[serde_json::Value]| serde_json::to_string(blocks).is_ok_and(|text| text.contains("Asked: <@U0"));
        assert_eq!((cards.len(), cards.iter().filter(|card| named(&card.blocks)).count()), (60, 60));
        let lookups = stage.slack.calls().iter().filter(|call| call.method == "users.lookupByEmail").count();
        assert!(lookups <= 4, "{lookups} look-ups of two people");
        stage.alice.command("/access withdraw prod-db").await;
        stage.advance(3.minutes()).await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_ask_in_the_same_moment_share_one_look_at_a_group() {
    story_with(Setting::default().several_of_one(), async |stage| {
        stage.slack.fail("usergroups.users.list", Fault::Slow(150), 1);
        let ask = |number: u32| {
            let (slack, line) = (stage.slack.clone(), format!("/access prod-db 1h number {number}"));
            async move { slack.command("alice", "#general", &line).await.expect("a command").acked }
        };
        let acked = futures_util::future::join_all((0..30).map(ask)).await;
        assert!(acked.iter().all(|acked| *acked));
        stage.bot.settle().await;
        assert_eq!(stage.requests().await.len(), 30, "nobody is refused because of the others");
        let looks = stage.slack.calls().iter().filter(|call| call.method == "usergroups.users.list").count();
        assert!(looks <= 2, "{looks} looks");
        stage.alice.command("/access withdraw prod-db").await;
        stage.advance(2.minutes()).await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_slack_says_wait_it_is_not_called_before() {
    story(async |stage| {
        stage.slack.fail("chat.postMessage", Fault::RateLimited(40), 1);
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        let posts = |stage: &Stage| stage.slack.calls().iter().filter(|call| call.method == "chat.postMessage").count();
        stage.advance(37.seconds()).await;
        assert_eq!(posts(stage), 1);
        stage.advance(5.seconds()).await;
        assert_eq!(posts(stage), 2);
        stage.bob.press("Deny").await;
        stage.bob.submit().await;
        stage.everybody_reads();
    })
    .await;
}
