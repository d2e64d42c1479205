//! What people do that reaches the app as an event: opening Home, writing messages.

use serde_json::json;

use super::SlackWorld;
use super::act::CannotAct;
use super::doors::{Delivered, Envelope};
use super::people::ChannelKind;
use super::state::{Message, MessageRef};

impl SlackWorld {
    /// `user` opens the app's Home tab. `None` when the app is not subscribed to `app_home_opened`.
    ///
    /// # Errors
    /// When there is no such person.
    pub async fn open_home(&self, user: &str) -> Result<Option<Delivered>, CannotAct> {
        let event = self.change(|state| {
            let user = state.person_id(user)?;
            let channel = state.direct(&user);
            let mut event = json!({
                "type": "app_home_opened", "user": user, "channel": channel, "tab": "home", "event_ts": state.next_ts(),
            });
            let view = state.homes.get(&user).map(|view| view.json(state));
            if let (Some(view), Some(map)) = (view, event.as_object_mut()) {
                map.insert("view".to_owned(), view);
            }
            Ok(event)
        })?;
        Ok(self.emit("app_home_opened", event).await)
    }

    /// `user` writes a message, in a thread when `thread_ts` is given. The app hears of it in direct messages
    /// (`message.im`) and when it is mentioned (`app_mention`).
    ///
    /// # Errors
    /// When there is no such person, or they are not in the channel.
    pub async fn say(
        &self,
        user: &str,
        channel: &str,
        text: &str,
        thread_ts: Option<&str>,
    ) -> Result<(MessageRef, Option<Delivered>), CannotAct> {
        let (place, name, event) = self.change(|state| {
            let user = state.person_id(user)?;
            let channel = state.channel_of(&user, channel)?;
            let message = Message { thread_ts: thread_ts.map(str::to_owned), ..Message::by(&user, text.to_owned()) };
            let ts = state.post(&channel, message);
            let is_direct = state.channels.get(&channel).is_some_and(|channel| channel.kind == ChannelKind::Direct);
            let mentions = text.contains(&format!("<@{}", state.app.bot_user));
            let name = match (is_direct, mentions) {
                (true, _) => "message.im",
                (false, true) => "app_mention",
                (false, false) => "",
            };
            let team = state.people.get(&user).map(|person| state.team_of(person));
            let mut event = json!({
                "type": if is_direct { "message" } else { "app_mention" }, "channel": channel, "user": user,
                "text": text, "ts": ts, "event_ts": ts, "team": team,
                "client_msg_id": format!("c0ffee00-0000-4000-8000-{:012}", state.next()),
            });
            if let Some(map) = event.as_object_mut() {
                if is_direct {
                    map.insert("channel_type".to_owned(), json!("im"));
                }
                if let Some(thread) = thread_ts {
                    map.insert("thread_ts".to_owned(), json!(thread));
                }
            }
            Ok((MessageRef { channel, ts }, name, event))
        })?;
        let delivered = self.emit(name, event).await;
        Ok((place, delivered))
    }

    /// Delivers an event if the app is subscribed to it.
    pub(super) async fn emit(&self, name: &str, event: serde_json::Value) -> Option<Delivered> {
        let payload = {
            let mut state = self.state();
            if !state.app.events.contains(name) {
                return None;
            }
            state.event(event)
        };
        Some(self.deliver(Envelope::EventsApi, payload, None).await)
    }
}
