//! The form of a request: what to borrow, on which device, for how long, why, and who will be asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{choices, context, input, option, plain, section};
use crate::engine::asking::Form;
use crate::kernel::workflow::{Input, InputKind, OwnRequest, Workflow};
use crate::kernel::{Request, hold};
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
/// Every other field.
const VALUE_ACTION: &str = "value";

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
    match input.kind {
        InputKind::Duration { .. } => format!("in.{}.{}", input.name, workflow.name),
        InputKind::Text { .. } | InputKind::Device | InputKind::Unknown => format!("in.{}", input.name),
    }
}

/// What was filled in, by input name; what was typed is made plain.
pub fn values(workflow: &Workflow, state: &FormState) -> BTreeMap<String, String> {
    let filled = workflow.inputs.iter().filter_map(|input| {
        let action = if input.kind == InputKind::Device { DEVICE_ACTION } else { VALUE_ACTION };
        let value = envelope::plain(state.value(&block_id(workflow, input), action)?);
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
            (Some(named), _) => devices
                .iter()
                .find(|device| device.node_id == *named || device.short_name().eq_ignore_ascii_case(named)),
            (None, [only]) => Some(only),
            (None, _) => None,
        };
        self.device =
            chosen.map(|device| (device.node_id.clone(), choices::device_label(device.short_name(), &device.os)));
        if devices.is_empty() && self.note.is_none() {
            self.note = Some(sentences::NO_DEVICE_YET.to_owned());
        }
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
        // The device first: it is what people forget.
        let rank = |input: &&Input| match input.kind {
            InputKind::Device => 0,
            InputKind::Duration { .. } => 1,
            InputKind::Text { .. } | InputKind::Unknown => 2,
        };
        let is_known = |input: &&Input| input.kind != InputKind::Unknown;
        let mut inputs: Vec<&Input> = workflow.inputs.iter().filter(is_known).collect();
        inputs.sort_by_key(rank);
        blocks.extend(inputs.into_iter().map(|input| self.field(input)));
        blocks.push(context(&who_is_asked(workflow)));
        let about = About {
            workflow: workflow.name.clone(),
            channel: self.form.channel.clone(),
            fixed: self.among == Among::Fixed,
        };
        json!({
            "type": "modal",
            "callback_id": CALLBACK,
            "title": plain("Borrow access"),
            "submit": plain("Ask"),
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

    fn field(&self, field: &Input) -> Value {
        let workflow = &self.form.workflow;
        let block = block_id(workflow, field);
        let value = self.form.values.get(&field.name).map(String::as_str);
        let label = one_line(&field.label, 75);
        match field.kind {
            InputKind::Duration { default_ms, max_ms } => {
                input(&block, &label, false, hold_menu(default_ms, max_ms, value))
            }
            InputKind::Device | InputKind::Unknown => input(&block, &label, false, self.device_menu()),
            InputKind::Text { max_length, required } => {
                let mut block = input(&block, &label, !required, text_field(max_length, value));
                if let Some(map) = block.as_object_mut() {
                    let hint = "Shown to those who decide, and kept in the audit log.";
                    map.insert("hint".to_owned(), plain(hint));
                }
                block
            }
        }
    }

    fn device_menu(&self) -> Value {
        let mut menu = json!({
            "type": "external_select",
            "action_id": DEVICE_ACTION,
            "min_query_length": 0,
            "placeholder": plain("One of your devices"),
        });
        if let (Some(map), Some((node_id, label))) = (menu.as_object_mut(), &self.device) {
            map.insert("initial_option".to_owned(), option(label, node_id, None));
        }
        menu
    }
}

fn hold_menu(default_ms: i64, max_ms: i64, value: Option<&str>) -> Value {
    let chosen = value.and_then(|value| hold::parse(value).ok()).filter(|ms| *ms <= max_ms);
    let options: Vec<Value> = choices::holds(default_ms, max_ms, chosen)
        .into_iter()
        .take(choices::OPTIONS_MAX)
        .map(|ms| choices::hold_option(ms, default_ms))
        .collect();
    let initial = choices::hold_option(chosen.unwrap_or(default_ms), default_ms);
    json!({ "type": "static_select", "action_id": VALUE_ACTION, "options": options, "initial_option": initial })
}

fn text_field(max_length: u32, value: Option<&str>) -> Value {
    let max_length = max_length.clamp(1, 3_000);
    let mut element = json!({
        "type": "plain_text_input",
        "action_id": VALUE_ACTION,
        "multiline": max_length > 100,
        "max_length": max_length,
    });
    if let (Some(map), Some(value)) = (element.as_object_mut(), value) {
        let max = usize::try_from(max_length).unwrap_or(3_000);
        map.insert("initial_value".to_owned(), Value::String(value.chars().take(max).collect()));
    }
    element
}

/// Small print: who decides, where they see it, and until when.
fn who_is_asked(workflow: &Workflow) -> String {
    let (by, quorum, own) = workflow.stage().map_or((String::new(), 1, OwnRequest::Never), |stage| {
        (words::whos(&stage.by, "or"), stage.quorum.max(1), stage.own_request)
    });
    let asked = if quorum == 1 { format!("One of {by} decides") } else { format!("{quorum} of {by} have to approve") };
    let place = match &workflow.announce {
        Some(channel) if channel.starts_with('#') => format!("in {}", escape(&one_line(channel, 80))),
        Some(channel) => format!("in <#{}>", escape(&one_line(channel, 20))),
        None => "in their direct messages".to_owned(),
    };
    let own = match own {
        OwnRequest::Never => "",
        OwnRequest::Confirm | OwnRequest::Allow => " You may be one of them.",
    };
    let lapse = choices::spelled(workflow.lapse_after_ms);
    format!(":busts_in_silhouette: {asked}; they see it {place}.{own} Without an answer it lapses after {lapse}.")
}
