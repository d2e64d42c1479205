//! Pastes: from a command, a form or a message; shared, listed and deleted; asked about when they may hold secrets.

use nightlatch::playground::slack::{Fault, File, Writing};
use serde_json::json;

use crate::harness::{Lengths, Stage, story, story_everywhere};

/// The address in what somebody sees.
fn address(seen: &str) -> String {
    let start = seen.rfind("https://nightlatch.example.ts.net/paste/").expect("an address");
    seen[start..].chars().take_while(|c| c.is_ascii_alphanumeric() || "-:/._".contains(*c)).collect()
}

pub fn id(seen: &str) -> String {
    address(seen).rsplit('/').next().unwrap().to_owned()
}

/// What `who` sees in #general once `words` are there: answers to clicks and shortcuts come a moment after the ack.
pub async fn seen_with(stage: &Stage, who: &str, channel: &str, words: &str) -> String {
    let is_there = stage.slack.until(|slack| slack.screen(who, channel).contains(words)).await;
    let seen = stage.slack.screen(who, channel);
    assert!(is_there, "{who} does not see {words:?} in:\n{seen}");
    seen
}

/// The text of the newest paste, as its raw page gives it.
pub async fn raw(stage: &Stage, id: &str) -> Option<String> {
    let pastes = stage.bot.engine().await.pastes().clone();
    let id = nightlatch::kernel::paste::PasteId::read(id).expect("an id");
    match pastes.find(&id).await.expect("the database") {
        Some(_) => pastes.content(&id).await.expect("the database"),
        None => None,
    }
}

#[tokio::test]
async fn text_after_the_command_becomes_a_paste_that_only_its_author_sees() {
    story_everywhere(async |stage| {
        stage.alice.command("/paste the log says:  \"no space left\" & <nothing> else").await;
        let seen = stage.alice.sees("#general");
        let expected = "the log says:  \"no space left\" & <nothing> else";
        assert_eq!(raw(stage, &id(&seen)).await.as_deref(), Some(expected), "{seen}");
        assert!(!stage.bob.sees("#general").contains("paste"), "bob sees it");
    })
    .await;
}

