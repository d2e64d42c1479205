//! Pastes at a tclip, and pastes that live as long as a grant.

use nightlatch::playground::tclip::{TclipFault, TclipWorld};

use crate::harness::{Lengths, Setting, Stage, story_with};
use crate::paste::{id, raw, seen_with};

async fn with_tclip(extra: &str, body: impl AsyncFnOnce(&mut Stage, &TclipWorld)) {
    let tclip = TclipWorld::start("nightlatch").await.expect("a tclip");
    let config = format!("tclip: {{ url: {}{extra} }}", tclip.url());
    story_with(Setting { more: config, ..Setting::default() }, async |stage| body(stage, &tclip).await).await;
}

#[tokio::test]
async fn a_tclip_gets_the_text_with_its_author_in_the_name() {
    with_tclip("", async |stage, tclip| {
        stage.alice.command("/paste hello tclip").await;
        let pastes = tclip.pastes();
        assert_eq!(pastes[0].content, "hello tclip");
        assert_eq!(pastes[0].filename, "alice@example.com - untitled");
        let seen = stage.alice.sees("#general");
        assert!(seen.contains(&format!("https://paste.example-tailnet.ts.net/paste/{}", pastes[0].id)), "{seen}");
        stage.alice.command(&format!("/paste delete {}", pastes[0].id)).await;
        assert!(tclip.pastes().is_empty(), "{}", stage.alice.sees("#general"));
    })
    .await;
}

#[tokio::test]
async fn what_the_bot_did_not_paste_is_deleted_on_its_page() {
    with_tclip("", async |stage, tclip| {
        tclip.become_caller("alice-laptop");
        let client = nightlatch::outside::tclip::Tclip::new(tclip.url().parse().unwrap()).unwrap();
        client.post("notes.md", "of alice, from her own device").await.unwrap();
        tclip.become_caller("nightlatch");
        let id = tclip.pastes()[0].id.clone();
        stage.alice.command(&format!("/paste delete https://paste/paste/{id}")).await;
        let seen = stage.alice.sees("#general");
        assert!(seen.contains("Whoever made it can") && seen.contains(&format!("/paste/{id}")), "{seen}");
        stage.alice.command("/paste delete 00000000-0000-4000-8000-00000000beef").await;
        assert!(stage.alice.sees("#general").contains("There is no such paste"), "{}", stage.alice.sees("#general"));
        assert_eq!(tclip.pastes().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_public_tclip_is_asked_about_before_anything_is_sent() {
    with_tclip(", public: true", async |stage, tclip| {
        stage.alice.command("/paste hello world").await;
        let seen = stage.alice.sees("#general");
        assert!(seen.contains("will be public"), "{seen}");
        assert!(tclip.calls().is_empty(), "{:?}", tclip.calls());
        stage.alice.press("Paste it anyway").await;
        assert_eq!(tclip.pastes().len(), 1);
        seen_with(stage, "alice", "#general", "Anybody on the internet").await;
    })
    .await;
}

#[tokio::test]
async fn when_tclip_is_down_the_text_comes_back_in_the_form() {
    with_tclip("", async |stage, tclip| {
        tclip.fail(Some(TclipFault::Fails));
        stage.alice.command("/paste precious words").await;
        let modal = stage.alice.modal();
        assert!(modal.contains("precious words") && modal.contains("disk I/O error"), "{modal}");
        tclip.fail(None);
        stage.alice.submit().await;
        assert_eq!(tclip.pastes()[0].content, "precious words", "{}", stage.alice.modal());
    })
    .await;
}

#[tokio::test]
async fn when_tclip_hangs_the_answer_comes_in_time_and_says_what_may_be() {
    with_tclip("", async |stage, tclip| {
        tclip.fail(Some(TclipFault::Hang));
        stage.alice.command("/paste precious words").await;
        let modal = stage.alice.modal();
        assert!(modal.contains("precious words") && modal.contains("may have been pasted"), "{modal}");
    })
    .await;
}

#[tokio::test]
async fn a_redirect_to_https_is_an_admins_to_set_right() {
    with_tclip("", async |stage, tclip| {
        tclip.fail(Some(TclipFault::Redirects("https://paste.example.ts.net/api/post".to_owned())));
        stage.alice.command("/paste precious words").await;
        let modal = stage.alice.modal();
        assert!(modal.contains("sends callers to https://paste.example.ts.net. What helps: tell an admin"), "{modal}");
    })
    .await;
}

const RUNBOOK: &str = r##"nightlatch: 1
title: Runbook
inputs:
  hold: { type: duration, default: 1h, max: 8h }
  reason: { type: text, max_length: 500 }
ask: [group:engineering]
approve:
  - quorum: 1
    by: [bob@example.com]
steps:
  - uses: tclip.paste
    with: { filename: runbook.md, content: "# For {{ requester.email }}\n\n{{ inputs.reason }}" }
announce: "#access"
"##;

fn runbook(config: String) -> Setting {
    Setting { workflows: vec![("runbook".to_owned(), RUNBOOK.to_owned())], more: config, ..Setting::default() }
}

#[tokio::test]
async fn a_paste_of_a_step_lives_as_long_as_the_grant() {
    story_with(runbook(String::new()), async |stage| {
        stage.alice.command("/access runbook 1h invoice 1204").await;
        stage.bob.press("Approve").await;
        let read = stage.alice.reads();
        assert!(read.contains("runbook.md") && read.contains("gone when your access ends"), "{read}");
        let id = id(&read);
        assert_eq!(raw(stage, &id).await.as_deref(), Some("# For alice@example.com\n\ninvoice 1204"));
        stage.alice.command(&format!("/paste delete {id}")).await;
        assert!(raw(stage, &id).await.is_some(), "what a grant holds is not deleted by hand");
        stage.advance(61.minutes()).await;
        assert_eq!(raw(stage, &id).await, None);
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test]
async fn a_paste_of_a_step_at_tclip_is_made_once_and_deleted_at_the_end() {
    let tclip = TclipWorld::start("nightlatch").await.expect("a tclip");
    let config = format!("tclip: {{ url: {} }}", tclip.url());
    story_with(runbook(config), async |stage| {
        stage.alice.command("/access runbook 1h invoice 1204").await;
        stage.bob.press("Approve").await;
        assert_eq!(tclip.pastes().len(), 1);
        assert!(tclip.pastes()[0].filename.starts_with("alice@example.com - "), "{:?}", tclip.pastes());
        stage.advance(61.minutes()).await;
        assert!(tclip.pastes().is_empty());
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test]
async fn a_paste_of_a_step_that_tclip_will_not_delete_is_left_alone_and_said() {
    let tclip = TclipWorld::start("nightlatch").await.expect("a tclip");
    let config = format!("tclip: {{ url: {} }}", tclip.url());
    story_with(runbook(config), async |stage| {
        stage.alice.command("/access runbook 1h invoice 1204").await;
        stage.bob.press("Approve").await;
        tclip.become_caller("another-device");
        stage.advance(61.minutes()).await;
        assert_eq!(tclip.pastes().len(), 1);
        let read = stage.alice.reads();
        assert!(read.contains("tclip lets only its owner delete it"), "{read}");
        stage.everybody_reads();
    })
    .await;
}
