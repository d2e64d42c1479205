//! Several holders of one thing, what was there before, and what others write in between.

use nightlatch::kernel::{Outcome, State};
use nightlatch::playground::slack::{Message, MessageRef};
use nightlatch::playground::tailnet::Endpoint;

use crate::harness::*;

/// When Tailscale would end it by itself, in whole minutes from now.
fn minutes_left(stage: &Stage) -> i64 {
    let expiry = stage.tailnet.expiry("alice-laptop", JIT).expect("an end");
    (expiry - stage.clock.now_ms()) / 60_000
}

async fn granted(stage: &Stage, line: &str) {
    stage.alice.command(line).await;
    stage.bob.press("Approve").await;
    assert!(stage.is_on());
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_first_of_two_ends_access_stays_until_the_last_one_ends() {
    story_everywhere(async |stage| {
        granted(stage, "/access prod-db 1h first").await;
        stage.advance(30.minutes()).await;
        granted(stage, "/access prod-db 2h second").await;
        assert_eq!(minutes_left(stage), 120);
        stage.advance(30.minutes()).await;
        let [second, first] = stage.requests().await.try_into().expect("two requests");
        assert_eq!((first.outcome, second.state), (Some(Outcome::Expired), State::Active));
        assert!(stage.is_on());
        assert_eq!(minutes_left(stage), 90);
        stage.advance(89.minutes()).await;
        assert!(stage.is_on());
        stage.advance(1.minutes()).await;
        assert!(!stage.is_on());
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shorter_second_one_shortens_nothing_and_the_longer_one_can_be_given_back_first() {
    story_everywhere_with(
        || Setting::default().several_of_one(),
        async |stage| {
            granted(stage, "/access prod-db 4h first").await;
            granted(stage, "/access prod-db 1h second").await;
            assert_eq!(minutes_left(stage), 240, "until the longest of all");
            let first =
                stage.requests().await.into_iter().find(|request| request.reason == "first").expect("the first");
            let cards = stage.slack.messages("#access");
            // A kill may have left an older copy of it that is no longer kept up to date.
            let can_return =
                |card: &&Message| serde_json::to_string(&card.blocks).is_ok_and(|text| text.contains("\"return\""));
            let mut cards = cards.iter().filter(|card| card.text.contains("4h")).filter(can_return);
            let card = cards.next().expect("the first card");
            let place = MessageRef { channel: "C0ACCESS01".into(), ts: card.ts.clone() };
            stage.slack.press("alice", place, "Return").await.expect("a button");
            stage.bot.settle().await;
            let first = stage.bot.store().await.load(&first.ask.id).await.expect("the first");
            assert_eq!(first.outcome, Some(Outcome::Returned));
            assert!(stage.is_on());
            assert_eq!(minutes_left(stage), 60, "no longer than anybody holds it");
            stage.advance(1.hours()).await;
            assert!(!stage.is_on());
            stage.everybody_reads();
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_one_who_lets_go_first_is_told_that_it_stays_on_for_another() {
    story(async |stage| {
        granted(stage, "/access prod-db 1h first").await;
        granted(stage, "/access prod-db 2h second").await;
        stage.alice.reads();
        stage.advance(1.hours()).await;
        insta::assert_snapshot!(stage.alice.reads(), @"
        @nightlatch
        nightlatch: 🔒 *Production database*: over, its time was up.
        nightlatch:
          🔒 *This request for Production database is over, and another one keeps it on until today 15:00*: the time was up.
          🔒 This request let go today 14:00:00; `tailscale.attribute nALICE1CNTRL custom:jit_prod_db` stays on for another request until today 15:00
          Open TCP connections may live on; close them yourself if they should not.
          ~ Request 01kjmma2g000000001
          [Ask again]
        ");
        stage.advance(1.hours()).await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_on_before_for_longer_is_left_as_it_was_and_said_so() {
    story_everywhere(async |stage| {
        stage.tailnet.set_by_hand("alice-laptop", JIT, true.into(), None).expect("a device");
        granted(stage, "/access prod-db 1h invoice 1204").await;
        assert_eq!(stage.tailnet.calls_of(Endpoint::SetAttribute), 0);
        assert!(stage.alice.reads().contains("It was on before, by somebody else's doing"));
        stage.advance(1.hours()).await;
        assert!(stage.is_on(), "it was not ours to take");
        assert_eq!(stage.tailnet.expiry("alice-laptop", JIT), None);
        assert_eq!(stage.tailnet.calls_of(Endpoint::DeleteAttribute), 0);
        assert_eq!(stage.request().await.outcome, Some(Outcome::Expired));
        let told = stage.alice.reads();
        assert!(!told.contains("Verified gone") && told.contains("Still on, as it was before this request"), "{told}");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_on_before_and_was_taken_away_by_hand_is_not_switched_on_at_the_end() {
    story_everywhere(async |stage| {
        stage.tailnet.set_by_hand("alice-laptop", JIT, true.into(), None).expect("a device");
        granted(stage, "/access prod-db 40m invoice 1204").await;
        assert_eq!(stage.tailnet.calls_of(Endpoint::SetAttribute), 0);
        stage.advance(20.minutes()).await;
        stage.tailnet.remove_by_hand("alice-laptop", JIT).expect("a device");
        // The bot is away while it ends: what it told nobody has long passed.
        stage.bot.kill().await;
        stage.clock.advance(1.hours());
        stage.ends_late = true;
        stage.bot.start().await;
        stage.bot.settle().await;
        stage.advance(1.minutes()).await;
        assert!(!stage.is_on(), "somebody took it away, and it was never ours");
        assert_eq!(stage.tailnet.calls_of(Endpoint::SetAttribute), 0);
        assert_eq!(stage.request().await.state, State::Ended);
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_there_before_is_put_back_after_the_last_one_ends() {
    story_everywhere(async |stage| {
        stage.tailnet.set_by_hand("alice-laptop", JIT, false.into(), None).expect("a device");
        granted(stage, "/access prod-db 1h first").await;
        granted(stage, "/access prod-db 2h second").await;
        stage.advance(1.hours()).await;
        assert!(stage.is_on());
        stage.advance(1.hours()).await;
        assert_eq!(stage.tailnet.attribute("alice-laptop", JIT), Some(false.into()));
        assert_eq!(stage.tailnet.expiry("alice-laptop", JIT), None);
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_on_before_for_a_shorter_time_is_lengthened_and_ends_with_us() {
    story(async |stage| {
        let soon = stage.clock.now_ms() + 600_000;
        stage.tailnet.set_by_hand("alice-laptop", JIT, true.into(), Some(soon)).expect("a device");
        granted(stage, "/access prod-db 1h invoice 1204").await;
        assert_eq!(minutes_left(stage), 60);
        stage.advance(1.hours()).await;
        assert!(!stage.is_on(), "theirs is over too by now");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_somebody_else_wrote_in_between_is_left_alone_and_reported() {
    story_everywhere(async |stage| {
        granted(stage, "/access prod-db 1h invoice 1204").await;
        stage.alice.reads();
        stage.tailnet.set_by_hand("alice-laptop", JIT, true.into(), None).expect("a device");
        stage.advance(1.hours()).await;
        assert!(stage.is_on(), "somebody wants it on");
        assert_eq!(stage.request().await.outcome, Some(Outcome::Expired));
        assert!(stage.alice.reads().contains("is still on, set by somebody else"));
        assert!(stage.bob.sees("#access").contains("Over, and still on: set by somebody else"));
        assert!(stage.bob.reads().contains("STILL ON"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_took_away_by_hand_does_not_come_back_when_another_grant_ends() {
    story_everywhere(async |stage| {
        granted(stage, "/access prod-db 1h first").await;
        granted(stage, "/access prod-db 4h second").await;
        stage.tailnet.remove_by_hand("alice-laptop", JIT).expect("a device");
        let calls = stage.tailnet.calls_of(Endpoint::SetAttribute);
        stage.advance(1.hours()).await;
        assert!(!stage.is_on());
        assert_eq!(stage.tailnet.calls_of(Endpoint::SetAttribute), calls, "nothing was set for the second");
        let [second, first] = stage.requests().await.try_into().expect("two requests");
        assert_eq!((first.state, first.outcome), (State::Ended, Some(Outcome::Expired)));
        assert_eq!((second.state, second.outcome, &second.ended_by), (State::Ended, Some(Outcome::Revoked), &None));
        let audit = stage.bot.store().await.audit_of(&(&second.ask.id).into()).await.expect("the audit log");
        assert!(audit.iter().any(|entry| entry.event.contains("taken_away") && entry.actor.contains("worker")));
        let told = stage.alice.reads();
        assert!(
            told.contains("somebody took it away by hand in the tailnet, so it is not switched on again"),
            "{told}"
        );
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_away_by_hand_as_its_people_see_it() {
    story_with(Setting::default().several_of_one(), async |stage| {
        granted(stage, "/access prod-db 1h first").await;
        granted(stage, "/access prod-db 4h second").await;
        stage.alice.reads();
        stage.advance(30.minutes()).await;
        stage.tailnet.remove_by_hand("alice-laptop", JIT).expect("a device");
        // A new approval counts for itself, and for nobody who held it before.
        let old = stage.old_press("carol", "Revoke").await;
        stage.alice.command("/access prod-db 10m third").await;
        stage.bob.press("Approve").await;
        assert!(stage.is_on());
        assert_eq!(minutes_left(stage), 10, "not until the end of what was taken away");
        insta::assert_snapshot!(stage.alice.reads(), @"
        @nightlatch
        nightlatch:
          🟢 *Production database is active until today 13:40* on alice-laptop (macOS)
          Done earlier? Press Return, or type `/access return prod-db`.
          ~ Request 01kjmp119800000003 · `tailscale.attribute nALICE1CNTRL custom:jit_prod_db` · you are told shortly before it ends
          [Return]
        nightlatch:
          🔒 *This request for Production database is over, and another one keeps it on until today 13:40*: somebody took it away by hand in the tailnet, so this request does not switch it on again.
          🔒 This request let go today 13:30:01; `tailscale.attribute nALICE1CNTRL custom:jit_prod_db` stays on for another request until today 13:40
          Open TCP connections may live on; close them yourself if they should not.
          ~ Request 01kjmma2g000000001
          [Ask again]
        nightlatch:
          🔒 *This request for Production database is over, and another one keeps it on until today 13:40*: somebody took it away by hand in the tailnet, so this request does not switch it on again.
          🔒 This request let go today 13:30:01; `tailscale.attribute nALICE1CNTRL custom:jit_prod_db` stays on for another request until today 13:40
          Open TCP connections may live on; close them yourself if they should not.
          ~ Request 01kjmma2g000000002
          [Ask again]
        ");
        insta::assert_snapshot!(stage.carol.sees("#access"), @"
        #access
        nightlatch:
          🔒 *Ended: taken away by hand in the tailnet* · Production database
          @alice asked for 1h on alice-laptop (macOS); this request was active from today 21:00 to today 21:30:01
          > first
          Approved by @bob (group:dba) today 21:00
          👀 Somebody took it away (today 21:30:01); lent was `custom:jit_prod_db = true on alice-laptop`
          🔒 This request let go today 21:30:01; `tailscale.attribute nALICE1CNTRL custom:jit_prod_db` stays on for another request until today 21:40
          Open TCP connections may live on.
          ~ Request 01kjmma2g000000001 · `prod-db` · `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Put back]
            nightlatch: ✅ @bob approved (group:dba). It is not active before it is confirmed as on.
            nightlatch: 🟢 Confirmed as on today 21:00:00, until today 22:00 at the latest.
            nightlatch:
              🔒 Over; it stays on for another request: somebody took it away by hand in the tailnet.
              🔒 This request let go today 21:30:01; `tailscale.attribute nALICE1CNTRL custom:jit_prod_db` stays on for another request until today 21:40
              Open TCP connections may live on.
        nightlatch:
          🔒 *Ended: taken away by hand in the tailnet* · Production database
          @alice asked for 4h on alice-laptop (macOS); this request was active from today 21:00 to today 21:30:01
          > second
          Approved by @bob (group:dba) today 21:00
          👀 Somebody took it away (today 21:30:01); lent was `custom:jit_prod_db = true on alice-laptop`
          🔒 This request let go today 21:30:01; `tailscale.attribute nALICE1CNTRL custom:jit_prod_db` stays on for another request until today 21:40
          Open TCP connections may live on.
          ~ Request 01kjmma2g000000002 · `prod-db` · `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Put back]
            nightlatch: ✅ @bob approved (group:dba). It is not active before it is confirmed as on.
            nightlatch: 🟢 Confirmed as on today 21:00:00, until tomorrow 01:00 at the latest.
            nightlatch:
              🔒 Over; it stays on for another request: somebody took it away by hand in the tailnet.
              🔒 This request let go today 21:30:01; `tailscale.attribute nALICE1CNTRL custom:jit_prod_db` stays on for another request until today 21:40
              Open TCP connections may live on.
        nightlatch:
          🟢 *Active until today 21:40* · Production database
          @alice has it on alice-laptop (macOS) since today 21:30:01, for 10m
          > third
          Approved by @bob (group:dba) today 21:30:01
          ~ Request 01kjmp119800000003 · `prod-db` · changes `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Return] [Revoke]
            nightlatch: ✅ @bob approved (group:dba). It is not active before it is confirmed as on.
            nightlatch: 🟢 Confirmed as on today 21:30:01, until today 21:40 at the latest.
        ");
        old.arrives().await;
        insta::assert_snapshot!(stage.told_privately("#access", "carol").await, @"
        nightlatch (only you):
          Too late: somebody took it away by hand in the tailnet. It can be asked again.
          ~ Production database · request 01kjmma2g000000002
        ");
        stage.advance(10.minutes()).await;
        assert!(!stage.is_on());
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_set_to_no_by_hand_is_taken_away_too_and_left_as_it_is() {
    story(async |stage| {
        granted(stage, "/access prod-db 1h first").await;
        granted(stage, "/access prod-db 4h second").await;
        stage.tailnet.set_by_hand("alice-laptop", JIT, false.into(), None).expect("a device");
        stage.advance(1.hours()).await;
        assert_eq!(stage.tailnet.attribute("alice-laptop", JIT), Some(false.into()));
        assert!(stage.requests().await.iter().all(|request| request.state == State::Ended));
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_value_as_its_people_see_it() {
    story_with(Setting::default().several_of_one(), async |stage| {
        granted(stage, "/access prod-db 1h invoice 1204").await;
        stage.alice.reads();
        stage.tailnet.set_by_hand("alice-laptop", JIT, true.into(), None).expect("a device");
        stage.alice.command("/access prod-db 1h a second time").await;
        stage.bob.press("Approve").await;
        insta::assert_snapshot!(stage.alice.reads(), @"
        @nightlatch
        nightlatch:
          ⚠️ *Production database is on, set by somebody else* (alice-laptop). This request failed.
          What failed: Somebody else set custom:jit_prod_db to true, without an end.
          What to do: Find out who needs it, remove it, then try again.
          What was read back:
          ⚠️ Still on, set by somebody else (custom:jit_prod_db is true, without an end). If that should not be, look at `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`.
          Retry tries it again under the same approval.
          ~ Request 01kjmma2g000000002
          [Retry]
        ");
        stage.bob.reads();
        stage.advance(1.hours()).await;
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
        assert!(stage.requests().await.iter().all(|request| !request.stuck && request.alarms_count == 0));
        assert!(!stage.bob.sees("#access").contains("STUCK"), "nothing of ours is on:\n{}", stage.bob.sees("#access"));
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_device_can_hold_two_different_things() {
    let billing = changed(PROD_DB, &[("Production database", "Billing console"), ("jit_prod_db", "jit_billing")]);
    story_with(Setting::default().workflow("billing", &billing), async |stage| {
        granted(stage, "/access prod-db 1h first").await;
        stage.alice.command("/access billing 2h second").await;
        stage.bob.press("Approve").await;
        assert_eq!(stage.tailnet.attribute("alice-laptop", "custom:jit_billing"), Some(true.into()));
        stage.advance(1.hours()).await;
        assert!(!stage.is_on());
        assert_eq!(stage.tailnet.attribute("alice-laptop", "custom:jit_billing"), Some(true.into()));
        stage.advance(1.hours()).await;
        assert_eq!(stage.tailnet.attribute("alice-laptop", "custom:jit_billing"), None);
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_owner_of_two_overlapping_grants_alarms_nobody() {
    story(async |stage| {
        granted(stage, "/access prod-db 1h first").await;
        granted(stage, "/access prod-db 2h second").await;
        stage.tailnet.suspend("alice@example.com").expect("a user");
        stage.advance(1.hours()).await;
        stage.advance(5.minutes()).await;
        assert!(stage.requests().await.iter().all(|request| !request.stuck), "what is still held is not stuck");
        stage.advance(1.hours()).await;
        assert!(!stage.is_on());
        stage.everybody_reads();
    })
    .await;
}
