//! Asking waits for nobody outside: what is known lets people ask, what is not known is saved as it was typed and looked up afterwards.

use nightlatch::kernel::{Outcome, State};
use nightlatch::playground::slack::{Fault as SlackFault, Group, Kind, Person, SlackWorld};
use nightlatch::playground::tailnet::{Endpoint, Fault, TailnetWorld};
use serde_json::json;

use crate::harness::*;

/// What only this person sees in #general.
fn private(human: &Human) -> String {
    human.reads_in("#general")
}

/// Zoe came a moment ago: Slack and the tailnet know her, and nobody told the bot.
fn zoe_comes(stage: &Stage) -> Human {
    stage.slack.add_person(Person::new("U0ZOE0001", "zoe", "Europe/Oslo"));
    stage.slack.set_member("#general", "zoe", true).expect("a channel");
    stage.tailnet.add_user("zoe@example.com", "Zoe Zimmer");
    stage.tailnet.add_device("zoe-laptop", "linux", "zoe@example.com");
    let policy = stage.tailnet.policy().replace("\"dave@example.com\"", "\"dave@example.com\", \"zoe@example.com\"");
    stage.tailnet.set_policy(&policy).expect("a policy");
    stage.human("zoe")
}

fn calls(stage: &Stage, method: &str) -> usize {
    stage.slack.calls().iter().filter(|call| call.method == method).count()
}

