//! Killed while a golink or a tclip is asked to change something: it is in the log, done once, and told to whoever wanted it.

use nightlatch::kernel::Effect;
use nightlatch::playground::golink::{GolinkFault, GolinkWorld};
use nightlatch::playground::tclip::{TclipFault, TclipWorld};
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::go_owners::with_golink;
use crate::harness::{Lengths, Setting, Stage, story_with};

async fn with_tclip(body: impl AsyncFnOnce(&mut Stage, &TclipWorld)) {
    let tclip = TclipWorld::start("nightlatch").await.expect("a tclip");
    let more = format!("tclip: {{ url: {} }}", tclip.url());
    story_with(Setting { more, ..Setting::default() }, async |stage| body(stage, &tclip).await).await;
}

/// Alice types; nobody waits for the answer.
fn types(stage: &Stage, line: impl Into<String>) -> JoinHandle<()> {
    let (slack, line) = (stage.slack.clone(), line.into());
    tokio::spawn(async move { drop(slack.command("alice", "#general", &line).await) })
}

async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    while !is_so().await {
        tokio::task::yield_now().await;
    }
}

/// Killed as soon as it is saved that this is to be done.
async fn is_killed_before(stage: &Stage, is_it: impl Fn(&Effect) -> bool) {
    until(async || {
        let waiting = stage.bot.store().await.waiting().await.expect("the outbox");
        waiting.iter().any(|row| is_it(&row.effect))
    })
    .await;
    stage.bot.kill().await;
}

/// What the log says of links and pastes, in order.
async fn logged(stage: &Stage) -> Vec<String> {
    let entries = stage.bot.store().await.audit_after(0, 1_000).await.expect("the log");
    let name = |event: &str| serde_json::from_str::<Value>(event).unwrap()["event"].as_str().unwrap().to_owned();
    let names = entries.iter().map(|entry| name(&entry.event));
    names.filter(|name| name.starts_with("link") || name.starts_with("paste")).collect()
}

async fn goes_on(stage: &Stage, typed: JoinHandle<()>) {
    stage.bot.start().await;
    stage.bot.settle().await;
    typed.await.expect("the command");
}

#[tokio::test]
async fn a_paste_that_tclip_took_before_the_kill_is_found_and_told() {
    with_tclip(async |stage, tclip| {
        // The same text under the same name, so that neither tells the two apart.
        stage.alice.command("/paste hello tclip").await;
        tclip.fail(Some(TclipFault::LostReply));
        let typed = types(stage, "/paste hello tclip");
        until(async || tclip.pastes().len() == 2).await;
        stage.bot.kill().await;
        tclip.fail(None);
        goes_on(stage, typed).await;
        let ids: Vec<String> = tclip.pastes().into_iter().map(|paste| paste.id).collect();
        assert_eq!(ids.len(), 2, "posted once more");
        let read = stage.alice.reads();
        assert!(read.contains("Pasted:") && read.contains(&ids[1]), "{read}");
        assert_eq!(logged(stage).await, ["paste_asked", "pasted", "paste_asked", "pasted"]);
        stage.alice.command(&format!("/paste delete {}", ids[1])).await;
        assert_eq!(tclip.pastes().len(), 1, "{}", stage.alice.sees("#general"));
    })
    .await;
}

#[tokio::test]
async fn a_paste_that_tclip_had_not_taken_before_the_kill_is_posted_and_told() {
    with_tclip(async |stage, tclip| {
        tclip.fail(Some(TclipFault::Hang));
        let typed = types(stage, "/paste hello tclip");
        is_killed_before(stage, |effect| matches!(effect, Effect::PostPaste { .. })).await;
        tclip.fail(None);
        goes_on(stage, typed).await;
        let pastes = tclip.pastes();
        assert_eq!(pastes.len(), 1);
        assert_eq!(
            (pastes[0].filename.as_str(), pastes[0].content.as_str()),
            ("alice@example.com - untitled", "hello tclip")
        );
        let read = stage.alice.reads();
        assert!(read.contains("Pasted:") && read.contains(&pastes[0].id), "{read}");
        assert_eq!(logged(stage).await, ["paste_asked", "pasted"]);
    })
    .await;
}

