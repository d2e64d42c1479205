//! What must be done after an event. Effects are imperative; they are saved before they are performed.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::event::{Actor, Failure, Purpose};
use crate::holding::Holding;
use crate::id::Key;
use crate::link::LinkChange;
use crate::operator::By;
use crate::origin::Start;
use crate::paste::{Deletion, Posting};
use crate::refusal::Refusal;
use crate::request::{Message, Place, Request};
use crate::typed::{NotAsked, Typed};

/// The answer of the rules: the request as it now is, what to do, and what to write into the ledger of holders.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// The new state.
    pub request: Request,
    /// To be performed by the worker, in order.
    pub effects: Vec<Due>,
    /// Written in the same transaction.
    pub ledger: Vec<Ledger>,
}

/// An effect and when it is due (milliseconds since the Unix epoch).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Due {
    /// When; now or later.
    pub at: i64,
    /// What.
    pub effect: Effect,
}

/// What the worker does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Effect {
    /// Find out which people can decide in a stage, so that they can be asked.
    FindApprovers {
        /// Its place in the workflow's list.
        stage: usize,
    },
    /// Find out which people are asked too in a stage that takes too long.
    FindTier {
        /// Which stage: its place in the workflow's list.
        stage: usize,
        /// Which of its tiers: its place in the list.
        tier: usize,
    },
    /// Find out which people can review broken glass, so that they can be asked.
    FindReviewers,
    /// Read afresh who somebody is.
    Identify {
        /// Slack id.
        slack_id: String,
        /// What for.
        purpose: Purpose,
    },
    /// Make the outside agree with everybody who holds this key, and tell everybody who came or went since. Belongs to the
    /// key and not to a request: one row a key, however many wait for it.
    Settle {
        /// Which.
        key: Key,
    },
    /// Compare what is outside with what is held by this key: somebody else may have changed it. One row a key that is held.
    Look {
        /// Which.
        key: Key,
    },
    /// Bring the card at this place up to what is stored when it is performed.
    Show {
        /// Where.
        place: Place,
    },
    /// Say something.
    Tell {
        /// To whom.
        to: Recipient,
        /// What.
        notice: Notice,
    },
    /// Make a message that was said earlier say what is so when it is performed.
    Rewrite {
        /// Which.
        message: Message,
        /// Who reads it.
        to: Recipient,
        /// What it says.
        notice: Notice,
    },
    /// Report that a time has come.
    Wake {
        /// Which.
        wake: Wake,
    },
    /// Say what somebody asked us to say, word for word as it was made when they asked. Of no request.
    Say {
        /// `C...`, `G...`, `D...`; `U...` for direct messages.
        channel: String,
        /// The `ts` of the message whose thread it belongs to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        thread: Option<String>,
        /// Slack id of whoever wanted it said: told privately if Slack does not take it.
        by: String,
        /// What notifications and screen readers say.
        text: String,
        /// Block Kit, at most 50 blocks.
        blocks: Value,
    },
    /// Look up what somebody typed needs, and make a request of it or say why not. The row's request is the one it may become.
    Complete {
        /// What was typed.
        typed: Typed,
    },
    /// Tell whoever typed what became of it.
    Answer {
        /// What was typed.
        typed: Typed,
        /// Why it became no request; nothing if it did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        not_asked: Option<NotAsked>,
    },
    /// A workflow's time has come: ask for it as whoever it is to run as, and put down its next time.
    StartWorkflow {
        /// Which, and what time that is.
        start: Box<Start>,
    },
    /// Remove a paste, or a draft of one, whose time is up. Of no request.
    ExpirePaste {
        /// Its id.
        id: String,
    },
    /// Have a golink make or change a link.
    SaveLink {
        /// What it was and what it shall be.
        change: Box<LinkChange>,
        /// Who wants it.
        by: Actor,
    },
    /// Post a text to a tclip, or find out whether it was.
    PostPaste {
        /// What.
        posting: Box<Posting>,
    },
    /// Delete a paste at a tclip.
    DeletePaste {
        /// Which.
        deletion: Box<Deletion>,
    },
}

impl Effect {
    /// Whether it can only be performed with the request it is about, or with the id of one.
    pub fn is_of_a_request(&self) -> bool {
        match self {
            Self::FindApprovers { .. }
            | Self::FindTier { .. }
            | Self::FindReviewers
            | Self::Identify { .. }
            | Self::Show { .. }
            | Self::Tell { .. }
            | Self::Rewrite { .. }
            | Self::Wake { .. }
            | Self::Complete { .. }
            | Self::Answer { .. } => true,
            Self::Settle { .. }
            | Self::Look { .. }
            | Self::Say { .. }
            | Self::StartWorkflow { .. }
            | Self::ExpirePaste { .. }
            | Self::SaveLink { .. }
            | Self::PostPaste { .. }
            | Self::DeletePaste { .. } => false,
        }
    }

