//! Who may know whom: a room imports only from lower floors, so that the rules never depend on a face.

use super::Finding;
use super::source::{House, Source, is_word, positions};

/// A higher floor may use a lower one, never the other way round and never its own.
const FLOORS: &[(&str, u8)] = &[
    ("planted", 0),
    ("kernel", 1),
    ("outside", 1),
    ("config", 1),
    ("clock", 1),
    ("hujson", 1),
    ("inputs", 2),
    ("store", 2),
    ("catalog", 2),
    ("steps", 2),
    ("guardrails", 1),
    ("notices", 2),
    ("explain", 2),
    ("engine", 3),
    ("slack", 4),
    ("web", 4),
    ("control", 4),
    ("app", 5),
    ("playground", 5),
    ("golink", 1),
    ("simulator", 5),
    ("cli", 6),
    ("main", 7),
    ("lib", 7),
];

/// Doors between rooms that the floors alone would close or leave open.
const DOORS: &[(&str, &str, bool, &str)] = &[
    ("guardrails", "kernel", true, "facts and verdicts are kept with requests, so they are the kernel's words"),
    ("catalog", "inputs", true, "each kind of input says how it is written in a workflow file"),
    ("notices", "inputs", true, "each kind of input says what stands for it in an example"),
    ("outside", "hujson", true, "who is in a group by our own loan is told by the comments of the policy file"),
    ("outside", "clock", true, "calls are paced and tokens renewed on the clock that tests and the demo move"),
    ("slack", "store", false, "faces ask the engine; one way to change anything is what makes an answer mean saved"),
    ("control", "store", false, "faces ask the engine; one way to change anything is what makes an answer mean saved"),
    ("web", "store", false, "faces ask the engine; one way to change anything is what makes an answer mean saved"),
];

const WHY_FLOORS: &str = "a room uses only lower floors, so that one can be understood and changed without those above";

/// The crates beside the bot, and which of them each may use. cargo keeps everything else of ours out of them.
const CRATES: &[(&str, &[&str], &str)] = &[
    ("planted", &[], "faults are planted below everything"),
    ("clock", &["planted"], "time is read by everybody and knows nobody"),
    ("golink", &[], "golink's language is golink's, whatever our rules are"),
    ("kernel", &["golink", "planted"], "the rules are pure"),
    ("guardrails", &["kernel"], "guardrails judge facts; who gathers them is another's work"),
    (
        "playground",
        &["clock", "golink"],
        "worlds speak the wire protocols; knowing the bot from inside, they would prove nothing",
    ),
];

/// Crates that can do nothing but reckon, and what they may depend on: nothing that could act, wait or look at a clock.
const PURE: &[&str] = &["golink", "kernel"];
const PURE_DEPENDENCIES: &[&str] = &["jiff", "regex", "serde", "serde_json", "thiserror"];

/// Verbs that may start the playground.
const DEMO: &[&str] = &["bot/cli/demo", "bot/cli/test"];

fn floor(room: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == room).map(|(_, floor)| *floor)
}

/// The rooms a line names: `crate::x`, and all of `use crate::{x, y::z}`.
fn rooms(line: &str) -> Vec<String> {
    let mut rooms = Vec::new();
    for path in ["nightlatch_", "crate::", "nightlatch::"] {
        for at in positions(line, path) {
            let rest = &line[at + path.len()..];
            match rest.strip_prefix('{') {
                Some(list) => rooms.extend(first_names(list)),
                None => rooms.push(word(rest).to_owned()),
            }
        }
    }
    rooms
}

fn word(text: &str) -> &str {
    text.split(|character| !is_word(character)).next().unwrap_or_default()
}

/// The names directly inside a list, without those inside its own lists.
fn first_names(list: &str) -> Vec<String> {
    let mut names = Vec::new();
    let (mut depth, mut begins) = (0_usize, true);
    for (at, character) in list.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => begins = true,
            _ if begins && depth == 0 && is_word(character) => {
                names.push(word(&list[at..]).to_owned());
                begins = false;
            }
            _ => {}
        }
    }
    names
}

