//! Taking back does not work: people are alarmed, it is tried for ever, and nothing else waits for it.

use nightlatch::kernel::{Outcome, State};
use nightlatch::playground::tailnet::{Endpoint, Fault};

use crate::harness::*;

async fn approved(stage: &Stage) {
    stage.alice.command("/access prod-db 2h invoice 1204").await;
    stage.bob.press("Approve").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_taken_back_is_stuck_alarms_and_is_tried_until_it_is_gone() {
    story_everywhere(async |stage| {
        approved(stage).await;
        stage.tailnet.set_expiry_lag_ms(86_400_000);
        stage.tailnet.fault(Endpoint::DeleteAttribute, Fault::Status(500), None);
        stage.ends_late = true;
        stage.advance(2.hours()).await;
        stage.advance(2.minutes()).await;
        let request = stage.request().await;
        assert!(request.stuck, "{:?}", request.state);
        assert!(stage.is_on());
        assert!(stage.dave.sees("#access").contains("STUCK"), "the channel is alarmed");
        assert!(stage.bob.reads().contains("STUCK"), "and who allowed it");
        assert!(stage.bot.metrics().await.contains("nightlatch_stuck 1"), "{}", stage.bot.metrics().await);
        stage.tailnet.clear_faults(Endpoint::DeleteAttribute);
        stage.advance(2.minutes()).await;
        assert!(!stage.is_on(), "it is tried for ever, a minute apart at most");
        let request = stage.request().await;
        assert_eq!((request.state, request.stuck, request.outcome), (State::Ended, false, Some(Outcome::Expired)));
        assert!(stage.dave.sees("#access").contains("Not stuck any more"));
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn being_stuck_as_everybody_sees_it() {
    story(async |stage| {
        approved(stage).await;
        stage.alice.reads();
        stage.tailnet.set_expiry_lag_ms(86_400_000);
        stage.tailnet.fault(Endpoint::DeleteAttribute, Fault::Status(500), None);
        stage.ends_late = true;
        stage.advance(2.hours()).await;
        insta::assert_snapshot!(stage.bob.sees("#access"), @"
        #access
        nightlatch:
          🔄 *The time is up, being taken back* · Production database
          @alice has had it on alice-laptop (macOS) since today 07:00, for 2h
          > invoice 1204
          Approved by @bob (group:dba) today 07:00
          ⚠️ Not taken back yet: Tailscale cannot do it just now (deleting an attribute, 500).
          It was tried 1 time and is tried again until it works.
          • `tailscale.attribute nALICE1CNTRL custom:jit_prod_db` on alice-laptop may still be on; it ends by itself today 09:00:02 at the latest
          ~ Request 01kjmma2g000000001 · `prod-db` · `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Retry]
            nightlatch: ✅ @bob approved (group:dba). It is not active before it is confirmed as on.
            nightlatch: 🟢 Confirmed as on today 07:00:00, until today 09:00 at the latest.
        ");
        stage.advance(1.minutes()).await;
        stage.alice.reads();
        insta::assert_snapshot!(stage.bob.reads(), @"
        @nightlatch
        nightlatch:
          🚨 *STUCK: Production database of @alice cannot be taken back yet and may still be on*
          • `tailscale.attribute nALICE1CNTRL custom:jit_prod_db` on alice-laptop may still be on; it was to end by itself today 09:00:02, which is not verified yet
          What fails: Tailscale cannot do it just now (deleting an attribute, 500).
          It was tried 5 times and is tried again until it works. Retry tries it now. If it cannot wait, take `tailscale.attribute nALICE1CNTRL custom:jit_prod_db` away by hand; that will be noticed.
          ~ Request 01kjmma2g000000001 · the time was up today 09:00:00
          [Retry]
        ");
        stage.slack.mark_read("dave", "#access");
        let alarms = |stage: &Stage| {
            let messages = stage.slack.messages("#access");
            messages.iter().filter(|one| one.thread_ts.is_none() && one.text.contains("🚨 STUCK:")).count()
        };
        assert_eq!(alarms(stage), 1);
        stage.advance(10.minutes()).await;
        assert_eq!(alarms(stage), 2, "the alarm is repeated");
        stage.advance(19.minutes()).await;
        assert_eq!(alarms(stage), 2, "less and less often");
        stage.advance(1.minutes()).await;
        assert_eq!(alarms(stage), 3);
        stage.tailnet.clear_faults(Endpoint::DeleteAttribute);
        let calls = stage.tailnet.calls_of(Endpoint::DeleteAttribute);
        stage.carol.press_in("#access", "Retry").await;
        assert_eq!(stage.tailnet.calls_of(Endpoint::DeleteAttribute), calls + 1, "Retry tries at once");
        assert!(!stage.is_on());
        insta::assert_snapshot!(stage.dave.reads_in("#access"), @"
        #access
        nightlatch:
          🔒 *Production database* of @alice was stuck until today 14:31:00, when @carol pressed Retry. Now it is over, its time was up.
          🔒 Verified gone today 14:31:00
        nightlatch:
          🔒 *Production database* of @alice was stuck until today 14:31:00, when @carol pressed Retry. Now it is over, its time was up.
          🔒 Verified gone today 14:31:00
        nightlatch:
          🔒 *Not stuck any more*: Production database of @alice, over, its time was up
          🔒 Verified gone today 14:31:00
          ~ Request 01kjmma2g000000001
        nightlatch:
          🔒 Ended: the time was up.
          🔒 Verified gone today 14:31:00
          ⚠️ Its time was up today 14:00; this was verified 31m later.
          Open TCP connections may live on.
        ");
        insta::assert_snapshot!(stage.alice.reads(), @"
        @nightlatch
        nightlatch:
          🔒 *Production database has ended*: the time was up.
          🔒 Verified gone today 15:31:00
          ⚠️ Its time was up today 15:00; this was verified 31m later.
          Open TCP connections may live on; close them yourself if they should not.
          ~ Request 01kjmma2g000000001
          [Ask again]
        ");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_grant_somebody_takes_away_by_hand_is_noticed() {
    story(async |stage| {
        approved(stage).await;
        stage.tailnet.set_expiry_lag_ms(86_400_000);
        stage.tailnet.fault(Endpoint::DeleteAttribute, Fault::Status(403), None);
        stage.ends_late = true;
        stage.advance(2.hours()).await;
        stage.advance(2.minutes()).await;
        assert!(stage.request().await.stuck);
        stage.tailnet.remove_by_hand("alice-laptop", JIT).expect("a device");
        stage.advance(2.minutes()).await;
        assert_eq!(stage.request().await.state, State::Ended);
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_keys_trouble_delays_no_other_end() {
    story(async |stage| {
        approved(stage).await;
        stage.carol.command("/access prod-db 2h the same").await;
        stage.bob.press("Approve").await;
        let headers = vec![("retry-after".to_owned(), "600".to_owned())];
        let away = Fault::Answer { status: 503, headers, body: String::new() };
        stage.tailnet.fault(Endpoint::DeleteAttribute, away, Some(1));
        stage.ends_late = true;
        stage.advance(2.hours()).await;
        let on = ["alice-laptop", "carol-laptop"].map(|device| stage.tailnet.attribute(device, JIT).is_some());
        let ended = stage.requests().await.iter().filter(|request| request.state == State::Ended).count();
        assert_eq!((on.iter().filter(|on| **on).count(), ended), (1, 1));
        stage.advance(11.minutes()).await;
        assert_eq!(stage.tailnet.leftovers(), Vec::<String>::new());
        stage.everybody_reads();
    })
    .await;
}
