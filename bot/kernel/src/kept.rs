//! What is stored as JSON: every kind of it has a numbered shape, and old shapes are raised to today's when they are read.
//!
//! The number stands in the stored object as `"shape": n`, and nowhere else: it is added when writing and taken out when
//! reading. JSON without it has shape 1. ARCHITECTURE.md says how a stored type is changed ("What is stored").

mod kinds;
pub mod parts;

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub use kinds::{Asked, BEFORE_OF, KINDS, Note, RETIRED};

/// Where the number stands.
const SHAPE: &str = "shape";

/// Where JSON stands that is no object and so has no place for a number of its own.
const KEPT: &str = "kept";

/// From one shape to the next, on plain JSON. Says why if the JSON is not what that shape was.
pub type Raise = fn(Value) -> Result<Value, String>;

/// Something that is stored as JSON.
pub trait Kept: Serialize {
    /// What it is, for people and for the table of shapes. Never changes.
    const KIND: &'static str;

    /// From shape 1 to 2, from 2 to 3, and so on. A step never changes once a release has it; a new one is added at the end.
    const RAISES: &'static [Raise];
}

/// A raising step for a shape that only says more than the one before: nothing old has to change.
pub fn says_more(body: Value) -> Result<Value, String> {
    Ok(body)
}

/// Stored JSON that this version cannot read, or that could not be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// What kind of thing.
    pub kind: &'static str,
    /// Of which shape it is; none if that could not be told.
    pub found: Option<i64>,
    /// The newest shape this version knows.
    pub known: i64,
    /// Why.
    pub why: Why,
}

/// Why something stored is of no use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// A later version wrote it.
    Newer,
    /// It is not what its shape says; what was wrong.
    Broken(String),
    /// It was never stored: it cannot be written as JSON.
    NotWritten(String),
}

impl Unreadable {
    /// Something stored that is not what it should be, found by looking at it rather than by reading JSON.
    pub fn broken(kind: &'static str, why: impl fmt::Display) -> Self {
        Self { kind, found: None, known: 1, why: Why::Broken(why.to_string()) }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, found, known, why } = self;
        match (why, found) {
            (Why::Newer, found) => {
                let found = found.unwrap_or(0);
                write!(f, "a stored {kind} was written by a newer nightlatch (shape {found}, this one knows {known})")
            }
            (Why::Broken(why), Some(found)) => write!(f, "a stored {kind} of shape {found} cannot be read: {why}"),
            (Why::Broken(why), None) => write!(f, "a stored {kind} cannot be read: {why}"),
            (Why::NotWritten(why), _) => write!(f, "a {kind} cannot be stored: {why}"),
        }
    }
}

impl std::error::Error for Unreadable {}

/// Today's shape of this type.
#[expect(clippy::cast_possible_wrap, reason = "a list written by hand has no 2^63 entries")]
pub const fn shape_of<T: Kept>() -> i64 {
    T::RAISES.len() as i64 + 1
}

/// As it is stored: today's shape with its number.
pub fn write<T: Kept>(kept: &T) -> Result<String, Unreadable> {
    let text = serde_json::to_string(kept).map_err(|error| not_written::<T>(error.to_string()))?;
    let shape = shape_of::<T>();
    let Some(fields) = text.strip_prefix('{') else {
        return Ok(format!("{{\"{SHAPE}\":{shape},\"{KEPT}\":{text}}}"));
    };
    let comma = if fields == "}" { "" } else { "," };
    Ok(format!("{{\"{SHAPE}\":{shape}{comma}{fields}"))
}

/// Reads what was stored, now or by any version before this one.
pub fn read<T: Kept + DeserializeOwned>(text: &str) -> Result<T, Unreadable> {
    let known = shape_of::<T>();
    // As this version writes it: an object of today's shape is read at once, without its number.
    if let Some(fields) = fields_of_shape(text, known) {
        return serde_json::from_str(&format!("{{{fields}"))
            .map_err(|error| broken::<T>(Some(known), error.to_string()));
    }
    let stored = serde_json::from_str(text).map_err(|error| broken::<T>(None, error.to_string()))?;
    from_value(stored)
}

/// Like `write`, as plain JSON that becomes part of something else.
pub fn to_value<T: Kept>(kept: &T) -> Result<Value, Unreadable> {
    let body = serde_json::to_value(kept).map_err(|error| not_written::<T>(error.to_string()))?;
    let mut stored = Map::new();
    stored.insert(SHAPE.to_owned(), shape_of::<T>().into());
    match body {
        Value::Object(fields) => stored.extend(fields),
        other => drop(stored.insert(KEPT.to_owned(), other)),
    }
    Ok(Value::Object(stored))
}

/// Like `read`, from plain JSON.
pub fn from_value<T: Kept + DeserializeOwned>(stored: Value) -> Result<T, Unreadable> {
    let known = shape_of::<T>();
    let (found, mut body) = unwrapped::<T>(stored)?;
    if found > known {
        return Err(Unreadable { kind: T::KIND, found: Some(found), known, why: Why::Newer });
    }
    let passed =
        usize::try_from(found - 1).map_err(|_| broken::<T>(Some(found), "there is no such shape".to_owned()))?;
    for raise in T::RAISES.iter().skip(passed) {
        body = raise(body).map_err(|why| broken::<T>(Some(found), why))?;
    }
    T::deserialize(body).map_err(|error| broken::<T>(Some(found), error.to_string()))
}

/// The shape and what is inside.
fn unwrapped<T: Kept>(stored: Value) -> Result<(i64, Value), Unreadable> {
    let Value::Object(mut fields) = stored else { return Ok((1, stored)) };
    let found = match fields.shift_remove(SHAPE) {
        None => return Ok((1, Value::Object(fields))),
        Some(number) => {
            number.as_i64().ok_or_else(|| broken::<T>(None, format!("`{SHAPE}` is not a number: {number}")))?
        }
    };
    let is_wrapped = fields.len() == 1 && fields.contains_key(KEPT);
    let body = if is_wrapped { fields.shift_remove(KEPT).unwrap_or_default() } else { Value::Object(fields) };
    Ok((found, body))
}

/// The object of this shape as `write` begins it, without the number; none for anything else, and for what is wrapped.
fn fields_of_shape(text: &str, shape: i64) -> Option<&str> {
    let (number, fields) = text.strip_prefix("{\"shape\":")?.split_once(',')?;
    let is_plain = number.parse() == Ok(shape) && !fields.starts_with("\"kept\":");
    is_plain.then_some(fields)
}

fn broken<T: Kept>(found: Option<i64>, why: String) -> Unreadable {
    Unreadable { kind: T::KIND, found, known: shape_of::<T>(), why: Why::Broken(why) }
}

fn not_written<T: Kept>(why: String) -> Unreadable {
    Unreadable { kind: T::KIND, found: None, known: shape_of::<T>(), why: Why::NotWritten(why) }
}

#[cfg(test)]
mod tests;
