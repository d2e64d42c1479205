//! Every example, of any release, is read as what it was; and today's build writes what `next/` says it writes.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::path::{Path, PathBuf};

use nightlatch::kernel::kept::{self, BEFORE_OF, KINDS, Kept, Note, RETIRED};
use nightlatch::kernel::workflow::{InputKind, OwnRequest};
use nightlatch::kernel::{Event, Outcome, Request, Shows, Standing, Who};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::examples;
use crate::requests::{self, Named};
use crate::seen::Seen;

/// Every release so far, and the SHA-256 of its folder: what was written once is written.
const RELEASES: &[(&str, &str)] = &[("a65b63b", "e4fd0a9f816abae178fe390cfdeec8a1fc0e0e59a4bb86c1f902fe355399ffd8")];
/// Today's build.
const NEXT: &str = "next";

/// Set to write `next/` anew, and then look at the difference before it is committed.
const WRITE: &str = "NIGHTLATCH_WRITE_EXAMPLES";

fn folders() -> impl Iterator<Item = &'static str> {
    RELEASES.iter().map(|(release, _)| *release).chain([NEXT])
}

pub fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stored").join(name)
}

/// The examples of a kind: an object of named examples, one a line. None of a kind that release did not know.
fn file(release: &str, kind: &str) -> Option<Map<String, Value>> {
    let path = folder(release).join(format!("{kind}.json"));
    if release != NEXT && !path.exists() {
        return None;
    }
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!("{}: {error}; `{WRITE}=1 cargo test --test stored` writes the examples of today's build", path.display())
    });
    Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// What today's build writes is what `next/` holds.
fn writes<T: Kept>(lines: &[(String, String)]) {
    let kind = T::KIND;
    keeps_its_shape::<T>(lines);
    let name = |name: &str| serde_json::to_string(name).unwrap();
    let lines: Vec<String> = lines.iter().map(|(named, stored)| format!("  {}: {stored}", name(named))).collect();
    let text = format!("{{\n{}\n}}\n", lines.join(",\n"));
    let path = folder(NEXT).join(format!("{kind}.json"));
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = text.lines().zip(known.lines()).find(|(now, then)| now != then);
    assert!(
        text == known,
        "today's build writes a {kind} otherwise than tests/stored/next says. If a release wrote the old shape, this needs a \
         raising step (kept/kinds.rs). Then write the examples anew: {WRITE}=1 cargo test --test stored\n{differs:#?}"
    );
}

/// JSON that a release would not have written has a number that the release did not know, so that it refuses the file. Notes
/// are read as they are, so new ones harm nobody.
fn keeps_its_shape<T: Kept>(lines: &[(String, String)]) {
    for (release, _) in RELEASES {
        let Some(examples) = file(release, T::KIND) else { continue };
        let shape = |example: &Value| example.get("shape").and_then(Value::as_i64).unwrap_or(1);
        if examples.values().any(|example| shape(example) != kept::shape_of::<T>()) {
            continue;
        }
        for (name, line) in lines.iter().filter(|(name, _)| T::KIND != Note::KIND || examples.contains_key(name)) {
            let today: Value = serde_json::from_str(line).unwrap();
            let same = |then: &&Value| plain(then) == plain(&today);
            let as_then = examples.get(name).filter(same);
            let kind = T::KIND;
            assert!(
                as_then.is_some(),
                "{release} and today's build both write a {kind} of shape {}, and `{name}` differs: the shape needs a new \
                 number, by a raising step at the end of its list (kept/kinds.rs; `says_more` if nothing old has to change)",
                kept::shape_of::<T>()
            );
        }
    }
}

/// Without its number.
fn plain(stored: &Value) -> Value {
    let Value::Object(mut fields) = stored.clone() else { return stored.clone() };
    match fields.shift_remove("shape") {
        Some(_) if fields.len() == 1 && fields.contains_key("kept") => fields.shift_remove("kept").unwrap(),
        _ => Value::Object(fields),
    }
}

/// What a release wrote and no build after it reads from JSON alone, and why that keeps nothing unreadable.
const REWRITTEN: &[(&str, &str, &str)] =
    &[("a65b63b", "settle", "migration 0004 wrote such rows anew, with the key that stood in their lane")];

