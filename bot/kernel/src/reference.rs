//! `{{ }}` in a step's settings: what it may name, and the text with it filled in. It holds no logic.

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
    /// `requester.email`, `requester.login`, `requester.name`.
    Requester(RequesterField),
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
}

impl RequesterField {
    /// All, with their names.
    pub const ALL: [(&'static str, Self); 3] = [("email", Self::Email), ("login", Self::Login), ("name", Self::Name)];
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
    match name.split_once('.') {
        Some(("inputs", input)) if is_word(input) => Ok(Reference::Input(input)),
        Some(("requester", field)) => RequesterField::ALL
            .into_iter()
            .find_map(|(known, value)| (known == field).then_some(Reference::Requester(value)))
            .ok_or(ReferenceError::Unknown(name)),
        _ => Err(ReferenceError::Unknown(name)),
    }
}

/// The text with every reference replaced by what `value` tells for it; nothing if it tells nothing for one of them.
/// What is filled in is not looked through again.
pub fn fill(text: &str, value: impl Fn(Reference<'_>) -> Option<String>) -> Option<String> {
    let mut filled = String::new();
    for piece in pieces(text).ok()? {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Reference(reference) => filled.push_str(&value(reference)?),
        }
    }
    Some(filled)
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
    fn what_is_filled_in_is_not_looked_through_again() {
        let filled = fill("x {{ inputs.reason }}", |_| Some("{{ requester.email }}".to_owned()));
        assert_eq!(filled.as_deref(), Some("x {{ requester.email }}"));
        assert_eq!(fill("{{ inputs.reason }}", |_| None), None);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[{}%#. a-z]{0,40}") {
            let _ = pieces(&text);
        }
    }
}
