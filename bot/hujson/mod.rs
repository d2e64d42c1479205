//! HuJSON (JSON with comments and trailing commas) that is changed in place: entries of ours come and go, and every other byte stays.
//!
//! Whatever is added is added in one piece, directly behind a bracket, with a comment in front that says whose it is (`Mark`). So taking it
//! out again is cutting that piece, wherever it stands by then and whatever others wrote around it. Nothing is known beside the text itself.

mod change;
mod cutting;
mod layout;
mod mark;
mod meant;
mod node;
mod print;

use jsonc_parser::ParseOptions;
use serde_json::Value;

pub use mark::Mark;

use node::{Kind, Node};

/// A text that was read.
#[derive(Clone, Debug)]
pub struct Document {
    /// Without the byte order mark it may begin with.
    text: String,
    has_byte_order_mark: bool,
    root: Node,
    max_bytes: usize,
}

/// Where an entry stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// In a list of the document, such as `grants`.
    List(String),
    /// Under a name in an object of the document, such as `postures`.
    Under(String),
    /// In a list that stands under a name in an object of the document, such as `groups` and `group:dba`.
    ListUnder(String, String),
}

/// Something of ours in the text.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Where it stands.
    pub place: Place,
    /// What it stands under, in an object; empty in a list.
    pub name: String,
    /// What it is.
    pub value: Value,
    /// Whose it is, as the comment in front of it says.
    pub mark: Mark,
}

/// Why a text is not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HujsonError {
    /// Too much to be read or sent.
    #[error("it has {bytes} bytes, more than the {max} that are allowed")]
    TooLarge {
        /// How many it has or would have.
        bytes: usize,
        /// How many it may have.
        max: usize,
    },
    /// It is no HuJSON.
    #[error("line {line}, column {column}: {what}")]
    Unreadable {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
        /// What is wrong.
        what: String,
    },
    /// Readers would not agree on what it says.
    #[error("line {line}, column {column}: `{name}` stands twice in one object")]
    Twice {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
        /// The name.
        name: String,
    },
    /// Something else stands where entries belong.
    #[error("`{0}` is not a list")]
    NotAList(String),
    /// Something else stands where names belong.
    #[error("`{0}` is not an object")]
    NotAnObject(String),
    /// There is something under that name, and it is not ours.
    #[error("`{0}` is there already")]
    Taken(String),
    /// What came of a change does not read as it was meant. This is a bug of ours, and the change is not made.
    #[error("the changed text does not read as it was meant")]
    NotAsMeant,
}

/// HuJSON and nothing looser.
pub fn options() -> ParseOptions {
    ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    }
}

impl Document {
    /// Reads an object of at most so many bytes, in which no name stands twice.
    ///
    /// # Errors
    /// Why it is not to be touched.
    pub fn read(text: &str, max_bytes: usize) -> Result<Self, HujsonError> {
        if text.len() > max_bytes {
            return Err(HujsonError::TooLarge { bytes: text.len(), max: max_bytes });
        }
        let bare = text.strip_prefix('\u{feff}');
        let (has_byte_order_mark, text) = (bare.is_some(), bare.unwrap_or(text).to_owned());
        let root = node::read(&text)?;
        Ok(Self { text, has_byte_order_mark, root, max_bytes })
    }

    /// Every byte of it.
    pub fn text(&self) -> String {
        let mark = if self.has_byte_order_mark { "\u{feff}" } else { "" };
        format!("{mark}{}", self.text)
    }

    /// What it says, as plain JSON.
    pub fn value(&self) -> Value {
        jsonc_parser::parse_to_serde_value(&self.text, &options()).unwrap_or_default()
    }

    /// What stands under a name of the document, as plain JSON. Case does not matter, as it does not for Go.
    pub fn section(&self, name: &str) -> Value {
        let value = self.value();
        let sections = value.as_object().into_iter().flatten();
        let found = sections.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, section)| section.clone()).unwrap_or_default()
    }

    /// How the document spells that section, if it has it.
    pub fn spelled(&self, name: &str) -> Option<&str> {
        let found = self.members().iter().find(|member| member.name.eq_ignore_ascii_case(name));
        found.map(|member| member.name.as_str())
    }

    /// Everything with a mark in front of it, in the order of the text.
    pub fn entries(&self) -> Vec<Entry> {
        let value = self.value();
        self.spots().iter().filter_map(|spot| spot.entry(&value)).collect()
    }

    fn changed(&self, text: String) -> Result<Self, HujsonError> {
        let mark_bytes = if self.has_byte_order_mark { 3 } else { 0 };
        let bytes = text.len().saturating_add(mark_bytes);
        if bytes > self.max_bytes {
            return Err(HujsonError::TooLarge { bytes, max: self.max_bytes });
        }
        let root = node::read(&text).map_err(|_| HujsonError::NotAsMeant)?;
        Ok(Self { text, root, ..*self })
    }

    fn members(&self) -> &[node::Member] {
        match &self.root.kind {
            Kind::Object(members) => members,
            Kind::Array(_) | Kind::Leaf => &[],
        }
    }
}

#[cfg(test)]
mod tests;
