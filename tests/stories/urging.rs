//! Nobody answers: reminders, and others who are asked too.

use nightlatch::kernel::{Outcome, State};

use crate::harness::*;
use crate::stages::approved_by;

/// Bob and carol are reminded after a quarter of an hour; after half an hour dave and carol in @security are asked too.
const URGED: &str =
    "  - by: [group:dba]\n    remind: 15m\n    escalate:\n      - { after: 30m, by: [\"@security\"] }\n";

#[tokio::test(flavor = "multi_thread")]
async fn those_asked_are_reminded_and_others_asked_too_who_then_count() {
    story_everywhere_with(
        || approved_by(URGED),
        async |stage| {
            stage.alice.command("/access prod-db 2h invoice 1204").await;
            stage.advance(20.minutes()).await;
            stage.dave.press_in("#access", "Approve").await;
            assert_eq!(stage.request().await.state, State::Pending, "not yet");
            stage.advance(15.minutes()).await;
            stage.dave.press_in("#access", "Approve").await;
            assert!(stage.is_on());
            stage.advance(90.minutes()).await;
            stage.advance(30.minutes()).await;
            assert_eq!(stage.request().await.outcome, Some(Outcome::Expired));
            stage.everybody_reads();
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reminders_and_escalation_as_people_see_them() {
    story_with(approved_by(URGED), async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.advance(70.minutes()).await;
        insta::assert_snapshot!(stage.dave.sees("#access"), @"
        #access
        nightlatch:
          ⏳ *Waiting for approval* · Production database
          @alice asks for 2h on alice-laptop (macOS)
          > invoice 1204
          Asked: @bob, @carol, @dave (in group:dba or @security)
          ~ Request 01kjmma2g000000001 · `prod-db` · lapses today 20:00 · changes `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Approve] [Approve...] [Deny]
            nightlatch: ⏰ @bob, @carol: @alice still waits, it takes one of group:dba. It lapses today 20:00.
            nightlatch: ⏰ @bob, @carol: @alice still waits, it takes one of group:dba or @security. It lapses today 20:00.
            nightlatch: 📣 @bob, @carol, @dave: nobody has decided so far, so more people are asked now, and you may decide because you are in group:dba or @security. It takes one of group:dba or @security.
            nightlatch: ⏰ @bob, @carol, @dave: @alice still waits, it takes one of group:dba or @security. It lapses today 20:00.
        ");
        insta::assert_snapshot!(stage.alice.reads(), @"
        @nightlatch
        nightlatch:
          📣 Nobody has decided on your request for *Production database* so far, so more people are asked: it takes one of group:dba or @security.
          Asked: @bob, @carol, @dave.
          ~ Request 01kjmma2g000000001
        ");
        stage.carol.press("Approve").await;
        insta::assert_snapshot!(stage.dave.sees("#access"), @"
        #access
        nightlatch:
          🟢 *Active until today 15:10* · Production database
          @alice has it on alice-laptop (macOS) since today 13:10:00, for 2h
          > invoice 1204
          Approved by @carol (group:dba) today 13:10:00
          ~ Request 01kjmma2g000000001 · `prod-db` · changes `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Return] [Revoke]
            nightlatch: ⏰ @bob, @carol: @alice still waits, it takes one of group:dba. It lapses today 20:00.
            nightlatch: ⏰ @bob, @carol: @alice still waits, it takes one of group:dba or @security. It lapses today 20:00.
            nightlatch: 📣 @bob, @carol, @dave: nobody has decided so far, so more people are asked now, and you may decide because you are in group:dba or @security. It takes one of group:dba or @security.
            nightlatch: ⏰ @bob, @carol, @dave: @alice still waits, it takes one of group:dba or @security. It lapses today 20:00.
            nightlatch: ✅ @carol approved (group:dba). It is not active before it is confirmed as on.
            nightlatch: 🟢 Confirmed as on today 13:10:00, until today 15:10 at the latest.
        ");
        stage.alice.press("Return").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_channel_they_are_reminded_and_asked_directly() {
    let setting = || {
        let mut setting = approved_by(URGED);
        setting.workflows[0].1 = changed(&setting.workflows[0].1, &[("announce: \"#access\"\n", "")]);
        setting
    };
    story_everywhere_with(setting, async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.advance(20.minutes()).await;
        assert!(stage.bob.sees(DM).contains("still waits"), "{}", stage.bob.sees(DM));
        stage.bot.restart().await;
        stage.advance(15.minutes()).await;
        stage.dave.press("Approve").await;
        assert!(stage.is_on());
        stage.alice.press("Return").await;
        stage.everybody_reads();
    })
    .await;
}
