//! The part of Go's text templates that go links use: reading and filling in.
//!
//! Read: texts, `{{- -}}`, comments, pipelines, variables, `if`/`else`/`with`. Not read, with an error that says so: `range`,
//! `define`, `template`, `block`; nothing a link knows could be ranged over.

mod functions;
mod lex;
mod parse;
mod run;
mod value;

pub(super) use parse::parse;
pub(super) use run::{Known, run};
pub(super) use value::RunError;
use value::Value;

/// Why a destination is no template we can read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TemplateError(pub(super) String);

/// A piece of a template.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    Text(String),
    Action(Pipeline),
    If {
        pipeline: Pipeline,
        then: Vec<Node>,
        otherwise: Vec<Node>,
    },
    /// As `If`, and what was found becomes the dot.
    With {
        pipeline: Pipeline,
        then: Vec<Node>,
        otherwise: Vec<Node>,
    },
}

/// `$x := a | b c`
#[derive(Clone, Debug, PartialEq)]
struct Pipeline {
    /// The variable that takes the result, and whether it is a new one.
    variable: Option<(String, bool)>,
    commands: Vec<Command>,
}

/// The first is called with the others.
type Command = Vec<Operand>;

#[derive(Clone, Debug, PartialEq)]
enum Operand {
    Dot,
    Nil,
    Literal(Value),
    Function(String),
    Variable(String),
    Pipeline(Box<Pipeline>),
    /// Fields and methods of something: `.Now.Format`.
    Fields(Box<Operand>, Vec<String>),
}

/// Deeper nesting is no link but an attack on the stack.
const DEPTH_MAX: usize = 50;
