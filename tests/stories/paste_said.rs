//! What people are told about pastes: where it was shared and deleted, what was left out and why, and what to do about it.

use nightlatch::kernel::paste::CONTENT_MAX_BYTES;
use nightlatch::playground::slack::{Envelope, File, SlackWorld, Writing};
use nightlatch::playground::tclip::{TclipFault, TclipWorld};
use serde_json::json;

use crate::harness::{DM, Setting, Stage, story, story_with};
use crate::paste::{id, raw, seen_with};

async fn with_tclip(extra: &str, body: impl AsyncFnOnce(&mut Stage, &TclipWorld)) {
    let tclip = TclipWorld::start("nightlatch").await.expect("a tclip");
    let config = format!("tclip: {{ url: {}{extra} }}", tclip.url());
    story_with(Setting { more: config, ..Setting::default() }, async |stage| body(stage, &tclip).await).await;
}

/// Bob writes something with files, and Alice uses "Paste this" on it.
async fn pasted_from(stage: &Stage, writing: Writing, words: &str) -> String {
    let message = stage.slack.write("bob", "#general", writing).unwrap();
    stage.slack.message_shortcut("alice", &message, "paste_message").await.unwrap();
    stage.bot.settle().await;
    seen_with(stage, "alice", "#general", words).await
}

fn said(text: &str) -> Writing {
    Writing { text: text.to_owned(), ..Writing::default() }
}

fn with_file(file: File) -> Writing {
    Writing { files: vec![file], ..Writing::default() }
}

