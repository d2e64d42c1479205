//! The list of everything that is stored as JSON, each with its raising steps.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Kept, Raise, says_more, shape_of};
use crate::effect::Effect;
use crate::event::{Actor, Event};
use crate::holding::Settings;
use crate::link::LinkEvent;
use crate::paste::PasteEvent;
use crate::request::{Ask, Request};

/// Every kind that is stored, with the newest shape this version writes and reads. A database that holds another kind, or
/// a newer shape of one, belongs to a later version.
pub const KINDS: &[(&str, i64)] = &[
    of::<Request>(),
    of::<Effect>(),
    of::<Event>(),
    of::<Actor>(),
    of::<LinkEvent>(),
    of::<Note>(),
    of::<Settings>(),
    // Only older versions wrote these; `RETIRED` says which.
    ("held for", 1),
    // Those of step types and of the anchor have their raising steps beside their code, which tests compare to the numbers here.
    ("anchor", 1),
    ("before of golink.link", 1),
    ("before of http.request", 1),
    ("before of program.run", 1),
    ("before of slack.channel", 1),
    ("before of slack.message", 1),
    ("before of slack.user_group", 1),
    ("before of tailscale.attribute", 1),
    ("before of tailscale.policy", 2),
    ("before of tailscale.auth_key", 2),
    ("before of tailscale.device", 1),
    ("before of tailscale.invite", 1),
    ("before of tailscale.role", 1),
    ("before of tclip.paste", 1),
];

/// Kinds that only older versions wrote, and that none reads any more. A file that holds one is no later version's. `held for` said for
/// whom a paste lives; now the ledger does.
pub const RETIRED: &[&str] = &["held for"];

/// What the kinds of step types begin with. A step type has its own raising steps; a test compares the numbers here to them.
pub const BEFORE_OF: &str = "before of ";

const fn of<T: Kept>() -> (&'static str, i64) {
    (T::KIND, shape_of::<T>())
}

/// The whole request with its pinned workflow.
impl Kept for Request {
    const KIND: &'static str = "request";
    // The fourth: inputs can be of more kinds. The sixth: operators end requests. The seventh: a request may go without a step. The eighth: some
    // pass by themselves, or come about by themselves; what guardrails said. The ninth: glass can be broken. The tenth: people whom only the request
    // tells. The eleventh: it can be held for longer, which counts when it was confirmed. The twelfth: it can be approved for less time, and a turn
    // passed on; whom cards reach; somebody else changes what is held.
    const RAISES: &'static [Raise] = &[
        keys_stand_in_the_steps,
        inputs_have_kinds,
        alarms_are_notifications,
        says_more,
        approval_has_stages,
        says_more,
        says_more,
        says_more,
        says_more,
        says_more,
        says_more,
        says_more,
    ];
}

/// What is touched stood in the ask and once more in each step.
fn keys_stand_in_the_steps(mut request: Value) -> Result<Value, String> {
    let ask = request.get_mut("ask").and_then(Value::as_object_mut).ok_or("it has no ask")?;
    ask.shift_remove("keys");
    Ok(request)
}

/// What was filled in stood as text, as it was shown; what it was stood beside it.
fn inputs_have_kinds(mut request: Value) -> Result<Value, String> {
    let ask = request.get_mut("ask").and_then(Value::as_object_mut).ok_or("it has no ask")?;
    let kinds = ask.get("workflow").and_then(|workflow| workflow.get("inputs")).and_then(Value::as_array).cloned();
    let (length_ms, device) = (ask.get("hold_ms").cloned().unwrap_or_default(), ask.get("device").cloned());
    let inputs = ask.get_mut("inputs").and_then(Value::as_object_mut).ok_or("its ask has no inputs")?;
    for (name, value) in inputs {
        let kind = kinds.iter().flatten().find(|input| input.get("name").and_then(Value::as_str) == Some(name));
        let kind = kind.and_then(|input| input.pointer("/kind/type")).and_then(Value::as_str);
        *value = match (kind, &device) {
            (Some("duration"), _) => json!({ "type": "duration", "length_ms": length_ms }),
            (Some("device"), Some(Value::Object(device))) => {
                let kind = [("type".to_owned(), Value::from("device"))];
                Value::Object(kind.into_iter().chain(device.clone()).collect())
            }
            _ => json!({ "type": "text", "text": value }),
        };
    }
    Ok(request)
}

