//! Go links as people type them: with quotes and ticks, as whole addresses, with signs behind them; and what leads nowhere.

use nightlatch::playground::slack::Writing;
use serde_json::json;

use crate::go::{go, kept, long, press};
use crate::harness::{Stage, story};

/// Types it and gives back the first line of what was said.
async fn first_line(stage: &Stage, line: &str) -> String {
    let seen = go(stage, "alice", line).await;
    let lines = seen.lines().map(str::trim).filter(|line| !line.is_empty());
    let said = lines.map(|line| line.trim_start_matches("nightlatch (only you):").trim()).find(|line| !line.is_empty());
    format!("{line}\n    {}", said.unwrap_or_default())
}

#[tokio::test]
async fn what_stands_around_an_address_is_taken_off() {
    story(async |stage| {
        for (number, typed) in [
            "“https://x.example/”",
            "\"https://x.example/\"",
            "'https://x.example/'",
            "`https://x.example/`",
            "(https://x.example/)",
            "[https://x.example/]",
            "<https://x.example/>",
            "<https://x.example/|x.example>",
            "*https://x.example/*",
            "“`https://x.example/`”",
        ]
        .into_iter()
        .enumerate()
        {
            go(stage, "alice", &format!("/go q{number} {typed}")).await;
            assert_eq!(long(stage, &format!("q{number}")).await, "https://x.example/", "{typed}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_destination_that_nobody_could_follow_is_not_made_and_the_reason_is_said() {
    story(async |stage| {
        let mut told = Vec::new();
        for typed in [
            "https://x.example/%zz",
            "https://x.example/ https://y.example/",
            "https://",
            "https://:80/",
            "https://x.example:99999/",
            "https://x.example/{{.Foo}}",
            "https://x.example/{{.Now.IsZero}}",
            "{{printf \"%x\" .Path}}",
            "{{.}}",
            "javascript:alert(1)",
            "data:text/html,hello",
        ] {
            told.push(first_line(stage, &format!("/go t {typed}")).await);
            assert_eq!(kept(stage, "t").await, None, "{typed}");
        }
        insta::assert_snapshot!(told.join("\n"), @r#"
        /go t https://x.example/%zz
            That can lead nowhere: `%zz` is no escape. Nothing was changed.
        /go t https://x.example/ https://y.example/
            That can lead nowhere: these are two addresses, and a link leads to one. Nothing was changed.
        /go t https://
            That can lead nowhere: its host is missing. Nothing was changed.
        /go t https://:80/
            That can lead nowhere: its host is missing. Nothing was changed.
        /go t https://x.example:99999/
            That can lead nowhere: there is no port 99999. Nothing was changed.
        /go t https://x.example/{{.Foo}}
            That can lead nowhere: there is no `.Foo`; a link knows `.Path`, `.User` and `.Now`. Nothing was changed.
        /go t https://x.example/{{.Now.IsZero}}
            That can lead nowhere: `.Now.IsZero` is not supported here; `.Now.Format` is. Nothing was changed.
        /go t {{printf "%x" .Path}}
            That can lead nowhere: `printf` cannot write a text as `%x`. Nothing was changed.
        /go t {{.}}
            That can lead nowhere: `.` is everything at once; write `.Path`, `.User` or `.Now`. Nothing was changed.
        /go t javascript:alert(1)
            That can lead nowhere: `javascript:` is code that runs in the browser of whoever follows the link. Nothing was changed.
        /go t data:text/html,hello
            That can lead nowhere: `data:` is code that runs in the browser of whoever follows the link. Nothing was changed.
        "#);
    })
    .await;
}

#[tokio::test]
async fn a_link_to_itself_and_an_address_with_spaces_are_asked_about() {
    story(async |stage| {
        let mut told = Vec::new();
        for typed in
            ["https://nightlatch.example.ts.net/go/wiki", "http://go/Wiki", "/w-iki", "https://x.example/ and more"]
        {
            told.push(first_line(stage, &format!("/go wiki {typed}")).await);
            assert_eq!(kept(stage, "wiki").await, None, "{typed}");
        }
        insta::assert_snapshot!(told.join("\n"), @"
        /go wiki https://nightlatch.example.ts.net/go/wiki
            :warning: `https://nightlatch.example.ts.net/go/wiki` is this link itself, so it would lead in a circle. Nothing was made yet.
        /go wiki http://go/Wiki
            :warning: `http://go/Wiki` is this link itself, so it would lead in a circle. Nothing was made yet.
        /go wiki /w-iki
            :warning: `/w-iki` is this link itself, so it would lead in a circle. Nothing was made yet.
        /go wiki https://x.example/ and more
            :warning: `https://x.example/ and more` has spaces in it, as no web address has: they would become `%20`. Nothing was made yet.
        ");
        press(stage, "alice", "Make it anyway").await;
        assert_eq!(long(stage, "wiki").await, "https://x.example/ and more");
        // To another link, or to the front page of the links, is fine.
        go(stage, "alice", "/go other http://go/wiki").await;
        go(stage, "alice", "/go home https://nightlatch.example.ts.net/go/").await;
        assert_eq!(long(stage, "other").await, "http://go/wiki");
        assert_eq!(long(stage, "home").await, "https://nightlatch.example.ts.net/go/");
    })
    .await;
}

#[tokio::test]
async fn a_name_is_found_whatever_was_copied_along_with_it() {
    story(async |stage| {
        go(stage, "alice", "/go wiki-page https://wiki.example.com/").await;
        go(stage, "alice", "/go q https://q.example.com/?q={{QueryEscape .Path}}").await;
        for typed in [
            "wiki-page:",
            "wiki-page.",
            "wiki-page,",
            "wiki-page?",
            "wiki-page!",
            "wiki-page;",
            "“wiki-page”",
            "`wiki-page`",
            "wiki–page",
            "wiki—page",
            "<wiki-page>",
            "go/wiki-page",
            "http://go/wiki-page",
            "https://go/wiki-page",
            "https://nightlatch.example.ts.net/go/wiki-page",
            "<http://go/wiki-page|go/wiki-page>",
        ] {
            let seen = first_line(stage, &format!("/go {typed}")).await;
            assert!(seen.contains("leads to https://wiki.example.com/"), "{seen}");
        }
        for (typed, expected) in
            [("q/100%", "?q=100%25"), ("q/c#", "?q=c%23"), ("q/a%20b", "?q=a+b"), ("http://go/q/50%25", "?q=50%25")]
        {
            let seen = first_line(stage, &format!("/go {typed}")).await;
            assert!(seen.contains(expected), "{seen}");
        }
        // Somebody else's address is no link of ours.
        let seen = first_line(stage, "/go https://x.example/wiki-page").await;
        assert!(seen.contains("Say a name first"), "{seen}");
        let seen = first_line(stage, "/go nothere:").await;
        assert!(seen.contains("There is no `go/nothere`."), "{seen}");
    })
    .await;
}

#[tokio::test]
async fn the_form_says_at_its_field_what_leads_nowhere() {
    story(async |stage| {
        go(stage, "alice", "/go nosuch").await;
        stage.alice.press_in("#general", "Create go/nosuch").await;
        stage.alice.fill("Leads to", "https://x.example/{{.Foo}}").await;
        stage.alice.submit().await;
        let modal = stage.alice.modal();
        assert!(modal.contains("there is no `.Foo`") || modal.contains("there is no .Foo"), "{modal}");
        stage.alice.fill("Leads to", "https://nightlatch.example.ts.net/go/nosuch").await;
        stage.alice.submit().await;
        let modal = stage.alice.modal();
        assert!(modal.contains("would lead in a circle"), "{modal}");
        assert_eq!(kept(stage, "nosuch").await, None);
    })
    .await;
}

#[tokio::test]
async fn a_link_is_made_of_an_address_that_hangs_on_a_message() {
    story(async |stage| {
        let blocks = vec![json!({ "type": "section", "text": { "type": "mrkdwn", "text": "look at https://plain.example/x, please" } })];
        let writing = Writing { text: "an alert".to_owned(), blocks, ..Writing::default() };
        let message = stage.slack.write("bob", "#general", writing).unwrap();
        stage.slack.message_shortcut("alice", &message, "link_from_message").await.unwrap();
        stage.bot.settle().await;
        assert!(stage.alice.modal().contains("<https://plain.example/x>"), "{}", stage.alice.modal());
    })
    .await;
}
