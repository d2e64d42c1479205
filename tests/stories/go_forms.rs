//! Go links by form: made and changed there, from a message too; what cannot be saved stays as it was typed.

use nightlatch::playground::slack::Writing;
use serde_json::json;

use crate::go::{go, kept, long, press};
use crate::harness::{Stage, story, story_everywhere};

/// Alice has the form for `go/NAME`, which is not there.
async fn form(stage: &Stage, name: &str) {
    stage.alice.command(&format!("/go {name}")).await;
    stage.alice.press_in("#general", &format!("Create go/{name}")).await;
}

#[tokio::test]
async fn a_link_is_edited_in_a_form_that_shows_what_is_there() {
    story(async |stage| {
        go(stage, "alice", "/go runbook https://wiki.example.com/old").await;
        stage.alice.press_in("#general", "Edit").await;
        insta::assert_snapshot!(stage.alice.modal(), @"
        == Edit go link ==
        `go/runbook`
        Leads to: <https://wiki.example.com/old>
        Owner (optional): <alice@example.com>
        ~ What stands behind the name is put behind the destination, or where `{{.Path}}` stands in it.
        (Cancel) [Save]
        ");
        stage.alice.fill("Leads to", "https://wiki.example.com/{{.Path}}?by={{.User}}").await;
        stage.alice.submit().await;
        insta::assert_snapshot!(stage.alice.modal(), @"
        == Saved ==
        *go/runbook (https://nightlatch.example.ts.net/go/runbook)* now leads to `https://wiki.example.com/{{.Path}}?by={{.User}}`
        (Done)
        ");
        let seen = go(stage, "bob", "/go runbook/a").await;
        assert!(seen.contains("https://wiki.example.com/a?by=bob@example.com"), "{seen}");
    })
    .await;
}

#[tokio::test]
async fn a_form_sent_twice_makes_one_link() {
    story_everywhere(async |stage| {
        form(stage, "runbook").await;
        stage.alice.fill("Leads to", "https://wiki.example.com/runbooks").await;
        stage.slack.duplicate_deliveries(1);
        stage.alice.submit().await;
        assert_eq!(long(stage, "runbook").await, "https://wiki.example.com/runbooks");
        let entries = stage
            .bot
            .store()
            .await
            .audit_of(&(&nightlatch::kernel::link::LinkId::of("runbook")).into())
            .await
            .expect("the audit log");
        assert_eq!(entries.len(), 1, "{entries:?}");
    })
    .await;
}

#[tokio::test]
async fn what_golink_would_not_take_is_said_at_its_field_and_stays_as_it_was_typed() {
    story(async |stage| {
        go(stage, "bob", "/go taken https://wiki.example.com/bobs").await;
        go(stage, "alice", "/go own https://wiki.example.com/own").await;
        form(stage, "runbook").await;
        let mut told = String::new();
        for (name, long) in [
            ("run book", "https://x.test"),
            ("-runbook", "https://x.test"),
            ("runbük", "https://x.test"),
            ("a/b", "https://x.test"),
            ("runbook", "https://x.test/{{.Path"),
            ("runbook", "https://x.test/{{Foo .Path}}"),
            ("taken", "https://x.test"),
            ("Ta-ken.", "https://x.test"),
            ("own", "https://x.test"),
        ] {
            stage.alice.fill("Name", name).await;
            stage.alice.fill("Leads to", long).await;
            stage.alice.submit().await;
            let modal = stage.alice.modal();
            assert!(modal.contains(name) && modal.contains(long), "{name} {long} is not there any more: {modal}");
            let wrong: Vec<_> = modal.lines().skip(1).take_while(|line| !line.starts_with('~')).collect();
            told.push_str(&(wrong.join("\n") + "\n"));
        }
        insta::assert_snapshot!(told, @"
        Name: <run book>
          ! A name starts with a letter or digit; letters, digits, dashes, periods and underscores may follow.
        Leads to: <https://x.test>
        Name: <-runbook>
          ! A name starts with a letter or digit; letters, digits, dashes, periods and underscores may follow.
        Leads to: <https://x.test>
        Name: <runbük>
          ! A name starts with a letter or digit; letters, digits, dashes, periods and underscores may follow.
        Leads to: <https://x.test>
        Name: <a/b>
          ! A name starts with a letter or digit; letters, digits, dashes, periods and underscores may follow.
        Leads to: <https://x.test>
        Name: <runbook>
        Leads to: <https://x.test/{{.Path>
          ! The destination is a template that I cannot read: {{ is not closed by }}.
        Name: <runbook>
        Leads to: <https://x.test/{{Foo .Path}}>
          ! The destination is a template that I cannot read: there is no function Foo.
        Name: <taken>
          ! go/taken belongs to bob@example.com, so only they can change it.
        Leads to: <https://x.test>
        Name: <Ta-ken.>
          ! go/taken belongs to bob@example.com, so only they can change it.
        Leads to: <https://x.test>
        Name: <own>
          ! go/own is there already and leads to https://wiki.example.com/own. /go edit own changes it.
        Leads to: <https://x.test>
        ");
        stage.alice.fill("Name", "go/runbook").await;
        stage.alice.fill("Leads to", "https://wiki.example.com/runbooks").await;
        stage.alice.submit().await;
        assert_eq!(long(stage, "runbook").await, "https://wiki.example.com/runbooks");
        assert_eq!(long(stage, "taken").await, "https://wiki.example.com/bobs");
        assert_eq!(long(stage, "own").await, "https://wiki.example.com/own");
    })
    .await;
}

#[tokio::test]
async fn what_is_typed_after_the_command_is_checked_the_same_way() {
    story(async |stage| {
        let mut told = String::new();
        for line in [
            "/go run/book https://x.test",
            "/go -runbook https://x.test",
            "/go runbook https://x.test/{{.Path",
            "/go runbook https://x.test/{{range .Path}}{{end}}",
        ] {
            told.push_str(&go(stage, "alice", line).await);
            told.push('\n');
        }
        insta::assert_snapshot!(told, @"
        nightlatch (only you):
          A name starts with a letter or digit; letters, digits, dashes, periods and underscores may follow.
          You typed `/go run/book https://x.test`
        nightlatch (only you):
          A name starts with a letter or digit; letters, digits, dashes, periods and underscores may follow.
          You typed `/go -runbook https://x.test`
        nightlatch (only you):
          The destination is a template that I cannot read: `{{` is not closed by `}}`.
          You typed `/go runbook https://x.test/{{.Path`
        nightlatch (only you):
          The destination is a template that I cannot read: `range` is not supported here; `if`, `else` and `with` are.
          You typed `/go runbook https://x.test/{{range .Path}}{{end}}`
        ");
        assert_eq!(kept(stage, "runbook").await, None);
    })
    .await;
}

#[tokio::test]
async fn what_is_no_web_address_is_asked_about_before_it_is_made() {
    story(async |stage| {
        insta::assert_snapshot!(go(stage, "alice", "/go mail slack://channel?team=T1").await, @"
        nightlatch (only you):
          :warning: `slack://channel?team=T1` is no web address: people who follow `go/mail` may open something else than a page. Nothing was made yet.
          [Make it anyway]
        ");
        assert_eq!(kept(stage, "mail").await, None);
        press(stage, "alice", "Make it anyway").await;
        assert_eq!(long(stage, "mail").await, "slack://channel?team=T1");
        insta::assert_snapshot!(go(stage, "bob", "/go mail").await, @"
        nightlatch (only you):
          *go/mail (https://nightlatch.example.ts.net/go/mail)* leads to `slack://channel?team=T1`
          :warning: That is no web address. Copy it only if you know what it does.
          ~ of `alice@example.com`
          [Share here] [Details]
        ");
        let seen = go(stage, "alice", "/go wiki wiki.example.com/x").await;
        assert!(seen.contains("Did you mean `/go wiki https://wiki.example.com/x`"), "{seen}");
        for long in ["file:///etc/passwd", "mailto:a@b.test"] {
            let seen = go(stage, "alice", &format!("/go evil {long}")).await;
            assert!(seen.contains("is no web address") && seen.contains("Nothing was made yet"), "{long}: {seen}");
        }
        for long in [
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "data:text/html,x",
            "{{if .Path}}javascript:{{.Path}}{{else}}https://wiki.example.com{{end}}",
        ] {
            let seen = go(stage, "alice", &format!("/go evil {long}")).await;
            assert!(seen.contains("is code that runs in the browser") && !seen.contains("anyway"), "{long}: {seen}");
        }
        assert_eq!(kept(stage, "evil").await, None);
    })
    .await;
}

#[tokio::test]
async fn a_link_that_leads_to_no_web_address_only_sometimes_is_never_to_be_clicked_then() {
    story(async |stage| {
        go(stage, "alice", "/go sly {{if .Path}}{{.Path}}{{else}}https://wiki.example.com{{end}}").await;
        let seen = go(stage, "bob", "/go sly/javascript:alert(1)").await;
        assert!(seen.contains("`javascript:alert(1)`") && seen.contains("That is no web address"), "{seen}");
        press(stage, "bob", "Share here").await;
        let seen = stage.carol.sees("#general");
        assert!(seen.contains("`javascript:alert(1)`") && seen.contains("That is no web address"), "{seen}");
        for call in stage.slack.calls() {
            assert!(!call.args["blocks"].to_string().contains("<javascript:"), "{}", call.args);
        }
    })
    .await;
}

#[tokio::test]
async fn the_form_asks_about_what_is_no_web_address_too_and_keeps_what_was_typed() {
    story(async |stage| {
        form(stage, "mail").await;
        stage.alice.fill("Leads to", "mailto:ops@example.com").await;
        stage.alice.submit().await;
        insta::assert_snapshot!(stage.alice.modal(), @"
        == New go link ==
        :warning: That is no web address: people who follow this link may open something else than a page. Nothing was saved yet. Press Save again if you mean it.
        Name: <mail>
        Leads to: <mailto:ops@example.com>
        ~ What stands behind the name is put behind the destination, or where `{{.Path}}` stands in it.
        (Cancel) [Save]
        ");
        assert_eq!(kept(stage, "mail").await, None);
        // Another one is asked about again.
        stage.alice.fill("Leads to", "slack://channel").await;
        stage.alice.submit().await;
        assert_eq!(kept(stage, "mail").await, None);
        stage.alice.fill("Leads to", "mailto:ops@example.com").await;
        stage.alice.submit().await;
        stage.alice.submit().await;
        assert_eq!(long(stage, "mail").await, "mailto:ops@example.com");
    })
    .await;
}

#[tokio::test]
async fn a_link_is_made_of_the_first_address_in_a_message() {
    story(async |stage| {
        let text = "the runbook: <https://wiki.example.com/runbooks?a=1&amp;b=2|here>, not <https://x.test>".to_owned();
        let message = stage.slack.write("bob", "#general", Writing { text, ..Writing::default() }).unwrap();
        stage.slack.message_shortcut("alice", &message, "link_from_message").await.unwrap();
        stage.bot.settle().await;
        insta::assert_snapshot!(stage.alice.modal(), @"
        == New go link ==
        Name: {prod-runbook}
        Leads to: <https://wiki.example.com/runbooks?a=1&b=2>
        ~ What stands behind the name is put behind the destination, or where `{{.Path}}` stands in it.
        (Cancel) [Save]
        ");
        stage.alice.fill("Name", "runbook").await;
        stage.alice.submit().await;
        assert_eq!(long(stage, "runbook").await, "https://wiki.example.com/runbooks?a=1&b=2");
    })
    .await;
}

#[tokio::test]
async fn an_address_in_rich_text_is_found_and_a_message_without_one_says_so() {
    story(async |stage| {
        let blocks = vec![json!({ "type": "rich_text", "elements": [{ "type": "rich_text_section", "elements": [
            { "type": "text", "text": "look at " },
            { "type": "link", "url": "https://wiki.example.com/rich" },
        ] }] })];
        let writing = Writing { text: "look at this".to_owned(), blocks, ..Writing::default() };
        let message = stage.slack.write("bob", "#general", writing).unwrap();
        stage.slack.message_shortcut("alice", &message, "link_from_message").await.unwrap();
        stage.bot.settle().await;
        assert!(stage.alice.modal().contains("https://wiki.example.com/rich"), "{}", stage.alice.modal());
        stage.slack.dismiss_modal("alice").await.unwrap();
        let (message, _) = stage.slack.say("bob", "#general", "nothing here", None).await.unwrap();
        stage.slack.message_shortcut("alice", &message, "link_from_message").await.unwrap();
        stage.bot.settle().await;
        assert!(stage.alice.modal().contains("There is no web address in that message"), "{}", stage.alice.modal());
    })
    .await;
}

#[tokio::test]
async fn a_form_that_slack_does_not_open_says_so() {
    story(async |stage| {
        go(stage, "alice", "/go runbook https://wiki.example.com/runbooks").await;
        stage.slack.fail("views.open", nightlatch::playground::slack::Fault::Error("expired_trigger_id".to_owned()), 1);
        let seen = press(stage, "alice", "Edit").await;
        assert!(seen.contains("The form could not be opened"), "{seen}");
    })
    .await;
}
