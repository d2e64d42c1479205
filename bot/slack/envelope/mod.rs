//! What came in from Slack, through either door, in one shape. Nothing in it is trusted but who Slack says acted.
//!
//! Own, lenient readers, not slack-morphism's models: those drop payloads with `team: null`, selected people and dates,
//! and the one field that marks a Slack Connect modal (`apis/slack.md` section 21.4).

mod read;
mod state;
#[cfg(test)]
mod tests;
mod text;

use secrecy::SecretString;
use serde_json::Value;

pub use self::read::{from_command, from_event, from_interaction, unknown};
pub use self::state::FormState;
pub use self::text::{CommandText, plain, typed};
use crate::outside::slack::OwnTeam;

/// One thing a person (or Slack) did.
#[derive(Clone)]
pub struct Delivery {
    /// The same for every repetition of the same thing, different for any two things; safe to store and log.
    pub key: String,
    /// Who did it, as Slack signed it.
    pub actor: Actor,
    /// What they did.
    pub what: What,
    /// The app it is meant for, `A...`, where the payload says so.
    pub app_id: Option<String>,
    /// Which repetition this is, when Slack says so (events only): 1 and up.
    pub retry: Option<u32>,
}

/// Who acted. Only `user_id` is certain: the rest may name another company and serves to refuse early.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actor {
    /// `U...` or `W...`; empty for what no person did (some events, checks by Slack).
    pub user_id: String,
    /// The workspace the payload gives for the person; may be `E...`, may be missing.
    pub team_id: Option<String>,
    /// The org the payload names; may be another company's.
    pub enterprise_id: Option<String>,
}

/// The kinds of things that come in.
#[derive(Clone)]
pub enum What {
    /// `/access prod-db 2h ...`
    Command(SlashCommand),
    /// A button, select or other element outside of a submission.
    Actions(BlockActions),
    /// A modal sent off.
    Submission(ViewSubmission),
    /// A modal closed without sending (`notify_on_close`).
    Closed(ViewClosed),
    /// Somebody types into an external select.
    Options(BlockSuggestion),
    /// A global shortcut.
    Shortcut(Shortcut),
    /// A shortcut on a message.
    MessageShortcut(MessageShortcut),
    /// Something happened in the workspace.
    Event(EventCallback),
    /// Slack tests our certificate.
    SslCheck,
    /// Slack asks whether this address is ours: the answer is the challenge.
    UrlVerification {
        /// To be sent back.
        challenge: String,
    },
    /// Something we do not know: acknowledged, logged once per kind.
    Unknown {
        /// Slack's name for it, or what was missing.
        kind: String,
    },
}

/// A slash command.
#[derive(Clone)]
pub struct SlashCommand {
    /// With the slash.
    pub command: String,
    /// What was typed, made plain; `text.mentions` holds the people named in it.
    pub text: CommandText,
    /// Where it was typed.
    pub channel_id: String,
    /// For display only; `directmessage` in direct messages, `privategroup` in private channels.
    pub channel_name: String,
    /// The workspace it was typed in.
    pub team_id: Option<String>,
    /// Five answers within thirty minutes.
    pub response_url: Option<SecretString>,
    /// Opens one modal within three seconds.
    pub trigger_id: Option<SecretString>,
}

/// One element used. Slack sends one at a time; of a list the first counts.
#[derive(Clone)]
pub struct BlockActions {
    /// Which element.
    pub action_id: String,
    /// In which block.
    pub block_id: String,
    /// `button`, `static_select`, `overflow`, ...
    pub kind: String,
    /// A button's `value`, or what was selected or typed; `None` when a selection was taken back.
    pub value: Option<String>,
    /// Everything selected, for elements that take several.
    pub selected: Vec<String>,
    /// What stands in every field of the message or view.
    pub state: FormState,
    /// Where the message is; `None` in modals and the home tab.
    pub message: Option<MessageAt>,
    /// The message is one only this person sees: only `response_url` can change it.
    pub is_ephemeral: bool,
    /// The modal or home tab it was used in.
    pub view: Option<ViewAt>,
    /// Five answers within thirty minutes; messages only.
    pub response_url: Option<SecretString>,
    /// Opens one modal within three seconds.
    pub trigger_id: Option<SecretString>,
}

/// A message a click or shortcut came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageAt {
    /// Its channel.
    pub channel_id: String,
    /// Its id in the channel.
    pub ts: String,
    /// The thread it is in.
    pub thread_ts: Option<String>,
}

/// A modal or home tab, as it was when the person acted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewAt {
    /// `V...`
    pub view_id: String,
    /// To notice that it was redrawn meanwhile.
    pub hash: Option<String>,
    /// Our name for the form.
    pub callback_id: String,
    /// Ours, came back through the person's hands: an id to look up, never a fact.
    pub private_metadata: String,
    /// The workspace our app is installed in. In a modal sent by somebody of another company every other team field
    /// names theirs (`apis/slack.md` section 0.2).
    pub app_installed_team_id: Option<String>,
}

/// A modal sent off.
#[derive(Clone)]
pub struct ViewSubmission {
    /// The modal.
    pub view: ViewAt,
    /// What was filled in.
    pub state: FormState,
    /// The blocks an error can be shown at, in the form's order.
    pub input_block_ids: Vec<String>,
    /// Opens one modal within three seconds.
    pub trigger_id: Option<SecretString>,
}

