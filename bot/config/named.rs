//! `secrets:` of the configuration: secrets that workflows name as `secret:NAME`, and the hosts and programs they may go to.

use std::collections::BTreeMap;
use std::path::Path;

use super::programs::is_path;
use super::read::{Source, optional, source};
use super::secret::SecretSource;
use super::sheet::{Fields, Sheet};
use super::words::quoted;
use super::yaml::{Node, Value};

/// One of them. The short form, without hosts, is for what goes nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedSecret {
    /// Where it is.
    pub from: SecretSource,
    /// Where it may go, in lower case.
    pub hosts: Vec<String>,
    /// Which programs get it in their environment, by path.
    pub programs: Vec<String>,
}

const HELP: &str = "write ci: { from: env:CI_SECRET, hosts: [ci.example.com] }";

pub(super) fn secrets(sheet: &mut Sheet, folder: &Path, fields: &Fields) -> BTreeMap<String, NamedSecret> {
    let mut all = BTreeMap::new();
    let entries = optional(fields, "secrets").and_then(|node| sheet.map(node, "`secrets`")).unwrap_or_default();
    for (key, node) in entries {
        let is_name = key.name.starts_with(|first: char| first.is_ascii_lowercase())
            && key.name.len() <= 32
            && key.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if !is_name {
            let help = "lower-case letters, digits and _, at most 32, like ci or deploy_hook".to_owned();
            sheet.mistake(key.place, format!("{} cannot be the name of a secret", quoted(&key.name)), Some(help));
            continue;
        }
        if let Some(secret) = one(sheet, folder, &key.name, node) {
            all.insert(key.name.clone(), secret);
        }
    }
    all
}

fn one(sheet: &mut Sheet, folder: &Path, name: &str, node: &Node) -> Option<NamedSecret> {
    if !matches!(node.value, Value::Map(_)) {
        return Some(NamedSecret { from: from(sheet, folder, name, node)?, hosts: Vec::new(), programs: Vec::new() });
    }
    let fields = sheet.fields(node, &format!("the secret {}", quoted(name)), &["from", "hosts", "programs"])?;
    let given = sheet.required(&fields, "from", HELP)?;
    let from = from(sheet, folder, name, given);
    let programs = optional(&fields, "programs").map(|node| programs(sheet, node));
    let node = match programs {
        Some(_) => optional(&fields, "hosts"),
        None => Some(sheet.required(&fields, "hosts", HELP)?),
    };
    let mut hosts = Vec::new();
    for host in node.and_then(|node| sheet.list(node, "`hosts`")).unwrap_or_default() {
        let text = sheet.text(host, "a host")?.trim().to_lowercase();
        if text.contains(['/', ':', '*', '@']) || text.contains(char::is_whitespace) {
            let help = "write its name alone, like ci.example.com".to_owned();
            sheet.mistake(host.place, format!("{} is not the name of a host", quoted(&text)), Some(help));
            return None;
        }
        hosts.push(text);
    }
    let programs = programs.unwrap_or(Some(Vec::new()))?;
    Some(NamedSecret { from: from?, hosts, programs })
}

fn programs(sheet: &mut Sheet, node: &Node) -> Option<Vec<String>> {
    let mut all = Vec::new();
    for one in sheet.list(node, "`programs`")? {
        let text = sheet.text(one, "a program")?;
        if !is_path(text) {
            let help = "write its whole path as in `programs`, like /usr/local/bin/freeze".to_owned();
            sheet.mistake(one.place, format!("{} is not the path of a program", quoted(text)), Some(help));
            return None;
        }
        all.push(text.to_owned());
    }
    Some(all)
}

fn from(sheet: &mut Sheet, folder: &Path, name: &str, node: &Node) -> Option<SecretSource> {
    let found = match &node.value {
        Value::Text(text) => source(folder, text),
        _ => Source::Literal,
    };
    match found {
        Source::Named(source) => return Some(source),
        Source::Wrong { message, help } => sheet.mistake(node.place, format!("`secrets.{name}` {message}"), Some(help)),
        Source::Literal => {
            let message = format!("`secrets.{name}` holds the secret itself");
            let help = "write env:NAME or file:/path, and replace the secret: it was in a file".to_owned();
            sheet.mistake_showing(node.place, node.place.start, message, Some(help));
        }
    }
    None
}
