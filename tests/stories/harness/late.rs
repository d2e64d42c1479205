//! Presses that Slack delivers later than they were made, or that somebody changed on the way.

use nightlatch::playground::slack::{Delivered, Envelope, SlackWorld};
use serde_json::{Value, json};

use super::{BotHandle, Stage};

/// A press on what somebody saw then; it has not arrived yet.
pub struct OldPress {
    slack: SlackWorld,
    bot: BotHandle,
    payload: Value,
}

impl Stage {
    /// `who` presses the newest button with these words in #access, and Slack keeps the press for a while.
    pub async fn old_press(&self, who: &str, words: &str) -> OldPress {
        self.old_press_on(who, words, "").await
    }

    /// The same on the newest message with `about` in it.
    pub async fn old_press_on(&self, who: &str, words: &str, about: &str) -> OldPress {
        self.old_press_where(who, (words, about), |channel| channel["name"] == "#access")
    }

    /// The same on the newest message that is not in #access.
    pub async fn old_press_elsewhere(&self, who: &str, words: &str) -> OldPress {
        self.old_press_where(who, (words, ""), |channel| {
            channel["name"] != "#access" && channel["id"].as_str().is_some_and(|id| id.starts_with('D'))
        })
    }

    fn old_press_where(&self, who: &str, (words, about): (&str, &str), is_it: impl Fn(&Value) -> bool) -> OldPress {
        let view = self.slack.view_for(who);
        let channels = view["channels"].as_array().cloned().unwrap_or_default();
        let access = channels.into_iter().find(is_it).expect("the channel");
        let messages = access["messages"].as_array().cloned().unwrap_or_default();
        let mut found = None;
        for message in messages.into_iter().filter(|message| message.to_string().contains(about)) {
            for block in message["blocks"].as_array().into_iter().flatten() {
                for element in block["elements"].as_array().into_iter().flatten() {
                    if element["text"]["text"] == words {
                        found = Some((message["ts"].clone(), block["block_id"].clone(), element.clone()));
                    }
                }
            }
        }
        let (ts, block_id, button) = found.unwrap_or_else(|| panic!("{who} sees no [{words}] there"));
        let count = self.slack.deliveries().len();
        let payload = json!({
            "type": "block_actions",
            "user": { "id": view["user"], "username": who, "name": who, "team_id": view["team"]["id"] },
            "api_app_id": view["app"]["id"],
            "container": { "type": "message", "message_ts": ts, "channel_id": access["id"], "is_ephemeral": false },
            "trigger_id": format!("1.2.{who}{count}"),
            "team": { "id": view["team"]["id"], "domain": "acme" },
            "enterprise": null,
            "is_enterprise_install": false,
            "channel": { "id": access["id"], "name": access["name"].as_str().unwrap_or_default().trim_start_matches('#') },
            "message": { "type": "message", "ts": ts, "user": view["app"]["bot_user"] },
            "state": { "values": {} },
            "actions": [{
                "type": "button", "action_id": button["action_id"], "block_id": block_id, "value": button["value"],
                "text": button["text"], "action_ts": format!("1772366400.{count:06}"),
            }],
        });
        OldPress { slack: self.slack.clone(), bot: self.bot.clone(), payload }
    }
}

impl OldPress {
    /// With another value on the button.
    #[must_use]
    pub fn with_value(mut self, value: &str) -> Self {
        self.payload["actions"][0]["value"] = value.into();
        self
    }

    /// Changed in any way.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Value)) -> Self {
        change(&mut self.payload);
        self
    }

    /// Now it arrives.
    pub async fn arrives(&self) -> Delivered {
        let delivered = self.is_delivered().await;
        self.bot.settle().await;
        delivered
    }

    /// It arrives and is acknowledged; what follows from it is not waited for.
    pub async fn is_delivered(&self) -> Delivered {
        let delivered = self.slack.deliver_raw(Envelope::Interactive, self.payload.clone()).await;
        assert!(delivered.acked, "{delivered:?}");
        delivered
    }

    /// The same press made again, as another one.
    pub async fn arrives_again(&self) -> Delivered {
        let mut again = Self { payload: self.payload.clone(), slack: self.slack.clone(), bot: self.bot.clone() };
        again.payload["trigger_id"] = format!("{}again", self.payload["trigger_id"]).into();
        again.arrives().await
    }
}
