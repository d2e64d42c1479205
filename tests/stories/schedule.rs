//! Workflows that start by themselves: at their time, as somebody, under the same rules as everything that is typed.

use std::time::Duration;

use nightlatch::kernel::{Outcome, State};
use nightlatch::playground::slack::Fault;

use crate::harness::*;

const REVIEW: &str = "custom:review";

/// Monday at nine in Berlin; every story begins on a Sunday at noon.
const WEEKLY: &str = r##"nightlatch: 1
title: Weekly review
inputs:
  hold: { type: duration, default: 1h, max: 8h }
  reason: { type: text }
  device: { type: device }
ask: [group:engineering]
approve:
  - by: [group:dba, alice@example.com]
steps:
  - uses: tailscale.attribute
    with: { device: "{{ inputs.device }}", key: custom:review, value: true }
announce: "#access"
triggers:
  - schedule: { cron: "0 9 * * mon", zone: Europe/Berlin, as: alice@example.com, with: { hold: 30m, reason: Look through the week } }
"##;

fn setting() -> Setting {
    Setting::default().workflow("weekly", WEEKLY)
}

fn days(count: u64) -> Duration {
    Duration::from_secs(count * 86_400)
}

#[tokio::test(flavor = "multi_thread")]
async fn it_starts_at_its_time_and_takes_what_it_would_take_if_it_were_typed() {
    story_everywhere_with(setting, async |stage| {
        stage.advance(19.hours() + 59.minutes()).await;
        assert_eq!(stage.requests().await.len(), 0, "not before its time");
        stage.advance(1.minutes()).await;
        // A bot that was killed meanwhile may look up anew who it is.
        stage.advance(5.seconds()).await;
        insta::allow_duplicates!(insta::assert_snapshot!(stage.bob.sees("#access"), @"
        #access
        nightlatch:
          ⏳ *Waiting for approval* · Weekly review
          @alice asks for 30m on alice-laptop (macOS)
          ⏰ By schedule, as alice@example.com.
          > Look through the week
          Asked: @bob, @carol (in group:dba or named in the workflow)
          ~ Request 01kjprzb0000000001 · `weekly` · lapses today 11:00 · changes `tailscale.attribute nALICE1CNTRL custom:review`
          [Approve] [Approve...] [Deny]
        "));
        // Whoever it runs as has no vote of their own.
        stage.alice.press("Approve").await;
        assert_eq!(stage.request().await.state, State::Pending);
        assert_eq!(stage.tailnet.attribute("alice-laptop", REVIEW), None);
        stage.bob.press("Approve").await;
        assert_eq!(stage.tailnet.attribute("alice-laptop", REVIEW), Some(true.into()));
        stage.advance(31.minutes()).await;
        assert_eq!(stage.request().await.outcome, Some(Outcome::Expired));
        assert_eq!(stage.tailnet.attribute("alice-laptop", REVIEW), None);
        // A week later again, once.
        stage.advance(days(7)).await;
        assert_eq!(stage.requests().await.len(), 2);
        let late_ms = stage.request().await.asked_at - (START_MS + 20 * 3_600_000 + 7 * 86_400_000);
        assert!((0..5_000).contains(&late_ms), "{late_ms}");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_is_told_and_started_once() {
    story_with(setting(), async |stage| {
        stage.bot.settle().await;
        stage.bot.kill().await;
        stage.clock.advance(days(16));
        stage.bot.start().await;
        stage.bot.settle().await;
        insta::assert_snapshot!(stage.bob.sees("#access"), @"
        #access
        nightlatch: ⏰ *Weekly review* (weekly) was due by schedule Mar 2, 2026 03:00, and 2 times more since, and could not be started then. It starts once, now, as alice@example.com.
        nightlatch:
          ⏳ *Waiting for approval* · Weekly review
          @alice asks for 30m on alice-laptop (macOS)
          ⏰ By schedule, as alice@example.com.
          > Look through the week
          Asked: @bob, @carol (in group:dba or named in the workflow)
          ~ Request 01kkxtnjg000000001 · `weekly` · lapses today 16:00 · changes `tailscale.attribute nALICE1CNTRL custom:review`
          [Approve] [Approve...] [Deny]
        ");
        assert_eq!(stage.requests().await.len(), 1);
        // Nor again when it is started anew.
        stage.bot.restart().await;
        stage.bot.settle().await;
        assert_eq!(stage.requests().await.len(), 1);
        assert_eq!(stage.logged("what was due by schedule could not be started then"), 1);
        stage.advance(days(6)).await;
        assert_eq!(stage.requests().await.len(), 2);
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_ask_starts_nothing_and_people_hear_why() {
    let other = changed(WEEKLY, &[("ask: [group:engineering]", "ask: [group:dba]")]);
    story_with(Setting::default().workflow("weekly", &other), async |stage| {
        stage.advance(20.hours()).await;
        assert_eq!(stage.requests().await.len(), 0);
        insta::assert_snapshot!(stage.bob.sees("#access"), @"
        #access
        nightlatch:
          ⚠️ weekly was to start by schedule today 03:00:00, as @alice, and nothing was asked:
          > *Weekly review* (weekly): nothing was asked. You cannot ask for this: that takes one of group:dba. If you should be among them, ask an admin to add you, then try again.
        ");
        insta::assert_snapshot!(stage.alice.reads(), @"
        @nightlatch
        nightlatch:
          ⚠️ weekly was to start by schedule today 09:00:00, as @alice, and nothing was asked:
          > *Weekly review* (weekly): nothing was asked. You cannot ask for this: that takes one of group:dba. If you should be among them, ask an admin to add you, then try again.
        ");
        stage.advance(days(7)).await;
        assert_eq!(stage.requests().await.len(), 0);
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_nobody_knows_starts_nothing_and_the_channel_hears_it() {
    let other = changed(WEEKLY, &[("as: alice@example.com", "as: nobody@example.com")]);
    story_with(Setting::default().workflow("weekly", &other), async |stage| {
        stage.advance(20.hours()).await;
        assert_eq!(stage.requests().await.len(), 0);
        insta::assert_snapshot!(stage.bob.sees("#access"), @"
        #access
        nightlatch: ⚠️ *Weekly review* (weekly) was due by schedule today 03:00:00, and nothing was asked: Nobody in Slack is known as nobody@example.com.
        ");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_slack_does_not_say_who_somebody_is_nothing_is_said_of_them() {
    let other = changed(WEEKLY, &[("as: alice@example.com", "as: nobody@example.com")]);
    story_with(Setting::default().workflow("weekly", &other), async |stage| {
        stage.advance(20.hours() - 1.seconds()).await;
        stage.slack.fail("users.lookupByEmail", Fault::Unavailable, 4);
        stage.advance(2.seconds()).await;
        assert!(!stage.bob.sees("#access").contains("nobody@example.com"), "it is not known yet");
        stage.advance(1.minutes()).await;
        assert!(
            stage.bob.sees("#access").contains("nobody in Slack is known as nobody@example.com")
                || stage.bob.sees("#access").contains("Nobody in Slack is known as nobody@example.com")
        );
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_file_starts_at_its_new_times_only() {
    story_with(setting(), async |stage| {
        stage.bot.settle().await;
        let later = changed(WEEKLY, &[("0 9 * * mon", "30 10 * * tue")]);
        stage.bot.write_workflow("weekly", &later);
        stage.bot.reload().await.expect("it is right");
        stage.advance(days(1)).await;
        assert_eq!(stage.requests().await.len(), 0, "Monday is no day of it any more");
        stage.advance(1.hours()).await;
        stage.advance(21.hours()).await;
        assert_eq!(stage.request().await.asked_at, START_MS + (45 * 60 + 30) * 60_000);
        stage.bot.remove_workflow("weekly");
        stage.bot.reload().await.expect("it is right");
        stage.advance(days(14)).await;
        assert_eq!(stage.requests().await.len(), 1, "what is not there does not start");
        stage.everybody_reads();
    })
    .await;
}