#[tokio::test]
async fn a_message_that_was_too_long_for_chat_is_moved_to_a_paste_in_its_thread() {
    story(async |stage| {
        let message = stage.slack.write("bob", "#general", said("a very long story")).unwrap();
        stage.slack.message_shortcut("alice", &message, "paste_message").await.unwrap();
        stage.bot.settle().await;
        let seen = seen_with(stage, "alice", "#general", "Share in thread").await;
        assert!(!seen.contains("Share here"), "{seen}");
        stage.alice.press("Share in thread").await;
        insta::assert_snapshot!(stage.bob.sees("#general"), @"
        #general
        bob: a very long story
            nightlatch: Too long for chat: @alice moved it to a paste: message.md (https://nightlatch.example.ts.net/paste/00000000-0000-4000-8000-000000000001)
        ");
    })
    .await;
}

#[tokio::test]
async fn what_showed_a_paste_shows_that_it_was_deleted() {
    story(async |stage| {
        stage.alice.command("/paste first").await;
        stage.alice.press("Delete").await;
        let seen = seen_with(stage, "alice", "#general", "Deleted: untitled").await;
        assert!(!seen.contains("Share here"), "its buttons are still there: {seen}");

        stage.alice.command("/paste second").await;
        stage.alice.command("/paste third").await;
        stage.alice.command("/paste list").await;
        stage.alice.press("Delete").await;
        assert!(
            stage
                .slack
                .until(|slack| slack.screen("alice", "#general").matches("Deleted: untitled").count() == 2)
                .await
        );
        let seen = stage.alice.sees("#general");
        let list = seen.split("Your pastes").nth(1).expect("the list");
        assert_eq!(list.matches("[Delete]").count(), 1, "{seen}");

        stage.alice.command("/paste").await;
        stage.alice.fill("Text", "fourth").await;
        stage.alice.submit().await;
        stage.alice.press("Delete").await;
        let modal = stage.alice.modal();
        assert!(modal.contains("Deleted: untitled") && !modal.contains("Share here"), "{modal}");
    })
    .await;
}

#[tokio::test]
async fn guests_are_told_before_they_have_typed_anything() {
    story(async |stage| {
        stage.grace.command("/paste").await;
        assert_eq!(stage.grace.modal(), "(no modal)");
        let seen = stage.grace.sees("#general");
        assert!(seen.contains("Guests of the workspace cannot paste here"), "{seen}");
    })
    .await;
}

#[tokio::test]
async fn a_file_beyond_the_limit_is_left_out_and_the_rest_is_pasted() {
    story(async |stage| {
        let large = File::text("large.log", &"x".repeat(CONTENT_MAX_BYTES + 1));
        let files = vec![large, File::text("page.html", "<!DOCTYPE html><title>Sign in | Slack</title>")];
        let seen = pasted_from(stage, Writing { files, ..Writing::default() }, "page.html").await;
        assert!(seen.contains("large.log was left out: it is too large for a paste"), "{seen}");
        let content = raw(stage, &id(&seen)).await;
        assert_eq!(content.as_deref(), Some("<!DOCTYPE html><title>Sign in | Slack</title>"), "a page is a text, too");
    })
    .await;
}

#[tokio::test]
async fn without_a_scope_the_rest_works_and_it_is_said_that_an_admin_has_to_look() {
    story(async |stage| {
        for scope in ["files:read", "channels:history", "groups:history"] {
            stage.slack.set_scope(scope, false);
        }
        let writing = Writing { text: "look at this".to_owned(), ..with_file(File::text("app.log", "x")) };
        let seen = pasted_from(stage, writing, "app.log was left out").await;
        assert!(seen.contains("An admin has to look: the bot"), "{seen}");
        assert_eq!(raw(stage, &id(&seen)).await.as_deref(), Some("look at this"));
        let (first, _) = stage.slack.say("bob", "#access", "it is down", None).await.unwrap();
        stage.slack.say("carol", "#access", "since when?", Some(&first.ts)).await.unwrap();
        stage.slack.message_shortcut("alice", &first, "paste_message").await.unwrap();
        stage.bot.settle().await;
        let seen = seen_with(stage, "alice", "#access", "Only this message was pasted").await;
        assert!(seen.contains("An admin has to look"), "{seen}");
        assert_eq!(raw(stage, &id(&seen)).await.as_deref(), Some("it is down"));
    })
    .await;
}

#[tokio::test]
async fn a_file_whose_address_leads_elsewhere_is_not_fetched() {
    story(async |stage| {
        let message = stage.slack.write("bob", "#general", said("look")).unwrap();
        for (number, address) in
            ["https://files.slack.com.evil.test/a", "https://evil.test/files-pri/T0ACME001-F1/a", "file:///etc/passwd"]
                .into_iter()
                .enumerate()
        {
            let payload = json!({
                "type": "message_action", "callback_id": "paste_message", "trigger_id": format!("1.2.{number}"),
                "action_ts": format!("{number}.1"), "team": { "id": "T0ACME001" },
                "user": { "id": "U0ALICE01", "team_id": "T0ACME001" }, "channel": { "id": message.channel },
                "message_ts": message.ts,
                "message": { "type": "message", "user": "U0BOB0001", "ts": message.ts, "text": "", "files": [
                    { "name": "a.txt", "mimetype": "text/plain", "size": 3, "url_private": address },
                ]},
            });
            assert!(stage.slack.deliver_raw(Envelope::Interactive, payload).await.acked);
            stage.bot.settle().await;
        }
        let told = |slack: &SlackWorld| slack.screen("alice", DM).matches("not where Slack keeps its files").count();
        assert!(stage.slack.until(|slack| told(slack) == 3).await, "{}", stage.alice.sees(DM));
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test]
async fn odd_names_and_texts_are_shown_as_they_are_and_do_nothing() {
    story(async |stage| {
        let odd = "*a* <!channel> <https://evil.test|x> `b`\u{202e}txt.exe";
        stage.alice.command("/paste").await;
        stage.alice.fill("Text", "a\u{202e}b <!here> & \u{1b}[31m é\r\n").await;
        stage.alice.fill("File name", odd).await;
        stage.alice.submit().await;
        let modal = stage.alice.modal();
        let content = raw(stage, &id(&modal)).await;
        assert_eq!(content.as_deref(), Some("a\u{202e}b <!here> & \u{1b}[31m é\r\n"));
        stage.alice.press("Share here").await;
        let seen = stage.bob.sees("#general");
        assert!(seen.contains("shared a paste") && !seen.contains('\u{202e}'), "{seen}");
        assert!(!stage.slack.everything_said().contains("<!channel>"), "it called everybody");
    })
    .await;
}

#[tokio::test]
async fn tclip_is_told_the_language_that_was_picked() {
    with_tclip("", async |stage, tclip| {
        stage.alice.command("/paste").await;
        stage.alice.fill("Text", "fn main() {}").await;
        stage.alice.fill("File name", "main").await;
        stage.alice.pick("Language", "Rust").await;
        stage.alice.submit().await;
        assert_eq!(tclip.pastes()[0].filename, "alice@example.com - main.rs", "{}", stage.alice.modal());
    })
    .await;
}

#[tokio::test]
async fn what_tclip_refuses_is_said_at_the_text_which_stays() {
    with_tclip("", async |stage, tclip| {
        for (fault, words) in [
            (TclipFault::Refuses("not today".to_owned()), "refused: not today (status 400)"),
            (TclipFault::Fails, "disk I/O error"),
            (
                TclipFault::Redirects("https://paste.example.ts.net/".to_owned()),
                "sends callers to https://paste.example.ts.net. What helps: tell an admin",
            ),
        ] {
            tclip.fail(Some(fault));
            stage.alice.command("/paste").await;
            stage.alice.fill("Text", "precious words").await;
            stage.alice.submit().await;
            let modal = stage.alice.modal();
            assert!(modal.contains("precious words") && modal.contains(words), "{modal}");
            tclip.fail(None);
            stage.alice.submit().await;
            assert!(stage.alice.modal().contains("Pasted: "), "{}", stage.alice.modal());
        }
        assert_eq!(tclip.pastes().len(), 3);
    })
    .await;
}

#[tokio::test]
async fn a_message_that_could_not_be_pasted_waits_behind_a_button() {
    with_tclip("", async |stage, tclip| {
        tclip.fail(Some(TclipFault::Fails));
        let seen = pasted_from(stage, said("precious words"), "Your text is kept for 15 minutes").await;
        assert!(seen.contains("disk I/O error"), "{seen}");
        stage.alice.press("Try again").await;
        seen_with(stage, "alice", "#general", "may have been pasted all the same").await;
        tclip.fail(None);
        stage.alice.press("Try again").await;
        seen_with(stage, "alice", "#general", "Pasted: ").await;
        assert_eq!(tclip.pastes().len(), 1);
        assert_eq!(tclip.pastes()[0].content, "precious words");
    })
    .await;
}

#[tokio::test]
async fn a_paste_that_tclip_does_not_delete_now_is_said_to_be_there_still() {
    with_tclip("", async |stage, tclip| {
        stage.alice.command("/paste words").await;
        tclip.fail(Some(TclipFault::Fails));
        stage.alice.press("Delete").await;
        let seen = seen_with(stage, "alice", "#general", "It was not deleted").await;
        assert!(seen.contains("disk I/O error"), "{seen}");
        tclip.fail(None);
        stage.alice.press("Delete").await;
        seen_with(stage, "alice", "#general", "Deleted: ").await;
        assert_eq!(tclip.pastes(), []);
    })
    .await;
}

#[tokio::test]
async fn a_public_tclip_is_asked_about_in_the_form_and_for_a_message_too() {
    with_tclip(", public: true", async |stage, tclip| {
        stage.alice.command("/paste").await;
        stage.alice.fill("Text", "words").await;
        stage.alice.submit().await;
        assert!(stage.alice.modal().contains("will be public"), "{}", stage.alice.modal());
        assert!(tclip.calls().is_empty(), "{:?}", tclip.calls());
        stage.alice.submit().await;
        assert_eq!(tclip.pastes().len(), 1, "{}", stage.alice.modal());
        pasted_from(stage, said("of bob"), "message.md will be public").await;
        assert_eq!(tclip.pastes().len(), 1);
    })
    .await;
}
