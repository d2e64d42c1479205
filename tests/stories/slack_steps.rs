//! Places in user groups and channels, and messages: lent, read back, and taken back without touching anybody else's.

use nightlatch::kernel::{Found, Outcome, Request, State};
use nightlatch::playground::slack::{Channel, Fault};

use crate::harness::*;

/// The workflow that comes with Nightlatch.
const ON_CALL: &str = include_str!("../../workflows/examples/on-call.yaml");

fn setting() -> Setting {
    with_incident(Setting::default().workflow("on-call", ON_CALL))
}

/// A private channel that the app and bob are in.
fn with_incident(setting: Setting) -> Setting {
    setting.seed(|mut seed| {
        seed.channels.push(Channel::private("C0INCIDENT", "incident").with(&["U0BOB0001", "U0NIGHTLATCH"]));
        seed
    })
}

fn in_mode(mode: Mode) -> Setting {
    Setting { mode, ..setting() }
}

fn group(stage: &Stage) -> Vec<String> {
    let mut members = stage.slack.group_members("db-oncall");
    members.sort();
    members
}

fn channel(stage: &Stage) -> bool {
    stage.slack.channel_members("#incident").contains(&"U0DAVE001".to_owned())
}

fn found(request: &Request, index: usize) -> Option<Found> {
    request.steps[index].proof.as_ref().map(|proof| proof.found.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_is_on_call_for_a_while_and_everybody_else_stays() {
    story_everywhere_with(setting, async |stage| {
        let (before, was_in) = (group(stage), channel(stage));
        stage.dave.command("/access on-call 2h INC-7 <!channel>").await;
        stage.bob.press("Approve").await;
        assert_eq!(stage.request().await.state, State::Active);
        let mut expected = before.clone();
        expected.push("U0DAVE001".to_owned());
        expected.sort();
        assert_eq!(group(stage), expected);
        assert!(channel(stage));
        let said = stage.bob.sees("#access");
        assert_eq!(said.matches("is on call until the shift").count(), 1, "{said}");
        stage.advance(2.hours()).await;
        assert_eq!((group(stage), channel(stage)), (before, was_in));
        assert_eq!(found(&stage.request().await, 0), Some(Found::Gone));
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_was_lent_is_no_vote() {
    story_with(setting(), async |stage| {
        stage.dave.command("/access on-call 2h INC-7").await;
        stage.bob.press("Approve").await;
        assert!(
            group(stage).contains(&"U0DAVE001".to_owned()),
            "dave is in @db-oncall, which may decide about prod-db"
        );
        // Carol was in the group before, and borrows it too.
        stage.human("carol").command("/access on-call 2h INC-8").await;
        stage.bob.press("Approve").await;
        let before = group(stage);
        assert!(before.contains(&"U0CAROL01".to_owned()), "{before:?}");
        stage.alice.command("/access prod-db 1h invoice 1204").await;
        let card = stage.bob.sees("#access");
        assert!(!card.contains("Asked: @bob, @carol, @dave"), "{card}");
        let newest = async |stage: &Stage| {
            let all = stage.requests().await;
            all.into_iter().find(|request| request.workflow.name == "prod-db").map(|request| request.state)
        };
        stage.dave.press("Approve").await;
        assert_eq!(newest(stage).await, Some(State::Pending), "{}", stage.dave.sees("#access"));
        stage.human("carol").press("Approve").await;
        assert_eq!(newest(stage).await, Some(State::Active), "{}", stage.human("carol").sees("#access"));
        stage.advance(2.hours()).await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_in_it_before_stays_in_it() {
    story_with(setting(), async |stage| {
        let before = group(stage);
        stage.human("carol").command("/access on-call 1h INC-7").await;
        stage.bob.press("Approve").await;
        assert_eq!(found(&stage.request().await, 0), Some(Found::OnBefore));
        stage.advance(1.hours()).await;
        assert_eq!(group(stage), before);
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_in_between_is_not_lost_and_who_is_taken_out_is_not_put_in_again() {
    story_everywhere_with(setting, async |stage| {
        stage.dave.command("/access on-call 2h INC-7").await;
        stage.bob.press("Approve").await;
        stage.slack.set_group("db-oncall", &["bob", "alice", "dave"]).await.unwrap();
        stage.advance(2.hours()).await;
        assert_eq!(group(stage), ["U0ALICE01", "U0BOB0001"]);
        stage.dave.command("/access on-call 2h INC-8").await;
        stage.bob.press("Approve").await;
        stage.slack.set_group("db-oncall", &["bob", "alice"]).await.unwrap();
        stage.advance(2.hours()).await;
        assert_eq!(group(stage), ["U0ALICE01", "U0BOB0001"]);
        assert_eq!(stage.request().await.state, State::Ended);
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_call_fails_the_groups_and_channels_end_as_they_began() {
    let calls = [
        "usergroups.list",
        "usergroups.users.list",
        "usergroups.users.update",
        "conversations.members",
        "conversations.invite",
        "conversations.kick",
    ];
    for call in calls {
        for fault in
            [Fault::Unavailable, Fault::LostReply, Fault::RateLimited(3), Fault::Error("internal_error".to_owned())]
        {
            story_with(in_mode(Mode::Socket), async |stage| {
                let (before, was_in) = (group(stage), channel(stage));
                stage.dave.command("/access on-call 2h INC-7").await;
                stage.slack.fail(call, fault.clone(), 2);
                stage.bob.press("Approve").await;
                stage.advance(5.minutes()).await;
                assert_eq!(stage.request().await.state, State::Active, "{call} {fault:?}");
                assert_eq!(group(stage).len(), before.len() + 1);
                stage.slack.heal();
                stage.slack.fail(call, fault.clone(), 2);
                stage.ends_late = true;
                stage.advance(3.hours()).await;
                assert_eq!(stage.request().await.state, State::Ended, "{call} {fault:?}");
                assert_eq!((group(stage), channel(stage)), (before, was_in), "{call} {fault:?}");
                stage.everybody_reads();
            })
            .await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_without_anybody_who_stays_is_not_lent_and_a_failed_step_takes_back_those_before() {
    let text = changed(ON_CALL, &[("channel: \"#incident\"", "channel: \"#nowhere\"")]);
    story_with(Setting::default().workflow("on-call", &text), async |stage| {
        let before = group(stage);
        stage.dave.command("/access on-call 2h INC-7").await;
        stage.bob.press("Approve").await;
        let request = stage.request().await;
        assert_eq!((request.outcome, request.state), (Some(Outcome::Failed), State::Ended));
        assert_eq!(group(stage), before);
        insta::assert_snapshot!(request.trouble.map(|trouble| trouble.what).unwrap_or_default(), @"there is no channel #nowhere that the app can see");
        stage.everybody_reads();
    })
    .await;
}
