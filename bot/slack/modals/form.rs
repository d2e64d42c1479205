//! The form of a request: what to borrow, on which device, for how long, why, and who will be asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{choices, context, input, option, plain, section};
use crate::engine::asking::Form;
use crate::inputs::duration::spelled;
use crate::inputs::{self, Field, InputType, device};
use crate::kernel::workflow::{Input, OwnRequest, Stage, Workflow};
use crate::kernel::{Request, hold};
use crate::notices::buttons;
use crate::notices::words::{self, escape, one_line};
use crate::outside::tailscale::Device;
use crate::slack::envelope::{self, FormState};
use crate::slack::sentences;

/// Our name for this form.
pub const CALLBACK: &str = "access_request";
/// The block of the menu of workflows.
pub const WORKFLOW_BLOCK: &str = "workflow";
/// The menu of workflows; choosing redraws the form.
pub const WORKFLOW_ACTION: &str = "access_workflow";
/// A menu of the person's own devices.
pub const DEVICE_ACTION: &str = "access_device";
/// Rules by which something passes by itself, in the small print.
const RULES_SHOWN_MAX: usize = 3;
/// Every other field.
pub const VALUE_ACTION: &str = "value";

/// What of the form can be chosen.
#[derive(Clone, Debug, PartialEq)]
pub enum Among {
    /// The workflow was named already.
    Fixed,
    /// One of these.
    These(Vec<Arc<Workflow>>),
}

/// The form with what is known so far.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestForm {
    /// The workflow, the values and the place.
    pub form: Form,
    among: Among,
    /// Node id and label of the device that is chosen.
    device: Option<(String, String)>,
    /// Said above the fields, in mrkdwn.
    note: Option<String>,
}

/// What came back with a form. Looked up and checked again, never believed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The workflow the fields were drawn for.
    pub workflow: String,
    /// Where it was asked.
    pub channel: Option<String>,
    /// The workflow was named before the form was opened.
    pub fixed: bool,
    /// Sending it breaks glass.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub breaks_glass: bool,
}

impl About {
    /// Out of `private_metadata`; nothing if it is not what we wrote.
    pub fn read(metadata: &str) -> Option<Self> {
        serde_json::from_str(metadata).ok()
    }
}

/// The block of an input. Lengths of time get another one for each workflow, so that Slack does not keep a choice that
/// the next workflow does not offer; typed text and the device are kept.
pub fn block_id(workflow: &Workflow, input: &Input) -> String {
    if inputs::of(&input.kind).is_some_and(|kind| kind.is_of_workflow) {
        format!("in.{}.{}", input.name, workflow.name)
    } else {
        format!("in.{}", input.name)
    }
}

/// What was filled in, by input name; what was typed is made plain.
pub fn values(workflow: &Workflow, state: &FormState) -> BTreeMap<String, String> {
    let filled = workflow.inputs.iter().filter_map(|input| {
        let kind = inputs::of(&input.kind)?;
        let is_searched = matches!((kind.field)(&input.kind, None), Field::Devices { .. });
        let action = if is_searched { DEVICE_ACTION } else { VALUE_ACTION };
        let value = envelope::plain(&state.values(&block_id(workflow, input), action).join(","));
        Some((input.name.clone(), value)).filter(|(_, value)| !value.is_empty())
    });
    filled.collect()
}

/// Those of these values that somebody chose: lengths of time that only stood there are left out, since another workflow
/// has its own usual one.
pub fn chosen(workflow: &Workflow, mut values: BTreeMap<String, String>) -> BTreeMap<String, String> {
    if let Some((input, default_ms, _)) = workflow.hold()
        && values.get(&input.name).is_some_and(|value| hold::parse(value) == Ok(default_ms))
    {
        values.remove(&input.name);
    }
    values.retain(|_, value| value != choices::UNAVAILABLE);
    values
}

/// Whether these blocks are those of the inputs that are asked now; other blocks do not count.
pub fn has_what_is_asked(form: &Form, blocks: &[String]) -> bool {
    let drawn = |input: &Input| blocks.contains(&block_id(&form.workflow, input));
    let known = form.workflow.inputs.iter().filter(|input| inputs::of(&input.kind).is_some());
    let asked = form.asked();
    known.into_iter().all(|input| drawn(input) == asked.contains(&input))
}

