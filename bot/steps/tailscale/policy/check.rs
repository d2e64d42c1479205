//! What is wrong with the settings as written in a workflow file, before anything is filled in.

use serde_json::{Map, Value};

use super::wanted::{SECTIONS, is_people};
use crate::kernel::reference::{Piece, Reference, RequesterField, pieces};
use crate::kernel::step_type::SettingMistake;
use crate::kernel::workflow::{Input, InputKind};

/// What the policy file knows of a rule. See <https://tailscale.com/kb/1337/policy-syntax>.
const GRANT: &[&str] = &["src", "dst", "ip", "app", "srcPosture", "via"];
const SSH: &[&str] =
    &["action", "src", "dst", "users", "checkPeriod", "acceptEnv", "recorder", "enforceRecorder", "srcPosture"];
const ACL: &[&str] = &["action", "src", "dst", "proto", "srcPosture"];
/// Those that are lists of texts.
const LISTS: &[&str] = &["src", "dst", "ip", "users", "srcPosture", "via", "acceptEnv", "recorder"];

/// Kinds of input that nobody types freely.
const CHOSEN: [&str; 3] = ["choice", "device", "person"];

struct Looking<'a> {
    inputs: &'a [Input],
    is_unguarded: bool,
    has_device: bool,
    mistakes: Vec<SettingMistake>,
}

pub(super) fn check(with: &Map<String, Value>, inputs: &[Input]) -> Vec<SettingMistake> {
    let mut looking = Looking {
        inputs,
        is_unguarded: with.get("unguarded") == Some(&Value::Bool(true)),
        has_device: with.contains_key("device"),
        mistakes: Vec::new(),
    };
    looking.device(with.get("device"));
    if let Some(flag) = with.get("unguarded").filter(|flag| !flag.is_boolean()) {
        let message = format!("`unguarded` must be true or false, not {flag}");
        looking.tell("unguarded", &[], message, "write unguarded: true, or leave it out");
    }
    for section in SECTIONS {
        looking.section(section, with.get(section));
    }
    looking.groups(with.get("groups"));
    let is_something = SECTIONS.iter().chain(&["groups"]).any(|name| with.contains_key(*name));
    if !is_something {
        let help = "write grants: [{ src: [\"{{ requester.login }}\"], dst: [\"tag:prod-db\"], ip: [\"tcp:5432\"] }]";
        looking.tell("grants", &[], "it adds nothing: `grants`, `ssh`, `acls` and `groups` are missing", help);
    } else if !looking.has_device && !looking.is_unguarded {
        let help =
            "add device: { type: device } to `inputs`, or say unguarded: true: then only Nightlatch takes it back";
        looking.tell("device", &[], "without a device nothing goes dead by itself", help);
    }
    looking.mistakes
}

