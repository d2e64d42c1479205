//! The names by which workflows mean people: roles of the tailnet, logins; and what is so when one of them cannot be read.

use nightlatch::kernel::State;
use nightlatch::kernel::request::Decider;
use nightlatch::playground::slack::Fault as SlackFault;
use nightlatch::playground::tailnet::{Endpoint, Fault};

use crate::harness::*;

fn by(names: &str) -> Setting {
    Setting::default().prod_db(&[(r#"[group:dba, "@db-oncall"]"#, names)])
}

/// The rule by which the first decision counted.
async fn rule(stage: &Stage) -> String {
    let request = stage.request().await;
    let Decider::Person { rule, .. } = &request.decisions.first().expect("a decision").by else {
        panic!("nobody decided it")
    };
    rule.as_ref().map(ToString::to_string).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn admins_of_the_tailnet_decide_where_the_workflow_says_so() {
    story_everywhere_with(
        || by("[autogroup:admin]"),
        async |stage| {
            stage.alice.command("/access prod-db 2h invoice 1204").await;
            stage.carol.press("Approve").await;
            assert!(stage.told_privately("#access", "carol").await.contains("It takes one of autogroup:admin"));
            stage.bob.press("Approve").await;
            assert!(stage.is_on(), "bob is an admin");
            assert_eq!(rule(stage).await, "autogroup:admin");
            stage.alice.press("Return").await;
            stage.everybody_reads();
        },
    )
    .await;
    story_with(by("[autogroup:admin]"), async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        assert!(stage.carol.sees("#access").contains("Asked: @bob (in autogroup:admin)"));
        stage.bob.press("Approve").await;
        stage.alice.press("Return").await;
        stage.everybody_reads();
    })
    .await;
    story_with(by("[autogroup:auditor]"), async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        assert!(stage.requests().await.is_empty(), "nobody has that role");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_named_by_the_login_they_have_in_the_tailnet() {
    let setting = by("[eve@github]").knows("U0DAVE001", "eve@github");
    story_with(setting, async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.dave.press("Approve").await;
        assert!(stage.is_on());
        assert_eq!(rule(stage).await, "eve@github");
        stage.alice.press("Return").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_cannot_be_read_keeps_nobody_out_whom_another_lets_in() {
    story_with(by("[group:dba, \"@db-oncall\"]"), async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.advance(6.seconds()).await;
        stage.tailnet.fault(Endpoint::Policy, Fault::Status(503), None);
        stage.bob.press("Approve").await;
        assert_eq!(rule(stage).await, "@db-oncall");
        stage.tailnet.clear_faults(Endpoint::Any);
        stage.advance(1.minutes()).await;
        assert!(stage.is_on());
        stage.alice.press("Return").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_cannot_be_read_lets_nobody_in_and_the_words_name_it() {
    story_with(by("[group:dba, \"@db-oncall\"]"), async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.advance(6.seconds()).await;
        stage.slack.set_group("db-oncall", &["carol"]).await.expect("people");
        stage.tailnet.fault(Endpoint::Policy, Fault::Status(503), None);
        stage.bob.press_in("#access", "Approve").await;
        stage.advance(2.minutes()).await;
        assert_eq!(stage.request().await.state, State::Pending, "bob is in group:dba, and nobody can say so now");
        insta::assert_snapshot!(stage.told_privately("#access", "bob").await, @"
        nightlatch (only you):
          ⚠️ *Nothing was counted*: I could not check who you are.
          Who belongs to group:dba cannot be read now: Tailscale cannot do it just now (reading the policy file, 503). Please press again in a moment.
          ~ Production database · request 01kjmma2g000000001
        ");
        // Whoever is in none of them cannot be told so either; what does not hang on it is said.
        stage.alice.command("/access withdraw prod-db").await;
        stage.tailnet.clear_faults(Endpoint::Any);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_names_the_rule_that_cannot_be_read_and_needs_only_one_that_can() {
    let setting = Setting::default()
        .prod_db(&[("ask: [group:engineering]", "ask: [\"@devs\", \"@db-oncall\", group:engineering]")]);
    story_with(setting, async |stage| {
        stage.advance(6.seconds()).await;
        stage.slack.fail("usergroups.users.list", SlackFault::Error("internal_error".to_owned()), u32::MAX);
        stage.slack.fail("usergroups.list", SlackFault::Error("internal_error".to_owned()), u32::MAX);
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        assert_eq!(stage.requests().await.len(), 1, "she is in group:engineering, whoever is in the others");
        stage.slack.heal();
        stage.alice.press("Withdraw").await;
        stage.everybody_reads();
    })
    .await;
}