    /// A short name for logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::FindApprovers { .. } => "find_approvers",
            Self::FindTier { .. } => "find_tier",
            Self::FindReviewers => "find_reviewers",
            Self::Identify { .. } => "identify",
            Self::Settle { .. } => "settle",
            Self::Look { .. } => "look",
            Self::Show { .. } => "show",
            Self::Tell { .. } => "tell",
            Self::Rewrite { .. } => "rewrite",
            Self::Wake { .. } => "wake",
            Self::Say { .. } => "say",
            Self::Complete { .. } => "complete",
            Self::Answer { .. } => "answer",
            Self::StartWorkflow { .. } => "start_workflow",
            Self::ExpirePaste { .. } => "expire_paste",
            Self::SaveLink { .. } => "save_link",
            Self::PostPaste { .. } => "post_paste",
            Self::DeletePaste { .. } => "delete_paste",
        }
    }
}

/// Times a request waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wake {
    /// Nobody answered.
    Lapse,
    /// The end is near.
    Warn,
    /// The time is up.
    Expire,
    /// It is still stuck.
    Alarm,
    /// A review is still open.
    Review,
    /// Those who were asked have not answered.
    Remind,
    /// Others are to be asked too.
    Escalate,
}

/// Who is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "to", rename_all = "snake_case")]
pub enum Recipient {
    /// A person, in their direct messages with the bot.
    Person {
        /// Slack id.
        slack_id: String,
    },
    /// A person, where they pressed, so that only they see it.
    Private {
        /// Slack id.
        slack_id: String,
        /// Where they pressed; their direct messages if unknown.
        channel: Option<String>,
    },
    /// The thread under the card, if the card is in a channel.
    Thread,
    /// The channel itself: alarms.
    Channel,
}

/// The things the bot says beside the card. The words are in `templates/`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "notice", rename_all = "snake_case")]
pub enum Notice {
    /// Somebody decided.
    Decided {
        /// Who.
        by: By,
        /// Yes or no.
        approved: bool,
        /// Given with a no.
        reason: String,
        /// On an extension.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        extends: bool,
    },
    /// Somebody asked for it for you.
    AskedFor,
    /// The next stage of approval is open.
    StageOpened,
    /// You were asked, and have not answered.
    Reminded,
    /// Others are asked too.
    Escalated,
    /// An approver gave their turn to somebody else who may decide.
    PassedOn {
        /// Who, by Slack id.
        from: String,
        /// To whom, by Slack id.
        to: String,
    },
    /// Nobody had to decide.
    PassedByItself,
    /// Somebody has it at once and without approval.
    GlassBroken,
    /// A review of broken glass is open.
    ReviewOpened,
    /// It was not closed in time.
    ReviewLate,
    /// It is closed.
    Reviewed,
    /// It is on, confirmed by the outside.
    Active,
    /// Its end was put off: everything was read back with the later one.
    Extended,
    /// People are to decide whether its end is put off.
    ExtensionAsked,
    /// Its end was to be put off, and that does not work, so far or at all.
    NotExtended {
        /// Why.
        why: Failure,
        /// It is being tried again.
        again: bool,
    },
    /// Somebody else changed what is held.
    Drifted,
    /// Somebody has it made again what was lent.
    PutBack {
        /// Who.
        by: By,
    },
    /// It ends soon.
    EndsSoon,
    /// It has ended, and this is what was read back.
    Ended,
    /// Nobody answered in time.
    Lapsed,
    /// Granting failed; what was begun is being, or was, taken back.
    Failed,
    /// Taking back failed and goes on.
    Stuck,
    /// It is over, and still on by somebody else's doing.
    LeftOn,
    /// Taking back worked after all.
    Unstuck,
    /// In place of a copy of the card: the card is another message.
    Moved,
    /// You may not.
    Refused {
        /// Why.
        why: Refusal,
    },
    /// It could not be checked who you are, so nothing was counted.
    NotIdentified {
        /// Why.
        why: Failure,
    },
}

/// Changes of the ledger of holders, saved with the state.
#[derive(Clone, Debug, PartialEq)]
pub enum Ledger {
    /// This request holds the key until a time. Saved before the first byte leaves.
    Hold {
        /// What.
        key: Key,
        /// As whom, with which settings, until when.
        holding: Holding,
    },
    /// It was read back as on for this request.
    Confirm {
        /// What.
        key: Key,
        /// Until when, milliseconds since the Unix epoch; none: without an end.
        until: Option<i64>,
    },
    /// This request lets go: it no longer holds the key, and waits until that was settled.
    Release {
        /// What.
        key: Key,
    },
    /// What the key was before the first touch.
    Remember {
        /// What.
        key: Key,
        /// As the step type wrote it down.
        before: Value,
        /// In place of what was remembered: the step type knows more now.
        again: bool,
    },
    /// That it let go was settled and read back: the ledger no longer knows this request. What was there before is forgotten
    /// with the last one, and only by a reading that says off.
    Leave {
        /// What.
        key: Key,
    },
}
