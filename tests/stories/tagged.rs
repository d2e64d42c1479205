//! Devices that belong to nobody: an input of type device with `of` takes those that carry a tag, and whether they still do is read
//! afresh before anything is switched on.

use serde_json::json;

use crate::harness::*;

const WORKFLOW: &str = r##"nightlatch: 1
title: Maintenance of a database server
inputs:
  hold: { type: duration, default: 1h, max: 8h }
  reason: { type: text }
  server: { type: device, of: [tag:prod-db], label: Server }
ask: [group:engineering]
approve:
  - by: [group:dba]
steps:
  - uses: tailscale.attribute
    with: { device: "{{ inputs.server }}", key: custom:maintenance, value: true }
  - uses: slack.message
    with: { to: "#general", text: "{{ device.name }} ({{ device.addresses }}) is being looked after" }
announce: "#access"
"##;

fn setting() -> Setting {
    Setting::default().workflow("maintenance", WORKFLOW)
}

fn is_on(stage: &Stage, device: &str) -> bool {
    stage.tailnet.attribute(device, "custom:maintenance") == Some(json!(true))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_only_device_with_the_tag_is_taken_and_its_addresses_can_be_said() {
    story_everywhere_with(setting, async |stage| {
        stage.alice.command("/access maintenance 2h the disk is full").await;
        insta::allow_duplicates!(insta::assert_snapshot!(stage.bob.reads_in("#access"), @"
        #access
        nightlatch:
          ⏳ *Waiting for approval* · Maintenance of a database server
          @alice asks for 2h on prod-db-1 (linux)
          > the disk is full
          Asked: @bob, @carol (in group:dba)
          ~ Request 01kjmma2g000000001 · `maintenance` · lapses today 15:00 · changes `tailscale.attribute nPRODDB1CNTRL custom:maintenance`, `slack.message 01kjmma2g000000001 2 #general`
          [Approve] [Approve...] [Deny]
        "));
        stage.bob.press("Approve").await;
        assert!(is_on(stage, "prod-db-1"));
        insta::allow_duplicates!(insta::assert_snapshot!(stage.bob.reads_in("#general"), @"
        #general
        nightlatch: prod-db-1 (100.64.0.8, fd7a:115c:a1e0::b24f) is being looked after
        "));
        stage.advance(2.hours()).await;
        assert!(!is_on(stage, "prod-db-1"));
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_one_is_chosen_and_no_other_device_can_be() {
    story_with(setting(), async |stage| {
        stage.tailnet.add_device("prod-db-2", "linux", "bob@example.com");
        stage.tailnet.tag("prod-db-2", &["tag:other", "tag:prod-db"]).expect("a device");
        stage.advance(3.minutes()).await;
        stage.bot.looks_around().await;
        stage.alice.command("/access maintenance 1h disks").await;
        insta::assert_snapshot!(stage.alice.modal(), @"
        == Borrow access ==
        *Maintenance of a database server*
        Server: {A device with tag:prod-db}
        Hold: <1 hour (usual)>
        Reason: <disks>
          Shown to those who decide, and kept in the audit log.
        ~ :busts_in_silhouette: One of group:dba decides; they see it in #access. Without an answer it lapses after 8 hours.
        (Cancel) [Ask]
        ");
        stage.alice.pick("Server", "prod-db-2").await;
        stage.alice.submit().await;
        stage.bob.press("Approve").await;
        assert!(is_on(stage, "prod-db-2") && !is_on(stage, "prod-db-1"));
        stage.advance(1.hours()).await;
        stage.alice.command("/access maintenance 1h server=alice-laptop disks").await;
        insta::assert_snapshot!(stage.alice.reads_in("#general"), @"
        #general
        nightlatch: prod-db-2 (100.64.0.10, fd7a:115c:a1e0::b251) is being looked after
        nightlatch (only you): :hourglass_flowing_sand: Saved. I am looking up who you are and what you may borrow, and will answer here in a moment.
        nightlatch (only you):
          Nothing was asked yet:
          • *server*: `alice-laptop` is not a device with tag:prod-db (prod-db-1, prod-db-2)
          This would do: `/access maintenance 1h disks`
        ");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_lost_the_tag_meanwhile_gets_nothing() {
    story_with(setting(), async |stage| {
        stage.alice.command("/access maintenance 1h disks").await;
        stage.tailnet.tag("prod-db-1", &["tag:retired"]).expect("a device");
        stage.bob.press("Approve").await;
        assert!(!is_on(stage, "prod-db-1"));
        let request = stage.request().await;
        insta::assert_snapshot!(
            request.trouble.map(|trouble| format!("{}; {}", trouble.what, trouble.advice)).unwrap_or_default(), @"the device does not carry the tag it must have (prod-db-1); pick a device that has the tag and ask again"
        );
        stage.advance(3.minutes()).await;
        stage.bot.looks_around().await;
        stage.alice.command("/access maintenance 1h disks").await;
        insta::assert_snapshot!(stage.alice.reads_in("#general"), @"
        #general
        nightlatch (only you):
          ⏳ *Asked for Maintenance of a database server* for 1h on prod-db-1 (linux). Nothing is on yet; you will be told when it is.
          It is decided by whoever is in group:dba.
          ~ Request 01kjmma2g000000001 · lapses today 21:00 if nobody answers
          [Withdraw]
        nightlatch (only you): :hourglass_flowing_sand: Saved. I am looking up who you are and what you may borrow, and will answer here in a moment.
        nightlatch (only you):
          Nothing was asked yet:
          • *server*: no device of the tailnet has tag:prod-db
          This would do: `/access maintenance 1h disks`
        ");
        stage.everybody_reads();
    })
    .await;
}
