//! `pattern` and `pattern_help`: what a typed text has to look like.

use super::InputSetting;
use crate::config::sheet::{Fields, Sheet};
use crate::kernel::workflow::Pattern;

/// Said to whoever typed something else.
const HELP_MAX: usize = 150;

/// In the tables of kinds.
pub const SETTINGS: [InputSetting; 2] = [
    InputSetting {
        name: "pattern",
        is_required: false,
        about: "A regular expression (of Rust's crate `regex`) that has to be found in it; `^` and `$` stand for its beginning and its end.",
    },
    InputSetting {
        name: "pattern_help",
        is_required: false,
        about: "Told to whoever typed something that does not fit the pattern.",
    },
];

/// The pattern of an input, if it has one. The outer nothing: it is wrong, and that was told.
pub fn pattern(sheet: &mut Sheet, fields: &Fields) -> Option<Option<Pattern>> {
    let help = match fields.get("pattern_help") {
        Some(node) => Some(sheet.short_text(node, "`pattern_help`", HELP_MAX)?.trim().to_owned()),
        None => None,
    };
    let Some(node) = fields.get("pattern") else {
        if let Some(node) = fields.get("pattern_help") {
            let help = "add pattern: \"^INC-\\\\d+\", or take pattern_help out".to_owned();
            sheet.mistake(node.place, "`pattern_help` stands without `pattern`", Some(help));
            return None;
        }
        return Some(None);
    };
    let pattern = Pattern { regex: sheet.text(node, "`pattern`")?.to_owned(), help };
    if let Some(why) = pattern.mistake() {
        let why = why.lines().last().unwrap_or_default().trim().trim_start_matches("error: ").to_owned();
        sheet.mistake(node.place, "`pattern` is not a regular expression", Some(why));
        return None;
    }
    Some(Some(pattern))
}

/// Why the text does not fit, for people; nothing if it does.
pub fn misfit(pattern: Option<&Pattern>, text: &str) -> Option<String> {
    let pattern = pattern.filter(|pattern| !pattern.fits(text))?;
    Some(pattern.help.clone().unwrap_or_else(|| format!("it has to look like {}", pattern.regex)))
}
