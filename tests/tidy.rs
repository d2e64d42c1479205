//! Keeps the house in order: floors, sizes, lists and banned calls, each rule with its reason. Read the tables.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first thing that is not as it should be"
)]

#[path = "tidy/calls.rs"]
mod calls;
#[path = "tidy/floors.rs"]
mod floors;
#[path = "tidy/lists.rs"]
mod lists;
#[path = "tidy/shape.rs"]
mod shape;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/text.rs"]
mod text;

use std::fmt;

use source::{House, Source};

/// Something that is not as it should be, and why it should be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: String,
    line: usize,
    what: String,
    why: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, what, why } = self;
        write!(f, "{path}:{line}: {what}\n    because {why}")
    }
}

/// Places where a rule does not hold. Each needs a reason; one that is not needed any more is a finding itself.
struct Exception {
    path: &'static str,
    /// What the finding says, or its beginning.
    what: &'static str,
    #[expect(dead_code, reason = "for whoever reads this")]
    reason: &'static str,
}

const EXCEPTIONS: &[Exception] = &[
    Exception {
        path: "bot/clock/src/source.rs",
        what: "clock_gettime",
        reason: "it is the clock: the one place where time comes in",
    },
    Exception {
        path: "bot/clock/src/source.rs",
        what: "Instant::now",
        reason: "tokio's time, for the simulator's clock",
    },
    Exception {
        path: "bot/cli/serve.rs",
        what: "process::exit",
        reason: "after an I/O error nothing in hand may be finished: it would be told as saved",
    },
    Exception { path: "bot/clock/src/ids.rs", what: "rand::", reason: "it is the seam for ids and randomness" },
    Exception {
        path: "bot/slack/socket/connection.rs",
        what: "Instant::now",
        reason: "how long a socket was silent is the machine's own time: a clock moved in the demo must not kill sockets",
    },
    Exception { path: "bot/slack/socket/mod.rs", what: "Instant::now", reason: "the age of a socket, as above" },
    Exception {
        path: "bot/playground/src/slack/doors.rs",
        what: "Instant::now",
        reason: "Slack's three seconds for an answer are real ones, however the demo's clock is moved",
    },
    Exception {
        path: "bot/outside/tailscale/pace.rs",
        what: "Instant::now",
        reason: "how many calls a second a remote takes is real time, however the demo's clock is moved",
    },
    Exception {
        path: "bot/playground/src/tailnet/manners.rs",
        what: "Instant::now",
        reason: "the same, from the other side",
    },
];

/// Rules about one file.
const FILE_RULES: &[fn(&Source) -> Vec<Finding>] = &[
    floors::only_lower_floors,
    floors::the_playground_is_for_the_demo,
    shape::files_are_short,
    shape::functions_are_short,
    shape::files_say_what_they_are_for,
    calls::no_banned_calls,
    text::no_secrets,
    text::no_places_of_one_machine,
];

/// Rules about the whole house.
const HOUSE_RULES: &[fn(&House) -> Vec<Finding>] = &[
    floors::crates_depend_on_what_they_may,
    shape::every_file_is_listed,
    lists::step_types,
    lists::input_kinds,
    lists::verbs,
    lists::templates,
    lists::notices,
    lists::migrations,
    lists::dependencies_have_reasons,
    lists::dependencies_are_used,
];

fn findings(house: &House) -> Vec<Finding> {
    let in_files = house.sources.iter().flat_map(|source| FILE_RULES.iter().flat_map(move |rule| rule(source)));
    let in_house = HOUSE_RULES.iter().flat_map(|rule| rule(house));
    let mut all: Vec<Finding> = in_files.chain(in_house).collect();
    all.sort();
    all
}

#[test]
fn the_house_is_tidy() {
    let house = House::read();
    let all = findings(&house);
    let covers = |exception: &Exception, finding: &Finding| {
        finding.path == exception.path && finding.what.starts_with(exception.what)
    };
    let mut told: Vec<String> = all
        .iter()
        .filter(|finding| !EXCEPTIONS.iter().any(|exception| covers(exception, finding)))
        .map(ToString::to_string)
        .collect();
    for exception in EXCEPTIONS {
        if !all.iter().any(|finding| covers(exception, finding)) {
            told.push(format!(
                "tests/tidy.rs: the exception for {} in {} is not needed",
                exception.what, exception.path
            ));
        }
    }
    assert!(told.is_empty(), "{} things to tidy\n\n{}\n", told.len(), told.join("\n"));
}

#[test]
fn the_whole_house_was_looked_at() {
    let house = House::read();
    for path in
        ["bot/main.rs", "bot/kernel/src/policy.rs", "tests/tidy/source.rs", "README.md", "migrations/0001_ring.sql"]
    {
        assert!(house.sources.iter().any(|source| source.path == path), "{path} was not read");
    }
}
