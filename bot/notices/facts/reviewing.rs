//! What a template can name of broken glass: that it was broken, and the review.

use serde::Serialize;

use super::APPROVERS_MAX;
use crate::kernel::Request;
use crate::notices::text::{many_lines, one_line};
use crate::notices::words;

/// Broken glass and its review.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Reviewing {
    /// Whether glass was broken, or is to be.
    broke_glass: bool,
    /// Who reviews it, as the workflow names them.
    reviewed_by: String,
    /// In which time after the end.
    review_within: String,
    /// Whether a review waits for somebody.
    review_open: bool,
    /// Whether it should be closed by now.
    review_late: bool,
    review_due_at: Option<i64>,
    /// Who was asked to review it.
    reviewers: Vec<String>,
    reviewers_more: usize,
    /// Who closed the review; empty while it is open.
    reviewer: String,
    review_rule: String,
    review_fine: bool,
    review_word: String,
    review_closed_at: Option<i64>,
}

impl Reviewing {
    pub(super) fn of(request: &Request, now: i64) -> Self {
        let glass = request.workflow.break_glass.as_ref();
        let review = request.review.as_ref();
        let (open, closed) = (request.open_review(), review.and_then(|review| review.closed.as_ref()));
        let reviewers = open.map(|review| review.asked.as_slice()).unwrap_or_default();
        Self {
            broke_glass: request.broke_glass() || request.breaks_glass && request.decisions.is_empty(),
            reviewed_by: words::plain_whos(request.reviewers(), "or"),
            review_within: glass.map(|glass| words::hold(glass.review_within_ms)).unwrap_or_default(),
            review_open: open.is_some(),
            review_late: open.is_some_and(|review| review.due_at <= now),
            review_due_at: review.map(|review| review.due_at),
            reviewers: reviewers.iter().take(APPROVERS_MAX).cloned().collect(),
            reviewers_more: reviewers.len().saturating_sub(APPROVERS_MAX),
            reviewer: closed.map(|closed| closed.person.slack_id.clone()).unwrap_or_default(),
            review_rule: closed.map(|closed| one_line(&closed.rule.to_string(), 80)).unwrap_or_default(),
            review_fine: closed.is_some_and(|closed| closed.is_fine),
            review_word: closed.map(|closed| many_lines(&closed.word)).unwrap_or_default(),
            review_closed_at: closed.map(|closed| closed.at),
        }
    }
}
