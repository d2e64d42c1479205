//! What expressions of a template are worth, how Go prints it, and what can go wrong with it.

use crate::go_time;

/// What an expression is worth.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Whole(i64),
    Fraction(f64),
    Flag(bool),
    /// Milliseconds since the Unix epoch, in UTC.
    Time(i64),
    Month(i64),
    Weekday(i64),
    /// What the template is filled in with.
    Everything,
}

impl Value {
    /// Bytes it takes to handle it, about.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.len().saturating_add(1),
            _ => 8,
        }
    }
}

/// Why a template could not be filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunError {
    /// It wants to know who asks, and that is not known.
    NoUser,
    /// Anything else.
    Said(String),
}

pub(super) type Ran<T> = Result<T, RunError>;

pub(super) fn wrong<T>(why: impl Into<String>) -> Ran<T> {
    Err(RunError::Said(why.into()))
}

pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Text(_) => "text",
        Value::Whole(_) => "whole number",
        Value::Fraction(_) => "number",
        Value::Flag(_) => "truth value",
        Value::Time(_) => "time",
        Value::Month(_) => "month",
        Value::Weekday(_) => "weekday",
        Value::Everything => "link",
    }
}

/// As Go prints it.
pub(super) fn show(value: &Value) -> Ran<String> {
    Ok(match value {
        Value::Text(text) => text.clone(),
        Value::Whole(number) => number.to_string(),
        Value::Fraction(number) => number.to_string(),
        Value::Flag(flag) => flag.to_string(),
        Value::Time(at) => go_time::format(*at, go_time::PLAIN),
        Value::Month(number) => go_time::month(*number).to_owned(),
        Value::Weekday(number) => go_time::weekday(*number).to_owned(),
        Value::Everything => return wrong("`.` is everything at once; write `.Path`, `.User` or `.Now`"),
    })
}