#[tokio::test]
async fn a_paste_that_tclip_refuses_after_the_kill_comes_back_to_its_author() {
    with_tclip(async |stage, tclip| {
        tclip.fail(Some(TclipFault::Hang));
        let typed = types(stage, "/paste precious words");
        is_killed_before(stage, |effect| matches!(effect, Effect::PostPaste { .. })).await;
        tclip.fail(Some(TclipFault::Refuses("no pastes today".to_owned())));
        goes_on(stage, typed).await;
        assert_eq!(stage.alice.reads(), "@nightlatch", "it is tried again for a while");
        stage.advance(20.minutes()).await;
        let read = stage.alice.reads();
        assert!(read.contains("could not find out") && read.contains("no pastes today"), "{read}");
        assert_eq!(logged(stage).await, ["paste_asked", "paste_not_sent"]);
        tclip.fail(None);
        stage.alice.press("Try again").await;
        assert_eq!(tclip.pastes()[0].content, "precious words");
        assert_eq!(logged(stage).await, ["paste_asked", "paste_not_sent", "paste_asked", "pasted"]);
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test]
async fn a_post_without_an_answer_is_looked_for_and_never_sent_again() {
    with_tclip(async |stage, tclip| {
        tclip.fail(Some(TclipFault::LostReply));
        stage.alice.command("/paste precious words").await;
        let modal = stage.alice.modal();
        assert!(modal.contains("precious words") && modal.contains("may have been pasted"), "{modal}");
        tclip.fail(None);
        stage.advance(10.seconds()).await;
        assert_eq!(tclip.pastes().len(), 1);
        assert_eq!(logged(stage).await, ["paste_asked", "paste_in_doubt", "pasted"]);
        let read = stage.alice.reads();
        assert!(read.contains("Pasted:"), "{read}");
        tclip.fail(Some(TclipFault::Hang));
        stage.alice.command("/paste other words").await;
        tclip.fail(None);
        stage.advance(10.seconds()).await;
        assert_eq!(tclip.pastes().len(), 1, "its author has it back");
        assert_eq!(logged(stage).await[3..], ["paste_asked", "paste_in_doubt", "paste_not_sent"]);
    })
    .await;
}

#[tokio::test]
async fn what_was_to_be_deleted_at_tclip_before_the_kill_is_deleted_after_it() {
    with_tclip(async |stage, tclip| {
        stage.alice.command("/paste hello tclip").await;
        tclip.fail(Some(TclipFault::Hang));
        let typed = types(stage, format!("/paste delete {}", tclip.pastes()[0].id));
        is_killed_before(stage, |effect| matches!(effect, Effect::DeletePaste { .. })).await;
        tclip.fail(None);
        goes_on(stage, typed).await;
        assert!(tclip.pastes().is_empty());
        assert_eq!(logged(stage).await, ["paste_asked", "pasted", "paste_deletion_asked", "paste_deleted"]);
    })
    .await;
}

const MAKE: &str = "/go runbook https://wiki.example.com/runbooks";

fn leads_to(golink: &GolinkWorld) -> Option<String> {
    golink.link("runbook").map(|link| link.long)
}

#[tokio::test]
async fn a_link_that_golink_saved_before_the_kill_is_found_and_told() {
    with_golink(async |stage, golink| {
        golink.fail(Some(GolinkFault::LostSave));
        let typed = types(stage, MAKE);
        until(async || golink.link("runbook").is_some()).await;
        stage.bot.kill().await;
        golink.fail(None);
        goes_on(stage, typed).await;
        assert_eq!(golink.calls().iter().filter(|call| call.line.starts_with("POST")).count(), 1, "saved once");
        let read = stage.alice.reads();
        assert!(read.contains("is made and leads to"), "{read}");
        assert_eq!(logged(stage).await, ["link_asked", "link_saved"]);
    })
    .await;
}

#[tokio::test]
async fn a_link_that_golink_had_not_saved_before_the_kill_is_saved_and_told() {
    with_golink(async |stage, golink| {
        golink.fail(Some(GolinkFault::Slow(300)));
        let typed = types(stage, MAKE);
        is_killed_before(stage, |effect| matches!(effect, Effect::SaveLink { .. })).await;
        golink.fail(None);
        goes_on(stage, typed).await;
        assert_eq!(leads_to(golink).as_deref(), Some("https://wiki.example.com/runbooks"));
        let read = stage.alice.reads();
        assert!(read.contains("is made and leads to"), "{read}");
        assert_eq!(logged(stage).await, ["link_asked", "link_saved"]);
    })
    .await;
}

#[tokio::test]
async fn what_somebody_else_made_of_a_link_meanwhile_stays() {
    with_golink(async |stage, golink| {
        golink.put("runbook", "https://wiki.example.com/old", "alice@example.com");
        stage.alice.command(MAKE).await;
        golink.fail(Some(GolinkFault::Slow(300)));
        let slack = stage.slack.clone();
        let typed = tokio::spawn(async move { drop(slack.press("alice", "#general", "Replace").await) });
        is_killed_before(stage, |effect| matches!(effect, Effect::SaveLink { .. })).await;
        golink.put("runbook", "https://wiki.example.com/other", "bob@example.com");
        golink.fail(None);
        goes_on(stage, typed).await;
        assert_eq!(leads_to(golink).as_deref(), Some("https://wiki.example.com/other"));
        insta::assert_snapshot!(stage.alice.reads(), @r#"
        @nightlatch
        nightlatch: `go/runbook` was not changed: the link "runbook" changed meanwhile. To try again: `/go runbook https://wiki.example.com/runbooks`
        "#);
        assert_eq!(logged(stage).await, ["link_asked", "link_not_saved"]);
    })
    .await;
}
