//! What the policy file is to become: the entries of everybody who holds something, without those of whoever let go, and nothing else.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::Value;

use super::guard::{self, Guard, Postures};
use super::wanted::{Rule, Wanted, texts};
use crate::hujson::{Document, Entry, HujsonError, Mark, Place};
use crate::kernel::RequestId;

/// Somebody who holds something in the file, or let go of it.
#[derive(Clone, Debug)]
pub(super) struct Holding {
    pub id: RequestId,
    pub login: String,
    /// The workflow and the step.
    pub used_by: String,
    pub wanted: Wanted,
    /// It was read back as on until a time that is still ahead: what is gone of it was taken away by somebody.
    pub is_confirmed: bool,
}

/// What is to be written, and what others did to entries of ours.
#[derive(Debug)]
pub(super) struct Target {
    pub document: Document,
    /// Whose entries somebody took out or changed: they are not put back.
    pub taken_away: BTreeSet<RequestId>,
    /// What of somebody who let go was changed by others and stays, with whether it opens anything.
    pub left_alone: BTreeMap<RequestId, (String, bool)>,
    /// Whose entries somebody took out, and are put back.
    pub put_back: BTreeSet<RequestId>,
}

/// Why there is no target.
#[derive(Debug, thiserror::Error)]
pub(super) enum TargetError {
    #[error("{0}")]
    Text(#[from] HujsonError),
    /// A rule asks for a posture that the file does not have.
    #[error("the policy file has no {0}")]
    NoPosture(String),
}

/// What one holder has in the file.
struct Part {
    id: RequestId,
    is_confirmed: bool,
    entry: Entry,
}

/// What stands in the file now: entries of ours by what they are, and how often each value stands in each list.
struct There {
    value: Value,
    found: Vec<Entry>,
    counts: HashMap<(Place, String), usize>,
    marked: HashMap<(Place, String), usize>,
}

impl There {
    fn of(document: &Document) -> Self {
        let (value, found) = (document.value(), document.entries());
        let mut counts = HashMap::<_, usize>::new();
        let mut count = |place: &Place, list: &Value| {
            for one in list.as_array().into_iter().flatten() {
                let count = counts.entry((place.clone(), plain(one))).or_default();
                *count = count.saturating_add(1);
            }
        };
        for (section, list) in value.as_object().into_iter().flatten() {
            count(&Place::List(section.clone()), list);
            for (name, list) in list.as_object().into_iter().flatten() {
                count(&Place::ListUnder(section.clone(), name.clone()), list);
            }
        }
        let mut marked = HashMap::<_, usize>::new();
        for entry in &found {
            let count = marked.entry((entry.place.clone(), plain(&entry.value))).or_default();
            *count = count.saturating_add(1);
        }
        Self { value, found, counts, marked }
    }

