//! Deciding: approve, deny, lapse; quorums; clicks that come twice, too late, at once or garbled.

use nightlatch::kernel::{Outcome, State};

use crate::harness::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_quorum_of_two_takes_two_different_people() {
    let setting = || Setting::default().prod_db(&[("quorum: 1", "quorum: 2")]);
    story_everywhere_with(setting, async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bob.press("Approve").await;
        assert!(!stage.is_on());
        stage.bob.press("Approve").await;
        assert!(!stage.is_on(), "each person counts once");
        assert_eq!(stage.request().await.approvals_count(), 1);
        stage.carol.press("Approve").await;
        assert!(stage.is_on());
        stage.advance(2.hours()).await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_card_shows_how_many_of_the_quorum_there_are_and_a_second_click_is_answered() {
    story_with(Setting::default().prod_db(&[("quorum: 1", "quorum: 2")]), async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bob.press("Approve").await;
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
        ");
        stage.bob.press("Approve").await;
        insta::assert_snapshot!(stage.told_privately("#access", "bob").await, @"
        nightlatch (only you):
          You have decided on this request already; each person counts once. Nothing changed.
          ~ Production database · request 01kjmma2g000000001
        ");
        stage.carol.press("Deny").await;
        stage.carol.fill("Why", "not on a Friday").await;
        stage.carol.submit().await;
        assert_eq!(stage.request().await.outcome, Some(Outcome::Denied), "one no is enough");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_approves_their_own_request_where_the_workflow_says_never() {
    story(async |stage| {
        stage.bob.command("/access prod-db 2h device=bob-laptop restore a backup").await;
        stage.bob.press("Approve").await;
        insta::assert_snapshot!(stage.told_privately("#access", "bob").await, @"
        nightlatch (only you):
          This is your own request, and nobody approves their own. Somebody else of group:dba or @db-oncall has to decide.
          ~ Production database · request 01kjmma2g000000001
          [Why?]
        ");
        assert_eq!(stage.request().await.state, State::Pending);
        stage.carol.press("Approve").await;
        assert_eq!(stage.request().await.state, State::Active);
        stage.bob.press("Return").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_denies_their_own_request_where_the_workflow_says_never_but_withdraws_it() {
    story_everywhere(async |stage| {
        stage.bob.command("/access prod-db 2h device=bob-laptop restore a backup").await;
        stage.bob.press_in("#access", "Deny").await;
        assert_eq!(stage.bob.modal(), "(no modal)");
        let told = stage.told_privately("#access", "bob").await;
        insta::allow_duplicates!(insta::assert_snapshot!(told, @"
        nightlatch (only you):
          This is your own request, and nobody decides their own. Take it back with Withdraw or `/access withdraw prod-db`.
          ~ Production database · request 01kjmma2g000000001
          [Withdraw]
        "));
        assert_eq!(stage.request().await.state, State::Pending);
        stage.bob.press_in("#access", "Withdraw").await;
        assert_eq!(stage.request().await.outcome, Some(Outcome::Withdrawn));
        stage.everybody_reads();
    })
    .await;
    let confirm = Setting::default().prod_db(&[("own_request: never", "own_request: confirm")]);
    story_with(confirm, async |stage| {
        stage.bob.command("/access prod-db 2h device=bob-laptop restore a backup").await;
        stage.bob.press_in("#access", "Deny").await;
        stage.bob.submit().await;
        assert_eq!(stage.request().await.outcome, Some(Outcome::Denied), "who may approve their own may deny it");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_s_own_request_takes_a_second_click_where_the_workflow_says_confirm() {
    let setting = || Setting::default().prod_db(&[("own_request: never", "own_request: confirm")]);
    story_everywhere_with(setting, async |stage| {
        stage.bob.command("/access prod-db 2h device=bob-laptop restore a backup").await;
        stage.bob.press("Approve").await;
        assert_eq!(stage.request().await.state, State::Pending);
        stage.bob.press("Yes, approve my own request").await;
        assert_eq!(stage.tailnet.attribute("bob-laptop", JIT), Some(true.into()));
        stage.advance(2.hours()).await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_s_own_request_takes_one_click_where_the_workflow_says_allow() {
    story_with(Setting::default().prod_db(&[("own_request: never", "own_request: allow")]), async |stage| {
        stage.bob.command("/access prod-db 2h device=bob-laptop restore a backup").await;
        stage.bob.press("Approve").await;
        assert_eq!(stage.tailnet.attribute("bob-laptop", JIT), Some(true.into()));
        stage.bob.press("Return").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_s_reason_reaches_the_requester() {
    story_everywhere(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bob.press("Deny").await;
        assert_eq!(stage.request().await.state, State::Pending, "nothing is decided until it is sent");
        stage.bob.fill("Why", "use the <replica> & *not* the primary").await;
        stage.bob.submit().await;
        let told = stage.alice.reads();
        assert!(told.contains("use the <replica> & *not* the primary"), "{told}");
        assert_eq!(stage.request().await.outcome, Some(Outcome::Denied));
        assert!(!stage.is_on());
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_as_everybody_sees_it() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bob.press("Deny").await;
        insta::assert_snapshot!(stage.bob.modal(), @"
        == Deny request ==
        @alice asks for *Production database* on alice-laptop for 2 hours.
        > invoice 1204
        Why (optional): {}
          Reaches the requester, and is kept with the request.
        ~ Nothing is decided until you press Deny here.
        (Back) [Deny]
        ");
        stage.bob.fill("Why", "use the replica").await;
        stage.bob.submit().await;
        assert_eq!(stage.bob.modal(), "(no modal)");
        insta::assert_snapshot!(stage.bob.sees("#access"), @"
        #access
        nightlatch:
          ⛔ *Denied by @bob* · Production database
          @alice asked for 2h on alice-laptop (macOS)
          > invoice 1204
          Denied by @bob (group:dba) today 07:00:00
          *Why*
          > use the replica
          Nothing was switched on.
          ~ Request 01kjmma2g000000001 · `prod-db` · `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
            nightlatch:
              ⛔ @bob denied it. Nothing was switched on.
              > use the replica
        ");
        insta::assert_snapshot!(stage.alice.reads(), @"
        @nightlatch
        nightlatch:
          ⛔ @bob denied your request for *Production database* on alice-laptop for 2h. Nothing was switched on.
          *Why*
          > use the replica
          ~ Request 01kjmma2g000000001
          [Ask again]
        ");
        stage.alice.press_in(DM, "Ask again").await;
        insta::assert_snapshot!(stage.alice.modal(), @"
        == Borrow access ==
        *Production database*
        Reach tag:prod-db from one of your devices.
        Device: <alice-laptop (macOS)>
        Hold: <2 hours>
        Reason: <invoice 1204>
          Shown to those who decide, and kept in the audit log.
        ~ :busts_in_silhouette: One of group:dba or @db-oncall decides; they see it in #access. Without an answer it lapses after 8 hours.
        (Cancel) [Ask]
        ");
        stage.alice.submit().await;
        assert_eq!(stage.requests().await.len(), 2);
        stage.alice.press("Withdraw").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_nobody_answers_lapses_and_its_requester_hears_of_it() {
    story_everywhere(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.advance(7.hours()).await;
        assert_eq!(stage.request().await.state, State::Pending);
        stage.advance(1.hours()).await;
        assert_eq!(stage.request().await.outcome, Some(Outcome::Lapsed));
        assert!(stage.alice.reads().contains("so it lapsed"));
        assert!(stage.bob.sees("#access").contains("Lapsed: nobody answered in time"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lapse_as_its_people_see_it() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.advance(8.hours()).await;
        insta::assert_snapshot!(stage.alice.reads(), @"
        @nightlatch
        nightlatch:
          💤 Nobody answered your request for *Production database* (2h on alice-laptop) in time, so it lapsed today 21:00:00. Nothing was switched on.
          ~ Request 01kjmma2g000000001
          [Ask again]
        ");
        insta::assert_snapshot!(stage.bob.sees("#access"), @"
        #access
        nightlatch:
          💤 *Lapsed: nobody answered in time* · Production database
          @alice asked for 2h on alice-laptop (macOS)
          > invoice 1204
          Nothing was switched on.
          ~ Request 01kjmma2g000000001 · `prod-db` · `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
        ");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_channel_the_approvers_get_direct_messages_that_change_together() {
    let setting = || Setting::default().prod_db(&[("announce: \"#access\"\n", "")]);
    story_everywhere_with(setting, async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        assert!(stage.carol.sees(DM).contains("[Approve] [Approve...] [Deny]"));
        stage.bob.press_in(DM, "Approve").await;
        assert!(stage.is_on());
        stage.carol.press_in(DM, "Revoke").await;
        assert!(!stage.is_on());
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn direct_messages_as_the_approvers_see_them() {
    story_with(Setting::default().prod_db(&[("announce: \"#access\"\n", "")]), async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        insta::assert_snapshot!(stage.bob.reads(), @"
        @nightlatch
        nightlatch:
          ⏳ *Waiting for approval* · Production database
          @alice asks for 2h on alice-laptop (macOS)
          > invoice 1204
          You are asked because you are in group:dba or @db-oncall; so is @carol.
          ~ Request 01kjmma2g000000001 · `prod-db` · lapses today 15:00 · changes `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Approve] [Approve...] [Deny]
        ");
        stage.bob.press_in(DM, "Approve").await;
        insta::assert_snapshot!(stage.carol.sees(DM), @"
        @nightlatch
        nightlatch:
          🟢 *Active until today 23:00* · Production database
          @alice has it on alice-laptop (macOS) since today 21:00:00, for 2h
          > invoice 1204
          Approved by @bob (group:dba) today 21:00:00
          ~ Request 01kjmma2g000000001 · `prod-db` · changes `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Revoke]
        ");
        stage.advance(2.hours()).await;
        insta::assert_snapshot!(stage.carol.sees(DM), @"
        @nightlatch
        nightlatch:
          🔒 *Ended: the time was up* · Production database
          @alice had it on alice-laptop (macOS) from today 21:00 to today 23:00:00
          > invoice 1204
          Approved by @bob (group:dba) today 21:00
          🔒 Verified gone today 23:00:00
          Open TCP connections may live on.
          ~ Request 01kjmma2g000000001 · `prod-db` · `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
        ");
        assert!(!stage.bob.sees(DM).contains("[Revoke]"), "all of them change");
        assert_eq!(stage.bob.sees("#access"), "#access", "nobody else is told");
        stage.everybody_reads();
    })
    .await;
}
