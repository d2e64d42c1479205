//! Approval that nobody could get through, and people who are named as nobody is.

use super::{messages, read, with};

/// The good file with this under `ask` and `approve`.
fn told(ask: &str, approve: &str) -> String {
    let text = with("ask: [group:engineering]", &format!("ask: {ask}"));
    let text = text.replace("  - by: [group:dba, \"@db-oncall\"]\n", &format!("{approve}\n"));
    match read(&text) {
        Ok(_) => "accepted".to_owned(),
        Err(_) => messages(&text),
    }
}

#[test]
fn what_only_one_human_could_meet_is_told() {
    let one_human = "  - by: [bob@example.com]\n  - by: [bob@example.com]";
    let clauses = "  - all_of:\n      - { by: [bob@example.com, carol@example.com] }\n      - { quorum: 2, by: [bob@example.com, carol@example.com] }";
    let enough = "  - by: [bob@example.com]\n  - by: [bob@example.com, carol@example.com]";
    let own = "  - by: [alice@example.com]\n    own_request: confirm";
    let lines = [
        ("one human in two stages", told("[group:engineering]", one_human)),
        ("two humans for three", told("[group:engineering]", clauses)),
        ("two humans for two", told("[group:engineering]", enough)),
        ("a group may have others", told("[group:engineering]", "  - by: [bob@example.com]\n  - by: [group:dba]")),
        ("only the requester", told("[alice@example.com]", "  - by: [alice@example.com]")),
        ("only the requester, who may", told("[alice@example.com]", own)),
        ("one of two requesters", told("[alice@example.com, bob@example.com]", enough)),
        ("somebody else may ask too", told("[alice@example.com, group:x]", "  - by: [alice@example.com]")),
    ];
    let lines: Vec<String> = lines.into_iter().map(|(label, told)| format!("{label}: {told}")).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    one human in two stages: 9:3 `approve` takes more different people than it names | one person counts once in a request, in whatever stage or clause; name more people, or a group
    two humans for three: 9:3 `approve` takes more different people than it names | one person counts once in a request, in whatever stage or clause; name more people, or a group
    two humans for two: accepted
    a group may have others: accepted
    only the requester: 9:3 `approve` names too few people beside those who may ask, and nobody approves their own request | name somebody else, or write own_request: confirm
    only the requester, who may: accepted
    one of two requesters: accepted
    somebody else may ask too: accepted
    ");
}

#[test]
fn roles_and_logins_are_people_and_what_is_none_is_told() {
    let lines: Vec<String> = [
        "autogroup:admin",
        "autogroup:it-admin",
        "eve@github",
        "autogroup:admn",
        "autogroup:self",
        "eve@gitlab",
        "tag:ci",
    ]
    .into_iter()
    .map(|name| format!("{name}: {}", told("[group:engineering]", &format!("  - by: [{name}]"))))
    .collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    autogroup:admin: accepted
    autogroup:it-admin: accepted
    eve@github: accepted
    autogroup:admn: 9:10 `autogroup:admn` is no role of the tailnet | did you mean autogroup:admin?
    autogroup:self: 9:10 `autogroup:self` is no role of the tailnet | roles are autogroup:member, autogroup:owner, autogroup:admin, autogroup:it-admin, autogroup:network-admin, autogroup:billing-admin, autogroup:auditor
    eve@gitlab: 9:10 `eve@gitlab` names nobody | write group:NAME, autogroup:member or autogroup:admin (tailnet), "@handle" (Slack user group), requester.manager or an e-mail address
    tag:ci: 9:10 `tag:ci` names nobody | write group:NAME, autogroup:member or autogroup:admin (tailnet), "@handle" (Slack user group), requester.manager or an e-mail address
    "#);
}

#[test]
fn an_extension_that_nobody_could_approve_is_told() {
    let told = |approve: &str, extend: &str| {
        let text = with("  - by: [group:dba, \"@db-oncall\"]\n", approve);
        let text = format!("{text}extend: {extend}\n");
        match read(&text) {
            Ok(_) => "accepted".to_owned(),
            Err(_) => messages(&text),
        }
    };
    let dba = "  - by: [group:dba]\n";
    let lines: Vec<String> = [
        (dba, "{ max: 1h, approve: again }"),
        (dba, "{ max: 1h, approve: agian }"),
        (dba, "{ max: 1h }"),
        (dba, "{ max: 1h, approve: [] }"),
        (dba, "{ max: 1h, approve: [{ by: [group:sre] }, { quorum: 2, by: [group:dba] }] }"),
        (dba, "{ max: 1h, approve: [{ by: [bob@example.com] }, { by: [bob@example.com] }] }"),
        (dba, "{ max: 1h, approve: [{ buy: [group:dba] }] }"),
    ]
    .into_iter()
    .map(|(approve, extend)| format!("{extend}: {}", told(approve, extend)))
    .collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    { max: 1h, approve: again }: accepted
    { max: 1h, approve: agian }: 13:29 `approve` cannot be `agian` | did you mean `again`?
    { max: 1h }: 13:11 `approve` is missing | say who approves it: approve: automatic, if nobody has to, or approve: again
    { max: 1h, approve: [] }: 13:29 `approve` of `extend` names no stage | write approve: automatic, if nobody has to approve it
    { max: 1h, approve: [{ by: [group:sre] }, { quorum: 2, by: [group:dba] }] }: accepted
    { max: 1h, approve: [{ by: [bob@example.com] }, { by: [bob@example.com] }] }: 13:29 `approve` takes more different people than it names | one person counts once in a request, in whatever stage or clause; name more people, or a group
    { max: 1h, approve: [{ buy: [group:dba] }] }: 13:32 unknown key `buy` | did you mean `by`?
    ");
}