/// A modal closed without sending.
#[derive(Clone)]
pub struct ViewClosed {
    /// The modal.
    pub view: ViewAt,
    /// The whole stack was closed.
    pub is_cleared: bool,
}

/// Somebody types into an external select and wants options.
#[derive(Clone)]
pub struct BlockSuggestion {
    /// Which element.
    pub action_id: String,
    /// In which block.
    pub block_id: String,
    /// What was typed so far; may be empty.
    pub value: String,
    /// What stands in the other fields.
    pub state: FormState,
    /// The modal it is in, if it is in one.
    pub view: Option<ViewAt>,
}

/// A global shortcut: no channel, no `response_url`.
#[derive(Clone)]
pub struct Shortcut {
    /// Our name for it.
    pub callback_id: String,
    /// Opens one modal within three seconds.
    pub trigger_id: Option<SecretString>,
}

/// A shortcut used on a message.
#[derive(Clone)]
pub struct MessageShortcut {
    /// Our name for it.
    pub callback_id: String,
    /// The message.
    pub message: MessageAt,
    /// The message itself (`text`, `blocks`, `files`, ...), as Slack describes it; written by anybody.
    pub body: Value,
    /// Five answers within thirty minutes.
    pub response_url: Option<SecretString>,
    /// Opens one modal within three seconds.
    pub trigger_id: Option<SecretString>,
}

/// Something that happened in the workspace.
#[derive(Clone)]
pub struct EventCallback {
    /// `app_home_opened`, `user_change`, ...
    pub kind: String,
    /// The event itself, as Slack describes it.
    pub event: Value,
    /// `Ev...`
    pub event_id: String,
    /// The workspace that received it; says nothing certain about the author.
    pub team_id: Option<String>,
}

impl What {
    /// A name for logs and metrics.
    pub fn name(&self) -> &str {
        match self {
            Self::Command(_) => "command",
            Self::Actions(_) => "block_actions",
            Self::Submission(_) => "view_submission",
            Self::Closed(_) => "view_closed",
            Self::Options(_) => "block_suggestion",
            Self::Shortcut(_) => "shortcut",
            Self::MessageShortcut(_) => "message_action",
            Self::Event(event) => &event.kind,
            Self::SslCheck => "ssl_check",
            Self::UrlVerification { .. } => "url_verification",
            Self::Unknown { .. } => "unknown",
        }
    }

    /// Where a late or private answer can be sent, if anywhere.
    pub fn response_url(&self) -> Option<&SecretString> {
        match self {
            Self::Command(command) => command.response_url.as_ref(),
            Self::Actions(actions) => actions.response_url.as_ref(),
            Self::MessageShortcut(shortcut) => shortcut.response_url.as_ref(),
            _ => None,
        }
    }

    fn view(&self) -> Option<&ViewAt> {
        match self {
            Self::Actions(actions) => actions.view.as_ref(),
            Self::Submission(submission) => Some(&submission.view),
            Self::Closed(closed) => Some(&closed.view),
            Self::Options(suggestion) => suggestion.view.as_ref(),
            _ => None,
        }
    }
}

impl Delivery {
    /// Certainly not one of us, seen from the payload alone: refuse without asking Slack. False proves nothing: before
    /// anything counts the person's record is read (`SlackUser::standing`).
    ///
    /// Compared with what `auth.test` said of us, never payload with payload: a modal of another company names that
    /// company in every field but one.
    pub fn is_from_elsewhere(&self, own: &OwnTeam) -> bool {
        let is_ours = |id: &str| id == own.team_id || own.enterprise_id.as_deref() == Some(id);
        // Inside an org a workspace we do not know may still be ours, and a workspace may have joined an org since we
        // asked; only Slack's record of the person tells.
        let doubtful = if own.enterprise_id.is_some() { 'T' } else { 'E' };
        let may_be_sister = |id: &str| id.starts_with(doubtful);
        let is_foreign = |id: &Option<String>| id.as_deref().is_some_and(|id| !is_ours(id) && !may_be_sister(id));
        if self.what.view().is_some_and(|view| is_foreign(&view.app_installed_team_id)) {
            return true;
        }
        let is_foreign_org = match (&self.actor.enterprise_id, &own.enterprise_id) {
            (Some(theirs), Some(ours)) => theirs != ours,
            _ => false,
        };
        is_foreign_org || is_foreign(&self.actor.team_id)
    }

    /// An event that our own bot caused; answering it would talk to ourselves.
    pub fn is_own_echo(&self, own: &OwnTeam) -> bool {
        let What::Event(event) = &self.what else { return false };
        let bot_id = event.event.get("bot_id").and_then(Value::as_str);
        self.actor.user_id == own.bot_user_id || (bot_id.is_some() && bot_id == own.bot_id.as_deref())
    }
}

/// Kind and person only: what people type does not belong into logs.
impl std::fmt::Debug for Delivery {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = formatter.debug_struct("Delivery");
        debug.field("what", &self.what.name()).field("actor", &self.actor.user_id).finish_non_exhaustive()
    }
}
