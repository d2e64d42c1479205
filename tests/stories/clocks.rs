//! The machine's clock is set, or the machine sleeps: access ends on time all the same, and nobody decides on what was so before.

use std::time::Duration;

use nightlatch::clock::Clock;
use nightlatch::kernel::{Outcome, State};
use nightlatch::playground::tailnet::{Endpoint, Fault};

use crate::harness::*;

const HOUR_MS: i64 = 3_600_000;
const DECADE_MS: i64 = 3_653 * 24 * HOUR_MS;

async fn granted(stage: &Stage, hold: &str) {
    stage.alice.command(&format!("/access prod-db {hold} invoice 1204")).await;
    stage.bob.press("Approve").await;
    assert!(stage.is_on());
}

/// What the probe says: its status and its words.
async fn readyz(stage: &Stage) -> (u16, String) {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let answer = client.get(stage.bot.address() + "/readyz").send().await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.expect("words"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_set_back_an_hour_lengthens_nothing() {
    story_everywhere(async |stage| {
        granted(stage, "2h").await;
        stage.advance(1.hours()).await;
        stage.clock.step_wall(-HOUR_MS);
        stage.advance(59.minutes()).await;
        assert!(stage.is_on(), "it does not end early either");
        let (status, said) = readyz(stage).await;
        assert!(status == 200 && said.contains("warning: this machine's clock is 60 min behind "), "{status} {said}");
        stage.advance(1.minutes()).await;
        assert!(!stage.is_on());
        let request = stage.request().await;
        assert_eq!((request.state, request.outcome), (State::Ended, Some(Outcome::Expired)));
        assert!(stage.logged("this machine's clock was set back by 60 min") > 0);
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_tried_again_is_tried_on_time_after_the_clock_was_set_back() {
    story(async |stage| {
        granted(stage, "1h").await;
        stage.tailnet.set_expiry_lag_ms(86_400_000);
        stage.tailnet.fault(Endpoint::DeleteAttribute, Fault::Status(500), None);
        stage.ends_late = true;
        stage.advance(1.hours()).await;
        stage.clock.step_wall(-HOUR_MS);
        stage.advance(61.seconds()).await;
        assert!(stage.request().await.stuck, "the alarm does not wait an hour");
        stage.advance(30.seconds()).await;
        let (status, said) = readyz(stage).await;
        assert!(status == 503 && said.contains("the oldest end is"), "{status} {said}");
        stage.tailnet.clear_faults(Endpoint::DeleteAttribute);
        stage.advance(2.minutes()).await;
        assert!(!stage.is_on());
        assert_eq!(readyz(stage).await.0, 200);
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_set_ahead_ten_years_for_a_moment_ends_nothing() {
    story(async |stage| {
        granted(stage, "2h").await;
        let now_ms = stage.clock.now_ms();
        stage.clock.step_wall(DECADE_MS);
        assert_eq!(stage.clock.now_ms(), now_ms);
        // Every answer says what time it is there; this one was asked for after the step.
        stage.clock.heard("Tailscale", now_ms, stage.clock.stamp());
        stage.alice.command("/access list").await;
        stage.advance(1.hours()).await;
        assert!(stage.is_on());
        let (status, said) = readyz(stage).await;
        assert!(status == 200 && said.contains("3653 days ahead of"), "{status} {said}");
        stage.clock.step_wall(-DECADE_MS);
        stage.advance(59.minutes()).await;
        assert!(stage.is_on());
        stage.advance(1.minutes()).await;
        assert!(!stage.is_on());
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approver_who_was_removed_cannot_approve_after_the_clock_was_set_back() {
    story(async |stage| {
        stage.alice.command("/access prod-db 1h invoice 1204").await;
        stage.clock.step_wall(-HOUR_MS);
        stage.slack.set_group("db-oncall", &["carol"]).await.expect("people");
        let policy = stage.tailnet.policy();
        let policy = policy.replace(r#"["bob@example.com", "carol@example.com"]"#, r#"["carol@example.com"]"#);
        stage.tailnet.set_policy(&policy).expect("a policy");
        stage.advance(6.seconds()).await;
        stage.bob.press_in("#access", "Approve").await;
        assert_eq!(stage.request().await.state, State::Pending);
        assert!(stage.told_privately("#access", "bob").await.contains("You are not an approver"));
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_due_while_the_machine_slept_ends_when_it_wakes() {
    let setting = Setting { clock: Some(Clock::system()), ..Setting::default() };
    story_with(setting, async |stage| {
        granted(stage, "2h").await;
        stage.ends_late = true;
        stage.clock.suspend(8.hours());
        // Nobody says anything that would wake it: only the machine's own time goes on.
        let store = stage.bot.store().await;
        let ended = async { while store.requests_in(State::Ended, 1).await.expect("requests").is_empty() {} };
        tokio::time::timeout(Duration::from_secs(30), ended).await.expect("it ends");
        stage.bot.settle().await;
        stage.everybody_reads();
    })
    .await;
}
