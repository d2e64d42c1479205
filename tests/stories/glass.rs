//! Broken glass: at once and loudly, never for somebody else, and reviewed by somebody else afterwards.

use nightlatch::kernel::{Outcome, State};
use nightlatch::playground::slack::{Fault as SlackFault, Group};

use crate::harness::*;

/// Alice and bob may break glass for an hour; carol and dave are in @security, who have a day to review it.
fn setting() -> Setting {
    let glass = "break_glass:\n  who: [alice@example.com, bob@example.com]\n  max_hold: 1h\n  review: { by: [\"@security\"], within: 24h }\nlapse_after: 8h\n";
    let security = Group::new("S0SECURE1", "security", &["U0BOB0001", "U0CAROL01", "U0DAVE001"]);
    Setting::default().prod_db(&[("lapse_after: 8h\n", glass)]).seed(|seed| seed.group(security))
}

async fn breaks_glass(stage: &Stage) {
    stage.alice.command("/access break-glass prod-db 30m the database is down").await;
    stage.alice.submit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn glass_is_broken_reviewed_and_closed() {
    story_everywhere_with(setting, async |stage| {
        breaks_glass(stage).await;
        assert!(stage.is_on(), "at once");
        stage.advance(30.minutes()).await;
        assert!(!stage.is_on());
        stage.dave.press("It was fine").await;
        assert!(stage.request().await.open_review().is_none());
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_glass_as_everybody_sees_it() {
    story_with(setting(), async |stage| {
        stage.alice.command("/access break-glass prod-db 30m the database is down").await;
        insta::assert_snapshot!(stage.alice.modal(), @"
        == Break glass ==
        *Production database*
        Reach tag:prod-db from one of your devices.
        :rotating_light: *You get it at once, without approval.* #access and those who would have been asked hear of it loudly. It cannot be extended. Afterwards @security has 1d to say whether it was fine.
        Device: <alice-laptop (macOS)>
        Hold: <30 minutes>
        Reason: <the database is down>
          Shown to those who decide, and kept in the audit log.
        (Cancel) [Break glass]
        ");
        stage.alice.submit().await;
        insta::assert_snapshot!(stage.alice.modal(), @"
        == Asked ==
        🚨 *Breaking glass for Production database* for 30m on alice-laptop (macOS). Nothing is on yet; you will be told when it is.
        The channel and those who would have been asked hear of it. When it is over, @security has 1d to say whether it was fine.
        ~ Request 01kjmma2g000000001
        [Withdraw]
        (Done)
        ");
        insta::assert_snapshot!(stage.bob.reads(), @"
        @nightlatch
        nightlatch:
          🚨 *GLASS BROKEN: @alice takes Production database for 30m without approval* on alice-laptop (macOS)
          > the database is down
          You would have been asked, because you are in group:dba or @db-oncall. Revoke takes it back. When it is over, @security has 1d to say whether it was fine.
          ~ Request 01kjmma2g000000001
          [Revoke]
        ");
        insta::assert_snapshot!(stage.carol.sees_in_no_order("#access"), @"
        #access
        nightlatch:
          🚨 *GLASS BROKEN: @alice takes Production database for 30m without approval* on alice-laptop (macOS)
          > the database is down
          Revoke takes it back. When it is over, @security has 1d to say whether it was fine.
          ~ Request 01kjmma2g000000001
          [Revoke]
        nightlatch:
          🟢 *Active until today 21:30* · Production database
          @alice has it on alice-laptop (macOS) since today 21:00:00, for 30m
          > the database is down
          🚨 Glass broken by @alice, without approval (alice@example.com) today 21:00:00
          ~ Request 01kjmma2g000000001 · `prod-db` · changes `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
          [Return] [Revoke]
            nightlatch: 🟢 Confirmed as on today 21:00:00, until today 21:30 at the latest.
        ");
        stage.everybody_reads();
        stage.alice.press("Return").await;
        insta::assert_snapshot!(stage.dave.reads(), @"
        @nightlatch
        nightlatch:
          🧯 *Please review until tomorrow 12:00*: @alice broke glass for Production database on alice-laptop and had it from today 12:00:00 to today 12:00:00
          > the database is down
          Was that fine? If not, say what follows. You are asked because @security reviews it.
          ~ Request 01kjmma2g000000001
          [It was fine] [Not fine ...]
        ");
        insta::assert_snapshot!(stage.dave.home().await, @"
        [Ask for access]
        ~ As of today 12:00:00. `/access list` is always up to date.
        # Waiting for your review
        @alice broke glass for *Production database* on alice-laptop. Was that fine? To be reviewed until tomorrow 12:00.
        > the database is down
        [It was fine] [Not fine ...]
        # What you can ask for
        • `/access prod-db` · Production database
        ~ `/go NAME` follows a short link, `/paste` takes what is too long for chat. `/access help`, `/go help` and `/paste help` say more.
        ");
        stage.dave.command("/access list").await;
        insta::assert_snapshot!(stage.dave.reads_in("#general"), @"
        #general
        nightlatch (only you):
          *Waits for your review*
          🔒 @alice: *Production database* (`prod-db`) on alice-laptop: glass was broken, to be reviewed until tomorrow 12:00
          Say whether it was fine in #access, on the message about request 01kjmma2g000000001.
        ");
        stage.dave.press_in(DM, "Not fine ...").await;
        insta::assert_snapshot!(stage.dave.modal(), @"
        == Not fine ==
        @alice broke glass for *Production database* on alice-laptop.
        > the database is down
        What follows: {}
          Reaches whoever broke it, and is kept with the request.
        ~ Nothing is decided until you press Close review here.
        (Back) [Close review]
        ");
        stage.dave.fill("What follows", "rotate the password").await;
        stage.dave.submit().await;
        insta::assert_snapshot!(stage.carol.sees_in_no_order("#access"), @"
        #access
        nightlatch:
          🔒 *Ended: returned by its holder* · Production database
          @alice had it on alice-laptop (macOS) from today 21:00:00 to today 21:00:00, of 30m
          > the database is down
          🚨 Glass broken by @alice, without approval (alice@example.com) today 21:00:00
          🔒 Verified gone today 21:00:00
          Open TCP connections may live on.
          🧯 Reviewed by @dave (@security) today 21:00:00: it was not fine
          > rotate the password
          ~ Request 01kjmma2g000000001 · `prod-db` · `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
            nightlatch:
              🔒 Ended: returned by its holder.
              🔒 Verified gone today 21:00:00
              Open TCP connections may live on.
            nightlatch:
              🧯 @dave reviewed the broken glass (@security): it was not fine.
              > rotate the password
            nightlatch: 🟢 Confirmed as on today 21:00:00, until today 21:30 at the latest.
            nightlatch: 🧯 Glass was broken, and it is over. @bob, @carol, @dave: please say until tomorrow 21:00 whether it was fine.
        nightlatch:
          🚨 *GLASS BROKEN: @alice takes Production database for 30m without approval* on alice-laptop (macOS)
          > the database is down
          It is returned. When it is over, @security has 1d to say whether it was fine.
          ~ Request 01kjmma2g000000001
        ");
        insta::assert_snapshot!(stage.alice.reads(), @"
        @nightlatch
        nightlatch:
          🔒 *Production database has ended*: you gave it back.
          🔒 Verified gone today 13:00:00
          Open TCP connections may live on; close them yourself if they should not.
          ~ Request 01kjmma2g000000001
          [Ask again]
        nightlatch:
          🧯 @dave reviewed that you broke glass for *Production database* (@security): it was not fine.
          > rotate the password
          ~ Request 01kjmma2g000000001
        ");
        insta::assert_snapshot!(stage.slack.screen("dave", DM), @"
        @nightlatch
        nightlatch: 🔒 *Production database* of @alice, for which glass was broken: @dave said that it was not fine.
        ");
        assert!(!stage.dave.home().await.contains("review"));
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_is_not_closed_by_those_who_asked_or_may_not() {
    story_with(setting(), async |stage| {
        stage.bob.command("/access break-glass prod-db 30m device=bob-laptop a backup").await;
        stage.bob.submit().await;
        stage.bob.press("Return").await;
        stage.everybody_reads();
        stage.bob.press_in("#access", "It was fine").await;
        insta::assert_snapshot!(stage.told_privately("#access", "bob").await, @"
        nightlatch (only you):
          You had this access yourself, and nobody reviews their own. Somebody else has to say whether it was fine.
          ~ Production database · request 01kjmma2g000000001
        ");
        stage.alice.press_in("#access", "It was fine").await;
        insta::assert_snapshot!(stage.told_privately("#access", "alice").await, @"
        nightlatch (only you):
          You do not review *Production database*, so nothing was counted. That takes one of @security.
          ~ Production database · request 01kjmma2g000000001
        ");
        stage.alice.press_in("#access", "Not fine ...").await;
        assert_eq!(stage.alice.modal(), "(no modal)");
        assert!(stage.request().await.open_review().is_some());
        stage.carol.press_in("#access", "It was fine").await;
        assert!(stage.request().await.open_review().is_none());
        assert!(stage.slack.press("dave", DM, "It was fine").await.is_err(), "nothing is left to press");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_that_nobody_closes_is_told_again_and_again() {
    story_with(setting(), async |stage| {
        breaks_glass(stage).await;
        stage.alice.press("Return").await;
        stage.everybody_reads();
        stage.advance(12.hours()).await;
        insta::assert_snapshot!(stage.dave.reads(), @"
        @nightlatch
        nightlatch:
          🧯 *Please review until today 12:00*: @alice broke glass for Production database on alice-laptop and had it from yesterday 12:00 to yesterday 12:00
          > the database is down
          Was that fine? If not, say what follows. You are asked because @security reviews it.
          ~ Request 01kjmma2g000000001
          [It was fine] [Not fine ...]
        ");
        stage.slack.mark_read("carol", "#access");
        stage.advance(12.hours()).await;
        insta::assert_snapshot!(stage.carol.reads_in("#access"), @"
        #access
        nightlatch:
          ⏰ *NOT REVIEWED: @alice broke glass for Production database*, and since today 21:00:00 somebody of @security should have said whether that was fine: @bob, @carol, @dave.
          > the database is down
          ~ Request 01kjmma2g000000001 · over since yesterday 21:00
          [It was fine] [Not fine ...]
        ");
        let checkup = stage.bot.engine().await.checkup().await;
        assert_eq!(checkup.warnings.iter().filter(|line| line.contains("reviews of broken glass")).count(), 1);
        stage.advance(1.hours()).await;
        assert!(stage.carol.reads_in("#access").contains("NOT REVIEWED"), "and again");
        stage.carol.press_in("#access", "It was fine").await;
        let checkup = stage.bot.engine().await.checkup().await;
        assert!(checkup.warnings.iter().all(|line| !line.contains("reviews of broken glass")));
        stage.advance(48.hours()).await;
        assert_eq!(stage.carol.reads_in("#access").matches("NOT REVIEWED").count(), 0);
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_request_is_raised_by_whoever_asked() {
    story_with(setting(), async |stage| {
        stage.alice.command("/access prod-db 30m invoice 1204").await;
        insta::assert_snapshot!(stage.alice.sees("#general"), @"
        #general
        nightlatch (only you):
          ⏳ *Asked for Production database* for 30m on alice-laptop (macOS). Nothing is on yet; you will be told when it is.
          It is decided by whoever is in group:dba or @db-oncall.
          ~ Request 01kjmma2g000000001 · lapses today 21:00 if nobody answers
          [Withdraw] [Break glass]
        ");
        stage.alice.press_in("#general", "Break glass").await;
        assert!(stage.is_on());
        assert!(stage.bob.reads().contains("GLASS BROKEN"), "those who were asked hear of it");
        stage.alice.press("Return").await;
        stage.carol.press_in("#access", "It was fine").await;
        // For longer than glass is broken for, there is no such button.
        stage.alice.command("/access prod-db 2h invoice 1205").await;
        assert!(!stage.alice.reads_in("#general").contains("[Break glass]"));
        stage.alice.command("/access withdraw prod-db").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn glass_stays_whole_for_others_for_too_long_and_without_a_reason() {
    story_with(setting(), async |stage| {
        stage.carol.command("/access break-glass prod-db 30m the database is down").await;
        insta::assert_snapshot!(stage.carol.reads_in("#general"), @"
        #general
        nightlatch (only you): *Production database* (prod-db): nothing was asked. You may not break glass for this: that takes one of alice@example.com or bob@example.com. Ask for it as usual.
        ");
        stage.alice.command("/access break-glass prod-db 2h").await;
        insta::assert_snapshot!(stage.alice.modal(), @"
        == Break glass ==
        *Production database*
        Reach tag:prod-db from one of your devices.
        :rotating_light: *You get it at once, without approval.* #access and those who would have been asked hear of it loudly. It cannot be extended. Afterwards @security has 1d to say whether it was fine.
        Device: <alice-laptop (macOS)>
        Hold: <1 hour (usual)>
        Reason: {}
          Shown to those who decide, and kept in the audit log.
        (Cancel) [Break glass]
        ");
        assert!(stage.slack.submit_modal("alice").await.is_err(), "Slack itself wants a reason");
        for line in ["/access break-glass", "/access break-glass prod-bd 30m x"] {
            stage.alice.command(line).await;
        }
        insta::assert_snapshot!(stage.alice.reads_in("#general"), @"
        #general
        nightlatch (only you): Say what for, how long and why: `/access break-glass NAME LENGTH REASON`
        nightlatch (only you): There is nothing called `prod-bd` here. Did you mean `/access break-glass prod-db 30m x`?
        ");
        assert!(stage.requests().await.is_empty());
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_cannot_be_looked_up_breaks_nothing_and_people_are_asked() {
    story_with(setting(), async |stage| {
        stage.alice.command("/access break-glass prod-db 30m the database is down").await;
        stage.advance(6.seconds()).await;
        stage.slack.fail("users.info", SlackFault::Error("internal_error".to_owned()), u32::MAX);
        stage.alice.submit().await;
        stage.advance(2.minutes()).await;
        assert_eq!(stage.request().await.state, State::Pending);
        assert!(stage.bob.sees("#access").contains("Waiting for approval"), "people decide");
        stage.slack.heal();
        stage.bob.press("Approve").await;
        assert!(stage.is_on());
        stage.alice.press("Return").await;
        let request = stage.request().await;
        assert_eq!(request.outcome, Some(Outcome::Returned));
        assert!(request.review.is_none(), "it was approved, and there is nothing to review");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_guardrail_forbids_stays_behind_glass_for_those_it_is_about() {
    const NOT_HERS: &str = r#"
@id("not-alice")
@reason("who is new breaks no glass")
forbid (principal == Person::"alice@example.com", action == Action::"break_glass", resource);
"#;
    story_with(setting().guardrail("glass", NOT_HERS), async |stage| {
        breaks_glass(stage).await;
        assert!(!stage.is_on());
        assert!(stage.requests().await.is_empty(), "it is refused, and no request that waits");
        assert!(stage.alice.modal().contains("who is new breaks no glass"), "{}", stage.alice.modal());
        stage.bob.command("/access break-glass prod-db 30m device=bob-laptop a backup").await;
        stage.bob.submit().await;
        assert_eq!(stage.request().await.state, State::Active, "it is about her alone");
        stage.bob.press("Return").await;
        stage.carol.press_in("#access", "It was fine").await;
        stage.everybody_reads();
    })
    .await;
}