impl RequestForm {
    /// Over these values.
    pub fn new(form: Form, among: Among) -> Self {
        Self { form, among, device: None, note: None }
    }

    /// Chooses the device the values name, if it is among these, or the only one there is.
    #[must_use]
    pub fn with_devices(mut self, devices: &[Device]) -> Self {
        let Some(input) = self.form.workflow.device() else { return self };
        let named = self.form.values.get(&input.name);
        let chosen = match (named, devices) {
            (Some(named), _) => device::find(devices, named),
            (None, [only]) => Some(only),
            (None, _) => None,
        };
        self.device =
            chosen.map(|device| (device.node_id.clone(), choices::device_label(device.short_name(), &device.os)));
        if devices.is_empty() && self.note.is_none() {
            self.note = Some(sentences::devices::none_yet(input));
        }
        self
    }

    /// Chooses this device.
    #[must_use]
    pub fn with_device(mut self, device: Option<Device>) -> Self {
        self.device =
            device.map(|device| (device.node_id.clone(), choices::device_label(device.short_name(), &device.os)));
        self
    }

    /// Chooses the device of an old request.
    #[must_use]
    pub fn with_device_of(mut self, request: &Request) -> Self {
        let device = request.device.as_ref();
        self.device = device.map(|device| (device.node_id.clone(), choices::device_label(&device.name, &device.os)));
        self
    }

    /// Says something above the fields.
    #[must_use]
    pub fn with_note(mut self, note: String) -> Self {
        self.note = Some(note);
        self
    }

    /// As Slack's JSON.
    pub fn view(&self) -> Value {
        let workflow = &self.form.workflow;
        let mut blocks: Vec<Value> = self.note.iter().map(|note| section(&format!(":warning: {note}"))).collect();
        blocks.extend(self.what());
        if self.form.breaks_glass {
            let what = escape(&buttons::what_follows(workflow));
            blocks.push(section(&format!(":rotating_light: *You get it at once, without approval.* {what}")));
        }
        // What this version has no word for is not asked.
        let known = self.form.asked().into_iter().filter_map(|input| Some((inputs::of(&input.kind)?, input)));
        let mut fields: Vec<(&InputType, &Input)> = known.collect();
        fields.sort_by_key(|(kind, _)| kind.rank);
        blocks.extend(fields.into_iter().map(|(kind, input)| self.field(kind, input)));
        if !self.form.breaks_glass {
            blocks.push(context(&who_is_asked(workflow)));
        }
        let about = About {
            workflow: workflow.name.clone(),
            channel: self.form.channel.clone(),
            fixed: self.among == Among::Fixed,
            breaks_glass: self.form.breaks_glass,
        };
        json!({
            "type": "modal",
            "callback_id": CALLBACK,
            "title": plain(if self.form.breaks_glass { "Break glass" } else { "Borrow access" }),
            "submit": plain(if self.form.breaks_glass { "Break glass" } else { "Ask" }),
            "close": plain("Cancel"),
            "private_metadata": serde_json::to_string(&about).unwrap_or_default(),
            "blocks": blocks,
        })
    }

    fn what(&self) -> Vec<Value> {
        let workflow = &self.form.workflow;
        let Among::These(those) = &self.among else {
            let description = escape(&words::one_line(&workflow.description, 1_000));
            let title = format!("*{}*", escape(&one_line(&workflow.title, 75)));
            return vec![section(format!("{title}\n{description}").trim())];
        };
        let chosen = choices::workflow_option(workflow);
        let element = if those.len() <= choices::OPTIONS_MAX {
            let options: Vec<Value> = those.iter().map(|one| choices::workflow_option(one)).collect();
            json!({ "type": "static_select", "action_id": WORKFLOW_ACTION, "options": options, "initial_option": chosen })
        } else {
            json!({
                "type": "external_select",
                "action_id": WORKFLOW_ACTION,
                "min_query_length": 0,
                "placeholder": plain("Type to search"),
                "initial_option": chosen,
            })
        };
        let mut menu = input(WORKFLOW_BLOCK, "What do you need?", false, element);
        if let Some(map) = menu.as_object_mut() {
            map.insert("dispatch_action".to_owned(), Value::Bool(true));
        }
        let description = words::one_line(&workflow.description, 1_000);
        let described = (!description.is_empty()).then(|| context(&escape(&description)));
        std::iter::once(menu).chain(described).collect()
    }

