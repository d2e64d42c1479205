//! What people do, as Slack hands it to the bot, and what the bot's answer promises them.

use serde_json::{Value, json};

use super::company::{
    CHANNEL, TEAM, WORKFLOWS, devices, is_on_a_device, is_own_allowed, may_decide, person_of, slack_id,
};
use super::plan::Trouble;
use super::slack::Button;
use super::world::{Inner, World};
use crate::kernel::{RequestId, State, Subject};
use crate::slack::answer::Answer;
use crate::slack::edge::Edge;
use crate::slack::envelope::{self, Delivery};
use crate::store::Store;
use crate::store::still::look;

/// Somebody asks by a command.
pub fn ask(
    world: &World,
    edge: &Edge,
    store: &Store,
    ((person, device), workflow, hold_s, (doubled, glass)): ((usize, usize), usize, i64, (bool, bool)),
) {
    let Some((name, _)) = WORKFLOWS.get(workflow) else { return };
    let all = devices(person);
    let device = all.get(device).filter(|_| is_on_a_device(name));
    let device = device.map(|device| format!(" device={person}-{}", device.to_lowercase())).unwrap_or_default();
    let number = world.lock().dice.draw();
    let by = slack_id(person);
    let verb = if glass { "break-glass " } else { "" };
    if glass {
        world.lock().typed_glass.insert((by.clone(), format!("ticket {number}")));
    }
    let fields = json!({
        "command": "/access", "text": format!("{verb}{name} {hold_s}s{device} ticket {number}"), "user_id": by,
        "team_id": TEAM, "channel_id": CHANNEL.0, "channel_name": CHANNEL.1, "trigger_id": format!("{by} {number}"),
        "response_url": format!("https://hooks.slack.com/commands/{TEAM}/{by}/{number}"),
    });
    world.lock().newest_ask = Some((person, fields.clone()));
    if doubled {
        deliver(world, edge, store, envelope::from_command(&fields), Promise::None);
    }
    deliver(world, edge, store, envelope::from_command(&fields), Promise::Asked(by));
}

/// Slack delivers the newest ask again, as it does with what was not acknowledged.
pub fn again(world: &World, edge: &Edge, store: &Store) {
    let newest = world.lock().newest_ask.clone();
    if let Some((person, fields)) = newest {
        deliver(world, edge, store, envelope::from_command(&fields), Promise::Asked(slack_id(person)));
    }
}

