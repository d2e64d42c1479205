//! `/access extend NAME LENGTH`: to hold for longer what one holds.

use crate::inputs::duration::{mistyped, written};
use crate::kernel::{Actor, Button, Event, Request, State, hold};
use crate::notices::words::listed;
use crate::slack::answer::Answer;
use crate::slack::sentences::{self, code};
use crate::slack::surface::{By, Surface};

const LINE: &str = "/access extend NAME LENGTH";

impl Surface {
    /// Extends what this person holds of that name; a third word picks the device.
    pub(super) async fn extend(&self, by: &By, words: &str) -> Answer {
        let words: Vec<&str> = words.split_whitespace().collect();
        let [name, rest @ ..] = words.as_slice() else {
            return Answer::ephemeral(format!("Say what, and by how much: {}.", code(LINE)));
        };
        let name = name.to_lowercase();
        let Some(length) = rest.first().copied() else {
            return Answer::ephemeral(format!("Say what, and by how much: {}.", code(LINE)));
        };
        let read = || hold::parse(&mistyped::clean(length)).ok().map(|length_ms| (1, length_ms));
        let Some((count, length_ms)) = written::first(rest).or_else(read) else {
            return Answer::ephemeral(format!(
                "{} is no length of time; write it like 30m or 1h30m: {}.",
                code(length),
                code(LINE)
            ));
        };
        let device = rest.get(count).map(|device| device.to_lowercase());
        let mine = match self.engine.mine(&by.slack_id).await {
            Ok(mine) => mine,
            Err(error) => {
                tracing::error!(%error, "requests could not be read");
                return Answer::ephemeral(sentences::NOT_READ);
            }
        };
        let is_meant = |request: &&Request| {
            let on = request.device.as_ref().map(|device| device.name.to_lowercase());
            request.state == State::Active && request.workflow.name == name && (device.is_none() || device == on)
        };
        let meant: Vec<&Request> = mine.iter().filter(is_meant).collect();
        let request = match meant.as_slice() {
            [] => {
                return Answer::ephemeral(format!(
                    "You hold nothing called {} now. `/access list` shows what is yours.",
                    code(&name)
                ));
            }
            [only] => *only,
            several => {
                let devices: Vec<String> =
                    several.iter().filter_map(|one| one.device.as_ref()).map(|on| code(&on.name)).collect();
                let devices = listed(&devices, "and");
                return Answer::ephemeral(format!(
                    "You hold several of that, on {devices}. Say the device behind the length: {}.",
                    code(&format!("/access extend {name} {} DEVICE", hold::show(length_ms)))
                ));
            }
        };
        let button = Button::Extend { length_ms };
        if let Err(why) = request.is_open_for(&button, &by.slack_id, self.engine.clock().now_ms()) {
            return Answer::ephemeral(self.engine.notices().refusal(&why, Some(request)));
        }
        let seal = request.seal_for(&button);
        let event = Event::Pressed { by: by.slack_id.clone(), button, channel: None, seal, on: None };
        let actor = Actor::Person { slack_id: by.slack_id.clone() };
        match self.engine.tell(actor, &request.id, event, Some(by.key.clone())).await {
            Ok(_) => Answer::ephemeral(format!(
                "Extending {} by {}. You will hear from me when that counts.",
                sentences::what(request),
                hold::show(length_ms)
            )),
            Err(error) => {
                tracing::error!(request.id = %request.id, %error, "an extension could not be saved");
                Answer::ephemeral(sentences::NOT_COUNTED)
            }
        }
    }
}
