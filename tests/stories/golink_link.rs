//! A go link for as long as a grant: made or lent to another place, and back as it was; and what stays where nothing can delete it.

use nightlatch::kernel::{Found, Outcome, State};

use crate::go_owners::with_golink_and;
use crate::harness::*;

const INCIDENT: &str = r##"nightlatch: 1
title: Incident
inputs:
  hold: { type: duration, default: 1h, max: 3d }
  ticket: { type: text, pattern: "^INC-[0-9]+" }
ask: [group:engineering]
approve:
  - by: [group:dba]
steps:
  - uses: golink.link
    with: { short: incident, long: "https://incidents.example.com/{{ inputs.ticket }}?by={{ requester.login }}" }
  - uses: slack.message
    with: { to: "#access", text: "Follow it at {{ steps.link.address }}" }
announce: "#access"
"##;

const LONG: &str = "https://incidents.example.com/INC-7?by=alice%40example.com";

fn setting() -> Setting {
    Setting::default().workflow("incident", INCIDENT)
}

async fn leads(stage: &Stage) -> Option<String> {
    stage.bot.engine().await.links().find("incident").await.expect("an answer").map(|link| link.long)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_lives_as_long_as_the_incident() {
    story_everywhere_with(setting, async |stage| {
        stage.alice.command("/access incident 2h INC-7").await;
        stage.bob.press("Approve").await;
        assert_eq!(leads(stage).await.as_deref(), Some(LONG));
        assert!(stage.bob.sees("#access").contains("/go/incident"), "{}", stage.bob.sees("#access"));
        stage.advance(2.hours()).await;
        assert_eq!(leads(stage).await, None);
        let found = stage.request().await.steps[0].proof.as_ref().map(|proof| proof.found.clone());
        assert_eq!(found, Some(Found::Gone));
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_s_own_link_leads_elsewhere_meanwhile_and_another_s_is_left_alone() {
    story_everywhere_with(setting, async |stage| {
        stage.alice.command("/go incident https://wiki.example.com/incidents").await;
        stage.alice.command("/access incident 2h INC-7").await;
        stage.bob.press("Approve").await;
        assert_eq!(leads(stage).await.as_deref(), Some(LONG));
        stage.advance(2.hours()).await;
        assert_eq!(leads(stage).await.as_deref(), Some("https://wiki.example.com/incidents"));
        stage.everybody_reads();
    })
    .await;
    story_with(setting(), async |stage| {
        stage.bob.command("/go incident https://wiki.example.com/incidents").await;
        stage.alice.command("/access incident 2h INC-7").await;
        stage.bob.press("Approve").await;
        let request = stage.request().await;
        assert_eq!((request.state, request.outcome), (State::Ended, Some(Outcome::Failed)));
        insta::assert_snapshot!(request.trouble.map(|trouble| format!("{}; {}", trouble.what, trouble.advice)).unwrap_or_default(), @"incident belongs to bob@example.com; choose another name, or ask them");
        assert_eq!(leads(stage).await.as_deref(), Some("https://wiki.example.com/incidents"));
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_one_incident_share_it_and_what_people_make_of_it_is_theirs() {
    let shared = changed(INCIDENT, &[("?by={{ requester.login }}", "")]);
    story_everywhere_with(
        || Setting::default().workflow("incident", &shared),
        async |stage| {
            stage.alice.command("/access incident 1h INC-7").await;
            stage.bob.press("Approve").await;
            stage.dave.command("/access incident 2h INC-7").await;
            stage.bob.press("Approve").await;
            stage.dave.command("/access incident 2h INC-8").await;
            stage.bob.press("Approve").await;
            assert_eq!(stage.request().await.outcome, Some(Outcome::Failed), "it leads to one place");
            stage.advance(61.minutes()).await;
            assert_eq!(leads(stage).await.as_deref(), Some("https://incidents.example.com/INC-7"));
            stage.advance(1.hours()).await;
            assert_eq!(leads(stage).await, None);
            stage.everybody_reads();
        },
    )
    .await;
    story_with(setting(), async |stage| {
        stage.alice.command("/access incident 2h INC-7").await;
        stage.bob.press("Approve").await;
        stage.alice.command("/go incident https://wiki.example.com/postmortem").await;
        stage.alice.press_in("#general", "Replace").await;
        stage.advance(2.hours()).await;
        assert_eq!(leads(stage).await.as_deref(), Some("https://wiki.example.com/postmortem"));
        let found = stage.request().await.steps[0].proof.as_ref().map(|proof| proof.found.clone());
        assert!(matches!(found, Some(Found::LeftAlone { is_on: false, .. })), "{found:?}");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_a_golink_it_stays_and_the_card_says_so_before_it_is_decided() {
    let stays = changed(INCIDENT, &[("  - uses: golink.link\n", "  - uses: golink.link\n    stays: true\n")]);
    with_golink_and(Setting::default().workflow("incident", &stays), async |stage, golink| {
        stage.alice.command("/access incident 2h INC-7").await;
        insta::assert_snapshot!(stage.bob.sees("#access"), @"
        #access
        nightlatch:
          ⏳ *Waiting for approval* · Incident
          @alice asks for 2h
          > INC-7
          Asked: @bob, @carol (in group:dba)
          ⚠️ What the step `link` does stays when it is over.
          ~ Request 01kjmma2g000000001 · `incident` · lapses today 15:00 · changes `golink.link incident`, `slack.message`
          [Approve] [Approve...] [Deny]
        ");
        stage.bob.press("Approve").await;
        assert_eq!(golink.link("incident").map(|link| link.long).as_deref(), Some(LONG));
        stage.advance(2.hours()).await;
        assert_eq!(golink.link("incident").map(|link| link.long).as_deref(), Some(LONG));
        let seen = stage.bob.sees("#access");
        assert!(seen.contains("it stays, as its workflow says"), "{seen}");
        stage.everybody_reads();
    })
    .await;
}
