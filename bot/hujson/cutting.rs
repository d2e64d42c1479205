//! Which bytes go when something of ours goes: exactly those that came with it, wherever it stands by then.

use super::layout::line_start;
use super::node::{Comment, comma};

/// The bytes of a comment and of what it is about.
#[derive(Clone, Copy)]
pub(super) struct Cut {
    pub comment: (usize, usize),
    pub end: usize,
}

/// Bytes that are replaced.
pub(super) struct Splice {
    pub from: usize,
    pub to: usize,
    pub with: String,
}

/// The bytes that were added with an entry: the line ends and spaces in front of a comment that has a line of its own, and the comma.
pub(super) fn cut(text: &str, what: Cut) -> Vec<Splice> {
    let (comment, _) = what.comment;
    let bytes = text.as_bytes();
    let gone = |from: usize, to: usize| Splice { from, to, with: String::new() };
    let comma = comma(text, what.end);
    let is_next = comma == Some(what.end);
    let mut end = if is_next { what.end.saturating_add(1) } else { what.end };
    let line_start = line_start(text, comment);
    let is_alone = text.get(line_start..comment).is_some_and(|before| before.trim_matches([' ', '\t']).is_empty());
    let rest = text.get(end..).and_then(|rest| rest.split_inclusive('\n').next()).unwrap_or_default();
    let is_last_in_line = rest.ends_with('\n') && rest.trim().is_empty();
    let mut from = comment;
    if is_alone && line_start > 0 && is_last_in_line {
        from = line_start.saturating_sub(1);
        if from > 0 && bytes.get(from.saturating_sub(1)) == Some(&b'\r') {
            from = from.saturating_sub(1);
        }
    } else if bytes.get(end) == Some(&b' ') && !is_alone {
        end = end.saturating_add(1);
    }
    let mut cuts = vec![gone(from, end)];
    // Somebody wrote something between it and its comma: that stays.
    cuts.extend(comma.filter(|_| !is_next).map(|at| gone(at, at.saturating_add(1))));
    cuts
}

/// A comment with what was added around it.
pub(super) fn uncommented(text: &str, comment: &Comment<'_>) -> Splice {
    let bytes = text.as_bytes();
    let line_start = line_start(text, comment.start);
    let is_alone = text.get(line_start..comment.start).is_some_and(|before| before.trim().is_empty());
    let is_line = text.get(comment.start..).is_some_and(|rest| rest.starts_with("//"));
    if is_alone && is_line && line_start > 0 {
        let mut from = line_start.saturating_sub(1);
        if from > 0 && bytes.get(from.saturating_sub(1)) == Some(&b'\r') {
            from = from.saturating_sub(1);
        }
        let end = if bytes.get(comment.end.saturating_sub(1)) == Some(&b'\r') {
            comment.end.saturating_sub(1)
        } else {
            comment.end
        };
        return Splice { from, to: end, with: String::new() };
    }
    let to = if bytes.get(comment.end) == Some(&b' ') { comment.end.saturating_add(1) } else { comment.end };
    Splice { from: comment.start, to, with: String::new() }
}

/// The text with these replaced; none of them reaches into another.
pub(super) fn spliced(text: &str, mut splices: Vec<Splice>) -> String {
    splices.sort_by_key(|splice| splice.from);
    let mut changed = String::with_capacity(text.len());
    let mut at = 0;
    for splice in splices {
        changed.push_str(text.get(at..splice.from).unwrap_or_default());
        changed.push_str(&splice.with);
        at = splice.to.max(at);
    }
    changed.push_str(text.get(at..).unwrap_or_default());
    changed
}
