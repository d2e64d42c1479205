//! `triggers:` of a workflow: what starts it beside somebody who types `/access NAME`.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::keys;
use super::schedule::{APART_MS, CronMistake, Times};
use super::workflow::slash_command;
use crate::config::sheet::{Fields, Sheet};
use crate::config::words::{nearest, quoted};
use crate::config::yaml::{Key, Node, Value};
use crate::inputs::{self, Given, Read};
use crate::kernel::origin::{Schedule, Trigger};
use crate::kernel::person::Who;
use crate::kernel::workflow::{Input, InputKind};

/// A longer list is several workflows.
const TRIGGERS_MAX: usize = 20;

/// What the list says.
#[derive(Default)]
pub(super) struct Triggers {
    /// Its own slash command, with where it stands.
    pub(super) command: Option<(String, Node)>,
    /// What starts it by itself, in order.
    pub(super) starting: Vec<Trigger>,
}

/// The triggers; none if the file names none. Without `inputs` (they have mistakes) what a schedule fills in is not checked.
pub(super) fn read(sheet: &mut Sheet, fields: &Fields, inputs: Option<&[Input]>) -> Option<Triggers> {
    let Some(node) = fields.get("triggers") else { return Some(Triggers::default()) };
    let list = sheet.list(node, "`triggers`")?;
    if list.len() > TRIGGERS_MAX {
        sheet.mistake(node.place, format!("more than {TRIGGERS_MAX} triggers"), None);
        return None;
    }
    let mut triggers = Triggers::default();
    let mut is_whole = true;
    for node in list {
        is_whole &= trigger(sheet, node, inputs, &mut triggers).is_some();
    }
    is_whole.then_some(triggers)
}

fn trigger(sheet: &mut Sheet, node: &Node, inputs: Option<&[Input]>, triggers: &mut Triggers) -> Option<()> {
    const HELP: &str = "write - schedule: { cron: \"0 9 * * mon\", as: alice@example.com }";
    let fields = sheet.fields(node, "a trigger", &keys::names(keys::TRIGGER))?;
    let schedule = fields.get("schedule");
    match (schedule, fields.get("command")) {
        (Some(node), None) => {
            triggers.starting.push(Trigger::Schedule(schedule_of(sheet, node, inputs)?));
        }
        (None, Some(node)) => {
            let command = slash_command(sheet, node)?;
            if let Some((other, _)) = &triggers.command {
                let message = format!("a second command beside {other}");
                sheet.mistake(node.place, message, Some("a workflow has one".to_owned()));
                return None;
            }
            triggers.command = Some((command, node.clone()));
        }
        (Some(_), Some(second)) => {
            sheet.mistake(second.place, "a trigger says one thing", Some("begin another one with -".to_owned()));
            return None;
        }
        // An unknown key was told.
        (None, None) if matches!(&node.value, Value::Map(entries) if !entries.is_empty()) => return None,
        (None, None) => {
            sheet.mistake(node.place, "a trigger says what starts the workflow", Some(HELP.to_owned()));
            return None;
        }
    }
    Some(())
}

fn schedule_of(sheet: &mut Sheet, node: &Node, inputs: Option<&[Input]>) -> Option<Schedule> {
    let fields = sheet.fields(node, "a schedule", &keys::names(keys::SCHEDULE))?;
    let zone = zone(sheet, &fields);
    let cron = cron(sheet, &fields, zone.as_ref());
    let run_as = run_as(sheet, &fields);
    let with = with(sheet, &fields, inputs);
    Some(Schedule { cron: cron?, zone: zone?.0, run_as: run_as?, with: with? })
}

/// The zone by its name, and what is known of it.
fn zone(sheet: &mut Sheet, fields: &Fields) -> Option<(String, TimeZone)> {
    let Some(node) = fields.get("zone") else { return Some(("UTC".to_owned(), TimeZone::UTC)) };
    let name = sheet.text(node, "`zone`")?.trim();
    // Names are compared as they are written: what is accepted here is accepted by every other program.
    let known: Vec<String> = jiff::tz::db().available().map(|name| name.as_str().to_owned()).collect();
    if let Some(zone) = TimeZone::get(name).ok().filter(|_| name == "UTC" || known.iter().any(|one| one == name)) {
        return Some((name.to_owned(), zone));
    }
    let near = known.iter().find(|known| known.eq_ignore_ascii_case(name)).map(String::as_str);
    let help = match near.or_else(|| nearest(name, known.iter().map(String::as_str))) {
        Some(near) => format!("did you mean {near}?"),
        None => "write one like Europe/Berlin, America/New_York or UTC".to_owned(),
    };
    sheet.mistake(node.place, format!("there is no time zone {}", quoted(name)), Some(help));
    None
}

