//! Inputs that are asked only where something else was filled in (`when:` of an input): in a line, in a form that changes while it is
//! filled in, and in what steps get.

use serde_json::json;

use crate::harness::*;

/// What else is asked hangs on the level.
const DATABASE: &str = r##"nightlatch: 1
title: Database
inputs:
  hold: { type: duration, default: 1h, max: 8h }
  level: { type: choice, options: [read, write] }
  ticket: { type: number, label: Ticket, min: 1, when: { level: write } }
  masked: { type: flag, default: true, when: { level: read } }
  why_unmasked: { type: text, label: Why unmasked, when: { masked: false } }
  reason: { type: text }
  device: { type: device }
ask: [group:engineering]
approve:
  - by: [group:dba]
steps:
  - uses: tailscale.attribute
    with: { device: "{{ inputs.device }}", key: custom:db_level, value: "{{ inputs.level }}" }
  - name: ticket
    when: { level: write }
    uses: tailscale.attribute
    with: { device: "{{ inputs.device }}", key: custom:db_ticket, value: "{{ inputs.ticket }}" }
  - name: masked
    when: { level: read }
    uses: tailscale.attribute
    with: { device: "{{ inputs.device }}", key: custom:db_masked, value: "{{ inputs.masked }}" }
announce: "#access"
"##;

fn setting() -> Setting {
    Setting::default().workflow("database", DATABASE)
}

