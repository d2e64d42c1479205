//! Faults that the simulator plants, one at a time, to see that it finds them. Without the feature `simulate` none is ever there.

/// A fault. Each stands at one place in the code, where it is asked for by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// One vote too few is enough.
    QuorumShort,
    /// A person's second vote counts.
    CountsTwice,
    /// A vote counts after it was withdrawn, denied or ended.
    CountsLate,
    /// The requester's own vote counts where it must not.
    CountsOwn,
    /// An end is an hour later than was approved.
    EndsLater,
    /// One of several steps is not released.
    KeepsStep,
    /// Taking back that failed is not tried again.
    GivesUp,
    /// What was there before is not written down.
    ForgetsBefore,
    /// A key is forgotten although somebody holds it.
    ForgetsHeld,
    /// Whoever let go while a key was being settled is told that it is over, too (F1).
    SettlesForAll,
    /// A press is acknowledged before it is saved (F8).
    AcksFirst,
    /// An effect leaves the outbox before it is performed.
    TakesOutFirst,
    /// What happened is saved without its audit entry.
    LeavesOutAudit,
    /// A lane has two effects in hand at once.
    LaneTwice,
    /// Facts for a decision are of any age (F3).
    StaleFacts,
    /// Whoever waits sleeps through a suspended machine (F3).
    NapsLong,
    /// The wall clock is believed when it was set back (F3).
    BelievesWall,
    /// When one lets go, it is taken from everybody.
    ReleasesForAll,
    /// Nobody's answer is waited for for ever.
    NeverLapses,
    /// Nobody is alarmed when taking back does not work.
    AlarmsNobody,
    /// The far side is told no end.
    TellsNoEnd,
    /// What we set is not known again (F5).
    LosesOwn,
    /// What was written is not read back.
    ReadsNothingBack,
    /// What somebody else set is taken away at the end.
    TakesForeign,
    /// What somebody else set is overwritten.
    Overwrites,
    /// A connection whose commit failed is used again (F2).
    KeepsBroken,
    /// Another device than the one that was approved.
    WrongDevice,
    /// It is said to be gone and was not taken away.
    SaysGone,
    /// Whose device it is, and whether they may still have anything, is not looked at when it is switched on.
    ChecksNoOwner,
    /// Of several holders the one whose end is first counts.
    ShortestWins,
    /// People read that it was switched on before it is.
    SaysActiveEarly,
    /// The far side is told too early an end.
    TellsTooEarly,
    /// Nobody is woken for an end.
    WakesNobody,
    /// The requester is not told that it failed.
    FailsSilently,
    /// Of several steps only the last is taken back.
    ForgetsNext,
    /// The channel is not alarmed.
    AlarmsInPrivate,
    /// The card does not say that it is over.
    LeavesCard,
    /// Who may ask is not looked at.
    AnybodyAsks,
    /// Who may decide is not looked at.
    AnybodyDecides,
    /// People whose account was closed may decide.
    LeaversDecide,
    /// What was shown with a button is not looked at.
    IgnoresSeal,
    /// The wall clock is believed at once when it was set ahead (F3).
    BelievesAhead,
    /// What Slack delivers twice is taken twice.
    TakesTwice,
    /// An effect that is put off is lost.
    LosesPostponed,
    /// An older database is taken as if nothing were (F9).
    IgnoresAnchor,
    /// A row that cannot be read stops everything (F4).
    StopsAtUnreadable,
    /// Ends that the far side is told are not saved.
    TellsUnsaved,
    /// The ledger does not learn that somebody let go.
    LetsNothingGo,
    /// What could not be saved is tried again without a pause.
    NeverRests,
    /// Whoever fits several clauses of a stage is counted for each.
    CountsForAll,
    /// The first stage is enough.
    SkipsStages,
    /// What a guardrail forbids is let through.
    IgnoresGuardrails,
    /// How often something passed by itself today is not counted.
    PassesAgain,
    /// For how long something passes by itself is not looked at.
    PassesLonger,
    /// Whoever may ask may break glass.
    AnybodyBreaks,
    /// Whoever broke glass reviews it.
    ReviewsOwn,
    /// What becomes due by schedule is not put down together with what comes of it.
    StartsAgain,
    /// What else was written into the policy file since it was read is overwritten.
    OverwritesPolicy,
    /// What the policy file depends on is set without looking at who else holds it.
    GuardsLonger,
    /// Somebody stays in a group that they were put into.
    KeepsMember,
    /// A call that may have been made is made as if it were another.
    CallsAnew,
    /// A button to extend counts although its end is no longer the one that was shown.
    ExtendsAgain,
    /// How often it may be extended is not looked at.
    ExtendsMore,
    /// It is extended before the far side says so.
    ExtendsUnread,
    /// Settings of the tailnet are not put back as they were.
    KeepsSettings,
    /// An auth key is made beside one that may be there already.
    MakesSecondKey,
    /// That an auth key takes the place of another one is not written down before it is made.
    ReplacesUnsaved,
}

