//! `golink.link`: a go link that lives as long as the grant. Here: what a workflow file may say, and what is touched; `holding` does it.

mod holding;

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::kernel::StepType;
use crate::kernel::fill::{Part, parts};
use crate::kernel::link::{LinkId, check_destination, check_name};
use crate::kernel::reference::{Piece, Reference, pieces};
use crate::kernel::step_type::{Holds, Lends, Setting, SettingKind, SettingMistake, Stays, StepResult};
use crate::kernel::workflow::{Input, InputKind};
use crate::steps::Listed;

pub use holding::LinkStep;

/// The entry in the list of step types.
pub const LISTED: Listed = Listed {
    about: StepType {
        uses: "golink.link",
        about: "A go link that is there while access is, and belongs to its requester. One of theirs that was there before leads to the new place \
                meanwhile, and back at the end; what somebody else made of it in between is left alone. Links stand with Nightlatch, or at the \
                golink that the configuration names: that one lets only its own page delete links, so there it needs `stays: true`. Whoever holds \
                the same link must want the same destination.",
        settings: SETTINGS,
        holds: Holds::Shared,
        stays: Stays::May,
        scopes: &[],
        results: &[StepResult { name: "address", about: "Where people follow it." }],
        check,
        address,
        lends,
    },
    make: |outside| Arc::new(LinkStep::new(outside.links.clone(), outside.clock.clone())),
};

const SETTINGS: &[Setting] = &[
    Setting {
        name: "short",
        kind: SettingKind::Text,
        is_required: true,
        is_key: true,
        about: "Its name. Capitals and dashes do not tell names apart.",
        example: "incident",
    },
    Setting {
        name: "long",
        kind: SettingKind::Address,
        is_required: true,
        is_key: false,
        about: "Where it leads: an `http` or `https` address. What is filled in is one percent-encoded segment or query value behind the host, or \
                the whole address from an input of type `link`.",
        example: "\"https://incidents.example.com/{{ requester.login }}\"",
    },
];

fn check(with: &Map<String, Value>, inputs: &[Input]) -> Vec<SettingMistake> {
    [short(with.get("short")), long(with.get("long"), inputs)].into_iter().flatten().collect()
}

fn short(short: Option<&Value>) -> Option<SettingMistake> {
    const HELP: &str = "write short: incident";
    match short {
        None | Some(Value::Null) => Some(SettingMistake::new("short", "`short` is missing", HELP)),
        // What is filled in is judged when it is known.
        Some(Value::String(text)) if text.contains("{{") => None,
        Some(Value::String(text)) => {
            let why = check_name(text).err()?;
            Some(SettingMistake::new("short", format!("`short` cannot be the name of a link: {why}"), HELP))
        }
        Some(_) => Some(SettingMistake::new("short", "`short` must be a text", HELP)),
    }
}

fn long(long: Option<&Value>, inputs: &[Input]) -> Option<SettingMistake> {
    const HELP: &str = "write long: \"https://incidents.example.com/{{ inputs.NAME }}\"";
    let mistake = |message: String| Some(SettingMistake::new("long", message, HELP));
    let text = match long {
        None | Some(Value::Null) => return mistake("`long` is missing".to_owned()),
        Some(Value::String(text)) => text,
        Some(_) => return mistake("`long` must be a text".to_owned()),
    };
    let pieces = pieces(text).ok()?;
    if let [Piece::Reference(Reference::Input(name))] = pieces.as_slice() {
        let is_link = |input: &&Input| input.name == *name && matches!(input.kind, InputKind::Link { .. });
        let is_known = inputs.iter().any(|input| input.name == *name);
        let message = "what is the whole address must be an input of type link".to_owned();
        return if inputs.iter().any(|input| is_link(&input)) || !is_known { None } else { mistake(message) };
    }
    let first = match pieces.first() {
        Some(Piece::Text(first)) => *first,
        _ => return mistake("`long` begins with something that is filled in".to_owned()),
    };
    let rest = first.strip_prefix("https://").or_else(|| first.strip_prefix("http://"));
    let Some(rest) = rest else { return mistake("`long` must begin with https:// or http://".to_owned()) };
    if pieces.len() > 1 && !rest.contains(['/', '?', '#']) {
        return mistake("nothing is filled into the host of an address".to_owned());
    }
    let tried: String = pieces.iter().map(|piece| if let Piece::Text(text) = piece { text } else { "x" }).collect();
    check_destination(&tried).err().and_then(|why| mistake(format!("`long` is no good destination: {why}")))
}

