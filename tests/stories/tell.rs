//! `tell: people`: cards reach those who are asked and nobody else, and the channel hears what needs more eyes.

use nightlatch::kernel::Outcome;
use nightlatch::playground::tailnet::{Endpoint, Fault};

use crate::harness::*;

fn quiet() -> Setting {
    Setting::default().prod_db(&[("announce: \"#access\"", "announce: \"#access\"\ntell: people")])
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reads_of_it_but_those_it_is_about() {
    story_everywhere_with(quiet, async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bob.press_in(DM, "Approve").await;
        assert!(stage.is_on());
        stage.advance(2.hours()).await;
        assert_eq!(stage.request().await.outcome, Some(Outcome::Expired));
        assert_eq!(stage.dave.sees("#access"), "#access");
        stage.everybody_reads();
    })
    .await;
    story_with(quiet(), async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        insta::assert_snapshot!(stage.carol.reads(), @"
        @nightlatch
        nightlatch:
          ⏳ *Waiting for approval* · Production database
          @alice asks for 2h on alice-laptop (macOS)
          > invoice 1204
          You are asked because you are in group:dba or @db-oncall; so is @bob.
          ~ Request 01kjmma2g000000001 · `prod-db` · lapses tomorrow 05:00 · changes `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Approve] [Approve...] [Deny]
        ");
        stage.bob.press_in(DM, "Approve").await;
        insta::assert_snapshot!(stage.alice.reads(), @"
        @nightlatch
        nightlatch:
          🟢 *Production database is active until today 15:00* on alice-laptop (macOS)
          Done earlier? Press Return, or type `/access return prod-db`.
          ~ Request 01kjmma2g000000001 · `tailscale.attribute nALICE1CNTRL custom:jit_prod_db` · you are told shortly before it ends
          [Return]
        ");
        stage.alice.press_in(DM, "Return").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_taken_back_and_broken_glass_reach_the_channel_all_the_same() {
    story_with(quiet(), async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bob.press_in(DM, "Approve").await;
        stage.tailnet.set_expiry_lag_ms(86_400_000);
        stage.tailnet.fault(Endpoint::DeleteAttribute, Fault::Status(500), None);
        stage.ends_late = true;
        stage.advance(2.hours()).await;
        stage.advance(2.minutes()).await;
        assert!(stage.dave.sees("#access").contains("STUCK"), "{}", stage.dave.sees("#access"));
        stage.tailnet.clear_faults(Endpoint::DeleteAttribute);
        stage.advance(2.minutes()).await;
        stage.everybody_reads();
    })
    .await;
    let glass = (
        "announce:",
        "break_glass:\n  who: [group:engineering]\n  max_hold: 2h\n  review: { by: [group:dba], within: 24h }\nannounce:",
    );
    let quiet = Setting::default().prod_db(&[("announce: \"#access\"", "announce: \"#access\"\ntell: people"), glass]);
    story_with(quiet, async |stage| {
        stage.alice.command("/access prod-db 1h invoice 1204").await;
        stage.alice.press_in("#general", "Break glass").await;
        assert!(stage.is_on());
        assert!(stage.dave.sees("#access").contains("GLASS BROKEN"), "{}", stage.dave.sees("#access"));
        stage.alice.press_in(DM, "Return").await;
        stage.bob.press_in(DM, "It was fine").await;
        stage.everybody_reads();
    })
    .await;
}
