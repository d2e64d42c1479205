//! Why a person may not: a refusal has words for people and is no error in the log.

use serde::{Deserialize, Serialize};

use crate::guardrail::Rule;
use crate::id::RequestId;
use crate::person::{Standing, Who};
use crate::request::{Outcome, State};

/// Why somebody may not do what they tried. `notices` has the words; this is what happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "refusal", rename_all = "snake_case")]
pub enum Refusal {
    /// Not in any group that may request this.
    #[error("not among those who may ask")]
    MayNotAsk {
        /// Who may.
        ask: Vec<Who>,
    },
    /// Not in any group that may request this for somebody else.
    #[error("not among those who may ask for somebody else")]
    MayNotAskFor {
        /// Who may; nobody where the workflow does not say.
        ask_for: Vec<Who>,
    },
    /// Whoever it is for could not ask for it themselves.
    #[error("{slack_id} is not among those who may ask")]
    NotForThem {
        /// Slack id of whoever it is for.
        slack_id: String,
        /// Who may.
        ask: Vec<Who>,
    },
    /// Glass is broken for oneself alone.
    #[error("glass for somebody else")]
    GlassForAnother,
    /// Not in any group that may decide.
    #[error("not an approver")]
    NotAnApprover {
        /// Who may.
        by: Vec<Who>,
    },
    /// May decide in a stage that is through; it waits for others now.
    #[error("their stage is over")]
    StageIsOver {
        /// Whom it waits for.
        by: Vec<Who>,
    },
    /// May decide in a stage that is not open yet.
    #[error("their stage comes later")]
    StageComesLater {
        /// Whom it waits for.
        by: Vec<Who>,
    },
    /// Enough of those this person belongs to have approved; it waits for others.
    #[error("enough of theirs have approved")]
    NotNeeded {
        /// Whom it waits for.
        by: Vec<Who>,
    },
    /// Four eyes: never your own request.
    #[error("own request")]
    OwnRequest,
    /// Four eyes: a no to one's own request is no decision; it can be withdrawn.
    #[error("own request, to be withdrawn")]
    OwnDenial,
    /// Your own request: press once more to say so.
    #[error("own request, not confirmed")]
    ConfirmOwnRequest {
        /// Approved for so long at most, as in the press that was refused.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hold_ms: Option<i64>,
    },
    /// Approved for longer than it was asked.
    #[error("longer than the {asked_ms} ms asked for")]
    LongerThanAsked {
        /// How long it was asked for.
        asked_ms: i64,
    },
    /// An extension is approved as it was asked.
    #[error("an extension is approved as asked")]
    ExtensionAsAsked,
    /// A turn is given to somebody else, or kept.
    #[error("passed to themselves")]
    PassedToThemselves,
    /// Whoever is to take over a turn does not decide in this stage, or is not needed for it.
    #[error("{slack_id} cannot decide")]
    CannotTakeOver {
        /// Slack id of whoever was to.
        slack_id: String,
        /// Whom it waits for.
        by: Vec<Who>,
    },
    /// Four eyes: whoever is to take over a turn asked for it, or would get it.
    #[error("{slack_id} asked for it")]
    PassedToRequester {
        /// Slack id of whoever was to.
        slack_id: String,
    },
    /// Whoever is to take over a turn has decided.
    #[error("{slack_id} has decided")]
    TheyDecided {
        /// Slack id of whoever was to.
        slack_id: String,
    },
    /// This person decided already.
    #[error("decided before")]
    DecidedBefore,
    /// The request is no longer open for this.
    #[error("too late: {state:?} {outcome:?}")]
    TooLate {
        /// Where it is now.
        state: State,
        /// How it ended, if it did.
        outcome: Option<Outcome>,
        /// Who decided or ended it: Slack ids, and the names of operators.
        by: Vec<String>,
    },
    /// It has not come that far.
    #[error("too early: {state:?}")]
    TooEarly {
        /// Where it is now.
        state: State,
    },
    /// Only the person whose request it is.
    #[error("not yours")]
    NotYours,
    /// Guests, outsiders, bots, leavers.
    #[error("standing is {standing:?}")]
    Standing {
        /// What Slack says about the account.
        standing: Standing,
    },
    /// What was shown is not what is stored.
    #[error("shown text is not the stored text")]
    Altered,
    /// More time than the workflow lends.
    #[error("hold is over the maximum")]
    HoldTooLong {
        /// The most there is.
        max_ms: i64,
    },
    /// As many requests of theirs wait for a decision as may.
    #[error("{most} of theirs wait already")]
    TooManyPending {
        /// How many that is.
        most: u32,
    },
    /// They hold it, or have asked for it, already.
    #[error("had already, by {id}")]
    HadAlready {
        /// By which request.
        id: RequestId,
    },
    /// A guardrail says no, or could not be worked out.
    #[error("the guardrail {} says no", .rule.id)]
    Forbidden {
        /// Which.
        rule: Rule,
        /// Nobody knows what it says: its facts or itself could not be worked out.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_broken: bool,
    },
    /// Not among those who may break glass.
    #[error("not among those who may break glass")]
    MayNotBreakGlass {
        /// Who may; nobody where the workflow does not say.
        who: Vec<Who>,
    },
    /// Glass is not broken without a word.
    #[error("no reason")]
    NoReason,
    /// Not among those who review broken glass.
    #[error("not a reviewer")]
    NotAReviewer {
        /// Who may.
        by: Vec<Who>,
    },
    /// Nobody reviews what they asked for.
    #[error("own review")]
    OwnReview,
    /// No review waits for anybody.
    #[error("no open review")]
    NoOpenReview {
        /// Who closed it, by Slack id.
        by: Option<String>,
    },
    /// The workflow, or how it was got, does not let it be extended.
    #[error("not extended")]
    NotExtended,
    /// It was extended as often as may be.
    #[error("extended {times} times")]
    ExtendedEnough {
        /// How often that is.
        times: u32,
    },
    /// What was pressed showed an end that it does not have any more.
    #[error("extended already")]
    ExtendedAlready {
        /// The end it has now, milliseconds since the Unix epoch.
        until: i64,
    },
    /// An end is being put off already.
    #[error("being extended")]
    BeingExtended {
        /// To when.
        until: i64,
    },
    /// People have decided on that extension.
    #[error("extension decided")]
    ExtensionDecided {
        /// The end it has now, milliseconds since the Unix epoch.
        until: i64,
    },
    /// What was not fine has to be followed by something.
    #[error("no word on what follows")]
    NoWord,
    /// Nothing is to be put back or left: nobody changed it, or that was decided, or its time is up.
    #[error("nothing changed by somebody else")]
    NoDrift,
    /// No step or approval could be worked out: the workflow cannot be asked for.
    #[error("workflow has no {missing}")]
    Unusable {
        /// What it lacks.
        missing: String,
    },
}