    /// Whether the same value stands in the same place without a comment of ours.
    fn has_unmarked(&self, place: &Place, value: &Value) -> bool {
        let at = (place.clone(), plain(value));
        self.counts.get(&at) > self.marked.get(&at).or(Some(&0))
    }
}

impl Target {
    /// The file as it is to be, made from what it is now. What others took out of it of those in `again` is no
    /// wish of theirs.
    pub fn of(
        document: &Document,
        live: &[Holding],
        leaving: &[Holding],
        again: &BTreeSet<RequestId>,
    ) -> Result<Self, TargetError> {
        let there = There::of(document);
        let postures = postures(document);
        let (mut parts, mut wanted_postures) = (Vec::new(), BTreeMap::new());
        // Somebody took a posture away that an entry was bound to beside ours: the entry stays as it is, no less guarded.
        let mut as_it_is = HashSet::new();
        for holding in live {
            match rules(holding, document, &postures, &mut wanted_postures) {
                Ok(found) => parts.extend(found),
                Err(TargetError::NoPosture(_)) if holding.is_confirmed => drop(as_it_is.insert(holding.id.to_string())),
                Err(error) => return Err(error),
            }
        }
        parts.extend(members(live, document));
        let wanted: HashSet<String> = parts.iter().map(|part| key(&part.entry)).collect();
        let by_id: HashMap<&str, &Holding> =
            live.iter().chain(leaving).map(|holding| (holding.id.as_str(), holding)).collect();
        let (mut going, mut kept, mut edited) = (HashMap::new(), HashSet::new(), Vec::new());
        for entry in &there.found {
            let ids = &entry.mark.requests;
            let is_known = |id: &String| by_id.contains_key(id.as_str()) && !as_it_is.contains(id);
            if ids.is_empty() || !ids.iter().all(is_known) {
                continue;
            }
            if wanted.contains(&key(entry)) {
                kept.insert(key(entry));
            } else if ids.iter().filter_map(|id| by_id.get(id.as_str())).any(|holding| holding.may_have_written(entry))
            {
                going.insert(key(entry), entry);
            } else {
                edited.push(entry);
            }
        }
        let refreshed: HashSet<String> = going.values().flat_map(|entry| loose(entry)).collect();
        let (mut taken_away, mut put_back, mut adding) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        let mut added = HashSet::new();
        for part in &parts {
            let (entry, name) = (&part.entry, key(&part.entry));
            if kept.contains(&name) || there.has_unmarked(&entry.place, &entry.value) {
                continue;
            }
            let is_gone = part.is_confirmed && !loose(entry).iter().any(|one| refreshed.contains(one));
            if is_gone && !again.contains(&part.id) {
                taken_away.insert(part.id.clone());
                continue;
            }
            if is_gone {
                put_back.insert(part.id.clone());
            }
            if added.insert(name) {
                adding.push(entry.clone());
            }
        }
        let left_alone = left_alone(&edited, leaving, document, &there);
        let bare = document.without(|entry| going.contains_key(&key(entry)))?;
        let document = written(document, bare, &there, adding, wanted_postures)?;
        Ok(Self { document, taken_away, left_alone, put_back })
    }
}

/// What of those who let go stays, since somebody else made it theirs.
fn left_alone(
    edited: &[&Entry],
    leaving: &[Holding],
    document: &Document,
    there: &There,
) -> BTreeMap<RequestId, (String, bool)> {
    let mut left = BTreeMap::new();
    for holding in leaving {
        if let Some(entry) = edited.iter().find(|entry| entry.mark.requests.contains(holding.id.as_str())) {
            let what = format!("somebody changed its entry in `{}` of the policy file", section(&entry.place));
            left.insert(holding.id.clone(), (what, true));
        }
        for rule in holding.wanted.rules.iter().filter(|rule| !holding.wanted.is_guarded(rule)) {
            let place = Place::List(spelled(document, rule.section));
            if there.has_unmarked(&place, &Value::Object(rule.entry.clone())) {
                let what =
                    format!("the same entry stands in `{}` of the policy file without our comment", rule.section);
                left.insert(holding.id.clone(), (what, true));
            }
        }
        for (group, login) in &holding.wanted.members {
            let place = Place::ListUnder(spelled(document, "groups"), group.clone());
            if there.has_unmarked(&place, &login.as_str().into()) {
                left.insert(holding.id.clone(), (format!("{login} stands in {group} by somebody else's doing"), true));
            }
        }
    }
    left
}

/// The text with what is added, the postures that it needs and none of ours that nothing needs any more.
fn written(
    document: &Document,
    bare: Document,
    there: &There,
    mut adding: Vec<Entry>,
    mut postures: BTreeMap<String, (Value, String)>,
) -> Result<Document, TargetError> {
    let is_posture = |entry: &&Entry| {
        matches!(&entry.place, Place::Under(name) if name.eq_ignore_ascii_case("postures"))
            && guard::is_ours(&entry.name)
    };
    let left = bare.value();
    let added: Vec<&Value> = adding.iter().map(|entry| &entry.value).collect();
    let mut stale = Vec::new();
    for entry in there.found.iter().filter(is_posture) {
        match postures.get(&entry.name) {
            Some((value, _)) if *value == entry.value => drop(postures.remove(&entry.name)),
            Some(_) => stale.push(entry.clone()),
            None if !is_named(&left, &entry.name) && !added.iter().any(|value| names(value, &entry.name)) => {
                stale.push(entry.clone());
            }
            None => {}
        }
    }
    let section = spelled(document, "postures");
    let stand = there.value.get(&section).cloned().unwrap_or_default();
    for (name, (value, used_by)) in postures {
        // Where it stands without our comment, only that was taken away.
        if stand.get(&name) != Some(&value) {
            let mark = Mark { requests: BTreeSet::new(), words: format!("guards {used_by}") };
            adding.push(Entry { place: Place::Under(section.clone()), name, value, mark });
        }
    }
    let bare = bare.without(|entry| stale.contains(entry))?;
    Ok(if adding.is_empty() { bare } else { bare.with(&adding)? })
}

/// An entry as a whole, to look for it.
fn key(entry: &Entry) -> String {
    format!("{:?} {} {:?} {}", entry.place, entry.name, entry.mark.requests, entry.value)
}

/// An entry whatever postures it depends on, once for each of its requests.
fn loose(entry: &Entry) -> Vec<String> {
    let bare = without_guard(&entry.value);
    entry.mark.requests.iter().map(|id| format!("{:?} {id} {bare}", entry.place)).collect()
}

/// Logins are the same whatever case they are written in.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_lowercase)
}

