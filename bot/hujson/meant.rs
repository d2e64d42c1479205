//! The same changes in plain JSON: what a changed text must read as, or it is not used.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::change::Spot;
use super::{Entry, HujsonError, Place};

/// The same change in plain JSON, to compare with.
pub(super) fn put(document: &mut Value, entries: &[Entry]) -> Result<(), HujsonError> {
    let Some(sections) = document.as_object_mut() else { return Err(HujsonError::NotAsMeant) };
    let mut lists = BTreeMap::<&Place, Vec<Value>>::new();
    for entry in entries {
        if let Place::Under(section) = &entry.place {
            let under = section_mut(sections, section, false).as_object_mut();
            let under = under.ok_or_else(|| HujsonError::NotAnObject(section.clone()))?;
            if under.insert(entry.name.clone(), entry.value.clone()).is_some() {
                return Err(HujsonError::Taken(entry.name.clone()));
            }
        } else {
            lists.entry(&entry.place).or_default().push(entry.value.clone());
        }
    }
    for (place, values) in lists {
        let list = match place {
            Place::List(name) | Place::Under(name) => section_mut(sections, name, true),
            Place::ListUnder(section, name) => match section_mut(sections, section, false) {
                Value::Object(names) => names.entry(name.clone()).or_insert(Value::Null),
                _ => return Err(HujsonError::NotAnObject(section.clone())),
            },
        };
        if list.is_null() {
            *list = Value::Array(Vec::new());
        }
        let list = list.as_array_mut().ok_or(HujsonError::NotAsMeant)?;
        list.splice(0..0, values);
    }
    Ok(())
}

/// The section, as it is spelled; one that is not there becomes an object, or null for a list.
fn section_mut<'v>(sections: &'v mut Map<String, Value>, name: &str, is_list: bool) -> &'v mut Value {
    let spelled = sections.keys().find(|known| known.eq_ignore_ascii_case(name)).cloned();
    let empty = if is_list { Value::Null } else { Value::Object(Map::new()) };
    sections.entry(spelled.unwrap_or_else(|| name.to_owned())).or_insert(empty)
}

pub(super) fn take(document: &mut Value, spot: &Spot) {
    let list = match &spot.place {
        Place::List(section) => document.get_mut(section),
        Place::ListUnder(section, name) => document.get_mut(section).and_then(|section| section.get_mut(name)),
        Place::Under(section) => {
            if let Some(under) = document.get_mut(section).and_then(Value::as_object_mut) {
                under.shift_remove(&spot.name);
            }
            None
        }
    };
    if let Some(list) = list.and_then(Value::as_array_mut).filter(|list| spot.index < list.len()) {
        list.remove(spot.index);
    }
}

/// An emptied section, or list of one, in plain JSON.
pub(super) fn forget(document: &mut Value, is_list: bool, name: &str, touched: &BTreeSet<&Place>) {
    let Some(sections) = document.as_object_mut() else { return };
    if !is_list {
        sections.shift_remove(name);
        return;
    }
    for place in touched {
        if let Place::ListUnder(section, list) = place
            && list == name
            && let Some(under) = sections.get_mut(section).and_then(Value::as_object_mut)
            && under.get(name).is_some_and(|list| list.as_array().is_some_and(Vec::is_empty))
        {
            under.shift_remove(name);
        }
    }
}
