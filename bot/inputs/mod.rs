//! Kinds of input: what a requester can be asked to fill in. One file a kind says how it is written in a workflow file, read from a typed
//! word or a field, drawn in a form and typed again; one list, here.

pub mod choice;
pub mod device;
pub mod duration;
pub mod flag;
pub mod length;
pub mod link;
pub mod number;
pub mod pattern;
pub mod person;
pub mod text;
pub mod usual;

use std::collections::BTreeMap;

use crate::config::sheet::{Fields, Sheet};
use crate::kernel::input::{InputValue, PersonShown};
use crate::kernel::workflow::{Input, InputKind};
use crate::outside::tailscale::Device;

/// The list. A new kind is one more line here; a test compares it to the files of this folder.
pub const TYPES: &[InputType] =
    &[duration::TYPE, text::TYPE, device::TYPE, choice::TYPE, person::TYPE, number::TYPE, flag::TYPE, link::TYPE];

/// One kind of input.
#[derive(Clone, Copy, Debug)]
pub struct InputType {
    /// As in `type: duration`.
    pub name: &'static str,
    /// What it asks for, in a sentence or two for people.
    pub about: &'static str,
    /// What can stand beside `type` and `label`.
    pub settings: &'static [InputSetting],
    /// An example, as written in YAML behind the input's name.
    pub example: &'static str,
    /// A workflow has at most one: the card and the rules have room for one.
    pub is_single: bool,
    /// Where it stands on the command line.
    pub place: Place,
    /// Where it stands in a form; the least first.
    pub rank: u8,
    /// Its value in a form belongs to the workflow it was drawn for, and is not taken over when another one is chosen.
    pub is_of_workflow: bool,
    /// From the keys of a workflow file. Keys it does not know, and a wrong `label`, were told already.
    pub write: fn(sheet: &mut Sheet, fields: &Fields) -> Option<InputKind>,
    /// From what was typed, chosen or sent.
    pub read: fn(kind: &InputKind, given: &Given<'_>) -> Read,
    /// As it is drawn in a form, with what is known so far.
    pub field: fn(kind: &InputKind, value: Option<&str>) -> Field,
    /// What stands for it in the hint behind a slash command.
    pub hint: fn(input: &Input) -> Option<String>,
    /// What stands for it in an example of what to type.
    pub example_word: fn(kind: &InputKind) -> Option<String>,
    /// The nearest value that can be taken to one that cannot; nothing: better leave it out.
    pub corrected: fn(kind: &InputKind, typed: &str) -> Option<String>,
}

/// A key of an input in a workflow file.
#[derive(Clone, Copy, Debug)]
pub struct InputSetting {
    /// Its name.
    pub name: &'static str,
    /// Whether it must be there.
    pub is_required: bool,
    /// What it means, in a sentence for people.
    pub about: &'static str,
}

/// Where an input stands on the command line. `name=value` works for all.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// The first words.
    First,
    /// One word behind those, in the order of the file, if it is one that fits.
    Word(fn(kind: &InputKind, word: &str) -> bool),
    /// What is left, as typed.
    Rest,
    /// Only as `name=value`.
    Named,
}

impl Place {
    /// Whether it takes what is left.
    pub fn is_rest(self) -> bool {
        matches!(self, Self::Rest)
    }
}

/// What was given for an input.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// As typed or chosen, without blanks around it; none: nothing.
    pub value: Option<&'a str>,
    /// It was typed as several words, which may be the beginning of something else.
    pub is_doubtful: bool,
    /// The requester's own devices.
    pub devices: &'a [Device],
    /// The members of the workspace that were looked up for this form, by what was typed for them.
    pub people: &'a [(String, PersonShown)],
}

/// What became of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Read {
    /// This is meant.
    Value(InputValue),
    /// Nothing was given, and nothing has to be.
    Nothing,
    /// It has to be asked for.
    Missing,
    /// It cannot be taken, for this reason.
    Wrong(String),
}

/// How an input is drawn. `slack/` knows what Slack calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// One of these lengths of time, in milliseconds.
    Lengths {
        /// Shortest first.
        offered_ms: Vec<i64>,
        /// Chosen at first.
        chosen_ms: i64,
        /// Taken when nothing is said.
        usual_ms: i64,
    },
    /// Something to type.
    Typed {
        /// In characters.
        max_length: u32,
        /// In it at first.
        value: Option<String>,
        /// May be left empty.
        is_optional: bool,
        /// Said below it, if the file says nothing.
        hint: &'static str,
    },
    /// Some of these words.
    Choices {
        /// What people read, and the word.
        offered: Vec<(String, String)>,
        /// Chosen at first.
        chosen: Vec<String>,
        /// Several can be chosen.
        is_many: bool,
        /// May be left empty.
        is_optional: bool,
    },
    /// A member of the workspace.
    Person {
        /// Slack id of who is chosen at first.
        chosen: Option<String>,
        /// May be left empty.
        is_optional: bool,
    },
    /// A device, searched while typing.
    Devices {
        /// One with any of these tags; without any, one of the person's own.
        of: Vec<String>,
    },
}

/// The kind of this input; none if a later version wrote it into a stored request.
pub fn of(kind: &InputKind) -> Option<&'static InputType> {
    let name = kind.name()?;
    TYPES.iter().find(|one| one.name == name)
}

/// Those that are asked with these values typed, and those that are not because their `when` is not met. What can be named there needs
/// nobody looked up.
pub fn asked<'i>(inputs: &'i [Input], typed: &BTreeMap<String, String>) -> (Vec<&'i Input>, Vec<&'i Input>) {
    let mut met: BTreeMap<String, InputValue> = BTreeMap::new();
    inputs.iter().partition(|input| {
        if !input.when.is_met(&met) {
            return false;
        }
        let value = typed.get(&input.name).map(|value| value.trim()).filter(|value| !value.is_empty());
        let given = Given { value, is_doubtful: false, devices: &[], people: &[] };
        if let Some(Read::Value(value)) = of(&input.kind).map(|kind| (kind.read)(&input.kind, &given)) {
            met.insert(input.name.clone(), value);
        }
        true
    })
}

#[cfg(test)]
mod tests;
