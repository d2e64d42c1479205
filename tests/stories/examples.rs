//! The workflows in `workflows/examples`, as they are: what they promise in their first lines is so.

use nightlatch::kernel::{Outcome, State};

use crate::harness::*;

fn example(name: &str) -> Setting {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("workflows/examples/{name}.yaml"));
    Setting::default().workflow(name, &std::fs::read_to_string(path).expect("an example"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_weekly_review_comes_by_itself_and_nobody_has_to_decide() {
    story_with(example("weekly-review"), async |stage| {
        stage.advance(20.hours() + 5.seconds()).await;
        let request = stage.request().await;
        assert_eq!(request.state, State::Active, "{:?}", request.trouble);
        let seen = stage.bob.sees("#access");
        assert!(seen.contains("looks this week at who holds what") && seen.contains("By schedule"), "{seen}");
        assert!(seen.contains("Nobody holds anything."), "{seen}");
        stage.advance(25.hours()).await;
        assert_eq!(stage.request().await.outcome, Some(Outcome::Expired));
        stage.advance(142.hours()).await;
        stage.bob.command("/access prod-db 8h device=bob-laptop invoice 1204").await;
        stage.carol.press("Approve").await;
        stage.alice.command("/access prod-db 3h INC-7 <!channel>").await;
        stage.bob.press("Approve").await;
        stage.bob.reads_in("#access");
        stage.advance(1.hours()).await;
        let read = stage.bob.reads_in("#access");
        let said: Vec<&str> = read.lines().skip_while(|line| !line.contains(":calendar:")).take(3).collect();
        insta::assert_snapshot!(said.join("\n"), @"
        :calendar: Alice looks this week at who holds what: Look at who holds what
        • Production database: Alice on alice-laptop until 9 Mar 10:00 UTC
        • Production database: Bob on bob-laptop until 9 Mar 15:00 UTC
        ");
        stage.advance(25.hours()).await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contractor_is_invited_in_the_role_that_was_asked_for() {
    let setting = || Setting { has_api_key: true, ..example("contractor") };
    story_everywhere_with(setting, async |stage| {
        stage.alice.command("/access contractor 2d role=auditor email=zoe@contractor.example").await;
        stage.bob.press("Approve").await;
        stage.tailnet.accept_invitation("zoe@contractor.example").expect("an invitation");
        assert_eq!(stage.tailnet.role("zoe@contractor.example"), "auditor");
        stage.advance(48.hours()).await;
        assert!(!stage.tailnet.is_active("zoe@contractor.example"));
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_has_its_link_while_it_lasts() {
    story_with(example("incident-link"), async |stage| {
        let find = async || stage.bot.engine().await.links().find("incident").await.expect("an answer");
        stage.alice.command("/access incident-link 4h INC-1204").await;
        stage.dave.press("Approve").await;
        assert_eq!(find().await.map(|link| link.long).as_deref(), Some("https://incidents.example.com/INC-1204"));
        stage.advance(4.hours()).await;
        assert_eq!(find().await, None);
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_on_call_helps_themselves_in_office_hours_and_breaks_glass_at_others() {
    story_with(example("prod-db-oncall"), async |stage| {
        // It is Sunday.
        stage.bob.command("/access prod-db-oncall 1h device=bob-laptop backup").await;
        let request = stage.request().await;
        assert_eq!(request.state, State::Pending);
        assert_eq!(request.not_by_itself, ["it is not mon-fri 08:00-18:00 Europe/Berlin now"]);
        stage.bob.press("Withdraw").await;
        stage.bob.command("/access break-glass prod-db-oncall 30m device=bob-laptop it is down").await;
        stage.bob.submit().await;
        assert_eq!(stage.request().await.state, State::Active);
        stage.advance(30.minutes()).await;
        stage.carol.press("It was fine").await;
        assert!(stage.request().await.open_review().is_none());
        // On Monday at ten in Berlin.
        stage.advance(20.hours() + 30.minutes()).await;
        for _ in 0..3 {
            stage.bob.command("/access prod-db-oncall 1h device=bob-laptop backup").await;
            assert_eq!(stage.request().await.state, State::Active);
            stage.bob.press("Return").await;
        }
        stage.bob.command("/access prod-db-oncall 1h device=bob-laptop backup").await;
        assert_eq!(stage.request().await.state, State::Pending, "three times a day");
        stage.carol.press("Approve").await;
        assert_eq!(stage.request().await.state, State::Active, "somebody else decides then");
        stage.bob.press("Return").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_looks_at_itself_is_lent_by_capability() {
    let cases = [
        ("setec-secret", "tag:setec", r#""tailscale.com/cap/secrets":"#),
        ("tsidp-client", "tag:tsidp", r#""tailscale.com/cap/tsidp":"#),
    ];
    for (name, tag, capability) in cases {
        story_with(example(name), async |stage| {
            let owned = |text: &str| {
                text.replace("\"tagOwners\": {", &format!("\"tagOwners\": {{ \"{tag}\": [\"group:dba\"],"))
            };
            stage.tailnet.edit_policy(owned).expect("a policy");
            let before = stage.tailnet.policy();
            stage.alice.command(&format!("/access {name} 1h INC-1204")).await;
            stage.bob.press("Approve").await;
            let request = stage.request().await;
            assert_eq!(request.state, State::Active, "{:?}", request.trouble);
            let text = stage.tailnet.policy();
            assert!(text.contains(capability) && text.contains("posture:nl"), "{text}");
            assert!(stage.tailnet.rules_open_for("alice-laptop").iter().any(|rule| rule.contains(tag)));
            assert!(!stage.tailnet.rules_open_for("carol-laptop").iter().any(|rule| rule.contains(tag)));
            stage.advance(1.hours()).await;
            assert_eq!(stage.tailnet.policy(), before);
            stage.everybody_reads();
        })
        .await;
    }
}
