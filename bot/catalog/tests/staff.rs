//! `people.yaml`, and names that hang on the request.

use super::{messages, messages_of, read, with};
use crate::catalog::staff::from_text;

fn told(text: &str) -> String {
    match from_text("people.yaml", text) {
        Ok(staff) => format!("{} people", staff.everybody().len()),
        Err(report) => messages_of(&report),
    }
}

#[test]
fn people_have_a_manager_and_a_zone_and_every_mistake_is_told() {
    let good =
        "# ours\nalice@example.com: { manager: Carol@example.com, zone: Europe/Berlin }\neve@github: { zone: UTC }\n";
    assert_eq!(told(good), "3 people");
    for nobody in ["", "# nobody yet\n", "{}\n"] {
        assert_eq!(told(nobody), "0 people", "{nobody:?}");
    }
    let wrong = "\
alice@example.com: { manger: carol@example.com }
Bob: { manager: carol@example.com }
bob@example.com: { manager: BOB@example.com, zone: Europe/Berln }
dave@example.com: { manager: group:dba }
erin@example.com: carol@example.com
Dave@example.com: {}
frank@example.com: { manager: [a, b], zone: 5 }
frank@example.com: {}
";
    insta::assert_snapshot!(told(wrong), @"
    1:22 unknown key `manger` | did you mean `manager`?
    2:1 `Bob` is neither an e-mail address nor a tailnet login | write alice@example.com: { manager: carol@example.com, zone: Europe/Berlin }
    3:29 nobody is their own manager | name somebody else, or leave it out
    3:52 there is no time zone `Europe/Berln` | did you mean Europe/Berlin?
    4:30 `manager` cannot be `group:dba` | one person, by e-mail address or tailnet login
    5:19 a person must be a map of `key: value` lines, not a text | -
    6:1 `Dave@example.com` stands twice, in capitals and without | keep one
    7:31 `manager` must be a text, not a list | brackets make a list: put the text in quotes
    7:45 `zone` must be a text, not a number | put it in quotes
    8:1 `frank@example.com` stands twice | keep one
    ");
    insta::assert_snapshot!(told("- alice@example.com\n"), @"1:1 people.yaml must be a map of `key: value` lines, not a list | -");
}

#[test]
fn names_that_hang_on_the_request_stand_only_where_they_mean_somebody() {
    let by = |names: &str| with("by: [group:dba, \"@db-oncall\"]", &format!("by: [{names}]"));
    let no_device =
        |text: String| text.replace("  device: { type: device }\n", "").replace("{{ inputs.device }}", "n1CNTRL");
    let note = "  - uses: slack.message\n    with: { to: \"#access\", text: hello }\n";
    let harmless = |text: String| text[..text.find("  - uses: tailscale").unwrap()].to_owned() + note;
    let glass = "break_glass:\n  who: [requester.manager]\n  review: { by: [device.owner] }\n";
    let lines = [
        ("a manager", by("requester.manager")),
        ("a manager, twice", with("  - by: [group:dba, \"@db-oncall\"]", "  - quorum: 2\n    by: [requester.manager]")),
        ("misspelt", by("requester.manger")),
        ("the owner, who asks", by("device.owner")),
        ("the owner and others", by("device.owner, group:dba")),
        ("the owner, where there is no device", no_device(by("device.owner, group:dba"))),
        ("anyone decides", by("anyone")),
        ("anyone asks for something", with("ask: [group:engineering]", "ask: [anyone]")),
        ("anyone asks for nothing", harmless(with("ask: [group:engineering]", "ask: [anyone]"))),
        ("one's own manager asks", with("ask: [group:engineering]", "ask: [requester.manager]")),
        ("glass", super::GOOD.to_owned() + glass),
        ("by itself", super::GOOD.to_owned() + "approve_automatically:\n  - who: [anyone, requester.manager]\n"),
    ];
    let told = |text: &String| if read(text).is_ok() { "accepted".to_owned() } else { messages(text) };
    let lines: Vec<String> = lines.iter().map(|(label, text)| format!("{label}: {}", told(text))).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    a manager: accepted
    a manager, twice: 9:13 `quorum` is 2, but `by` names 1 person | nobody could ever be given this
    misspelt: 9:10 `requester.manger` names nobody | did you mean requester.manager?
    the owner, who asks: 9:3 `device.owner` is whoever asks, and nobody approves their own request | name somebody else, or write own_request: confirm
    the owner and others: accepted
    the owner, where there is no device: 8:10 `device.owner` is about a device, and no input asks for one | add an input of type device, or name somebody else
    11:21 `device` must be an input of type device | write device: "{{ inputs.device }}" with an input device: { type: device }
    anyone decides: 9:10 `anyone` decides nothing | name those who may, like group:dba; autogroup:member is everybody in the tailnet
    anyone asks for something: 7:7 `anyone` may ask only for what lends nobody anything, and the step `attribute` may | name those who may ask; autogroup:member is everybody in the tailnet. Only slack.message, tclip.paste, golink.link lend nothing
    anyone asks for nothing: accepted
    one's own manager asks: 7:7 nobody is their own manager, so that `requester.manager` names nobody here | name a group of managers
    glass: 14:9 nobody is their own manager, so that `requester.manager` names nobody here | name a group of managers
    by itself: 14:11 `anyone` can only ask | leave `who` out, or name a group
    14:19 nobody is their own manager, so that `requester.manager` names nobody here | name a group of managers
    "#);
}
