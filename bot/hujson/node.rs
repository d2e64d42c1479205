//! Where everything stands in a HuJSON text: objects, lists and their parts by byte, without what they say.

use std::collections::HashSet;

use jsonc_parser::ast::{ObjectProp, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, parse_to_ast};

use super::{HujsonError, options};

/// Something with a beginning and an end.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub start: usize,
    pub end: usize,
    pub kind: Kind,
}

/// What it is.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Object(Vec<Member>),
    Array(Vec<Node>),
    Leaf,
}

/// A name and what stands under it.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub name: String,
    /// Where the name begins.
    pub start: usize,
    pub value: Node,
}

/// A comment between two things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Comment<'t> {
    pub start: usize,
    /// Behind its last character; the line end of a `//` is not part of it.
    pub end: usize,
    pub text: &'t str,
}

impl Node {
    /// Where its parts begin and end, in order.
    pub fn parts(&self) -> Vec<(usize, usize)> {
        match &self.kind {
            Kind::Object(members) => members.iter().map(|member| (member.start, member.value.end)).collect(),
            Kind::Array(elements) => elements.iter().map(|element| (element.start, element.end)).collect(),
            Kind::Leaf => Vec::new(),
        }
    }

    pub fn is_empty(&self) -> bool {
        match &self.kind {
            Kind::Object(members) => members.is_empty(),
            Kind::Array(elements) => elements.is_empty(),
            Kind::Leaf => false,
        }
    }

    /// Where the gap in front of each part begins: behind the opening bracket, or behind the part before it.
    pub fn gaps(&self) -> Vec<usize> {
        let ends = self.parts().into_iter().map(|(_, end)| end);
        std::iter::once(self.start.saturating_add(1)).chain(ends).collect()
    }
}

/// Reads a text that is one object.
pub(super) fn read(text: &str) -> Result<Node, HujsonError> {
    let parsed = parse_to_ast(text, &CollectOptions::default(), &options()).map_err(|error| {
        let (line, column) = (error.line_display(), error.column_display());
        HujsonError::Unreadable { line, column, what: error.kind().to_string() }
    })?;
    match parsed.value {
        Some(value @ Value::Object(_)) => node(text, &value, true),
        _ => Err(HujsonError::Unreadable { line: 1, column: 1, what: "it is not an object".to_owned() }),
    }
}

fn node(text: &str, value: &Value<'_>, is_root: bool) -> Result<Node, HujsonError> {
    let kind = match value {
        Value::Object(object) => Kind::Object(members(text, &object.properties, is_root)?),
        Value::Array(array) => {
            let elements = array.elements.iter().map(|element| node(text, element, false));
            Kind::Array(elements.collect::<Result<_, _>>()?)
        }
        _ => Kind::Leaf,
    };
    Ok(Node { start: value.start(), end: value.end(), kind })
}

/// The names of sections are read without case, as Go reads them, so there two spellings are one name.
fn members(text: &str, properties: &[ObjectProp<'_>], is_root: bool) -> Result<Vec<Member>, HujsonError> {
    let mut names = HashSet::new();
    let mut members = Vec::with_capacity(properties.len());
    for property in properties {
        let (name, start) = (property.name.as_str(), property.range.start);
        if !names.insert(if is_root { name.to_lowercase() } else { name.to_owned() }) {
            let (line, column) = place(text, start);
            return Err(HujsonError::Twice { line, column, name: name.to_owned() });
        }
        members.push(Member { name: name.to_owned(), start, value: node(text, &property.value, false)? });
    }
    Ok(members)
}

/// Line and column of a byte, counted from 1.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count().saturating_add(1);
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()).saturating_add(1);
    (line, column)
}

/// The comments of a stretch that holds nothing but white space, commas and comments.
pub(super) fn comments(text: &str, from: usize, to: usize) -> Vec<Comment<'_>> {
    let mut comments = Vec::new();
    let mut at = from;
    while let Some(rest) = text.get(at..to).filter(|rest| !rest.is_empty()) {
        let (length, shown) = if let Some(inner) = rest.strip_prefix("//") {
            let inner = inner.split('\n').next().unwrap_or_default();
            (inner.len().saturating_add(2), Some(inner))
        } else if let Some(inner) = rest.strip_prefix("/*") {
            let inner = inner.split("*/").next().unwrap_or_default();
            (inner.len().saturating_add(4), Some(inner))
        } else {
            (rest.chars().next().map_or(1, char::len_utf8), None)
        };
        let end = at.saturating_add(length);
        comments.extend(shown.map(|text| Comment { start: at, end, text: text.trim() }));
        at = end;
    }
    comments
}

/// The byte of the next comma, if nothing but white space and comments stands before it.
pub(super) fn comma(text: &str, from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let rest = text.get(at..)?;
        let length = if let Some(inner) = rest.strip_prefix("//") {
            inner.split('\n').next()?.len().saturating_add(2)
        } else if let Some(inner) = rest.strip_prefix("/*") {
            inner.split("*/").next()?.len().saturating_add(4)
        } else {
            match rest.chars().next()? {
                ',' => return Some(at),
                space if space.is_whitespace() => space.len_utf8(),
                _ => return None,
            }
        };
        at = at.saturating_add(length);
    }
}
