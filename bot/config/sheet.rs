//! One file being read: takes values out of the tree and notes every mistake with its place.

use super::report::{Mistake, Report};
use super::words::{clean, cleaned, nearest, quoted};
use super::yaml::{self, Key, Node, Place, Value};

/// More than this nobody reads, and a hostile file would make us write a book.
const LISTED_MAX: usize = 100;
/// Of a long line only the part around the mistake is shown, in characters.
const LINE_BEFORE: usize = 80;
const LINE_AFTER: usize = 100;
/// Stands where something is not shown.
pub const HIDDEN: &str = "********";

/// A text with the mistakes found in it so far.
#[derive(Debug)]
pub struct Sheet<'t> {
    file: String,
    text: &'t str,
    mask_line: fn(&str) -> String,
    mask_message: fn(&str) -> String,
    hides: bool,
    report: Report,
}

impl<'t> Sheet<'t> {
    /// `file` is how people know the file.
    pub fn new(file: impl Into<String>, text: &'t str) -> Self {
        Self {
            file: file.into(),
            text,
            mask_line: str::to_owned,
            mask_message: str::to_owned,
            hides: false,
            report: Report::default(),
        }
    }

    /// For a file in which secrets may stand: lines pass through `line` and messages through `message` before they are
    /// kept. What stands before a hidden part must stay as it is.
    pub fn masked(self, line: fn(&str) -> String, message: fn(&str) -> String) -> Self {
        Self { mask_line: line, mask_message: message, hides: true, ..self }
    }

    /// The tree of the text; nothing (and a mistake) if it is not YAML or empty.
    pub fn parse(&mut self) -> Option<Node> {
        match yaml::parse(self.text) {
            Ok(Node { value: Value::Nothing, .. }) => self.empty(),
            Ok(node) => Some(node),
            Err(_) if self.text.trim().is_empty() => self.empty(),
            Err(error) => {
                match error.place {
                    Some(place) => self.mistake(place, error.message, error.help),
                    None => self.whole(error.message, error.help),
                }
                None
            }
        }
    }

    fn empty(&mut self) -> Option<Node> {
        let help = if self.hides {
            "copy nightlatch.example.yaml and change what is yours"
        } else {
            "begin with `nightlatch: 1` and a `title:`, as workflows/prod-db.yaml does"
        };
        self.whole("is empty", Some(help.to_owned()));
        None
    }

    /// Everything found.
    pub fn into_report(mut self) -> Report {
        self.report.mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
        self.report
    }

    /// Whether nothing was found so far.
    pub fn is_clean(&self) -> bool {
        self.report.is_empty()
    }

    /// Notes a mistake that concerns the whole file.
    pub fn whole(&mut self, message: impl Into<String>, help: Option<String>) {
        let mistake = Mistake::whole(&self.file, (self.mask_message)(&message.into()), help);
        self.note(mistake);
    }

    /// Notes a mistake at a place.
    pub fn mistake(&mut self, place: Place, message: impl Into<String>, help: Option<String>) {
        self.mistake_showing(place, usize::MAX, message, help);
    }

    /// Notes a mistake at a place, and shows nothing of the line from byte `until` of the text on.
    pub fn mistake_showing(&mut self, place: Place, until: usize, message: impl Into<String>, help: Option<String>) {
        if self.report.mistakes.len() >= LISTED_MAX {
            self.report.unlisted += 1;
            return;
        }
        let message = cleaned(&(self.mask_message)(&message.into()));
        let Spot { line, column, source_line, mark } = Spot::find(self.text, place, until, self.mask_line);
        self.note(Mistake { file: self.file.clone(), line, column, message, help, source_line, mark });
    }

    fn note(&mut self, mistake: Mistake) {
        if self.report.mistakes.len() < LISTED_MAX {
            self.report.mistakes.push(mistake);
        } else {
            self.report.unlisted += 1;
        }
    }

