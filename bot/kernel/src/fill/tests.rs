//! Everything that can be filled in is, once, and what cannot be is said.

use serde_json::json;

use super::*;
use crate::person::Standing;

fn alice() -> Person {
    Person {
        slack_id: "U1".to_owned(),
        name: "Alice".to_owned(),
        email: None,
        login: Some("alice@example.com".to_owned()),
        standing: Standing::Member,
        belongs: Vec::new(),
    }
}

fn filled(value: &Value) -> Result<Value, String> {
    let addresses = vec!["100.64.0.7".to_owned(), "fd7a:115c:a1e0::7".to_owned()];
    let (node_id, name, os) = ("n1CNTRL".to_owned(), "alice-laptop".to_owned(), "linux".to_owned());
    let device = DeviceShown { node_id, name, os, addresses };
    let results = json!({ "id": 7, "name": "{{ inputs.reason }}", "void": null });
    let scope = Scope {
        requester: &alice(),
        inputs: [("device", json!("n1CNTRL")), ("reason", json!("{{ requester.login }} {% x")), ("count", json!(3))]
            .into(),
        members: BTreeMap::new(),
        tagged: BTreeMap::new(),
        device: Some(&device),
        steps: vec![("first", results.as_object()), ("second", None)],
        active: None,
        id: "01abc",
        ends_at: Some(1_772_366_400_999),
        may_be_blank: false,
    };
    fill(value, &scope).map_err(|missing| missing.to_string())
}

#[test]
fn what_stands_for_several_becomes_several_items_of_a_list() {
    let settings = json!({
        "src": ["{{ device.addresses }}", "group:dba"], "all": "{{ device.addresses }}", "said": "from {{ device.addresses }}",
        "written": [["a"], { "of": ["{{ device.addresses }}"] }],
    });
    assert_eq!(
        filled(&settings).unwrap(),
        json!({
            "src": ["100.64.0.7", "fd7a:115c:a1e0::7", "group:dba"],
            "all": ["100.64.0.7", "fd7a:115c:a1e0::7"],
            "said": "from 100.64.0.7, fd7a:115c:a1e0::7",
            "written": [["a"], { "of": ["100.64.0.7", "fd7a:115c:a1e0::7"] }],
        })
    );
}

#[test]
fn everything_is_filled_in_however_deep_it_stands() {
    let settings = json!({
        "argv": ["open", "{{ inputs.device }}", { "for": "<{{requester.login}}> {{ device.name }}/{{ device.os }}" }],
        "id": "{{ steps.first.id }}", "text": "no {{ steps.first.id }}", "n": 1, "on": true, "{{ x }}": null,
        "count": "{{ inputs.count }}", "counted": "{{ inputs.count }} times",
        "request": "{{ request.id }} until {{ request.ends_at }}",
    });
    insta::assert_snapshot!(format!("{:#}", filled(&settings).unwrap()), @r#"
    {
      "argv": [
        "open",
        "n1CNTRL",
        {
          "for": "<alice@example.com> alice-laptop/linux"
        }
      ],
      "id": 7,
      "text": "no 7",
      "n": 1,
      "on": true,
      "{{ x }}": null,
      "count": 3,
      "counted": "3 times",
      "request": "01abc until 2026-03-01T12:00:00Z"
    }
    "#);
}

#[test]
fn what_was_filled_in_is_data() {
    assert_eq!(filled(&json!("{{ inputs.reason }}")), Ok(json!("{{ requester.login }} {% x")));
    assert_eq!(filled(&json!("> {{ steps.first.name }}")), Ok(json!("> {{ inputs.reason }}")));
}

#[test]
fn what_cannot_be_filled_in_is_never_left_as_it_was_written() {
    let texts = [
        "{{ inputs.note }}",
        "{{ requester.email }}",
        "{{ steps.second.id }}",
        "{{ steps.third.id }}",
        "{{ steps.first.other }}",
        "{{ steps.first.void }}",
        "{{ inputs.device",
        "{{ inputs.device | upper }}",
    ];
    let lines: Vec<String> = texts.iter().map(|text| filled(&json!([{ "at": text }])).unwrap_err()).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    {{ inputs.note }} has no value
    {{ requester.email }} has no value
    the result {{ steps.second.id }} is not known yet
    {{ steps.third.id }} has no value
    {{ steps.first.other }} has no value
    {{ steps.first.void }} has no value
    `{{` is not closed with `}}`
    only a name may stand between `{{` and `}}`
    ");
}

#[test]
fn what_is_put_together_by_its_step_stays_in_parts() {
    let (node_id, name, os) = ("n1CNTRL".to_owned(), "laptop".to_owned(), "linux".to_owned());
    let device = DeviceShown { node_id, name, os, ..DeviceShown::default() };
    let scope = Scope {
        requester: &alice(),
        inputs: [("reason", json!("{{ steps.freeze.id }} secret:ci"))].into(),
        members: BTreeMap::new(),
        tagged: BTreeMap::new(),
        device: Some(&device),
        steps: Vec::new(),
        active: None,
        id: "01abc",
        ends_at: None,
        may_be_blank: false,
    };
    let written = json!({ "url": "https://a/{{ inputs.reason }}/{{ steps.freeze.id }}", "body": ["plain"] });
    let filled = fill_parts(&written, &scope, "freeze").unwrap();
    let read = parts(&filled["url"]).unwrap();
    let reason = Part::Filled(json!("{{ steps.freeze.id }} secret:ci"));
    let literal = |text: &str| Part::Literal(text.to_owned());
    assert_eq!(read, [literal("https://a/"), reason, literal("/"), Part::Own("id".to_owned())]);
    assert_eq!(filled["body"], json!(["plain"]));
    assert!(fill_parts(&json!("{{ steps.other.id }}"), &scope, "freeze").is_err());
}

proptest::proptest! {
    #[test]
    fn no_text_keeps_its_braces_or_panics(text in "[{}%#. a-z]{0,40}") {
        if let Ok(Value::String(filled)) = filled(&json!(text)) {
            proptest::prop_assert!(!filled.contains("{{") || text.contains("inputs.reason"));
        }
    }
}