impl Looking<'_> {
    fn tell(&mut self, setting: &'static str, at: &[&str], message: impl Into<String>, help: impl Into<String>) {
        self.mistakes.push(SettingMistake::new(setting, message, help).at(at));
    }

    fn device(&mut self, device: Option<&Value>) {
        let Some(device) = device else { return };
        let is_device = |name: &str| self.inputs.iter().any(|input| input.name == name && input.kind.is_device());
        let pieces = device.as_str().and_then(|text| pieces(text).ok());
        if !matches!(pieces.as_deref(), Some([Piece::Reference(Reference::Input(name))]) if is_device(name)) {
            let help = "write device: \"{{ inputs.device }}\" with an input device: { type: device }, or leave it out";
            self.tell("device", &[], "`device` must be an input of type device", help);
        }
    }

    fn section(&mut self, section: &'static str, entries: Option<&Value>) {
        let Some(entries) = entries else { return };
        let help = format!("write {section}: [{{ src: [...], dst: [...] }}]");
        let Some(entries) = entries.as_array().filter(|entries| !entries.is_empty()) else {
            return self.tell(
                section,
                &[],
                format!("`{section}` must be a list of entries as in the policy file"),
                help,
            );
        };
        for (index, entry) in entries.iter().enumerate() {
            let index = index.to_string();
            match entry.as_object() {
                Some(entry) => self.entry(section, &index, entry),
                None => self.tell(section, &[&index], "an entry must be a map, as in the policy file", help.clone()),
            }
        }
    }

    fn entry(&mut self, section: &'static str, index: &str, entry: &Map<String, Value>) {
        let (known, needed): (&[&str], &[&str]) = match section {
            "grants" => (GRANT, &["src", "dst"]),
            "ssh" => (SSH, &["action", "src", "dst", "users"]),
            _ => (ACL, &["action", "src", "dst"]),
        };
        for name in needed.iter().filter(|name| !entry.contains_key(**name)) {
            let message = format!("an entry of `{section}` needs `{name}`");
            self.tell(section, &[index], message, format!("write it as in the policy file, with {name}: ..."));
        }
        if section == "grants" && !entry.contains_key("ip") && !entry.contains_key("app") {
            let help = "write ip: [\"tcp:5432\"], or app: with a capability";
            self.tell(section, &[index], "a grant needs `ip` or `app`", help);
        }
        for (name, value) in entry {
            let at = [index, name.as_str()];
            if !known.contains(&name.as_str()) {
                let message = format!("`{name}` is not known in an entry of `{section}`");
                self.tell(section, &at, message, format!("there is: {}", known.join(", ")));
                continue;
            }
            if LISTS.contains(&name.as_str()) {
                self.list(section, &at, value);
            }
            let actions: &[&str] = if section == "ssh" { &["accept", "check"] } else { &["accept"] };
            if name == "action" && !value.as_str().is_some_and(|action| actions.contains(&action)) {
                self.tell(section, &at, "this is no action", format!("write action: {}", actions.join(" or ")));
            }
            self.references(section, &mut at.map(str::to_owned).to_vec(), value);
        }
        self.guard(section, index, entry);
    }

    fn list(&mut self, section: &'static str, at: &[&str; 2], value: &Value) {
        let is_text = |one: &Value| one.as_str().is_some_and(|text| !text.trim().is_empty());
        let name = at[1];
        // A choice of several is a list by itself.
        let is_filled_in = value.as_str().is_some_and(|text| text.contains("{{"));
        if !is_filled_in && !value.as_array().is_some_and(|list| !list.is_empty() && list.iter().all(is_text)) {
            let message = format!("`{name}` must be a list of texts, with at least one");
            self.tell(section, at, message, format!("write {name}: [\"...\"]"));
        }
    }

    /// What stands in `{{ }}` however deep: never what somebody typed.
    fn references(&mut self, setting: &'static str, at: &mut Vec<String>, value: &Value) {
        match value {
            Value::String(text) => {
                let found = pieces(text).unwrap_or_default();
                for reference in found.into_iter().filter_map(|piece| match piece {
                    Piece::Reference(reference) => Some(reference),
                    Piece::Text(_) => None,
                }) {
                    if let Err(what) = self.may_stand(reference) {
                        let at: Vec<&str> = at.iter().map(String::as_str).collect();
                        let help = "only requester.*, device.* and inputs that are a choice, a device or a person may stand here";
                        self.tell(
                            setting,
                            &at,
                            format!("`{reference}` {what}: it may not become part of the policy file"),
                            help,
                        );
                    }
                }
            }
            Value::Array(list) => {
                for (index, value) in list.iter().enumerate() {
                    at.push(index.to_string());
                    self.references(setting, at, value);
                    at.pop();
                }
            }
            Value::Object(map) => {
                for (name, value) in map {
                    at.push(name.clone());
                    self.references(setting, at, value);
                    at.pop();
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn may_stand(&self, reference: Reference<'_>) -> Result<(), &'static str> {
        match reference {
            Reference::Requester(_) | Reference::Device(_) => Ok(()),
            Reference::Input(name) => match self.inputs.iter().find(|input| input.name == name) {
                Some(input) if input.kind.name().is_some_and(|kind| CHOSEN.contains(&kind)) => Ok(()),
                Some(_) => Err("is what somebody typed"),
                // An input that is not there is told by itself.
                None => Ok(()),
            },
            Reference::Request(_) => Err("is of the request"),
            Reference::House(_) => Err("is a list for people"),
            Reference::Result { .. } => Err("is what a step came to"),
        }
    }

    /// What no posture holds back is said in the file.
    fn guard(&mut self, section: &'static str, index: &str, entry: &Map<String, Value>) {
        if self.is_unguarded {
            return;
        }
        let Some(list) = entry.get("src").and_then(Value::as_array) else { return };
        for (number, src) in list.iter().enumerate() {
            let Some(text) = src.as_str().filter(|text| !self.is_held_back(text)) else { continue };
            let message = format!("no posture holds back the source `{text}`, so it would not go dead by itself");
            let help = "name people (\"{{ requester.login }}\", group:..., autogroup:member), or say unguarded: true: then only \
                        Nightlatch takes it back, and the card says so";
            self.tell(section, &[index, "src", &number.to_string()], message, help);
        }
    }

    fn is_held_back(&self, text: &str) -> bool {
        let Ok(found) = pieces(text) else { return true };
        match found.as_slice() {
            [Piece::Text(text)] => is_people(text),
            [Piece::Text(prefix), ..] if prefix.starts_with("group:") || prefix.starts_with("user:") => true,
            [Piece::Reference(Reference::Requester(RequesterField::Login | RequesterField::Email))] => true,
            [Piece::Reference(Reference::Input(name))] => {
                let input = self.inputs.iter().find(|input| input.name == *name);
                input.is_none_or(|input| match &input.kind {
                    InputKind::Choice { options, .. } => options.iter().all(|option| is_people(&option.value)),
                    kind => kind.name() == Some("person"),
                })
            }
            _ => false,
        }
    }

    fn groups(&mut self, groups: Option<&Value>) {
        const SETTING: &str = "groups";
        const HELP: &str = "write groups: { \"group:incident\": [\"{{ requester.login }}\"] }";
        let Some(groups) = groups else { return };
        let Some(groups) = groups.as_object().filter(|groups| !groups.is_empty()) else {
            return self.tell(SETTING, &[], "`groups` must be a map of groups with lists of logins", HELP);
        };
        for (group, members) in groups {
            if group.strip_prefix("group:").is_none_or(str::is_empty) {
                self.tell(SETTING, &[group], format!("`{group}` is not a group of the policy file"), HELP);
            }
            let is_text = |one: &Value| one.as_str().is_some_and(|text| !text.trim().is_empty());
            if !members.as_array().is_some_and(|list| !list.is_empty() && list.iter().all(is_text)) {
                self.tell(SETTING, &[group], format!("`{group}` must have a list of logins"), HELP);
            }
            self.references(SETTING, &mut vec![group.clone()], members);
        }
        if !self.is_unguarded {
            let help = "say unguarded: true: then only Nightlatch takes it back, and the card says so";
            self.tell(SETTING, &[], "no posture holds back who is in a group, so it would not end by itself", help);
        }
    }
}