/// Only alarms were remembered; now every message that will stop being true is. What was read may say that it is on all the same.
fn alarms_are_notifications(mut request: Value) -> Result<Value, String> {
    let Some(fields) = request.as_object_mut() else { return Err("it is no object".to_owned()) };
    let mut notifications = fields.remove("alarms").unwrap_or_else(|| Value::Array(Vec::new()));
    for alarm in notifications.as_array_mut().into_iter().flatten() {
        if let Some(alarm) = alarm.as_object_mut() {
            alarm.insert("shows".to_owned(), "stuck".into());
        }
    }
    fields.insert("notifications".to_owned(), notifications);
    Ok(request)
}

/// There was one stage, of one clause; a decision was a person's, and those who were asked stood without a stage.
fn approval_has_stages(mut request: Value) -> Result<Value, String> {
    let stages = request.pointer_mut("/ask/workflow/approve").and_then(Value::as_array_mut);
    for stage in stages.ok_or("its workflow has no stages")? {
        let fields = stage.as_object_mut().ok_or("a stage is no object")?;
        let clause: Map<String, Value> = ["quorum", "by"]
            .into_iter()
            .map(|name| (name.to_owned(), fields.shift_remove(name).unwrap_or_default()))
            .collect();
        fields.shift_insert(0, "clauses".to_owned(), json!([clause]));
        fields.insert("denials".to_owned(), 1.into());
    }
    let fields = request.as_object_mut().ok_or("it is no object")?;
    for decision in fields.get_mut("decisions").and_then(Value::as_array_mut).into_iter().flatten() {
        let fields = decision.as_object_mut().ok_or("a decision is no object")?;
        let mut take = |name: &str| fields.shift_remove(name).unwrap_or_default();
        let by = json!({ "decider": "person", "person": take("person"), "rule": take("rule") });
        fields.insert("by".to_owned(), by);
        fields.insert("stage".to_owned(), 0.into());
    }
    let people = fields.shift_remove("approvers").unwrap_or_default();
    let is_found = people.as_array().is_some_and(|people| !people.is_empty());
    let asked = if is_found { json!([{ "stage": 0, "people": people }]) } else { json!([]) };
    fields.insert("asked".to_owned(), asked);
    Ok(request)
}

/// What waits in the outbox.
impl Kept for Effect {
    const KIND: &'static str = "effect";
    // The second: a notice that something is on by somebody else's doing. The third: what was typed and is not looked up yet. The
    // fourth: who is found is of a stage, and refusals that tell of stages. The fifth: operators decide, and somebody
    // may have asked for too much; what is sent to a golink or a tclip. The sixth: what passes by itself, and workflows that start by themselves;
    // a refusal by a guardrail. The seventh: glass is broken, and reviewed. The eighth: people whom only the request tells. The ninth: what is
    // held is compared with what is there. The tenth: it is extended, or is not. The eleventh: why it is not approved for less time, and turns that
    // are passed on; what somebody else changed is told.
    const RAISES: &'static [Raise] = &[
        settling_belongs_to_the_key,
        says_more,
        says_more,
        finds_for_the_first_stage,
        says_more,
        says_more,
        says_more,
        says_more,
        says_more,
        says_more,
        says_more,
    ];
}

/// Settling named a step of a request. Which key that is stands in the row's lane: the migration of that name wrote such rows
/// anew, so one that is left belongs to nobody.
fn settling_belongs_to_the_key(effect: Value) -> Result<Value, String> {
    if effect.get("effect").is_some_and(|name| name == "settle") && effect.get("key").is_none() {
        return Err("it settles a step and names no key".to_owned());
    }
    Ok(effect)
}

