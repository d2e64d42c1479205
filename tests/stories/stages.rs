//! Approval in stages: asked one after the other, clauses by different people, and noes that are not the last word.

use nightlatch::kernel::{Outcome, State};
use nightlatch::playground::slack::Group;

use crate::harness::*;

/// `prod-db` with this under `approve:`; carol and dave are in @security.
pub fn approved_by(stages: &str) -> Setting {
    let plain = "  - quorum: 1\n    by: [group:dba, \"@db-oncall\"]\n    own_request: never\n";
    let security = Group::new("S0SECURE1", "security", &["U0CAROL01", "U0DAVE001"]);
    Setting::default().prod_db(&[(plain, stages)]).seed(|seed| seed.group(security))
}

/// Two stages.
pub const TWO: &str = "  - by: [group:dba]\n  - name: security\n    by: [\"@security\"]\n";

#[tokio::test(flavor = "multi_thread")]
async fn the_second_stage_is_asked_when_the_first_is_through() {
    story_everywhere_with(
        || approved_by(TWO),
        async |stage| {
            stage.alice.command("/access prod-db 2h invoice 1204").await;
            stage.dave.press_in("#access", "Approve").await;
            assert!(stage.told_privately("#access", "dave").await.contains("Your turn comes later"));
            stage.bob.press("Approve").await;
            assert!(!stage.is_on(), "the first stage alone lends nothing");
            stage.bob.press("Approve").await;
            assert!(stage.told_privately("#access", "bob").await.contains("each person counts once"));
            stage.dave.press_in("#access", "Approve").await;
            assert!(stage.is_on());
            stage.advance(2.hours()).await;
            assert_eq!(stage.request().await.outcome, Some(Outcome::Expired));
            stage.everybody_reads();
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_stages_as_their_people_see_them() {
    story_with(approved_by(TWO), async |stage| {
        stage.alice.command("/access prod-db").await;
        insta::assert_snapshot!(stage.alice.modal(), @"
        == Borrow access ==
        *Production database*
        Reach tag:prod-db from one of your devices.
        Device: <alice-laptop (macOS)>
        Hold: <1 hour (usual)>
        Reason: {}
          Shown to those who decide, and kept in the audit log.
        ~ :busts_in_silhouette: It takes one of group:dba; then one of @security; they see it in #access. Without an answer it lapses after 8 hours.
        (Cancel) [Ask]
        ");
        stage.alice.fill("Reason", "invoice 1204").await;
        stage.alice.submit().await;
        insta::assert_snapshot!(stage.dave.sees("#access"), @"
        #access
        nightlatch:
          ⏳ *Waiting for approval* · Production database
          @alice asks for 1h on alice-laptop (macOS)
          > invoice 1204
          Asked: @bob, @carol (in group:dba)
          ⏳ *Stage 1*: takes one of group:dba
          ◻️ Stage 2 (security): then one of @security
          ~ Request 01kjmma2g000000001 · `prod-db` · lapses today 20:00 · changes `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Approve] [Approve...] [Deny]
        ");
        insta::assert_snapshot!(stage.alice.home().await, @"
        [Ask for access]
        ~ As of today 13:00:00. `/access list` is always up to date.
        # What you asked for
        *Production database* on alice-laptop: waiting for approval, it takes one of group:dba. Lapses today 21:00.
        [Withdraw]
        # What you can ask for
        • `/access prod-db` · Production database
        ~ `/go NAME` follows a short link, `/paste` takes what is too long for chat. `/access help`, `/go help` and `/paste help` say more.
        ");
        stage.bob.press("Approve").await;
        insta::assert_snapshot!(stage.dave.sees("#access"), @"
        #access
        nightlatch:
          ⏳ *Waiting for approval* · Production database
          @alice asks for 1h on alice-laptop (macOS)
          > invoice 1204
          Asked: @carol, @dave (in @security)
          ✅ Stage 1: approved by @bob (group:dba)
          ⏳ *Stage 2 (security)*: takes one of @security
          ~ Request 01kjmma2g000000001 · `prod-db` · lapses today 20:00 · changes `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Approve] [Approve...] [Deny]
            nightlatch: ✅ @bob approved (group:dba). It waits for one of @security.
            nightlatch: 👉 @carol, @dave: you are asked now, because you are in @security. Stage 2 (security) takes one of @security.
        ");
        assert!(stage.dave.home().await.contains("Waiting for you"), "{}", stage.dave.home().await);
        assert!(!stage.bob.home().await.contains("Waiting for you"), "{}", stage.bob.home().await);
        stage.carol.press("Deny").await;
        stage.carol.fill("Why", "use the replica").await;
        stage.carol.submit().await;
        insta::assert_snapshot!(stage.dave.sees("#access"), @"
        #access
        nightlatch:
          ⛔ *Denied by @carol* · Production database
          @alice asked for 1h on alice-laptop (macOS)
          > invoice 1204
          Approved by @bob (group:dba) in stage 1 today 12:00:00
          Denied by @carol (@security) in stage 2 (security) today 12:00:00
          *Why*
          > use the replica
          Nothing was switched on.
          ~ Request 01kjmma2g000000001 · `prod-db` · `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
            nightlatch: ✅ @bob approved (group:dba). It waits for one of @security.
            nightlatch: 👉 @carol, @dave: you are asked now, because you are in @security. Stage 2 (security) takes one of @security.
            nightlatch:
              ⛔ @carol denied it. Nothing was switched on.
              > use the replica
        ");
        assert_eq!(stage.request().await.outcome, Some(Outcome::Denied), "one no is enough");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_in_two_groups_is_counted_where_they_help_most() {
    let stages = "  - all_of:\n      - { by: [group:dba] }\n      - { by: [\"@security\"] }\n";
    let setting = || approved_by(stages).seed(|seed| only(seed, "security", &["U0CAROL01"]));
    story_everywhere_with(setting, async |stage| {
        // Carol is in both: first for the one, and when bob comes, who is only in that one, for the other.
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.carol.press("Approve").await;
        assert!(!stage.is_on(), "one person is not two");
        stage.bob.press("Approve").await;
        assert!(stage.is_on());
        stage.alice.press("Return").await;
        stage.everybody_reads();
    })
    .await;
    story_with(setting(), async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        insta::assert_snapshot!(stage.alice.sees("#general"), @"
        #general
        nightlatch (only you):
          ⏳ *Asked for Production database* for 2h on alice-laptop (macOS). Nothing is on yet; you will be told when it is.
          It takes one of group:dba, and one of @security.
          ~ Request 01kjmma2g000000001 · lapses today 21:00 if nobody answers
          [Withdraw]
        ");
        stage.carol.press("Approve").await;
        insta::assert_snapshot!(stage.dave.sees("#access"), @"
        #access
        nightlatch:
          ⏳ *Waiting for approval* · Production database
          @alice asks for 2h on alice-laptop (macOS)
          > invoice 1204
          Asked: @bob, @carol (in group:dba or @security)
          ⏳ *Approval*: takes one of @security; approved by @carol (group:dba)
          ~ Request 01kjmma2g000000001 · `prod-db` · lapses today 20:00 · changes `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Approve] [Approve...] [Deny]
            nightlatch: ✅ @carol approved (group:dba). It waits for one of @security.
        ");
        stage.bob.press("Approve").await;
        insta::assert_snapshot!(stage.dave.sees("#access"), @"
        #access
        nightlatch:
          🟢 *Active until today 14:00* · Production database
          @alice has it on alice-laptop (macOS) since today 12:00:00, for 2h
          > invoice 1204
          Approved by @carol (@security) today 12:00:00
          Approved by @bob (group:dba) today 12:00:00
          ~ Request 01kjmma2g000000001 · `prod-db` · changes `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Return] [Revoke]
            nightlatch: ✅ @carol approved (group:dba). It waits for one of @security.
            nightlatch: ✅ @bob approved (group:dba). It is not active before it is confirmed as on.
            nightlatch: 🟢 Confirmed as on today 12:00:00, until today 14:00 at the latest.
        ");
        stage.alice.press("Return").await;
        stage.everybody_reads();
    })
    .await;
}

/// The group has these members and no others.
fn only(
    mut seed: nightlatch::playground::slack::Seed,
    handle: &str,
    members: &[&str],
) -> nightlatch::playground::slack::Seed {
    for group in seed.groups.iter_mut().filter(|group| group.handle == handle) {
        group.members = members.iter().map(|id| (*id).to_owned()).collect();
    }
    seed
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_that_brings_nothing_is_not_counted_and_said_so() {
    let stages = "  - all_of:\n      - { by: [group:engineering] }\n      - { by: [\"@security\"] }\n";
    let setting = approved_by(stages).seed(|seed| only(seed, "security", &["U0CAROL01"]));
    story_with(setting, async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bob.press("Approve").await;
        stage.dave.press_in("#access", "Approve").await;
        insta::assert_snapshot!(stage.told_privately("#access", "dave").await, @"
        nightlatch (only you):
          Enough of the people you belong to have approved, so nothing was counted: *Production database* waits for one of @security now.
          ~ Production database · request 01kjmma2g000000001
          [Why?]
        ");
        stage.carol.press("Approve").await;
        assert!(stage.is_on());
        stage.alice.press("Return").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_noes_end_it_where_the_stage_says_two() {
    let stages = "  - by: [\"@security\", group:dba]\n    quorum: 2\n    denials: 2\n";
    let say_no = async |who: &Human, why: &str| {
        who.press("Deny").await;
        who.fill("Why", why).await;
        who.submit().await;
    };
    story_with(approved_by(stages), async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        say_no(&stage.bob, "not on a <Friday>").await;
        assert_eq!(stage.request().await.state, State::Pending);
        insta::assert_snapshot!(stage.dave.sees("#access"), @"
        #access
        nightlatch:
          ⏳ *Waiting for approval* · Production database
          @alice asks for 2h on alice-laptop (macOS)
          > invoice 1204
          Asked: @carol, @dave, @bob (in @security or group:dba)
          ⏳ *Approval*: takes 2 of @security or group:dba
          ⛔ @bob said no (group:dba): not on a <Friday> · 1 of the 2 noes that end it
          ~ Request 01kjmma2g000000001 · `prod-db` · lapses today 20:00 · changes `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Approve] [Approve...] [Deny]
            nightlatch:
              ⛔ @bob said no. That alone does not end it: it waits for 2 of @security or group:dba.
              > not on a <Friday>
        ");
        insta::assert_snapshot!(stage.alice.reads(), @"
        @nightlatch
        nightlatch:
          ⛔ @bob said no to your request for *Production database* on alice-laptop for 2h. That alone does not end it: it waits for 2 of @security or group:dba.
          *Why*
          > not on a <Friday>
          ~ Request 01kjmma2g000000001
        ");
        stage.bob.press("Approve").await;
        assert!(stage.told_privately("#access", "bob").await.contains("each person counts once"));
        stage.carol.press("Approve").await;
        say_no(&stage.dave, "use the replica").await;
        insta::assert_snapshot!(stage.dave.sees("#access"), @"
        #access
        nightlatch:
          ⛔ *Denied by @dave* · Production database
          @alice asked for 2h on alice-laptop (macOS)
          > invoice 1204
          Denied by @bob (group:dba) today 12:00:00: not on a <Friday>
          Approved by @carol (@security) today 12:00:00
          Denied by @dave (@security) today 12:00:00
          *Why*
          > use the replica
          Nothing was switched on.
          ~ Request 01kjmma2g000000001 · `prod-db` · `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
            nightlatch:
              ⛔ @bob said no. That alone does not end it: it waits for 2 of @security or group:dba.
              > not on a <Friday>
            nightlatch: ✅ @carol approved (@security). It waits for one more of @security or group:dba.
            nightlatch:
              ⛔ @dave denied it. Nothing was switched on.
              > use the replica
        ");
        assert_eq!(stage.request().await.outcome, Some(Outcome::Denied));
        stage.everybody_reads();
    })
    .await;
    story_everywhere_with(
        || approved_by(stages),
        async |stage| {
            stage.alice.command("/access prod-db 2h invoice 1204").await;
            say_no(&stage.bob, "no").await;
            stage.carol.press("Approve").await;
            stage.dave.press("Approve").await;
            assert!(stage.is_on(), "one no of two does not stand against enough yeses");
            stage.alice.press("Return").await;
            stage.everybody_reads();
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_for_which_nobody_is_left_is_told_to_whoever_asked() {
    story_with(approved_by(TWO), async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        // Carol could decide in both, and has decided; dave leaves the group.
        stage.slack.set_group("security", &["carol"]).await.expect("a group");
        stage.advance(6.seconds()).await;
        stage.carol.press("Approve").await;
        insta::assert_snapshot!(stage.alice.reads(), @"
        @nightlatch
        nightlatch:
          👉 Stage 2 (security) of your request for *Production database* is open: it takes one of @security.
          I found nobody to ask; whoever is in @security can decide.
          ~ Request 01kjmma2g000000001
        ");
        assert_eq!(stage.request().await.state, State::Pending);
        stage.alice.command("/access withdraw prod-db").await;
        stage.everybody_reads();
    })
    .await;
}
