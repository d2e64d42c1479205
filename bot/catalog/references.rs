//! Every `{{ }}` in a step's settings names something there is: an input, a fact of the requester or the device, a result of an
//! earlier step.

use crate::config::sheet::Sheet;
use crate::config::words::{nearest, quoted};
use crate::config::yaml::{Key, Node, Value};
use crate::kernel::StepType;
use crate::kernel::condition::Condition;
use crate::kernel::reference::{
    DeviceField, HouseField, Piece, Reference, ReferenceError, RequestField, RequesterField, pieces,
};
use crate::kernel::step_type::{CAPTURED, StepResult, find};
use crate::kernel::workflow::Input;

/// A step of the file, as far as others can name it.
pub(super) struct Named {
    /// Its own name, or the last word of its type.
    pub(super) name: String,
    /// It is the file that says so.
    pub(super) is_own: bool,
    /// What it comes to; none: its type is not known, and what is named of it is not checked.
    results: Option<&'static [StepResult]>,
    /// When it is part of a request; none: that has mistakes, and is not compared.
    pub(super) when: Option<Condition>,
    /// Results that its settings name.
    captured: Vec<String>,
}

/// What the settings of one step may name.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    /// Without them (they have mistakes) names of inputs are not checked.
    pub(super) inputs: Option<&'a [Input]>,
    /// All steps of the file.
    pub(super) steps: &'a [Named],
    /// Which of them it is.
    pub(super) index: usize,
    /// What the step itself comes to may be named: it is known when this is used.
    pub(super) knows_itself: bool,
}

impl Named {
    pub(super) fn of(node: &Node, types: &[StepType], when: Option<Condition>) -> Self {
        let text = |name: &str| {
            let Value::Map(entries) = &node.value else { return None };
            entries.iter().find_map(|(key, node)| match &node.value {
                Value::Text(text) if key.name == name => Some(text.as_str()),
                _ => None,
            })
        };
        let uses = text("uses").unwrap_or_default();
        let own = text("name");
        let name = own.unwrap_or_else(|| uses.rsplit('.').next().unwrap_or(uses)).to_owned();
        Self {
            name,
            is_own: own.is_some(),
            results: find(types, uses).map(|kind| kind.results),
            captured: captured(node),
            when,
        }
    }
}

