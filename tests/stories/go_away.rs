//! golink slow, hanging, down, moved or refusing; Slack and Tailscale too: an answer in time that says which, nothing lost.

use nightlatch::playground::golink::{GolinkFault, GolinkWorld};
use nightlatch::playground::slack::Fault as SlackFault;
use nightlatch::playground::tailnet::{Endpoint, Fault};

use crate::go::{go, press};
use crate::go_owners::with_golink;
use crate::harness::{Lengths, Stage, story};

/// As people read it, with golink where it is in stories.
fn read(seen: &str, golink: &GolinkWorld) -> String {
    seen.replace(&golink.url(), "http://go")
}

/// What was typed is in the form, and once golink is well it is saved as typed.
async fn the_form_has_it(stage: &Stage, golink: &GolinkWorld) {
    stage.alice.press_in("#general", "Open the form").await;
    let modal = stage.alice.modal();
    assert!(modal.contains("runbook") && modal.contains("https://wiki.example.com/runbooks"), "{modal}");
    golink.fail(None);
    stage.alice.submit().await;
    assert_eq!(
        golink.link("runbook").expect("a link").long,
        "https://wiki.example.com/runbooks",
        "{}",
        stage.alice.modal()
    );
}

const MAKE: &str = "/go runbook https://wiki.example.com/runbooks";

