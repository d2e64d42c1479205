//! Asking for somebody else: both stand on the card, it is the holder's device, and neither of the two decides.

use nightlatch::kernel::State;

use crate::harness::*;

const ASKS_FOR: (&str, &str) = ("approve:\n", "ask_for: [group:dba]\napprove:\n");

fn asks_for() -> Setting {
    Setting::default().prod_db(&[ASKS_FOR, ("own_request: never", "own_request: allow")])
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_somebody_else_decides_nothing_and_they_get_it_on_their_own_device() {
    story_everywhere_with(asks_for, async |stage| {
        stage.bob.command("/access for @alice prod-db 2h invoice 1204").await;
        assert_eq!(stage.requests().await.len(), 1, "{}", stage.bob.sees("#general"));
        stage.bob.press_in("#access", "Approve").await;
        stage.alice.press_in("#access", "Approve").await;
        let request = stage.request().await;
        assert_eq!((request.state, request.decisions.len()), (State::Pending, 0), "neither of the two");
        stage.carol.press_in("#access", "Approve").await;
        assert!(stage.is_on(), "on alice's device");
        assert!(stage.alice.reads().contains("is active until"));
        stage.alice.press_in("#access", "Return").await;
        assert!(!stage.is_on());
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_for_somebody_else_as_everybody_sees_it() {
    story_with(asks_for(), async |stage| {
        stage.bob.command("/access for @alice prod-db 2h invoice 1204").await;
        insta::assert_snapshot!(stage.bob.sees("#general"), @"
        #general
        nightlatch (only you): :hourglass_flowing_sand: Saved. I am looking up who you are and what you may borrow, and will answer here in a moment.
        nightlatch (only you):
          ⏳ *Asked for Production database* for @alice for 2h on alice-laptop (macOS). Nothing is on yet; they will be told when it is.
          It is decided by whoever is in group:dba or @db-oncall.
          ~ Request 01kjmma2g000000001 · lapses today 15:00 if nobody answers
          [Withdraw]
        ");
        insta::assert_snapshot!(stage.alice.reads(), @"
        @nightlatch
        nightlatch:
          🙋 @bob asked for *Production database* for you, for 2h on alice-laptop. Nothing is on yet; you are told when it is. You need not do anything.
          > invoice 1204
          ~ Request 01kjmma2g000000001
          [Withdraw]
        ");
        insta::assert_snapshot!(stage.carol.sees("#access"), @"
        #access
        nightlatch:
          ⏳ *Waiting for approval* · Production database
          @bob asks for 2h for @alice on alice-laptop (macOS)
          > invoice 1204
          Asked: @carol (in group:dba or @db-oncall)
          ~ Request 01kjmma2g000000001 · `prod-db` · lapses tomorrow 05:00 · changes `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Approve] [Approve...] [Deny]
        ");
        stage.bob.press_in("#access", "Approve").await;
        insta::assert_snapshot!(stage.told_privately("#access", "bob").await, @"
        nightlatch (only you):
          You asked for this, or it is for you, and neither of the two decides. Somebody else of group:dba or @db-oncall has to.
          ~ Production database · request 01kjmma2g000000001
          [Why?]
        ");
        stage.carol.press_in("#access", "Approve").await;
        stage.advance(2.hours()).await;
        insta::assert_snapshot!(stage.carol.sees("#access"), @"
        #access
        nightlatch:
          🔒 *Ended: the time was up* · Production database
          @alice had it on alice-laptop (macOS) from today 21:00 to today 23:00:00; @bob asked for it
          > invoice 1204
          Approved by @carol (group:dba) today 21:00
          🔒 Verified gone today 23:00:00
          Open TCP connections may live on.
          ~ Request 01kjmma2g000000001 · `prod-db` · `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
            nightlatch: ✅ @carol approved (group:dba). It is not active before it is confirmed as on.
            nightlatch: 🟢 Confirmed as on today 21:00:00, until today 23:00 at the latest.
            nightlatch:
              🔒 Ended: the time was up.
              🔒 Verified gone today 23:00:00
              Open TCP connections may live on.
        ");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_no_to_asking_for_somebody_else() {
    story_with(asks_for(), async |stage| {
        stage.alice.command("/access for @bob prod-db 2h invoice 1204").await;
        insta::assert_snapshot!(stage.told_privately("#general", "alice").await, @"
        nightlatch (only you):
          *Production database* (prod-db): nothing was asked. You cannot ask for this for somebody else: that takes one of group:dba. They can ask for it themselves.
          [Why?]
        ");
        for line in [
            "/access for",
            "/access for bob prod-db 1h x",
            "/access for @alice",
            "/access for @alice prod-bd 1h x",
            "/access for @alice prod-db 99h x",
            "/access for @frank prod-db 1h invoice 1204",
            "/access for @alice prod-db 1h device=bob-laptop invoice 1204",
        ] {
            stage.bob.command(line).await;
        }
        insta::assert_snapshot!(stage.bob.sees("#general"), @"
        #general
        nightlatch (only you): Say for whom, with an @ so that Slack knows who that is, and what: `/access for @person NAME LENGTH REASON`.
        nightlatch (only you): Say for whom, with an @ so that Slack knows who that is, and what: `/access for @person NAME LENGTH REASON`.
        nightlatch (only you): Say what, too: `/access for @person NAME LENGTH REASON`.
        nightlatch (only you): There is nothing called `prod-bd` here. Did you mean `/access for @alice prod-db`? `/access help` shows what there is.
        nightlatch (only you):
          Nothing was asked yet:
          • *hold*: 4d3h is more than the 8h this lends
          This would do: `/access for @person prod-db 8h x`
        nightlatch (only you): Say for whom, with an @ so that Slack knows who that is, and what: `/access for @person NAME LENGTH REASON`.
        nightlatch (only you): :hourglass_flowing_sand: Saved. I am looking up who you are and what you may borrow, and will answer here in a moment.
        nightlatch (only you):
          Nothing was asked yet:
          • *device*: `bob-laptop` is not one of their devices (alice-laptop)
          This would do: `/access for @person prod-db 1h invoice 1204`
        ");
        assert_eq!(stage.requests().await.len(), 0);
        stage.bob.command("/access for @bob prod-db 1h device=bob-laptop it is for myself").await;
        let request = stage.request().await;
        assert!(request.asker.is_none(), "that is an ordinary request");
        stage.bob.command("/access withdraw prod-db").await;
        stage.bob.command("/access for @alice prod-db 1h invoice 1204").await;
        stage.bob.press_in("#general", "Withdraw").await;
        assert_eq!(stage.request().await.state, State::Ended, "who asked may think better of it");
        stage.everybody_reads();
    })
    .await;
    story_with(Setting::default(), async |stage| {
        stage.bob.command("/access for @alice prod-db 2h invoice 1204").await;
        assert!(stage.bob.sees("#general").contains("for somebody else"), "{}", stage.bob.sees("#general"));
        assert_eq!(stage.requests().await.len(), 0, "nobody may where the workflow does not say so");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_passes_by_itself_has_to_hold_for_both() {
    let rules = |who: &str| {
        let rule = format!("ask_for: [group:dba]\napprove_automatically:\n  - who: [{who}]\napprove:\n");
        Setting::default().prod_db(&[("approve:\n", &rule)])
    };
    for (who, passes) in [("alice@example.com", false), ("bob@example.com", false), ("group:engineering", true)] {
        story_with(rules(who), async |stage| {
            stage.bob.command("/access for @alice prod-db 1h invoice 1204").await;
            assert_eq!(stage.is_on(), passes, "{who}: {}", stage.alice.sees("#access"));
            stage.advance(9.hours()).await;
            stage.everybody_reads();
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guardrail_that_forbids_one_of_the_two_forbids_it() {
    let forbid = |who: &str| {
        format!("@id(\"x\") forbid (principal == Person::\"{who}@example.com\", action == Action::\"ask\", resource);")
    };
    for who in ["alice", "bob"] {
        story_with(asks_for().guardrail("x", &forbid(who)), async |stage| {
            stage.bob.command("/access for @alice prod-db 1h invoice 1204").await;
            assert_eq!(stage.requests().await.len(), 0, "{who}: {}", stage.bob.sees("#general"));
            stage.everybody_reads();
        })
        .await;
    }
}