/// Lines of code with the lists of `use` that go over several lines drawn into their first.
fn joined_lines(code: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (number, line) in (1..).zip(code.lines()) {
        match lines.last_mut().filter(|_| open) {
            Some((_, text)) => text.push_str(line.trim()),
            None => lines.push((number, line.to_owned())),
        }
        let text = lines.last().map_or("", |(_, text)| text.as_str());
        open = text.trim_start().trim_start_matches("pub ").starts_with("use ") && !text.contains(';');
    }
    lines
}

fn mentions(source: &Source) -> Vec<(usize, String)> {
    let lines = joined_lines(&source.code);
    lines.iter().flat_map(|(line, text)| rooms(text).into_iter().map(move |room| (*line, room))).collect()
}

pub fn only_lower_floors(source: &Source) -> Vec<Finding> {
    let Some(room) = source.room().filter(|_| source.is_rust()) else { return Vec::new() };
    if CRATES.iter().any(|(name, ..)| *name == room) {
        return Vec::new();
    }
    let finding = |line, what: String, why| Finding { path: source.path.clone(), line, what, why };
    let Some(own) = floor(room) else {
        let what = format!("the room `{room}` has no floor: add it to FLOORS in tests/tidy/floors.rs");
        return vec![finding(1, what, WHY_FLOORS)];
    };
    let mut findings = Vec::new();
    for (line, other) in mentions(source) {
        if other == room || source.is_test(line) {
            continue;
        }
        let door = DOORS.iter().find(|(from, to, ..)| *from == room && *to == other);
        match (door, floor(&other)) {
            (Some((.., true, _)), _) => {}
            (Some((.., why)), _) => findings.push(finding(line, format!("`{room}` uses `{other}`"), why)),
            (None, Some(floor)) if floor >= own => {
                let what = format!("`{room}` on floor {own} uses `{other}` on floor {floor}");
                findings.push(finding(line, what, WHY_FLOORS));
            }
            _ => {}
        }
    }
    findings
}

pub fn the_playground_is_for_the_demo(source: &Source) -> Vec<Finding> {
    let allowed = source.room().is_none_or(|room| room == "playground" || room == "lib")
        || DEMO.iter().any(|path| source.path.starts_with(path));
    if allowed {
        return Vec::new();
    }
    let demo = |line: &usize| positions(source.code.lines().nth(*line - 1).unwrap_or(""), "demo::").next().is_some();
    let lines = mentions(source).into_iter().filter(|(_, room)| room == "playground").map(|(line, _)| line);
    let starts_demo = (1..=source.code.lines().count()).filter(demo).filter(|_| source.path != "bot/cli/mod.rs");
    let lines = lines.chain(starts_demo).filter(|line| !source.is_test(*line));
    let what = "reaches the playground";
    let why = "worlds that pretend must never be reachable from `serve`: only the demo starts them";
    lines.map(|line| Finding { path: source.path.clone(), line, what: what.to_owned(), why }).collect()
}

/// What each crate depends on is what it may.
pub fn crates_depend_on_what_they_may(house: &House) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, ours, why) in CRATES {
        let path = format!("bot/{name}/Cargo.toml");
        let Some(manifest) = house.find(&path) else { continue };
        let is_fine = |other: &str| match other.strip_prefix("nightlatch-") {
            Some(other) => ours.contains(&other),
            None => !PURE.contains(name) || PURE_DEPENDENCIES.contains(&other),
        };
        findings.extend(
            dependencies_in(&manifest.text, "[dependencies]").into_iter().filter(|(_, other)| !is_fine(other)).map(
                |(line, other)| Finding { path: path.clone(), line, what: format!("{name} depends on {other}"), why },
            ),
        );
    }
    findings
}

