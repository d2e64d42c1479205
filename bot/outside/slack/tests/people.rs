//! Who people are: standing, the memory of records, groups and addresses.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::*;
use super::Fake;

#[tokio::test]
async fn people_are_judged_by_what_slack_did_say() {
    let fake = Fake::start().await;
    fake.fixture("auth.test", "web_auth_test.json");
    fake.json("bots.info", 200, r#"{"ok":false,"error":"missing_scope","needed":"users:read"}"#);
    let own = fake.slack.auth_test().await.expect("ourselves");
    assert_eq!(own.app_id, None, "Slack did not say, and nothing waits for it");
    assert_eq!(fake.slack.own_team().as_ref(), Some(&own));
    let mut lines = Vec::new();
    for (id, name) in [
        ("U0ANN0001", "member"),
        ("U0GST0001", "multi_channel_guest"),
        ("U0GST0002", "single_channel_guest"),
        ("U0OTHERBT", "bot"),
        ("U0BOB0001", "deactivated"),
        ("U0EVE0EXT", "external_member"),
        ("U0EVE0EXT", "stranger"),
        ("W0GRID001", "grid"),
    ] {
        fake.fixture("users.info", &format!("web_users_info_{name}.json"));
        let user = fake.slack.users_info(id).await.expect("a person");
        let email = user.email.clone().unwrap_or_default();
        lines.push(format!("{name}: {:?} {} {email}", user.standing(&own), user.real_name).trim_end().to_owned());
    }
    insta::assert_snapshot!(lines.join("\n"), @r"
    member: Member Ann ann@acme.test
    multi_channel_guest: Guest Gus gus@acme.test
    single_channel_guest: Guest Sam sam@acme.test
    bot: Bot Otherbot otherbot@acme.test
    deactivated: Deactivated Bob
    external_member: Outsider Eve
    stranger: Outsider Eve
    grid: Member Ann ann@acme.test
    ");
    let other = fake.slack.users_info("U0MALLORY").await.expect_err("not the record that was asked for");
    assert_eq!(other.to_string(), "slack answered users.info with something unreadable: a record of someone else");
}

#[test]
fn a_missing_mark_never_makes_a_member() {
    let own = OwnTeam {
        url: None,
        team_id: "T1".to_owned(),
        enterprise_id: Some("E1".to_owned()),
        bot_user_id: "U0BOT".to_owned(),
        bot_id: None,
        app_id: None,
        is_enterprise_install: false,
    };
    let full = json!({
        "id": "U1", "team_id": "T1", "name": "a", "deleted": false, "is_bot": false, "is_restricted": false,
        "is_ultra_restricted": false, "is_stranger": false
    });
    let standing = |user: &Value, own: &OwnTeam| SlackUser::from_value(user).expect("a person").standing(own);
    assert_eq!(standing(&full, &own), Standing::Member);
    for (field, expected) in [
        ("deleted", Standing::Unknown),
        ("is_bot", Standing::Unknown),
        ("is_restricted", Standing::Unknown),
        ("team_id", Standing::Unknown),
        ("is_ultra_restricted", Standing::Member),
        ("is_stranger", Standing::Member),
    ] {
        let mut user = full.clone();
        user.as_object_mut().expect("an object").remove(field);
        assert_eq!(standing(&user, &own), expected, "without {field}");
    }
    let with = |name: &str, value: Value| {
        let mut user = full.clone();
        user[name] = value;
        user
    };
    assert_eq!(standing(&with("id", json!("USLACKBOT")), &own), Standing::Bot);
    assert_eq!(standing(&with("id", json!("U0BOT")), &own), Standing::Bot);
    assert_eq!(standing(&with("is_workflow_bot", json!(true)), &own), Standing::Bot);
    assert_eq!(standing(&with("is_ultra_restricted", json!(true)), &own), Standing::Guest);
    assert_eq!(standing(&with("team_id", json!("T2")), &own), Standing::Outsider);
    let mut sister = with("team_id", json!("T2"));
    sister["enterprise_user"] = json!({ "enterprise_id": "E1", "teams": ["T2"] });
    assert_eq!(standing(&sister, &own), Standing::Outsider, "in our org, not in our workspace");
    let org = OwnTeam { team_id: "E1".to_owned(), is_enterprise_install: true, ..own.clone() };
    assert_eq!(standing(&sister, &org), Standing::Member);
    sister["enterprise_user"]["teams"] = json!(["T2", "T1"]);
    assert_eq!(standing(&sister, &own), Standing::Member);
    sister["enterprise_user"]["enterprise_id"] = json!("E2");
    assert_eq!(standing(&sister, &own), Standing::Outsider);
}

#[tokio::test]
async fn callers_at_the_same_time_share_one_question() {
    let fake = Fake::start().await;
    fake.fixture("users.info", "web_users_info_member.json");
    *fake.desk.is_gated.lock().expect("a lock") = true;
    let ask = || fake.slack.user_cached("U0ANN0001", 5_000);
    let open = async {
        while fake.calls().is_empty() {
            tokio::task::yield_now().await;
        }
        fake.desk.gate.notify_one();
    };
    let (one, two, three, ()) = tokio::join!(ask(), ask(), ask(), open);
    assert!(one.is_ok() && one == two && two == three);
    assert_eq!(fake.calls().len(), 1);
    *fake.desk.is_gated.lock().expect("a lock") = false;
    fake.clock.advance(Duration::from_millis(5_000));
    ask().await.expect("remembered");
    assert_eq!(fake.calls().len(), 1);
    fake.clock.advance(Duration::from_millis(1));
    ask().await.expect("asked again");
    assert_eq!(fake.calls().len(), 2);
    fake.slack.forget_user("U0ANN0001");
    ask().await.expect("asked again");
    assert_eq!(fake.calls().len(), 3);
    fake.fixture("users.info", "web_error_user_not_found.json");
    fake.clock.advance(Duration::from_secs(10));
    assert_eq!(ask().await.expect_err("gone").code(), Some("user_not_found"));
    fake.fixture("users.info", "web_users_info_member.json");
    assert!(ask().await.is_ok(), "a failure is not remembered");
}

#[tokio::test]
async fn groups_and_addresses_are_looked_up() {
    let fake = Fake::start().await;
    fake.fixture("auth.test", "web_auth_test.json");
    fake.json("bots.info", 200, r#"{"ok":true,"bot":{"id":"B0JITBOT1","app_id":"A0JITBOT1"}}"#);
    let own = fake.slack.auth_test().await.expect("ourselves");
    assert_eq!((own.app_id.as_deref(), fake.last().arguments), (Some("A0JITBOT1"), "bot=B0JITBOT1".into()));
    let again = fake.slack.auth_test().await.expect("ourselves");
    assert_eq!((again.app_id.as_deref(), fake.last().method.as_str()), (Some("A0JITBOT1"), "auth.test"));
    fake.fixture("usergroups.list", "web_usergroups_list.json");
    fake.fixture("usergroups.users.list", "web_usergroups_users_list.json");
    fake.fixture("users.lookupByEmail", "web_users_lookupByEmail.json");
    let groups = fake.slack.usergroups_list().await.expect("groups");
    let text = |text: &str| text.to_owned();
    let team_id = Some(text("T0ACME001"));
    let expected = UserGroup { id: text("S0ONCALL1"), handle: text("oncall"), name: text("On call"), team_id };
    assert_eq!(groups, std::slice::from_ref(&expected));
    assert_eq!(fake.slack.usergroup_members(&expected).await.expect("members"), ["U0ANN0001", "U0BOB0001"]);
    assert_eq!(fake.last().arguments, "usergroup=S0ONCALL1&team_id=T0ACME001");
    let ann = fake.slack.lookup_by_email("ann@acme.test").await.expect("an answer").expect("a person");
    assert_eq!((ann.id.as_str(), ann.tz.as_deref()), ("U0ANN0001", Some("Europe/Berlin")));
    fake.fixture("users.lookupByEmail", "web_error_users_not_found.json");
    assert_eq!(fake.slack.lookup_by_email("x@acme.test").await.expect("an answer"), None);
}
