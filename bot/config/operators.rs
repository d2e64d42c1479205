//! Where the command line reaches the running bot, and which persons the users of this machine are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Database;
use super::read::optional;
use super::sheet::{Fields, Sheet};
use super::yaml::Node;

/// The socket, if it is named; never the database.
pub(super) fn socket(
    sheet: &mut Sheet,
    folder: &Path,
    fields: &Fields,
    database: Option<&Database>,
) -> Option<PathBuf> {
    let node = optional(fields, "control")?;
    let text = sheet.text(node, "`control`")?;
    let path = folder.join(text.strip_prefix("unix:").unwrap_or(text));
    let is_database = database.is_some_and(|Database::Sqlite(database)| *database == path);
    if is_database || path.file_name().is_none() {
        let help = "write control: control.sock, or /run/nightlatch/control.sock";
        sheet.mistake(node.place, "`control` is no place for a socket", Some(help.to_owned()));
        return None;
    }
    Some(path)
}

/// User name to e-mail address or login.
pub(super) fn people(sheet: &mut Sheet, fields: &Fields) -> BTreeMap<String, String> {
    let entries = optional(fields, "operators").and_then(|node| sheet.map(node, "`operators`")).unwrap_or_default();
    let mut people = BTreeMap::new();
    for (key, node) in entries {
        if key.name.is_empty() || key.name.contains(|c: char| c.is_whitespace() || c == ':' || c == '@') {
            let help = "write the name that `id -un` prints, like deploy: alice@example.com";
            sheet.mistake(key.place, "this is no user of a machine", Some(help.to_owned()));
        }
        people.extend(login(sheet, node).map(|login| (key.name.clone(), login)));
    }
    people
}

/// The login of somebody in the tailnet, in lower case.
pub(super) fn login(sheet: &mut Sheet, node: &Node) -> Option<String> {
    let login = sheet.text(node, "the tailnet login")?.trim().to_lowercase();
    match login.split_once('@') {
        Some((name, host)) if !name.is_empty() && !host.is_empty() && !login.contains(char::is_whitespace) => {
            Some(login)
        }
        _ => {
            let help = "write it as the admin console's Users page does, like alice@example.com or alice@github";
            sheet.mistake(node.place, "this is not a tailnet login", Some(help.to_owned()));
            None
        }
    }
}
