//! Filling in forms: choosing values for elements, and submitting or closing the modal in front.

use serde_json::{Value, json};

use super::SlackWorld;
use super::act::{CannotAct, Surface};
use super::answers::Cause;
use super::doors::{Delivered, Envelope};
use super::json;
use super::payloads::Origin;
use super::pick::{self, Element, value_object};
use super::state::State;

impl SlackWorld {
    /// `user` fills in a field of the modal in front, named by its label, action id or block id. See `select` for how
    /// menus are answered; several boxes are separated by `, `.
    ///
    /// # Errors
    /// When there is no such field or it does not offer the choice.
    pub async fn fill(&self, user: &str, what: &str, value: &str) -> Result<Option<Delivered>, CannotAct> {
        self.select(user, Surface::Modal, what, value).await
    }

    /// `user` presses the modal's submit button. What Slack itself finds wrong is shown in the modal and never sent.
    ///
    /// # Errors
    /// When no modal is open, it cannot be submitted, or Slack finds the form incomplete.
    pub async fn submit_modal(&self, user: &str) -> Result<Delivered, CannotAct> {
        let (user, view_id, payload) = self.change(|state| {
            let user = state.person_id(user)?;
            let missing = CannotAct::NoView(state.name_of(&user));
            let Some(view) = state.front(&user).cloned() else { return Err(missing) };
            if view.given.get("submit").is_none_or(Value::is_null) {
                return Err(state.nothing_called(&user, "submit", &pick::elements(view.blocks())));
            }
            let wrong = state.complaints(&view.json(state));
            let words: Vec<_> = wrong.iter().map(|(block, what)| format!("{block}: {what}")).collect();
            if let Some(view) = state.view_mut(&view.id) {
                view.errors = wrong.into_iter().collect();
            }
            if !words.is_empty() {
                return Err(CannotAct::Incomplete(words.join(", ")));
            }
            let payload = state.view_submission(&user).ok_or(missing)?;
            Ok((user, view.id, payload))
        })?;
        Ok(self.deliver(Envelope::Interactive, payload, Some(Cause::Submission { user, view_id })).await)
    }

    /// `user` presses the modal's close button (one view). `None` when the app did not ask to be told.
    ///
    /// # Errors
    /// When no modal is open.
    pub async fn close_modal(&self, user: &str) -> Result<Option<Delivered>, CannotAct> {
        self.close(user, false).await
    }

    /// `user` presses the ✕ of the modal: the whole stack goes. `None` when the app did not ask to be told.
    ///
    /// # Errors
    /// When no modal is open.
    pub async fn dismiss_modal(&self, user: &str) -> Result<Option<Delivered>, CannotAct> {
        self.close(user, true).await
    }

    async fn close(&self, user: &str, everything: bool) -> Result<Option<Delivered>, CannotAct> {
        let payload = self.change(|state| {
            let user = state.person_id(user)?;
            let missing = CannotAct::NoView(state.name_of(&user));
            let Some(view) = state.front(&user).cloned() else { return Err(missing) };
            let is_cleared = everything || view.flag("clear_on_close");
            let payload = state.view_closed(&user, &view.json(state), is_cleared);
            let stack = state.modals.entry(user).or_default();
            stack.pop();
            if is_cleared {
                stack.clear();
            }
            Ok(view.flag("notify_on_close").then_some(payload))
        })?;
        match payload {
            Some(payload) => Ok(Some(self.deliver(Envelope::Interactive, payload, None).await)),
            None => Ok(None),
        }
    }
}

impl State {
    /// The value an element gets when a person chooses `choice`.
    pub(super) fn choose(&self, user: &str, element: &Element, choice: &str) -> Result<Value, CannotAct> {
        let Some(name) = element.value_name() else {
            return Err(self.nothing_called(user, choice, &[]));
        };
        if choice.is_empty() {
            return Ok(if name.ends_with('s') { json!([]) } else { Value::Null });
        }
        let one = |word: &str| -> Result<Value, CannotAct> {
            match name.trim_end_matches('s') {
                "selected_option" => self.option(user, element, word),
                "selected_user" => self.person_id(word).map(|id| json!(id)),
                "selected_conversation" | "selected_channel" => {
                    let channel = self.find_channel(word).map(|channel| json!(channel.id));
                    channel
                        .ok_or_else(|| CannotAct::NoSuchChannel { who: self.name_of(user), channel: word.to_owned() })
                }
                "selected_date_time" => Ok(word.parse::<i64>().map_or(Value::Null, |seconds| json!(seconds))),
                "rich_text_value" => Ok(rich_text(word)),
                _ => Ok(json!(word)),
            }
        };
        if name.ends_with('s') {
            let values: Result<Vec<_>, _> = choice.split(", ").map(one).collect();
            return Ok(Value::Array(values?));
        }
        one(choice)
    }

