//! What others change of what is lent: noticed by itself, put back where a pipeline did it, adopted where a person did, and told.

use nightlatch::kernel::{Outcome, State};

use crate::harness::*;

const RULE: &str = r##"nightlatch: 1
title: Shell on production
inputs:
  hold: { type: duration, default: 1h, max: 8h }
  reason: { type: text, max_length: 500 }
  device: { type: device }
ask: [group:engineering]
approve:
  - by: [group:dba]
steps:
  - name: rule
    uses: tailscale.policy
    with: { grants: [{ src: ["{{ requester.login }}"], dst: ["tag:prod-db"], ip: ["tcp:22"] }] }
announce: "#access"
"##;

/// The scopes the playground's client has, and Tailscale's log.
const SCOPES: [&str; 6] = [
    "devices:core:read",
    "devices:posture_attributes",
    "users:read",
    "policy_file",
    "auth_keys",
    "logs:configuration:read",
];

fn managed() -> Setting {
    let more = "managed_elsewhere: true, note: terraform in infra/tailnet";
    Setting { policy_file: more.to_owned(), ..Setting::default() }.workflow("shell", RULE)
}

fn is_open(stage: &Stage) -> bool {
    stage.tailnet.rules_open_for("alice-laptop").iter().any(|rule| rule.contains("posture:nl"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_pipeline_overwrites_is_put_back_three_times_and_then_told_as_given_up() {
    for mode in [Mode::Socket, Mode::Killed] {
        story_with(Setting { mode, ..managed() }, async |stage| {
            stage.tailnet.set_scopes(&SCOPES);
            stage.tailnet.revoke_tokens();
            let kept_in_git = stage.tailnet.policy();
            stage.alice.command("/access shell 4h invoice 1204").await;
            stage.bob.press("Approve").await;
            assert!(is_open(stage));
            for times in 1..=3 {
                stage.tailnet.set_policy(&kept_in_git).expect("a policy");
                assert!(!is_open(stage));
                stage.advance(3.minutes()).await;
                assert!(is_open(stage), "{times}");
                assert_eq!(stage.request().await.state, State::Active);
            }
            let thread = stage.carol.sees("#access");
            let told = thread.matches("was overwritten by bob@example.com, without what this request holds").count();
            // A bot that is killed between saying it and saving that says it again.
            assert!(told == 3 || mode == Mode::Killed && told > 3, "{thread}");
            assert!(
                thread.contains("(3 of at most 3 times). The file is managed elsewhere: terraform in infra/tailnet.")
            );
            stage.tailnet.set_policy(&kept_in_git).expect("a policy");
            stage.advance(3.minutes()).await;
            let request = stage.request().await;
            assert_eq!((request.state, request.outcome), (State::Ended, Some(Outcome::Revoked)));
            assert_eq!(stage.tailnet.policy(), kept_in_git);
            let channel = stage.carol.sees("#access");
            assert!(
                channel.contains("🚨 The tailnet's policy file was overwritten by bob@example.com for the 4th time")
            );
            // As above.
            let told = channel.matches("for the 4th time").count();
            assert!(told == 1 || mode == Mode::Killed && told > 1, "{channel}");
            let warned = async |stage: &Stage| {
                let warnings = stage.bot.engine().await.checkup().await.warnings;
                warnings.iter().any(|warning| warning.contains(&format!("while request {} held entries", request.id)))
            };
            assert!(warned(stage).await);
            stage.bot.restart().await;
            assert!(warned(stage).await, "a restart does not forget it");
            stage.advance(4.hours()).await;
            stage.everybody_reads();
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_takes_away_by_hand_is_noticed_within_the_hour_and_says_who() {
    story_with(Setting::default().workflow("shell", RULE), async |stage| {
        stage.tailnet.set_scopes(&SCOPES);
        stage.tailnet.revoke_tokens();
        for (line, take_away) in [("/access prod-db 4h invoice 1204", true), ("/access shell 4h invoice 1204", false)] {
            let before = stage.tailnet.policy();
            stage.alice.command(line).await;
            stage.bob.press("Approve").await;
            stage.advance(10.minutes()).await;
            match take_away {
                true => stage.tailnet.remove_by_hand("alice-laptop", JIT).expect("a device"),
                false => stage.tailnet.set_policy(&before).expect("a policy"),
            }
            stage.advance(10.minutes()).await;
            assert_eq!(stage.request().await.state, State::Active, "{line}");
            stage.advance(45.minutes()).await;
            let request = stage.request().await;
            assert_eq!((request.state, request.outcome), (State::Ended, Some(Outcome::Revoked)), "{line}");
            assert_eq!(stage.tailnet.policy(), before);
        }
        let thread = stage.carol.sees("#access");
        assert_eq!(thread.matches("bob@example.com took it away, says Tailscale's configuration log.").count(), 2);
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_sets_to_something_else_is_told_once_and_left_alone() {
    story_with(Setting::default(), async |stage| {
        stage.tailnet.set_scopes(&SCOPES);
        stage.tailnet.revoke_tokens();
        stage.alice.command("/access prod-db 4h invoice 1204").await;
        stage.bob.press("Approve").await;
        let end = stage.tailnet.expiry("alice-laptop", JIT).expect("an end") + 3_600_000;
        stage.tailnet.set_by_hand("alice-laptop", JIT, true.into(), Some(end)).expect("a device");
        stage.bob.reads_in("#access");
        stage.advance(61.minutes()).await;
        assert_eq!(stage.request().await.state, State::Active);
        insta::assert_snapshot!(stage.bob.reads_in("#access"), @"
        #access
        nightlatch: 🚨 While *Production database* is lent to @alice, bob@example.com changed it: custom:jit_prod_db is true until 2026-03-01T17:00:02Z. It is left as it is, now and at the end. If that should not be, set it right by hand, or revoke the request.
        ");
        stage.advance(2.hours()).await;
        let seen = stage.carol.sees("#access");
        assert_eq!(seen.matches("changed it: ").count(), 1, "{seen}");
        stage.advance(1.hours()).await;
        assert_eq!(stage.tailnet.expiry("alice-laptop", JIT), Some(end), "what is theirs stays");
        stage.tailnet.remove_by_hand("alice-laptop", JIT).expect("a device");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_changes_nothing_and_costs_a_reading_an_hour() {
    story(async |stage| {
        stage.alice.command("/access prod-db 8h invoice 1204").await;
        stage.bob.press("Approve").await;
        let count =
            |stage: &Stage| stage.tailnet.calls().iter().filter(|call| call.path.contains("/attributes")).count();
        let (before, logged) = (count(stage), stage.bot.store().await.newest_seq().await.expect("a number"));
        stage.advance(6.hours() + 30.minutes()).await;
        assert_eq!(count(stage) - before, 6);
        assert!(stage.tailnet.calls().iter().skip(before).all(|call| call.method != "DELETE"));
        // Each look puts down the next one, and nothing else.
        assert_eq!(stage.bot.store().await.newest_seq().await.expect("a number") - logged, 6);
        assert!(stage.is_on());
        stage.alice.press("Return").await;
        let waiting = stage.bot.store().await.waiting().await.expect("the outbox");
        assert!(waiting.is_empty(), "{waiting:?}");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_file_larger_than_it_may_be_is_not_touched() {
    let setting = Setting { policy_file: "max_bytes: 1024".to_owned(), ..Setting::default() }.workflow("shell", RULE);
    story_with(setting, async |stage| {
        let text = format!("// {}\n{}", "x".repeat(2_000), stage.tailnet.policy());
        stage.tailnet.set_policy(&text).expect("a policy");
        stage.alice.command("/access shell 1h invoice 1204").await;
        stage.bob.press("Approve").await;
        let request = stage.request().await;
        assert_eq!((request.state, request.outcome), (State::Ended, Some(Outcome::Failed)));
        insta::assert_snapshot!(request.trouble.map(|trouble| trouble.what).unwrap_or_default(), @"the tailnet's policy file cannot be changed safely: it has 3183 bytes, more than the 1024 that are allowed");
        assert_eq!(stage.tailnet.policy(), text);
        stage.everybody_reads();
    })
    .await;
}
