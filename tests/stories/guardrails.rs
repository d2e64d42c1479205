//! Guardrails: what Cedar forbids whatever a workflow says, told to whoever tried, kept in the log, and judged again from it.

use nightlatch::kernel::{Outcome, State};
use nightlatch::playground::slack::Fault as SlackFault;

use crate::harness::*;

const SHORT: &str = r#"
@id("short-at-first")
@reason("more than an hour of production takes a second look")
forbid (principal, action == Action::"ask", resource)
when { resource.labels.contains("production") && context.hold > 3600 };
"#;

const NOT_TWICE: &str = r#"
@id("once-a-day")
@reason("one loan a day")
forbid (principal, action == Action::"ask", resource == Workflow::"prod-db")
when { context.counts.today >= 1 };
"#;

const NO_CAROL: &str = r#"
@id("not-carol")
@reason("who is on holiday decides nothing")
forbid (principal == Person::"carol@example.com", action in [Action::"approve", Action::"revoke"], resource);
"#;

fn under(name: &str, text: &str) -> Setting {
    Setting::default().prod_db(&[("announce:", "labels: [production]\nannounce:")]).guardrail(name, text)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_guardrail_forbids_cannot_be_asked_for_and_whoever_asks_is_told_which_and_why() {
    story_everywhere_with(
        || under("short", SHORT),
        async |stage| {
            stage.alice.command("/access prod-db 2h invoice 1204").await;
            assert!(stage.requests().await.is_empty());
            assert!(!stage.is_on());
            stage.alice.command("/access prod-db 1h invoice 1204").await;
            assert_eq!(stage.request().await.state, State::Pending);
            stage.bob.press("Approve").await;
            assert!(stage.is_on());
            stage.alice.press("Return").await;
            stage.everybody_reads();
        },
    )
    .await;
    story_with(under("short", SHORT), async |stage| {
        stage.alice.command_in("#access", "/access prod-db 2h invoice 1204").await;
        let answer = stage.told_privately("#access", "alice").await;
        insta::assert_snapshot!(answer, @"
        nightlatch (only you):
          *Production database* (prod-db): nothing was asked. The guardrail `short-at-first` does not allow this: more than an hour of production takes a second look.
          [Why?]
        ");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approver_whom_a_guardrail_keeps_out_decides_nothing_and_others_do() {
    story_with(under("people", NO_CAROL), async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.carol.press("Approve").await;
        assert_eq!(stage.request().await.state, State::Pending);
        insta::assert_snapshot!(stage.told_privately("#access", "carol").await, @"
        nightlatch (only you):
          The guardrail `not-carol` does not allow this: who is on holiday decides nothing. Nothing was counted.
          ~ Production database · request 01kjmma2g000000001
          [Why?]
        ");
        stage.bob.press("Approve").await;
        assert!(stage.is_on());
        stage.carol.press("Revoke").await;
        assert!(stage.is_on(), "nor does she take anything away");
        let entries = stage.bot.store().await.audit_after(0, 1_000).await.expect("the log");
        let log: Vec<String> = entries.into_iter().map(|entry| entry.event).collect();
        let of = |event: &str| log.iter().filter(|entry| entry.contains(&format!("\"event\":\"{event}\""))).count();
        assert_eq!(of("guardrails"), 1, "their text stands in the log once");
        assert_eq!(log.iter().filter(|entry| entry.contains("\"judged\":")).count(), 3, "and so does each judgement");
        stage.alice.press("Return").await;
        assert_eq!(stage.request().await.outcome, Some(Outcome::Returned), "what is one's own needs no leave");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_today_is_counted_where_it_is_saved() {
    story_with(under("often", NOT_TWICE), async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        assert_eq!(stage.requests().await.len(), 1);
        stage.alice.press("Withdraw").await;
        stage.alice.command("/access prod-db 2h invoice 1205").await;
        assert_eq!(stage.requests().await.len(), 1);
        stage.advance(24.hours()).await;
        stage.alice.command("/access prod-db 2h invoice 1206").await;
        assert_eq!(stage.requests().await.len(), 2, "another day");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_judged_again_right_before_anything_is_switched_on() {
    let posture = r#"
        @id("healthy")
        @reason("the device has to be healthy")
        forbid (principal, action == Action::"ask", resource)
        unless { context has device && context.device.hasTag("custom:healthy") && context.device.getTag("custom:healthy") == "true" };
    "#;
    story_with(under("posture", posture), async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        assert!(stage.requests().await.is_empty(), "it is not healthy");
        stage.tailnet.set_by_hand("alice-laptop", "custom:healthy", true.into(), None).expect("her laptop");
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.tailnet.remove_by_hand("alice-laptop", "custom:healthy").expect("her laptop");
        stage.bob.press("Approve").await;
        assert!(!stage.is_on());
        let request = stage.request().await;
        assert_eq!((request.state, request.outcome), (State::Ended, Some(Outcome::Failed)));
        assert_eq!(
            request.trouble.expect("why").what,
            "a guardrail forbids it now, healthy: the device has to be healthy"
        );
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_guardrail_permits_passes_without_anybody_until_another_forbids_it() {
    let permit = r#"
        @id("on-call")
        @reason("whoever is on call helps themselves")
        permit (principal in Group::"@db-oncall", action == Action::"approve_automatically", resource)
        when { context.hold <= 7200 };

        @id("twice-a-day")
        @reason("the third time somebody looks at it")
        forbid (principal, action == Action::"approve_automatically", resource)
        when { context.counts.today >= 2 };
    "#;
    let setting = under("on-call", permit);
    story_with(setting, async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        assert_eq!(stage.request().await.state, State::Pending, "alice is not on call");
        stage.alice.press("Withdraw").await;
        for number in 1..=2 {
            stage.bob.command("/access prod-db 2h device=bob-laptop invoice 1205").await;
            assert_eq!(stage.request().await.state, State::Active, "{number}");
            if number == 1 {
                let seen = stage.carol.sees("#access");
                let card = "Approved by itself (guardrail on-call: whoever is on call helps themselves) today 21:00:00";
                assert!(seen.contains(card), "{seen}");
                assert!(
                    seen.contains("@carol: you would have been asked, because you are in group:dba or @db-oncall.")
                );
            }
            stage.bob.press("Return").await;
        }
        stage.bob.command("/access prod-db 2h device=bob-laptop invoice 1206").await;
        let third = stage.request().await;
        assert_eq!(third.state, State::Pending, "{}", stage.bob.sees("#access"));
        assert_eq!(
            third.not_by_itself,
            ["a guardrail does not allow it, twice-a-day: the third time somebody looks at it"]
        );
        stage.bob.press("Withdraw").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_cannot_be_read_lets_nobody_past_a_guardrail_that_names_it() {
    let contractors = r#"
        @id("contractors")
        forbid (principal in Group::"@contractors", action == Action::"approve", resource);
    "#;
    story_with(under("groups", contractors), async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.advance(6.minutes()).await;
        stage.slack.fail("usergroups.list", SlackFault::Error("internal_error".to_owned()), 100);
        stage.bob.press("Approve").await;
        assert_eq!(stage.request().await.state, State::Pending, "bob is in group:dba, and who knows what else");
        stage.advance(10.minutes()).await;
        insta::assert_snapshot!(stage.told_privately("#access", "bob").await, @"
        nightlatch (only you):
          ⚠️ *Nothing was counted*: I could not check who you are.
          Who belongs to @db-oncall cannot be read now: Slack refused it (internal_error). Please press again in a moment.
          ~ Production database · request 01kjmma2g000000001
        ");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forbid_holds_also_where_glass_is_broken_and_one_about_asking_does_not() {
    let rules = |action: &str| {
        format!(
            "@id(\"frozen\") @reason(\"nothing before the release\") forbid (principal, action == Action::\"{action}\", resource) \
                 when {{ context.hold > 1 }};"
        )
    };
    let glass =
        "break_glass: { who: [group:engineering], max_hold: 2h, review: { by: [group:dba], within: 24h } }\nannounce:";
    let setting =
        |action: &str| Setting::default().prod_db(&[("announce:", glass)]).guardrail("frozen", &rules(action));
    story_with(setting("break_glass"), async |stage| {
        stage.alice.command_in("#access", "/access break-glass prod-db 1h it is down").await;
        stage.alice.submit().await;
        assert!(!stage.is_on());
        assert!(stage.requests().await.is_empty(), "nor does it become a request that waits");
        insta::assert_snapshot!(stage.alice.modal(), @"
        == Borrow access ==
        *Production database* (prod-db): nothing was asked. The guardrail `frozen` does not allow this: nothing before the release.
        (Close)
        ");
        stage.everybody_reads();
    })
    .await;
    story_with(setting("ask"), async |stage| {
        stage.alice.command_in("#access", "/access break-glass prod-db 1h it is down").await;
        stage.alice.submit().await;
        assert!(stage.is_on(), "{}", stage.alice.sees("#access"));
        stage.alice.press("Return").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_wonders_why_is_told_the_rule_that_decides_and_those_against_it() {
    let night = r#"
        @id("evenings")
        @reason("nothing is lent after eight in the evening")
        forbid (principal, action == Action::"ask", resource) when { context.local.hour >= 20 };
    "#;
    story_with(under("night", night), async |stage| {
        stage.alice.command_in("#access", "/access why prod-db").await;
        insta::assert_snapshot!(stage.told_privately("#access", "alice").await, @"
        nightlatch (only you):
          *Production database* (prod-db) and @alice
          ✅ Asks: yes, in group:engineering (`ask`)
          Approval takes 1 of group:dba or @db-oncall.
          🚫 Approves for others: no, it takes group:dba or @db-oncall
        ");
        stage.advance(9.hours()).await;
        stage.alice.command_in("#access", "/access why prod-db").await;
        insta::assert_snapshot!(stage.told_privately("#access", "alice").await, @"
        nightlatch (only you):
          *Production database* (prod-db) and @alice
          🚫 Asks: no, a guardrail does not allow it, evenings: nothing is lent after eight in the evening
          Approval takes 1 of group:dba or @db-oncall.
          🚫 Approves for others: no, it takes group:dba or @db-oncall
        ");
        stage.alice.command_in("#access", "/access why prod-db @bob").await;
        insta::assert_snapshot!(stage.told_privately("#access", "alice").await, @"nightlatch (only you): Only those who decide about it can ask that of somebody else; of yourself you can always ask.");
        stage.bob.command_in("#access", "/access why prod-db @alice").await;
        assert!(
            stage.told_privately("#access", "bob").await.contains("Asks: no, a guardrail does not allow it, evenings")
        );
        stage.bob.command_in("#access", "/access why prod-bd").await;
        assert!(stage.told_privately("#access", "bob").await.contains("prod-db"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guardrails_that_are_broken_or_gone_at_a_reload_leave_those_from_before_in_force() {
    story_with(under("short", SHORT), async |stage| {
        stage.bot.write_guardrail("short", "forbid (principal, action, resource) when { context.hols > 1 };");
        let said = stage.bot.reload().await.expect_err("a mistake");
        assert!(said.contains("attribute `hols`") && said.contains("did you mean `hold`?"), "{said}");
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        assert!(stage.requests().await.is_empty());
        stage.bot.remove_guardrail("short");
        let said = stage.bot.reload().await.expect_err("a mistake");
        assert!(said.contains("holds no guardrails any more"), "{said}");
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        assert!(stage.requests().await.is_empty());
        stage.bot.write_guardrail("short", &SHORT.replace("3600", "7200"));
        stage.bot.reload().await.expect("good again");
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        assert_eq!(stage.requests().await.len(), 1);
        stage.everybody_reads();
    })
    .await;
}
