//! What a request would change in the policy file, shown to those who decide it before anything happens.

use nightlatch::playground::slack::SlackWorld;
use nightlatch::playground::tailnet::{Endpoint, Fault};

use crate::harness::*;

const SHELL: &str = r##"nightlatch: 1
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

fn setting() -> Setting {
    Setting::default().workflow("shell", SHELL)
}

/// Presses the button, and waits until what it opens is filled in.
async fn look(stage: &Stage, who: &str) -> String {
    let human = stage.human(who);
    human.press_in("#access", "What changes?").await;
    let is_filled = |slack: &SlackWorld| slack.modal(who).is_some_and(|modal| !modal.contains("Reading what"));
    assert!(stage.slack.until(is_filled).await, "{}", human.modal());
    human.modal()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_decides_sees_what_would_change_and_nothing_is_changed_by_looking() {
    for mode in [Mode::Socket, Mode::Http] {
        story_with(Setting { mode, ..setting() }, async |stage| {
            let before = stage.tailnet.policy();
            stage.alice.command("/access shell 2h invoice 1204").await;
            insta::allow_duplicates!(insta::assert_snapshot!(stage.bob.reads_in("#access"), @"
            #access
            nightlatch:
              ⏳ *Waiting for approval* · Shell on production
              @alice asks for 2h on alice-laptop (macOS)
              🔑 Lends `grant to tag:prod-db tcp:22`
              > invoice 1204
              Asked: @bob, @carol (in group:dba)
              ~ Request 01kjmma2g000000001 · `shell` · lapses today 15:00 · changes `tailscale.policy file`
              [Approve] [Approve...] [Deny] [What changes?]
            "));
            let seen = look(stage, "bob").await;
            insta::allow_duplicates!(insta::assert_snapshot!(seen, @r#"
            == What would change ==
            *Shell on production*, for @alice
            The policy file would change like this while it is held:
            ```--- policy file
            +++ policy file while it is held
            @@ -8,10 +8,14 @@
             		"tag:prod-db": ["group:dba"],
             	},
             	"postures": {
            +		// nightlatch: guards shell rule
            +		"posture:nlb8a3a2eef643244d": ["custom:nl_b8a3a2eef643244d == true"],
             		// Nightlatch sets this attribute on one device for a while, and takes it back.
             		"posture:jitProdDb": ["custom:jit_prod_db == true"],
             	},
             	"grants": [
            +		// nightlatch 01kjmma2g000000001: alice@example.com
            +		{"src": ["alice@example.com"], "dst": ["tag:prod-db"], "ip": ["tcp:22"], "srcPosture": ["posture:nlb8a3a2eef643244d"]},
             		{
             			"src":        ["group:engineering"],
             			"dst":        ["tag:prod-db"],```
            ~ As it is now; what others change meanwhile stays. Nothing was changed by looking.
            (Close)
            "#));
            assert_eq!(stage.tailnet.policy(), before);
            stage.bob.press_in("#access", "Approve").await;
            assert!(stage.tailnet.policy() != before);
            assert!(!stage.bob.sees("#access").contains("What changes?"));
            stage.advance(2.hours()).await;
            assert_eq!(stage.tailnet.policy(), before);
            stage.everybody_reads();
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_decide_sees_nothing_of_the_policy_file() {
    story_with(setting(), async |stage| {
        stage.alice.command("/access shell 2h invoice 1204").await;
        insta::assert_snapshot!(look(stage, "dave").await, @"
        == What would change ==
        You are not an approver of *Shell on production*, so nothing was counted. It takes one of group:dba.
        (Close)
        ");
        insta::assert_snapshot!(look(stage, "alice").await, @"
        == What would change ==
        You are not an approver of *Shell on production*, so nothing was counted. It takes one of group:dba.
        (Close)
        ");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_tailscale_would_refuse_is_told_before_it_is_approved() {
    let nowhere = changed(SHELL, &[("tag:prod-db", "tag:nowhere")]);
    story_with(Setting::default().workflow("shell", &nowhere), async |stage| {
        stage.alice.command("/access shell 2h invoice 1204").await;
        let modal = look(stage, "bob").await;
        let told = modal.lines().find(|line| line.contains("would not take it")).unwrap_or(&modal).trim().to_owned();
        insta::assert_snapshot!(told, @r#":warning: *Tailscale would not take it*: dst=tag not found: "tag:nowhere""#);
        stage.tailnet.fault(Endpoint::Policy, Fault::Status(503), None);
        insta::assert_snapshot!(look(stage, "carol").await, @"
        == What would change ==
        It cannot be shown now: Tailscale cannot do it just now (reading the policy file, 503).
        (Close)
        ");
        stage.tailnet.clear_faults(Endpoint::Policy);
        stage.everybody_reads();
    })
    .await;
}