impl Holding {
    pub fn guards(&self) -> impl Iterator<Item = Guard> + '_ {
        self.wanted.guarded().map(|rule| Guard::of(&self.used_by, rule))
    }

    /// Whether an entry with this holder's id is what we wrote for them, or depends on our guard.
    fn may_have_written(&self, entry: &Entry) -> bool {
        if !entry.mark.requests.contains(self.id.as_str()) {
            return false;
        }
        match &entry.place {
            Place::ListUnder(_, group) => {
                let is_one = |(of, login): &(String, String)| of == group && entry.value == login.as_str();
                self.wanted.members.iter().any(is_one)
            }
            Place::List(section) => {
                let of_section = |rule: &&Rule| section.eq_ignore_ascii_case(rule.section);
                let is_bound = |posture: &String| self.guards().any(|guard| guard.has(posture));
                let bare = without_guard(&entry.value);
                self.wanted
                    .rules
                    .iter()
                    .filter(of_section)
                    .any(|rule| without_guard(&Value::Object(rule.entry.clone())) == bare)
                    || texts(entry.value.get("srcPosture")).iter().any(is_bound)
            }
            Place::Under(_) => false,
        }
    }
}

/// The rules of one holder as they stand in the file, and the postures they depend on.
fn rules(
    holding: &Holding,
    document: &Document,
    postures: &Postures,
    wanted_postures: &mut BTreeMap<String, (Value, String)>,
) -> Result<Vec<Part>, TargetError> {
    let mut parts = Vec::new();
    for rule in &holding.wanted.rules {
        let mut entry = rule.entry.clone();
        if holding.wanted.is_guarded(rule) {
            let guards = Guard::of(&holding.used_by, rule).postures(rule, postures).map_err(TargetError::NoPosture)?;
            let names = guards.iter().map(|(name, _)| Value::from(name.as_str())).collect();
            entry.shift_remove("srcPosture");
            entry.insert("srcPosture".to_owned(), names);
            wanted_postures.extend(guards.into_iter().map(|(name, value)| (name, (value, holding.used_by.clone()))));
        }
        let entry = Entry {
            place: Place::List(spelled(document, rule.section)),
            name: String::new(),
            value: Value::Object(entry),
            mark: Mark::of(holding.id.as_str(), &holding.login),
        };
        parts.push(Part { id: holding.id.clone(), is_confirmed: holding.is_confirmed, entry });
    }
    Ok(parts)
}

/// Who is in which group: one entry for all who want the same.
fn members(live: &[Holding], document: &Document) -> Vec<Part> {
    let mut all = BTreeMap::<&(String, String), Vec<&Holding>>::new();
    for holding in live {
        for member in &holding.wanted.members {
            all.entry(member).or_default().push(holding);
        }
    }
    let part = |((group, login), holders): (&(String, String), Vec<&Holding>)| {
        let first = holders.iter().max_by_key(|holding| holding.is_confirmed)?;
        let requests = holders.iter().map(|holding| holding.id.to_string()).collect();
        let entry = Entry {
            place: Place::ListUnder(spelled(document, "groups"), group.clone()),
            name: String::new(),
            value: login.as_str().into(),
            mark: Mark { requests, words: first.login.clone() },
        };
        Some(
            holders
                .iter()
                .map(|holding| Part {
                    id: holding.id.clone(),
                    is_confirmed: holding.is_confirmed,
                    entry: entry.clone(),
                })
                .collect::<Vec<_>>(),
        )
    };
    all.into_iter().filter_map(part).flatten().collect()
}

fn postures(document: &Document) -> Postures {
    let conditions = document.section("postures").as_object().cloned().unwrap_or_default();
    Postures { default: texts(Some(&document.section("defaultSrcPosture"))), conditions }
}

/// A section as the file spells it.
fn spelled(document: &Document, name: &str) -> String {
    document.spelled(name).unwrap_or(name).to_owned()
}

fn section(place: &Place) -> &str {
    match place {
        Place::List(section) | Place::Under(section) | Place::ListUnder(section, _) => section,
    }
}

/// A rule without the postures it depends on: those are ours to write.
fn without_guard(value: &Value) -> Value {
    let Value::Object(entry) = value else { return value.clone() };
    let mut entry = entry.clone();
    entry.shift_remove("srcPosture");
    Value::Object(entry)
}

/// Whether anything but the postures themselves names this one.
fn is_named(document: &Value, posture: &str) -> bool {
    let mut sections = document.as_object().into_iter().flatten();
    let mut sections = sections.by_ref().filter(|(name, _)| !name.eq_ignore_ascii_case("postures"));
    sections.any(|(_, value)| names(value, posture))
}

fn names(value: &Value, text: &str) -> bool {
    match value {
        Value::String(one) => one == text,
        Value::Array(list) => list.iter().any(|one| names(one, text)),
        Value::Object(map) => map.values().any(|one| names(one, text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
