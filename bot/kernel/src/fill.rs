//! The one filler of `{{ }}`: a step's settings with what was asked, who asked and what earlier steps came to. Values are data: they are
//! filled in once, and never looked through for more.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::input::InputValue;
use crate::person::Person;
use crate::reference::{DeviceField, HouseField, Piece, Reference, RequestField, RequesterField, pieces};
use crate::request::{Ask, DeviceShown, Request};
use crate::step_type::{SettingKind, StepType, TAGGED, find};
use crate::workflow::StepUse;

/// What `{{ }}` can be filled with.
#[derive(Clone, Debug)]
pub struct Scope<'a> {
    /// Who gets the access.
    pub requester: &'a Person,
    /// What was filled in, by input name; a device by its node id, a person by their login or else their e-mail.
    pub inputs: BTreeMap<&'a str, Value>,
    /// The Slack ids of people who were filled in, by input name.
    pub members: BTreeMap<&'a str, &'a str>,
    /// The tags of which the device of an input must carry one, by input name.
    pub tagged: BTreeMap<&'a str, &'a [String]>,
    /// On which device, if the workflow has one.
    pub device: Option<&'a DeviceShown>,
    /// The steps before this one by name, in order, with what they came to; none: they were not confirmed yet.
    pub steps: Vec<(&'a str, Option<&'a Map<String, Value>>)>,
    /// Who holds what, where a step says it.
    pub active: Option<&'a str>,
    /// Its id.
    pub id: &'a str,
    /// When it ends, milliseconds since the Unix epoch; none: it was not approved yet.
    pub ends_at: Option<i64>,
    /// E-mail and login may be missing and are then empty, as in what the first release asked.
    pub may_be_blank: bool,
}

/// Why a setting cannot be filled in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// It names a result of a step that was not confirmed yet.
    #[error("the result {{{{ {0} }}}} is not known yet")]
    NotYet(String),
    /// It names something that this request does not have.
    #[error("{{{{ {0} }}}} has no value")]
    Nothing(String),
    /// It is no `{{ }}` of ours.
    #[error("{0}")]
    Unreadable(String),
}

/// The value with every `{{ }}` in it filled in, in lists and maps too. A text that is one reference and nothing else becomes what it
/// names, a number as a number; in a longer text everything is text.
///
/// # Errors
/// The first reference that cannot be filled in. Nothing is ever left as it was written.
pub fn fill(value: &Value, scope: &Scope<'_>) -> Result<Value, Missing> {
    match value {
        Value::String(text) => fill_text(text, scope),
        Value::Array(list) => fill_list(list, scope).map(Value::Array),
        Value::Object(map) => fill_map(map, scope).map(Value::Object),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(value.clone()),
    }
}

/// What stands for several in a list, like the addresses of a device, becomes several items of it.
fn fill_list(list: &[Value], scope: &Scope<'_>) -> Result<Vec<Value>, Missing> {
    let mut filled = Vec::with_capacity(list.len());
    for item in list {
        match (item, fill(item, scope)?) {
            (Value::String(_), Value::Array(several)) => filled.extend(several),
            (_, one) => filled.push(one),
        }
    }
    Ok(filled)
}

/// The same for all settings of a step. Their names are not filled in.
///
/// # Errors
/// The first reference that cannot be filled in.
pub fn fill_map(map: &Map<String, Value>, scope: &Scope<'_>) -> Result<Map<String, Value>, Missing> {
    map.iter().map(|(name, value)| Ok((name.clone(), fill(value, scope)?))).collect()
}

fn fill_text(text: &str, scope: &Scope<'_>) -> Result<Value, Missing> {
    let pieces = pieces(text).map_err(|error| Missing::Unreadable(error.to_string()))?;
    if let [Piece::Reference(reference)] = pieces.as_slice() {
        return scope.value(*reference);
    }
    let mut filled = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Reference(reference) => filled.push_str(&within_text(&scope.value(reference)?)),
        }
    }
    Ok(Value::String(filled))
}

/// What is filled in, in a longer text: several with commas between.
pub fn within_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(within_text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// The key of a text whose parts are put together by its step: no file can write such a key.
const PARTS: &str = "{{}}";

/// One part of a text that is put together by its step, which knows where it goes.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// As the file says it.
    Literal(String),
    /// What stood for `{{ }}`.
    Filled(Value),
    /// What the step itself comes to, by name: not known before it is done.
    Own(String),
}

impl Part {
    fn written(self) -> Value {
        match self {
            Self::Literal(text) => Value::String(text),
            Self::Filled(value) => Value::Object([("filled".to_owned(), value)].into_iter().collect()),
            Self::Own(name) => Value::Object([("own".to_owned(), name.into())].into_iter().collect()),
        }
    }

    fn read(written: &Value) -> Option<Self> {
        match written {
            Value::String(text) => Some(Self::Literal(text.clone())),
            Value::Object(map) => match (map.get("filled"), map.get("own").and_then(Value::as_str)) {
                (Some(value), _) => Some(Self::Filled(value.clone())),
                (None, Some(name)) => Some(Self::Own(name.to_owned())),
                (None, None) => None,
            },
            _ => None,
        }
    }
}

