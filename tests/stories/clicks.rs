//! Clicks: at once, twice, too late, garbled, and on cards from before a restart.

use nightlatch::kernel::{Outcome, State};
use nightlatch::playground::slack::SlackWorld;

use crate::harness::*;

#[tokio::test(flavor = "multi_thread")]
async fn two_people_approving_at_once_count_once_each_and_the_second_sees_who_decided() {
    for mode in [Mode::Socket, Mode::Http, Mode::Killed] {
        story_with(Setting { mode, ..Setting::default() }, async |stage| {
            stage.alice.command("/access prod-db 2h invoice 1204").await;
            let (bob, carol) = tokio::join!(
                stage.slack.press("bob", "#access", "Approve"),
                stage.slack.press("carol", "#access", "Approve")
            );
            assert!(bob.expect("a button").acked && carol.expect("a button").acked);
            stage.bot.settle().await;
            let request = stage.request().await;
            assert_eq!((request.state, request.decisions.len()), (State::Active, 1));
            let second = if request.decisions[0].person().unwrap().name == "Bob" { "carol" } else { "bob" };
            let first = if second == "bob" { "@carol" } else { "@bob" };
            let said = stage.told_privately("#access", second).await;
            assert!(said.contains(&format!("Too late: {first} approved it")), "{said}");
            stage.alice.press("Return").await;
            stage.everybody_reads();
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_completing_a_quorum_at_once_are_both_counted() {
    let setting = || Setting::default().prod_db(&[("quorum: 1", "quorum: 2")]);
    story_everywhere_with(setting, async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        let presses = tokio::join!(
            stage.slack.press("bob", "#access", "Approve"),
            stage.slack.press("carol", "#access", "Approve")
        );
        assert!(presses.0.is_ok() && presses.1.is_ok());
        stage.bot.settle().await;
        let request = stage.request().await;
        assert_eq!((request.state, request.decisions.len()), (State::Active, 2));
        stage.alice.press("Return").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_clicking_wildly_counts_once() {
    let setting = || Setting::default().prod_db(&[("quorum: 1", "quorum: 2")]);
    story_everywhere_with(setting, async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.slack.duplicate_deliveries(3);
        let click = || stage.slack.press("bob", "#access", "Approve");
        let _ = tokio::join!(click(), click(), click());
        stage.bot.settle().await;
        stage.slack.redeliver().await.expect("a delivery");
        stage.bot.settle().await;
        let request = stage.request().await;
        assert_eq!((request.state, request.approvals_count()), (State::Pending, 1));
        stage.alice.command("/access withdraw prod-db").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn approving_and_withdrawing_at_once_leaves_one_of_the_two() {
    story_everywhere(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        let (bob, alice) = tokio::join!(
            stage.slack.press("bob", "#access", "Approve"),
            stage.slack.press("alice", "#general", "Withdraw")
        );
        assert!(bob.is_ok() && alice.is_ok());
        stage.bot.settle().await;
        let request = stage.request().await;
        match request.state {
            State::Ended => assert_eq!((request.outcome, stage.is_on()), (Some(Outcome::Withdrawn), false)),
            _ => {
                assert_eq!((request.state, stage.is_on()), (State::Active, true));
                stage.alice.press("Return").await;
            }
        }
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_that_comes_too_late_is_answered_with_what_became_of_it() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        let old = stage.old_press("carol", "Approve").await;
        stage.bob.press("Approve").await;
        old.arrives().await;
        insta::assert_snapshot!(stage.told_privately("#access", "carol").await, @"
        nightlatch (only you):
          Too late: @bob approved it, and it is active.
          ~ Production database · request 01kjmma2g000000001
        ");
        stage.advance(2.hours()).await;
        old.arrives_again().await;
        insta::assert_snapshot!(stage.told_privately("#access", "carol").await, @"
        nightlatch (only you):
          Too late: @bob approved it, and its time is over. It can be asked again.
          ~ Production database · request 01kjmma2g000000001
        ");
        stage.alice.command("/access prod-db 2h invoice 1205").await;
        let old = stage.old_press("carol", "Approve").await;
        stage.alice.command("/access withdraw prod-db").await;
        old.arrives().await;
        insta::assert_snapshot!(stage.told_privately("#access", "carol").await, @"
        nightlatch (only you):
          Too late: the requester took it back before it was decided.
          ~ Production database · request 01kjmv5sr000000002
        ");
        stage.alice.command("/access prod-db 2h invoice 1206").await;
        let old = stage.old_press("carol", "Approve").await;
        stage.bob.press("Deny").await;
        stage.bob.submit().await;
        old.arrives().await;
        insta::assert_snapshot!(stage.told_privately("#access", "carol").await, @"
        nightlatch (only you):
          Too late: @bob denied it. Nothing changed.
          ~ Production database · request 01kjmv5sr000000003
        ");
        stage.alice.command("/access prod-db 2h invoice 1207").await;
        let old = stage.old_press("carol", "Approve").await;
        stage.advance(8.hours()).await;
        old.arrives().await;
        insta::assert_snapshot!(stage.told_privately("#access", "carol").await, @"
        nightlatch (only you):
          Too late: nobody answered in time, and the request lapsed. It can be asked again.
          ~ Production database · request 01kjmv5sr000000004
        ");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_button_whose_value_was_changed_counts_for_nothing() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        let request = stage.request().await;
        let seal = request.seal.clone();
        let (altered, other) = (format!("{} 000000000000", request.ask.id), format!("01zzzzzzzzzzzzzzzz {seal}"));
        let values = [
            altered.as_str(),
            other.as_str(),
            "",
            " ",
            "'; drop table request; --",
            "../../etc/passwd x",
            "<!channel>",
        ];
        for value in values {
            let press = stage.old_press("bob", "Approve").await.with_value(value);
            press.arrives().await;
            assert_eq!(stage.request().await.state, State::Pending, "{value}");
        }
        let press = stage.old_press("bob", "Approve").await.with_value(&altered);
        press.arrives().await;
        insta::assert_snapshot!(stage.told_privately("#access", "bob").await, @"
        nightlatch (only you):
          What you saw is not what is stored (an old or foreign message), so nothing was counted. Use the newest message about this request, or `/access list`.
          ~ Production database · request 01kjmma2g000000001
        ");
        // Where there is nothing to answer to, it is said in direct messages.
        let is_told = |world: &SlackWorld| world.screen("bob", DM).contains("I know no such request");
        assert!(stage.slack.until(is_told).await, "{}", stage.bob.sees(DM));
        stage.alice.command("/access withdraw prod-db").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_from_before_a_restart_still_works() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bot.stop().await;
        stage.bot.start().await;
        stage.bob.press("Approve").await;
        assert!(stage.is_on());
        stage.bot.restart().await;
        stage.carol.press("Revoke").await;
        assert!(!stage.is_on());
        stage.everybody_reads();
    })
    .await;
}
