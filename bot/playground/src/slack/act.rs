//! What people do in Slack: type commands, press buttons, pick from menus, use shortcuts. Each becomes a delivery.
//!
//! Deactivated people can still act here: their click may have been on its way when they left, and the app must cope.

use serde_json::Value;

use super::SlackWorld;
use super::answers::Cause;
use super::doors::{Delivered, Envelope};
use super::json;
use super::payloads::Origin;
use super::people::{ChannelKind, Kind};
use super::pick::{self, Element};
use super::state::{MessageRef, State};

/// Where a person looks for something to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Surface {
    /// The newest message in this channel that has it. `#name`, a channel id, or `@nightlatch` for direct messages.
    Channel(String),
    /// One message.
    Message(MessageRef),
    /// The modal in front.
    Modal,
    /// The app's Home tab.
    Home,
}

impl From<&str> for Surface {
    /// `modal`, `home`, or a channel.
    fn from(word: &str) -> Self {
        match word {
            "modal" => Self::Modal,
            "home" => Self::Home,
            channel => Self::Channel(channel.to_owned()),
        }
    }
}

impl From<MessageRef> for Surface {
    fn from(message: MessageRef) -> Self {
        Self::Message(message)
    }
}

impl From<&MessageRef> for Surface {
    fn from(message: &MessageRef) -> Self {
        Self::Message(message.clone())
    }
}

/// Why a person cannot do what they tried: Slack itself would not let them, so the app never hears of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotAct {
    /// Nobody has this id or name.
    #[error("there is no person called {0}")]
    NoSuchPerson(String),
    /// No channel has this id or name, or the person is not in it.
    #[error("{who} is in no channel called {channel}")]
    NoSuchChannel {
        /// The person.
        who: String,
        /// What was asked for.
        channel: String,
    },
    /// Nothing on the surface is called so.
    #[error("{who} sees nothing called {what:?} there; there is: {there}")]
    NothingCalled {
        /// The person.
        who: String,
        /// What was asked for.
        what: String,
        /// What can be used.
        there: String,
    },
    /// The person has no modal (or no Home view) open.
    #[error("{0} has no such view open")]
    NoView(String),
    /// The app has no such command, or the person may not use its commands.
    #[error("{0} is not a valid command here")]
    NoSuchCommand(String),
    /// A menu does not offer this.
    #[error("the menu does not offer {choice:?}; it offers: {offers}")]
    NotOffered {
        /// What was to be chosen.
        choice: String,
        /// What is on offer.
        offers: String,
    },
    /// Slack does not send a form that is not filled in properly; the words under the fields.
    #[error("the form is not complete: {0}")]
    Incomplete(String),
}

impl SlackWorld {
    /// `user` types a slash command, e.g. `/access prod-db 2h`, in a channel they are in.
    ///
    /// # Errors
    /// When Slack would not run it: unknown person, channel or command, or somebody of another company.
    pub async fn command(&self, user: &str, channel: &str, line: &str) -> Result<Delivered, CannotAct> {
        let (cause, payload) = {
            let mut state = self.state();
            let user = state.person_id(user)?;
            let channel = state.channel_of(&user, channel)?;
            let (command, text) = line.split_once(' ').unwrap_or((line, ""));
            if state.is_foreign(&user) || !state.app.commands.contains(command) {
                state.slackbot(&user, &channel, format!("{command} is not a valid command."));
                return Err(CannotAct::NoSuchCommand(command.to_owned()));
            }
            let text = if state.app.escapes { escape_command(&state, text) } else { text.to_owned() };
            let payload = state.slash_command(&user, &channel, command, text.trim());
            (Cause::Command { user, channel, line: line.to_owned() }, payload)
        };
        Ok(self.deliver(Envelope::SlashCommands, payload, Some(cause)).await)
    }

    /// `user` presses a button, named by the words on it, its action id or its value, and says yes to its
    /// confirmation dialog if it has one (see `confirmation`).
    ///
    /// # Errors
    /// When there is nothing like it to press.
    pub async fn press(&self, user: &str, on: impl Into<Surface>, what: &str) -> Result<Delivered, CannotAct> {
        let payload = {
            let mut state = self.state();
            let user = state.person_id(user)?;
            let (origin, element) = state.look(&user, &on.into(), what)?;
            state.block_actions(&user, &origin, &element, None)
        };
        Ok(self.deliver(Envelope::Interactive, payload, None).await)
    }

    /// What the confirmation dialog of a button or menu asks, e.g. `Deny? The requester is told. [Deny] [Back]`.
    ///
    /// # Errors
    /// When there is nothing like it to press.
    pub fn confirmation(&self, user: &str, on: impl Into<Surface>, what: &str) -> Result<Option<String>, CannotAct> {
        let state = self.state();
        let user = state.person_id(user)?;
        let (_, element) = state.look(&user, &on.into(), what)?;
        let part = |name: &str| json::text(&element.json, &format!("/confirm/{name}/text")).to_owned();
        let has_dialog = element.json.get("confirm").is_some();
        Ok(has_dialog.then(|| format!("{} {} [{}] [{}]", part("title"), part("text"), part("confirm"), part("deny"))))
    }