/// What the filled settings say, if it can be a link.
fn wanted(with: &Map<String, Value>) -> Result<(String, String), String> {
    let short = with.get("short").and_then(Value::as_str).unwrap_or_default().trim().to_owned();
    check_name(&short).map_err(|why| format!("the name of a link: {why}"))?;
    let parts = with.get("long").and_then(parts).ok_or("no destination")?;
    let long = match parts.as_slice() {
        [Part::Filled(Value::String(whole))] => whole.clone(),
        parts => parts.iter().map(written).collect::<Result<String, String>>()?,
    };
    let url = url::Url::parse(&long).map_err(|error| format!("a destination that is none: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("a destination that is no web address".to_owned());
    }
    let long = check_destination(&long).map_err(|why| why.to_string())?;
    // A template of golink's would be read again when it is followed.
    if long.contains("{{") {
        return Err("a destination with braces".to_owned());
    }
    Ok((short, long.to_owned()))
}

/// One segment or query value, whatever was typed.
fn written(part: &Part) -> Result<String, String> {
    match part {
        Part::Literal(text) => Ok(text.clone()),
        Part::Filled(Value::String(text)) => Ok(crate::kernel::link::query_escape(text).replace('+', "%20")),
        Part::Filled(Value::Array(_) | Value::Object(_)) => Err("several values in an address".to_owned()),
        Part::Filled(other) => Ok(other.to_string()),
        Part::Own(_) => Err("what it comes to itself".to_owned()),
    }
}

fn address(with: &Map<String, Value>) -> Result<String, String> {
    wanted(with).map(|(short, _)| LinkId::of(&short).as_str().to_owned())
}

/// The name of what is touched says as much.
fn lends(with: &Map<String, Value>, _: &str) -> Lends {
    let words = wanted(with).map(|(short, long)| format!("go/{short} to {long}"));
    Lends { words: words.unwrap_or_default(), is_in_key: true }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_filled_in_stays_one_segment() {
        let filled =
            |value: Value| json!({ "{{}}": [ "https://incidents.example.com/", { "filled": value }, "?by=me" ] });
        let told: Vec<String> = [
            json!({ "short": "incident", "long": "https://incidents.example.com/1" }),
            json!({ "short": "Incident-7", "long": filled(json!("INC-7")) }),
            json!({ "short": "incident", "long": filled(json!("../../evil?x=1#y @{{.User}}")) }),
            json!({ "short": "incident", "long": filled(json!(7)) }),
            json!({ "short": "incident", "long": filled(json!(["a"])) }),
            json!({ "short": "incident", "long": { "{{}}": [{ "filled": "https://wiki.example.com/a b" }] } }),
            json!({ "short": "incident", "long": { "{{}}": [{ "filled": "javascript:alert(1)" }] } }),
            json!({ "short": "incident", "long": { "{{}}": [{ "filled": "https://x.example.com/{{.User}}" }] } }),
            json!({ "short": "a b", "long": "https://incidents.example.com/1" }),
            json!({ "short": "incident" }),
        ]
        .iter()
        .map(|with| match wanted(with.as_object().unwrap()) {
            Ok((short, long)) => format!("{short} -> {long} ({})", address(with.as_object().unwrap()).unwrap()),
            Err(why) => why,
        })
        .collect();
        insta::assert_snapshot!(told.join("\n"), @"
        incident -> https://incidents.example.com/1 (incident)
        Incident-7 -> https://incidents.example.com/INC-7?by=me (incident7)
        incident -> https://incidents.example.com/..%2F..%2Fevil%3Fx%3D1%23y%20%40%7B%7B.User%7D%7D?by=me (incident)
        incident -> https://incidents.example.com/7?by=me (incident)
        several values in an address
        incident -> https://wiki.example.com/a b (incident)
        a destination that is no web address
        a destination with braces
        the name of a link: a name starts with a letter or digit; letters, digits, dashes, periods and underscores may follow
        no destination
        ");
    }

    #[test]
    fn the_host_is_never_filled_in() {
        let inputs = [
            Input::plain("page", "Page", InputKind::Link { required: true, pattern: None }),
            Input::plain("ticket", "Ticket", InputKind::text(20)),
        ];
        let told: Vec<String> = [
            "https://incidents.example.com/{{ inputs.ticket }}",
            "{{ inputs.page }}",
            "{{ inputs.ticket }}",
            "https://{{ inputs.ticket }}/x",
            "https://example.com{{ inputs.ticket }}/x",
            "https://example.com?{{ inputs.ticket }}",
            "{{ inputs.page }}/x",
            "ftp://example.com/",
            "example.com",
        ]
        .iter()
        .map(|text| long(Some(&json!(text)), &inputs).map_or_else(|| "fine".to_owned(), |mistake| mistake.message))
        .collect();
        insta::assert_snapshot!(told.join("\n"), @"
        fine
        fine
        what is the whole address must be an input of type link
        nothing is filled into the host of an address
        nothing is filled into the host of an address
        fine
        `long` begins with something that is filled in
        `long` must begin with https:// or http://
        `long` must begin with https:// or http://
        ");
    }
}
