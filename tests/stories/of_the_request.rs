//! What is said of the request itself: its id, and when it ends.

use nightlatch::kernel::State;

use crate::harness::*;

const TOLD: &str = r##"nightlatch: 1
title: Told with its number
inputs:
  hold: { type: duration, default: 1h, max: 8h }
  reason: { type: text }
ask: [group:engineering]
approve:
  - by: [group:dba]
steps:
  - uses: slack.message
    with: { to: "#access", text: "{{ request.id }} is open until {{ request.ends_at }}: {{ inputs.reason }}" }
    stays: true
announce: "#access"
"##;

#[tokio::test(flavor = "multi_thread")]
async fn a_step_can_say_which_request_it_is_for_and_when_that_ends() {
    story_with(Setting::default().workflow("told", TOLD), async |stage| {
        stage.alice.command("/access told 2h {{ request.id }}").await;
        stage.bob.press("Approve").await;
        let request = stage.request().await;
        assert_eq!(request.state, State::Active);
        let ends_at = jiff::Timestamp::from_millisecond(request.expires_at.expect("it is active")).expect("a time");
        let said = format!("{} is open until {ends_at}: {{{{ request.id }}}}", request.id);
        assert!(stage.bob.sees("#access").contains(&said), "{said}\n{}", stage.bob.sees("#access"));
        stage.advance(2.hours()).await;
        stage.everybody_reads();
    })
    .await;
}