    /// `user` picks from a menu, list or set of boxes (or writes into a field that reports at once): an option by its
    /// words or value, a person or channel by name, a date as `2026-01-02`. `""` takes the choice back. In a modal
    /// this is the same as `fill`. `None` when the choice stays in the form until it is submitted.
    ///
    /// # Errors
    /// When there is no such element or it does not offer the choice.
    pub async fn select(
        &self,
        user: &str,
        on: impl Into<Surface>,
        what: &str,
        choice: &str,
    ) -> Result<Option<Delivered>, CannotAct> {
        let (user, origin, element) = {
            let state = self.state();
            let user = state.person_id(user)?;
            let (origin, element) = state.look(&user, &on.into(), what)?;
            (user, origin, element)
        };
        let is_offered =
            self.offered(&user, &element.action_id).iter().any(|option| json::text(option, "/value") == choice);
        if element.kind().contains("external_select") && !choice.is_empty() && !is_offered {
            self.ask_for_options(&user, &origin, &element, choice).await;
        }
        let payload = self.change(|state| {
            let value = state.choose(&user, &element, choice)?;
            state.remember(&origin, &element, &value);
            let is_heard = !element.is_silent();
            Ok(is_heard.then(|| state.block_actions(&user, &origin, &element, Some(value))))
        })?;
        match payload {
            Some(payload) => Ok(Some(self.deliver(Envelope::Interactive, payload, None).await)),
            None => Ok(None),
        }
    }

    /// `user` types into a menu that asks the app for its options; the words of the options it answered with.
    ///
    /// # Errors
    /// When there is no such menu.
    pub async fn query_options(
        &self,
        user: &str,
        on: impl Into<Surface>,
        what: &str,
        query: &str,
    ) -> Result<Vec<String>, CannotAct> {
        let (user, origin, element) = {
            let state = self.state();
            let user = state.person_id(user)?;
            let (origin, element) = state.look(&user, &on.into(), what)?;
            (user, origin, element)
        };
        self.ask_for_options(&user, &origin, &element, query).await;
        let state = self.state();
        let offered = state.offered.get(&(user, element.action_id)).map(Vec::as_slice).unwrap_or_default();
        Ok(offered.iter().map(|option| json::text(option, "/text/text").to_owned()).collect())
    }

    /// The options the app last offered `user` in a menu it fills while one types, as it gave them.
    pub fn offered(&self, user: &str, action_id: &str) -> Vec<Value> {
        let state = self.state();
        let Ok(user) = state.person_id(user) else { return Vec::new() };
        state.offered.get(&(user, action_id.to_owned())).cloned().unwrap_or_default()
    }

    async fn ask_for_options(&self, user: &str, origin: &Origin, element: &Element, query: &str) {
        let payload = self.state().block_suggestion(user, origin, element, query);
        let cause = Cause::Options { user: user.to_owned(), action_id: element.action_id.clone() };
        self.deliver(Envelope::Interactive, payload, Some(cause)).await;
    }

    /// `user` runs a global shortcut of the app.
    ///
    /// # Errors
    /// When there is no such person, or they are of another company.
    pub async fn shortcut(&self, user: &str, callback_id: &str) -> Result<Delivered, CannotAct> {
        let payload = {
            let mut state = self.state();
            let user = state.person_id(user)?;
            state.may_use_shortcuts(&user, callback_id)?;
            state.shortcut(&user, callback_id)
        };
        Ok(self.deliver(Envelope::Interactive, payload, None).await)
    }

    /// `user` runs a message shortcut of the app on a message.
    ///
    /// # Errors
    /// When there is no such person or message.
    pub async fn message_shortcut(
        &self,
        user: &str,
        message: &MessageRef,
        callback_id: &str,
    ) -> Result<Delivered, CannotAct> {
        let payload = {
            let mut state = self.state();
            let user = state.person_id(user)?;
            state.may_use_shortcuts(&user, callback_id)?;
            if state.message(&message.channel, &message.ts).is_none() {
                return Err(state.nothing_called(&user, &message.ts, &[]));
            }
            state.message_action(&user, &message.channel, &message.ts, callback_id)
        };
        Ok(self.deliver(Envelope::Interactive, payload, None).await)
    }
}

impl State {
    pub(super) fn person_id(&self, who: &str) -> Result<String, CannotAct> {
        let person = self.find_person(who).ok_or_else(|| CannotAct::NoSuchPerson(who.to_owned()))?;
        Ok(person.id.clone())
    }