#[tokio::test]
async fn a_paste_is_told_with_its_address_and_what_can_be_done() {
    story(async |stage| {
        stage.alice.command("/paste hello").await;
        insta::assert_snapshot!(stage.alice.sees("#general"), @"
        #general
        nightlatch (only you):
          *Pasted: untitled (https://nightlatch.example.ts.net/paste/00000000-0000-4000-8000-000000000001)*
          https://nightlatch.example.ts.net/paste/00000000-0000-4000-8000-000000000001
          ~ 5 bytes, stays until you delete it. Everybody on the tailnet can read it and find it in the list of all pastes.
          [Share here] [Open](https://nightlatch.example.ts.net/paste/00000000-0000-4000-8000-000000000001) [Delete]
        ");
    })
    .await;
}

#[tokio::test]
async fn share_here_says_it_in_the_channel_once() {
    story(async |stage| {
        stage.alice.command("/paste hello <!channel> *x*").await;
        stage.alice.press("Share here").await;
        let seen = stage.bob.sees("#general");
        assert_eq!(seen.matches("shared a paste").count(), 1, "{seen}");
        assert!(seen.contains("untitled"), "{seen}");
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_shared_in_a_channel_is_told_to_whoever_shared() {
    story(async |stage| {
        stage.alice.command("/paste hello").await;
        stage.slack.fail("chat.postMessage", Fault::Error("not_in_channel".to_owned()), 1);
        stage.alice.press("Share here").await;
        let read = stage.alice.reads();
        assert!(read.contains("I could not post what you shared"), "{read}");
        assert!(read.contains("/invite"), "{read}");
    })
    .await;
}

#[tokio::test]
async fn the_form_takes_many_lines_a_name_and_a_language() {
    story(async |stage| {
        stage.alice.command("/paste").await;
        stage.alice.fill("Text", "fn main() {\n\tprintln!(“hi”);\n}\n").await;
        stage.alice.fill("File name", "../main.rs").await;
        stage.alice.pick("Language", "Rust").await;
        stage.alice.submit().await;
        let modal = stage.alice.modal();
        assert!(modal.contains("main.rs") && modal.contains("Share here"), "{modal}");
        assert_eq!(raw(stage, &id(&modal)).await.as_deref(), Some("fn main() {\n\tprintln!(“hi”);\n}\n"));
        stage.alice.press("Share here").await;
        assert!(stage.bob.sees("#general").contains("shared a paste"), "{}", stage.bob.sees("#general"));
        assert!(stage.alice.modal().contains("Shared in"), "{}", stage.alice.modal());
    })
    .await;
}

#[tokio::test]
async fn a_paste_for_a_given_time_is_gone_when_the_time_is_up() {
    story(async |stage| {
        stage.alice.command("/paste").await;
        stage.alice.fill("Text", "soon gone").await;
        stage.alice.pick("Keep it", "1 hour").await;
        stage.alice.submit().await;
        let id = id(&stage.alice.modal());
        stage.advance(59.minutes()).await;
        assert_eq!(raw(stage, &id).await.as_deref(), Some("soon gone"));
        stage.advance(1.minutes()).await;
        assert_eq!(raw(stage, &id).await, None);
        let kept = stage.bot.store().await.paste_content(&nightlatch::kernel::paste::PasteId::read(&id).unwrap()).await;
        assert_eq!(kept.unwrap(), None, "the text itself is gone too");
    })
    .await;
}

#[tokio::test]
async fn a_list_shows_mine_and_delete_removes_one() {
    story_everywhere(async |stage| {
        stage.alice.command("/paste first").await;
        stage.advance(1.minutes()).await;
        stage.alice.command("/paste second").await;
        let second = address(&stage.alice.sees("#general"));
        stage.bob.command("/paste of bob").await;
        stage.alice.command("/paste list").await;
        let seen = stage.alice.sees("#general");
        assert!(seen.contains("Your pastes"), "{seen}");
        stage.alice.command(&format!("/paste delete {second}")).await;
        assert_eq!(raw(stage, &id(&second)).await, None);
        stage.alice.command(&format!("/paste delete {second}")).await;
        let seen = stage.alice.sees("#general");
        assert!(seen.contains("there is no such paste") || seen.contains("There is no such paste"), "{seen}");
    })
    .await;
}

#[tokio::test]
async fn somebody_elses_paste_is_not_deleted() {
    story(async |stage| {
        stage.alice.command("/paste mine").await;
        let address = address(&stage.alice.sees("#general"));
        stage.bob.command(&format!("/paste delete {address}")).await;
        let seen = stage.bob.sees("#general");
        assert!(seen.contains("only they can delete it"), "{seen}");
        assert!(raw(stage, &id(&address)).await.is_some());
    })
    .await;
}

#[tokio::test]
async fn words_that_begin_like_a_command_are_pasted_when_more_follows() {
    story(async |stage| {
        stage.alice.command("/paste list of things to do").await;
        let seen = stage.alice.sees("#general");
        assert_eq!(raw(stage, &id(&seen)).await.as_deref(), Some("list of things to do"));
        stage.alice.command("/paste delete nonsense").await;
        assert!(stage.alice.sees("#general").contains("is no address of a paste"));
        stage.alice.command("/paste help").await;
        assert!(stage.alice.sees("#general").contains("too long for chat"));
    })
    .await;
}

/// Put together here, so that this file holds nothing that looks like a secret.
fn key() -> String {
    format!("tskey-{}", "auth-kTest0CNTRL-abcdefghijklmnop")
}

#[tokio::test]
async fn a_likely_secret_needs_a_second_click() {
    story_everywhere(async |stage| {
        stage.alice.command(&format!("/paste export TS_KEY={}", key())).await;
        let seen = stage.alice.sees("#general");
        assert!(seen.contains("a Tailscale key in line 1") && seen.contains("Nothing was sent yet"), "{seen}");
        assert!(!seen.contains("nightlatch.example.ts.net/paste/0"), "{seen}");
        stage.alice.press("Paste it anyway").await;
        let seen = seen_with(stage, "alice", "#general", "Pasted: ").await;
        assert_eq!(raw(stage, &id(&seen)).await, Some(format!("export TS_KEY={}", key())));
    })
    .await;
}

#[tokio::test]
async fn a_second_second_click_changes_nothing_and_a_late_one_is_told_so() {
    story(async |stage| {
        stage.alice.command(&format!("/paste {}", key())).await;
        stage.advance(16.minutes()).await;
        stage.alice.press("Paste it anyway").await;
        seen_with(stage, "alice", "#general", "15 minutes are over").await;
    })
    .await;
}

#[tokio::test]
async fn a_secret_in_the_form_is_asked_about_in_the_form() {
    story(async |stage| {
        stage.alice.command("/paste").await;
        stage.alice.fill("Text", &key()).await;
        stage.alice.submit().await;
        assert!(stage.alice.modal().contains("a Tailscale key"), "{}", stage.alice.modal());
        stage.alice.submit().await;
        assert_eq!(raw(stage, &id(&stage.alice.modal())).await, Some(key()));
    })
    .await;
}

#[tokio::test]
async fn what_was_thrown_away_is_not_pasted() {
    story(async |stage| {
        stage.alice.command(&format!("/paste {}", key())).await;
        stage.alice.press("Throw it away").await;
        seen_with(stage, "alice", "#general", "Thrown away").await;
        assert!(stage.bot.engine().await.pastes().page_of(10, 0).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_message_with_a_code_block_is_pasted_with_it() {
    story(async |stage| {
        let blocks = vec![json!({ "type": "rich_text", "elements": [
            { "type": "rich_text_section", "elements": [{ "type": "text", "text": "look:" }] },
            { "type": "rich_text_preformatted", "elements": [{ "type": "text", "text": "a <b>\n  c" }] },
        ]})];
        let text = "look: ```a &lt;b&gt;\n  c```".to_owned();
        let writing = Writing { text, blocks, ..Writing::default() };
        let message = stage.slack.write("bob", "#general", writing).unwrap();
        stage.slack.message_shortcut("alice", &message, "paste_message").await.unwrap();
        stage.bot.settle().await;
        let seen = seen_with(stage, "alice", "#general", "Pasted: ").await;
        assert_eq!(raw(stage, &id(&seen)).await.as_deref(), Some("look:\n```\na <b>\n  c\n```"), "{seen}");
    })
    .await;
}

#[tokio::test]
async fn a_thread_is_pasted_whole_where_the_bot_may_read_it() {
    story(async |stage| {
        let (first, _) = stage.slack.say("bob", "#access", "it is down", None).await.unwrap();
        stage.slack.say("carol", "#access", "since when?", Some(&first.ts)).await.unwrap();
        stage.slack.message_shortcut("alice", &first, "paste_message").await.unwrap();
        stage.bot.settle().await;
        let seen = seen_with(stage, "alice", "#access", "Pasted: ").await;
        insta::assert_snapshot!(raw(stage, &id(&seen)).await.unwrap(), @r"
        **Bob**, 2026-03-01 12:00:00 UTC

        it is down

        ---

        **Carol**, 2026-03-01 12:00:00 UTC

        since when?
        ");
    })
    .await;
}

#[tokio::test]
async fn text_files_with_a_message_are_pasted_and_others_left_out() {
    story(async |stage| {
        let png = File { name: "x.png".to_owned(), mimetype: "image/png".to_owned(), content: vec![0x89, 0x50] };
        let not_text = File { content: vec![0xff, 0x00], ..File::text("broken.log", "") };
        let files = vec![File::text("app.log", "line one\nline two\n"), png, not_text];
        let message = stage.slack.write("bob", "#general", Writing { files, ..Writing::default() }).unwrap();
        stage.slack.message_shortcut("alice", &message, "paste_message").await.unwrap();
        stage.bot.settle().await;
        let seen = seen_with(stage, "alice", "#general", "app.log").await;
        assert!(seen.contains("x.png was left out: it is not a text file"), "{seen}");
        assert!(seen.contains("broken.log was left out: it is not a text"), "{seen}");
        assert_eq!(raw(stage, &id(&seen)).await.as_deref(), Some("line one\nline two\n"));
    })
    .await;
}

#[tokio::test]
async fn guests_and_outsiders_paste_nothing() {
    story(async |stage| {
        stage.grace.command("/paste hello").await;
        assert!(stage.grace.sees("#general").contains("Guests"), "{}", stage.grace.sees("#general"));
        assert!(stage.bot.engine().await.pastes().page_of(10, 0).await.unwrap().is_empty());
    })
    .await;
}
