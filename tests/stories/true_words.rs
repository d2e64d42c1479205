//! What stands in Slack is true: headlines say what was read back, and messages that were true are rewritten when they are not.

use nightlatch::kernel::{Outcome, State};

use crate::harness::*;

async fn granted(stage: &Stage, line: &str) {
    stage.alice.command(line).await;
    stage.bob.press("Approve").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_keeps_on_is_not_called_ended_and_people_are_alarmed() {
    story(async |stage| {
        granted(stage, "/access prod-db 1h invoice 1204").await;
        stage.alice.reads();
        stage.tailnet.set_by_hand("alice-laptop", JIT, true.into(), None).expect("a device");
        stage.advance(1.hours()).await;
        assert_eq!(stage.request().await.outcome, Some(Outcome::Expired));
        assert!(stage.is_on(), "it is not ours to take away");
        insta::assert_snapshot!(stage.alice.reads(), @"
        @nightlatch
        nightlatch: ⚠️ *Production database*: over, and still on by somebody else's doing.
        nightlatch:
          ⚠️ *Production database is still on, set by somebody else*. This request is over: the time was up.
          ⚠️ Still on, set by somebody else (custom:jit_prod_db is true, without an end). If that should not be, look at `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`.
          Open TCP connections may live on; close them yourself if they should not.
          ~ Request 01kjmma2g000000001
          [Ask again]
        ");
        insta::assert_snapshot!(stage.carol.sees("#access"), @"
        #access
        nightlatch:
          ⚠️ *Over, and still on: set by somebody else* · Production database
          @alice asked for 1h on alice-laptop (macOS); this request was active from today 21:00 to today 22:00:00
          > invoice 1204
          Approved by @bob (group:dba) today 21:00
          ⚠️ Still on, set by somebody else (custom:jit_prod_db is true, without an end). If that should not be, look at `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`.
          Open TCP connections may live on.
          ~ Request 01kjmma2g000000001 · `prod-db` · `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
            nightlatch: ✅ @bob approved (group:dba). It is not active before it is confirmed as on.
            nightlatch: 🟢 Confirmed as on today 21:00:00, until today 22:00 at the latest.
            nightlatch:
              ⚠️ Over, and still on, set by somebody else: the time was up.
              ⚠️ Still on, set by somebody else (custom:jit_prod_db is true, without an end). If that should not be, look at `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`.
              Open TCP connections may live on.
        nightlatch:
          ⚠️ *STILL ON: Production database of @alice on alice-laptop is over and still on*
          ⚠️ Still on, set by somebody else (custom:jit_prod_db is true, without an end). If that should not be, look at `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`.
          Somebody else set it, so it is left alone. If it should not be on, take it away by hand.
          ~ Request 01kjmma2g000000001 · the time was up · today 22:00:00
        ");
        assert!(stage.bob.reads().contains("STILL ON"), "whoever approved it hears of it too");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_failed_because_somebody_set_it_does_not_say_that_you_do_not_have_it() {
    story(async |stage| {
        stage.alice.command("/access prod-db 1h invoice 1204").await;
        stage
            .tailnet
            .set_by_hand("alice-laptop", JIT, true.into(), Some(stage.clock.now_ms() + 600_000))
            .expect("a device");
        stage.bob.press("Approve").await;
        stage.tailnet.set_by_hand("alice-laptop", JIT, true.into(), None).expect("a device");
        stage.bob.press("Revoke").await;
        stage.advance(1.minutes()).await;
        assert_eq!(stage.request().await.state, State::Ended);
        let told = stage.alice.reads();
        assert!(!told.contains("has ended") && told.contains("still on"), "{told}");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn that_it_is_active_or_ends_soon_is_rewritten_when_it_is_over() {
    // A kill between posting and writing it down leaves a copy in direct messages that nobody can look for.
    for mode in [Mode::Socket, Mode::Http] {
        story_with(Setting { mode, ..Setting::default() }, is_rewritten).await;
    }
}

async fn is_rewritten(stage: &mut Stage) {
    granted(stage, "/access prod-db 2h invoice 1204").await;
    assert!(stage.alice.reads().contains("is active until"));
    stage.advance(110.minutes()).await;
    assert!(stage.alice.reads().contains("ends today"));
    stage.advance(10.minutes()).await;
    let screen = stage.slack.screen("alice", "@nightlatch");
    assert!(!screen.contains("is active until") && !screen.contains("ends today"), "{screen}");
    assert!(!screen.contains("[Return]"), "{screen}");
    assert_eq!(screen.matches("time was up").count(), 3, "{screen}");
    stage.everybody_reads();
}

#[tokio::test(flavor = "multi_thread")]
async fn while_it_is_stuck_nothing_says_that_it_is_active_until_a_time_that_has_passed() {
    story(async |stage| {
        granted(stage, "/access prod-db 1h invoice 1204").await;
        stage.alice.reads();
        let endpoint = nightlatch::playground::tailnet::Endpoint::DeleteAttribute;
        stage.tailnet.set_expiry_lag_ms(864_000_000);
        stage.tailnet.fault(endpoint, nightlatch::playground::tailnet::Fault::Status(503), None);
        stage.advance(63.minutes()).await;
        assert!(stage.request().await.stuck);
        let screen = stage.slack.screen("alice", "@nightlatch");
        assert!(!screen.contains("is active until"), "{screen}");
        stage.tailnet.clear_faults(endpoint);
        stage.advance(5.minutes()).await;
        assert_eq!(stage.request().await.outcome, Some(Outcome::Expired));
        stage.ends_late = true;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_take_it_back_sees_who_holds_what() {
    story(async |stage| {
        granted(stage, "/access prod-db 2h invoice 1204").await;
        stage.bob.command("/access list").await;
        let told = stage.told_privately("#general", "bob").await;
        insta::assert_snapshot!(told, @"
        nightlatch (only you):
          *You may take back*
          🟢 @alice: *Production database* (`prod-db`) on alice-laptop, until today 09:00, 2h left  [Revoke]
        ");
        insta::assert_snapshot!(stage.bob.home().await, @"
        [Ask for access]
        ~ As of today 07:00:00. `/access list` is always up to date.
        # What you may take back
        *Production database* on alice-laptop, held by @alice until today 09:00, 2h left
        [Revoke]
        # What you can ask for
        • `/access prod-db` · Production database
        ~ `/go NAME` follows a short link, `/paste` takes what is too long for chat. `/access help`, `/go help` and `/paste help` say more.
        ");
        // Carol is on call and decides on it too; nobody asked her.
        stage.carol.command("/access list prod-db").await;
        insta::assert_snapshot!(stage.told_privately("#general", "carol").await, @"
        nightlatch (only you):
          *You may take back*
          🟢 @alice: *Production database* (`prod-db`) on alice-laptop, until today 23:00, 2h left  [Revoke]
        ");
        stage.dave.command("/access list prod-db").await;
        insta::assert_snapshot!(stage.told_privately("#general", "dave").await, @"nightlatch (only you): Who holds *Production database* is told to those who decide on it, and I could not see that you are one of them. `/access list` shows what is yours.");
        stage.dave.command("/access list prod-bd").await;
        insta::assert_snapshot!(stage.told_privately("#general", "dave").await, @"nightlatch (only you): There is nothing called `prod-bd` here. Did you mean `/access list prod-db`? `/access list` shows what is yours.");
        stage.bob.press("Revoke").await;
        assert_eq!(stage.request().await.outcome, Some(Outcome::Revoked));
        stage.carol.command("/access list prod-db").await;
        assert!(stage.told_privately("#general", "carol").await.contains("Nobody holds it now"));
        stage.everybody_reads();
    })
    .await;
}