/// The parts of a text: one literal, or what `fill_parts` made of it. Nothing: it is no text.
pub fn parts(value: &Value) -> Option<Vec<Part>> {
    match value {
        Value::String(text) => Some(vec![Part::Literal(text.clone())]),
        Value::Object(map) => map.get(PARTS)?.as_array()?.iter().map(Part::read).collect(),
        _ => None,
    }
}

/// Like `fill`, but what was filled in stays apart from what the file says, and what the step called `own` comes to stays open.
///
/// # Errors
/// The first reference that cannot be filled in.
pub fn fill_parts(value: &Value, scope: &Scope<'_>, own: &str) -> Result<Value, Missing> {
    match value {
        Value::String(text) => {
            let found = pieces(text).map_err(|error| Missing::Unreadable(error.to_string()))?;
            if !found.iter().any(|piece| matches!(piece, Piece::Reference(_))) {
                return Ok(value.clone());
            }
            let part = |piece| match piece {
                Piece::Text(text) => Ok(Part::Literal(text.to_owned())),
                Piece::Reference(Reference::Result { step, name }) if step == own => Ok(Part::Own(name.to_owned())),
                Piece::Reference(reference) => scope.value(reference).map(Part::Filled),
            };
            let parts: Result<Vec<Value>, Missing> =
                found.into_iter().map(|piece| part(piece).map(Part::written)).collect();
            Ok(Value::Object([(PARTS.to_owned(), Value::Array(parts?))].into_iter().collect()))
        }
        Value::Array(items) => {
            items.iter().map(|item| fill_parts(item, scope, own)).collect::<Result<_, _>>().map(Value::Array)
        }
        Value::Object(map) => {
            let filled = map.iter().map(|(name, value)| Ok((name.clone(), fill_parts(value, scope, own)?)));
            filled.collect::<Result<_, _>>().map(Value::Object)
        }
        other => Ok(other.clone()),
    }
}

impl Scope<'_> {
    /// The Slack id of the person whom this names, if it is an input and nothing else.
    fn member(&self, value: &Value) -> Option<Value> {
        match pieces(value.as_str()?).ok()?.as_slice() {
            [Piece::Reference(Reference::Input(name))] => self.members.get(name).map(|id| (*id).into()),
            _ => None,
        }
    }

    /// The tags of which the device that this names must carry one, if it is an input of tagged devices.
    fn tags(&self, value: &Value) -> Option<&[String]> {
        match pieces(value.as_str()?).ok()?.as_slice() {
            [Piece::Reference(Reference::Input(name))] => self.tagged.get(name).copied(),
            _ => None,
        }
    }

    fn value(&self, reference: Reference<'_>) -> Result<Value, Missing> {
        let nothing = || Missing::Nothing(reference.to_string());
        let text = |found: Option<&str>| found.map(Value::from).ok_or_else(nothing);
        let requester = self.requester;
        let fact = |fact: &Option<String>| match fact {
            None if self.may_be_blank => Ok(Value::from("")),
            fact => text(fact.as_deref()),
        };
        match reference {
            Reference::Input(name) => self.inputs.get(name).cloned().ok_or_else(nothing),
            Reference::Requester(RequesterField::Email) => fact(&requester.email),
            Reference::Requester(RequesterField::Login) => fact(&requester.login),
            Reference::Requester(RequesterField::Name) => text(Some(&requester.name)),
            Reference::Requester(RequesterField::SlackId) => text(Some(&requester.slack_id)),
            Reference::Device(DeviceField::Addresses) => match self.device {
                Some(device) if !device.addresses.is_empty() => Ok(device.addresses.clone().into()),
                _ => Err(nothing()),
            },
            Reference::Device(field) => text(self.device.map(|device| match field {
                DeviceField::Name => device.name.as_str(),
                DeviceField::NodeId => device.node_id.as_str(),
                DeviceField::Os | DeviceField::Addresses => device.os.as_str(),
            })),
            Reference::House(HouseField::Active) => text(self.active),
            Reference::Request(RequestField::Id) => text(Some(self.id)),
            Reference::Request(RequestField::EndsAt) => {
                let at = self.ends_at.ok_or_else(|| Missing::NotYet(reference.to_string()))?;
                let at = Timestamp::from_second(at.div_euclid(1_000)).map_err(|_| nothing())?;
                Ok(at.to_string().into())
            }
            Reference::Result { step, name } => {
                let (_, results) = self.steps.iter().find(|(known, _)| *known == step).ok_or_else(nothing)?;
                let results = results.ok_or_else(|| Missing::NotYet(reference.to_string()))?;
                results.get(name).filter(|value| !value.is_null()).cloned().ok_or_else(nothing)
            }
        }
    }
}

