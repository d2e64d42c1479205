//! One case per rule: a hostile block and the words Slack would answer with.

use serde_json::{Value, json};

use super::{check_message, check_options, check_view};

fn words(length: usize) -> String {
    "x".repeat(length)
}

fn plain(length: usize) -> Value {
    json!({ "type": "plain_text", "text": words(length) })
}

fn button(text: usize) -> Value {
    json!({ "type": "button", "action_id": "a", "text": plain(text) })
}

fn option(text: usize, value: &str) -> Value {
    json!({ "text": plain(text), "value": value })
}

/// What is wrong with one block of a message.
fn wrong(block: Value) -> String {
    check_message(&json!({ "blocks": [block] })).join("\n")
}

fn modal(blocks: Value) -> Value {
    json!({ "type": "modal", "title": plain(24), "submit": plain(24), "close": plain(24), "blocks": blocks })
}

#[test]
fn what_is_right_passes() {
    let right = [
        json!({ "type": "section", "text": { "type": "mrkdwn", "text": words(3000), "verbatim": true },
                "accessory": button(75) }),
        json!({ "type": "section", "fields": vec![plain(2000); 10] }),
        json!({ "type": "header", "text": plain(150) }),
        json!({ "type": "context", "elements": vec![json!({ "type": "mrkdwn", "text": "x" }); 10] }),
        json!({ "type": "divider", "block_id": words(255) }),
        json!({ "type": "actions", "elements": [
            { "type": "static_select", "action_id": "s", "placeholder": plain(150),
              "options": (0..100).map(|n| option(75, &n.to_string())).collect::<Vec<_>>() },
            { "type": "overflow", "action_id": "o", "options": [option(75, &words(75))] },
            { "type": "users_select", "action_id": "u" },
            { "type": "datepicker", "action_id": "d", "initial_date": "2026-01-02" }] }),
    ];
    for block in right {
        assert_eq!(wrong(block), "");
    }
    assert_eq!(check_message(&json!({ "blocks": vec![json!({ "type": "divider" }); 50] })), Vec::<String>::new());
    assert_eq!(check_view(&modal(json!(vec![json!({ "type": "divider" }); 100]))), Vec::<String>::new());
    assert_eq!(check_view(&json!({ "type": "home", "blocks": [] })), Vec::<String>::new());
}

#[test]
fn every_length_has_a_limit() {
    let long: [(Value, &str); 17] = [
        (
            json!({ "type": "section", "text": plain(3001) }),
            "less than 3001 characters [json-pointer:/blocks/0/text/text]",
        ),
        (json!({ "type": "section", "text": plain(0) }), "more than 0 characters [json-pointer:/blocks/0/text/text]"),
        (
            json!({ "type": "section", "fields": [plain(2001)] }),
            "less than 2001 characters [json-pointer:/blocks/0/fields/0/text]",
        ),
        (json!({ "type": "section", "fields": vec![plain(1); 11] }), "no more than 10 items"),
        (json!({ "type": "header", "text": plain(151) }), "less than 151"),
        (json!({ "type": "context", "elements": vec![plain(1); 11] }), "no more than 10 items"),
        (json!({ "type": "divider", "block_id": words(256) }), "less than 256"),
        (json!({ "type": "actions", "elements": [button(76)] }), "less than 76"),
        (json!({ "type": "actions", "elements": [] }), "no fewer than 1"),
        (
            json!({ "type": "section", "text": plain(1), "accessory": { "type": "button", "text": plain(1), "value": words(2001) } }),
            "less than 2001",
        ),
        (
            json!({ "type": "section", "text": plain(1), "accessory": { "type": "button", "text": plain(1), "url": "not a url" } }),
            "valid URL",
        ),
        (
            json!({ "type": "section", "text": plain(1), "accessory": { "type": "button", "text": plain(1), "action_id": words(256) } }),
            "less than 256",
        ),
        (
            json!({ "type": "actions", "elements": [{ "type": "static_select", "action_id": "s", "options": [option(76, "a")] }] }),
            "less than 76",
        ),
        (
            json!({ "type": "actions", "elements": [{ "type": "static_select", "action_id": "s", "options": [option(1, &words(76))] }] }),
            "less than 76",
        ),
        (
            json!({ "type": "actions", "elements": [{ "type": "overflow", "action_id": "s", "options": [option(1, "1"), option(1, "2"), option(1, "3"), option(1, "4"), option(1, "5"), option(1, "6")] }] }),
            "no more than 5",
        ),
        (
            json!({ "type": "actions", "elements": [{ "type": "users_select", "action_id": "s", "placeholder": plain(151) }] }),
            "less than 151",
        ),
        (json!({ "type": "image", "image_url": "https://x.example/i.png", "alt_text": words(2001) }), "less than 2001"),
    ];
    for (block, expected) in long {
        let found = wrong(block);
        assert!(found.contains(expected) && found.lines().count() == 1, "{expected:?} not alone in {found:?}");
    }
    let many = check_message(&json!({ "blocks": vec![json!({ "type": "divider" }); 51] }));
    assert_eq!(many, ["no more than 50 items allowed [json-pointer:/blocks]"]);
}