/// The names in one section of a manifest, with their lines.
pub fn dependencies_in(manifest: &str, section: &str) -> Vec<(usize, String)> {
    let lines = (1..).zip(manifest.lines());
    let section =
        lines.skip_while(|(_, line)| line.trim() != section).skip(1).take_while(|(_, line)| !line.starts_with('['));
    section
        .filter_map(|(number, line)| line.split_once('=').map(|(name, _)| (number, name.trim().to_owned())))
        .filter(|(_, name)| !name.starts_with('#'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(path: &str, text: &str) -> Vec<String> {
        let source = Source::new(path, text);
        let findings = only_lower_floors(&source).into_iter().chain(the_playground_is_for_the_demo(&source));
        findings.map(|finding| format!("{}: {}", finding.line, finding.what)).collect()
    }

    #[test]
    fn looking_up_or_sideways_is_found_however_it_is_written() {
        assert_eq!(
            told("bot/store/save.rs", "use crate::engine::Engine;"),
            ["1: `store` on floor 2 uses `engine` on floor 3"]
        );
        assert_eq!(
            told("bot/store.rs", "\nfn a(x: crate::web::X) {}"),
            ["2: `store` on floor 2 uses `web` on floor 4"]
        );
        assert_eq!(
            told("bot/steps/mod.rs", "use crate::{\n    kernel::{Key, slack},\n    notices::Notices,\n};"),
            ["1: `steps` on floor 2 uses `notices` on floor 2"]
        );
        assert_eq!(told("bot/outside/slack/mod.rs", "use crate::store::Store;").len(), 1);
        assert_eq!(told("bot/store/mod.rs", "pub use crate::outside::tls;"), Vec::<String>::new());
        assert_eq!(told("bot/slack/mod.rs", "use crate::web::Page;").len(), 1);
        assert_eq!(told("bot/web/mod.rs", "use crate::slack::Door;").len(), 1);
        assert_eq!(told("bot/slack/mod.rs", "use crate::store::Store;"), ["1: `slack` uses `store`"]);
        assert_eq!(told("bot/attic/mod.rs", "").len(), 1);
    }

    #[test]
    fn looking_down_and_tests_are_fine() {
        assert_eq!(told("bot/engine/mod.rs", "use crate::kernel::Event;\nuse crate::engine::x;"), Vec::<String>::new());
        assert_eq!(told("bot/outside/slack/pace.rs", "use crate::clock::Clock;"), Vec::<String>::new());
        assert_eq!(
            told("bot/store/a.rs", "// crate::engine\nconst A: &str = \"crate::engine\";"),
            Vec::<String>::new()
        );
        assert_eq!(told("bot/store/a.rs", "#[cfg(test)]\nmod tests { use crate::app::App; }"), Vec::<String>::new());
    }

    #[test]
    fn only_the_demo_reaches_the_playground() {
        for path in ["bot/app.rs", "bot/cli/serve.rs", "bot/engine/mod.rs", "bot/main.rs"] {
            assert!(!told(path, "use crate::playground::slack::SlackWorld;").is_empty(), "{path}");
            assert!(!told(path, "use nightlatch_playground::slack::SlackWorld;").is_empty(), "{path}");
            assert!(told(path, "use super::demo::Demo;").iter().any(|what| what.contains("playground")), "{path}");
        }
        for path in ["bot/cli/demo.rs", "bot/cli/demo/script.rs", "bot/playground/src/page.rs", "tests/stories/main.rs"]
        {
            assert_eq!(told(path, "use crate::playground::slack::SlackWorld;"), Vec::<String>::new(), "{path}");
        }
    }

    #[test]
    fn a_crate_that_could_do_more_than_it_may_is_found() {
        let house = House::of(&[
            (
                "bot/kernel/Cargo.toml",
                "[dependencies]\nserde = { }\nnightlatch-clock = { }\ntokio = \"1\"\n[dev-dependencies]\ninsta = \"1\"",
            ),
            ("bot/playground/Cargo.toml", "[dependencies]\ntokio = \"1\"\nnightlatch = { }\nnightlatch-kernel = { }"),
        ]);
        let told = crates_depend_on_what_they_may(&house);
        assert_eq!(
            told.iter().map(|finding| (finding.line, finding.what.as_str())).collect::<Vec<_>>(),
            [
                (3, "kernel depends on nightlatch-clock"),
                (4, "kernel depends on tokio"),
                (4, "playground depends on nightlatch-kernel")
            ]
        );
    }
}
