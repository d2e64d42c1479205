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

/// Lent to alice, and set to something that lasts longer than it is lent, by bob in the console.
async fn changed_by_hand(stage: &Stage) -> i64 {
    stage.tailnet.set_scopes(&SCOPES);
    stage.tailnet.revoke_tokens();
    stage.alice.command("/access prod-db 4h invoice 1204").await;
    stage.bob.press("Approve").await;
    let end = stage.tailnet.expiry("alice-laptop", JIT).expect("an end");
    stage.tailnet.set_by_hand("alice-laptop", JIT, true.into(), Some(end + 3_600_000)).expect("a device");
    end
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_sets_to_something_else_is_told_once_and_left_alone() {
    story_with(Setting::default(), async |stage| {
        let end = changed_by_hand(stage).await + 3_600_000;
        stage.bob.reads_in("#access");
        stage.advance(61.minutes()).await;
        assert_eq!(stage.request().await.state, State::Active);
        insta::assert_snapshot!(stage.bob.reads_in("#access"), @"
        #access
        nightlatch:
          🚨 *Somebody else changed what is lent: Production database of @alice*
          👀 Found: `custom:jit_prod_db is true until 2026-03-01T17:00:02Z`, by bob@example.com (today 08:00:00); lent is `custom:jit_prod_db = true on alice-laptop`
          *Put back* makes it again what is lent, until today 11:00. *Adopt* leaves it as it is, and ends this request. Until one of the two is pressed it is left as it is.
          ~ Request 01kjmma2g000000001
          [Put back] [Adopt]
        ");
        stage.advance(2.hours()).await;
        let seen = stage.carol.sees("#access");
        assert_eq!(seen.matches("🚨 *Somebody else changed what is lent").count(), 1, "{seen}");
        stage.advance(1.hours()).await;
        assert_eq!(stage.tailnet.expiry("alice-laptop", JIT), Some(end), "what is theirs stays");
        let seen = stage.carol.sees("#access");
        assert!(!seen.contains("[Put back]") && !seen.contains("[Adopt]"), "{seen}");
        stage.tailnet.remove_by_hand("alice-laptop", JIT).expect("a device");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_decides_has_it_put_back_as_it_was_lent_and_counts_once() {
    for mode in [Mode::Socket, Mode::Http, Mode::Killed] {
        story_with(Setting { mode, ..Setting::default() }, async |stage| {
            let end = changed_by_hand(stage).await;
            stage.advance(61.minutes()).await;
            // Neither whoever holds it nor anybody else.
            stage.alice.press_in("#access", "Put back").await;
            let said = stage.told_privately("#access", "alice").await;
            assert!(said.contains("This is your own request"), "{said}");
            stage.dave.press_in("#access", "Put back").await;
            let said = stage.told_privately("#access", "dave").await;
            assert!(said.contains("You are not an approver"), "{said}");
            assert_eq!(stage.tailnet.expiry("alice-laptop", JIT), Some(end + 3_600_000));
            let _ = tokio::join!(
                stage.slack.press("bob", "#access", "Put back"),
                stage.slack.press("bob", "#access", "Put back"),
                stage.slack.press("carol", "#access", "Adopt"),
            );
            stage.bot.settle().await;
            let request = stage.request().await;
            match request.state {
                State::Active => {
                    assert_eq!(stage.tailnet.expiry("alice-laptop", JIT), Some(end));
                    assert!(request.steps[0].drift.is_none());
                    let thread = stage.carol.sees("#access");
                    assert!(thread.contains("has it put back as it was lent"), "{thread}");
                    // A bot that is killed between posting and saving leaves a copy.
                    assert!(mode == Mode::Killed || !thread.contains("[Put back]"), "{thread}");
                    stage.advance(4.hours()).await;
                    assert_eq!(stage.tailnet.expiry("alice-laptop", JIT), None);
                }
                // Carol was the first.
                state => {
                    assert_eq!((state, request.outcome), (State::Ended, Some(Outcome::Revoked)));
                    stage.tailnet.remove_by_hand("alice-laptop", JIT).expect("a device");
                }
            }
            stage.everybody_reads();
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_adopted_stays_as_somebody_else_made_it_and_ends_the_request() {
    story_everywhere(async |stage| {
        let end = changed_by_hand(stage).await;
        stage.advance(61.minutes()).await;
        stage.dave.press_in("#access", "Adopt").await;
        assert_eq!(stage.request().await.state, State::Active);
        stage.bob.press_in("#access", "Adopt").await;
        let request = stage.request().await;
        assert_eq!((request.state, request.outcome), (State::Ended, Some(Outcome::Revoked)));
        assert_eq!(stage.tailnet.expiry("alice-laptop", JIT), Some(end + 3_600_000));
        let seen = stage.bob.sees("#access");
        assert!(seen.contains("it stays like this") && !seen.contains("STILL ON"), "{seen}");
        stage.tailnet.remove_by_hand("alice-laptop", JIT).expect("a device");
        stage.everybody_reads();
    })
    .await;
}

const ROLE: &str = r##"nightlatch: 1
title: Network administration
inputs:
  hold: { type: duration, default: 1h, max: 8h }
  reason: { type: text, max_length: 500 }
ask: [group:engineering]
approve:
  - by: [group:dba]
steps:
  - uses: tailscale.role
    with: { role: network-admin, unguarded: true }
announce: "#access"
"##;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_away_can_be_put_back_until_the_end_it_had_and_is_then_as_the_hand_made_it() {
    for mode in [Mode::Socket, Mode::Killed] {
        story_with(Setting { mode, ..Setting::default() }.workflow("network", ROLE), async |stage| {
            stage.tailnet.set_scopes(&["devices:core:read", "users", "policy_file:read", "logs:configuration:read"]);
            stage.tailnet.revoke_tokens();
            stage.alice.command("/access network 3h INC-7").await;
            stage.bob.press("Approve").await;
            let ends_at = stage.request().await.expires_at.expect("an end");
            stage.tailnet.set_role_by_hand("alice@example.com", "auditor").expect("a user");
            stage.advance(61.minutes()).await;
            let request = stage.request().await;
            assert_eq!((request.state, request.outcome), (State::Ended, Some(Outcome::Revoked)));
            let card = stage.carol.sees("#access");
            insta::allow_duplicates!(
                insta::assert_snapshot!(card.lines().take(11).collect::<Vec<_>>().join("\n"), @"
                #access
                nightlatch:
                  🔒 *Ended: taken away by hand in the tailnet* · Network administration
                  @alice had it from today 21:00 to today 22:00:00, of 3h
                  🔑 Lent `role network-admin for alice@example.com`
                  > INC-7
                  Approved by @bob (group:dba) today 21:00
                  👀 bob@example.com took it away (today 22:00:00); lent was `role network-admin for alice@example.com`
                  ⚠️ Left alone: somebody else changed it in between (role auditor). If that should not be, look at `tailscale.role alice@example.com`.
                  Open TCP connections may live on.
                  ~ Request 01kjmma2g000000001 · `network` · `tailscale.role alice@example.com`
                ")
            );
            stage.alice.press_in("#access", "Put back").await;
            assert_eq!(stage.tailnet.role("alice@example.com"), "auditor");
            let _ = tokio::join!(
                stage.slack.press("bob", "#access", "Put back"),
                stage.slack.press("carol", "#access", "Put back"),
            );
            stage.bot.settle().await;
            let request = stage.request().await;
            assert_eq!((request.state, request.expires_at), (State::Active, Some(ends_at)));
            assert_eq!(stage.tailnet.role("alice@example.com"), "network-admin");
            stage.advance(2.hours()).await;
            assert_eq!(stage.request().await.outcome, Some(Outcome::Expired));
            assert_eq!(stage.tailnet.role("alice@example.com"), "auditor");
            stage.tailnet.set_role_by_hand("alice@example.com", "member").expect("a user");
            stage.everybody_reads();
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_out_of_the_policy_file_can_be_put_back() {
    story_everywhere_with(
        || Setting::default().workflow("shell", RULE),
        async |stage| {
            let before = stage.tailnet.policy();
            stage.alice.command("/access shell 3h invoice 1204").await;
            stage.bob.press("Approve").await;
            stage.tailnet.set_policy(&before).expect("a policy");
            stage.advance(61.minutes()).await;
            assert_eq!(stage.request().await.outcome, Some(Outcome::Revoked));
            stage.bob.press_in("#access", "Put back").await;
            assert_eq!(stage.request().await.state, State::Active);
            assert!(is_open(stage));
            stage.advance(2.hours()).await;
            assert_eq!(stage.request().await.outcome, Some(Outcome::Expired));
            assert_eq!(stage.tailnet.policy(), before);
            stage.everybody_reads();
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guard_that_somebody_takes_away_ends_the_request_within_the_hour() {
    story_with(Setting::default().workflow("shell", RULE), async |stage| {
        let before = stage.tailnet.policy();
        stage.alice.command("/access shell 4h invoice 1204").await;
        stage.bob.press("Approve").await;
        let policy = stage.tailnet.policy();
        let guard = policy.split(['"', ' ']).find(|word| word.starts_with("custom:nl_")).expect("a guard");
        stage.tailnet.remove_by_hand("alice-laptop", guard).expect("a device");
        stage.advance(61.minutes()).await;
        assert_eq!(stage.request().await.outcome, Some(Outcome::Revoked));
        assert_eq!(stage.tailnet.policy(), before);
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