    fn option(&self, user: &str, element: &Element, word: &str) -> Result<Value, CannotAct> {
        let options: Vec<Value> = match element.kind() {
            "external_select" | "multi_external_select" => {
                let key = (user.to_owned(), element.action_id.clone());
                self.offered.get(&key).cloned().unwrap_or_default()
            }
            _ => all_options(&element.json),
        };
        let names =
            |option: &Value| [json::text(option, "/text/text").to_owned(), json::text(option, "/value").to_owned()];
        let found = options.iter().find(|option| names(option).iter().any(|name| name == word));
        let start = || options.iter().find(|option| names(option).iter().any(|name| name.starts_with(word)));
        found.or_else(start).cloned().ok_or_else(|| CannotAct::NotOffered {
            choice: word.to_owned(),
            offers: options.iter().map(|option| names(option).concat()).collect::<Vec<_>>().join(", "),
        })
    }

    /// Keeps the chosen value where the element is.
    pub(super) fn remember(&mut self, origin: &Origin, element: &Element, value: &Value) {
        let (Some(name), kind) = (element.value_name(), element.kind()) else { return };
        let object = value_object(kind, name, value.clone());
        let chosen = match origin {
            Origin::View { id } => self.view_mut(id).map(|view| {
                view.errors.remove(&element.block_id);
                &mut view.chosen
            }),
            Origin::Message { channel, ts } => self
                .channels
                .get_mut(channel)
                .and_then(|channel| channel.messages.iter_mut().find(|message| message.ts == *ts))
                .map(|message| &mut message.chosen),
        };
        if let Some(chosen) = chosen {
            chosen.entry(element.block_id.clone()).or_default().insert(element.action_id.clone(), object);
        }
    }

    /// What Slack's client itself refuses before it sends a form: `block_id` and the words under the field.
    fn complaints(&self, view: &Value) -> Vec<(String, String)> {
        let mut wrong = Vec::new();
        for element in pick::elements(json::list(view, "/blocks")) {
            let (true, Some(name)) = (element.input.is_object(), element.value_name()) else { continue };
            let place = format!("/state/values/{}/{}/{name}", element.block_id, element.action_id);
            let value = json::at(view, &place);
            let is_empty = value.is_null() || value == "" || value.as_array().is_some_and(Vec::is_empty);
            let complaint = if is_empty {
                (!json::flag(&element.input, "/optional")).then(|| "Please complete this required field.".to_owned())
            } else {
                complaint(&element, value.as_str().unwrap_or_default())
            };
            wrong.extend(complaint.map(|what| (element.block_id.clone(), what)));
        }
        wrong
    }
}

/// What is wrong with a value that is there.
fn complaint(element: &Element, text: &str) -> Option<String> {
    let limit = |name: &str| json::at(&element.json, name).as_u64().and_then(|limit| usize::try_from(limit).ok());
    let length = text.chars().count();
    match element.kind() {
        "plain_text_input" if limit("/max_length").is_some_and(|most| length > most) => {
            Some("This field has too many characters.".to_owned())
        }
        "plain_text_input" if limit("/min_length").is_some_and(|least| length < least) => {
            Some("This field has too few characters.".to_owned())
        }
        "number_input" if text.parse::<f64>().is_err() => Some("Please enter a number.".to_owned()),
        "email_text_input" if !text.contains('@') => Some("Please enter a valid email address.".to_owned()),
        "url_text_input" if !text.contains("://") => Some("Please enter a valid URL.".to_owned()),
        _ => None,
    }
}

/// The options of a select, those in groups included.
pub(super) fn all_options(element: &Value) -> Vec<Value> {
    let groups = json::list(element, "/option_groups").iter().flat_map(|group| json::list(group, "/options"));
    json::list(element, "/options").iter().chain(groups).cloned().collect()
}

fn rich_text(text: &str) -> Value {
    json!({
        "type": "rich_text",
        "elements": [{ "type": "rich_text_section", "elements": [{ "type": "text", "text": text }] }],
    })
}