impl Refusal {
    /// Whether it could be otherwise if the person belonged to more rules than are known.
    pub fn hangs_on_membership(&self) -> bool {
        matches!(
            self,
            Self::MayNotAsk { .. }
                | Self::MayNotAskFor { .. }
                | Self::NotForThem { .. }
                | Self::NotAnApprover { .. }
                | Self::StageIsOver { .. }
                | Self::StageComesLater { .. }
                | Self::NotNeeded { .. }
                | Self::CannotTakeOver { .. }
                | Self::MayNotBreakGlass { .. }
                | Self::NotAReviewer { .. }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every refusal; a new one does not compile before it has its line here.
    fn every_refusal() -> Vec<Refusal> {
        let who = || vec![Who::TailnetGroup("group:dba".to_owned())];
        let rule = Rule { id: "office-hours".to_owned(), reason: String::new() };
        let all = vec![
            Refusal::MayNotAsk { ask: who() },
            Refusal::MayNotAskFor { ask_for: who() },
            Refusal::NotForThem { slack_id: "U1".to_owned(), ask: who() },
            Refusal::GlassForAnother,
            Refusal::NotAnApprover { by: who() },
            Refusal::StageIsOver { by: who() },
            Refusal::StageComesLater { by: who() },
            Refusal::NotNeeded { by: who() },
            Refusal::OwnRequest,
            Refusal::OwnDenial,
            Refusal::ConfirmOwnRequest { hold_ms: None },
            Refusal::ConfirmOwnRequest { hold_ms: Some(1_000) },
            Refusal::LongerThanAsked { asked_ms: 1_000 },
            Refusal::ExtensionAsAsked,
            Refusal::PassedToThemselves,
            Refusal::CannotTakeOver { slack_id: "U1".to_owned(), by: who() },
            Refusal::PassedToRequester { slack_id: "U1".to_owned() },
            Refusal::TheyDecided { slack_id: "U1".to_owned() },
            Refusal::DecidedBefore,
            Refusal::TooLate { state: State::Ended, outcome: Some(Outcome::Lapsed), by: vec!["U1".to_owned()] },
            Refusal::TooEarly { state: State::Pending },
            Refusal::NotYours,
            Refusal::Standing { standing: Standing::Guest },
            Refusal::Altered,
            Refusal::HoldTooLong { max_ms: 1_000 },
            Refusal::TooManyPending { most: 50 },
            Refusal::HadAlready { id: RequestId("01kjmma2g000000001".to_owned()) },
            Refusal::Forbidden { rule, is_broken: false },
            Refusal::MayNotBreakGlass { who: who() },
            Refusal::NoReason,
            Refusal::NotAReviewer { by: who() },
            Refusal::OwnReview,
            Refusal::NoOpenReview { by: Some("U1".to_owned()) },
            Refusal::NotExtended,
            Refusal::ExtendedEnough { times: 2 },
            Refusal::ExtendedAlready { until: 1_000 },
            Refusal::BeingExtended { until: 1_000 },
            Refusal::ExtensionDecided { until: 1_000 },
            Refusal::NoWord,
            Refusal::NoDrift,
            Refusal::Unusable { missing: "step".to_owned() },
        ];
        all.iter().for_each(has_its_line);
        all
    }

    /// A new refusal does not compile before it has its line above.
    fn has_its_line(one: &Refusal) {
        match one {
            Refusal::MayNotAsk { .. }
            | Refusal::MayNotAskFor { .. }
            | Refusal::NotForThem { .. }
            | Refusal::GlassForAnother
            | Refusal::NotAnApprover { .. }
            | Refusal::StageIsOver { .. }
            | Refusal::StageComesLater { .. }
            | Refusal::NotNeeded { .. }
            | Refusal::OwnRequest
            | Refusal::OwnDenial
            | Refusal::ConfirmOwnRequest { .. }
            | Refusal::LongerThanAsked { .. }
            | Refusal::ExtensionAsAsked
            | Refusal::PassedToThemselves
            | Refusal::CannotTakeOver { .. }
            | Refusal::PassedToRequester { .. }
            | Refusal::TheyDecided { .. }
            | Refusal::DecidedBefore
            | Refusal::TooLate { .. }
            | Refusal::TooEarly { .. }
            | Refusal::NotYours
            | Refusal::Standing { .. }
            | Refusal::Altered
            | Refusal::HoldTooLong { .. }
            | Refusal::TooManyPending { .. }
            | Refusal::HadAlready { .. }
            | Refusal::Forbidden { .. }
            | Refusal::MayNotBreakGlass { .. }
            | Refusal::NoReason
            | Refusal::NotAReviewer { .. }
            | Refusal::OwnReview
            | Refusal::NoOpenReview { .. }
            | Refusal::NotExtended
            | Refusal::ExtendedEnough { .. }
            | Refusal::ExtendedAlready { .. }
            | Refusal::BeingExtended { .. }
            | Refusal::ExtensionDecided { .. }
            | Refusal::NoWord
            | Refusal::NoDrift
            | Refusal::Unusable { .. } => {}
        }
    }

    #[test]
    fn refusals_are_kept_under_names_that_stay() {
        let lines: Vec<String> = every_refusal().iter().map(|one| serde_json::to_string(one).unwrap()).collect();
        insta::assert_snapshot!(lines.join("\n"), @r#"
        {"refusal":"may_not_ask","ask":["group:dba"]}
        {"refusal":"may_not_ask_for","ask_for":["group:dba"]}
        {"refusal":"not_for_them","slack_id":"U1","ask":["group:dba"]}
        {"refusal":"glass_for_another"}
        {"refusal":"not_an_approver","by":["group:dba"]}
        {"refusal":"stage_is_over","by":["group:dba"]}
        {"refusal":"stage_comes_later","by":["group:dba"]}
        {"refusal":"not_needed","by":["group:dba"]}
        {"refusal":"own_request"}
        {"refusal":"own_denial"}
        {"refusal":"confirm_own_request"}
        {"refusal":"confirm_own_request","hold_ms":1000}
        {"refusal":"longer_than_asked","asked_ms":1000}
        {"refusal":"extension_as_asked"}
        {"refusal":"passed_to_themselves"}
        {"refusal":"cannot_take_over","slack_id":"U1","by":["group:dba"]}
        {"refusal":"passed_to_requester","slack_id":"U1"}
        {"refusal":"they_decided","slack_id":"U1"}
        {"refusal":"decided_before"}
        {"refusal":"too_late","state":"ended","outcome":"lapsed","by":["U1"]}
        {"refusal":"too_early","state":"pending"}
        {"refusal":"not_yours"}
        {"refusal":"standing","standing":"guest"}
        {"refusal":"altered"}
        {"refusal":"hold_too_long","max_ms":1000}
        {"refusal":"too_many_pending","most":50}
        {"refusal":"had_already","id":"01kjmma2g000000001"}
        {"refusal":"forbidden","rule":{"id":"office-hours"}}
        {"refusal":"may_not_break_glass","who":["group:dba"]}
        {"refusal":"no_reason"}
        {"refusal":"not_a_reviewer","by":["group:dba"]}
        {"refusal":"own_review"}
        {"refusal":"no_open_review","by":"U1"}
        {"refusal":"not_extended"}
        {"refusal":"extended_enough","times":2}
        {"refusal":"extended_already","until":1000}
        {"refusal":"being_extended","until":1000}
        {"refusal":"extension_decided","until":1000}
        {"refusal":"no_word"}
        {"refusal":"no_drift"}
        {"refusal":"unusable","missing":"step"}
        "#);
        for one in every_refusal() {
            let stored = serde_json::to_string(&one).unwrap();
            assert_eq!(serde_json::from_str::<Refusal>(&stored).unwrap(), one);
        }
    }
}