#[tokio::test]
async fn a_golink_that_hangs_is_named_in_time_and_what_was_typed_comes_back() {
    with_golink(async |stage, golink| {
        golink.fail(Some(GolinkFault::Hang));
        insta::assert_snapshot!(read(&go(stage, "alice", MAKE).await, golink), @"
        nightlatch (only you):
          Golink at http://go did not answer in time. Try again in a moment. Nothing was changed.
          [Open the form]
        ");
        insta::assert_snapshot!(read(&go(stage, "alice", "/go runbook").await, golink), @"
        nightlatch (only you):
          Golink at http://go did not answer in time. Try again in a moment. Nothing was changed.
          You typed `/go runbook`
        ");
        insta::assert_snapshot!(read(&go(stage, "alice", "/go search wiki").await, golink), @"
        nightlatch (only you):
          Golink at http://go did not answer in time. Try again in a moment. Nothing was changed.
          You typed `/go search wiki`
        ");
        let told =
            "golink did not answer in time: go links wait for it; see that it runs at the address in nightlatch.yaml";
        assert_eq!(stage.bot.engine().await.checkup().await.warnings, [told]);
        golink.fail(None);
        go(stage, "alice", "/go other https://wiki.example.com/other").await;
        assert_eq!(stage.bot.engine().await.checkup().await.warnings, Vec::<String>::new());
        golink.fail(Some(GolinkFault::Hang));
        let seen = go(stage, "alice", MAKE).await;
        assert!(seen.contains("[Open the form]"), "{seen}");
        the_form_has_it(stage, golink).await;
    })
    .await;
}

#[tokio::test]
async fn a_golink_that_is_down_is_told_from_all_else() {
    with_golink(async |stage, golink| {
        golink.ends().await;
        insta::assert_snapshot!(read(&go(stage, "alice", MAKE).await, golink), @"
        nightlatch (only you):
          Golink at http://go cannot be reached. Check that golink runs and that this machine may reach it on the tailnet. Nothing was changed.
          [Open the form]
        ");
        insta::assert_snapshot!(read(&go(stage, "alice", "/go mine").await, golink), @"
        nightlatch (only you):
          Golink at http://go cannot be reached. Check that golink runs and that this machine may reach it on the tailnet. Nothing was changed.
          You typed `/go mine`
        ");
    })
    .await;
}

#[tokio::test]
async fn a_golink_that_moved_to_https_is_an_admins_to_set_right() {
    with_golink(async |stage, golink| {
        golink.fail(Some(GolinkFault::MovedToHttps("https://go.example-tailnet.ts.net".to_owned())));
        insta::assert_snapshot!(read(&go(stage, "alice", MAKE).await, golink), @"
        nightlatch (only you):
          Golink at http://go now answers at https://go.example-tailnet.ts.net only. Tell an admin; it is not your fault, and the bot's log says what to do. Nothing was changed.
          [Open the form]
        ");
        the_form_has_it(stage, golink).await;
        golink.fail(Some(GolinkFault::MovedToHttps("https://go.example-tailnet.ts.net".to_owned())));
        for line in ["/go nothing", "/go top"] {
            let seen = go(stage, "alice", line).await;
            assert!(seen.contains("answers at https://go.example-tailnet.ts.net only. Tell an admin"), "{line}: {seen}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_golink_that_fails_or_is_read_only_or_does_not_let_the_bot_says_so() {
    with_golink(async |stage, golink| {
        golink.fail(Some(GolinkFault::Fails));
        insta::assert_snapshot!(read(&go(stage, "alice", MAKE).await, golink), @"
        nightlatch (only you):
          Golink refused (http status 500): something broke. Nothing was changed.
          [Open the form]
        ");
        golink.fail(Some(GolinkFault::ReadOnly));
        insta::assert_snapshot!(read(&go(stage, "alice", MAKE).await, golink), @"
        nightlatch (only you):
          Golink refused (http status 405): golink is in read-only mode. Whoever runs golink switched changes off; try again later, or ask them. Nothing was changed.
          [Open the form]
        ");
        the_form_has_it(stage, golink).await;
        golink.caller_is("tagged-devices", false);
        go(stage, "alice", "/go runbook https://wiki.example.com/new").await;
        insta::assert_snapshot!(read(&press(stage, "alice", "Replace").await, golink), @r#"
        nightlatch (only you):
          Golink refused (http status 403): cannot update link owned by "alice@example.com". Tell an admin; it is not your fault, and the bot's log says what to do. Nothing was changed.
          [Open the form]
        "#);
    })
    .await;
}

#[tokio::test]
async fn a_saved_link_whose_answer_got_lost_is_looked_for() {
    with_golink(async |stage, golink| {
        golink.fail(Some(GolinkFault::LostReply));
        // Nothing answers at all: looking before the change says so, and nothing is changed.
        let seen = go(stage, "alice", MAKE).await;
        assert!(seen.contains("did not answer in time") && golink.link("runbook").is_none(), "{seen}");
        golink.fail(Some(GolinkFault::LostSave));
        let seen = go(stage, "alice", MAKE).await;
        assert!(seen.contains("is made and leads to"), "{seen}");
        assert_eq!(golink.link("runbook").expect("a link").owner, "alice@example.com");
    })
    .await;
}

#[tokio::test]
async fn in_the_form_too_nothing_typed_is_lost() {
    with_golink(async |stage, golink| {
        stage.alice.command("/go runbook").await;
        stage.alice.press_in("#general", "Create go/runbook").await;
        stage.alice.fill("Leads to", "https://wiki.example.com/runbooks").await;
        golink.fail(Some(GolinkFault::Hang));
        stage.alice.submit().await;
        insta::assert_snapshot!(read(&stage.alice.modal(), golink), @"
        == New go link ==
        Name: <runbook>
        Leads to: <https://wiki.example.com/runbooks>
          ! Golink at http://go did not answer in time. Try again in a moment. Nothing was changed.
        ~ What stands behind the name is put behind the destination, or where `{{.Path}}` stands in it.
        (Cancel) [Save]
        ");
        golink.fail(Some(GolinkFault::Fails));
        stage.alice.submit().await;
        assert!(stage.alice.modal().contains("http status 500"), "{}", stage.alice.modal());
        golink.fail(None);
        stage.alice.submit().await;
        assert_eq!(golink.link("runbook").expect("a link").long, "https://wiki.example.com/runbooks");
    })
    .await;
}

#[tokio::test]
async fn a_list_that_golink_takes_long_for_is_there_when_it_is_asked_for_again() {
    with_golink(async |stage, golink| {
        golink.put("runbook", "https://wiki.example.com/runbooks", "bob@example.com");
        golink.fail(Some(GolinkFault::SlowList(1_500)));
        let seen = go(stage, "alice", "/go search wiki").await;
        assert!(seen.contains("did not answer in time"), "{seen}");
        golink
            .until(|golink| golink.calls().iter().any(|call| call.line == "GET /.export" && call.status == 200))
            .await;
        let seen = go(stage, "alice", "/go search wiki").await;
        assert!(seen.contains("One go link with `wiki`"), "{seen}");
        let lists = golink.calls().iter().filter(|call| call.line == "GET /.export").count();
        assert_eq!(lists, 1, "people who ask meanwhile share one reading");
    })
    .await;
}

#[tokio::test]
async fn what_golink_said_is_remembered_for_seconds_and_no_longer() {
    with_golink(async |stage, golink| {
        golink.put("runbook", "https://wiki.example.com/one", "bob@example.com");
        let details =
            |golink: &GolinkWorld| golink.calls().iter().filter(|call| call.line.contains("/.detail/")).count();
        for _ in 0..5 {
            go(stage, "alice", "/go runbook").await;
        }
        assert_eq!(details(golink), 1, "{:?}", golink.calls());
        golink.put("runbook", "https://wiki.example.com/two", "bob@example.com");
        stage.advance(3.seconds()).await;
        let seen = go(stage, "alice", "/go runbook").await;
        assert!(seen.contains("https://wiki.example.com/two"), "{seen}");
        let seen = go(stage, "alice", "/go search wiki").await;
        assert!(seen.contains("two"), "{seen}");
        golink.put("other", "https://wiki.example.com/other", "bob@example.com");
        stage.advance(6.seconds()).await;
        let seen = go(stage, "alice", "/go search wiki").await;
        assert!(seen.contains("2 go links"), "{seen}");
        // What we changed ourselves is right at once.
        go(stage, "alice", "/go mine https://wiki.example.com/mine").await;
        go(stage, "alice", "/go third https://wiki.example.com/third").await;
        let seen = go(stage, "alice", "/go search wiki").await;
        assert!(seen.contains("3 go links") || seen.contains("4 go links"), "{seen}");
    })
    .await;
}

#[tokio::test]
async fn what_golink_cannot_do_over_http_is_said_with_the_page_where_it_can_be_done() {
    with_golink(async |stage, golink| {
        go(stage, "alice", MAKE).await;
        insta::assert_snapshot!(read(&go(stage, "alice", "/go delete runbook").await, golink), @"
        nightlatch (only you):
          *go/runbook (http://go/runbook)* leads to `https://wiki.example.com/runbooks`
          *Owner* `alice@example.com` | *Followed* never yet
          *Made* today 13:00:00 | *Changed* today 13:00:00
          ~ golink lets no program delete links: its owner deletes it on its page (http://go/.detail/runbook).
          [Share here] [Edit]
        ");
    })
    .await;
}

#[tokio::test]
async fn how_often_a_link_was_followed_is_not_said_when_golink_does_not_tell() {
    with_golink(async |stage, golink| {
        go(stage, "alice", MAKE).await;
        golink.fail(Some(GolinkFault::NoStats));
        let seen = go(stage, "alice", "/go delete runbook").await;
        assert!(!seen.contains("Followed") && seen.contains("alice@example.com"), "{seen}");
        let seen = go(stage, "alice", "/go top").await;
        assert!(seen.contains("Golink refused (http status 404)"), "{seen}");
        let seen = go(stage, "alice", "/go mine").await;
        assert!(seen.contains("One go link is yours"), "{seen}");
    })
    .await;
}

#[tokio::test]
async fn a_template_that_only_go_can_fill_in_is_filled_in_by_golink() {
    with_golink(async |stage, golink| {
        golink.put("odd", "https://wiki.example.com/{{range .Path}}x{{end}}", "bob@example.com");
        golink.leads("odd", "https://wiki.example.com/xxx");
        let seen = go(stage, "alice", "/go odd/abc").await;
        assert!(seen.contains("leads to https://wiki.example.com/xxx"), "{seen}");
    })
    .await;
}

#[tokio::test]
async fn a_tailnet_that_does_not_answer_keeps_nobody_from_following_links() {
    story(async |stage| {
        go(stage, "alice", MAKE).await;
        go(stage, "alice", "/go me https://people.example.com/{{.User}}").await;
        stage.advance(6.seconds()).await;
        stage.tailnet.fault(Endpoint::User, Fault::Hang, None);
        let seen = go(stage, "bob", "/go runbook").await;
        assert!(seen.contains("https://wiki.example.com/runbooks"), "{seen}");
        insta::assert_snapshot!(go(stage, "bob", "/go me").await, @"
        nightlatch (only you):
          Tailscale did not say in time who you are. Try again in a moment. Nothing was changed.
          You typed `/go me`
        ");
        insta::assert_snapshot!(go(stage, "bob", "/go bobs https://wiki.example.com/bobs").await, @"
        nightlatch (only you):
          Tailscale did not say in time who you are. Try again in a moment. Nothing was changed.
          [Open the form]
        ");
        stage.tailnet.clear_faults(Endpoint::User);
        stage.bob.press_in("#general", "Open the form").await;
        stage.bob.submit().await;
        assert_eq!(crate::go::long(stage, "bobs").await, "https://wiki.example.com/bobs");
    })
    .await;
}

#[tokio::test]
async fn a_slack_that_does_not_say_who_somebody_is_is_named() {
    story(async |stage| {
        stage.slack.fail("users.info", SlackFault::Hang, u32::MAX);
        insta::assert_snapshot!(go(stage, "alice", MAKE).await, @"
        nightlatch (only you):
          Slack did not say in time who you are. Try again in a moment. Nothing was changed.
          [Open the form]
        ");
        stage.slack.heal();
    })
    .await;
}