/// Every example of this kind that any release wrote is read, and is what today's build calls by that name; `before` are
/// names that only earlier releases had, with what they mean today.
fn reads<T: Kept + DeserializeOwned + PartialEq + Debug>(values: &Named<T>, before: &Named<T>) {
    for release in folders() {
        let Some(examples) = file(release, T::KIND) else { continue };
        for (name, stored) in examples {
            if REWRITTEN.iter().any(|(of, called, _)| *of == release && *called == name) {
                assert!(kept::read::<T>(&stored.to_string()).is_err());
                continue;
            }
            let read: T = kept::read(&stored.to_string()).unwrap_or_else(|error| panic!("{release} {name}: {error}"));
            let meant = before.iter().chain(values).find(|(known, _)| *known == name);
            let (_, meant) =
                meant.unwrap_or_else(|| panic!("{release}: what does the {} `{name}` mean today?", T::KIND));
            assert_eq!(&read, meant, "{release} {name}");
        }
    }
}

fn check<T: Kept + DeserializeOwned + PartialEq + Debug>(values: &Named<T>, before: &Named<T>) {
    let lines: Vec<_> = values.iter().map(|(name, value)| (name.clone(), kept::write(value).unwrap())).collect();
    writes::<T>(&lines);
    reads(values, before);
}

#[test]
fn requests() {
    check(&requests::requests(), &Vec::new());
}

#[test]
fn effects() {
    check(&examples::effects(), &Vec::new());
}

#[test]
fn events() {
    let mut values = examples::events();
    let mut lines: Vec<_> = values.iter().map(|(name, value)| (name.clone(), kept::write(value).unwrap())).collect();
    // With what was asked; read without it.
    let ask = requests::ask(OwnRequest::Never, false);
    lines.push(("asked for".to_owned(), kept::write(&kept::Asked::of(&ask)).unwrap()));
    values.push(("asked for".to_owned(), Event::Asked));
    writes::<Event>(&lines);
    let alarmed = |to| {
        let name = format!("alarmed {}", crate::variants::recipient(&to));
        (
            name,
            Event::Notified {
                shows: Shows::Stuck,
                to,
                channel: requests::message().channel,
                ts: requests::message().ts,
            },
        )
    };
    reads(&values, &requests::once(requests::recipients().into_iter().map(alarmed).collect()));
}

#[test]
fn actors() {
    check(&examples::actors(), &Vec::new());
}

#[test]
fn link_events() {
    check(&examples::link_events(), &Vec::new());
}

#[test]
fn notes() {
    let notes = examples::notes().into_iter().map(|(name, note)| (name, Note(note))).collect();
    check(&notes, &Vec::new());
}

#[test]
fn settings() {
    check(&examples::settings(), &Vec::new());
}

/// What step types write down is read by themselves, next to their code; here only that there are examples for each.
#[test]
fn every_kind_has_examples_of_every_release() {
    for release in folders() {
        let found = std::fs::read_dir(folder(release)).unwrap();
        let found: BTreeSet<String> = found
            .filter_map(|entry| entry.unwrap().file_name().to_str()?.strip_suffix(".json").map(str::to_owned))
            .filter(|name| name != "world" && name != "pressed")
            .collect();
        let kinds: BTreeSet<String> = KINDS.iter().map(|(kind, _)| (*kind).to_owned()).collect();
        let missing: Vec<_> = kinds.difference(&found).collect();
        // A release has examples of what it knew; a kind is never taken away from one that has them.
        assert!(missing.is_empty() || release != NEXT, "no examples in tests/stored/{release} of {missing:?}");
        let unknown: Vec<_> = found.difference(&kinds).collect();
        assert!(unknown.is_empty(), "tests/stored/{release} holds what no kind is called: {unknown:?}");
    }
}

#[test]
fn every_step_type_says_what_was_there_before_in_a_kind_of_its_own() {
    for step in nightlatch::steps::TYPES {
        let kind = format!("{BEFORE_OF}{}", step.uses);
        assert!(KINDS.iter().any(|(known, _)| *known == kind), "`{kind}` is not in KINDS (kept/kinds.rs)");
    }
}

