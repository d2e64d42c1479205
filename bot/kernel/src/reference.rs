//! `{{ }}` in a step's settings: what it may name. It holds no logic.

use std::fmt;

use serde_json::Value;

/// One part of a text with `{{ }}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece<'t> {
    /// As written.
    Text(&'t str),
    /// `{{ name }}`.
    Reference(Reference<'t>),
}

/// What `{{ }}` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference<'t> {
    /// `inputs.NAME`: what the requester filled in.
    Input(&'t str),
    /// `requester.email`, `requester.login` and so on.
    Requester(RequesterField),
    /// `device.name`, `device.node_id`, `device.addresses`, `device.os`: of the input of type device.
    Device(DeviceField),
    /// `request.id`, `request.ends_at`.
    Request(RequestField),
    /// `house.active`: of everything that is lent.
    House(HouseField),
    /// `steps.NAME.RESULT`: what an earlier step came to.
    Result {
        /// The step's name.
        step: &'t str,
        /// Which of its results.
        name: &'t str,
    },
}

/// What can be told of the requester.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequesterField {
    /// E-mail from Slack.
    Email,
    /// Tailnet login.
    Login,
    /// A name for people to read.
    Name,
    /// Slack's id.
    SlackId,
}

impl RequesterField {
    /// All, with their names.
    pub const ALL: [(&'static str, Self); 4] =
        [("email", Self::Email), ("login", Self::Login), ("name", Self::Name), ("slack_id", Self::SlackId)];
}

/// What can be told of the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceField {
    /// Its short name.
    Name,
    /// `n...CNTRL`.
    NodeId,
    /// In the tailnet, a list.
    Addresses,
    /// As Tailscale displays it.
    Os,
}

impl DeviceField {
    /// All, with their names.
    pub const ALL: [(&'static str, Self); 4] =
        [("name", Self::Name), ("node_id", Self::NodeId), ("addresses", Self::Addresses), ("os", Self::Os)];
}

/// What can be told of everything that is lent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HouseField {
    /// Who holds what, as a list in text, as it was when it was asked.
    Active,
}

impl HouseField {
    /// All, with their names.
    pub const ALL: [(&'static str, Self); 1] = [("active", Self::Active)];
}

/// What can be told of the request itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestField {
    /// What names it, on cards and in the log.
    Id,
    /// When it ends, to the second, as it is known when the step begins: `2026-03-01T12:00:00Z`.
    EndsAt,
}

impl RequestField {
    /// All, with their names.
    pub const ALL: [(&'static str, Self); 2] = [("id", Self::Id), ("ends_at", Self::EndsAt)];
}

impl fmt::Display for Reference<'_> {
    /// As written between the braces.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(name) => write!(f, "inputs.{name}"),
            Self::Requester(field) => write!(f, "requester.{}", name_of(&RequesterField::ALL, field)),
            Self::Device(field) => write!(f, "device.{}", name_of(&DeviceField::ALL, field)),
            Self::Request(field) => write!(f, "request.{}", name_of(&RequestField::ALL, field)),
            Self::House(field) => write!(f, "house.{}", name_of(&HouseField::ALL, field)),
            Self::Result { step, name } => write!(f, "steps.{step}.{name}"),
        }
    }
}

fn name_of<F: PartialEq>(all: &[(&'static str, F)], field: &F) -> &'static str {
    all.iter().find(|(_, known)| known == field).map_or("", |(name, _)| name)
}

/// Why a text with `{{ }}` cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError<'t> {
    /// `{{` without `}}`.
    #[error("`{{{{` is not closed with `}}}}`")]
    NotClosed,
    /// `{%` or `{#`.
    #[error("`{0}` is not allowed: settings hold no logic")]
    Logic(&'static str),
    /// Filters, operators, brackets.
    #[error("only a name may stand between `{{{{` and `}}}}`")]
    NotAName(&'t str),
    /// A name that names nothing.
    #[error("nothing is called that")]
    Unknown(&'t str),
}

/// Cuts a text into its pieces, in order. Empty texts between references are left out.
///
/// # Errors
/// The first thing that is not plain text or a reference.
pub fn pieces(text: &str) -> Result<Vec<Piece<'_>>, ReferenceError<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    loop {
        let next = ["{{", "{%", "{#"].into_iter().filter_map(|mark| rest.find(mark).map(|at| (at, mark))).min();
        let Some((at, mark)) = next else {
            if !rest.is_empty() {
                pieces.push(Piece::Text(rest));
            }
            return Ok(pieces);
        };
        if mark != "{{" {
            return Err(ReferenceError::Logic(mark));
        }
        let (before, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
        let inside = from.strip_prefix("{{").unwrap_or_default();
        let (name, after) = inside.split_once("}}").ok_or(ReferenceError::NotClosed)?;
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        pieces.push(Piece::Reference(reference(name.trim())?));
        rest = after;
    }
}

fn reference(name: &str) -> Result<Reference<'_>, ReferenceError<'_>> {
    let is_word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !name.split('.').all(is_word) {
        return Err(ReferenceError::NotAName(name));
    }
    let found = match name.split_once('.') {
        Some(("inputs", input)) if is_word(input) => Some(Reference::Input(input)),
        Some(("requester", field)) => field_of(&RequesterField::ALL, field).map(Reference::Requester),
        Some(("device", field)) => field_of(&DeviceField::ALL, field).map(Reference::Device),
        Some(("request", field)) => field_of(&RequestField::ALL, field).map(Reference::Request),
        Some(("house", field)) => field_of(&HouseField::ALL, field).map(Reference::House),
        Some(("steps", result)) => result
            .split_once('.')
            .filter(|(_, name)| is_word(name))
            .map(|(step, name)| Reference::Result { step, name }),
        _ => None,
    };
    found.ok_or(ReferenceError::Unknown(name))
}

/// Whether a setting names this, however deep.
pub fn mentions(value: &Value, wanted: Reference<'_>) -> bool {
    match value {
        Value::String(text) => pieces(text).is_ok_and(|found| found.contains(&Piece::Reference(wanted))),
        Value::Array(list) => list.iter().any(|one| mentions(one, wanted)),
        Value::Object(map) => map.values().any(|one| mentions(one, wanted)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn field_of<F: Copy>(all: &[(&'static str, F)], name: &str) -> Option<F> {
    all.iter().find(|(known, _)| *known == name).map(|(_, field)| *field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_and_the_requester_can_be_named() {
        assert_eq!(pieces("{{ inputs.device }}"), Ok(vec![Piece::Reference(Reference::Input("device"))]));
        assert_eq!(
            pieces("for {{requester.email}}!"),
            Ok(vec![
                Piece::Text("for "),
                Piece::Reference(Reference::Requester(RequesterField::Email)),
                Piece::Text("!")
            ])
        );
        assert_eq!(pieces("}} { a }"), Ok(vec![Piece::Text("}} { a }")]));
        assert_eq!(pieces(""), Ok(vec![]));
    }

    #[test]
    fn logic_is_refused() {
        assert_eq!(pieces("{% if x %}"), Err(ReferenceError::Logic("{%")));
        assert_eq!(pieces("a {# b"), Err(ReferenceError::Logic("{#")));
        assert_eq!(pieces("{{ inputs.device"), Err(ReferenceError::NotClosed));
        assert_eq!(pieces("{{ device }}"), Err(ReferenceError::Unknown("device")));
        assert_eq!(pieces("{{ requester.id }}"), Err(ReferenceError::Unknown("requester.id")));
        for text in
            ["{{ inputs.a | upper }}", "{{ 1 + 1 }}", "{{ inputs['a'] }}", "{{ }}", "{{ inputs. }}", "{{{{ a }}}}"]
        {
            assert!(matches!(pieces(text), Err(ReferenceError::NotAName(_))), "{text}");
        }
        assert_eq!(pieces("{{ inputs.a.b }}"), Err(ReferenceError::Unknown("inputs.a.b")));
    }

    #[test]
    fn a_reference_is_shown_as_it_is_written() {
        let names = [
            "inputs.a",
            "requester.slack_id",
            "requester.email",
            "device.node_id",
            "request.ends_at",
            "house.active",
            "steps.rule.id",
        ];
        for name in names {
            let text = format!("{{{{{name}}}}}");
            let Ok([Piece::Reference(reference)]) = pieces(&text).as_deref().map(|found| [found[0].clone()]) else {
                panic!("{name} is a reference");
            };
            assert_eq!(reference.to_string(), name);
        }
        for name in ["steps.rule", "steps.a.b.c", "device.serial", "device", "request.state", "house.all"] {
            assert_eq!(pieces(&format!("{{{{{name}}}}}")), Err(ReferenceError::Unknown(name)));
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[{}%#. a-z]{0,40}") {
            let _ = pieces(&text);
        }
    }
}
