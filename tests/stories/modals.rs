//! The form: what can be borrowed, filled in as far as it is known, wrong things said at their field.

use nightlatch::playground::slack::{Fault as SlackFault, Person, Surface};
use nightlatch::playground::tailnet::{Endpoint, Fault};

use crate::harness::*;

/// A second thing to borrow, for database people only.
fn billing() -> String {
    changed(
        PROD_DB,
        &[
            ("title: Production database", "title: Billing console"),
            ("description: Reach tag:prod-db from one of your devices.", "description: See every invoice."),
            ("ask: [group:engineering]", "ask: [group:dba]"),
            ("max: 8h", "max: 2h"),
            ("default: 1h", "default: 15m"),
            ("custom:jit_prod_db", "custom:jit_billing"),
            ("announce: \"#access\"", ""),
        ],
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bare_command_opens_a_form_with_everything_to_fill_in() {
    story_everywhere_with(
        || Setting::default().workflow("billing", &billing()),
        async |stage| {
            stage.alice.command("/access").await;
            insta::allow_duplicates!(insta::assert_snapshot!(stage.alice.modal(), @"
            == Borrow access ==
            What do you need?: <Production database>
            ~ Reach tag:prod-db from one of your devices.
            Device: <alice-laptop (macOS)>
            Hold: <1 hour (usual)>
            Reason: {}
              Shown to those who decide, and kept in the audit log.
            ~ :busts_in_silhouette: One of group:dba or @db-oncall decides; they see it in #access. Without an answer it lapses after 8 hours.
            (Cancel) [Ask]
            "));
            stage.alice.pick("Hold", "4 hours").await;
            stage.alice.fill("Reason", "invoice 1204 is stuck").await;
            stage.alice.submit().await;
            insta::allow_duplicates!(insta::assert_snapshot!(stage.alice.modal(), @"
            == Asked ==
            ⏳ *Asked for Production database* for 4h on alice-laptop (macOS). Nothing is on yet; you will be told when it is.
            It is decided by whoever is in group:dba or @db-oncall.
            ~ Request 01kjmma2g000000001 · lapses today 21:00 if nobody answers
            [Withdraw]
            (Done)
            "));
            let request = stage.request().await;
            assert_eq!((request.hold_ms, request.reason.as_str()), (4 * 3_600_000, "invoice 1204 is stuck"));
            stage.bob.press("Approve").await;
            assert!(stage.is_on());
            stage.advance(4.hours()).await;
            assert!(!stage.is_on());
            stage.everybody_reads();
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_form_offers_only_what_a_person_may_ask_for_and_changes_with_the_choice() {
    story_with(Setting::default().workflow("billing", &billing()), async |stage| {
        stage.alice.command("/access").await;
        let refused = stage.slack.select("alice", Surface::Modal, "workflow", "billing").await;
        assert!(refused.is_err(), "alice is no database person");
        stage.bob.command("/access").await;
        insta::assert_snapshot!(stage.bob.modal(), @"
        == Borrow access ==
        What do you need?: <Billing console>
        ~ See every invoice.
        Device: {One of your devices}
        Hold: <15 minutes (usual)>
        Reason: {}
          Shown to those who decide, and kept in the audit log.
        ~ :busts_in_silhouette: One of group:dba or @db-oncall decides; they see it in their direct messages. Without an answer it lapses after 8 hours.
        (Cancel) [Ask]
        ");
        stage.bob.fill("Reason", "typed before the choice").await;
        stage.bob.pick("workflow", "prod-db").await;
        insta::assert_snapshot!(stage.bob.modal(), @"
        == Borrow access ==
        What do you need?: <Production database>
        ~ Reach tag:prod-db from one of your devices.
        Device: {One of your devices}
        Hold: <1 hour (usual)>
        Reason: <typed before the choice>
          Shown to those who decide, and kept in the audit log.
        ~ :busts_in_silhouette: One of group:dba or @db-oncall decides; they see it in #access. Without an answer it lapses after 8 hours.
        (Cancel) [Ask]
        ");
        stage.slack.close_modal("bob").await.expect("a modal");
        stage.bob.command("/access").await;
        stage.bob.pick("workflow", "billing").await;
        let over = stage.slack.select("bob", Surface::Modal, "Hold", "4h").await;
        assert!(over.is_err(), "no longer than the workflow lends");
        assert!(stage.requests().await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_devices_open_the_form_with_the_rest_filled_in() {
    story_everywhere(async |stage| {
        stage.tailnet.set_connected("bob-desktop", false).expect("a device");
        stage.advance(90.minutes()).await;
        stage.bot.looks_around().await;
        stage.bob.command("/access prod-db 2h restore a backup").await;
        assert!(stage.requests().await.is_empty(), "it cannot be told which device");
        insta::allow_duplicates!(insta::assert_snapshot!(stage.bob.modal(), @"
        == Borrow access ==
        *Production database*
        Reach tag:prod-db from one of your devices.
        Device: {One of your devices}
        Hold: <2 hours>
        Reason: <restore a backup>
          Shown to those who decide, and kept in the audit log.
        ~ :busts_in_silhouette: One of group:dba or @db-oncall decides; they see it in #access. Without an answer it lapses after 8 hours.
        (Cancel) [Ask]
        "));
        let offered = stage.slack.query_options("bob", Surface::Modal, "Device", "").await.expect("a menu");
        assert_eq!(offered, ["bob-laptop (windows)", "bob-desktop (linux)"], "own ones, the newest first");
        let offered = stage.slack.query_options("bob", Surface::Modal, "Device", "DESK").await.expect("a menu");
        assert_eq!(offered, ["bob-desktop (linux)"]);
        stage.bob.pick("Device", "bob-desktop").await;
        stage.bob.submit().await;
        let request = stage.request().await;
        assert_eq!(request.device.as_ref().map(|device| device.node_id.as_str()), Some("nBOB1CNTRL"));
        assert_eq!((request.hold_ms, request.reason.as_str()), (2 * 3_600_000, "restore a backup"));
        stage.carol.press("Approve").await;
        assert_eq!(stage.tailnet.attribute("bob-desktop", JIT), Some(true.into()));
        assert_eq!(stage.tailnet.attribute("bob-laptop", JIT), None);
        stage.advance(2.hours()).await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_reason_opens_the_form_with_the_rest_filled_in() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h").await;
        insta::assert_snapshot!(stage.alice.modal(), @"
        == Borrow access ==
        *Production database*
        Reach tag:prod-db from one of your devices.
        Device: <alice-laptop (macOS)>
        Hold: <2 hours>
        Reason: {}
          Shown to those who decide, and kept in the audit log.
        ~ :busts_in_silhouette: One of group:dba or @db-oncall decides; they see it in #access. Without an answer it lapses after 8 hours.
        (Cancel) [Ask]
        ");
        stage.alice.fill("Reason", "invoice 1204").await;
        stage.alice.submit().await;
        stage.slack.close_modal("alice").await.expect("a modal");
        assert_eq!(stage.request().await.reason, "invoice 1204");
        stage.bob.press("Deny").await;
        stage.bob.submit().await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_without_a_device_can_connect_one_while_the_form_is_open() {
    story(async |stage| {
        stage.dave.command("/access prod-db 1h invoice").await;
        insta::assert_snapshot!(stage.dave.modal(), @"
        == Borrow access ==
        :warning: You have no device of your own in the tailnet (tagged and shared ones do not count). Connect one with Tailscale, then choose it here.
        *Production database*
        Reach tag:prod-db from one of your devices.
        Device: {One of your devices}
        Hold: <1 hour (usual)>
        Reason: <invoice>
          Shown to those who decide, and kept in the audit log.
        ~ :busts_in_silhouette: One of group:dba or @db-oncall decides; they see it in #access. Without an answer it lapses after 8 hours.
        (Cancel) [Ask]
        ");
        let offered = stage.slack.query_options("dave", Surface::Modal, "Device", "").await.expect("a menu");
        assert_eq!(offered, ["You have no device of your own in the tailnet"]);
        stage.dave.pick("Device", "You have no device").await;
        stage.dave.submit().await;
        let complaint = stage.dave.modal();
        assert!(complaint.contains("  ! "), "{complaint}");
        stage.tailnet.add_device("dave-pad", "iOS", "dave@example.com");
        stage.clock.advance(6.seconds());
        stage.dave.pick("Device", "dave-pad").await;
        stage.dave.submit().await;
        assert_eq!(stage.request().await.device.as_ref().map(|device| device.name.clone()), Some("dave-pad".into()));
        stage.dave.command("/access withdraw prod-db").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_form_is_said_at_its_field_and_nothing_is_asked() {
    story(async |stage| {
        stage.bob.command("/access prod-db 2h restore a backup").await;
        stage.bob.pick("Device", "bob-desktop").await;
        stage.tailnet.change_owner("bob-desktop", "carol@example.com").expect("a device");
        stage.clock.advance(6.seconds());
        stage.bot.looks_around().await;
        stage.bob.submit().await;
        insta::assert_snapshot!(stage.bob.modal(), @"
        == Borrow access ==
        :warning: Nothing was asked yet. *device*: this is not one of your devices (bob-laptop)
        *Production database*
        Reach tag:prod-db from one of your devices.
        Device: {One of your devices}
        Hold: <2 hours>
        Reason: <restore a backup>
          Shown to those who decide, and kept in the audit log.
        ~ :busts_in_silhouette: One of group:dba or @db-oncall decides; they see it in #access. Without an answer it lapses after 8 hours.
        (Cancel) [Ask]
        ");
        assert!(stage.requests().await.is_empty());
        stage.bob.pick("Device", "bob-laptop").await;
        stage.bob.submit().await;
        assert_eq!(stage.requests().await.len(), 1);
        stage.bob.command("/access withdraw prod-db").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_was_changed_on_its_way_is_checked_like_anything_else() {
    story(async |stage| {
        stage.bob.command("/access prod-db 2h restore a backup").await;
        stage.bob.pick("Device", "bob-desktop").await;
        let sent = stage.bob.submit().await;
        assert!(sent.acked);
        stage.bob.command("/access withdraw prod-db").await;
        let honest = stage.slack.deliveries().into_iter().rev().find(|one| one.payload["type"] == "view_submission");
        let honest = honest.expect("a submission");
        let changes = [
            ("nBOB1CNTRL", "nALICE1CNTRL"),
            ("\"value\":\"2h\"", "\"value\":\"200h\""),
            ("\"value\":\"2h\"", "\"value\":\"-2h\""),
            ("restore a backup", "   "),
            ("prod-db", "no-such-thing"),
        ];
        for (number, (old, new)) in changes.into_iter().enumerate() {
            let text = honest.payload.to_string();
            assert!(text.contains(old), "{old} in {text}");
            let mut payload: serde_json::Value = serde_json::from_str(&text.replace(old, new)).expect("JSON");
            payload["trigger_id"] = format!("1.2.{number}").into();
            let answered = stage.slack.deliver_raw(honest.envelope, payload).await;
            stage.bot.settle().await;
            assert!(answered.acked);
            assert_eq!(stage.requests().await.len(), 1, "`{new}` instead of `{old}`");
        }
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tailnet_that_hangs_keeps_no_form_from_being_drawn() {
    story(async |stage| {
        stage.tailnet.fault(Endpoint::Any, Fault::Hang, None);
        stage.alice.command("/access").await;
        assert!(stage.alice.modal().contains("Device: <alice-laptop (macOS)>"), "{}", stage.alice.modal());
        stage.tailnet.clear_faults(Endpoint::Any);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_slack_does_not_open_is_told_with_what_to_type_instead() {
    story(async |stage| {
        stage.slack.fail("views.open", SlackFault::Error("expired_trigger_id".to_owned()), 1);
        stage.alice.command("/access prod-db 2h").await;
        insta::assert_snapshot!(stage.alice.reads_in("#general"), @"
        #general
        nightlatch (only you): The form could not be opened: Slack gives three seconds for it, and they were over. Nothing was asked. Try again, or type `/access prod-db 2h`
        ");
        assert!(stage.slack.modal("alice").is_none());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_sent_twice_is_one_request() {
    story_everywhere(async |stage| {
        stage.alice.command("/access prod-db 2h").await;
        stage.alice.fill("Reason", "invoice 1204").await;
        stage.slack.duplicate_deliveries(1);
        stage.alice.submit().await;
        stage.slack.redeliver().await.expect("a delivery");
        stage.bot.settle().await;
        assert_eq!(stage.requests().await.len(), 1);
        stage.alice.command("/access withdraw prod-db").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shortcut_opens_the_same_form() {
    story(async |stage| {
        let delivered = stage.slack.shortcut("alice", "access_request").await.expect("a shortcut");
        assert!(delivered.acked);
        assert!(stage.alice.modal().starts_with("== Borrow access =="));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_may_ask_for_nothing_is_told_so_instead_of_a_form() {
    let newcomer = Person::new("U0ZOE0001", "zoe", "Europe/Oslo");
    let setting = Setting::default()
        .seed(|seed| seed.person(newcomer))
        .prod_db(&[("ask: [group:engineering]", "ask: [group:dba]")]);
    story_with(setting, async |stage| {
        let is_told = async |who: &Human, name: &str, words: &str| {
            who.command("/access").await;
            let told = stage.slack.until(|slack| slack.modal(name).is_some_and(|modal| modal.contains(words))).await;
            assert!(told, "{name}: {}", who.modal());
        };
        is_told(&stage.alice, "alice", "There is nothing here that you may ask for. If there should be, ask an admin")
            .await;
        is_told(&stage.grace, "grace", "Guests").await;
        stage.slack.set_member("#general", "zoe", true).expect("a channel");
        is_told(&stage.human("zoe"), "zoe", "zoe@example.com").await;
    })
    .await;
}
