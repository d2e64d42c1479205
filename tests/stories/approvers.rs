//! Who may decide: members of the home workspace that the workflow names, as they are when they press and not before.

use nightlatch::kernel::request::{Decider, Decision};
use nightlatch::kernel::{Outcome, State};
use nightlatch::playground::slack::{Channel, Fault as SlackFault, Kind, Person};
use nightlatch::playground::tailnet::{Endpoint, Fault};

use crate::harness::*;

fn rule_of(decision: &Decision) -> Option<String> {
    let Decider::Person { rule, .. } = &decision.by else { return None };
    rule.as_ref().map(ToString::to_string)
}

async fn is_pending(stage: &Stage) -> bool {
    stage.request().await.state == State::Pending && !stage.is_on()
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_is_no_approver_is_told_who_is() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.alice.press_in("#access", "Approve").await;
        assert!(stage.told_privately("#access", "alice").await.contains("You are not an approver of"));
        stage.dave.press_in("#access", "Approve").await;
        insta::assert_snapshot!(stage.told_privately("#access", "dave").await, @"
        nightlatch (only you):
          You are not an approver of *Production database*, so nothing was counted. It takes one of group:dba or @db-oncall.
          ~ Production database · request 01kjmma2g000000001
          [Why?]
        ");
        stage.dave.press_in("#access", "Deny").await;
        assert_eq!(stage.dave.modal(), "(no modal)", "no form for those who may not");
        assert!(is_pending(stage).await);
        insta::assert_snapshot!(stage.told_privately("#access", "dave").await, @"
        nightlatch (only you):
          You are not an approver of *Production database*, so nothing was counted. It takes one of group:dba or @db-oncall.
          ~ Production database · request 01kjmma2g000000001
          [Why?]
        ");
        stage.bob.press("Approve").await;
        stage.dave.press_in("#access", "Revoke").await;
        assert!(stage.is_on(), "nor may they revoke");
        stage.dave.press_in("#access", "Return").await;
        assert!(stage.is_on(), "nor return what is not theirs");
        insta::assert_snapshot!(stage.told_privately("#access", "dave").await, @"
        nightlatch (only you):
          This is somebody else's request, and only they can do that. Approvers can use Revoke once it is approved, or Deny before.
          ~ Production database · request 01kjmma2g000000001
        ");
        stage.carol.press_in("#access", "Return").await;
        assert!(stage.is_on(), "approvers have Revoke");
        stage.carol.press_in("#access", "Revoke").await;
        assert!(!stage.is_on());
        assert_eq!(stage.request().await.outcome, Some(Outcome::Revoked));
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guests_leavers_and_bots_cannot_decide_whatever_group_they_are_in() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.slack.set_group("db-oncall", &["bob", "carol", "grace"]).await.expect("people");
        stage.advance(6.seconds()).await;
        stage.grace.press_in("#access", "Approve").await;
        insta::assert_snapshot!(stage.told_privately("#access", "grace").await, @"
        nightlatch (only you):
          Guests of the workspace cannot ask or decide here. Ask a full member to do it, or an admin to make you one.
          ~ Production database · request 01kjmma2g000000001
        ");
        for kind in [Kind::Guest, Kind::SingleChannelGuest, Kind::Deactivated, Kind::Bot] {
            stage.slack.set_kind("bob", kind.clone()).await.expect("bob");
            stage.bob.press_in("#access", "Approve").await;
            assert!(is_pending(stage).await, "{kind:?}");
        }
        stage.slack.set_kind("bob", Kind::Member).await.expect("bob");
        stage.bob.press_in("#access", "Approve").await;
        assert!(stage.is_on());
        stage.alice.press("Return").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_channel_shared_with_another_company_nothing_is_decided() {
    let setting = Setting::default().prod_db(&[("\"#access\"", "\"#access-partners\"")]);
    story_with(setting, async |stage| {
        let other = vec!["T0OTHER01".to_owned()];
        assert!(stage.slack.edit_channel("#access-partners", |channel| channel.shared_with.clear()));
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        assert!(stage.slack.edit_channel("#access-partners", |channel| channel.shared_with = other));
        stage.advance(1.minutes()).await;
        stage.otto.press_in("#access-partners", "Approve").await;
        insta::assert_snapshot!(stage.told_privately("#access-partners", "otto").await, @"nightlatch (only you): People of another company cannot ask or decide here, also not in a shared channel. Ask somebody of this workspace to do it.");
        stage.otto.press_in("#access-partners", "Deny").await;
        assert_eq!(stage.otto.modal(), "(no modal)");
        stage.bob.press_in("#access-partners", "Approve").await;
        insta::assert_snapshot!(stage.told_privately("#access-partners", "bob").await, @"nightlatch (only you): This channel is shared with another company, so nothing that is decided here counts, and nothing was. Open my *Home* tab: what waits for you is there, with the same buttons.");
        assert!(is_pending(stage).await);
        stage.bob.home().await;
        stage.bob.press_in("home", "Approve").await;
        assert!(stage.is_on(), "where nobody of another company looks on");
        stage.bob.press_in("#access-partners", "Revoke").await;
        assert!(!stage.is_on(), "taking away is let through everywhere");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_card_is_posted_where_another_company_reads() {
    let setting = || Setting::default().prod_db(&[("\"#access\"", "\"#access-partners\"")]);
    story_everywhere_with(setting, async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        assert_eq!(stage.otto.sees("#access-partners"), "#access-partners");
        let seen = stage.bob.sees(DM);
        assert!(seen.contains("[Approve] [Approve...] [Deny]"), "{seen}");
        assert!(seen.contains("~ Shown to you directly: #access-partners is shared with another company"), "{seen}");
        stage.bob.press_in(DM, "Approve").await;
        assert!(stage.is_on());
        // Nor an alarm.
        stage.tailnet.set_expiry_lag_ms(86_400_000);
        stage.tailnet.fault(Endpoint::DeleteAttribute, Fault::Status(500), None);
        stage.ends_late = true;
        stage.advance(2.hours()).await;
        stage.advance(1.minutes()).await;
        assert!(stage.request().await.stuck);
        assert!(stage.carol.reads().contains("STUCK"), "who can decide is alarmed directly");
        stage.tailnet.clear_faults(Endpoint::DeleteAttribute);
        stage.bob.press_in(DM, "Retry").await;
        assert_eq!(stage.otto.sees("#access-partners"), "#access-partners");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_that_the_channel_does_not_take_reaches_who_can_decide() {
    for archived in [true, false] {
        story(async |stage| {
            stage.alice.command("/access prod-db 2h invoice 1204").await;
            stage.bob.press("Approve").await;
            stage.slack.edit_channel("#access", |channel| {
                channel.is_archived = archived;
                channel.shared_with = if archived { Vec::new() } else { vec!["T0OTHER01".to_owned()] };
            });
            stage.tailnet.set_expiry_lag_ms(86_400_000);
            stage.tailnet.fault(Endpoint::DeleteAttribute, Fault::Status(500), None);
            stage.ends_late = true;
            stage.advance(2.hours()).await;
            stage.advance(1.minutes()).await;
            assert!(stage.carol.reads().contains("STUCK"));
            stage.tailnet.clear_faults(Endpoint::DeleteAttribute);
            stage.carol.press_in(DM, "Retry").await;
            assert_eq!(stage.request().await.state, State::Ended);
            stage.everybody_reads();
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_waits_until_it_is_known_who_reads_and_not_for_ever() {
    story(async |stage| {
        stage.slack.fail("conversations.info", SlackFault::Unavailable, 2);
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.advance(5.seconds()).await;
        stage.bob.press("Deny").await;
        stage.bob.submit().await;
        stage.advance(1.minutes()).await;
        stage.slack.fail("conversations.info", SlackFault::Unavailable, u32::MAX);
        stage.alice.command("/access prod-db 2h invoice 1205").await;
        assert!(!stage.bob.sees("#access").contains("invoice 1205"));
        stage.advance(1.minutes()).await;
        assert!(!stage.bob.sees("#access").contains("invoice 1205"), "another company may read it there");
        assert!(stage.bob.reads_in(DM).contains("invoice 1205"), "a few seconds, then approvers come first");
        stage.alice.command("/access withdraw prod-db").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn payloads_that_name_another_team_count_for_nothing() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        let honest = stage.old_press("bob", "Approve").await;
        let changes: [(&str, serde_json::Value); 3] =
            [("/user/team_id", "T0OTHER01".into()), ("/user/id", "U0OTTO001".into()), ("/user/id", "U0NOBODY1".into())];
        for (place, value) in changes {
            let mut payload = stage.old_press("bob", "Approve").await;
            payload = payload.with(|payload| {
                *payload.pointer_mut(place).expect("a field") = value.clone();
                payload["trigger_id"] = format!("1.2.{value}").into();
            });
            payload.arrives().await;
            assert!(is_pending(stage).await, "{place} {value}");
        }
        honest.arrives().await;
        assert!(stage.is_on());
        stage.alice.press("Return").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_installed_for_a_whole_organisation_works_although_payloads_name_no_team() {
    for mode in [Mode::Socket, Mode::Http] {
        let setting = Setting::default().seed(|seed| seed.org_install("E0ACME001", "Acme Group"));
        story_with(Setting { mode, ..setting }, async |stage| {
            stage.alice.command("/access prod-db 2h").await;
            stage.alice.fill("Reason", "invoice 1204").await;
            stage.alice.submit().await;
            stage.bob.press("Approve").await;
            assert!(stage.is_on());
            stage.advance(2.hours()).await;
            stage.everybody_reads();
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_left_the_groups_between_asking_and_pressing_is_no_approver_any_more() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.slack.set_group("db-oncall", &["carol"]).await.expect("people");
        let policy =
            stage.tailnet.policy().replace(r#"["bob@example.com", "carol@example.com"]"#, r#"["carol@example.com"]"#);
        stage.tailnet.set_policy(&policy).expect("a policy");
        stage.advance(6.seconds()).await;
        stage.bob.press_in("#access", "Approve").await;
        assert!(is_pending(stage).await);
        assert!(stage.told_privately("#access", "bob").await.contains("You are not an approver"));
        stage.carol.press_in("#access", "Approve").await;
        assert!(stage.is_on());
        stage.alice.press("Return").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_named_by_email_by_slack_group_and_by_tailnet_group() {
    for (by, rule) in [
        ("[bob@example.com]", "bob@example.com"),
        ("[\"@db-oncall\"]", "@db-oncall"),
        ("[group:dba]", "group:dba"),
        ("[autogroup:member]", "autogroup:member"),
    ] {
        let setting = Setting::default().prod_db(&[(r#"[group:dba, "@db-oncall"]"#, by)]);
        story_with(setting, async |stage| {
            stage.alice.command("/access prod-db 2h invoice 1204").await;
            stage.bob.press("Approve").await;
            let request = stage.request().await;
            assert_eq!(rule_of(&request.decisions[0]).as_deref(), Some(rule));
            assert!(stage.is_on(), "{rule}");
            stage.alice.press("Return").await;
            stage.everybody_reads();
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_human_with_two_accounts_counts_once_and_never_for_themselves() {
    let setting = || {
        Setting::default()
            .prod_db(&[("quorum: 1", "quorum: 2")])
            .seed(|seed| {
                let second = Person::new("U0BOBTWO1", "bobby", "Europe/Oslo").email("bobby@example.com");
                seed.person(second)
            })
            .knows("U0BOBTWO1", "bob@example.com")
            .workflow("prod-one", PROD_DB)
    };
    story_with(setting(), async |stage| {
        stage.slack.set_member("#access", "bobby", true).expect("a channel");
        let bobby = stage.human("bobby");
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bob.press("Approve").await;
        bobby.press_in("#access", "Approve").await;
        assert_eq!(stage.request().await.approvals_count(), 1);
        assert!(stage.told_privately("#access", "bobby").await.contains("each person counts once"));
        stage.alice.command("/access withdraw prod-db").await;
        // Two have to approve what bob asks for, and beside him there is only carol, however often she is named.
        stage.bob.command("/access prod-db 2h device=bob-laptop a backup").await;
        assert_eq!(stage.requests().await.len(), 1);
        stage.bob.command("/access prod-one 2h device=bob-laptop a backup").await;
        bobby.press_in("#access", "Approve").await;
        assert!(stage.told_privately("#access", "bobby").await.contains("This is your own request"));
        assert_eq!(stage.request().await.approvals_count(), 0);
        stage.bob.command("/access withdraw prod-one").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_cannot_be_looked_up_is_told_that_nothing_was_counted() {
    story(async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.advance(6.seconds()).await;
        stage.slack.fail("users.info", SlackFault::Error("internal_error".to_owned()), u32::MAX);
        stage.bob.press_in("#access", "Approve").await;
        stage.advance(2.minutes()).await;
        insta::assert_snapshot!(stage.told_privately("#access", "bob").await, @"
        nightlatch (only you):
          ⚠️ *Nothing was counted*: I could not check who you are.
          Slack refused it (internal_error). Please press again in a moment.
          ~ Production database · request 01kjmma2g000000001
        ");
        assert!(is_pending(stage).await);
        stage.slack.heal();
        stage.tailnet.fault(Endpoint::Policy, Fault::Status(503), Some(2));
        stage.bob.press_in("#access", "Approve").await;
        stage.advance(10.seconds()).await;
        assert!(stage.is_on(), "a press is not lost because Tailscale was away for a moment");
        stage.alice.press("Return").await;
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_channel_the_bot_is_in_works_like_any_other() {
    let channel = Channel::private("C0SECRET1", "secret-access").with(&["U0BOB0001", "U0CAROL01", "U0NIGHTLATCH"]);
    let setting = Setting::default().prod_db(&[("\"#access\"", "C0SECRET1")]).seed(|seed| seed.channel(channel));
    story_with(setting, async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bob.press_in("C0SECRET1", "Approve").await;
        assert!(stage.is_on());
        stage.advance(2.hours()).await;
        stage.everybody_reads();
    })
    .await;
}