    /// The node as a map with no other keys than `known`. `what` names it for people, for example `the workflow`.
    pub fn fields<'n>(&mut self, node: &'n Node, what: &str, known: &[&str]) -> Option<Fields<'n>> {
        let entries = self.map(node, what)?;
        let mut unknown = Vec::new();
        for (key, _) in entries {
            if !known.contains(&key.name.as_str()) {
                unknown.push(key.name.as_str());
                let help = match nearest(&key.name, known.iter().copied()) {
                    Some(word) => format!("did you mean `{word}`?"),
                    None => format!("{what} knows: {}", known.join(", ")),
                };
                self.mistake(key.place, format!("unknown key {}", quoted(&key.name)), Some(help));
            }
        }
        Some(Fields { entries, place: node.place, unknown, known: known.iter().map(|&name| name.to_owned()).collect() })
    }

    /// The node as a map whose keys are free; a key that stands twice is a mistake.
    pub fn map<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [(Key, Node)]> {
        let Value::Map(entries) = &node.value else {
            self.wrong_kind(node, what, "a map of `key: value` lines");
            return None;
        };
        let mut seen: Vec<&str> = Vec::with_capacity(entries.len().min(64));
        for (key, _) in entries {
            // Only the first names are compared: no map of ours is that large, and a hostile one must stay cheap.
            if seen.contains(&key.name.as_str()) {
                self.mistake(key.place, format!("{} stands twice", quoted(&key.name)), Some("keep one".to_owned()));
            } else if seen.len() < 1_000 {
                seen.push(&key.name);
            }
        }
        Some(entries)
    }

    /// The value of a key that must be there.
    pub fn required<'n>(&mut self, fields: &Fields<'n>, name: &str, help: &str) -> Option<&'n Node> {
        match fields.get(name) {
            Some(Node { value: Value::Nothing, place }) => {
                self.mistake(*place, format!("`{name}` has no value"), Some(help.to_owned()));
                None
            }
            Some(node) => Some(node),
            // It is there but misspelled, and that was told.
            None if fields.unknown.iter().any(|unknown| nearest(unknown, [name]).is_some()) => None,
            None => {
                self.mistake(fields.place(), format!("`{name}` is missing"), Some(help.to_owned()));
                None
            }
        }
    }

    /// The node as a text that is not blank.
    pub fn text<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n str> {
        match &node.value {
            Value::Text(text) if text.trim().is_empty() => {
                self.mistake(node.place, format!("{what} is empty"), None);
                None
            }
            Value::Text(text) => Some(text),
            _ => {
                self.wrong_kind(node, what, "a text");
                None
            }
        }
    }

    /// A text of at most `max` characters and without control characters.
    pub fn short_text<'n>(&mut self, node: &'n Node, what: &str, max: usize) -> Option<&'n str> {
        let text = self.text(node, what)?;
        let count = text.chars().count();
        if count > max {
            let message = format!("{what} has {count} characters");
            self.mistake(node.place, message, Some(format!("Slack shows at most {max}")));
            return None;
        }
        if text.trim_end().chars().any(char::is_control) {
            self.mistake(node.place, format!("{what} must be one line"), None);
            return None;
        }
        Some(text)
    }

    /// The node as a list with at least one item.
    pub fn list<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Node]> {
        match &node.value {
            Value::List(list) if list.is_empty() => {
                self.mistake(node.place, format!("{what} is empty"), None);
                None
            }
            Value::List(list) => Some(list),
            _ => {
                self.wrong_kind(node, what, "a list");
                None
            }
        }
    }

    /// The node as a whole number within bounds.
    pub fn whole_number(&mut self, node: &Node, what: &str, least: i64, most: i64) -> Option<i64> {
        match node.value {
            Value::Whole(number) if (least..=most).contains(&number) => Some(number),
            Value::Whole(_) => {
                self.mistake(node.place, format!("{what} must be from {least} to {most}"), None);
                None
            }
            _ => {
                self.wrong_kind(node, what, "a whole number");
                None
            }
        }
    }

    /// The node as `true` or `false`.
    pub fn flag(&mut self, node: &Node, what: &str) -> Option<bool> {
        if let Value::Flag(flag) = node.value {
            return Some(flag);
        }
        self.wrong_kind(node, what, "true or false");
        None
    }

    /// The node as one of the words.
    pub fn word(&mut self, node: &Node, what: &str, words: &[&'static str]) -> Option<&'static str> {
        let text = self.text(node, what)?;
        if let Some(word) = words.iter().find(|word| **word == text) {
            return Some(word);
        }
        let help = match nearest(text, words.iter().copied()) {
            Some(word) => format!("did you mean `{word}`?"),
            None => format!("one of: {}", words.join(", ")),
        };
        self.mistake(node.place, format!("{what} cannot be {}", quoted(text)), Some(help));
        None
    }

    /// Notes that the node is of another kind than it must be.
    pub fn wrong_kind(&mut self, node: &Node, what: &str, wanted: &str) {
        let help = match (&node.value, wanted) {
            (Value::Flag(_) | Value::Whole(_) | Value::Fraction(_), "a text") => Some("put it in quotes".to_owned()),
            (Value::List(_), "a text") => Some("brackets make a list: put the text in quotes".to_owned()),
            (Value::Map(_), "a text") => Some("put the text in quotes".to_owned()),
            (Value::Text(_) | Value::Map(_), "a list") => Some("write a list: [one, two]".to_owned()),
            (Value::Text(text), _) if wanted.contains("number") && text.trim().parse::<i64>().is_ok() => {
                Some(format!("take the quotes off: {}", text.trim()))
            }
            (Value::Text(text), "true or false") => nearest_flag(text),
            _ => None,
        };
        self.mistake(node.place, format!("{what} must be {wanted}, not {}", node.value.kind()), help);
    }
}

fn nearest_flag(text: &str) -> Option<String> {
    match text.to_lowercase().as_str() {
        "yes" | "on" | "true" => Some("write true (without quotes)".to_owned()),
        "no" | "off" | "false" => Some("write false (without quotes)".to_owned()),
        _ => None,
    }
}

/// The keys and values of one map.
#[derive(Clone, Debug)]
pub struct Fields<'n> {
    entries: &'n [(Key, Node)],
    place: Place,
    unknown: Vec<&'n str>,
    known: Vec<String>,
}