    /// Commands and shortcuts are for members of the workspace, buttons for everybody in the channel (slack.md section 0).
    fn is_foreign(&self, user: &str) -> bool {
        matches!(self.people.get(user).map(|person| &person.kind), Some(Kind::Outsider { .. } | Kind::Bot))
    }

    fn may_use_shortcuts(&self, user: &str, callback_id: &str) -> Result<(), CannotAct> {
        if self.is_foreign(user) { Err(CannotAct::NoSuchCommand(callback_id.to_owned())) } else { Ok(()) }
    }

    /// A channel `user` is in; `@nightlatch` (the bot's name or id) means their direct messages with the app.
    pub(super) fn channel_of(&mut self, user: &str, channel: &str) -> Result<String, CannotAct> {
        if channel == self.app.bot_user || channel == "@nightlatch" {
            return Ok(self.direct(user));
        }
        let found = self.find_channel(channel).filter(|found| found.members.contains(user));
        let missing = || CannotAct::NoSuchChannel { who: self.name_of(user), channel: channel.to_owned() };
        found.map(|found| found.id.clone()).ok_or_else(missing)
    }

    pub(super) fn name_of(&self, user: &str) -> String {
        match self.people.get(user) {
            Some(person) => person.name.clone(),
            None if user == "USLACKBOT" => "Slackbot".to_owned(),
            None => user.to_owned(),
        }
    }

    pub(super) fn nothing_called(&self, user: &str, what: &str, there: &[Element]) -> CannotAct {
        let there: Vec<_> = there.iter().map(|element| format!("[{}]", element.label())).collect();
        let there = if there.is_empty() { "nothing".to_owned() } else { there.join(" ") };
        CannotAct::NothingCalled { who: self.name_of(user), what: what.to_owned(), there }
    }

    /// Finds the element `user` means by `what`.
    fn look(&self, user: &str, on: &Surface, what: &str) -> Result<(Origin, Element), CannotAct> {
        let view = match on {
            Surface::Channel(channel) => return self.look_in_channel(user, channel, what),
            Surface::Message(place) => {
                let message = self.message(&place.channel, &place.ts).filter(|message| message.is_seen_by(user));
                let blocks = message.map(|message| message.blocks.as_slice()).unwrap_or_default();
                let element = pick::find(blocks, what);
                let element = element.ok_or_else(|| self.nothing_called(user, what, &pick::elements(blocks)))?;
                return Ok((Origin::Message { channel: place.channel.clone(), ts: place.ts.clone() }, element));
            }
            Surface::Modal => self.front(user),
            Surface::Home => self.homes.get(user),
        };
        let view = view.ok_or_else(|| CannotAct::NoView(self.name_of(user)))?;
        let element = pick::find(view.blocks(), what);
        let element = element.ok_or_else(|| self.nothing_called(user, what, &pick::elements(view.blocks())))?;
        Ok((Origin::View { id: view.id.clone() }, element))
    }

    fn look_in_channel(&self, user: &str, channel: &str, what: &str) -> Result<(Origin, Element), CannotAct> {
        let is_direct = channel == self.app.bot_user || channel == "@nightlatch";
        let direct = format!("D{}", user.get(1..).unwrap_or_default());
        let found = if is_direct { self.channels.get(&direct) } else { self.find_channel(channel) };
        let missing = || CannotAct::NoSuchChannel { who: self.name_of(user), channel: channel.to_owned() };
        let found = found.filter(|found| found.members.contains(user)).ok_or_else(missing)?;
        let seen = || found.messages.iter().rev().filter(|message| message.is_seen_by(user));
        for message in seen() {
            if let Some(element) = pick::find(&message.blocks, what) {
                return Ok((Origin::Message { channel: found.id.clone(), ts: message.ts.clone() }, element));
            }
        }
        let there: Vec<_> = seen().flat_map(|message| pick::elements(&message.blocks)).collect();
        Err(self.nothing_called(user, what, &there))
    }
}

/// The app setting "escape channels, users and links" (slack.md section 2).
fn escape_command(state: &State, text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let words = escaped.split(' ').map(|word| escape_word(state, word));
    words.collect::<Vec<_>>().join(" ")
}

fn escape_word(state: &State, word: &str) -> String {
    if let Some(name) = word.strip_prefix('@').filter(|name| !name.is_empty()) {
        if let Some(person) = state.find_person(name) {
            return format!("<@{}|{}>", person.id, person.name);
        }
        if let Some(group) = state.groups.values().find(|group| group.handle == name) {
            return format!("<!subteam^{}|@{}>", group.id, group.handle);
        }
    }
    if let Some(channel) = word.strip_prefix('#').and_then(|name| state.find_channel(name)) {
        let name = if channel.kind == ChannelKind::Public { channel.name.as_str() } else { "" };
        return format!("<#{}|{name}>", channel.id);
    }
    if word.starts_with("https://") || word.starts_with("http://") {
        return format!("<{word}>");
    }
    word.to_owned()
}
