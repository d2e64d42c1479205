//! Cutting a template into texts, and the inside of `{{ }}` into words.

use super::TemplateError;

/// Text, or the words of one action.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Piece {
    Text(String),
    Action(Vec<Word>),
}

/// A word of an action.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Word {
    Space,
    Text(String),
    Number(String),
    Character(char),
    /// `.Name`, without the dot.
    Field(String),
    /// `$name`, with the sign.
    Variable(String),
    Dot,
    Name(String),
    /// `|`
    Pipe,
    Open,
    Close,
    /// `:=`
    Declare,
    /// `=`
    Assign,
}

fn wrong<T>(why: impl Into<String>) -> Result<T, TemplateError> {
    Err(TemplateError(why.into()))
}

/// The whole template in pieces, comments left out and space trimmed where `{{-` and `-}}` say so.
pub(super) fn cut(template: &str) -> Result<Vec<Piece>, TemplateError> {
    let mut pieces = Vec::new();
    let mut rest = template;
    let mut trims = false;
    loop {
        let Some((text, after)) = rest.split_once("{{") else {
            push_text(&mut pieces, rest, trims, false);
            return Ok(pieces);
        };
        let trims_before = after.strip_prefix('-').is_some_and(|after| after.starts_with(char::is_whitespace));
        push_text(&mut pieces, text, trims, trims_before);
        let inside = if trims_before { after.get(1..).unwrap_or_default() } else { after };
        let comment = inside.trim_start_matches(|c: char| trims_before && c.is_whitespace());
        if let Some(comment) = comment.strip_prefix("/*") {
            let Some((_, after)) = comment.split_once("*/") else { return wrong("a comment is not closed") };
            (rest, trims) = close(after).ok_or_else(|| TemplateError("a comment ends before `}}`".to_owned()))?;
            continue;
        }
        let (words, after, trims_after) = words(inside)?;
        pieces.push(Piece::Action(words));
        (rest, trims) = (after, trims_after);
    }
}

fn push_text(pieces: &mut Vec<Piece>, text: &str, trims_start: bool, trims_end: bool) {
    let space = |c: char| matches!(c, ' ' | '\t' | '\r' | '\n');
    let text = if trims_start { text.trim_start_matches(space) } else { text };
    let text = if trims_end { text.trim_end_matches(space) } else { text };
    if !text.is_empty() {
        pieces.push(Piece::Text(text.to_owned()));
    }
}

/// If an action ends here: what follows it, and whether space after it goes.
fn close(text: &str) -> Option<(&str, bool)> {
    if let Some(after) = text.strip_prefix("}}") {
        return Some((after, false));
    }
    let trimmed = text.trim_start_matches([' ', '\t', '\r', '\n']);
    let after = trimmed.strip_prefix("-}}")?;
    (trimmed.len() < text.len()).then_some((after, true))
}

/// The words up to the end of the action, what follows it, and whether space after it goes.
fn words(text: &str) -> Result<(Vec<Word>, &str, bool), TemplateError> {
    let mut words = Vec::new();
    let mut rest = text;
    loop {
        if let Some((after, trims)) = close(rest) {
            return Ok((words, after, trims));
        }
        let (word, after) = word(rest)?;
        if word != Word::Space || words.last() != Some(&Word::Space) {
            words.push(word);
        }
        rest = after;
    }
}

