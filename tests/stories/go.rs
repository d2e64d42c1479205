//! Go links: followed from a command, with all that stands behind the name; shared, looked at, searched for.

use std::collections::HashMap;

use nightlatch::kernel::link::Link;
use nightlatch::playground::slack::Fault;

use crate::harness::{Stage, story, story_everywhere};

/// What `who` was told last in #general, once there is something they were not told before.
pub async fn told(stage: &Stage, who: &str) -> String {
    stage.told_privately("#general", who).await
}

/// Types a command and returns what came of it.
pub async fn go(stage: &Stage, who: &str, line: &str) -> String {
    stage.human(who).command(line).await;
    told(stage, who).await
}

/// Presses a button in #general and returns what came of it.
pub async fn press(stage: &Stage, who: &str, words: &str) -> String {
    stage.human(who).press_in("#general", words).await;
    told(stage, who).await
}

/// The link as it is kept now, where our own links are.
pub async fn kept(stage: &Stage, short: &str) -> Option<Link> {
    stage.bot.engine().await.links().find(short).await.expect("our own links")
}

/// Where it leads now.
pub async fn long(stage: &Stage, short: &str) -> String {
    kept(stage, short).await.map_or_else(|| "nowhere".to_owned(), |link| link.long)
}

#[tokio::test]
async fn a_link_is_made_by_its_name_and_an_address_and_only_its_maker_is_told() {
    story_everywhere(async |stage| {
        stage.alice.command("/go runbook https://wiki.example.com/runbooks?a=1&b=2").await;
        let link = kept(stage, "runbook").await.expect("a link");
        assert_eq!(
            (link.long.as_str(), link.owner.as_str()),
            ("https://wiki.example.com/runbooks?a=1&b=2", "alice@example.com")
        );
        assert!(!stage.bob.sees("#general").contains("runbook"), "bob sees it");
    })
    .await;
}

