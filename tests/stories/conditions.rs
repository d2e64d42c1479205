//! Steps that are begun only for those who ask for them: `when:` in a workflow file.

use serde_json::json;

use crate::harness::*;

const WRITE: &str = "custom:db_write";

/// Everybody may read; whoever wants to write is told of in the channel, too.
const DATABASE: &str = r##"nightlatch: 1
title: Database
inputs:
  hold: { type: duration, default: 1h, max: 8h }
  level: { type: choice, options: [read, write], default: read }
  reason: { type: text }
  device: { type: device }
ask: [group:engineering]
approve:
  - by: [group:dba]
steps:
  - uses: tailscale.attribute
    with: { device: "{{ inputs.device }}", key: custom:db_read, value: true }
  - name: write
    uses: tailscale.attribute
    when: { level: write }
    with: { device: "{{ inputs.device }}", key: custom:db_write, value: true }
announce: "#access"
"##;

fn setting() -> Setting {
    Setting::default().workflow("database", DATABASE)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_asked_for_is_neither_said_nor_switched_on() {
    story_everywhere_with(setting, async |stage| {
        stage.alice.command("/access database 2h read INC-7").await;
        insta::allow_duplicates!(insta::assert_snapshot!(stage.bob.sees("#access"), @"
        #access
        nightlatch:
          ⏳ *Waiting for approval* · Database
          @alice asks for 2h on alice-laptop (macOS)
          *Level*: read
          > INC-7
          Asked: @bob, @carol (in group:dba)
          ~ Request 01kjmma2g000000001 · `database` · lapses today 15:00 · changes `tailscale.attribute nALICE1CNTRL custom:db_read`
          [Approve] [Approve...] [Deny]
        "));
        stage.bob.press("Approve").await;
        assert_eq!(stage.tailnet.attribute("alice-laptop", "custom:db_read"), Some(json!(true)));
        assert_eq!(stage.tailnet.attribute("alice-laptop", WRITE), None);
        assert!(stage.tailnet.calls().iter().all(|call| !call.path.contains("db_write")), "it was never looked at");
        assert!(!stage.bob.sees("#access").contains("db_write"), "nor is it said to be on");
        stage.advance(2.hours()).await;
        assert_eq!(stage.tailnet.attribute("alice-laptop", "custom:db_read"), None);
        let seen = stage.bob.sees("#access");
        assert!(seen.contains("Verified gone") && !seen.contains("db_write"), "{seen}");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_it_has_it_and_another_s_request_is_left_as_it_was() {
    story_everywhere_with(setting, async |stage| {
        stage.alice.command("/access database 2h write INC-7").await;
        insta::allow_duplicates!(insta::assert_snapshot!(stage.bob.sees("#access"), @"
        #access
        nightlatch:
          ⏳ *Waiting for approval* · Database
          @alice asks for 2h on alice-laptop (macOS)
          *Level*: write
          > INC-7
          Asked: @bob, @carol (in group:dba)
          ~ Request 01kjmma2g000000001 · `database` · lapses today 15:00 · changes `tailscale.attribute nALICE1CNTRL custom:db_read`, `tailscale.attribute nALICE1CNTRL custom:db_write`
          [Approve] [Approve...] [Deny]
        "));
        stage.bob.press("Approve").await;
        assert_eq!(stage.tailnet.attribute("alice-laptop", WRITE), Some(json!(true)));
        // A second request of the same person goes without it, and neither takes it from the first.
        stage.alice.command("/access database 1h read INC-8").await;
        stage.bob.press("Approve").await;
        stage.advance(61.minutes()).await;
        assert_eq!(stage.tailnet.attribute("alice-laptop", WRITE), Some(json!(true)));
        assert_eq!(stage.tailnet.attribute("alice-laptop", "custom:db_read"), Some(json!(true)));
        stage.advance(1.hours()).await;
        assert_eq!(stage.tailnet.attribute("alice-laptop", WRITE), None);
        assert_eq!(stage.tailnet.attribute("alice-laptop", "custom:db_read"), None);
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_goes_without_every_step_is_told_so_and_asks_nobody() {
    let only_for_writers = changed(
        DATABASE,
        &[(
            "    with: { device: \"{{ inputs.device }}\", key: custom:db_read",
            "    when: { level: write }\n    with: { device: \"{{ inputs.device }}\", key: custom:db_read",
        )],
    );
    story_with(Setting::default().workflow("database", &only_for_writers), async |stage| {
        stage.alice.command("/access database 2h read INC-7").await;
        insta::assert_snapshot!(stage.alice.reads_in("#general"), @"
        #general
        nightlatch (only you): *Database* (database): nothing was asked. This workflow cannot be used: it has no step for what was filled in. Ask whoever looks after it to fix it.
        ");
        assert_eq!(stage.requests().await.len(), 0);
        stage.everybody_reads();
    })
    .await;
}
