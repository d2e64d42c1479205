//! The forms: what people see in them and fill in, and what happens when Slack or the tailnet does not play along.

use insta::assert_snapshot;
use nightlatch::playground::slack::Fault as SlackFault;

use crate::answers::with_staging;
use crate::harness::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_cannot_be_told_is_asked_for_with_the_rest_filled_in() {
    story(async |stage| {
        stage.bob.command("/access prod-db 2h invoice 1204 is stuck").await;
        assert_snapshot!(stage.bob.modal(), @"
        == Borrow access ==
        *Production database*
        Reach tag:prod-db from one of your devices.
        Device: {One of your devices}
        Hold: <2 hours>
        Reason: <invoice 1204 is stuck>
          Shown to those who decide, and kept in the audit log.
        ~ :busts_in_silhouette: One of group:dba or @db-oncall decides; they see it in #access. Without an answer it lapses after 8 hours.
        (Cancel) [Ask]
        ");
        let offered = |query: &'static str| stage.slack.query_options("bob", "modal", "Device", query);
        assert_eq!(offered("").await, Ok(vec!["bob-desktop (linux)".to_owned(), "bob-laptop (windows)".to_owned()]));
        assert_eq!(offered("WIN").await, Ok(vec!["bob-laptop (windows)".to_owned()]));
        assert_eq!(offered("nbob1").await, Ok(vec!["bob-desktop (linux)".to_owned()]));
        assert_eq!(offered("alice").await, Ok(vec![]));
        stage.bob.pick("Device", "bob-laptop").await;
        stage.bob.submit().await;
        assert_snapshot!(stage.bob.modal(), @"
        == Asked ==
        ⏳ *Asked for Production database* for 2h on bob-laptop (windows). Nothing is on yet; you will be told when it is.
        It is decided by whoever is in group:dba or @db-oncall.
        ~ Request 01kjmma2g000000001 · lapses today 15:00 if nobody answers
        [Withdraw]
        (Done)
        ");
        assert!(stage.carol.sees("#access").contains("on bob-laptop (windows)"));
        stage.bob.press("Withdraw").await;
        assert_snapshot!(stage.bob.modal(), @"
        == Saved ==
        Your press is saved. `/access list` shows what comes of it.
        (Done)
        ");
        assert!(stage.carol.sees("#access").contains("Withdrawn"), "{}", stage.carol.sees("#access"));
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn access_alone_offers_what_one_may_ask_for_and_follows_the_choice() {
    story_with(with_staging(), async |stage| {
        stage.bob.command("/access").await;
        assert_snapshot!(stage.bob.modal(), @"
        == Borrow access ==
        What do you need?: <Production database>
        ~ Reach tag:prod-db from one of your devices.
        Device: {One of your devices}
        Hold: <1 hour (usual)>
        Reason: {}
          Shown to those who decide, and kept in the audit log.
        ~ :busts_in_silhouette: One of group:dba or @db-oncall decides; they see it in #access. Without an answer it lapses after 8 hours.
        (Cancel) [Ask]
        ");
        stage.bob.fill("Reason", "typed before").await;
        stage.bob.pick("Device", "bob-desktop").await;
        stage.bob.pick("What do you need?", "Staging").await;
        assert_snapshot!(stage.bob.modal(), @"
        == Borrow access ==
        What do you need?: <Staging>
        Device: <bob-desktop (linux)>
        Hold: <30 minutes (usual)>
        Ticket (optional): {}
          Shown to those who decide, and kept in the audit log.
        ~ :busts_in_silhouette: One of alice@example.com or bob@example.com decides; they see it in their direct messages. Without an answer it lapses after 8 hours.
        (Cancel) [Ask]
        ");
        stage.bob.pick("Hold", "2 hours").await;
        stage.bob.pick("What do you need?", "Production database").await;
        let modal = stage.bob.modal();
        assert!(modal.contains("Hold: <2 hours>") && modal.contains("Device: <bob-desktop (linux)>"), "{modal}");
        stage.bob.fill("Reason", "typed again").await;
        stage.bob.submit().await;
        assert!(stage.bob.modal().contains("Asked for Production database* for 2h on bob-desktop"));
        stage.bob.press("Withdraw").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_sent_before_it_followed_the_choice_is_shown_again_instead() {
    story_with(with_staging(), async |stage| {
        stage.alice.command("/access").await;
        stage.alice.fill("Reason", "why").await;
        stage.slack.fail("views.update", SlackFault::Unavailable, 1);
        stage.alice.pick("What do you need?", "Staging").await;
        assert!(stage.alice.modal().contains("Reason"), "not redrawn: Slack was away");
        stage.alice.submit().await;
        assert_snapshot!(stage.alice.modal(), @"
        == Borrow access ==
        :warning: The fields changed with your choice. Please look at them, then send it.
        What do you need?: <Staging>
        Device: <alice-laptop (macOS)>
        Hold: <30 minutes (usual)>
        Ticket (optional): {}
          Shown to those who decide, and kept in the audit log.
        ~ :busts_in_silhouette: One of alice@example.com or bob@example.com decides; they see it in their direct messages. Without an answer it lapses after 8 hours.
        (Cancel) [Ask]
        ");
        assert!(stage.alice.home().await.contains("Nothing waits for you"), "nothing was asked");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_without_a_device_can_connect_one_while_the_form_is_open() {
    story(async |stage| {
        stage.dave.command("/access prod-db 1h why").await;
        assert!(stage.dave.modal().contains("You have no device of your own"), "{}", stage.dave.modal());
        stage.tailnet.add_device("dave-laptop", "linux", "dave@example.com");
        stage.advance(10.seconds()).await;
        stage.dave.pick("Device", "dave-laptop").await;
        stage.dave.submit().await;
        assert!(stage.dave.modal().contains("on dave-laptop (linux)"), "{}", stage.dave.modal());
        stage.dave.press("Withdraw").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_asks_why_and_its_reason_reaches_the_requester() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h invoice & <co>").await;
        stage.bob.press("Deny").await;
        assert_snapshot!(stage.bob.modal(), @"
        == Deny request ==
        @alice asks for *Production database* on alice-laptop for 2 hours.
        > invoice & <co>
        Why (optional): {}
          Reaches the requester, and is kept with the request.
        ~ Nothing is decided until you press Deny here.
        (Back) [Deny]
        ");
        stage.bob.fill("Why", "use the <replica>").await;
        stage.bob.submit().await;
        assert_eq!(stage.bob.modal(), "(no modal)");
        assert!(stage.alice.reads().contains("> use the <replica>"));
        stage.alice.press("Ask again").await;
        assert_snapshot!(stage.alice.modal(), @"
        == Borrow access ==
        *Production database*
        Reach tag:prod-db from one of your devices.
        Device: <alice-laptop (macOS)>
        Hold: <2 hours>
        Reason: <invoice & <co>>
          Shown to those who decide, and kept in the audit log.
        ~ :busts_in_silhouette: One of group:dba or @db-oncall decides; they see it in #access. Without an answer it lapses after 8 hours.
        (Cancel) [Ask]
        ");
        stage.alice.submit().await;
        assert!(stage.alice.modal().contains("Asked for Production database* for 2h on alice-laptop"));
        stage.alice.press("Withdraw").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_workflows_than_fit_into_a_menu_are_searched_for() {
    let mut setting = Setting::default();
    for number in 100..201 {
        let text = PROD_DB.replace("title: Production database", &format!("title: Cluster {number}"));
        setting.workflows.push((format!("cluster-{number}"), text));
    }
    story_with(setting, async |stage| {
        stage.slack.shortcut("alice", "access_request").await.expect("the shortcut");
        assert!(stage.slack.until(|slack| slack.modal("alice").is_some()).await);
        let offered = stage.slack.query_options("alice", "modal", "What do you need?", "ter 15").await.expect("a menu");
        assert_eq!((offered.len(), offered.first().map(String::as_str)), (10, Some("Cluster 150")));
        stage.alice.pick("What do you need?", "Cluster 157").await;
        stage.alice.fill("Reason", &"& <!channel> ".repeat(38)).await;
        stage.alice.submit().await;
        assert!(stage.alice.modal().contains("Asked for Cluster 157*"), "{}", stage.alice.modal());
        stage.bob.press("Deny").await;
        assert!(stage.bob.modal().contains("> & <!channel> &"), "{}", stage.bob.modal());
        stage.bob.submit().await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_asked_can_ask_again() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h why").await;
        stage.bob.press("Deny").await;
        stage.bob.submit().await;
        stage.alice.press("Ask again").await;
        let pressed = stage.slack.deliveries().pop().expect("the press");
        let mut payload = pressed.payload;
        payload["user"]["id"] = "U0DAVE001".into();
        payload["trigger_id"] = "1.2.dave".into();
        assert!(stage.slack.deliver_raw(pressed.envelope, payload).await.acked);
        assert!(stage.slack.until(|slack| slack.everything_said().contains("somebody else's request")).await);
        assert_eq!(stage.dave.modal(), "(no modal)");
        stage.everybody_reads();
    })
    .await;
}