/// There was one stage.
fn finds_for_the_first_stage(effect: Value) -> Result<Value, String> {
    Ok(of_the_first_stage(effect, "effect", "find_approvers"))
}

fn of_the_first_stage(mut body: Value, tag: &str, name: &str) -> Value {
    if let Some(fields) = body.as_object_mut().filter(|fields| fields.get(tag).is_some_and(|found| found == name)) {
        fields.insert("stage".to_owned(), 0.into());
    }
    body
}

/// What a holder of a key wants of its step type.
impl Kept for Settings {
    const KIND: &'static str = "settings";
    // By which step of which workflow they are used.
    const RAISES: &'static [Raise] = &[says_more];
}

/// What the audit log says that happened to a request.
impl Kept for Event {
    const KIND: &'static str = "event";
    // The third: an ask has inputs of more kinds. The fourth: also what was asked, where it stands with the event. The fifth: operators deny
    // and revoke. The sixth: a step may be left out. The seventh: what was found out to tell whether something passes by itself;
    // what guardrails said. The eighth: glass is broken, and reviewed. The ninth: people whom only the request tells. The tenth: what is
    // held is extended. The eleventh: it is approved for less time, and a turn is passed on; somebody else changes what is held.
    const RAISES: &'static [Raise] = &[
        says_more,
        an_alarm_is_a_notification,
        says_more,
        found_for_the_first_stage,
        says_more,
        says_more,
        says_more,
        says_more,
        says_more,
        says_more,
        says_more,
    ];
}

/// Only alarms were told of; what was read may say that it is on all the same.
fn an_alarm_is_a_notification(mut event: Value) -> Result<Value, String> {
    if let Some(fields) =
        event.as_object_mut().filter(|fields| fields.get("event").is_some_and(|name| name == "alarmed"))
    {
        fields.insert("event".to_owned(), "notified".into());
        fields.insert("shows".to_owned(), "stuck".into());
    }
    Ok(event)
}

/// There was one stage.
fn found_for_the_first_stage(event: Value) -> Result<Value, String> {
    Ok(of_the_first_stage(event, "event", "approvers_found"))
}

/// Who the audit log says it was.
impl Kept for Actor {
    const KIND: &'static str = "actor";
    // The first: which operator.
    const RAISES: &'static [Raise] = &[says_more];
}

/// The event `asked` as the audit log has it: with what was asked. Read without it as `Event::Asked`.
#[derive(Debug, Serialize)]
pub struct Asked<'a> {
    event: &'static str,
    ask: &'a Ask,
}

impl<'a> Asked<'a> {
    /// The event with this ask.
    pub fn of(ask: &'a Ask) -> Self {
        Self { event: "asked", ask }
    }
}

impl Kept for Asked<'_> {
    const KIND: &'static str = Event::KIND;
    const RAISES: &'static [Raise] = Event::RAISES;
}

/// What the audit log says that happened to a link.
impl Kept for LinkEvent {
    const KIND: &'static str = "link event";
    // What was asked of a golink, and was not done.
    const RAISES: &'static [Raise] = &[says_more];
}

/// What the audit log says that happened and is no event of a request or a link: an object with its name under `event`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Note(pub Value);

impl Kept for Note {
    const KIND: &'static str = "note";
    // What is asked of a tclip came with it.
    const RAISES: &'static [Raise] = &[the_ledger_says_who_holds_a_paste];
}

/// A paste had the list of those whom it lives for, and the end of their access; now the log says who came.
fn the_ledger_says_who_holds_a_paste(mut note: Value) -> Result<Value, String> {
    let is_held = note.get("event").is_some_and(|name| name == "paste_held");
    if let Some(fields) = note.as_object_mut()
        && let Some(held_for) = fields.remove("held_for")
        && is_held
    {
        fields.remove("expires_at");
        fields.insert("new".to_owned(), held_for);
    }
    Ok(note)
}

impl Kept for PasteEvent {
    const KIND: &'static str = Note::KIND;
    const RAISES: &'static [Raise] = Note::RAISES;
}