/// Whether that type has such a setting.
fn has_setting(types: &[StepType], uses: &str, name: &str) -> bool {
    find(types, uses).is_some_and(|kind| kind.settings.iter().any(|known| known.name == name))
}

/// The settings of one step, as its type wants them.
///
/// # Errors
/// The first reference that cannot be filled in.
pub fn fill_step(step: &StepUse, scope: &Scope<'_>, types: &[StepType]) -> Result<Map<String, Value>, Missing> {
    let kind = find(types, &step.uses);
    let kind_of = |name: &str| {
        let setting = kind.and_then(|kind| kind.settings.iter().find(|known| known.name == name));
        setting.map_or(SettingKind::Text, |known| known.kind)
    };
    let is_text = |kind: SettingKind, name: &str| {
        let is_known = has_setting(types, &step.uses, name);
        is_known && matches!(kind, SettingKind::Text | SettingKind::Lines)
    };
    let fill_one = |(name, value): (&String, &Value)| {
        let filled = match kind_of(name) {
            SettingKind::Member => scope.member(value).map_or_else(|| fill(value, scope), Ok)?,
            kind if kind.is_in_parts() => fill_parts(value, scope, step.name())?,
            kind => match fill(value, scope)? {
                // Several that were chosen, where a text belongs.
                Value::Array(several) if value.is_string() && is_text(kind, name) => {
                    within_text(&several.into()).into()
                }
                filled => filled,
            },
        };
        Ok((name.clone(), filled))
    };
    let mut with: Map<String, Value> = step.with.iter().map(fill_one).collect::<Result<_, Missing>>()?;
    let devices =
        step.with.iter().filter(|(name, _)| matches!(kind_of(name), SettingKind::Device | SettingKind::NamedDevice));
    if let Some(tags) = devices.filter_map(|(_, value)| scope.tags(value)).next() {
        with.insert(TAGGED.to_owned(), tags.to_vec().into());
    }
    Ok(with)
}

impl Ask {
    /// What the settings of the step at `index` can be filled with before any step was begun.
    pub fn scope<'a>(&'a self, index: usize) -> Scope<'a> {
        let filled = |(name, value): (&'a String, &InputValue)| Some((name.as_str(), value.as_filled()?));
        let inputs = self.inputs.iter().filter_map(filled).collect();
        let member = |(name, value): (&'a String, &'a InputValue)| match value {
            InputValue::Person(person) => Some((name.as_str(), person.slack_id.as_str())),
            _ => None,
        };
        let members = self.inputs.iter().filter_map(member).collect();
        let steps = self.workflow.steps.iter().take(index).map(|step| (step.name(), None)).collect();
        let tagged = self.workflow.inputs.iter().filter(|input| !input.kind.tags().is_empty());
        let tagged = tagged.map(|input| (input.name.as_str(), input.kind.tags())).collect();
        Scope {
            requester: &self.requester,
            inputs,
            members,
            tagged,
            device: self.device.as_ref(),
            steps,
            active: self.active.as_deref(),
            id: self.id.as_str(),
            ends_at: None,
            may_be_blank: false,
        }
    }
}

impl Request {
    /// What the settings of the step at `index` can be filled with: also what the steps before it came to.
    pub fn scope(&self, index: usize) -> Scope<'_> {
        let before = self.workflow.steps.iter().zip(&self.steps).take(index);
        let steps = before.map(|(step, known)| (step.name(), known.proof.as_ref().map(|_| &known.results))).collect();
        // What is being extended is told the end that it would have.
        let ends_at = self.extending.as_ref().map(|extending| extending.until).or(self.expires_at);
        let ends_at = ends_at.or_else(|| self.approved_at.map(|at| at.saturating_add(self.lent_ms())));
        let mut scope = Scope { steps, ends_at, ..self.ask.scope(index) };
        // What is approved for less time is told outside as what it is.
        if let (Some((lent_ms, _)), Some((input, ..))) = (self.shortened(), self.workflow.hold())
            && let Some(filled) = (InputValue::Duration { length_ms: lent_ms }).as_filled()
        {
            scope.inputs.insert(input.name.as_str(), filled);
        }
        scope
    }

    /// The settings of the step at `index` with everything filled in.
    ///
    /// # Errors
    /// The first reference that cannot be filled in.
    pub fn filled(&self, index: usize, types: &[StepType]) -> Result<Map<String, Value>, Missing> {
        let scope = self.scope(index);
        self.workflow.steps.get(index).map_or_else(|| Ok(Map::new()), |step| fill_step(step, &scope, types))
    }

    /// The same for a hold from before settings stood in the ledger.
    ///
    /// # Errors
    /// The first reference that cannot be filled in.
    pub fn filled_as_at_first(&self, index: usize) -> Result<Map<String, Value>, Missing> {
        let scope = Scope { may_be_blank: true, ..self.ask.scope(index) };
        self.workflow.steps.get(index).map_or_else(|| Ok(Map::new()), |step| fill_map(&step.with, &scope))
    }
}

#[cfg(test)]
mod tests;
