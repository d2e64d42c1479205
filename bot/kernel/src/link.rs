//! Go links: who may change one, and what a change leads to. What a name is and where a link leads is golink's language, a crate beside this one.

mod change;
mod rules;

pub use change::{Came, LinkChange};
pub use nightlatch_golink::{
    ExpandError, LONG_MAX, Link, LinkId, NAME_MAX, NameError, Target, TemplateError, Typed, Visit, check, check_name,
    expand, path_escape, query_escape, snapshot, without_punctuation, without_signs,
};
pub use rules::{
    Draft, Editor, Expect, KnownLogins, LinkEvent, LinkRefusal, check_destination, delete, may_edit, save,
};
