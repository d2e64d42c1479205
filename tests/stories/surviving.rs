//! The bot dies, stops, rereads its files or loses its database in the middle of things.

use nightlatch::kernel::{Outcome, State};
use nightlatch::playground::tailnet::{Endpoint, Fault};

use crate::harness::*;

async fn granted(stage: &Stage, line: &str) {
    stage.alice.command(line).await;
    stage.bob.press("Approve").await;
    assert!(stage.is_on());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_passed_while_the_bot_was_dead_is_kept_the_moment_it_is_back() {
    story(async |stage| {
        granted(stage, "/access prod-db 2h invoice 1204").await;
        stage.alice.reads();
        // The net under us tears: Tailscale forgets to end it by itself.
        stage.tailnet.set_expiry_lag_ms(86_400_000);
        stage.bot.kill().await;
        stage.clock.advance(5.hours());
        assert!(stage.is_on());
        stage.ends_late = true;
        stage.bot.start().await;
        stage.bot.settle().await;
        assert!(!stage.is_on());
        insta::assert_snapshot!(stage.alice.reads(), @"
        @nightlatch
        nightlatch:
          🔒 *Production database has ended*: the time was up.
          🔒 Verified gone today 18:00:00
          ⚠️ Its time was up today 15:00; this was verified 3h later.
          Open TCP connections may live on; close them yourself if they should not.
          ~ Request 01kjmma2g000000001
          [Ask again]
        ");
        insta::assert_snapshot!(stage.bob.sees("#access"), @"
        #access
        nightlatch:
          🔒 *Ended: the time was up* · Production database
          @alice had it on alice-laptop (macOS) from today 07:00 to today 12:00:00
          > invoice 1204
          Approved by @bob (group:dba) today 07:00
          🔒 Verified gone today 12:00:00
          ⚠️ Its time was up today 09:00; this was verified 3h later.
          Open TCP connections may live on.
          ~ Request 01kjmma2g000000001 · `prod-db` · `tailscale.attribute nALICE1CNTRL custom:jit_prod_db`
            nightlatch: ✅ @bob approved (group:dba). It is not active before it is confirmed as on.
            nightlatch: 🟢 Confirmed as on today 07:00:00, until today 09:00 at the latest.
            nightlatch:
              🔒 Ended: the time was up.
              🔒 Verified gone today 12:00:00
              ⚠️ Its time was up today 09:00; this was verified 3h later.
              Open TCP connections may live on.
        ");
        let metrics = stage.bot.metrics().await;
        let late = metrics.lines().find(|line| line.starts_with("nightlatch_end_lateness_seconds_sum"));
        assert_eq!(late, Some("nightlatch_end_lateness_seconds_sum 10800.0"), "the lateness is recorded");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn access_ends_on_time_even_if_the_bot_never_comes_back() {
    story(async |stage| {
        granted(stage, "/access prod-db 2h invoice 1204").await;
        stage.bot.kill().await;
        stage.clock.advance(2.hours() + 3.seconds());
        assert!(!stage.is_on(), "Tailscale was told the end");
        stage.clock.advance(3.hours());
        stage.ends_late = true;
        stage.bot.start().await;
        stage.bot.settle().await;
        assert!(stage.alice.reads().contains("Verified gone"));
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_lapsed_while_the_bot_was_dead_has_lapsed() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bot.kill().await;
        stage.clock.advance(9.hours());
        stage.bot.start().await;
        stage.bot.settle().await;
        assert_eq!(stage.request().await.outcome, Some(Outcome::Lapsed));
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_a_kill_directly_after() {
    for mode in [Mode::Socket, Mode::Http] {
        story_with(Setting { mode, ..Setting::default() }, async |stage| {
            let asked = stage.slack.command("alice", "#general", "/access prod-db 2h invoice 1204").await;
            assert!(asked.expect("a command").acked);
            stage.bot.restart().await;
            stage.bot.settle().await;
            assert_eq!(stage.request().await.state, State::Pending);
            assert!(stage.slack.press("bob", "#access", "Approve").await.expect("a button").acked);
            stage.bot.restart().await;
            stage.bot.settle().await;
            assert!(stage.is_on());
            assert!(stage.slack.press("alice", "#access", "Return").await.expect("a button").acked);
            stage.bot.restart().await;
            stage.bot.settle().await;
            assert!(!stage.is_on());
            stage.everybody_reads();
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orderly_stop_finishes_what_is_in_hand_and_loses_nothing() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.tailnet.fault(Endpoint::SetAttribute, Fault::Slow(200), Some(1));
        assert!(stage.slack.press("bob", "#access", "Approve").await.expect("a button").acked);
        stage.bot.stop().await;
        stage.bot.start().await;
        stage.bot.settle().await;
        assert!(stage.is_on());
        assert_eq!(stage.request().await.state, State::Active);
        assert_eq!(stage.tailnet.calls_of(Endpoint::SetAttribute), 1);
        stage.advance(2.hours()).await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn editing_or_removing_a_workflow_changes_no_grant() {
    story_everywhere(async |stage| {
        granted(stage, "/access prod-db 2h invoice 1204").await;
        let before = stage.request().await;
        let other = [("max: 8h", "max: 1h"), ("jit_prod_db", "jit_other"), ("group:dba, ", ""), ("8h\n", "1m\n")];
        let text =
            PROD_DB.replace(other[0].0, other[0].1).replace(other[1].0, other[1].1).replace(other[2].0, other[2].1);
        stage.bot.write_workflow("prod-db", &text);
        stage.bot.reload().await.expect("a good workflow");
        stage.advance(30.minutes()).await;
        assert!(stage.is_on());
        stage.bot.remove_workflow("prod-db");
        stage.bot.write_workflow("other", &text);
        stage.bot.reload().await.expect("a good workflow");
        stage.bot.restart().await;
        let after = stage.request().await;
        assert_eq!((after.expires_at, &after.ask, &after.steps), (before.expires_at, &before.ask, &before.steps));
        stage.advance(90.minutes()).await;
        assert!(!stage.is_on());
        assert_eq!(stage.request().await.ended_at, before.expires_at);
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_decided_by_the_rules_it_was_made_under() {
    story_with(Setting::default().several_of_one(), async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage
            .bot
            .write_workflow("prod-db", &changed(PROD_DB, &[(r#"[group:dba, "@db-oncall"]"#, "[dave@example.com]")]));
        stage.bot.reload().await.expect("a good workflow");
        stage.dave.press_in("#access", "Approve").await;
        assert_eq!(stage.request().await.state, State::Pending);
        stage.bob.press_in("#access", "Approve").await;
        assert!(stage.is_on());
        stage.alice.command("/access prod-db 1h the new way").await;
        stage.dave.press_in("#access", "Approve").await;
        assert_eq!(stage.request().await.state, State::Active);
        stage.advance(2.hours()).await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_with_a_mistake_is_refused_and_the_old_ones_stay_in_use() {
    story(async |stage| {
        stage.bot.write_workflow("prod-db", &PROD_DB.replace("quorum", "quorm"));
        stage.bot.write_workflow("new", &PROD_DB.replace("jit_prod_db", "jit_new"));
        let report = stage.bot.reload().await.expect_err("a mistake");
        assert!(report.contains("quorm") && report.contains("prod-db.yaml"), "{report}");
        stage.alice.command("/access new 1h x").await;
        assert!(stage.requests().await.is_empty(), "all or nothing");
        granted(stage, "/access prod-db 1h invoice 1204").await;
        stage.advance(1.hours()).await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_database_does_not_save_people_are_told_that_nothing_was() {
    for mode in [Mode::Socket, Mode::Http] {
        story_with(Setting { mode, ..Setting::default() }, async |stage| {
            stage.alice.command("/access prod-db 2h invoice 1204").await;
            stage.alice.reads_in("#general");
            stage.bot.store().await.close().await;
            let asked = stage.slack.command("alice", "#general", "/access prod-db 1h another").await;
            assert!(asked.expect("a command").acked);
            let said = stage.alice.reads_in("#general");
            insta::allow_duplicates!(insta::assert_snapshot!(said, @"
            #general
            nightlatch (only you):
              Nothing was asked: my records could not be read.
              To try again, type `/access prod-db 1h another`
            "));
            let pressed = stage.slack.press("bob", "#access", "Approve").await;
            assert!(pressed.expect("a button").acked);
            let told = |world: &nightlatch::playground::slack::SlackWorld| {
                world.screen("bob", "#access").contains("That could not be saved, so nothing was counted")
            };
            assert!(stage.slack.until(told).await, "{}", stage.bob.sees("#access"));
            stage.slack.command("alice", "#general", "/access list").await.expect("a command");
            assert!(stage.alice.reads_in("#general").contains("My records could not be read just now"));
            stage.bot.restart().await;
            assert_eq!(stage.requests().await.len(), 1);
            assert!(!stage.is_on());
            stage.bob.press("Approve").await;
            assert!(stage.is_on());
            stage.advance(2.hours()).await;
            stage.everybody_reads();
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_that_break_fall_silent_or_are_closed_lose_no_click() {
    use nightlatch::playground::slack::Disconnect;
    story(async |stage| {
        stage.slack.disconnect(Disconnect::Warning);
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.slack.disconnect(Disconnect::RefreshRequested);
        assert!(stage.slack.until_connected(1).await);
        stage.bob.press("Approve").await;
        stage.slack.drop_sockets();
        assert!(stage.slack.until_connected(2).await);
        stage.alice.press("Return").await;
        assert!(!stage.is_on());
        stage.everybody_reads();
    })
    .await;
}
