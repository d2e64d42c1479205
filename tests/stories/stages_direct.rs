//! Stages without a channel, stages that nobody could get through, and the example that comes with Nightlatch.

use nightlatch::playground::slack::Group;

use crate::harness::*;
use crate::stages::{TWO, approved_by};

#[tokio::test(flavor = "multi_thread")]
async fn without_a_channel_the_next_stage_gets_messages_of_its_own_and_earlier_copies_follow() {
    let setting = || {
        let two = approved_by(TWO);
        let (_, text) = two.workflows.first().cloned().unwrap();
        two.workflow("prod-db", &text.replace("announce: \"#access\"\n", ""))
    };
    story_everywhere_with(setting, async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        assert!(!stage.dave.sees(DM).contains("[Approve]"), "dave is not asked yet");
        stage.bob.press_in(DM, "Approve").await;
        stage.dave.press_in(DM, "Approve").await;
        assert!(stage.is_on());
        assert!(stage.bob.sees(DM).contains("Active until"));
        stage.bob.press_in(DM, "Revoke").await;
        assert!(!stage.is_on());
        stage.everybody_reads();
    })
    .await;
    story_with(setting(), async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bob.press_in(DM, "Approve").await;
        insta::assert_snapshot!(stage.bob.sees(DM), @"
        @nightlatch
        nightlatch:
          ⏳ *Waiting for approval* · Production database
          @alice asks for 2h on alice-laptop (macOS)
          > invoice 1204
          You were asked before, and others are asked now: @carol, @dave.
          ✅ Stage 1: approved by @bob (group:dba)
          ⏳ *Stage 2 (security)*: takes one of @security
          ~ Request 01kjmma2g000000001 · `prod-db` · lapses today 15:00 · changes `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
        ");
        insta::assert_snapshot!(stage.carol.sees(DM), @"
        @nightlatch
        nightlatch:
          ⏳ *Waiting for approval* · Production database
          @alice asks for 2h on alice-laptop (macOS)
          > invoice 1204
          You are asked because you are in @security; so is @dave.
          ✅ Stage 1: approved by @bob (group:dba)
          ⏳ *Stage 2 (security)*: takes one of @security
          ~ Request 01kjmma2g000000001 · `prod-db` · lapses tomorrow 05:00 · changes `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Approve] [Approve...] [Deny]
        nightlatch:
          👉 Stage 2 (security) of the request of @alice for *Production database* is open, and you may decide in it: it takes one of @security. Use the message about it above.
          ~ Request 01kjmma2g000000001
        ");
        insta::assert_snapshot!(stage.dave.sees(DM), @"
        @nightlatch
        nightlatch:
          ⏳ *Waiting for approval* · Production database
          @alice asks for 2h on alice-laptop (macOS)
          > invoice 1204
          You are asked because you are in @security; so is @carol.
          ✅ Stage 1: approved by @bob (group:dba)
          ⏳ *Stage 2 (security)*: takes one of @security
          ~ Request 01kjmma2g000000001 · `prod-db` · lapses today 20:00 · changes `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Approve] [Approve...] [Deny]
        ");
        insta::assert_snapshot!(stage.alice.reads(), @"
        @nightlatch
        nightlatch:
          👉 Stage 2 (security) of your request for *Production database* is open: it takes one of @security.
          Asked: @carol, @dave.
          ~ Request 01kjmma2g000000001
        ");
        stage.dave.press_in(DM, "Approve").await;
        insta::assert_snapshot!(stage.bob.sees(DM), @"
        @nightlatch
        nightlatch:
          🟢 *Active until today 09:00* · Production database
          @alice has it on alice-laptop (macOS) since today 07:00:00, for 2h
          > invoice 1204
          Approved by @bob (group:dba) in stage 1 today 07:00:00
          Approved by @dave (@security) in stage 2 (security) today 07:00:00
          ~ Request 01kjmma2g000000001 · `prod-db` · changes `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Revoke]
        ");
        stage.alice.press("Return").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_approved_by_enough_different_people_is_not_asked() {
    // Bob could be the only one of both stages, and nobody decides twice.
    let stages = "  - by: [bob@example.com]\n  - by: [bob@example.com, \"@solo\"]\n";
    let setting = approved_by(stages).seed(|seed| seed.group(Group::new("S0SOLO001", "solo", &["U0BOB0001"])));
    story_with(setting, async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        assert!(stage.requests().await.is_empty());
        insta::assert_snapshot!(stage.alice.sees("#general"), @"
        #general
        nightlatch (only you): :hourglass_flowing_sand: Saved. I am looking up who you are and what you may borrow, and will answer here in a moment.
        nightlatch (only you): There are not enough people now who could approve *Production database* (prod-db), so nothing was asked. It takes bob@example.com; then one of bob@example.com or @solo: different people beside you. Ask whoever looks after it to add people to those groups, or to its `approve` list.
        ");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_two_stages_takes_three_different_people() {
    let setting = || {
        let security = Group::new("S0SECURE1", "security", &["U0CAROL01", "U0DAVE001"]);
        let text = include_str!("../../workflows/examples/customer-exports.yaml");
        Setting::default().workflow("customer-exports", text).seed(|seed| seed.group(security))
    };
    story_everywhere_with(setting, async |stage| {
        let is_on = || stage.tailnet.attribute("alice-laptop", "custom:jit_exports") == Some(true.into());
        stage.alice.command("/access customer-exports 1h the quarterly one").await;
        stage.carol.press("Approve").await;
        stage.bob.press("Approve").await;
        assert!(!is_on(), "carol was counted in the first stage, bob as an admin in the second");
        stage.carol.press("Approve").await;
        assert!(!is_on(), "nobody decides twice, not even for another group of theirs");
        stage.dave.press("Approve").await;
        assert!(is_on());
        stage.advance(1.hours()).await;
        assert!(!is_on());
        stage.everybody_reads();
    })
    .await;
}
