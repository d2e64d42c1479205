//! Holding for longer what one holds: the later end counts here and in the tailnet, as often as the workflow says.

use nightlatch::kernel::{Outcome, State};

use crate::harness::*;

const EXTENDS: (&str, &str) =
    ("lapse_after: 8h\n", "lapse_after: 8h\nextend: { times: 2, max: 1h, approve: automatic }\n");

fn extends() -> Setting {
    Setting::default().prod_db(&[EXTENDS])
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_extended_ends_later_and_not_before() {
    story_everywhere_with(extends, async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bob.press("Approve").await;
        stage.advance(90.minutes()).await;
        stage.alice.command("/access extend prod-db 30m").await;
        stage.advance(45.minutes()).await;
        assert!(stage.is_on(), "its old end has passed");
        stage.bot.restart().await;
        stage.alice.press_in("#access", "Extend by 1h").await;
        stage.advance(60.minutes()).await;
        assert!(stage.is_on());
        stage.advance(15.minutes()).await;
        assert!(!stage.is_on());
        let request = stage.request().await;
        assert_eq!((request.outcome, request.extensions.len()), (Some(Outcome::Expired), 2));
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn extending_as_people_see_it_and_every_no() {
    story_with(extends(), async |stage| {
        stage.alice.command("/access extend prod-db 30m").await;
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bob.press("Approve").await;
        stage.alice.command("/access extend prod-db soon").await;
        stage.alice.command("/access extend prod-db").await;
        stage.alice.command("/access extend prod-db 3h").await;
        insta::assert_snapshot!(stage.alice.sees("#general"), @"
        #general
        nightlatch (only you): You hold nothing called `prod-db` now. `/access list` shows what is yours.
        nightlatch (only you):
          ⏳ *Asked for Production database* for 2h on alice-laptop (macOS). Nothing is on yet; you will be told when it is.
          It is decided by whoever is in group:dba or @db-oncall.
          ~ Request 01kjmma2g000000001 · lapses today 21:00 if nobody answers
          [Withdraw]
        nightlatch (only you): `soon` is no length of time; write it like 30m or 1h30m: `/access extend NAME LENGTH`.
        nightlatch (only you): Say what, and by how much: `/access extend NAME LENGTH`.
        nightlatch (only you): Extending *Production database* on alice-laptop by 3h. You will hear from me when that counts.
        ");
        stage.bob.press_in("#access", "Extend by 1h").await;
        insta::assert_snapshot!(stage.told_privately("#access", "bob").await, @"
        nightlatch (only you):
          This is somebody else's request, and only they can do that. Approvers can use Revoke once it is approved, or Deny before.
          ~ Production database · request 01kjmma2g000000001
        ");
        stage.alice.command("/access extend prod-db 1h").await;
        stage.alice.command("/access extend prod-db 45m").await;
        insta::assert_snapshot!(stage.bob.sees("#access"), @"
        #access
        nightlatch:
          🟢 *Active until today 10:45* · Production database
          @alice has it on alice-laptop (macOS) since today 07:00:00, for 2h
          > invoice 1204
          Approved by @bob (group:dba) today 07:00:00
          ~ Request 01kjmma2g000000001 · `prod-db` · changes `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Return] [Revoke]
            nightlatch: ✅ @bob approved (group:dba). It is not active before it is confirmed as on.
            nightlatch: 🟢 Confirmed as on today 07:00:00, until today 09:00 at the latest.
            nightlatch: ⏩ @alice extended it: it ends today 10:00.
            nightlatch: ⏩ @alice extended it: it ends today 10:45.
        nightlatch (only you):
          This is somebody else's request, and only they can do that. Approvers can use Revoke once it is approved, or Deny before.
          ~ Production database · request 01kjmma2g000000001
        ");
        insta::assert_snapshot!(stage.alice.reads(), @"
        @nightlatch
        nightlatch:
          🟢 *Production database is active until today 16:45* on alice-laptop (macOS)
          Done earlier? Press Return, or type `/access return prod-db`.
          ~ Request 01kjmma2g000000001 · `tailscale.attribute nALICE1CNTRL custom:jit_prod_db` · you are told shortly before it ends
          [Return]
        nightlatch:
          That is too long: the most is 1h. Ask again with a shorter time.
          ~ Production database · request 01kjmma2g000000001
        nightlatch:
          🟢 *Production database is active until today 16:45* on alice-laptop (macOS)
          Done earlier? Press Return, or type `/access return prod-db`.
          ~ Request 01kjmma2g000000001 · `tailscale.attribute nALICE1CNTRL custom:jit_prod_db` · you are told shortly before it ends
          [Return]
        nightlatch:
          ⏩ *Production database ends today 16:45 now* on alice-laptop. It cannot be extended again.
          ~ Request 01kjmma2g000000001 · you are told shortly before it ends
          [Return]
        ");
        stage.alice.command("/access extend prod-db 10m").await;
        insta::assert_snapshot!(stage.alice.reads(), @"
        @nightlatch
        nightlatch:
          This was extended as often as may be (2). If you need it for longer, ask again before it ends: the later end counts.
          ~ Production database · request 01kjmma2g000000001
        ");
        assert_eq!(stage.request().await.state, State::Active);
        stage.alice.press("Return").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guardrail_forbids_it_and_where_the_workflow_does_not_say_it_is_not_extended() {
    let night =
        "@id(\"once\") @reason(\"ask again instead\") forbid (principal, action == Action::\"extend\", resource);";
    story_with(extends().guardrail("once", night), async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bob.press("Approve").await;
        stage.alice.press_in("#access", "Extend by 1h").await;
        insta::assert_snapshot!(stage.told_privately("#access", "alice").await, @"
        nightlatch (only you):
          The guardrail `once` does not allow this: ask again instead. Nothing was counted.
          ~ Production database · request 01kjmma2g000000001
        ");
        stage.alice.press_in("#access", "Return").await;
        stage.everybody_reads();
    })
    .await;
    story_with(Setting::default(), async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bob.press("Approve").await;
        stage.alice.command("/access extend prod-db 10m").await;
        assert!(stage.alice.reads().contains("This cannot be extended"));
        stage.alice.press_in("#access", "Return").await;
        stage.everybody_reads();
    })
    .await;
}
