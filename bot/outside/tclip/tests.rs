//! The tclip client against a tclip that is as strict as the real one, on good and bad days.

use std::time::Duration;

use super::{Deleted, Tclip, TclipError};
use crate::playground::tclip::{TclipFault, TclipWorld};

async fn world() -> (TclipWorld, Tclip) {
    let world = TclipWorld::start("nightlatch").await.unwrap();
    let tclip = Tclip::new(world.url().parse().unwrap()).unwrap();
    (world, tclip)
}

fn id(url: &url::Url) -> String {
    url.path().rsplit('/').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_post_is_exactly_what_tclip_wants() {
    let (world, tclip) = world().await;
    let url = tclip.post("timeline.md", "# log\né & <b>\n").await.unwrap();
    assert_eq!(url.as_str(), "https://paste.example-tailnet.ts.net/paste/00000000-0000-4000-8000-000000000001");
    let calls = world.calls();
    insta::assert_snapshot!(
        format!("{}\nContent-Type: {}\nAccept: {}\n{}", calls[0].line, calls[0].content_type, calls[0].accept, calls[0].body),
        @"
    POST /api/post
    Content-Type: application/x-www-form-urlencoded
    Accept: text/plain
    filename=timeline.md&content=%23+log%0A%C3%A9+%26+%3Cb%3E%0A
    "
    );
    assert_eq!(world.pastes()[0].content, "# log\né & <b>\n");
}

#[tokio::test]
async fn a_paste_is_read_back_deleted_and_then_gone() {
    let (world, tclip) = world().await;
    let id = id(&tclip.post("a.txt", "x").await.unwrap());
    assert_eq!(tclip.is_there(&id).await, Ok(true));
    assert_eq!(tclip.delete(&id).await, Ok(Deleted::Now));
    assert_eq!(tclip.is_there(&id).await, Ok(false));
    assert_eq!(tclip.delete(&id).await, Ok(Deleted::Before));
    assert!(world.pastes().is_empty());
}

#[tokio::test]
async fn somebody_elses_paste_is_not_deleted() {
    let (world, tclip) = world().await;
    let id = id(&tclip.post("a.txt", "x").await.unwrap());
    world.become_caller("another");
    assert!(matches!(tclip.delete(&id).await, Err(TclipError::NotOwner { .. })));
    assert_eq!(world.pastes().len(), 1);
}

#[tokio::test]
async fn a_redirect_is_told_with_what_to_write_and_not_followed() {
    let (world, tclip) = world().await;
    world.fail(Some(TclipFault::Redirects("https://paste.example.ts.net/api/post".to_owned())));
    let error = tclip.post("a", "b").await.unwrap_err();
    assert!(!error.may_have_happened());
    assert_eq!(
        error.advice().as_deref(),
        Some("an admin writes `tclip: { url: https://paste.example.ts.net }` in nightlatch.yaml, if that is the tclip")
    );
    assert_eq!(world.calls().len(), 1);
}

#[tokio::test]
async fn an_accept_that_was_lost_on_the_way_still_leads_to_the_paste() {
    let (world, tclip) = world().await;
    world.fail(Some(TclipFault::LosesAccept));
    let url = tclip.post("a", "b").await.unwrap();
    assert_eq!(id(&url), world.pastes()[0].id);
}

#[tokio::test]
async fn a_failing_a_silent_and_an_absent_tclip_are_told_apart() {
    let (world, tclip) = world().await;
    world.fail(Some(TclipFault::Fails));
    let failed = tclip.post("a", "b").await.unwrap_err();
    assert!(failed.is_retryable() && failed.to_string().contains("disk I/O error"), "{failed}");
    world.fail(Some(TclipFault::Hang));
    let silent = tclip.clone().with_limit(Duration::from_millis(50)).post("a", "b").await.unwrap_err();
    assert!(silent.may_have_happened() && silent.to_string().contains("did not answer within 50 ms"), "{silent}");
    let absent = Tclip::new("http://127.0.0.1:1".parse().unwrap()).unwrap().post("a", "b").await.unwrap_err();
    assert!(!absent.may_have_happened() && absent.to_string().contains("cannot be reached"), "{absent}");
}

#[tokio::test]
async fn a_busy_tclip_is_asked_once_more_and_then_said_to_be_busy() {
    let (world, tclip) = world().await;
    world.fail(Some(TclipFault::Busy(1)));
    let url = tclip.post("a", "b").await.unwrap();
    assert_eq!((id(&url), world.pastes().len()), (world.pastes()[0].id.clone(), 1));
    world.fail(Some(TclipFault::Busy(2)));
    let busy = tclip.post("a", "b").await.unwrap_err();
    assert!(busy.is_retryable() && !busy.may_have_happened() && busy.to_string().contains("is busy"), "{busy}");
    assert_eq!((world.calls().len(), world.pastes().len()), (4, 1));
}

#[tokio::test]
async fn a_post_whose_answer_was_lost_is_found_by_its_name() {
    let (world, tclip) = world().await;
    world.fail(Some(TclipFault::LostReply));
    let name = "alice@example.com - it's <a> \"b\" + c.md";
    let lost = tclip.clone().with_limit(Duration::from_millis(200)).post(name, "b").await.unwrap_err();
    assert!(lost.may_have_happened());
    world.fail(None);
    assert_eq!(tclip.find(name).await.unwrap().map(|url| id(&url)), Some(world.pastes()[0].id.clone()));
    assert_eq!(tclip.find("another.md").await, Ok(None));
}

#[tokio::test]
async fn what_no_form_can_hold_is_not_sent() {
    let (world, tclip) = world().await;
    assert_eq!(tclip.post("a", &"é".repeat(2 * 1024 * 1024)).await, Err(TclipError::TooLarge));
    assert!(world.calls().is_empty());
    let most = "\n".repeat(crate::kernel::paste::CONTENT_MAX_BYTES);
    assert!(tclip.post(&"é".repeat(120), &most).await.is_ok(), "the most a paste may hold fits");
}

#[tokio::test]
async fn what_is_no_tclip_is_said_so() {
    let world = crate::playground::slack::SlackWorld::start(
        crate::clock::Clock::manual(0),
        crate::playground::slack::Seed::acme(),
    );
    let world = world.await.unwrap();
    let url = world.api_url().replace("/api", "/");
    let tclip = Tclip::new(url.parse().unwrap()).unwrap();
    let error = tclip.post("a", "b").await.unwrap_err();
    assert!(matches!(error, TclipError::NotTclip { .. }), "{error}");
}
