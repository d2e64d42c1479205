//! YAML as a tree in which every value knows its place, so that all mistakes of a file can be told at once.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::{Error, Location, MessageFormatter, Spanned, UserMessageFormatter};

use super::report::Report;

/// The most bytes a file may have.
pub const FILE_MAX_BYTES: u64 = 256 * 1024;

/// Which bytes of the text are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The first byte.
    pub start: usize,
    /// How many bytes.
    pub length: usize,
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where it is used; of an alias, the alias.
    pub place: Place,
    /// The value.
    pub value: Value,
}

/// What YAML knows.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing after the colon, `~` or `null`.
    Nothing,
    /// `true` or `false`; `yes` and `no` are texts.
    Flag(bool),
    /// A whole number.
    Whole(i64),
    /// Any other number.
    Fraction(f64),
    /// Anything else that is one word or in quotes.
    Text(String),
    /// `- a` or `[a]`.
    List(Vec<Node>),
    /// `key: value`, in the order of the file; a key may stand twice.
    Map(Vec<(Key, Node)>),
}

/// The left side of `key: value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Where it stands.
    pub place: Place,
    /// The word.
    pub name: String,
}

/// Reads a file of at most `FILE_MAX_BYTES` as UTF-8 text; a byte order mark is dropped.
///
/// # Errors
/// The file cannot be read, is too large, or is not UTF-8.
pub fn read_file(path: &Path) -> Result<String, Report> {
    let file = path.display().to_string();
    let unreadable = |error: std::io::Error| Report::whole(&file, format!("cannot be read: {error}"), None);
    let opened = File::open(path).map_err(unreadable)?;
    if !opened.metadata().map_err(unreadable)?.is_file() {
        return Err(Report::whole(&file, "is not a file", None));
    }
    let mut bytes = Vec::new();
    opened.take(FILE_MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > FILE_MAX_BYTES) {
        let message = format!("is larger than {} KiB", FILE_MAX_BYTES / 1024);
        return Err(Report::whole(&file, message, Some("a file like this has some dozens of lines".to_owned())));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let line =
            error.as_bytes().iter().take(error.utf8_error().valid_up_to()).filter(|&&byte| byte == b'\n').count() + 1;
        Report::whole(
            &file,
            format!("is not UTF-8 text (line {line})"),
            Some("save it with the encoding UTF-8".to_owned()),
        )
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// Where the text is not YAML and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotYaml {
    /// Where, if that is known.
    pub place: Option<Place>,
    /// Why, for people.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// Reads one YAML document. Cheap for hostile text: depth, nodes and aliases are limited.
///
/// # Errors
/// The text is not YAML, holds more than one document, or is over a limit.
pub fn parse(text: &str) -> Result<Node, NotYaml> {
    let node: Spanned<Value> = serde_saphyr::from_str_with_options(text, options()).map_err(|error| {
        let error = error.without_snippet();
        let place = error.location().and_then(|location| place_of(location).or_else(|| place_in(text, location)));
        if !matches!(error, Error::Budget { .. })
            && let Some(quote) = open_quote(text, place)
        {
            let (message, help) = ("a quote is opened here and never closed", "close it with the same sign");
            return NotYaml { place: Some(quote), message: message.to_owned(), help: Some(help.to_owned()) };
        }
        let (message, help) = explain(error, text, place);
        NotYaml { place, message, help }
    })?;
    Ok(node.into())
}

/// The parser's words where they are good, ours where people would not know what to do next.
fn explain(error: &Error, text: &str, place: Option<Place>) -> (String, Option<String>) {
    let own = |message: &str, help: &str| (message.to_owned(), Some(help.to_owned()));
    let here = place.and_then(|place| text.get(place.start..)).unwrap_or_default();
    let message = UserMessageFormatter.format_message(error);
    match error {
        Error::AliasError { error, .. } => explain(error, text, place),
        Error::Budget { breach: BudgetBreach::Documents { .. }, .. } => {
            own("a second document begins here", "a file holds one document: take the `---` out")
        }
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasReplayCounterOverflow { .. } => {
            own("is larger or deeper than a file like this can be", "write it out without anchors (&) and aliases (*)")
        }
        _ if message.contains("recursion limit") => own("is deeper than a file like this can be", "take out brackets"),
        _ if is_tab(text, place) => own("a tab stands where YAML wants spaces", "use spaces: two for each level"),
        _ if message.contains("quoted scalar") || message.contains("quoted string") => {
            own("a quote is opened here and never closed", "close it with the same sign")
        }
        // The most common slip, told by the parser in words of its own trade.
        _ if message.contains("mapping values") => {
            own("a second `: ` on one line", "put a text that holds `: ` in quotes, and check the indentation")
        }
        Error::MergeKeyNotAllowed { .. } => own("`<<` is not read here", "write the keys out"),
        Error::UnknownAnchor { .. } => {
            own("there is nothing to refer to with *", "put the text in quotes if it begins with *")
        }
        _ if here.starts_with('{') => {
            own("this is a map where a word must be", "put {{ }} in quotes: \"{{ inputs.device }}\"")
        }
        _ if here.starts_with(['@', '`', '%']) => {
            own("a text that begins like this needs quotes", "like \"@db-oncall\"")
        }
        _ => (message.into_owned(), None),
    }
}

/// Whether the place, or what its line begins with, is a tab.
fn is_tab(text: &str, place: Option<Place>) -> bool {
    let Some(place) = place else { return false };
    let before = text.get(..place.start).unwrap_or_default();
    let line = text.get(before.rfind('\n').map_or(0, |at| at + 1)..).unwrap_or_default();
    let indent: String = line.chars().take_while(|c| c.is_whitespace() && *c != '\n').collect();
    indent.contains('\t') || text.get(place.start..).unwrap_or_default().starts_with('\t')
}

/// Where a quote is opened at or above this place and never closed: the next one of its kind, if there is any, opens another value. The
/// parser notices only where the text stops making sense, which may be many lines further down.
fn open_quote(text: &str, place: Option<Place>) -> Option<Place> {
    let last = place.map_or(text.len(), |place| place.start);
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let line_start = start;
        start += line.len();
        if line_start > last {
            break;
        }
        let Some((at, quote)) = opens(line) else { continue };
        let rest = text.get(line_start + at + quote.len_utf8()..).unwrap_or_default();
        if !is_closed(rest, quote) {
            return Some(Place { start: line_start + at, length: quote.len_utf8() });
        }
    }
    None
}

/// The quote that the value of this line begins with, and where.
fn opens(line: &str) -> Option<(usize, char)> {
    let after = |mark: &str| line.find(mark).map(|at| at + mark.len());
    let value = after(": ").or_else(|| after("- ")).unwrap_or(0);
    let rest = line.get(value..)?;
    let at = value + rest.len().saturating_sub(rest.trim_start().len());
    let first = rest.trim_start().chars().next().filter(|first| matches!(first, '"' | '\''))?;
    Some((at, first))
}

/// Whether a text in quotes ends, and not where another one begins.
fn is_closed(rest: &str, quote: char) -> bool {
    let mut before = String::new();
    let mut characters = rest.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' if quote == '"' => drop(characters.next()),
            '\'' if quote == '\'' && characters.peek() == Some(&'\'') => drop(characters.next()),
            _ if character == quote => {
                let line = before.rsplit('\n').next().unwrap_or_default().trim_end_matches(' ');
                let is_other = before.contains('\n') && line.ends_with([':', '-', ',', '[', '{']);
                return !is_other;
            }
            _ => {}
        }
        before.push(character);
    }
    false
}