    fn field(&self, kind: &InputType, field: &Input) -> Value {
        let block = block_id(&self.form.workflow, field);
        let value = self.form.values.get(&field.name).map(String::as_str);
        let label = one_line(&field.label, 75);
        let mut drawn = self.element(kind, field, (&block, &label, value));
        if let (Some(map), Some(help)) = (drawn.as_object_mut(), &field.help) {
            map.insert("hint".to_owned(), plain(&one_line(help, 150)));
        }
        // What is typed is looked at when the form is sent: a form that is redrawn while somebody types helps nobody.
        let is_chosen = matches!((kind.field)(&field.kind, value), Field::Choices { .. });
        let others_hang_on_it = self.form.workflow.inputs.iter().any(|other| other.when.0.contains_key(&field.name));
        if let Some(map) = drawn.as_object_mut().filter(|_| is_chosen && others_hang_on_it) {
            map.insert("dispatch_action".to_owned(), Value::Bool(true));
        }
        drawn
    }

    fn element(&self, kind: &InputType, field: &Input, (block, label, value): (&str, &str, Option<&str>)) -> Value {
        match (kind.field)(&field.kind, value) {
            Field::Lengths { offered_ms, chosen_ms, usual_ms } => {
                let (offered_ms, chosen_ms) = self.as_glass_allows(offered_ms, chosen_ms);
                input(block, label, false, hold_menu(offered_ms, chosen_ms, usual_ms))
            }
            Field::Devices { of } => input(block, label, false, self.device_menu(&of)),
            Field::Typed { max_length, value, is_optional, hint } => {
                // Glass is not broken without a reason.
                let is_reason = self.form.workflow.reason().is_some_and(|reason| reason.name == field.name);
                let is_optional = is_optional && !(is_reason && self.form.breaks_glass);
                let mut block = input(block, label, is_optional, text_field(max_length, value));
                if let Some(map) = block.as_object_mut() {
                    map.insert("hint".to_owned(), plain(hint));
                }
                block
            }
            Field::Choices { offered, chosen, is_many, is_optional } => {
                input(block, label, is_optional, choice_menu(&offered, &chosen, is_many))
            }
            Field::Person { chosen, is_optional } => {
                let mut menu = json!({ "type": "users_select", "action_id": VALUE_ACTION });
                if let (Some(map), Some(chosen)) = (menu.as_object_mut(), chosen) {
                    map.insert("initial_user".to_owned(), chosen.into());
                }
                input(block, label, is_optional, menu)
            }
        }
    }

    /// For a shorter time.
    fn as_glass_allows(&self, mut offered_ms: Vec<i64>, chosen_ms: i64) -> (Vec<i64>, i64) {
        let glass = self.form.workflow.break_glass.as_ref().filter(|_| self.form.breaks_glass);
        let Some(max_ms) = glass.map(|glass| glass.max_hold_ms) else { return (offered_ms, chosen_ms) };
        offered_ms.retain(|length_ms| *length_ms < max_ms);
        offered_ms.push(max_ms);
        if chosen_ms < max_ms && !offered_ms.contains(&chosen_ms) {
            offered_ms.insert(0, chosen_ms);
        }
        (offered_ms, chosen_ms.min(max_ms))
    }

    fn device_menu(&self, of: &[String]) -> Value {
        let placeholder = match of {
            [] => "One of your devices".to_owned(),
            tags => one_line(&format!("A device with {}", device::any_of(tags)), 150),
        };
        let mut menu = json!({
            "type": "external_select",
            "action_id": DEVICE_ACTION,
            "min_query_length": 0,
            "placeholder": plain(&placeholder),
        });
        if let (Some(map), Some((node_id, label))) = (menu.as_object_mut(), &self.device) {
            map.insert("initial_option".to_owned(), option(label, node_id, None));
        }
        menu
    }
}

