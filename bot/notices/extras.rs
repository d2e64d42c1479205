//! What some templates can name beside the request.

use serde::Serialize;

/// What some templates can name beside the request.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Extras {
    /// `decided`: who, by Slack id.
    pub decided_by: String,
    /// `decided`: yes or no.
    pub decided_yes: bool,
    /// `decided`: said with a no.
    pub decided_reason: String,
    /// `decided`: about an extension.
    pub decided_extension: bool,
    /// `passed_on`: whose turn it was, by Slack id.
    pub turn_of: String,
    /// `passed_on`: whose turn it is, by Slack id.
    pub turn_to: String,
    /// `refused`: the words, safe as they are.
    #[serde(skip)]
    pub refusal: String,
    /// `already`: a link to the card, safe as it is.
    #[serde(skip)]
    pub card_link: String,
    /// `not_identified`, `not_extended`: why.
    pub failure: String,
    /// `not_identified`, `not_extended`: what to do.
    pub failure_advice: String,
    /// `not_extended`: whether it is being tried again.
    pub tried_again: bool,
    /// `list_heading`, `list_row`: `held`, `asked`, `for_others`, `waiting`, `lent`, `ended`, `nothing` or `nobody`; `alarms_heading`: `stuck` or `unstuck`.
    pub group: &'static str,
    /// `list_heading`, `alarms_heading`: how many there are.
    pub count: usize,
    /// `list_heading`, `alarms_heading`: how many of them are not shown.
    pub hidden: usize,
    /// `alarms_heading`: how many others were in it and are over.
    pub gone: usize,
    /// `help`: what can be asked for.
    pub workflows: Vec<Line>,
    /// `help`: how many are not shown.
    pub workflows_more: usize,
    /// `help`: whether somebody may break glass for one of them.
    pub has_glass: bool,
}

/// One workflow in `help`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Line {
    /// As typed.
    pub name: String,
    /// For people.
    pub title: String,
    /// For people; may be empty.
    pub description: String,
    /// A line that would work.
    pub example: String,
}