impl Fault {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::QuorumShort,
        Self::CountsTwice,
        Self::CountsLate,
        Self::CountsOwn,
        Self::EndsLater,
        Self::KeepsStep,
        Self::GivesUp,
        Self::ForgetsBefore,
        Self::ForgetsHeld,
        Self::SettlesForAll,
        Self::AcksFirst,
        Self::TakesOutFirst,
        Self::LeavesOutAudit,
        Self::LaneTwice,
        Self::StaleFacts,
        Self::NapsLong,
        Self::BelievesWall,
        Self::ReleasesForAll,
        Self::NeverLapses,
        Self::AlarmsNobody,
        Self::TellsNoEnd,
        Self::LosesOwn,
        Self::ReadsNothingBack,
        Self::TakesForeign,
        Self::Overwrites,
        Self::WrongDevice,
        Self::KeepsBroken,
        Self::SaysGone,
        Self::ChecksNoOwner,
        Self::ShortestWins,
        Self::SaysActiveEarly,
        Self::TellsTooEarly,
        Self::WakesNobody,
        Self::FailsSilently,
        Self::ForgetsNext,
        Self::AlarmsInPrivate,
        Self::LeavesCard,
        Self::AnybodyAsks,
        Self::AnybodyDecides,
        Self::LeaversDecide,
        Self::IgnoresSeal,
        Self::BelievesAhead,
        Self::TakesTwice,
        Self::LosesPostponed,
        Self::IgnoresAnchor,
        Self::StopsAtUnreadable,
        Self::TellsUnsaved,
        Self::LetsNothingGo,
        Self::NeverRests,
        Self::CountsForAll,
        Self::SkipsStages,
        Self::IgnoresGuardrails,
        Self::PassesAgain,
        Self::PassesLonger,
        Self::AnybodyBreaks,
        Self::ReviewsOwn,
        Self::StartsAgain,
        Self::OverwritesPolicy,
        Self::GuardsLonger,
        Self::KeepsMember,
        Self::CallsAnew,
        Self::ExtendsAgain,
        Self::ExtendsMore,
        Self::ExtendsUnread,
        Self::KeepsSettings,
        Self::MakesSecondKey,
        Self::ReplacesUnsaved,
    ];
}

#[cfg(feature = "simulate")]
thread_local! {
    static PLANTED: std::cell::Cell<Option<Fault>> = const { std::cell::Cell::new(None) };
}

/// Plants a fault on this thread, or none.
#[cfg(feature = "simulate")]
pub fn plant(fault: Option<Fault>) {
    PLANTED.set(fault);
}

/// Whether this fault is planted.
#[cfg(feature = "simulate")]
pub fn is_planted(fault: Fault) -> bool {
    PLANTED.get() == Some(fault)
}

/// Whether this fault is planted: no.
#[cfg(not(feature = "simulate"))]
pub const fn is_planted(_: Fault) -> bool {
    false
}