#[tokio::test]
async fn what_was_made_is_told_with_what_can_be_done() {
    story(async |stage| {
        insta::assert_snapshot!(go(stage, "alice", "/go runbook https://wiki.example.com/runbooks").await, @"
        nightlatch (only you):
          *go/runbook (https://nightlatch.example.ts.net/go/runbook)* is made and leads to `https://wiki.example.com/runbooks`
          ~ of `alice@example.com`
          [Share here] [Details] [Edit]
        ");
    })
    .await;
}

#[tokio::test]
async fn a_name_is_answered_privately_with_where_it_leads() {
    story(async |stage| {
        go(stage, "alice", "/go runbook https://wiki.example.com/runbooks").await;
        insta::assert_snapshot!(go(stage, "alice", "/go runbook").await, @"
        nightlatch (only you):
          *go/runbook (https://nightlatch.example.ts.net/go/runbook)* leads to https://wiki.example.com/runbooks (https://wiki.example.com/runbooks)
          ~ of `alice@example.com`
          [Share here] [Details] [Edit]
        ");
        let seen = go(stage, "bob", "/go runbook").await;
        insta::assert_snapshot!(seen, @"
        nightlatch (only you):
          *go/runbook (https://nightlatch.example.ts.net/go/runbook)* leads to https://wiki.example.com/runbooks (https://wiki.example.com/runbooks)
          ~ of `alice@example.com`
          [Share here] [Details]
        ");
    })
    .await;
}

#[tokio::test]
async fn what_stands_behind_the_name_goes_along() {
    story(async |stage| {
        go(stage, "alice", "/go runbook https://wiki.example.com/runbooks?lang=en").await;
        for (typed, to) in [
            ("/go runbook/db?x=y", "https://wiki.example.com/runbooks?lang=en%2Fdb&x=y"),
            ("/go runbook?x=1&y=2", "https://wiki.example.com/runbooks?lang=en&x=1&y=2"),
            ("/go go/runbook", "https://wiki.example.com/runbooks?lang=en"),
            ("/go RunBook", "https://wiki.example.com/runbooks?lang=en"),
            ("/go run-book.", "https://wiki.example.com/runbooks?lang=en"),
            ("/go runbook),", "https://wiki.example.com/runbooks?lang=en"),
        ] {
            let seen = go(stage, "bob", typed).await;
            assert!(
                seen.contains(&format!("leads to {to} ({to})\n")) || seen.contains(&format!("leads to {to}\n")),
                "{typed}: {seen}"
            );
        }
        go(stage, "alice", "/go w https://wiki.example.com/w/").await;
        for (typed, to) in [
            ("/go w/a/b?q=1", "https://wiki.example.com/w/a/b?q=1"),
            ("/go w/%C3%A4", "https://wiki.example.com/w/%C3%A4"),
        ] {
            let seen = go(stage, "bob", typed).await;
            assert!(seen.contains(to), "{typed}: {seen}");
        }
    })
    .await;
}

#[tokio::test]
async fn templates_are_filled_in_as_golink_does_for_whoever_asks() {
    story(async |stage| {
        go(stage, "alice", "/go me https://people.example.com/{{.User}}/{{.Path}}").await;
        go(stage, "alice", r#"/go today https://cal.example.com/{{.Now.Format "2006-01-02"}}"#).await;
        go(stage, "alice", "/go bug {{if Match `^\\d+$` .Path}}https://bugs.example.com/{{.Path}}{{else}}https://bugs.example.com/?q={{QueryEscape .Path}}{{end}}").await;
        let seen = go(stage, "alice", "/go me/boss").await;
        assert!(seen.contains("https://people.example.com/alice@example.com/boss"), "{seen}");
        let seen = go(stage, "bob", "/go me/boss").await;
        assert!(seen.contains("https://people.example.com/bob@example.com/boss"), "{seen}");
        let seen = go(stage, "bob", "/go today").await;
        assert!(seen.contains("https://cal.example.com/2026-03-01"), "{seen}");
        let seen = go(stage, "bob", "/go bug/1204").await;
        assert!(seen.contains("https://bugs.example.com/1204"), "{seen}");
        let seen = go(stage, "bob", "/go bug/out%20of%20disk").await;
        assert!(seen.contains("https://bugs.example.com/?q=out+of+disk"), "{seen}");
    })
    .await;
}

#[tokio::test]
async fn a_link_that_depends_on_who_asks_says_so_to_somebody_the_tailnet_does_not_know() {
    story(async |stage| {
        go(stage, "alice", "/go me https://people.example.com/{{.User}}").await;
        stage.tailnet.suspend("bob@example.com").unwrap();
        stage.advance(crate::harness::Lengths::seconds(6)).await;
        insta::assert_snapshot!(go(stage, "bob", "/go me").await, @"
        nightlatch (only you):
          That depends on who you are in the tailnet, and I cannot tell: I looked for an active tailnet user called `bob@example.com` (your e-mail in Slack) and found none. Nothing was changed. If your tailnet login is another one, ask an admin to tell the bot.
          You typed `/go me`
        ");
    })
    .await;
}

#[tokio::test]
async fn an_unknown_name_gets_the_nearest_ones_and_a_button_that_makes_it() {
    story(async |stage| {
        for name in ["runbook", "runbooks-eu", "roombook", "payroll"] {
            go(stage, "alice", &format!("/go {name} https://wiki.example.com/{name}")).await;
        }
        insta::assert_snapshot!(go(stage, "bob", "/go runbok").await, @"
        nightlatch (only you):
          There is no `go/runbok`. Did you mean go/runbook (https://nightlatch.example.ts.net/go/runbook)?
          [Create go/runbok]
        ");
        stage.bob.press_in("#general", "Create go/runbok").await;
        insta::assert_snapshot!(stage.bob.modal(), @"
        == New go link ==
        Name: <runbok>
        Leads to: {https://wiki.example.com/runbooks/}
        ~ What stands behind the name is put behind the destination, or where `{{.Path}}` stands in it.
        (Cancel) [Save]
        ");
        stage.bob.fill("Leads to", "https://wiki.example.com/bok").await;
        stage.bob.submit().await;
        insta::assert_snapshot!(stage.bob.modal(), @"
        == Saved ==
        *go/runbok (https://nightlatch.example.ts.net/go/runbok)* is made and leads to `https://wiki.example.com/bok`
        (Done)
        ");
        assert_eq!(kept(stage, "runbok").await.map(|link| link.owner).as_deref(), Some("bob@example.com"));
        let seen = go(stage, "bob", "/go zzz").await;
        assert!(!seen.contains("Did you mean"), "{seen}");
        let seen = go(stage, "bob", "/go <!channel>").await;
        assert!(!seen.contains("[Create"), "a name that cannot be: {seen}");
    })
    .await;
}

#[tokio::test]
async fn share_here_says_it_in_the_channel_and_nothing_is_unfurled() {
    story(async |stage| {
        go(stage, "alice", "/go runbook https://wiki.example.com/runbooks").await;
        stage.alice.command("/go runbook/db").await;
        stage.alice.press_in("#general", "Share here").await;
        let seen = stage.bob.sees("#general");
        assert_eq!(seen.matches("shared *go/runbook/db").count(), 1, "{seen}");
        let said = stage.slack.calls().into_iter().filter(|call| call.method == "chat.postMessage");
        let said: Vec<_> = said.filter(|call| call.args["channel"] == "C0GENERAL1").collect();
        assert!(!said.is_empty());
        for call in said {
            assert_eq!(
                (&call.args["unfurl_links"], &call.args["unfurl_media"]),
                (&false.into(), &false.into()),
                "{}",
                call.args
            );
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_shared_reads_so() {
    story(async |stage| {
        go(stage, "alice", "/go runbook https://wiki.example.com/runbooks").await;
        go(stage, "alice", "/go runbook/db").await;
        let seen = press(stage, "alice", "Share here").await;
        assert!(seen.contains("Shared here."), "{seen}");
        insta::assert_snapshot!(stage.bob.sees("#general"), @"
        #general
        nightlatch: @alice shared *go/runbook/db (https://nightlatch.example.ts.net/go/runbook/db)*: https://wiki.example.com/runbooks/db (https://wiki.example.com/runbooks/db)
        ");
    })
    .await;
}

#[tokio::test]
async fn what_stands_behind_the_name_is_shared_as_it_was_typed() {
    story(async |stage| {
        go(stage, "alice", "/go w https://wiki.example.com/").await;
        let seen = go(stage, "alice", "/go w/100%2525/is%3F/a%20b%23c?x=%26").await;
        // The path is put in unescaped, as golink does it.
        let to = "https://wiki.example.com/100%25/is?%2Fa+b=&x=%26#c";
        assert!(seen.contains(&format!("leads to {to} ({to})\n")), "{seen}");
        press(stage, "alice", "Share here").await;
        let seen = stage.bob.sees("#general");
        assert!(seen.contains(to), "{seen}");
        assert!(seen.contains("https://nightlatch.example.ts.net/go/w/100%2525/is%3F/a%20b%23c?x=%26"), "{seen}");
    })
    .await;
}

#[tokio::test]
async fn where_the_bot_may_not_speak_the_sharer_is_told() {
    story(async |stage| {
        go(stage, "alice", "/go runbook https://wiki.example.com/runbooks").await;
        stage.slack.fail("chat.postMessage", Fault::Error("not_in_channel".to_owned()), 1);
        press(stage, "alice", "Share here").await;
        let read = stage.alice.reads();
        assert!(read.contains("I could not post what you shared") && read.contains("/invite"), "{read}");
    })
    .await;
}

#[tokio::test]
async fn sharing_a_link_that_depends_on_who_follows_it_tells_nobody_where_it_led_the_sharer() {
    story(async |stage| {
        go(stage, "alice", "/go me https://people.example.com/{{.User}}").await;
        go(stage, "alice", "/go me").await;
        press(stage, "alice", "Share here").await;
        let seen = stage.bob.sees("#general");
        assert!(seen.contains("shared *go/me") && !seen.contains("alice@example.com"), "{seen}");
    })
    .await;
}

#[tokio::test]
async fn nothing_people_put_into_a_link_becomes_markup() {
    story(async |stage| {
        go(stage, "alice", "/go x https://x.test/?a=<!channel>&b=*c*").await;
        go(stage, "alice", "/go x/<@U0BOB0001>?d=<!here|e>").await;
        press(stage, "alice", "Details").await;
        press(stage, "alice", "Share here").await;
        go(stage, "alice", "/go search <!channel>").await;
        let lively = ["<!channel>", "<!here", "<@U0BOB0001>"];
        let mut looked_at: HashMap<&str, usize> = HashMap::new();
        for call in stage.slack.calls() {
            let text = format!("{} {}", call.args["text"], call.args["blocks"]);
            *looked_at.entry("calls").or_default() += 1;
            assert!(!lively.iter().any(|live| text.contains(live)), "{text}");
        }
        for delivery in stage.slack.deliveries() {
            let body = delivery.delivered.and_then(|delivered| delivered.body).unwrap_or_default().to_string();
            *looked_at.entry("answers").or_default() += 1;
            assert!(!lively.iter().any(|live| body.contains(live)), "{body}");
        }
        assert!(looked_at["calls"] > 0 && looked_at["answers"] > 0);
    })
    .await;
}

#[tokio::test]
async fn an_address_alone_is_no_name_and_one_in_brackets_is_an_address() {
    story(async |stage| {
        let told = go(stage, "alice", "/go https://wiki.example.com/runbooks").await;
        assert!(
            told.contains("Say a name first: `/go NAME https://wiki.example.com/runbooks` makes a go link."),
            "{told}"
        );
        go(stage, "alice", "/go runbook <https://wiki.example.com/runbooks|wiki.example.com/runbooks>").await;
        assert_eq!(long(stage, "runbook").await, "https://wiki.example.com/runbooks");
    })
    .await;
}
