//! What a workflow asks for beside how long, why and on which device: said in a line, filled in a form, shown to those who decide, and
//! filled into steps as what it is.

use serde_json::json;

use crate::harness::*;

const LEVEL: &str = "custom:db_level";

/// Asks for something of every kind, and lends what was chosen.
const DATABASE: &str = r##"nightlatch: 1
title: Database
inputs:
  hold: { type: duration, default: 1h, max: 8h }
  level: { type: choice, options: [{ value: read, label: Read only }, { value: write, label: Read and write }] }
  whom: { type: person, label: Who helps, required: false, help: Somebody who looks over your shoulder }
  rows: { type: number, min: 1, max: 500, default: 100 }
  masked: { type: flag, default: true }
  reason: { type: text, pattern: "^INC-[0-9]+", pattern_help: "start with the ticket, like INC-1204" }
  device: { type: device }
ask: [group:engineering]
approve:
  - by: [group:dba]
steps:
  - uses: tailscale.attribute
    with: { device: "{{ inputs.device }}", key: custom:db_level, value: "{{ inputs.level }}" }
  - name: rows
    uses: tailscale.attribute
    with: { device: "{{ inputs.device }}", key: custom:db_rows, value: "{{ inputs.rows }}" }
  - name: masked
    uses: tailscale.attribute
    with: { device: "{{ inputs.device }}", key: custom:db_masked, value: "{{ inputs.masked }}" }
announce: "#access"
"##;

