//! Adding and taking out entries: which bytes come and go, and whether what comes of it reads as it was meant.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::cutting::{Cut, Splice, cut, spliced, uncommented};
use super::layout::{Layout, unit};
use super::mark::{added, is_added};
use super::meant::{forget, put, take};
use super::node::{Kind, Node, comments};
use super::print::one_line;
use super::{Document, Entry, HujsonError, Mark, Place};

/// Something with a comment of ours in front of it.
pub(super) struct Spot {
    pub place: Place,
    /// As the text spells the section.
    pub name: String,
    /// Which of its list it is; 0 in an object.
    pub index: usize,
    mark: Mark,
    cut: Cut,
}

impl Place {
    fn section(&self) -> &str {
        match self {
            Self::List(section) | Self::Under(section) | Self::ListUnder(section, _) => section,
        }
    }
}

impl Spot {
    pub fn entry(&self, document: &Value) -> Option<Entry> {
        let value = match &self.place {
            Place::List(section) => document.get(section)?.get(self.index)?,
            Place::Under(section) => document.get(section)?.get(&self.name)?,
            Place::ListUnder(section, name) => document.get(section)?.get(name)?.get(self.index)?,
        };
        Some(Entry {
            place: self.place.clone(),
            name: self.name.clone(),
            value: value.clone(),
            mark: self.mark.clone(),
        })
    }
}

impl Document {
    /// With these entries in front of what stands there. Sections and lists that are not there are added, too.
    ///
    /// # Errors
    /// Something else stands where they belong, or it would be too large.
    pub fn with(&self, entries: &[Entry]) -> Result<Self, HujsonError> {
        let mut document = self.with_sections(entries)?;
        document = document.with_lists(entries)?;
        for entry in entries {
            document.container(&entry.place)?;
        }
        let mut meant = self.value();
        put(&mut meant, entries)?;
        let mut pieces = BTreeMap::<usize, String>::new();
        for entry in entries {
            let layout = document.layout(document.container(&entry.place)?);
            let value = one_line(&entry.value);
            let what = match entry.place {
                Place::Under(_) => format!("{}: {value}", one_line(&Value::from(entry.name.as_str()))),
                Place::List(_) | Place::ListUnder(..) => value,
            };
            pieces.entry(layout.at()).or_default().push_str(&layout.piece(&entry.mark.comment(), &what));
        }
        let splices = pieces.into_iter().map(|(at, with)| Splice { from: at, to: at, with }).collect();
        let changed = document.changed(spliced(&document.text, splices))?;
        if changed.value() == meant { Ok(changed) } else { Err(HujsonError::NotAsMeant) }
    }

    /// Without those of our entries that are to go, and without what was added for them and has nothing in it any more.
    ///
    /// # Errors
    /// What comes of it does not read as it was meant.
    pub fn without(&self, is_to_go: impl Fn(&Entry) -> bool) -> Result<Self, HujsonError> {
        let mut meant = self.value();
        let spots = self.spots();
        let going: Vec<&Spot> =
            spots.iter().filter(|spot| spot.entry(&meant).is_some_and(|entry| is_to_go(&entry))).collect();
        if going.is_empty() {
            return Ok(self.clone());
        }
        let splices = going.iter().flat_map(|spot| cut(&self.text, spot.cut)).collect();
        // From the last to the first, so that no index changes under the next one.
        for spot in going.iter().rev() {
            take(&mut meant, spot);
        }
        let changed = self.changed(spliced(&self.text, splices))?;
        if changed.value() != meant {
            return Err(HujsonError::NotAsMeant);
        }
        let touched: BTreeSet<&Place> = going.iter().map(|spot| &spot.place).collect();
        // Lists first: an object that was added for one may be empty then.
        changed.tidied(&touched, true)?.tidied(&touched, false)
    }

    /// Everything with a mark of ours, in the order of the text.
    pub(super) fn spots(&self) -> Vec<Spot> {
        let mut spots = Vec::new();
        for member in self.members() {
            let section = member.name.clone();
            match &member.value.kind {
                Kind::Array(_) => self.marked(&member.value, |_| Place::List(section.clone()), &mut spots),
                Kind::Object(members) => {
                    self.marked(&member.value, |_| Place::Under(section.clone()), &mut spots);
                    for inner in members.iter().filter(|inner| matches!(inner.value.kind, Kind::Array(_))) {
                        let place = |_| Place::ListUnder(section.clone(), inner.name.clone());
                        self.marked(&inner.value, place, &mut spots);
                    }
                }
                Kind::Leaf => {}
            }
        }
        spots.sort_by_key(|spot| spot.cut.comment.0);
        spots
    }

    fn marked(&self, container: &Node, place: impl Fn(usize) -> Place, spots: &mut Vec<Spot>) {
        let parts = container.parts();
        for (index, ((start, end), gap)) in parts.into_iter().zip(container.gaps()).enumerate() {
            let found = comments(&self.text, gap, start);
            let Some((comment, mark)) = found.iter().rev().find_map(|one| Some((one, Mark::read(one.text)?))) else {
                continue;
            };
            let name = match &container.kind {
                Kind::Object(members) => members.get(index).map(|member| member.name.clone()).unwrap_or_default(),
                Kind::Array(_) | Kind::Leaf => String::new(),
            };
            let cut = Cut { comment: (comment.start, comment.end), end };
            spots.push(Spot { place: place(index), name, index, mark, cut });
        }
    }