fn cron(sheet: &mut Sheet, fields: &Fields, zone: Option<&(String, TimeZone)>) -> Option<String> {
    const HELP: &str = "minute, hour, day of the month, month, day of the week: cron: \"0 9 * * mon\"";
    let node = sheet.required(fields, "cron", HELP)?;
    let line = sheet.text(node, "`cron`")?.trim();
    // Whether a line is right hangs on no zone.
    let zone = zone.map_or(TimeZone::UTC, |(_, zone)| zone.clone());
    let (message, help) = match Times::read(line, zone) {
        Ok(_) => return Some(line.to_owned()),
        Err(CronMistake::Unreadable(why)) => (format!("{} is no cron line: {why}", quoted(line)), HELP.to_owned()),
        Err(CronMistake::Never) => (format!("{} is never due", quoted(line)), "there is no such day".to_owned()),
        Err(CronMistake::TooOften { .. }) => {
            let help = format!("at most once in {} minutes; a * in front means every minute", APART_MS / 60_000);
            (format!("{} is due too often", quoted(line)), help)
        }
    };
    sheet.mistake(node.place, message, Some(help));
    None
}

/// One person: they are who asks.
fn run_as(sheet: &mut Sheet, fields: &Fields) -> Option<String> {
    let node = sheet.required(fields, "as", "say who asks then: as: alice@example.com")?;
    let text = sheet.text(node, "`as`")?;
    match Who::parse(text) {
        Ok(who @ Who::Email(_)) => Some(who.to_string()),
        _ => {
            let help = "an e-mail address or tailnet login, like alice@example.com";
            sheet.mistake(node.place, format!("{} is not one person", quoted(text)), Some(help.to_owned()));
            None
        }
    }
}

/// What is filled in, as it would be typed; everything that must be there is.
fn with(sheet: &mut Sheet, fields: &Fields, inputs: Option<&[Input]>) -> Option<BTreeMap<String, String>> {
    let entries = match fields.get("with") {
        Some(node) => sheet.map(node, "`with`")?,
        None => &[],
    };
    let mut values = BTreeMap::new();
    let mut is_whole = true;
    for (key, node) in entries {
        match value(sheet, key, node, inputs) {
            Some(value) => drop(values.insert(key.name.clone(), value)),
            None => is_whole = false,
        }
    }
    let (asked, left_out) = crate::inputs::asked(inputs.unwrap_or_default(), &values);
    for input in left_out {
        if let Some((key, _)) = entries.iter().find(|(key, _)| key.name == input.name) {
            let message = format!("{} is asked only when {}", quoted(&key.name), input.when.in_words());
            sheet.mistake(key.place, message, Some("take it out".to_owned()));
            is_whole = false;
        }
    }
    let missing = |input: &&&Input| {
        let is_written = entries.iter().any(|(key, _)| key.name == input.name);
        !is_written && read_as(input, None) == Some(Read::Missing)
    };
    let missing: Vec<&str> = asked.iter().filter(missing).map(|input| input.name.as_str()).collect();
    if !missing.is_empty() {
        let place = fields.get("with").map_or_else(|| fields.place(), |node| node.place);
        let help = format!("write with: {{ {}: ... }}, or give it a default", missing.first().unwrap_or(&"name"));
        sheet.mistake(place, format!("nobody fills in {}", missing.join(", ")), Some(help));
        return None;
    }
    is_whole.then_some(values)
}

fn value(sheet: &mut Sheet, key: &Key, node: &Node, inputs: Option<&[Input]>) -> Option<String> {
    let typed = typed(sheet, node, &quoted(&key.name))?;
    let Some(inputs) = inputs else { return Some(typed) };
    let Some(input) = inputs.iter().find(|input| input.name == key.name) else {
        let names = || inputs.iter().map(|input| input.name.as_str());
        let help = match nearest(&key.name, names()) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("there is: {}", names().collect::<Vec<_>>().join(", ")),
        };
        sheet.mistake(key.place, format!("there is no input {}", quoted(&key.name)), Some(help));
        return None;
    };
    if let Some(Read::Wrong(why)) = read_as(input, Some(&typed)) {
        sheet.mistake(node.place, format!("{} cannot be filled in with this: {why}", quoted(&key.name)), None);
        return None;
    }
    Some(typed)
}

/// As somebody would type it.
fn typed(sheet: &mut Sheet, node: &Node, what: &str) -> Option<String> {
    match &node.value {
        Value::Text(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Value::Whole(number) => Some(number.to_string()),
        Value::Flag(flag) => Some(if *flag { "yes" } else { "no" }.to_owned()),
        Value::List(list) => {
            let words: Vec<Option<String>> = list.iter().map(|node| typed(sheet, node, what)).collect();
            words.into_iter().collect::<Option<Vec<String>>>().map(|words| words.join(","))
        }
        _ => {
            sheet.wrong_kind(node, what, "a value as it would be typed");
            None
        }
    }
}

/// What the input makes of it; nothing for what has to be looked up, which is judged when the time comes.
fn read_as(input: &Input, value: Option<&str>) -> Option<Read> {
    let is_looked_up = match input.kind {
        // The only one of theirs is taken.
        InputKind::Device { .. } => true,
        InputKind::Person { .. } => value.is_some(),
        _ => false,
    };
    let kind = inputs::of(&input.kind).filter(|_| !is_looked_up)?;
    Some((kind.read)(&input.kind, &Given { value, is_doubtful: false, devices: &[], people: &[] }))
}
