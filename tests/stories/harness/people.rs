//! People: they type commands, press buttons by the words on them, fill in modals and read what they see.

use nightlatch::playground::slack::{Delivered, SlackWorld, Surface};

use super::BotHandle;

/// The bot's direct messages.
pub const DM: &str = "@nightlatch";

/// Somebody in the workspace.
#[derive(Clone)]
pub struct Human {
    name: String,
    slack: SlackWorld,
    bot: BotHandle,
}

impl Human {
    pub fn new(name: &str, slack: SlackWorld, bot: BotHandle) -> Self {
        Self { name: name.to_owned(), slack, bot }
    }

    /// Types a slash command in #general and waits until everything that follows has happened.
    pub async fn command(&self, line: &str) -> Delivered {
        self.command_in("#general", line).await
    }

    /// The same elsewhere.
    pub async fn command_in(&self, channel: &str, line: &str) -> Delivered {
        let delivered = self.slack.command(&self.name, channel, line).await.unwrap_or_else(|why| panic!("{why}"));
        assert!(delivered.acked, "`{line}` was not acknowledged in time: {delivered:?}");
        self.bot.settle().await;
        delivered
    }

    /// Presses the newest button with these words: in the modal, in #access, or in direct messages, wherever it is.
    pub async fn press(&self, words: &str) -> Delivered {
        let places: [Surface; 4] =
            [Surface::Modal, Surface::from("#access"), Surface::from(DM), Surface::from("#general")];
        for place in places {
            if let Ok(delivered) = self.slack.press(&self.name, place, words).await {
                assert!(delivered.acked, "[{words}] was not acknowledged in time: {delivered:?}");
                self.bot.settle().await;
                return delivered;
            }
        }
        panic!(
            "{} sees no [{words}]; #access:\n{}\n\ndirect messages:\n{}\n\nput off:\n{}",
            self.name,
            self.sees("#access"),
            self.sees(DM),
            self.bot.put_off().await
        );
    }

    /// Presses it in one place.
    pub async fn press_in(&self, place: &str, words: &str) -> Delivered {
        let pressed = self.slack.press(&self.name, place, words).await;
        let delivered = pressed.unwrap_or_else(|why| panic!("{why}"));
        assert!(delivered.acked, "[{words}] was not acknowledged in time: {delivered:?}");
        self.bot.settle().await;
        delivered
    }

    /// Fills in a field of the modal in front.
    pub async fn fill(&self, field: &str, value: &str) {
        self.slack.fill(&self.name, field, value).await.unwrap_or_else(|why| panic!("{why}"));
        self.bot.settle().await;
    }

    /// Picks from a menu of the modal in front.
    pub async fn pick(&self, field: &str, choice: &str) {
        self.slack.select(&self.name, "modal", field, choice).await.unwrap_or_else(|why| panic!("{why}"));
        self.bot.settle().await;
    }

    /// Sends the modal off.
    pub async fn submit(&self) -> Delivered {
        let delivered = self.slack.submit_modal(&self.name).await.unwrap_or_else(|why| panic!("{why}"));
        assert!(delivered.acked, "the modal was not acknowledged in time: {delivered:?}");
        self.bot.settle().await;
        delivered
    }

    /// Opens the bot's Home tab and returns it as text.
    pub async fn home(&self) -> String {
        self.slack.open_home(&self.name).await.unwrap_or_else(|why| panic!("{why}"));
        self.bot.settle().await;
        self.slack.home(&self.name).unwrap_or_default()
    }

    /// The modal in front, as text.
    pub fn modal(&self) -> String {
        self.slack.modal(&self.name).unwrap_or_else(|| "(no modal)".to_owned())
    }

    /// A whole channel as this person sees it.
    pub fn sees(&self, channel: &str) -> String {
        self.slack.screen(&self.name, channel)
    }

    /// The same where several things are said in one moment: messages of a channel, and of a thread, in the order of what they say.
    pub fn sees_in_no_order(&self, channel: &str) -> String {
        in_no_order(&self.sees(channel), "")
    }

    /// What is new in the direct messages with the bot; and then it is read.
    pub fn reads(&self) -> String {
        self.slack.read(&self.name, DM)
    }

    /// What is new in a channel; and then it is read.
    pub fn reads_in(&self, channel: &str) -> String {
        self.slack.read(&self.name, channel)
    }
}

/// What stands above the first message stays there; each message keeps what belongs to it.
fn in_no_order(seen: &str, indent: &str) -> String {
    let begins = format!("{indent}nightlatch:");
    let (mut head, mut messages): (String, Vec<String>) = (String::new(), Vec::new());
    for line in seen.lines() {
        match messages.last_mut() {
            _ if line.starts_with(&begins) => messages.push(line.to_owned()),
            Some(message) => *message += &format!("\n{line}"),
            None => head += &format!("{line}\n"),
        }
    }
    if indent.is_empty() {
        messages = messages.iter().map(|message| thread_in_no_order(message)).collect();
    }
    messages.sort();
    head + &messages.join("\n")
}

/// A message with its thread, which is indented by four.
fn thread_in_no_order(message: &str) -> String {
    let Some(at) = message.find("\n    nightlatch:") else { return message.to_owned() };
    let (own, thread) = message.split_at(at);
    format!("{own}\n{}", in_no_order(thread.trim_start_matches('\n'), "    "))
}
