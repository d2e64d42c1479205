//! What holds for every file, in any style, whatever comes and goes in whatever order.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;

use super::styles::{Dice, file};
use super::*;

/// What one request holds, some of it where nothing was.
fn entries(dice: &mut Dice, id: &str) -> Vec<Entry> {
    let login = format!("{id}@example.com");
    let rule = |section: &str| Entry { place: Place::List(section.to_owned()), ..grant(id, &login) };
    let all = [
        rule("grants"),
        rule("ssh"),
        rule("acls"),
        member(id, "group:dba", &login),
        member(id, "group:new", &login),
        posture(id, &format!("posture:nl{id}")),
        Entry { value: json!({ "src": ["a\"b", "é"], "app": { "x/y": [{ "a": null }] } }), ..rule("grants") },
    ];
    let first = dice.below(all.len());
    let count = 1 + dice.below(4);
    all.into_iter().cycle().skip(first).take(count).collect()
}

/// A file with a section of another kind than entries need is refused as a whole.
fn fits(document: &Document, all: &[Entry]) -> bool {
    document.with(all).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn whatever_comes_and_goes_every_other_byte_stays(seed in any::<u64>()) {
        let text = file(seed);
        let mut dice = Dice::new(seed ^ 0xabcd);
        let original = Document::read(&text, MAX).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        prop_assert_eq!(&original.text(), &text);
        let requests: Vec<(String, Vec<Entry>)> =
            (0..1 + dice.below(5)).map(|n| (format!("r{n}"), entries(&mut dice, &format!("r{n}")))).collect();
        let all: Vec<Entry> = requests.iter().flat_map(|(_, entries)| entries.clone()).collect();
        prop_assert!(fits(&original, &all), "{}", text);
        let mut document = original;
        let (mut held, mut waiting) = (BTreeSet::<usize>::new(), (0..requests.len()).collect::<Vec<_>>());
        while !held.is_empty() || !waiting.is_empty() {
            if !waiting.is_empty() && (held.is_empty() || dice.below(2) == 0) {
                let next = waiting.remove(dice.below(waiting.len()));
                document = document.with(&requests[next].1).unwrap();
                held.insert(next);
            } else {
                let next = *held.iter().nth(dice.below(held.len())).unwrap();
                let (id, entries) = &requests[next];
                document = document.without(|entry| is_of(id)(entry) && entries.contains(entry)).unwrap();
                held.remove(&next);
            }
            // Read again, as after a restart.
            document = Document::read(&document.text(), MAX).unwrap();
            let found: usize = document.entries().iter().filter(|entry| !entry.mark.requests.is_empty()).count();
            let wanted: usize = held.iter().map(|at| requests[*at].1.len()).sum();
            prop_assert_eq!(found, wanted, "{}", document.text());
        }
        prop_assert_eq!(document.text(), text);
    }

    #[test]
    fn what_others_change_meanwhile_is_as_if_we_had_never_been_there(seed in any::<u64>()) {
        let text = file(seed);
        let mut dice = Dice::new(seed ^ 0x1234);
        let (ours, mut theirs) = (entries(&mut dice, "r1"), entries(&mut dice, "other"));
        let edit = |text: &str| {
            let text = text.replace("\"tag:prod-db\"]}", "\"tag:prod-db\"] /* theirs */}");
            let text = text.replace("\"tests\"", "// checked\n\"tests\"").replace("alice@example.com", "ann@example.com");
            format!("{text}\n// the end\n")
        };
        let original = Document::read(&text, MAX).unwrap();
        // Where both would add the same section, its place would tell who came first.
        theirs.retain(|entry| original.container(&entry.place).is_ok());
        let never = Document::read(&edit(&original.with(&theirs).unwrap().text()), MAX).unwrap();
        let (first, then) = if dice.below(2) == 0 { (&theirs, &ours) } else { (&ours, &theirs) };
        let with = original.with(first).unwrap().with(then).unwrap();
        let edited = Document::read(&edit(&with.text()), MAX).unwrap().without(is_of("r1")).unwrap();
        // How far an entry stands in is taken from what stands there when it is written.
        let bare = |document: &Document| document.text().replace([' ', '\t'], "");
        prop_assert_eq!(bare(&edited), bare(&never));
        if std::ptr::eq(first, &theirs) {
            prop_assert_eq!(edited.text(), never.text());
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "[{}\\[\\],:\"a/* \n\r\t1-]{0,60}") {
        if let Ok(document) = Document::read(&text, MAX)
            && let Ok(with) = document.with(&[grant("r1", "a@b"), member("r1", "group:x", "a@b")]) {
            prop_assert_eq!(with.without(is_of("r1")).unwrap().text(), text);
        }
    }
}
