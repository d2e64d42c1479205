//! Shapes are told apart, raised step by step, and refused when they are newer than what is known.

use serde::Deserialize;
use serde_json::json;

use super::*;

/// Something that was renamed once and then cut in two.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Door {
    width_cm: i64,
    name: String,
}

fn name_and_width(body: Value) -> Result<Value, String> {
    let text = body.as_str().ok_or("not a text")?;
    let (name, width) = text.split_once(' ').ok_or("no space")?;
    Ok(json!({ "name": name, "width": width.parse::<i64>().map_err(|error| error.to_string())? }))
}

fn width_in_centimetres(mut body: Value) -> Result<Value, String> {
    let fields = body.as_object_mut().ok_or("not an object")?;
    let width = fields.remove("width").and_then(|width| width.as_i64()).ok_or("no width")?;
    fields.insert("width_cm".to_owned(), (width * 100).into());
    Ok(body)
}

impl Kept for Door {
    const KIND: &'static str = "door";
    const RAISES: &'static [Raise] = &[name_and_width, width_in_centimetres];
}

/// What is no object has a place for the number too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Keys(Vec<String>);

impl Kept for Keys {
    const KIND: &'static str = "keys";
    const RAISES: &'static [Raise] = &[];
}

/// What takes every field would take the number for one of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
struct Anything(Value);

impl Kept for Anything {
    const KIND: &'static str = "anything";
    const RAISES: &'static [Raise] = &[];
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Empty {}

impl Kept for Empty {
    const KIND: &'static str = "nothing";
    const RAISES: &'static [Raise] = &[];
}

fn door() -> Door {
    Door { width_cm: 200, name: "gate".to_owned() }
}

#[test]
fn every_shape_that_ever_was_is_read() {
    for stored in [
        r#""gate 2""#,
        r#"{"shape":1,"kept":"gate 2"}"#,
        r#"{"shape":2,"name":"gate","width":2}"#,
        r#"{"name":"gate","shape":2,"width":2}"#,
        r#"{"shape":3,"width_cm":200,"name":"gate"}"#,
        r#" { "name":"gate", "width_cm":200, "shape": 3 }"#,
    ] {
        assert_eq!(read::<Door>(stored).unwrap(), door(), "{stored}");
        assert_eq!(from_value::<Door>(serde_json::from_str(stored).unwrap()).unwrap(), door(), "{stored}");
    }
}

#[test]
fn what_is_written_says_its_shape_first_and_is_read_back() {
    let stored = write(&door()).unwrap();
    assert_eq!(stored, r#"{"shape":3,"width_cm":200,"name":"gate"}"#);
    assert_eq!(to_value(&door()).unwrap().to_string(), stored);
    let keys = Keys(vec!["a".to_owned()]);
    let stored = write(&keys).unwrap();
    assert_eq!(stored, r#"{"shape":1,"kept":["a"]}"#);
    assert_eq!(to_value(&keys).unwrap().to_string(), stored);
    assert_eq!(read::<Keys>(&stored).unwrap(), keys);
    assert_eq!(read::<Keys>(r#"["a"]"#).unwrap(), keys);
    for anything in [json!({ "a": 1, "b": { "shape": 7 } }), json!([1]), json!(null), json!("{}"), json!({})] {
        let anything = Anything(anything);
        let stored = write(&anything).unwrap();
        assert_eq!(read::<Anything>(&stored).unwrap(), anything, "{stored}");
        assert_eq!(from_value::<Anything>(to_value(&anything).unwrap()).unwrap(), anything);
    }
    let stored = write(&Empty {}).unwrap();
    assert_eq!(stored, r#"{"shape":1}"#);
    assert_eq!(read::<Empty>(&stored).unwrap(), Empty {});
}

#[test]
fn a_newer_shape_and_broken_json_are_told_apart() {
    let said = |stored: &str| read::<Door>(stored).unwrap_err().to_string();
    let newer = read::<Door>(r#"{"shape":4,"height":1}"#).unwrap_err();
    assert_eq!((newer.found, newer.known, &newer.why), (Some(4), 3, &Why::Newer));
    let lines = [
        newer.to_string(),
        said(r#"{"shape":9,"kept":[]}"#),
        said(r#"{"shape":3,"name":"gate"}"#),
        said(r#"{"shape":2,"name":"gate"}"#),
        said(r#"{"shape":0,"name":"gate"}"#),
        said(r#"{"shape":"two","name":"gate"}"#),
        said("gate"),
        write(&Unwritable(std::collections::BTreeMap::from([((1, 2), 3)]))).unwrap_err().to_string(),
    ];
    insta::assert_snapshot!(lines.join("\n"), @r#"
    a stored door was written by a newer nightlatch (shape 4, this one knows 3)
    a stored door was written by a newer nightlatch (shape 9, this one knows 3)
    a stored door of shape 3 cannot be read: missing field `width_cm` at line 1 column 15
    a stored door of shape 2 cannot be read: no width
    a stored door of shape 0 cannot be read: there is no such shape
    a stored door cannot be read: `shape` is not a number: "two"
    a stored door cannot be read: expected value at line 1 column 1
    a map cannot be stored: key must be a string
    "#);
}

/// A map whose keys JSON has no words for.
#[derive(Serialize)]
struct Unwritable(std::collections::BTreeMap<(i64, i64), i64>);

impl Kept for Unwritable {
    const KIND: &'static str = "map";
    const RAISES: &'static [Raise] = &[];
}

#[test]
fn kinds_have_names_of_their_own_and_only_grow() {
    let names: std::collections::BTreeSet<&str> = KINDS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names.len(), KINDS.len());
    assert!(KINDS.iter().all(|(_, shape)| *shape >= 1));
}
