//! The names of all variants of all types that are stored, one type a table: a new variant does not compile before it is named
//! here, and does not pass before there is an example of it.

use nightlatch::kernel::automatic::Passing;
use nightlatch::kernel::effect::Effect;
use nightlatch::kernel::guardrail::{Action, Ruling};
use nightlatch::kernel::input::InputValue;
use nightlatch::kernel::link::LinkEvent;
use nightlatch::kernel::origin::{Origin, Trigger};
use nightlatch::kernel::paste::PasteEvent;
use nightlatch::kernel::request::{Decider, Phase};
use nightlatch::kernel::window::Day;
use nightlatch::kernel::workflow::{ExtendApproval, InputKind, OwnRequest, Tell};
use nightlatch::kernel::{
    Actor, Button, By, Event, Found, NotAsked, Notice, Outcome, Place, Purpose, Recipient, Refusal, Shows, Standing,
    State, Wake, Who,
};

macro_rules! variants {
    ($($name:ident, $type:ident { $($variant:ident),* $(,)? })*) => {
        $(
            pub fn $name(one: &$type) -> &'static str {
                match one {
                    $($type::$variant { .. } => stringify!($variant),)*
                }
            }
        )*

        /// Every type and its variants.
        pub const ALL: &[(&str, &[&str])] = &[$((stringify!($type), &[$(stringify!($variant)),*]),)*];
    };
}

variants! {
    state, State { Pending, Approved, Activating, Active, Ending, Ended }
    outcome, Outcome { Denied, Lapsed, Withdrawn, Failed, Returned, Revoked, Expired, Done, Unknown }
    found, Found { On, OnBefore, Told, Gone, GoneBut, Untouched, PutBack, LeftAlone, TakenAway, HeldByOthers }
    phase, Phase { Waiting, Begun, Held, Releasing, Gone, LeftOut }
    by, By { Person, Operator }
    decider, Decider { Person, Itself, Glass }
    passing, Passing { NobodyDecides, Rule, Guardrail }
    day, Day { Mon, Tue, Wed, Thu, Fri, Sat, Sun }
    origin, Origin { Typed, Schedule, Unknown }
    trigger, Trigger { Schedule, Unknown }
    place, Place { Channel, Approver }
    standing, Standing { Member, Guest, Outsider, Bot, Deactivated, Unknown }
    who, Who { TailnetGroup, Role, SlackGroup, Email, Manager, DeviceOwner, Anyone, Unknown }
    input_kind, InputKind { Duration, Text, Device, Choice, Person, Number, Flag, Link, Unknown }
    input_value, InputValue { Duration, Text, Device, Choice, Person, Number, Flag, Link, Unknown }
    own_request, OwnRequest { Confirm, Allow, Never }
    tell, Tell { People, Channel }
    extend_approval, ExtendApproval { Automatic, Again, Stages, Unknown }
    effect, Effect { FindApprovers, FindTier, FindReviewers, Identify, Settle, Look, Show, Tell, Rewrite, Wake, Say, Complete, Answer, StartWorkflow, ExpirePaste, SaveLink, PostPaste, DeletePaste }
    wake, Wake { Lapse, Warn, Expire, Alarm, Review, Remind, Escalate }
    recipient, Recipient { Person, Private, Thread, Channel }
    notice, Notice {
        Decided, AskedFor, StageOpened, Reminded, Escalated, PassedOn, PassedByItself, GlassBroken, ReviewOpened, ReviewLate, Reviewed, Active, Extended, ExtensionAsked, NotExtended, Drifted, PutBack, EndsSoon, Ended, Lapsed, Failed, Stuck, LeftOn, Unstuck, Moved, Refused, NotIdentified,
    }
    refusal, Refusal {
        MayNotAsk, MayNotAskFor, NotForThem, GlassForAnother, NotAnApprover, StageIsOver, StageComesLater, NotNeeded, OwnRequest, OwnDenial, ConfirmOwnRequest, LongerThanAsked, ExtensionAsAsked, PassedToThemselves, CannotTakeOver, PassedToRequester, TheyDecided, DecidedBefore, TooLate, TooEarly, NotYours,
        Standing, Altered, HoldTooLong, TooManyPending, HadAlready, Forbidden, MayNotBreakGlass, NoReason, NotAReviewer, OwnReview, NoOpenReview, NotExtended, ExtendedEnough, ExtendedAlready, BeingExtended, ExtensionDecided, NoWord, NoDrift, Unusable,
    }
    action, Action { Ask, Approve, ApproveAutomatically, Extend, Revoke, BreakGlass }
    ruling, Ruling { Silent, Permitted, Forbidden, Broken }
    button, Button { Approve, Deny, Withdraw, Return, Revoke, Retry, Extend, Pass, BreakGlass, PutBack, Adopt, Review }
    shows, Shows { Card, Active, EndsSoon, Failed, Stuck, Review, Glass, Drifted }
    purpose, Purpose { Press, Start, Passing, Extending, TakingOver }
    not_asked, NotAsked { Refused, Wrong, Missing, NobodyCanApprove, NoManager, NoTailnetUser, NoDevice, NotLent, Failed }
    actor, Actor { Person, Visitor, Operator, Clock, Worker }
    event, Event {
        Asked, ApproversFound, TierFound, ReviewersFound, Pressed, Denied, Revoked, Identified, Looked, NotIdentified, Settled, SettleFailed, Drifted, Observed, Shown, NotShown, Notified,
        Woke,
    }
    paste_event, PasteEvent {
        Pasted, PasteImported, PasteDrafted, PasteDraftDiscarded, PasteAsked, PasteInDoubt, PasteNotSent, PasteHeld, PasteLetGo, PasteExpired,
        PasteDeletionAsked, PasteNotDeleted, PasteDeleted,
    }
    link_event, LinkEvent { LinkSaved, LinkDeleted, LinkAsked, LinkNotSaved }
}

/// What was never written, so that there is no example of it: what stands for words that a version does not know.
pub const NEVER_WRITTEN: &[(&str, &str)] = &[
    ("Outcome", "Unknown"),
    ("ExtendApproval", "Unknown"),
    ("Who", "Unknown"),
    ("InputKind", "Unknown"),
    ("InputValue", "Unknown"),
    ("Origin", "Unknown"),
    ("Trigger", "Unknown"),
];