/// The limits are far above what a person writes and far below what costs anything. `<<` is refused: it hides where a
/// value comes from. Keys that stand twice pass, so that they are reported together with all other mistakes.
fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        strict_booleans: true,
        with_snippet: false,
        reject_unsupported_tags: true,
        duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::PassThrough,
        merge_keys: serde_saphyr::options::MergeKeyPolicy::Error,
        budget: serde_saphyr::budget! {
            max_depth: 32,
            max_nodes: 20_000,
            max_documents: 1,
            max_aliases: 200,
            max_anchors: 100,
            max_total_scalar_bytes: 1_000_000,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 10_000,
            max_replay_stack_depth: 8,
            max_alias_expansions_per_anchor: 64,
        },
    }
}

fn place_of(location: Location) -> Option<Place> {
    let span = location.span();
    let start = usize::try_from(span.byte_offset()?).ok()?;
    let length = span.byte_len().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    (location.line() > 0).then_some(Place { start, length })
}

/// Errors of the scanner know line and column only.
fn place_in(text: &str, location: Location) -> Option<Place> {
    let line = usize::try_from(location.line()).ok()?.checked_sub(1)?;
    let column = usize::try_from(location.column()).ok()?.saturating_sub(1);
    let line_start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = text.get(line_start..)?;
    let start = line_start + rest.char_indices().nth(column).map_or(rest.len(), |(at, _)| at);
    Some(Place { start, length: 1 })
}

impl From<Spanned<Value>> for Node {
    fn from(spanned: Spanned<Value>) -> Self {
        Self { place: place_of(spanned.referenced).unwrap_or_default(), value: spanned.value }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Nothing)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Nothing)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Flag(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Whole(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        // A number this large is nowhere asked for; as a text it is refused where a number is.
        Ok(i64::try_from(number).map_or_else(|_| Value::Text(number.to_string()), Value::Whole))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Fraction(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = sequence.next_element::<Spanned<Value>>()? {
            list.push(item.into());
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Vec::new();
        while let Some(key) = access.next_key::<Spanned<String>>()? {
            let value = access.next_value::<Spanned<Value>>()?;
            let key = Key { place: place_of(key.referenced).unwrap_or_default(), name: key.value };
            map.push((key, value.into()));
        }
        Ok(Value::Map(map))
    }
}

impl Value {
    /// The word for this kind of value, with its article.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Flag(_) => "true or false",
            Self::Whole(_) | Self::Fraction(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }

    /// The same value as JSON; of keys that stand twice the last counts.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Nothing => serde_json::Value::Null,
            Self::Flag(flag) => (*flag).into(),
            Self::Whole(number) => (*number).into(),
            Self::Fraction(number) => (*number).into(),
            Self::Text(text) => text.as_str().into(),
            Self::List(list) => list.iter().map(|node| node.value.to_json()).collect(),
            Self::Map(map) => map.iter().map(|(key, node)| (key.name.clone(), node.value.to_json())).collect(),
        }
    }
}