    fn layout(&self, container: &Node) -> Layout {
        Layout::of(&self.text, container, unit(&self.text, &self.root))
    }

    fn section_node(&self, name: &str) -> Option<&Node> {
        let found = self.members().iter().find(|member| member.name.eq_ignore_ascii_case(name));
        found.map(|member| &member.value)
    }

    /// The list or object that entries of a place stand in.
    pub(super) fn container(&self, place: &Place) -> Result<&Node, HujsonError> {
        let list = |node: &Node| matches!(node.kind, Kind::Array(_));
        match place {
            Place::List(name) => {
                let found = self.section_node(name).filter(|node| list(node));
                found.ok_or_else(|| HujsonError::NotAList(name.clone()))
            }
            Place::Under(name) => {
                let found = self.section_node(name).filter(|node| matches!(node.kind, Kind::Object(_)));
                found.ok_or_else(|| HujsonError::NotAnObject(name.clone()))
            }
            Place::ListUnder(section, name) => match &self.container(&Place::Under(section.clone()))?.kind {
                Kind::Object(members) => {
                    let found = members.iter().find(|member| member.name == *name).map(|member| &member.value);
                    found.filter(|node| list(node)).ok_or_else(|| HujsonError::NotAList(name.clone()))
                }
                Kind::Array(_) | Kind::Leaf => Err(HujsonError::NotAnObject(section.clone())),
            },
        }
    }

    fn with_sections(&self, entries: &[Entry]) -> Result<Self, HujsonError> {
        let mut missing = BTreeMap::new();
        for entry in entries {
            let (name, brackets) = match &entry.place {
                Place::List(name) => (name, ('[', ']')),
                Place::Under(name) | Place::ListUnder(name, _) => (name, ('{', '}')),
            };
            if self.section_node(name).is_none() {
                missing.insert(name.clone(), brackets);
            }
        }
        self.with_empty(&self.root, missing)
    }

    fn with_lists(&self, entries: &[Entry]) -> Result<Self, HujsonError> {
        let mut missing = BTreeMap::<&String, BTreeMap<String, (char, char)>>::new();
        for entry in entries {
            if let Place::ListUnder(section, name) = &entry.place
                && let Kind::Object(members) = &self.container(&Place::Under(section.clone()))?.kind
                && !members.iter().any(|member| member.name == *name)
            {
                missing.entry(section).or_default().insert(name.clone(), ('[', ']'));
            }
        }
        let mut document = self.clone();
        for (section, names) in missing {
            let container = document.container(&Place::Under(section.clone()))?;
            document = document.with_empty(container, names)?;
        }
        Ok(document)
    }

    /// With these names and nothing under them.
    fn with_empty(&self, container: &Node, names: BTreeMap<String, (char, char)>) -> Result<Self, HujsonError> {
        if names.is_empty() {
            return Ok(self.clone());
        }
        let layout = self.layout(container);
        let piece = |(name, brackets): (String, (char, char))| {
            let what = format!("{}: {}", one_line(&Value::from(name)), layout.nothing(brackets));
            layout.piece(added(), &what)
        };
        let with: String = names.into_iter().map(piece).collect();
        self.changed(spliced(&self.text, vec![Splice { from: layout.at(), to: layout.at(), with }]))
    }

    /// Without sections (or lists in them) that were added for entries of these places: gone if they are empty; if others wrote
    /// something into them and nothing of ours is left, only our comment goes.
    fn tidied(&self, touched: &BTreeSet<&Place>, is_lists: bool) -> Result<Self, HujsonError> {
        let mut containers: Vec<(&Node, BTreeSet<String>)> = Vec::new();
        if is_lists {
            for member in self.members() {
                let names = touched.iter().filter_map(|place| match place {
                    Place::ListUnder(section, name) if *section == member.name => Some(name.clone()),
                    _ => None,
                });
                containers.push((&member.value, names.collect()));
            }
        } else {
            containers.push((&self.root, touched.iter().map(|place| place.section().to_owned()).collect()));
        }
        let spots = self.spots();
        let mut splices = Vec::new();
        let mut meant = self.value();
        for (container, names) in containers {
            let Kind::Object(members) = &container.kind else { continue };
            for (member, gap) in members.iter().zip(container.gaps()).filter(|(member, _)| names.contains(&member.name))
            {
                let found = comments(&self.text, gap, member.start);
                let Some(comment) = found.iter().rev().find(|comment| is_added(comment.text)) else { continue };
                let within = member.value.start..member.value.end;
                if member.value.is_empty() && !has_comments(&self.text, &member.value) {
                    let cut_out = Cut { comment: (comment.start, comment.end), end: member.value.end };
                    splices.extend(cut(&self.text, cut_out));
                    forget(&mut meant, is_lists, &member.name, touched);
                } else if !spots.iter().any(|spot| within.contains(&spot.cut.comment.0)) {
                    splices.push(uncommented(&self.text, comment));
                }
            }
        }
        let changed = self.changed(spliced(&self.text, splices))?;
        if changed.value() == meant { Ok(changed) } else { Err(HujsonError::NotAsMeant) }
    }
}

/// Somebody may have written a comment where nothing else is left.
fn has_comments(text: &str, container: &Node) -> bool {
    let inside = (container.start.saturating_add(1), container.end.saturating_sub(1));
    !comments(text, inside.0, inside.1).is_empty()
}
