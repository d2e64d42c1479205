//! The tailnet's policy file: a text that is replaced as a whole, and only by whoever says which one they saw; people edit it, too.

use std::collections::BTreeSet;

use http::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::company::{DBA, PEOPLE, is_writer, login};
use super::places::{POLICY, Places};
use super::tailnet::Reply;
use crate::hujson::Document;

/// The largest file that is taken.
const MAX_BYTES: usize = 1 << 20;
/// Before the entries that people add.
const GRANTS: &str = "\"grants\": [\n";

/// The file.
pub struct PolicyFile {
    /// Every text it ever was, with the moment it became so; never empty.
    past: Vec<(i64, String)>,
    /// What it would be if only people had written it.
    bare: String,
    /// What people added.
    by_hand: Vec<String>,
    /// What is wrong with what was sent.
    pub mistakes: Vec<String>,
}

/// Who came and who went by one write.
#[derive(Default)]
pub struct Change {
    pub came: Vec<String>,
    pub went: Vec<String>,
}

impl PolicyFile {
    pub fn new(now: i64) -> Self {
        let list = |people: &mut dyn Iterator<Item = usize>| {
            people.map(|person| format!("\"{}\"", login(person))).collect::<Vec<_>>().join(", ")
        };
        let dba: String = DBA.iter().map(|person| member(*person)).collect();
        let text = format!(
            "// Who reaches what. Edited by hand.\n{{\n\t\"groups\": {{\n\t\t\"group:engineering\": [{}],\n\t\t\"group:writers\": [{}],\n\
             \t\t\"group:dba\": [\n{dba}\t\t],\n\t}},\n\n\t\"tagOwners\": {{ \"tag:db\": [], }}, /* nobody */\n\t{GRANTS}\
             \t\t{{\"src\": [\"autogroup:member\"], \"dst\": [\"tag:web\"], \"ip\": [\"443\"]}},\n\t],\n}}\n",
            list(&mut (0..PEOPLE)),
            list(&mut (0..PEOPLE).filter(|one| is_writer(*one))),
        );
        Self { past: vec![(now, text.clone())], bare: text, by_hand: Vec::new(), mistakes: Vec::new() }
    }

    /// What it is now.
    pub fn text(&self) -> &str {
        self.past.last().map(|(_, text)| text.as_str()).unwrap_or_default()
    }

    /// Whether nothing but people's own is in it, byte for byte.
    pub fn is_bare(&self) -> bool {
        self.text() == self.bare
    }

    /// Somebody adds a rule of their own.
    pub fn edit(&mut self, now: i64) {
        let number = self.by_hand.len();
        let line =
            format!("\t\t{{\"src\": [\"group:dba\"], \"dst\": [\"tag:db\"], \"ip\": [\"{number}\"]}}, // by hand\n");
        let insert = |text: &str| text.replacen(GRANTS, &format!("{GRANTS}{line}"), 1);
        self.change(now, insert);
        self.by_hand.push(line);
    }

    /// Somebody is taken out of the group of those who decide.
    pub fn dismiss(&mut self, person: usize, now: i64) {
        self.change(now, |text| text.replacen(&member(person), "", 1));
    }

    fn change(&mut self, now: i64, edit: impl Fn(&str) -> String) {
        self.bare = edit(&self.bare);
        let text = edit(self.text());
        self.past.push((now, text));
    }

    /// Answers who reads it, with what was there at `seen_at`.
    pub fn read(&self, places: &mut Places, seen_at: i64) -> Reply {
        let mut past = self.past.iter().rev();
        let first = self.past.first().map(|(_, text)| text.as_str()).unwrap_or_default();
        let text = past.find(|(at, _)| *at <= seen_at).map_or(first, |(_, text)| text.as_str());
        let there = ids(text);
        let of: Vec<_> = places.of(POLICY).cloned().collect();
        for place in of {
            let shown = places.at(&place, i64::MAX).filter(|_| there.contains(&place.1)).cloned();
            places.shown.insert(place, shown);
        }
        Reply { status: StatusCode::OK, body: text.as_bytes().to_vec(), etag: Some(tag(text)) }
    }

    /// Says what it thinks of a text.
    pub fn validate(body: &[u8]) -> Reply {
        match read(body) {
            Ok(_) => Reply { status: StatusCode::OK, body: b"{}".to_vec(), etag: None },
            Err(message) => (StatusCode::OK, json!({ "message": message })).into(),
        }
    }

    /// Takes a text in place of the one with that tag.
    pub fn replace(&mut self, body: &[u8], made_from: &str, now: i64) -> (Reply, Change) {
        let refused = |status, message: &str| ((status, json!({ "message": message })).into(), Change::default());
        if made_from.is_empty() {
            self.mistakes.push("the policy file is written without saying what it replaces".to_owned());
        }
        if made_from != tag(self.text()) {
            return refused(StatusCode::PRECONDITION_FAILED, "precondition failed, invalid old hash");
        }
        let text = match read(body) {
            Ok(text) => text,
            Err(message) => {
                self.mistakes.push(format!("a policy file that nobody would take is sent: {message}"));
                return refused(StatusCode::BAD_REQUEST, &message);
            }
        };
        if let Some(line) = self.by_hand.iter().find(|line| !text.contains(line.as_str())) {
            self.mistakes.push(format!("somebody else's line is lost from the policy file: {line}"));
        }
        let (before, after) = (ids(self.text()), ids(&text));
        let change = Change {
            came: after.difference(&before).cloned().collect(),
            went: before.difference(&after).cloned().collect(),
        };
        self.past.push((now, text.clone()));
        (Reply { status: StatusCode::OK, body: text.clone().into_bytes(), etag: Some(tag(&text)) }, change)
    }
}

fn member(person: usize) -> String {
    format!("\t\t\t\"{}\", // decides\n", login(person))
}

fn tag(text: &str) -> String {
    format!("\"{}\"", hex::encode(Sha256::digest(text)))
}

/// The requests that the comments of a text name.
fn ids(text: &str) -> BTreeSet<String> {
    let marks = text.split("nightlatch ").skip(1).filter_map(|rest| rest.split_once(':')).map(|(ids, _)| ids);
    marks.flat_map(|ids| ids.split(", ")).map(str::to_owned).collect()
}

/// A text that can be read, and whose rules ask for nothing that is not there.
fn read(body: &[u8]) -> Result<String, String> {
    let text = std::str::from_utf8(body).map_err(|error| error.to_string())?;
    let file = Document::read(text, MAX_BYTES).map_err(|error| error.to_string())?.value();
    let postures = file.get("postures").and_then(Value::as_object);
    let grants = file.get("grants").and_then(Value::as_array).into_iter().flatten();
    let asked = grants.flat_map(|grant| grant.get("srcPosture").and_then(Value::as_array).into_iter().flatten());
    for posture in asked.filter_map(Value::as_str) {
        if !postures.is_some_and(|postures| postures.contains_key(posture)) {
            return Err(format!("posture not found: {posture:?}"));
        }
    }
    Ok(text.to_owned())
}
