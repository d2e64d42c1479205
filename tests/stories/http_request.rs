//! A service of one's own: asked once, undone in time, believed only as far as it tells.

use nightlatch::config::secret::LentSecret;
use nightlatch::kernel::{Found, Outcome, Request, State};
use nightlatch::playground::service::{Fault, ServiceWorld, TOKEN};
use secrecy::SecretString;
use serde_json::json;

use crate::harness::*;

const SECRETS: &str = "secrets: { ci: { from: env:CI_TOKEN, hosts: [127.0.0.1] } }";

/// The workflow that comes with Nightlatch, at the service of this story.
fn freeze(service: &ServiceWorld) -> String {
    changed(
        include_str!("../../workflows/examples/deploy-freeze.yaml"),
        &[("https://ci.example.com", &service.url()), ("allow: [ci.example.com]", "allow: [127.0.0.1]")],
    )
}

fn without_check(service: &ServiceWorld) -> String {
    let text = freeze(service);
    let at = text.find("      check:").expect("a check");
    let end = text[at..].find("      allow:").expect("what follows it") + at;
    format!("{}{}", &text[..at], &text[end..])
}

fn setting(mode: Mode, text: &str) -> Setting {
    let named = LentSecret { secret: SecretString::from(TOKEN), hosts: vec!["127.0.0.1".to_owned()], programs: vec![] };
    let setting =
        Setting { mode, more: SECRETS.to_owned(), named: [("ci".to_owned(), named)].into(), ..Setting::default() };
    setting.workflow("deploy-freeze", text)
}

const MODES: [Mode; 3] = [Mode::Socket, Mode::Http, Mode::Killed];

async fn asked(stage: &Stage) {
    stage.alice.command("/access deploy-freeze 2h prod release 7 {{ requester.email }} \"; drop").await;
    stage.carol.press("Approve").await;
}

fn found(request: &Request) -> Option<&Found> {
    request.steps[0].proof.as_ref().map(|proof| &proof.found)
}

#[tokio::test(flavor = "multi_thread")]
async fn deploys_are_frozen_once_and_thawed_in_time() {
    for mode in MODES {
        let service = ServiceWorld::start().await.unwrap();
        story_with(setting(mode, &freeze(&service)), async |stage| {
            asked(stage).await;
            let why = "release 7 {{ requester.email }} \"; drop";
            let expected = json!({ "environment": "prod", "by": "alice@example.com", "why": why });
            assert_eq!(service.freezes(), [expected], "{}", stage.bot.put_off().await);
            assert_eq!(stage.request().await.state, State::Active);
            stage.advance(2.hours()).await;
            assert_eq!(service.freezes(), Vec::<serde_json::Value>::new(), "{}", stage.bot.put_off().await);
            assert_eq!(found(&stage.request().await), Some(&Found::Gone));
            assert_eq!(stage.logged(TOKEN), 0);
            stage.everybody_reads();
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_called_verified_that_cannot_be_read() {
    for mode in MODES {
        let service = ServiceWorld::start().await.unwrap();
        story_with(setting(mode, &without_check(&service)), async |stage| {
            asked(stage).await;
            assert_eq!(service.freezes().len(), 1);
            let thread = stage.bob.sees("#access");
            assert!(thread.contains("it cannot be read back there") && !thread.contains("Confirmed as on"), "{thread}");
            stage.advance(2.hours()).await;
            assert_eq!(service.freezes().len(), 0);
            assert_eq!(found(&stage.request().await), Some(&Found::Told { is_on: false }));
            let said = stage.alice.reads();
            assert!(said.contains("Taken back, as it answered") && !said.contains("Verified"), "{said}");
            stage.everybody_reads();
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_call_fails_before_or_after_it_worked_it_is_frozen_once_and_thawed() {
    for text in [freeze, without_check] {
        for number in 0..4 {
            for fault in [Fault::Status(503), Fault::LoseReply, Fault::Status(429)] {
                let service = ServiceWorld::start().await.unwrap();
                let faults =
                    |fault: &Fault| (0..=number).map(|at| (at == number).then(|| fault.clone())).collect::<Vec<_>>();
                story_with(setting(Mode::Socket, &text(&service)), async |stage| {
                    service.fail(faults(&fault));
                    asked(stage).await;
                    stage.advance(5.minutes()).await;
                    assert_eq!(service.freezes().len(), 1, "{fault:?} at call {number}: {:?}", service.calls());
                    assert_eq!(stage.request().await.state, State::Active);
                    service.fail(faults(&fault));
                    stage.ends_late = true;
                    stage.advance(2.hours()).await;
                    assert_eq!(service.freezes().len(), 0, "{fault:?} at call {number}: {:?}", service.calls());
                    assert_eq!(stage.request().await.state, State::Ended);
                    stage.everybody_reads();
                })
                .await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_refuses_is_not_lent_and_says_why() {
    let elsewhere = "http://169.254.169.254/latest".to_owned();
    let mut told = Vec::new();
    for fault in [Fault::Status(403), Fault::Redirect(elsewhere), Fault::NoJson, Fault::Huge] {
        let service = ServiceWorld::start().await.unwrap();
        let setting = setting(Mode::Socket, &freeze(&service));
        story_unless_left_open(
            setting,
            START_MS,
            |_, _| {},
            async |stage| {
                service.fail(std::iter::repeat_n(Some(fault.clone()), 4));
                asked(stage).await;
                stage.advance(1.minutes()).await;
                let request = stage.request().await;
                assert_eq!(request.outcome, Some(Outcome::Failed));
                told.push(request.trouble.map(|trouble| trouble.what).unwrap_or_default());
                service.fail([]);
                stage.ends_late = true;
                stage.advance(10.minutes()).await;
                let request = stage.request().await;
                // If it was done, and what it came to was never told, people are alarmed until somebody looks there.
                assert_eq!(
                    (request.state == State::Ended, request.stuck),
                    (service.freezes().is_empty(), !service.freezes().is_empty())
                );
                stage.everybody_reads();
                request.state == State::Ended
            },
        )
        .await;
    }
    insta::assert_snapshot!(told.join("\n"), @"
    `do` at 127.0.0.1 answered 403
    `do` at 127.0.0.1 answered with a redirect (302), and those are not followed
    what `do` answered is not JSON of at most 1 MiB
    what `do` answered is not JSON of at most 1 MiB
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_thaws_by_hand_ends_it() {
    for mode in MODES {
        let service = ServiceWorld::start().await.unwrap();
        story_with(setting(mode, &freeze(&service)), async |stage| {
            asked(stage).await;
            service.thaw_by_hand();
            let other = service.freeze_by_hand(json!({ "by": "somebody else" }));
            stage.advance(2.hours()).await;
            assert_eq!((service.freezes().len(), other), (1, 2));
            assert_eq!(stage.request().await.state, State::Ended);
            stage.everybody_reads();
        })
        .await;
    }
}