fn set(stage: &Stage) -> [serde_json::Value; 3] {
    ["custom:db_level", "custom:db_ticket", "custom:db_masked"]
        .map(|name| stage.tailnet.attribute("alice-laptop", name).unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_says_what_is_asked_and_the_rest_is_the_reason() {
    story_everywhere_with(setting, async |stage| {
        stage.alice.command("/access database 2h write 12 rows are stuck").await;
        insta::allow_duplicates!(insta::assert_snapshot!(stage.bob.reads_in("#access"), @r#"
        #access
        nightlatch:
          ⏳ *Waiting for approval* · Database
          @alice asks for 2h on alice-laptop (macOS)
          🔑 Lends `custom:db_level = "write" on alice-laptop`, `custom:db_ticket = 12 on alice-laptop`
          *Level*: write
          *Ticket*: 12
          > rows are stuck
          Asked: @bob, @carol (in group:dba)
          ~ Request 01kjmma2g000000001 · `database` · lapses today 15:00 · changes `tailscale.attribute nALICE1CNTRL custom:db_level`, `tailscale.attribute nALICE1CNTRL custom:db_ticket`
          [Approve] [Approve...] [Deny]
        "#));
        stage.bob.press("Approve").await;
        assert_eq!(set(stage), [json!("write"), json!(12), json!(null)]);
        stage.advance(2.hours()).await;
        assert_eq!(set(stage), [json!(null), json!(null), json!(null)]);
        // The number is no ticket where none is asked for.
        stage.alice.command("/access database 2h read 12 rows are stuck").await;
        stage.bob.press("Approve").await;
        assert_eq!(set(stage), [json!("read"), json!(null), json!(true)]);
        assert_eq!(stage.request().await.reason, "12 rows are stuck");
        stage.advance(2.hours()).await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_asked_cannot_be_given() {
    story_with(setting(), async |stage| {
        stage.alice.command("/access database 1h read ticket=12 why_unmasked=curious stuck").await;
        insta::assert_snapshot!(stage.alice.reads_in("#general"), @"
        #general
        nightlatch (only you):
          Nothing was asked yet:
          • *ticket*: it is asked only when level is write; leave it out
          • *why_unmasked*: it is asked only when masked is no; leave it out
          This would do: `/access database 1h level=read stuck`
        ");
        assert_eq!(stage.requests().await.len(), 0);
        stage.alice.command("/access database 1h write stuck").await;
        insta::assert_snapshot!(stage.alice.modal(), @"
        == Borrow access ==
        *Database*
        Device: <alice-laptop (macOS)>
        Hold: <1 hour (usual)>
        Level: <write>
        Ticket: {}
          A whole number.
        Reason: <stuck>
          Shown to those who decide, and kept in the audit log.
        ~ :busts_in_silhouette: One of group:dba decides; they see it in #access. Without an answer it lapses after 8 hours.
        (Cancel) [Ask]
        ");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_changes_with_what_is_chosen() {
    story_everywhere_with(setting, async |stage| {
        stage.alice.command("/access database").await;
        insta::allow_duplicates!(insta::assert_snapshot!(stage.alice.modal(), @"
        == Borrow access ==
        *Database*
        Device: <alice-laptop (macOS)>
        Hold: <1 hour (usual)>
        Level: {}
        Reason: {}
          Shown to those who decide, and kept in the audit log.
        ~ :busts_in_silhouette: One of group:dba decides; they see it in #access. Without an answer it lapses after 8 hours.
        (Cancel) [Ask]
        "));
        stage.alice.fill("Reason", "rows are stuck").await;
        stage.alice.pick("Level", "write").await;
        insta::allow_duplicates!(insta::assert_snapshot!(stage.alice.modal(), @"
        == Borrow access ==
        *Database*
        Device: <alice-laptop (macOS)>
        Hold: <1 hour (usual)>
        Level: <write>
        Ticket: {}
          A whole number.
        Reason: <rows are stuck>
          Shown to those who decide, and kept in the audit log.
        ~ :busts_in_silhouette: One of group:dba decides; they see it in #access. Without an answer it lapses after 8 hours.
        (Cancel) [Ask]
        "));
        stage.alice.fill("Ticket", "7").await;
        stage.alice.pick("Level", "read").await;
        stage.alice.pick("Masked", "No").await;
        insta::allow_duplicates!(insta::assert_snapshot!(stage.alice.modal(), @"
        == Borrow access ==
        *Database*
        Device: <alice-laptop (macOS)>
        Hold: <1 hour (usual)>
        Level: <read>
        Masked: <No>
        Why unmasked: {}
          Shown to those who decide, and kept in the audit log.
        Reason: <rows are stuck>
          Shown to those who decide, and kept in the audit log.
        ~ :busts_in_silhouette: One of group:dba decides; they see it in #access. Without an answer it lapses after 8 hours.
        (Cancel) [Ask]
        "));
        stage.alice.fill("Why unmasked", "to see the names").await;
        stage.alice.submit().await;
        stage.bob.press("Approve").await;
        assert_eq!(set(stage), [json!("read"), json!(null), json!(false)]);
        let request = stage.request().await;
        let filled = request.inputs.values().filter_map(|value| value.as_filled()).map(|value| value.to_string());
        insta::allow_duplicates!(insta::assert_snapshot!(filled.collect::<Vec<_>>().join(" "), @r#""nALICE1CNTRL" "1h" "read" false "rows are stuck" "to see the names""#));
        stage.advance(1.hours()).await;
        stage.everybody_reads();
    })
    .await;
}

/// What is typed changes the form when it is sent.
const COUNTED: &str = r##"nightlatch: 1
title: Exports
inputs:
  hold: { type: duration, default: 1h, max: 8h }
  count: { type: number, min: 1, max: 9 }
  why_all: { type: text, label: Why all of them, when: { count: 9 } }
ask: [group:engineering]
approve: []
steps:
  - uses: slack.message
    with: { to: "#access", text: "{{ inputs.count }} exports" }
announce: "#access"
"##;

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_sent_without_what_is_asked_by_then_comes_back() {
    story_with(Setting::default().workflow("exports", COUNTED), async |stage| {
        stage.alice.command("/access exports").await;
        stage.alice.fill("Count", "9").await;
        stage.alice.submit().await;
        insta::assert_snapshot!(stage.alice.modal(), @"
        == Borrow access ==
        :warning: The fields changed with your choice. Please look at them, then send it.
        *Exports*
        Hold: <1 hour (usual)>
        Count: <9>
          A whole number.
        Why all of them: {}
          Shown to those who decide, and kept in the audit log.
        ~ :busts_in_silhouette: Nobody has to decide; it is shown in #access.
        (Cancel) [Ask]
        ");
        assert_eq!(stage.requests().await.len(), 0);
        stage.alice.fill("Why all of them", "the auditors asked").await;
        stage.alice.submit().await;
        assert_eq!(stage.request().await.reason, "the auditors asked");
        stage.advance(1.hours()).await;
        stage.everybody_reads();
    })
    .await;
}