impl<'n> Fields<'n> {
    /// The first value under this key, or under one that is this key misspelled: that was told, and what stands in it is looked
    /// at all the same.
    pub fn get(&self, name: &str) -> Option<&'n Node> {
        let find = |name: &str| self.entries.iter().find(|(key, _)| key.name == name).map(|(_, node)| node);
        let misspelled = || {
            self.unknown.iter().find(|unknown| nearest(unknown, self.known.iter().map(String::as_str)) == Some(name))
        };
        find(name).or_else(|| find(misspelled()?))
    }

    /// Where to point when a key is missing: the first key of the map, or the map.
    pub fn place(&self) -> Place {
        self.entries.first().map_or(self.place, |(key, _)| key.place)
    }
}

/// A place as people count it, and its line as far as it is shown.
struct Spot {
    line: usize,
    column: usize,
    source_line: String,
    mark: (usize, usize),
}

impl Spot {
    fn find(text: &str, place: Place, until: usize, mask: fn(&str) -> String) -> Self {
        let start = text.floor_char_boundary(place.start.min(text.len()));
        let before = text.get(..start).unwrap_or_default();
        let line_start = before.rfind(['\n', '\r']).map_or(0, |at| at + 1);
        let rest = text.get(line_start..).unwrap_or_default();
        let line_text = rest.split(['\n', '\r']).next().unwrap_or_default();
        // `\r\n` is one line end.
        let line = before.matches('\n').count() + before.matches('\r').count() - before.matches("\r\n").count() + 1;
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        let in_line = text.get(start..start.saturating_add(place.length)).unwrap_or_default();
        let in_line = in_line.split(['\n', '\r']).next().unwrap_or_default().trim_end();
        // What is hidden in front of the place is shorter or longer than it was.
        let prefix = before.get(line_start..).unwrap_or_default();
        let from = mask(prefix).chars().count();
        let length = mask(&format!("{prefix}{in_line}")).chars().count().saturating_sub(from);
        let shown = match line_text.get(..until.saturating_sub(line_start)) {
            Some(shown) => format!("{}{HIDDEN}", mask(shown).trim_end_matches(HIDDEN)),
            None => mask(line_text),
        };
        let (source_line, mark) = cut(&shown, from, length.max(1));
        Self { line, column, source_line, mark }
    }
}

/// The part of a line around characters `at .. at + length`, and which bytes of it these are.
fn cut(line: &str, at: usize, length: usize) -> (String, (usize, usize)) {
    let count = line.chars().count();
    let from = at.min(count).saturating_sub(LINE_BEFORE);
    let until = at.saturating_add(LINE_AFTER).min(count);
    let mut shown = String::from(if from > 0 { "…" } else { "" });
    let mut mark = (shown.len(), 0);
    for (index, character) in line.chars().enumerate().take(until).skip(from) {
        if index == at {
            mark.0 = shown.len();
        }
        // Control characters would command the terminal; a tab is shown as one space so that columns stay true.
        let before = shown.len();
        shown.push(if character == '\t' { ' ' } else { clean(character) });
        if (at..at.saturating_add(length)).contains(&index) {
            mark.1 += shown.len() - before;
        }
    }
    if at >= until {
        // The place is the end of the line: something must be there to point at.
        mark = (shown.len(), 1);
        shown.push(' ');
    }
    if until < count {
        shown.push('…');
    }
    (shown, mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_shown_around_the_mistake_only() {
        let line = format!("{}X{}", "ä".repeat(300), "b".repeat(300));
        let (shown, (start, length)) = cut(&line, 300, 1);
        assert_eq!(shown.get(start..start + length), Some("X"));
        assert_eq!(shown.chars().count(), 2 + LINE_BEFORE + LINE_AFTER);
    }

    #[test]
    fn a_place_at_the_end_of_a_line_can_be_pointed_at() {
        assert_eq!(cut("key:", 4, 1), ("key: ".to_owned(), (4, 1)));
        assert_eq!(cut("", 0, 1), (" ".to_owned(), (0, 1)));
    }

    proptest::proptest! {
        #[test]
        fn every_place_of_every_text_can_be_shown(text in "\\PC{0,40}\r?\n?\\PC{0,40}", start in 0_usize..200, length in 0_usize..200) {
            let spot = Spot::find(&text, Place { start, length }, usize::MAX, str::to_owned);
            let (from, count) = spot.mark;
            assert!(spot.source_line.get(from..from + count).is_some_and(|marked| !marked.is_empty()));
        }
    }
}