impl Known<'_> {
    /// Checks every `{{ }}` below the node; whether all can be filled in.
    pub(super) fn check(&self, sheet: &mut Sheet, node: &Node) -> bool {
        match &node.value {
            Value::Text(text) => self.check_text(sheet, node, text),
            // Not `all`: every one is looked at, whatever was found before.
            Value::List(list) => {
                let readable: Vec<bool> = list.iter().map(|node| self.check(sheet, node)).collect();
                !readable.contains(&false)
            }
            Value::Map(entries) => {
                let readable = entries.iter().map(|(key, node)| key_is_plain(sheet, key) & self.check(sheet, node));
                !readable.collect::<Vec<bool>>().contains(&false)
            }
            _ => true,
        }
    }

    fn check_text(&self, sheet: &mut Sheet, node: &Node, text: &str) -> bool {
        let found = match pieces(text) {
            Ok(pieces) => pieces,
            Err(error) => {
                let help = match error {
                    ReferenceError::Unknown(name) => self.nearest(name),
                    _ => "write {{ inputs.NAME }} or {{ requester.email }}".to_owned(),
                };
                let message = match error {
                    ReferenceError::Unknown(name) => format!("nothing is called {}", quoted(name)),
                    ReferenceError::NotAName(name) => {
                        format!("{} is not just a name: {{{{ }}}} holds no logic", quoted(name))
                    }
                    error => error.to_string(),
                };
                sheet.mistake(node.place, message, Some(help));
                return false;
            }
        };
        let mut is_known = true;
        for piece in found {
            let Piece::Reference(reference) = piece else { continue };
            if let Err((message, help)) = self.reference(reference) {
                is_known = false;
                sheet.mistake(node.place, message, Some(help));
            }
        }
        is_known
    }

    /// What is wrong with it, and what to write instead.
    fn reference(&self, reference: Reference<'_>) -> Result<(), (String, String)> {
        match (reference, self.inputs) {
            (Reference::Input(name), Some(inputs)) if !inputs.iter().any(|input| input.name == name) => {
                Err((format!("there is no input {}", quoted(name)), self.nearest(&reference.to_string())))
            }
            (Reference::Input(name), Some(inputs)) => {
                self.is_asked(inputs, inputs.iter().find(|input| input.name == name))
            }
            (Reference::Device(_), Some(inputs)) if has_device(inputs) => {
                self.is_asked(inputs, inputs.iter().find(|input| input.kind.is_device()))
            }
            (Reference::Device(_), Some(_)) => {
                let help = "add device: { type: device } to `inputs`".to_owned();
                Err((format!("{} needs an input of type device", quoted(&reference.to_string())), help))
            }
            (Reference::Result { step, name }, _) => self.result(step, name),
            _ => Ok(()),
        }
    }

    /// Whoever takes this step was asked for that input.
    fn is_asked(&self, inputs: &[Input], input: Option<&Input>) -> Result<(), (String, String)> {
        let own = self.steps.get(self.index).and_then(|own| own.when.as_ref());
        let (Some(input), Some(own)) = (input.filter(|input| !input.when.is_empty()), own) else { return Ok(()) };
        if own.with_those_of(inputs).implies(&input.when.with_those_of(inputs)) {
            return Ok(());
        }
        let help = "write the same `when` for this step: what is not asked has no value".to_owned();
        let message = format!("the input {} is asked only when {}", quoted(&input.name), input.when.in_words());
        Err((message, help))
    }

    fn result(&self, step: &str, result: &str) -> Result<(), (String, String)> {
        let mut called = self.steps.iter().enumerate().filter(|(_, known)| known.name == step);
        let whole = format!("steps.{step}.{result}");
        let Some((index, known)) = called.next() else {
            return Err((format!("there is no step {}", quoted(step)), self.nearest(&whole)));
        };
        if called.next().is_some() {
            let help = "give one of them another, with name:".to_owned();
            return Err((format!("more than one step is called {}", quoted(step)), help));
        }
        if index > self.index || (index == self.index && !self.knows_itself) {
            let help = "only earlier steps have come to something; put it before this one".to_owned();
            return Err((format!("the step {} comes later, or is this one", quoted(step)), help));
        }
        let own = self.steps.get(self.index).and_then(|own| own.when.as_ref());
        if let (Some(own), Some(other)) = (own, &known.when)
            && !own.implies(other)
        {
            let help = "write the same `when` here: what is left out comes to nothing".to_owned();
            return Err((format!("the step {} is not part of every request", quoted(step)), help));
        }
        let Some(results) = known.results else { return Ok(()) };
        let is_captured =
            results.iter().any(|known| known.name == CAPTURED) && known.captured.iter().any(|name| name == result);
        if is_captured || results.iter().any(|known| known.name == result) {
            return Ok(());
        }
        let message = format!("the step {} has no result {}", quoted(step), quoted(result));
        let own = results.iter().map(|known| known.name).filter(|name| *name != CAPTURED);
        let names: Vec<&str> = own.chain(known.captured.iter().map(String::as_str)).collect();
        let help = match (nearest(result, names.iter().copied()), names.is_empty()) {
            (Some(near), _) => format!("did you mean `steps.{step}.{near}`?"),
            (None, true) => "it has none".to_owned(),
            (None, false) => format!("it has: {}", names.join(", ")),
        };
        Err((message, help))
    }

    /// The nearest name there is, or all of them.
    fn nearest(&self, name: &str) -> String {
        let inputs = self.inputs.unwrap_or_default();
        let mut all: Vec<String> = inputs.iter().map(|input| format!("inputs.{}", input.name)).collect();
        all.extend(RequesterField::ALL.iter().map(|(field, _)| format!("requester.{field}")));
        if has_device(inputs) {
            all.extend(DeviceField::ALL.iter().map(|(field, _)| format!("device.{field}")));
        }
        all.extend(HouseField::ALL.iter().map(|(field, _)| format!("house.{field}")));
        all.extend(RequestField::ALL.iter().map(|(field, _)| format!("request.{field}")));
        for step in self.steps.iter().take(self.index) {
            let results = step.results.unwrap_or_default();
            let own = results.iter().map(|result| result.name).filter(|name| *name != CAPTURED);
            let captured = step.captured.iter().map(String::as_str);
            all.extend(own.chain(captured).map(|name| format!("steps.{}.{name}", step.name)));
        }
        match nearest(name, all.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there is: {}", all.join(", ")),
        }
    }
}

/// The names below every `capture:` of a step.
fn captured(node: &Node) -> Vec<String> {
    let Value::Map(entries) = &node.value else { return Vec::new() };
    let of = |(key, inner): &(Key, Node)| match &inner.value {
        Value::Map(names) if key.name == "capture" => names.iter().map(|(key, _)| key.name.clone()).collect(),
        _ => captured(inner),
    };
    entries.iter().flat_map(of).collect()
}

fn has_device(inputs: &[Input]) -> bool {
    inputs.iter().any(|input| input.kind.is_device())
}

fn key_is_plain(sheet: &mut Sheet, key: &Key) -> bool {
    let is_plain = !key.name.contains("{{") && !key.name.contains("{%");
    if !is_plain {
        sheet.mistake(key.place, "`{{ }}` may stand in values only", None);
    }
    is_plain
}