/// What the audit log says happened, by the words beside each entry.
async fn logged_states(stage: &Stage) -> Vec<String> {
    let entries = stage.bot.store().await.audit_after(0, 1_000).await.expect("the audit log");
    entries.into_iter().map(|entry| entry.state).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_answered_while_nobody_outside_answers_at_all() {
    for mode in [Mode::Socket, Mode::Http] {
        story_with(Setting { mode, ..Setting::default() }, async |stage| {
            stage.tailnet.fault(Endpoint::Any, Fault::Hang, None);
            stage.slack.fail("*", SlackFault::Hang, u32::MAX);
            let answered = stage.slack.command("alice", "#general", "/access prod-db 2h invoice 1204").await;
            let answered = answered.expect("a command");
            assert!(answered.acked, "{answered:?}");
            assert!(answered.body.unwrap_or_default().to_string().contains("Asked for Production database"));
            assert_eq!(stage.requests().await.len(), 1, "and it is saved");
            stage.slack.heal();
            stage.tailnet.clear_faults(Endpoint::Any);
            stage.advance(2.minutes()).await;
            stage.bob.press("Approve").await;
            assert!(stage.is_on());
            stage.advance(2.hours()).await;
            stage.everybody_reads();
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_slow_answers_everything_goes_its_way() {
    story(async |stage| {
        stage.tailnet.set_latency(std::time::Duration::from_millis(250), std::time::Duration::from_millis(250));
        stage.slack.fail("*", SlackFault::Slow(300), u32::MAX);
        stage.alice.command("/access prod-db 1h invoice 1204").await;
        assert!(private(&stage.alice).contains("*Asked for Production database*"));
        stage.bob.press("Approve").await;
        assert!(stage.is_on());
        stage.slack.heal();
        stage.tailnet.set_latency(std::time::Duration::ZERO, std::time::Duration::ZERO);
        stage.advance(1.hours()).await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_unknown_is_read_alone_and_asks_after_all() {
    story_everywhere(async |stage| {
        let zoe = zoe_comes(stage);
        stage.advance(10.seconds()).await;
        let (lists, people) = (calls(stage, "users.list"), calls(stage, "users.info"));
        zoe.command("/access prod-db 2h invoice 1204").await;
        assert_eq!(calls(stage, "users.list"), lists);
        assert!(calls(stage, "users.info") > people);
        let request = stage.request().await;
        assert_eq!((request.requester.slack_id.as_str(), request.reason.as_str()), ("U0ZOE0001", "invoice 1204"));
        let states = logged_states(stage).await;
        assert_eq!(states.get(..2), Some(&["typed".to_owned(), "pending".to_owned()][..]), "{states:?}");
        stage.bob.press("Approve").await;
        assert_eq!(stage.tailnet.attribute("zoe-laptop", JIT), Some(true.into()));
        stage.advance(2.hours()).await;
        stage.slack.mark_read("zoe", DM);
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_typed_is_answered_when_it_was_looked_up() {
    story(async |stage| {
        let zoe = zoe_comes(stage);
        stage.advance(10.seconds()).await;
        zoe.command("/access prod-db 2h invoice 1204").await;
        insta::assert_snapshot!(private(&zoe), @"
        #general
        nightlatch (only you): :hourglass_flowing_sand: Saved. I am looking up who you are and what you may borrow, and will answer here in a moment.
        nightlatch (only you):
          ⏳ *Asked for Production database* for 2h on zoe-laptop (linux). Nothing is on yet; you will be told when it is.
          It is decided by whoever is in group:dba or @db-oncall.
          ~ Request 01kjmmac8g00000001 · lapses today 21:00 if nobody answers
          [Withdraw]
        ");
        zoe.command("/access withdraw prod-db").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_looked_up_within_a_minute_is_told_with_what_was_typed() {
    story(async |stage| {
        let zoe = zoe_comes(stage);
        stage.advance(10.seconds()).await;
        stage.tailnet.fault(Endpoint::Any, Fault::Status(503), None);
        zoe.command("/access prod-db 2h invoice `1204`").await;
        assert!(private(&zoe).contains("Saved. I am looking up"));
        stage.advance(50.seconds()).await;
        assert_eq!(private(&zoe), "#general", "it is still tried");
        stage.advance(20.seconds()).await;
        let told = private(&zoe);
        assert!(told.contains("Nothing was asked: Tailscale cannot do it just now"), "{told}");
        assert!(told.contains("To try again, type `/access prod-db 2h invoice '1204'`"), "{told}");
        assert!(stage.requests().await.is_empty());
        assert_eq!(logged_states(stage).await, ["typed", "not_asked"]);
        stage.tailnet.clear_faults(Endpoint::Any);
        stage.advance(10.seconds()).await;
        zoe.command("/access prod-db 2h invoice 1204").await;
        stage.advance(10.seconds()).await;
        assert_eq!(stage.requests().await.len(), 1);
        zoe.command("/access withdraw prod-db").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_dies_before_it_looked_anybody_up_goes_on_with_what_was_typed() {
    story(async |stage| {
        let zoe = zoe_comes(stage);
        stage.advance(10.seconds()).await;
        stage.tailnet.fault(Endpoint::Any, Fault::Status(503), None);
        zoe.command("/access prod-db 2h invoice 1204").await;
        assert!(stage.requests().await.is_empty());
        stage.bot.restart().await;
        // Slack delivers it once more.
        stage.slack.redeliver().await.expect("a delivery");
        stage.tailnet.clear_faults(Endpoint::Any);
        stage.advance(30.seconds()).await;
        assert_eq!(stage.requests().await.len(), 1, "typed once, delivered twice");
        // Where to answer died with the bot, so it is said in another way.
        assert!(private(&zoe).contains("*Asked for Production database* for 2h on zoe-laptop"));
        stage.bob.press("Deny").await;
        stage.bob.submit().await;
        stage.slack.mark_read("zoe", DM);
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_somebody_unknown_opens_at_once_and_is_filled_in() {
    story(async |stage| {
        let zoe = zoe_comes(stage);
        stage.advance(10.seconds()).await;
        zoe.command("/access prod-db 2h").await;
        let filled = |slack: &SlackWorld| slack.modal("zoe").is_some_and(|modal| modal.contains("zoe-laptop (linux)"));
        assert!(stage.slack.until(filled).await, "{}", zoe.modal());
        let is_told = |slack: &SlackWorld| slack.calls().iter().any(|call| call.method == "views.update");
        assert!(stage.slack.until(is_told).await);
        let views: Vec<_> = stage.slack.calls().into_iter().filter(|call| call.method.starts_with("views.")).collect();
        let methods: Vec<_> = views.iter().map(|call| call.method.as_str()).collect();
        assert_eq!(methods, ["views.open", "views.update"]);
        assert!(views[0].args.to_string().contains("You typed `/access prod-db 2h`"), "{}", views[0].args);
        zoe.fill("Reason", "invoice 1204").await;
        zoe.submit().await;
        assert!(stage.slack.until(|slack| slack.modal("zoe").is_some_and(|modal| modal.contains("Asked"))).await);
        assert!(zoe.modal().contains("Asked for Production database* for 2h on zoe-laptop"), "{}", zoe.modal());
        zoe.press("Withdraw").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_cannot_be_looked_up_comes_back_with_everything_in_it() {
    story(async |stage| {
        let zoe = zoe_comes(stage);
        stage.advance(10.seconds()).await;
        zoe.command("/access prod-db 2h").await;
        assert!(stage.slack.until(|slack| slack.modal("zoe").is_some_and(|modal| modal.contains("zoe-laptop"))).await);
        zoe.fill("Reason", "invoice 1204").await;
        stage.advance(10.seconds()).await;
        stage.tailnet.fault(Endpoint::Any, Fault::Status(503), None);
        zoe.submit().await;
        insta::assert_snapshot!(zoe.modal(), @"
        == Saved ==
        :hourglass_flowing_sand: Saved. I am looking up who you are and what you may borrow. You can close this: I will tell you what came of it.
        (Close)
        ");
        stage.advance(70.seconds()).await;
        let told = zoe.modal();
        assert!(told.contains("Nothing was asked: Tailscale cannot do it just now"), "{told}");
        assert!(told.contains("Everything you filled in is here; send it again in a moment."), "{told}");
        assert!(told.contains("Device: <zoe-laptop (linux)>") && told.contains("Hold: <2 hours>"), "{told}");
        assert!(told.contains("Reason: <invoice 1204>"), "{told}");
        stage.tailnet.clear_faults(Endpoint::Any);
        stage.advance(10.seconds()).await;
        zoe.submit().await;
        stage.advance(10.seconds()).await;
        assert!(zoe.modal().contains("Asked"), "{}", zoe.modal());
        zoe.press("Withdraw").await;
        stage.everybody_reads();
    })
    .await;
}

/// The tailnet needs so long for its list of devices, in real time, the first time.
async fn with_a_slow_list(slow_ms: u64, body: impl AsyncFnOnce(&mut Stage)) {
    let before = |tailnet: &TailnetWorld, _: &std::path::Path| {
        tailnet.fault(Endpoint::Devices, Fault::Slow(slow_ms), Some(1));
    };
    story_from(Setting::default(), START_MS, before, body).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_first_list_of_devices_is_there_asking_is_saved_and_goes_on_when_it_is() {
    with_a_slow_list(7_000, async |stage| {
        let answered = stage.slack.command("alice", "#general", "/access prod-db 2h invoice 1204").await.expect("it");
        assert!(answered.body.unwrap_or_default().to_string().contains("Saved."));
        stage.bot.settle().await;
        assert!(private(&stage.alice).contains("*Asked for Production database*"));
        stage.alice.command("/access withdraw prod-db").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_takes_longer_than_anybody_waits_in_one_go_is_waited_for_again() {
    with_a_slow_list(20_000, async |stage| {
        let answered = stage.slack.command("alice", "#general", "/access prod-db 2h invoice 1204").await.expect("it");
        assert!(answered.body.unwrap_or_default().to_string().contains("Saved."));
        stage.bot.settle().await;
        assert!(stage.requests().await.is_empty(), "not yet");
        stage.advance(5.seconds()).await;
        assert_eq!(stage.requests().await.len(), 1);
        stage.alice.command("/access withdraw prod-db").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_records_leave_out_themselves_and_are_named_once() {
    let before = |tailnet: &TailnetWorld, _: &std::path::Path| {
        tailnet.list_also(Endpoint::Devices, json!({ "nodeId": "nODD1CNTRL", "user": null, "name": null }));
        tailnet.list_also(Endpoint::Devices, json!({ "name": "no-id.example-tailnet.ts.net" }));
        tailnet.list_also(Endpoint::Devices, json!(null));
        tailnet.list_also(Endpoint::Users, json!({ "id": "uODDCNTRL", "loginName": null }));
    };
    story_from(Setting::default(), START_MS, before, async |stage| {
        stage.alice.command("/access prod-db 1h invoice 1204").await;
        stage.bob.press("Approve").await;
        assert!(stage.is_on());
        for _ in 0..4 {
            stage.advance(3.minutes()).await;
            stage.bot.looks_around().await;
        }
        assert!(stage.tailnet.calls_of(Endpoint::Devices) > 2, "the list was read again and again");
        for odd in ["nODD1CNTRL", "no-id.example-tailnet.ts.net", "uODDCNTRL"] {
            assert_eq!(stage.logged(&format!("record=\"{odd}\"")), 1, "{odd}");
        }
        stage.advance(48.minutes()).await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leaver_whom_the_directory_still_knows_gets_nothing() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        // Slack's event about it is lost.
        stage.slack.add_person(Person::new("U0ALICE01", "alice", "Europe/Berlin").kind(Kind::Deactivated));
        stage.advance(10.seconds()).await;
        stage.bob.press("Approve").await;
        assert!(!stage.is_on());
        let request = stage.request().await;
        assert_eq!((request.state, request.outcome), (State::Ended, Some(Outcome::Failed)), "{request:?}");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_becomes_a_guest_is_known_as_one_at_once() {
    story(async |stage| {
        stage.slack.set_kind("carol", Kind::Guest).await.expect("carol");
        stage.carol.command("/access prod-db 1h invoice").await;
        assert!(private(&stage.carol).contains("Guests of the workspace cannot ask or decide here"));
        stage.slack.set_kind("carol", Kind::Member).await.expect("carol");
        stage.carol.command("/access prod-db 1h invoice").await;
        assert_eq!(stage.requests().await.len(), 1);
        stage.carol.command("/access withdraw prod-db").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_human_named_twice_is_no_quorum_of_two() {
    let twice = [("quorum: 1", "quorum: 2"), ("[group:dba, \"@db-oncall\"]", "[bob@example.com, \"@solo\"]")];
    let solo = Group::new("S0SOLO0001", "solo", &["U0BOB0001"]);
    story_with(Setting::default().prod_db(&twice).seed(|seed| seed.group(solo)), async |stage| {
        stage.alice.command("/access prod-db 1h invoice 1204").await;
        assert!(
            private(&stage.alice).contains("There are not enough people now who could approve"),
            "nobody waits for what cannot come"
        );
        assert!(stage.requests().await.is_empty());
        stage.advance(10.seconds()).await;
        stage.slack.set_group("@solo", &["bob", "carol"]).await.expect("a group");
        stage.bot.looks_around().await;
        stage.alice.command("/access prod-db 1h invoice 1204").await;
        assert_eq!(stage.requests().await.len(), 1);
        stage.alice.command("/access withdraw prod-db").await;
        stage.everybody_reads();
    })
    .await;
}

/// `prod-db` for everybody of the tailnet, decided by a group of a thousand.
fn for_everybody(text: &str) -> String {
    changed(
        text,
        &[
            ("ask: [group:engineering]", "ask: [autogroup:member]"),
            ("by: [group:dba, \"@db-oncall\"]", "by: [\"@crowd\"]"),
        ],
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_ask_in_one_minute_and_slack_is_asked_about_none_of_them() {
    const PEOPLE: usize = 130;
    let setting = Setting::default().workflow("prod-db", &for_everybody(PROD_DB)).seed(|seed| seed.crowd(1_200, 1_000));
    let before = |tailnet: &TailnetWorld, _: &std::path::Path| tailnet.crowd(1_200, 3_000);
    story_unless_left_open(setting, START_MS, before, async |stage| {
        stage.bot.looks_around().await;
        let before = calls(stage, "users.info");
        for number in 0..PEOPLE {
            let (who, line) = (format!("p{number:05}"), format!("/access prod-db 1h device=crowd-{number:05} load"));
            stage.slack.set_member("#general", &who, true).expect("a channel");
            let answered = stage.slack.command(&who, "#general", &line).await.expect("a command");
            let body = answered.body.unwrap_or_default().to_string();
            assert!(body.contains("Asked for Production database"), "{number}: {body}");
        }
        assert_eq!(stage.requests().await.len(), PEOPLE);
        assert_eq!(calls(stage, "users.info"), before);
        false
    })
    .await;
}
