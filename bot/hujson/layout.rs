//! Where in an object or a list something of ours is put, and how: on lines of its own, or in the line of the bracket.

use super::node::Node;

/// How entries are put behind an opening bracket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// On lines of their own, the first of which begins here, at the end of the bracket's line.
    Lines { at: usize, line_end: &'static str, indent: String },
    /// In the line of the bracket, right behind it.
    Inline { at: usize },
}

impl Layout {
    pub fn of(text: &str, container: &Node, unit: &str) -> Self {
        let inside = container.start.saturating_add(1);
        match end_of_line(text, inside) {
            Some((at, line_end)) if at < container.end => {
                Self::Lines { at, line_end, indent: indent(text, container, unit) }
            }
            _ => Self::Inline { at: inside },
        }
    }

    pub fn at(&self) -> usize {
        match self {
            Self::Lines { at, .. } | Self::Inline { at } => *at,
        }
    }

    /// One piece: the comment and what it is about, with everything around them that is to go when they go.
    pub fn piece(&self, comment: &str, what: &str) -> String {
        match self {
            Self::Lines { line_end, indent, .. } => {
                format!("{line_end}{indent}// {comment}{line_end}{indent}{what},")
            }
            Self::Inline { .. } => format!("/* {comment} */ {what}, "),
        }
    }

    /// An object or list with nothing in it.
    pub fn nothing(&self, brackets: (char, char)) -> String {
        let (open, close) = brackets;
        match self {
            Self::Lines { line_end, indent, .. } => format!("{open}{line_end}{indent}{close}"),
            Self::Inline { .. } => format!("{open}{close}"),
        }
    }
}

/// The end of the line, if nothing but spaces and comments stands before it.
fn end_of_line(text: &str, from: usize) -> Option<(usize, &'static str)> {
    let mut at = from;
    loop {
        let rest = text.get(at..)?;
        let length = if rest.starts_with("//") {
            let line = rest.split('\n').next()?;
            line.trim_end_matches('\r').len()
        } else if let Some(inner) = rest.strip_prefix("/*") {
            let inner = inner.split("*/").next().filter(|inner| !inner.contains('\n'))?;
            inner.len().saturating_add(4)
        } else if rest.starts_with("\r\n") {
            return Some((at, "\r\n"));
        } else {
            match rest.chars().next()? {
                '\n' => return Some((at, "\n")),
                ' ' | '\t' => 1,
                _ => return None,
            }
        };
        at = at.saturating_add(length.max(1));
    }
}

/// How far the parts of a container stand in: as its first one does, or a step further than its end.
fn indent(text: &str, container: &Node, unit: &str) -> String {
    let first = container.parts().first().map(|(start, _)| *start);
    let is_below = |start: &usize| text.get(container.start..*start).is_some_and(|between| between.contains('\n'));
    match first.filter(is_below) {
        Some(start) => leading(text, start).to_owned(),
        None => format!("{}{unit}", leading(text, container.end.saturating_sub(1))),
    }
}

/// The spaces and tabs at the beginning of the line of a byte.
pub(super) fn leading(text: &str, at: usize) -> &str {
    let line_start = line_start(text, at);
    let line = text.get(line_start..).unwrap_or_default();
    let length = line.len().saturating_sub(line.trim_start_matches([' ', '\t']).len());
    line.get(..length).unwrap_or_default()
}

/// Where the line of a byte begins.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |at| at.saturating_add(1))
}

/// What a step further in is, in this text.
pub(super) fn unit<'t>(text: &'t str, root: &Node) -> &'t str {
    let first = root.parts().first().map(|(start, _)| leading(text, *start));
    first.filter(|unit| !unit.is_empty()).unwrap_or("\t")
}