#[test]
fn every_variant_of_everything_stored_has_an_example() {
    let mut seen = Seen::default();
    requests::requests().iter().for_each(|(_, one)| seen.request(one));
    examples::effects().iter().for_each(|(_, one)| seen.effect(one));
    examples::events().iter().for_each(|(_, one)| seen.event(one));
    examples::actors().iter().for_each(|(_, one)| seen.actor(one));
    examples::link_events().iter().for_each(|(_, one)| seen.link_event(one));
    examples::paste_events().iter().for_each(|(_, one)| seen.paste_event(one));
    assert_eq!(seen.missing(), Vec::<String>::new(), "variants without an example in tests/stored/examples.rs");
}

/// A later version may have more words than this one. A request with one of them is still a request that can be ended.
#[test]
fn words_that_no_version_knows_make_nothing_unreadable() {
    let (_, request) = requests::requests().into_iter().find(|(name, _)| name == "returned").unwrap();
    let mut stored = kept::to_value(&request).unwrap();
    stored["outcome"] = "handed_over".into();
    stored["ask"]["requester"]["standing"] = "contractor".into();
    let workflow = &mut stored["ask"]["workflow"];
    workflow["inputs"][2]["kind"] = json!({ "type": "cluster", "of": "prod" });
    workflow["approve"][0]["own_request"] = "on_weekdays".into();
    workflow["approve"][0]["clauses"][0]["by"] = json!(["rota:primary", "@db-oncall"]);
    let read: Request = kept::read(&stored.to_string()).unwrap();
    assert_eq!(read.outcome, Some(Outcome::Unknown));
    assert_eq!(read.requester.standing, Standing::Unknown);
    assert_eq!(read.workflow.inputs[2].kind, InputKind::Unknown);
    assert_eq!(read.workflow.approve[0].own_request, OwnRequest::Never);
    let rota = Who::Unknown("rota:primary".to_owned());
    assert_eq!(read.workflow.approve[0].clauses[0].by, [rota, Who::SlackGroup("db-oncall".to_owned())]);
}

/// The texts of the program's own source files.
fn sources() -> Vec<String> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("bot")];
    let mut texts = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") && !path.ends_with("tests.rs") {
                texts.push(std::fs::read_to_string(path).unwrap());
            }
        }
    }
    texts
}

/// What stands between `before` and the next quotation mark, wherever `before` is.
fn quoted_after(before: &str) -> BTreeSet<String> {
    let texts = sources();
    let rests = texts.iter().flat_map(|text| text.split(before).skip(1));
    rests.filter_map(|rest| rest.split('"').next().map(str::to_owned)).collect()
}

/// A kind that nobody listed would be missing in the table of shapes, and here.
#[test]
fn everything_kept_is_in_the_list_of_kinds() {
    let found = quoted_after("const KIND: &'static str = \"");
    // What only older versions wrote stays in the list, so that their files are no later version's.
    let retired = RETIRED.iter().map(|kind| (*kind).to_owned());
    let found: BTreeSet<String> = found.into_iter().chain(retired).collect();
    let listed: BTreeSet<String> = KINDS.iter().map(|(kind, _)| (*kind).to_owned()).collect();
    assert_eq!(found, listed, "KINDS (kept/kinds.rs) lists everything that is stored, and nothing else");
}

/// Notes are made by hand, so no compiler names a new one.
#[test]
fn every_note_has_an_example() {
    let known: BTreeSet<String> =
        examples::notes().iter().map(|(_, note)| note["event"].as_str().unwrap().to_owned()).collect();
    let mut found = quoted_after("\"event\": \"");
    // Made up by tests beside the code.
    found.remove("tested");
    let missing: Vec<_> = found.difference(&known).collect();
    assert!(missing.is_empty(), "notes without an example in tests/stored/examples.rs: {missing:?}");
}

/// Whoever changes what a release wrote has not made it readable.
#[test]
fn what_releases_wrote_is_left_as_it_is() {
    for (release, fingerprint) in RELEASES {
        let entries = std::fs::read_dir(folder(release)).unwrap();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        let mut digest = Sha256::new();
        for path in paths {
            let name = path.file_name().unwrap().to_str().unwrap();
            let content = std::fs::read(&path).unwrap();
            digest.update(format!("{name} {}\n", content.len()));
            digest.update(content);
        }
        assert_eq!(hex::encode(digest.finalize()), *fingerprint, "tests/stored/{release} was changed");
    }
}
