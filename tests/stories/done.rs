//! A workflow that lends nothing: nobody says for how long, what its steps do stays, and it is done when they are.

use nightlatch::config::secret::LentSecret;
use nightlatch::kernel::{Outcome, State};
use nightlatch::playground::service::{Fault, ServiceWorld, TOKEN};
use secrecy::SecretString;

use crate::harness::*;

fn release(service: &ServiceWorld) -> String {
    let text = r##"nightlatch: 1
title: Release
inputs:
  version: { type: choice, options: [v1, v2] }
  reason: { type: text }
ask: [group:engineering]
approve:
  - by: [group:dba]
steps:
  - name: deploy
    uses: http.request
    stays: true
    with:
      allow: [127.0.0.1]
      do:
        method: POST
        url: SERVICE/freezes
        headers: { Authorization: Bearer secret:ci }
        body: { environment: "{{ inputs.version }}", by: "{{ requester.login }}", why: "{{ inputs.reason }}" }
  - uses: slack.message
    with: { to: "#general", text: "{{ inputs.version }} is out: {{ inputs.reason }}" }
announce: "#access"
"##;
    changed(text, &[("SERVICE", &service.url())])
}

fn setting(mode: Mode, service: &ServiceWorld) -> Setting {
    let named = LentSecret { secret: SecretString::from(TOKEN), hosts: vec!["127.0.0.1".to_owned()], programs: vec![] };
    let more = "secrets: { ci: { from: env:CI_TOKEN, hosts: [127.0.0.1] } }".to_owned();
    let setting = Setting { mode, more, named: [("ci".to_owned(), named)].into(), ..Setting::default() };
    setting.workflow("release", &release(service))
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_done_when_its_steps_are_and_nothing_is_held() {
    for mode in [Mode::Socket, Mode::Http, Mode::Killed] {
        let service = ServiceWorld::start().await.unwrap();
        story_with(setting(mode, &service), async |stage| {
            stage.alice.command("/access release v2 the new invoices").await;
            insta::allow_duplicates!(insta::assert_snapshot!(stage.bob.sees("#access"), @"
            #access
            nightlatch:
              ⏳ *Waiting for approval* · Release
              @alice asks for it
              *Version*: v2
              > the new invoices
              Asked: @bob, @carol (in group:dba)
              ⚠️ What the step `deploy` does stays when it is over.
              ⚠️ What the step `message` does stays when it is over.
              ~ Request 01kjmma2g000000001 · `release` · lapses today 15:00 · changes `http.request 01kjmma2g000000001 1 127.0.0.1`, `slack.message 01kjmma2g000000001 2 #general`
              [Approve] [Deny]
            "));
            stage.bob.press("Approve").await;
            let request = stage.request().await;
            assert_eq!((request.state, request.outcome), (State::Ended, Some(Outcome::Done)));
            assert_eq!(request.expires_at, None);
            assert_eq!(service.freezes().len(), 1);
            assert_eq!(stage.bob.sees("#general").matches("v2 is out: the new invoices").count(), 1);
            insta::allow_duplicates!(
                insta::assert_snapshot!(stage.bob.sees("#access").lines().take(9).collect::<Vec<_>>().join("\n"), @"
                #access
                nightlatch:
                  ✅ *Done* · Release
                  @alice asked for it; done today 07:00:00
                  *Version*: v2
                  > the new invoices
                  Approved by @bob (group:dba) today 07:00:00
                  ~ Request 01kjmma2g000000001 · `release` · `http.request 01kjmma2g000000001 1 127.0.0.1`, `slack.message 01kjmma2g000000001 2 #general`
                    nightlatch: ✅ @bob approved (group:dba). It is not active before it is confirmed as on.
                ")
            );
            stage.alice.command("/access list").await;
            let list = stage.alice.reads_in("#general");
            assert!(list.contains("done") && !list.contains("Held"), "{list}");
            stage.advance(3.hours()).await;
            assert_eq!(service.freezes().len(), 1, "what it did stays");
            service.thaw_by_hand();
            stage.everybody_reads();
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_told_and_can_be_tried_again() {
    let service = ServiceWorld::start().await.unwrap();
    story_with(setting(Mode::Socket, &service), async |stage| {
        service.fail([(); 20].map(|()| Some(Fault::Status(503))));
        stage.alice.command("/access release v1 the new invoices").await;
        stage.bob.press("Approve").await;
        stage.advance(2.minutes()).await;
        assert_eq!(stage.request().await.outcome, Some(Outcome::Failed));
        service.fail([]);
        stage.alice.press("Retry").await;
        assert_eq!(stage.request().await.outcome, Some(Outcome::Done));
        service.thaw_by_hand();
        stage.everybody_reads();
    })
    .await;
}
