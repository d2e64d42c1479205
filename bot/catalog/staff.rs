//! `people.yaml` beside the configuration: who is whose manager, and where people are.

use std::collections::BTreeMap;
use std::path::Path;

use crate::config::Report;
use crate::config::sheet::Sheet;
use crate::config::words::{cleaned, nearest, quoted};
use crate::config::yaml::{self, Node, Value};
use crate::kernel::person::Who;
use crate::kernel::staff::{Employed, Staff};
use crate::kernel::window::zones;

/// Of one person.
const KEYS: &[&str] = &["manager", "zone"];
/// More people than this belong into a directory of their own.
const PEOPLE_MAX: usize = 50_000;

/// Reads the file; nobody if it is not there. `had_some`: people are known now, and a file that is gone is a mistake rather than the
/// end of every request that takes a manager. Blocks while it reads.
///
/// # Errors
/// Every mistake in it; then nothing is to be taken over.
pub fn read(file: &Path, had_some: bool) -> Result<Staff, Report> {
    let shown = cleaned(&file.display().to_string());
    if !had_some && matches!(std::fs::metadata(file), Err(error) if error.kind() == std::io::ErrorKind::NotFound) {
        return Ok(Staff::default());
    }
    from_text(&shown, &yaml::read_file(file)?)
}

/// Reads a text that stands for the file `name`.
///
/// # Errors
/// Every mistake in it.
pub fn from_text(name: &str, text: &str) -> Result<Staff, Report> {
    let mut sheet = Sheet::new(name, text);
    // A file of comments alone names nobody.
    if text.trim().is_empty() || matches!(yaml::parse(text), Ok(Node { value: Value::Nothing, .. })) {
        return Ok(Staff::default());
    }
    let people = sheet.parse().map(|node| people(&mut sheet, &node));
    match people {
        Some(people) if sheet.is_clean() => Ok(Staff::new(people)),
        _ => Err(sheet.into_report()),
    }
}

fn people(sheet: &mut Sheet, node: &Node) -> BTreeMap<String, Employed> {
    const EXAMPLE: &str = "write alice@example.com: { manager: carol@example.com, zone: Europe/Berlin }";
    let (mut people, zones) = (BTreeMap::new(), zones());
    let entries = sheet.map(node, "people.yaml").unwrap_or_default();
    if let Some((more, _)) = entries.get(PEOPLE_MAX) {
        sheet.mistake(more.place, format!("names more than {PEOPLE_MAX} people"), None);
        return people;
    }
    for (key, node) in entries {
        let Ok(Who::Email(name)) = Who::parse(&key.name) else {
            let message = format!("{} is neither an e-mail address nor a tailnet login", quoted(&key.name));
            sheet.mistake(key.place, message, Some(EXAMPLE.to_owned()));
            continue;
        };
        let Some(fields) = sheet.fields(node, "a person", KEYS) else { continue };
        let manager = fields.get("manager").and_then(|node| manager(sheet, node, &name));
        let zone = fields.get("zone").and_then(|node| zone(sheet, node, &zones));
        let employed = Employed { manager, zone };
        // The same letter for letter was told already.
        if people.insert(name, employed).is_some()
            && entries.iter().filter(|(other, _)| other.name == key.name).count() == 1
        {
            let message = format!("{} stands twice, in capitals and without", quoted(&key.name));
            sheet.mistake(key.place, message, Some("keep one".to_owned()));
        }
    }
    people
}

fn manager(sheet: &mut Sheet, node: &Node, person: &str) -> Option<String> {
    let text = sheet.text(node, "`manager`")?;
    let Ok(Who::Email(manager)) = Who::parse(text) else {
        let message = format!("`manager` cannot be {}", quoted(text));
        sheet.mistake(node.place, message, Some("one person, by e-mail address or tailnet login".to_owned()));
        return None;
    };
    if manager == person {
        let help = "name somebody else, or leave it out";
        sheet.mistake(node.place, "nobody is their own manager", Some(help.to_owned()));
        return None;
    }
    Some(manager)
}

fn zone(sheet: &mut Sheet, node: &Node, known: &[String]) -> Option<String> {
    let text = sheet.text(node, "`zone`")?.trim();
    if text == "UTC" || known.iter().any(|zone| zone == text) {
        return Some(text.to_owned());
    }
    let near = nearest(text, known.iter().map(String::as_str)).map(|near| format!("did you mean {near}?"));
    let help = near.unwrap_or_else(|| "a time zone is written like Europe/Berlin".to_owned());
    sheet.mistake(node.place, format!("there is no time zone {}", quoted(text)), Some(help));
    None
}
