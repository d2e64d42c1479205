//! A stored request in parts, so that what never changes is written once: its life, what was asked, and the workflow that many share.
//! Put together they are the JSON of the whole, of one shape; apart they are cut out of it as text, whatever its types look like.

use std::ops::Range;
use std::sync::OnceLock;

use super::{Unreadable, read, shape_of};
use crate::pinned::Pinned;
use crate::request::Request;
use crate::workflow::Workflow;

/// The parts of one request's JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// Everything else.
    pub life: String,
    /// The member `ask` without its workflow.
    pub asked: String,
    /// The member `workflow` of `ask`.
    pub workflow: String,
}

/// Takes a request's JSON apart; none if it has no such members, which is then stored whole.
pub fn split(whole: &str) -> Option<Parts> {
    let (life, asked) = without(whole, "ask")?;
    let (asked, workflow) = without(asked, "workflow")?;
    Some(Parts { life, asked, workflow: workflow.to_owned() })
}

/// Whether a life is of today's shape; then so is what was asked, and the workflow.
pub fn is_of_today(life: &str) -> bool {
    super::fields_of_shape(life, shape_of::<Request>()).is_some()
}

/// Reads a request of today's shape whose workflow was read before.
pub fn read_under(life: &str, asked: &str, workflow: &Pinned) -> Result<Request, Unreadable> {
    static SMALLEST: OnceLock<String> = OnceLock::new();
    let stand_in = SMALLEST.get_or_init(|| serde_json::to_string(&Workflow::default()).unwrap_or_default());
    let mut request: Request = read(&join(life, asked, stand_in))?;
    request.ask.workflow = workflow.clone();
    Ok(request)
}

/// Puts it together again. What is no object stays what it is, so that reading it says so.
pub fn join(life: &str, asked: &str, workflow: &str) -> String {
    with(life, "ask", &with(asked, "workflow", workflow))
}

fn with(object: &str, name: &str, value: &str) -> String {
    match object.strip_suffix('}') {
        Some("{") => format!("{{\"{name}\":{value}}}"),
        Some(members) => format!("{members},\"{name}\":{value}}}"),
        None => object.to_owned(),
    }
}

/// An object as `serde_json` writes it, without one of its members, and that member.
fn without<'t>(object: &'t str, name: &str) -> Option<(String, &'t str)> {
    let Range { start, end } = value_of(object, name)?;
    let value = object.get(start..end)?;
    let before = object.get(..start)?.strip_suffix(':')?.strip_suffix('"')?.strip_suffix(name)?.strip_suffix('"')?;
    let after = object.get(end..)?;
    let rest = match after.strip_prefix(',') {
        Some(after) => format!("{before}{after}"),
        None => format!("{}{after}", before.strip_suffix(',').unwrap_or(before)),
    };
    Some((rest, value))
}

/// Where the value of a member of the outermost object stands.
fn value_of(object: &str, name: &str) -> Option<Range<usize>> {
    let mut depth = 0_u32;
    let mut found: Option<usize> = None;
    let mut bytes = object.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => {
                let mut end = at;
                while let Some((inside, byte)) = bytes.next() {
                    match byte {
                        b'\\' => drop(bytes.next()),
                        b'"' => {
                            end = inside;
                            break;
                        }
                        _ => {}
                    }
                }
                let is_name = depth == 1 && found.is_none() && object.get(end + 1..)?.starts_with(':');
                // A text that is a value is followed by a comma or by the end.
                if is_name && object.get(at + 1..end)? == name {
                    found = Some(end + 2);
                }
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0
                    && let Some(start) = found
                {
                    return Some(start..at);
                }
            }
            b',' if depth == 1 => {
                if let Some(start) = found {
                    return Some(start..at);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_apart_is_the_same_when_put_together() {
        let whole = r#"{"shape":3,"ask":{"id":"r\"1","workflow":{"name":"a","by":["{","\\"]},"reason":"}\",\"ask\":"},"state":"active"}"#;
        let parts = split(whole).unwrap();
        assert_eq!(parts.life, r#"{"shape":3,"state":"active"}"#);
        assert_eq!(parts.asked, r#"{"id":"r\"1","reason":"}\",\"ask\":"}"#);
        assert_eq!(parts.workflow, r#"{"name":"a","by":["{","\\"]}"#);
        let joined = join(&parts.life, &parts.asked, &parts.workflow);
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(read(&joined), read(whole));
        assert!(joined.starts_with(r#"{"shape":3,"#), "its shape is found where it is looked for first");
    }

    #[test]
    fn members_are_found_first_last_and_alone_and_nothing_else_is() {
        for (object, name, rest, value) in [
            (r#"{"a":1,"b":2}"#, "a", r#"{"b":2}"#, "1"),
            (r#"{"a":1,"b":2}"#, "b", r#"{"a":1}"#, "2"),
            (r#"{"a":"x"}"#, "a", "{}", r#""x""#),
            (r#"{"b":{"a":1},"a":[{"a":2}]}"#, "a", r#"{"b":{"a":1}}"#, r#"[{"a":2}]"#),
        ] {
            assert_eq!(without(object, name), Some((rest.to_owned(), value)), "{object}");
        }
        for (object, name) in
            [("{}", "a"), (r#"{"b":{"a":1}}"#, "a"), (r#"{"b":"a"}"#, "a"), ("x", "a"), (r#"{"a":"#, "a")]
        {
            assert_eq!(without(object, name), None, "{object}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,80}") {
            let _ = split(&text);
            let _ = join(&text, &text, &text);
        }

        #[test]
        fn any_words_survive(name in ".{0,20}", reason in ".{0,20}", state in ".{0,20}") {
            let whole = serde_json::json!({
                "state": state, "ask": { "reason": reason, "workflow": { "name": name }, "x": [1, name] }, "y": reason });
            let parts = split(&whole.to_string()).unwrap();
            let joined = join(&parts.life, &parts.asked, &parts.workflow);
            proptest::prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&joined).unwrap(), whole);
        }
    }
}
