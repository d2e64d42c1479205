//! Where the head of the audit log is kept a second time: a file, and a channel of Slack.

use std::path::{Path, PathBuf};

use super::Database;
use super::read::optional;
use super::sheet::{Fields, Sheet};

/// A file that is not the database itself; beside the database if the key is missing.
pub(super) fn file(sheet: &mut Sheet, folder: &Path, fields: &Fields, database: &Database) -> Option<PathBuf> {
    let Database::Sqlite(database) = database;
    let Some(node) = optional(fields, "anchor") else {
        let mut beside = database.as_os_str().to_owned();
        beside.push(".anchor");
        return Some(PathBuf::from(beside));
    };
    let path = folder.join(sheet.text(node, "`anchor`")?);
    if path == *database {
        let help = "write anchor: nightlatch.anchor, best on another disk than the database";
        sheet.mistake(node.place, "`anchor` is the database itself", Some(help.to_owned()));
        return None;
    }
    Some(path)
}

/// A channel of Slack, if it is named.
pub(super) fn channel(sheet: &mut Sheet, fields: &Fields) -> Option<String> {
    let name = "anchor_channel";
    let node = optional(fields, name)?;
    let text = sheet.text(node, &format!("`{name}`"))?;
    let is_id = text.len() > 8 && text.starts_with(['C', 'G']) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let is_name = text.len() > 1 && text.starts_with('#') && !text.contains(char::is_whitespace);
    if !is_id && !is_name {
        let help = format!("write {name}: \"#ops\" with the quotes, or the channel's id like C024BE91L");
        sheet.mistake(node.place, format!("`{name}` is no channel"), Some(help));
        return None;
    }
    Some(text.to_owned())
}
