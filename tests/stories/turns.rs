//! `/access pass ID @person`: an approver gives their turn to somebody else who may decide, and everybody reads it.

use nightlatch::kernel::{Outcome, State};

use crate::harness::*;

fn reminds() -> Setting {
    Setting::default().prod_db(&[("own_request: never\n", "own_request: never\n    remind: 15m\n")])
}

async fn pass(stage: &Stage, from: &Human, to: &str) {
    let id = stage.request().await.id.to_string();
    from.command_in("#access", &format!("/access pass {id} {to}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_over_a_turn_decides() {
    story_everywhere_with(reminds, async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        pass(stage, &stage.bob, "@carol").await;
        assert_eq!(stage.request().await.asked_now().len(), 1);
        stage.advance(16.minutes()).await;
        stage.carol.press_in(DM, "Approve").await;
        assert!(stage.is_on());
        stage.alice.press("Return").await;
        assert_eq!(stage.request().await.outcome, Some(Outcome::Returned));
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_is_passed_on_as_everybody_sees_it() {
    story_with(reminds(), async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        pass(stage, &stage.bob, "@carol").await;
        insta::assert_snapshot!(stage.told_privately("#access", "bob").await, @"
        nightlatch (only you):
          👉 @carol is asked in your place about *Production database*, and you are reminded of it no more. You may still decide.
          ~ Request 01kjmma2g000000001
        ");
        insta::assert_snapshot!(stage.carol.sees_in_no_order(DM), @"
        @nightlatch
        nightlatch:
          ⏳ *Waiting for approval* · Production database
          @alice asks for 2h on alice-laptop (macOS)
          > invoice 1204
          You are asked because you are in group:dba or @db-oncall.
          👉 @bob passed their turn to @carol.
          ~ Request 01kjmma2g000000001 · `prod-db` · lapses tomorrow 05:00 · changes `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Approve] [Approve...] [Deny]
        nightlatch:
          👉 @bob passed their turn to you: @alice waits for *Production database*, and it takes one of group:dba or @db-oncall. Decide with the message about it here.
          ~ Request 01kjmma2g000000001
        ");
        stage.advance(16.minutes()).await;
        insta::assert_snapshot!(stage.alice.sees("#access"), @"
        #access
        nightlatch:
          ⏳ *Waiting for approval* · Production database
          @alice asks for 2h on alice-laptop (macOS)
          > invoice 1204
          Asked: @carol (in group:dba or @db-oncall)
          👉 @bob passed their turn to @carol.
          ~ Request 01kjmma2g000000001 · `prod-db` · lapses today 21:00 · changes `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Approve] [Approve...] [Deny]
            nightlatch: 👉 @bob passed their turn to @carol. It takes one of group:dba or @db-oncall.
            nightlatch: ⏰ @carol: @alice still waits, it takes one of group:dba or @db-oncall. It lapses today 21:00.
        ");
        stage.bob.press_in("#access", "Approve").await;
        assert_eq!(stage.request().await.state, State::Active, "who passed it on may still decide");
        stage.alice.press("Return").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_those_who_decide_have_it_in_their_messages_whoever_takes_over_gets_it_there() {
    let direct = || Setting::default().prod_db(&[("announce: \"#access\"\n", "")]);
    story_everywhere_with(direct, async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        pass(stage, &stage.bob, "@carol").await;
        stage.carol.press_in(DM, "Approve").await;
        assert!(stage.is_on());
        stage.alice.press_in(DM, "Return").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_no_to_passing_on_a_turn() {
    story_with(Setting::default().prod_db(&[("quorum: 1", "quorum: 2")]), async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bob.command_in("#access", "/access pass").await;
        stage.bob.command_in("#access", "/access pass 01kjmma2g0000000zz @carol").await;
        pass(stage, &stage.bob, "carol").await;
        pass(stage, &stage.dave, "@carol").await;
        pass(stage, &stage.bob, "@dave").await;
        pass(stage, &stage.bob, "@alice").await;
        pass(stage, &stage.bob, "@bob").await;
        stage.bob.press_in("#access", "Approve").await;
        pass(stage, &stage.bob, "@carol").await;
        pass(stage, &stage.carol, "@bob").await;
        insta::assert_snapshot!(stage.bob.sees("#access"), @"
        #access
        nightlatch:
          ⏳ *Waiting for approval* · Production database
          @alice asks for 2h on alice-laptop (macOS)
          > invoice 1204
          Asked: @bob, @carol (in group:dba or @db-oncall)
          1 of 2 approvals: @bob
          ~ Request 01kjmma2g000000001 · `prod-db` · lapses today 15:00 · changes `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Approve] [Approve...] [Deny]
            nightlatch: ✅ @bob approved (group:dba): 1 of 2 approvals. It still waits for more.
        nightlatch (only you): Say which request and to whom: `/access pass ID @person`. Its id stands at the foot of its card.
        nightlatch (only you): There is no request `01kjmma2g0000000zz`. Its id stands at the foot of its card, and `/access list` shows what waits for you.
        nightlatch (only you): Say to whom, with an @ so that Slack knows who that is: `/access pass 01kjmma2g000000001 @person`.
        nightlatch (only you): Passing your turn to @dave. You will hear from me whether they may decide.
        nightlatch (only you):
          @dave cannot take over your turn: *Production database* waits for one of group:dba or @db-oncall. Nothing was passed on, and you are asked as before.
          ~ Production database · request 01kjmma2g000000001
        nightlatch (only you): Passing your turn to @alice. You will hear from me whether they may decide.
        nightlatch (only you):
          @alice asked for this, or it is for them, and nobody decides their own. Nothing was passed on, and you are asked as before.
          ~ Production database · request 01kjmma2g000000001
        nightlatch (only you): Passing your turn to @bob. You will hear from me whether they may decide.
        nightlatch (only you):
          That is your turn already, so nothing was passed on. Name somebody else who may decide.
          ~ Production database · request 01kjmma2g000000001
        nightlatch (only you): You have decided on this request already; each person counts once. Nothing changed.
        ");
        insta::assert_snapshot!(stage.dave.sees("#access"), @"
        #access
        nightlatch:
          ⏳ *Waiting for approval* · Production database
          @alice asks for 2h on alice-laptop (macOS)
          > invoice 1204
          Asked: @bob, @carol (in group:dba or @db-oncall)
          1 of 2 approvals: @bob
          ~ Request 01kjmma2g000000001 · `prod-db` · lapses today 20:00 · changes `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Approve] [Approve...] [Deny]
            nightlatch: ✅ @bob approved (group:dba): 1 of 2 approvals. It still waits for more.
        nightlatch (only you): Passing your turn to @carol. You will hear from me whether they may decide.
        nightlatch (only you):
          You are not an approver of *Production database*, so nothing was counted. It takes one of group:dba or @db-oncall.
          ~ Production database · request 01kjmma2g000000001
          [Why?]
        ");
        insta::assert_snapshot!(stage.carol.sees("#access"), @"
        #access
        nightlatch:
          ⏳ *Waiting for approval* · Production database
          @alice asks for 2h on alice-laptop (macOS)
          > invoice 1204
          Asked: @bob, @carol (in group:dba or @db-oncall)
          1 of 2 approvals: @bob
          ~ Request 01kjmma2g000000001 · `prod-db` · lapses tomorrow 05:00 · changes `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Approve] [Approve...] [Deny]
            nightlatch: ✅ @bob approved (group:dba): 1 of 2 approvals. It still waits for more.
        nightlatch (only you): Passing your turn to @bob. You will hear from me whether they may decide.
        nightlatch (only you):
          @bob has decided on this request already; each person counts once. Nothing was passed on, and you are asked as before.
          ~ Production database · request 01kjmma2g000000001
        ");
        stage.carol.press_in("#access", "Deny").await;
        stage.carol.submit().await;
        pass(stage, &stage.carol, "@bob").await;
        insta::assert_snapshot!(stage.told_privately("#access", "carol").await, @"nightlatch (only you): Too late: @carol denied it. Nothing changed.");
        stage.everybody_reads();
    })
    .await;
}