/// Somebody presses a button they can see.
pub fn press(
    world: &World,
    edge: &Edge,
    store: &Store,
    (action, person, nth, doubled): (&'static str, usize, usize, bool),
) {
    let by = slack_id(person);
    let Some(button) = world.lock().find_button(action, &by, nth) else { return };
    for _ in 0..if doubled { 2 } else { 1 } {
        let payload = pressed(world, &by, &button);
        let id = button.value.split(' ').next().unwrap_or_default().to_owned();
        world.lock().pressed.insert((by.clone(), id.clone()));
        if action == "extend"
            && let Some(until) = button.value.rsplit_once('@').and_then(|(_, until)| until.parse().ok())
        {
            world.lock().extended.insert((by.clone(), id.clone(), until));
        }
        let promise = if matches!(action, "deny" | "review_not_fine") {
            Promise::None
        } else {
            Promise::Pressed { action, by: by.clone(), id }
        };
        deliver(world, edge, store, envelope::from_interaction(&payload), promise);
    }
}

/// Somebody approves with a button that was not shown to them like this.
pub fn forge(world: &World, edge: &Edge, store: &Store, (person, nth): (usize, usize)) {
    let by = slack_id(person);
    let Some(mut button) = world.lock().find_button("approve", &by, nth) else { return };
    button.value = match button.value.split_once(' ') {
        Some((id, seal)) => format!("{id} {}", seal.chars().rev().collect::<String>()),
        None => return,
    };
    let payload = pressed(world, &by, &button);
    deliver(world, edge, store, envelope::from_interaction(&payload), Promise::None);
}

fn pressed(world: &World, by: &str, button: &Button) -> Value {
    let number = world.lock().dice.draw();
    json!({
        "type": "block_actions", "user": {"id": by, "team_id": TEAM}, "team": {"id": TEAM}, "api_app_id": "A0SIM",
        "container": {"type": "message", "channel_id": button.channel, "message_ts": button.ts,
            "is_ephemeral": button.ts == "0"},
        "channel": {"id": button.channel}, "trigger_id": format!("{by} {number}"),
        "response_url": format!("https://hooks.slack.com/actions/{TEAM}/{by}/{number}"),
        "actions": [{"type": "button", "action_id": button.action_id, "block_id": button.block_id,
            "value": button.value, "action_ts": number.to_string()}],
    })
}

/// Whoever was asked why sends the form off.
pub fn fill_forms(world: &World, edge: &Edge, store: &Store) {
    let forms = std::mem::take(&mut world.lock().slack.forms);
    for form in forms {
        let text = |pointer: &str| form.view.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let callback = text("/callback_id");
        if !matches!(callback.as_str(), "access_deny" | "access_review") {
            continue;
        }
        let number = world.lock().dice.draw();
        let payload = json!({
            "type": "view_submission", "user": {"id": form.person, "team_id": TEAM}, "team": {"id": TEAM},
            "trigger_id": format!("{} {number}", form.person), "api_app_id": "A0SIM",
            "view": {"id": format!("V{number}"), "hash": "1", "callback_id": callback, "blocks": form.view.get("blocks"),
                "app_installed_team_id": TEAM, "private_metadata": text("/private_metadata"),
                "state": {"values": {"reason": {"reason": {"type": "plain_text_input", "value": "not now"}}}}},
        });
        deliver(world, edge, store, envelope::from_interaction(&payload), Promise::None);
    }
}

/// What an answer promises.
enum Promise {
    None,
    /// A request of this person was saved, if its id stands in the answer.
    Asked(String),
    /// This press was saved.
    Pressed {
        action: &'static str,
        by: String,
        id: String,
    },
}

fn deliver(world: &World, edge: &Edge, store: &Store, delivery: Delivery, promise: Promise) {
    let (world, edge, store) = (world.clone(), edge.clone(), store.clone());
    tokio::spawn(async move {
        let answer = edge.deliver(delivery, true).await;
        let mut inner = world.lock();
        // What a dead process says nobody hears.
        if !inner.is_dead {
            inner.answered(&store, &answer, &promise);
        }
    });
}

impl Inner {
    /// The newest button but `nth` of those that do this and that this person can see.
    fn find_button(&self, action: &str, by: &str, nth: usize) -> Option<Button> {
        let mut values: Vec<&str> = Vec::new();
        for button in self.slack.buttons.iter().rev().filter(|button| button.action_id == action) {
            if button.only_for.as_ref().is_some_and(|only| only != by) || values.contains(&button.value.as_str()) {
                continue;
            }
            if values.len() >= nth {
                return Some(button.clone());
            }
            values.push(&button.value);
        }
        None
    }

    /// I7: an ack is a promise, and what it promises is in the database now.
    fn answered(&mut self, store: &Store, answer: &Answer, promise: &Promise) {
        match (promise, answer) {
            (Promise::Asked(by), Answer::Ephemeral { blocks: Some(blocks), text }) => {
                self.slack.show(CHANNEL.0, "0", Some(blocks), Some(by.clone()));
                let ids: Vec<String> = withdrawals(blocks);
                self.tell(|| format!("{by} is told: {text} {ids:?}"));
                for id in ids {
                    if !is_known(store, &id) {
                        self.wrong(|| format!("{by} was told that {id} was asked, and it is not saved"));
                    }
                }
            }
            // While nothing can be saved people are told so where they pressed, and not in the ack.
            // An older database does not know it: they are told so in private.
            (Promise::Pressed { id, .. }, Answer::Nothing) if self.is_restored && !is_known(store, id) => {}
            (Promise::Pressed { action, by, id }, Answer::Nothing) if self.can_save(id) => {
                let entries = look(store.audit_of(&Subject::from_stored(id))).unwrap_or_default();
                let is_it = |event: &str| event.contains("\"pressed\"") && event.contains(by.as_str());
                if !entries.iter().any(|entry| is_it(&entry.event)) {
                    self.wrong(|| format!("a press of {by} on {id} was acknowledged, and it is not saved"));
                }
                if self.may_press(action, by, id) {
                    self.deals.expect((action, id, by), self.now);
                }
            }
            (_, answer) => self.tell(|| format!("is answered {answer:?}").chars().take(300).collect()),
        }
    }
}

impl Inner {
    /// Whether what is pressed on this request can be saved now.
    fn can_save(&self, id: &str) -> bool {
        let has_failed = self.failed_at == self.now;
        !self.is_broken(Trouble::DiskFull)
            && !self.is_broken(Trouble::Locked)
            && !has_failed
            && !self.deals.is_spoilt(id)
    }

    /// Whether a press must count: of somebody who may do that, on a request where it does something.
    fn may_press(&self, action: &str, by: &str, id: &str) -> bool {
        let Some(request) = self.deals.find(id).filter(|_| !self.dismissed.contains_key(by)) else { return false };
        let is_own = request.requester.slack_id == by;
        match action {
            "approve" => {
                let own = is_own_allowed(&request.workflow.name);
                // Of several stages not every one is of everybody.
                let is_plain = request.workflow.name != "root" && request.review.is_none();
                let may = is_plain && person_of(by).is_some_and(|person| may_decide(person, &request.workflow.name));
                request.state == State::Pending && may && (own || !is_own)
            }
            "withdraw" => request.state == State::Pending && is_own,
            "return" => matches!(request.state, State::Approved | State::Activating | State::Active) && is_own,
            _ => false,
        }
    }
}

fn is_known(store: &Store, id: &str) -> bool {
    matches!(look(store.find(&RequestId(id.to_owned()))), Ok(Some(_)))
}

/// The requests that can be withdrawn by what is said.
fn withdrawals(blocks: &Value) -> Vec<String> {
    let elements =
        blocks.as_array().into_iter().flatten().filter_map(|block| block.get("elements")?.as_array()).flatten();
    let values = elements.filter(|element| element.get("action_id").and_then(Value::as_str) == Some("withdraw"));
    let ids = values.filter_map(|element| element.get("value")?.as_str()?.split(' ').next().map(str::to_owned));
    ids.collect()
}