#[test]
fn structure_is_checked_too() {
    let markup = json!({ "type": "mrkdwn", "text": "*x*" });
    let confirm = json!({ "title": plain(101), "text": plain(1), "confirm": plain(31), "deny": plain(1) });
    let cases: [(Value, &str); 10] = [
        (json!({ "type": "header", "text": markup }), "must be plain_text [json-pointer:/blocks/0/text/type]"),
        (json!({ "type": "sections" }), "unsupported type: sections [json-pointer:/blocks/0/type]"),
        (json!({ "type": "section", "txt": plain(1), "text": plain(1) }), "unknown field [json-pointer:/blocks/0/txt]"),
        (json!({ "type": "section" }), "missing required field [json-pointer:/blocks/0/text]"),
        (json!({ "type": "actions", "elements": [{ "type": "knob" }] }), "unsupported type: knob"),
        (
            json!({ "type": "actions", "elements": [{ "type": "plain_text_input" }] }),
            "unsupported type: plain_text_input",
        ),
        (json!({ "type": "actions", "elements": [button(1), button(1)] }), "`action_id` already exists"),
        (
            json!({ "type": "actions", "elements": [{ "type": "button", "text": plain(1), "style": "green" }] }),
            "must be one of primary, danger",
        ),
        (
            json!({ "type": "actions", "elements": [{ "type": "static_select", "options": [option(1, "a"), option(1, "a")] }] }),
            "value is not unique: a",
        ),
        (
            json!({ "type": "actions", "elements": [{ "type": "static_select", "options": [option(1, "a")], "initial_option": option(1, "b") }] }),
            "must be one of the options",
        ),
    ];
    for (block, expected) in cases {
        let found = wrong(block);
        assert!(found.contains(expected) && found.lines().count() == 1, "{expected:?} not alone in {found:?}");
    }
    let asked = wrong(json!({ "type": "actions", "elements": [
        { "type": "button", "text": plain(1), "confirm": confirm }] }));
    assert_eq!(asked.lines().count(), 2, "{asked}");
    let twice = check_message(&json!({ "blocks": vec![json!({ "type": "divider", "block_id": "b" }); 2] }));
    assert_eq!(twice, ["`block_id` already exists: b [json-pointer:/blocks/1/block_id]"]);
}

#[test]
fn views_have_rules_of_their_own() {
    let input =
        json!([{ "type": "input", "label": plain(1), "element": { "type": "plain_text_input", "action_id": "a" } }]);
    let mut without_submit = modal(input.clone());
    without_submit.as_object_mut().expect("an object").remove("submit");
    assert!(check_view(&without_submit).join("").contains("/view/submit"), "{:?}", check_view(&without_submit));
    assert_eq!(check_view(&modal(input)), Vec::<String>::new());
    let mut long = modal(json!([]));
    for (name, value) in [
        ("title", plain(25)),
        ("submit", plain(25)),
        ("close", plain(25)),
        ("private_metadata", json!(words(3001))),
        ("callback_id", json!(words(256))),
        ("external_id", json!(words(256))),
        ("titel", json!(1)),
    ] {
        long[name] = value;
    }
    assert_eq!(check_view(&long).len(), 7, "{:?}", check_view(&long));
    let inside = check_view(&modal(json!([{ "type": "header", "text": plain(151) }])));
    assert_eq!(inside, ["must be less than 151 characters [json-pointer:/view/blocks/0/text/text]"]);
    let too_many = check_view(&modal(json!(vec![json!({ "type": "divider" }); 101])));
    assert!(!too_many.is_empty());
    let label = json!([{ "type": "input", "label": plain(2001), "hint": plain(2001),
        "element": { "type": "plain_text_input", "action_id": "a", "max_length": 3001 } }]);
    assert_eq!(check_view(&modal(label)).len(), 3);
}

#[test]
fn options_for_a_menu_are_checked() {
    assert_eq!(check_options(&json!({ "options": [] })), Vec::<String>::new());
    let groups = json!({ "option_groups": [{ "label": plain(75), "options": [option(1, "a")] }] });
    assert_eq!(check_options(&groups), Vec::<String>::new());
    let many: Vec<_> = (0..101).map(|number| option(1, &number.to_string())).collect();
    assert_eq!(check_options(&json!({ "options": many })).len(), 1);
    assert_eq!(check_options(&json!(null)).len(), 1);
}