fn hold_menu(offered_ms: Vec<i64>, chosen_ms: i64, usual_ms: i64) -> Value {
    let options: Vec<Value> = offered_ms
        .into_iter()
        .take(choices::OPTIONS_MAX)
        .map(|length_ms| choices::hold_option(length_ms, usual_ms))
        .collect();
    let initial = choices::hold_option(chosen_ms, usual_ms);
    json!({ "type": "static_select", "action_id": VALUE_ACTION, "options": options, "initial_option": initial })
}

fn choice_menu(offered: &[(String, String)], chosen: &[String], is_many: bool) -> Value {
    let options: Vec<Value> = offered.iter().map(|(label, value)| option(&one_line(label, 75), value, None)).collect();
    let chosen: Vec<Value> =
        options.iter().filter(|one| chosen.iter().any(|word| one["value"] == **word)).cloned().collect();
    let (kind, initial) =
        if is_many { ("multi_static_select", "initial_options") } else { ("static_select", "initial_option") };
    let mut menu = json!({ "type": kind, "action_id": VALUE_ACTION, "options": options });
    let first =
        if is_many { Some(Value::from(chosen)).filter(|all| all != &json!([])) } else { chosen.into_iter().next() };
    if let (Some(map), Some(first)) = (menu.as_object_mut(), first) {
        map.insert(initial.to_owned(), first);
    }
    menu
}

fn text_field(max_length: u32, value: Option<String>) -> Value {
    let mut element = json!({
        "type": "plain_text_input",
        "action_id": VALUE_ACTION,
        "multiline": max_length > 100,
        "max_length": max_length,
    });
    if let (Some(map), Some(value)) = (element.as_object_mut(), value) {
        map.insert("initial_value".to_owned(), Value::String(value));
    }
    element
}

/// Small print: who decides, where they see it, and until when.
fn who_is_asked(workflow: &Workflow) -> String {
    let asked = match workflow.approve.as_slice() {
        [] => return nobody_is_asked(workflow),
        [Stage { clauses, .. }] if !words::is_staged(&workflow.approve) => match clauses.as_slice() {
            [one] if one.needed() == 1 => format!("One of {} decides", words::whos(&one.by, "or")),
            _ => format!("{} have to approve", escape(&words::takes(workflow))),
        },
        _ => format!("It takes {}", escape(&words::takes(workflow))),
    };
    let place = match workflow.channel() {
        Some(channel) if channel.starts_with('#') => format!("in {}", escape(&one_line(channel, 80))),
        Some(channel) => format!("in <#{}>", escape(&one_line(channel, 20))),
        None => "in their direct messages".to_owned(),
    };
    let may_be_one = |stage: &Stage| stage.own_request != OwnRequest::Never;
    let titles = workflow.approve.iter().enumerate().filter(|(_, stage)| may_be_one(stage));
    let titles: Vec<String> =
        titles.map(|(index, _)| escape(&words::stage_title(&workflow.approve, index).to_lowercase())).collect();
    let own = match (titles.as_slice(), workflow.approve.len()) {
        ([], _) => String::new(),
        (own, all) if own.len() == all => " You may be one of them.".to_owned(),
        (own, _) => format!(" In {} you may be one of them.", words::listed(own, "and")),
    };
    let lapse = spelled(workflow.lapse_after_ms);
    let by_itself = match workflow.approve_automatically.as_slice() {
        [] => String::new(),
        rules => {
            let rules: Vec<String> =
                rules.iter().take(RULES_SHOWN_MAX).map(|rule| one_line(&rule.to_string(), 200)).collect();
            format!(" It may be approved by itself: {}.", escape(&rules.join("; or ")))
        }
    };
    format!(
        ":busts_in_silhouette: {asked}; they see it {place}.{own}{by_itself} Without an answer it lapses after {lapse}."
    )
}

/// Small print where nobody has to decide.
fn nobody_is_asked(workflow: &Workflow) -> String {
    match workflow.channel() {
        Some(channel) if channel.starts_with('#') => {
            format!(":busts_in_silhouette: Nobody has to decide; it is shown in {}.", escape(&one_line(channel, 80)))
        }
        Some(channel) => {
            format!(":busts_in_silhouette: Nobody has to decide; it is shown in <#{}>.", escape(&one_line(channel, 20)))
        }
        None => ":busts_in_silhouette: Nobody has to decide.".to_owned(),
    }
}