fn word(text: &str) -> Result<(Word, &str), TemplateError> {
    let Some(first) = text.chars().next() else { return wrong("`{{` is not closed by `}}`") };
    let after = text.get(first.len_utf8()..).unwrap_or_default();
    Ok(match first {
        ' ' | '\t' | '\r' | '\n' => (Word::Space, after),
        '"' => quoted(after)?,
        '`' => match after.split_once('`') {
            Some((inside, after)) => (Word::Text(inside.replace('\r', "")), after),
            None => return wrong("a text in backquotes is not closed"),
        },
        '\'' => character(after)?,
        '|' => (Word::Pipe, after),
        '(' => (Word::Open, after),
        ')' => (Word::Close, after),
        '=' => (Word::Assign, after),
        ':' => match after.strip_prefix('=') {
            Some(after) => (Word::Declare, after),
            None => return wrong("`:` stands alone; a variable is set with `:=`"),
        },
        '$' => {
            let (name, after) = name(after);
            (Word::Variable(format!("${name}")), after)
        }
        '.' if after.starts_with(|c: char| c.is_ascii_digit()) => number(text),
        '.' => match name(after) {
            ("", after) => (Word::Dot, after),
            (name, after) => (Word::Field(name.to_owned()), after),
        },
        '+' | '-' | '0'..='9' => number(text),
        _ if is_letter(first) => {
            let (name, after) = name(text);
            (Word::Name(name.to_owned()), after)
        }
        other => return wrong(format!("`{other}` means nothing here")),
    })
}

fn is_letter(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}

fn name(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !is_letter(c) && !c.is_numeric()).unwrap_or(text.len());
    text.split_at(end)
}

fn number(text: &str) -> (Word, &str) {
    let mut previous = ' ';
    let end = text.find(|c: char| {
        let sign = matches!(c, '+' | '-') && matches!(previous, ' ' | 'e' | 'E');
        let ends = !(sign || c.is_ascii_alphanumeric() || c == '.' || c == '_');
        previous = c;
        ends
    });
    let (number, after) = text.split_at(end.unwrap_or(text.len()));
    (Word::Number(number.to_owned()), after)
}

/// A text in double quotes with Go's escapes; `text` begins behind the first quote.
fn quoted(text: &str) -> Result<(Word, &str), TemplateError> {
    let mut inside = String::new();
    let mut rest = text;
    loop {
        match rest.chars().next() {
            None | Some('\n') => return wrong("a text in quotes is not closed"),
            Some('"') => return Ok((Word::Text(inside), rest.get(1..).unwrap_or_default())),
            Some('\\') => {
                let (meant, after) = escape(rest.get(1..).unwrap_or_default())?;
                inside.push(meant);
                rest = after;
            }
            Some(other) => {
                inside.push(other);
                rest = rest.get(other.len_utf8()..).unwrap_or_default();
            }
        }
    }
}

fn character(text: &str) -> Result<(Word, &str), TemplateError> {
    let (meant, after) = match text.chars().next() {
        Some('\\') => escape(text.get(1..).unwrap_or_default())?,
        Some(other) if other != '\'' => (other, text.get(other.len_utf8()..).unwrap_or_default()),
        _ => return wrong("a character in single quotes is not closed"),
    };
    match after.strip_prefix('\'') {
        Some(after) => Ok((Word::Character(meant), after)),
        None => wrong("a character in single quotes is not closed"),
    }
}

/// What stands behind a backslash. Octal and hexadecimal bytes only as ASCII: our texts are characters, not bytes.
fn escape(text: &str) -> Result<(char, &str), TemplateError> {
    let Some(first) = text.chars().next() else { return wrong("a backslash stands at the end") };
    let after = text.get(first.len_utf8()..).unwrap_or_default();
    let meant = match first {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'v' => '\u{b}',
        '\\' | '"' | '\'' => first,
        'x' => return coded(after, 2, 0x7f),
        'u' => return coded(after, 4, u32::MAX),
        'U' => return coded(after, 8, u32::MAX),
        other => return wrong(format!("`\\{other}` is no escape; write `\\\\` for a backslash")),
    };
    Ok((meant, after))
}

fn coded(text: &str, digits: usize, most: u32) -> Result<(char, &str), TemplateError> {
    let code = text.get(..digits).and_then(|code| u32::from_str_radix(code, 16).ok()).filter(|code| *code <= most);
    match code.and_then(char::from_u32) {
        Some(meant) => Ok((meant, text.get(digits..).unwrap_or_default())),
        None => wrong("a character is escaped by a number it does not have"),
    }
}