fn setting() -> Setting {
    Setting::default().workflow("database", DATABASE)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_says_all_of_it_and_steps_get_what_was_meant() {
    story_everywhere_with(setting, async |stage| {
        stage.alice.command("/access database 2h write @carol 20 masked=no INC-7 rows are stuck").await;
        insta::allow_duplicates!(insta::assert_snapshot!(stage.bob.sees("#access"), @r#"
        #access
        nightlatch:
          ⏳ *Waiting for approval* · Database
          @alice asks for 2h on alice-laptop (macOS)
          🔑 Lends `custom:db_level = "write" on alice-laptop`, `custom:db_rows = 20 on alice-laptop`, `custom:db_masked = false on alice-laptop`
          *Level*: Read and write
          *Who helps*: @carol
          *Rows*: 20
          *Masked*: no
          > INC-7 rows are stuck
          Asked: @bob, @carol (in group:dba)
          ~ Request 01kjmma2g000000001 · `database` · lapses today 15:00 · changes `tailscale.attribute nALICE1CNTRL custom:db_level`, `tailscale.attribute nALICE1CNTRL custom:db_rows`, `tailscale.attribute nALICE1CNTRL custom:db_masked`
          [Approve] [Approve...] [Deny]
        "#));
        stage.bob.press("Approve").await;
        let set = ["custom:db_level", "custom:db_rows", "custom:db_masked"]
            .map(|name| stage.tailnet.attribute("alice-laptop", name).unwrap_or_default());
        assert_eq!(set, [json!("write"), json!(20), json!(false)]);
        stage.advance(2.hours()).await;
        assert_eq!(stage.tailnet.attribute("alice-laptop", LEVEL), None);
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_asks_for_all_of_it() {
    story_everywhere_with(setting, async |stage| {
        stage.alice.command("/access database").await;
        insta::allow_duplicates!(insta::assert_snapshot!(stage.alice.modal(), @"
        == Borrow access ==
        *Database*
        Device: <alice-laptop (macOS)>
        Hold: <1 hour (usual)>
        Level: {}
        Who helps (optional): {}
          Somebody who looks over your shoulder
        Rows (optional): <100>
          A whole number.
        Masked: <Yes>
        Reason: {}
          Shown to those who decide, and kept in the audit log.
        ~ :busts_in_silhouette: One of group:dba decides; they see it in #access. Without an answer it lapses after 8 hours.
        (Cancel) [Ask]
        "));
        stage.alice.pick("Level", "Read only").await;
        stage.alice.pick("Who helps", "carol").await;
        stage.alice.fill("Rows", "7").await;
        stage.alice.fill("Reason", "INC-8").await;
        stage.alice.submit().await;
        stage.bob.press("Approve").await;
        assert_eq!(stage.tailnet.attribute("alice-laptop", LEVEL), Some(json!("read")));
        let request = stage.request().await;
        let filled = request.inputs.values().filter_map(|value| value.as_filled()).map(|value| value.to_string());
        insta::allow_duplicates!(insta::assert_snapshot!(filled.collect::<Vec<_>>().join(" "), @r#""nALICE1CNTRL" "1h" "read" true "INC-8" 7 "carol@example.com""#));
        stage.advance(1.hours()).await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_told_before_anything_is_asked() {
    story_with(setting(), async |stage| {
        stage.alice.command("/access database 1h level=own rows=900 whom=eve@elsewhere.example stuck").await;
        insta::assert_snapshot!(stage.alice.reads_in("#general"), @"
        #general
        nightlatch (only you):
          Nothing was asked yet:
          • *level*: `own` is not offered (read, write)
          • *rows*: 900 is more than 500
          • *reason*: start with the ticket, like INC-1204
          This would do: `/access database 1h whom=eve@elsewhere.example rows=500`
        ");
        stage.alice.command("/access database 1h read whom=nobody@example.com INC-7").await;
        insta::assert_snapshot!(stage.alice.reads_in("#general"), @"
        #general
        nightlatch (only you): :hourglass_flowing_sand: Saved. I am looking up who you are and what you may borrow, and will answer here in a moment.
        nightlatch (only you):
          Nothing was asked yet:
          • *whom*: `nobody@example.com` is not a member of this workspace
          This would do: `/access database 1h level=read INC-7`
        ");
        assert_eq!(stage.requests().await.len(), 0);
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_wants_another_value_of_what_is_held_is_refused_and_nobody_loses_theirs() {
    story_everywhere_with(setting, async |stage| {
        stage.alice.command("/access database 2h read INC-7").await;
        stage.bob.press("Approve").await;
        stage.alice.command("/access database 1h write INC-8").await;
        stage.bob.press("Approve").await;
        assert_eq!(stage.tailnet.attribute("alice-laptop", LEVEL), Some(json!("read")));
        let request = stage.request().await;
        insta::allow_duplicates!(insta::assert_snapshot!(
            request.trouble.map(|trouble| format!("{}; {}", trouble.what, trouble.advice)).unwrap_or_default(), @"another grant holds the same attribute with another value; give the two workflows different attributes"
        ));
        stage.advance(2.hours()).await;
        assert_eq!(stage.tailnet.attribute("alice-laptop", LEVEL), None);
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stood_there_before_is_there_again_and_opens_nothing_if_it_is_another_word() {
    story_everywhere_with(setting, async |stage| {
        stage.tailnet.set_by_hand("alice-laptop", LEVEL, json!("none"), None).expect("a device");
        stage.alice.command("/access database 1h write INC-7").await;
        stage.bob.press("Approve").await;
        assert_eq!(stage.tailnet.attribute("alice-laptop", LEVEL), Some(json!("write")));
        stage.advance(61.minutes()).await;
        assert_eq!(stage.tailnet.attribute("alice-laptop", LEVEL), Some(json!("none")));
        assert!(!stage.request().await.is_left_on());
        stage.tailnet.remove_by_hand("alice-laptop", LEVEL).expect("a device");
        stage.everybody_reads();
    })
    .await;
}

/// What is chosen, and who, has to look like something; several can be chosen.
const PATTERNS: &str = r##"nightlatch: 1
title: Tables
inputs:
  hold: { type: duration, default: 1h, max: 8h }
  region: { type: choice, options: [eu-west, us-east], pattern: "^eu-", pattern_help: only regions in Europe for now }
  tables: { type: choice, many: true, options: [orders, { value: invoices, label: All invoices }, audit], default: [orders] }
  helper: { type: person, required: false, pattern: "^carol@", pattern_help: somebody of the helpdesk }
  reason: { type: text }
ask: [group:engineering]
approve:
  - by: [group:dba]
steps:
  - uses: slack.message
    with: { to: "#general", text: "In {{ inputs.region }}: {{ inputs.tables }}" }
  - uses: tclip.paste
    with: { filename: tables.md, content: "{{ inputs.tables }}" }
announce: "#access"
"##;

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_look_like_it_is_told_with_what_would_be_right() {
    story_with(Setting::default().workflow("tables", PATTERNS), async |stage| {
        for line in [
            "/access tables 1h us-east why",
            "/access tables 1h eu-west tables=orders,ordres why",
            "/access tables 1h eu-west helper=bob@example.com why",
        ] {
            stage.alice.command(line).await;
        }
        insta::assert_snapshot!(stage.alice.reads_in("#general"), @"
        #general
        nightlatch (only you):
          Nothing was asked yet:
          • *region*: `us-east`: only regions in Europe for now
          This would do: `/access tables 1h why`
        nightlatch (only you):
          Nothing was asked yet:
          • *tables*: `ordres` is not offered (orders, invoices, audit)
          This would do: `/access tables 1h region=eu-west why`
        nightlatch (only you): :hourglass_flowing_sand: Saved. I am looking up who you are and what you may borrow, and will answer here in a moment.
        nightlatch (only you):
          Nothing was asked yet:
          • *helper*: bob@example.com: somebody of the helpdesk
          This would do: `/access tables 1h region=eu-west why`
        ");
        assert_eq!(stage.requests().await.len(), 0);
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_can_be_chosen_on_the_line_and_in_the_form() {
    story_everywhere_with(
        || Setting::default().workflow("tables", PATTERNS),
        async |stage| {
            stage.alice.command("/access tables 1h eu-west tables=audit,invoices helper=carol@example.com why").await;
            stage.bob.press("Approve").await;
            let said = stage.bob.sees("#general");
            assert!(said.contains("In eu-west: invoices, audit"), "{said}");
            stage.advance(1.hours()).await;
            stage.alice.command("/access tables").await;
            stage.alice.pick("Region", "eu-west").await;
            stage.alice.pick("Tables", "All invoices, audit").await;
            stage.alice.fill("Reason", "again").await;
            stage.alice.submit().await;
            stage.bob.press("Approve").await;
            let card = stage.bob.sees("#access");
            assert!(card.contains("*Tables*: All invoices, audit"), "{card}");
            stage.advance(1.hours()).await;
            stage.everybody_reads();
        },
    )
    .await;
}
