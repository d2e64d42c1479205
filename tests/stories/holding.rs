//! Holding: told active only after Tailscale confirmed, warned before the end, ended and verified gone.

use nightlatch::kernel::{Outcome, State};
use nightlatch::playground::tailnet::Endpoint;
use serde_json::Value;

use crate::harness::*;

/// The bodies of every attribute the bot wrote, oldest first.
fn written(stage: &Stage) -> Vec<Value> {
    let calls = stage.tailnet.calls().into_iter();
    let sets = calls.filter(|call| call.endpoint == Some(Endpoint::SetAttribute));
    sets.map(|call| serde_json::from_str(&call.body).expect("JSON")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn tailscale_is_told_an_end_of_its_own_and_whose_it_is() {
    story(async |stage| {
        let reason = format!("invoice 1204 is stuck {}", "é".repeat(200));
        stage.alice.command(&format!("/access prod-db 2h {reason}")).await;
        assert!(written(stage).is_empty(), "nothing is sent before a quorum");
        stage.bob.press("Approve").await;
        let request = stage.request().await;
        let [body] = written(stage).try_into().expect("one write");
        let body: Value = body;
        assert_eq!(body["value"], true);
        let comment = body["comment"].as_str().expect("a comment");
        assert!(comment.starts_with(request.ask.id.as_str()), "{comment}");
        assert!(comment.len() <= 200, "{} bytes", comment.len());
        assert!(comment.contains("alice@example.com") && comment.contains("bob@example.com"), "{comment}");
        let expiry = stage.tailnet.expiry("alice-laptop", JIT).expect("an end");
        let expires_at = request.expires_at.expect("an end");
        assert!((expires_at..=expires_at + 3_000).contains(&expiry), "{expiry} for {expires_at}");
        assert_eq!(expires_at, START_MS + 2 * 3_600_000);
        stage.advance(2.hours()).await;
        assert_eq!(stage.tailnet.calls_of(Endpoint::DeleteAttribute), 1, "taken back by us, at the deadline");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rule_is_open_while_access_is_active_and_only_for_that_device() {
    story(async |stage| {
        let before = stage.tailnet.rules_open_for("alice-laptop");
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bob.press("Approve").await;
        let open = stage.tailnet.rules_open_for("alice-laptop");
        assert!(open.len() > before.len(), "{open:?}");
        assert_eq!(stage.tailnet.rules_open_for("carol-laptop"), before);
        stage.advance(2.hours()).await;
        assert_eq!(stage.tailnet.rules_open_for("alice-laptop"), before);
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_holder_is_warned_before_the_end_by_a_share_of_the_hold() {
    for (hold, before, warned_at) in [("1h", 49.minutes(), 1.minutes()), ("8h", 418.minutes(), 3.minutes())] {
        story(async |stage| {
            stage.alice.command(&format!("/access prod-db {hold} invoice 1204")).await;
            stage.bob.press("Approve").await;
            stage.alice.reads();
            stage.advance(before).await;
            assert_eq!(stage.alice.reads(), "@nightlatch", "not yet");
            stage.advance(warned_at).await;
            let warning = stage.alice.reads();
            assert!(warning.contains("[Return]") && warning.contains("ends today"), "{warning}");
            stage.alice.press_in(DM, "Return").await;
            assert!(!stage.is_on());
            stage.everybody_reads();
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_of_seconds_works_like_any_other() {
    story_everywhere(async |stage| {
        stage.alice.command("/access prod-db 3s invoice 1204").await;
        stage.bob.press("Approve").await;
        assert!(stage.is_on());
        stage.advance(3.seconds()).await;
        assert!(!stage.is_on());
        assert_eq!(stage.request().await.outcome, Some(Outcome::Expired));
        stage.advance(1.minutes()).await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_of_a_hold_starts_when_access_is_active() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.advance(3.hours()).await;
        stage.bob.press("Approve").await;
        stage.advance(119.minutes()).await;
        assert!(stage.is_on());
        stage.advance(1.minutes()).await;
        assert!(!stage.is_on());
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approver_revokes_and_everybody_is_told_who_did() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bob.press("Approve").await;
        stage.alice.reads();
        stage.advance(10.minutes()).await;
        let asks = stage.slack.confirmation("carol", "#access", "Revoke").expect("a button");
        insta::assert_snapshot!(asks.unwrap_or_default(), @"Take it back now? Alice loses Production database now. Open TCP connections may live on. [Revoke] [Keep it]");
        stage.carol.press("Revoke").await;
        assert!(!stage.is_on());
        insta::assert_snapshot!(stage.alice.reads(), @"
        @nightlatch
        nightlatch:
          🔒 *Production database has ended*: it was revoked by @carol.
          🔒 Verified gone today 13:10:00
          Open TCP connections may live on; close them yourself if they should not.
          ~ Request 01kjmma2g000000001
          [Ask again]
        ");
        insta::assert_snapshot!(stage.bob.sees("#access"), @"
        #access
        nightlatch:
          🔒 *Ended: revoked by @carol* · Production database
          @alice had it on alice-laptop (macOS) from today 07:00 to today 07:10:00, of 2h
          > invoice 1204
          Approved by @bob (group:dba) today 07:00
          🔒 Verified gone today 07:10:00
          Open TCP connections may live on.
          ~ Request 01kjmma2g000000001 · `prod-db` · `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
            nightlatch: ✅ @bob approved (group:dba). It is not active before it is confirmed as on.
            nightlatch: 🟢 Confirmed as on today 07:00:00, until today 09:00 at the latest.
            nightlatch:
              🔒 Ended: revoked by @carol.
              🔒 Verified gone today 07:10:00
              Open TCP connections may live on.
        ");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn revoking_and_returning_work_at_once_in_every_state_that_may_be_on() {
    story_everywhere_with(
        || Setting::default().several_of_one(),
        async |stage| {
            stage.alice.command("/access prod-db 2h invoice 1204").await;
            stage.bob.press("Approve").await;
            let presses = tokio::join!(
                stage.slack.press("carol", "#access", "Revoke"),
                stage.slack.press("alice", "#access", "Return")
            );
            assert!(presses.0.is_ok() && presses.1.is_ok());
            stage.bot.settle().await;
            assert!(!stage.is_on());
            assert_eq!(stage.request().await.state, State::Ended);
            stage.everybody_reads();
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_may_be_renamed_while_it_holds_access() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.tailnet.rename("alice-laptop", "alice-new").expect("a device");
        stage.bob.press("Approve").await;
        assert_eq!(stage.tailnet.attribute("alice-new", JIT), Some(true.into()));
        stage.tailnet.rename("alice-new", "alice-newer").expect("a device");
        stage.advance(2.hours()).await;
        assert_eq!(stage.tailnet.attribute("alice-newer", JIT), None);
        assert_eq!(stage.request().await.outcome, Some(Outcome::Expired));
        stage.everybody_reads();
    })
    .await;
}

/// Alice asks, something happens, bob approves: nothing may be switched on.
async fn fails_after(what: impl AsyncFnOnce(&Stage), says: &str) {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        what(stage).await;
        stage.advance(6.seconds()).await;
        stage.bob.press("Approve").await;
        let request = stage.request().await;
        assert_eq!((request.state, request.outcome), (State::Ended, Some(Outcome::Failed)), "{says}");
        assert_eq!(stage.tailnet.calls_of(Endpoint::SetAttribute), 0, "{says}");
        for (who, told) in [("alice", stage.alice.reads()), ("bob", stage.bob.reads())] {
            assert!(told.contains("could not be lent") && told.contains(says), "{who}: {told}");
        }
        assert!(stage.carol.sees("#access").contains("Failed: it could not be lent"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_longer_the_requesters_own_is_not_switched_on() {
    fails_after(
        async |stage| stage.tailnet.change_owner("alice-laptop", "dave@example.com").expect("a device"),
        "alice-laptop",
    )
    .await;
    fails_after(async |stage| stage.tailnet.tag("alice-laptop", &["tag:prod-db"]).expect("a device"), "alice-laptop")
        .await;
    fails_after(async |stage| stage.tailnet.remove_device("alice-laptop").expect("a device"), "").await;
    fails_after(
        async |stage| stage.tailnet.suspend("alice@example.com").expect("a user"),
        "The requester may no longer ask for this",
    )
    .await;
    fails_after(
        async |stage| drop(stage.slack.set_kind("alice", nightlatch::playground::slack::Kind::Guest).await),
        "The requester may no longer ask for this",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_changed_hands_as_its_people_see_it() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.tailnet.change_owner("alice-laptop", "dave@example.com").expect("a device");
        stage.advance(6.seconds()).await;
        stage.bob.press("Approve").await;
        insta::assert_snapshot!(stage.alice.reads(), @"
        @nightlatch
        nightlatch:
          ❌ *Production database could not be lent to you* on alice-laptop. You do not have it.
          What failed: The device belongs to somebody else (alice-laptop).
          What to do: Pick one of your own devices and ask again.
          What was begun was taken back:
          🔒 Verified gone today 13:00:06
          Retry tries it again under the same approval.
          ~ Request 01kjmma2g000000001
          [Retry]
        ");
        insta::assert_snapshot!(stage.bob.reads(), @"
        @nightlatch
        nightlatch:
          ❌ *Production database could not be lent* to @alice on alice-laptop. They do not have it.
          What failed: The device belongs to somebody else (alice-laptop).
          What to do: Pick one of your own devices and ask again.
          What was begun was taken back:
          🔒 Verified gone today 07:00:06
          Retry tries it again under the same approval.
          ~ Request 01kjmma2g000000001
          [Retry]
        ");
        insta::assert_snapshot!(stage.bob.sees("#access"), @"
        #access
        nightlatch:
          ❌ *Failed: it could not be lent* · Production database
          @alice asked for 2h on alice-laptop (macOS)
          > invoice 1204
          Approved by @bob (group:dba) today 07:00:06
          ⚠️ The device belongs to somebody else (alice-laptop). Pick one of your own devices and ask again.
          🔒 Verified gone today 07:00:06
          ~ Request 01kjmma2g000000001 · `prod-db` · `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Retry]
            nightlatch: ✅ @bob approved (group:dba). It is not active before it is confirmed as on.
            nightlatch:
              ❌ It could not be lent: The device belongs to somebody else (alice-laptop). What was begun was taken back.
              🔒 Verified gone today 07:00:06
        ");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_already_counts_as_gone() {
    for deleting_nothing_is_fine in [true, false] {
        story(async |stage| {
            stage.tailnet.set_deleting_nothing_is_fine(deleting_nothing_is_fine);
            stage.alice.command("/access prod-db 1h invoice 1204").await;
            stage.bob.press("Approve").await;
            stage.tailnet.remove_by_hand("alice-laptop", JIT).expect("a device");
            stage.advance(1.hours()).await;
            assert_eq!(stage.request().await.outcome, Some(Outcome::Expired));
            assert!(stage.alice.reads().contains("Verified gone"));
        })
        .await;
    }
    story(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bob.press("Approve").await;
        stage.tailnet.remove_device("alice-laptop").expect("a device");
        stage.advance(2.hours()).await;
        assert_eq!(stage.request().await.state, State::Ended);
        assert!(stage.alice.reads().contains("Verified gone"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_who_was_suspended_while_holding_is_still_taken_back_from() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bob.press("Approve").await;
        stage.tailnet.suspend("alice@example.com").expect("a user");
        stage.tailnet.change_owner("alice-laptop", "dave@example.com").expect("a device");
        stage.slack.set_kind("alice", nightlatch::playground::slack::Kind::Deactivated).await.expect("alice");
        stage.advance(2.hours()).await;
        assert!(!stage.is_on());
        assert_eq!(stage.request().await.outcome, Some(Outcome::Expired));
        stage.everybody_reads();
    })
    .await;
}
