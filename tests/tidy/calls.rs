//! Calls that have one place or none, and why.

use super::Finding;
use super::source::Source;

/// Where a call is banned.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Where {
    /// In the program, not in tests.
    Program,
    /// In the program, but not in these rooms.
    Outside(&'static [&'static str]),
    /// In the program, in this room.
    Room(&'static str),
    /// In tests only.
    Tests,
    Everywhere,
}

struct Ban {
    call: &'static str,
    banned: Where,
    why: &'static str,
}

const STOPS: &str =
    "nothing people or far sides do may stop the bot: what can be missing is handled where it is missing";
const CLOCK: &str = "time comes from the clock, which tests and the demo move";
const SLEEPS: &str =
    "a test that sleeps is slow on good days and wrong on bad ones: move the clock, wait for what happens";
const STREAMS: &str = "data goes to stdout only from `cli`; everything else is a log line";
const SEAMS: &str = "the world comes in through four seams, so that tests and the demo can stand in for it";

const KEPT: &str = "what is stored carries the number of its shape, so that it can be read for ever: `kept::write`";

const BANS: &[Ban] = &[
    Ban { call: ".unwrap()", banned: Where::Program, why: STOPS },
    Ban { call: ".expect(\"", banned: Where::Program, why: STOPS },
    Ban { call: ".unwrap_err()", banned: Where::Program, why: STOPS },
    Ban { call: "panic!(", banned: Where::Program, why: STOPS },
    Ban { call: "unreachable!(", banned: Where::Program, why: STOPS },
    Ban { call: "unimplemented!(", banned: Where::Everywhere, why: STOPS },
    Ban { call: "todo!(", banned: Where::Everywhere, why: STOPS },
    Ban { call: "dbg!(", banned: Where::Everywhere, why: "it is for one's own eyes" },
    Ban { call: "println!(", banned: Where::Outside(&["cli"]), why: STREAMS },
    Ban { call: "print!(", banned: Where::Outside(&["cli"]), why: STREAMS },
    Ban { call: "eprintln!(", banned: Where::Outside(&["cli", "main"]), why: STREAMS },
    Ban { call: "process::exit(", banned: Where::Program, why: "what is in hand is finished before the program ends" },
    Ban { call: "SystemTime::now", banned: Where::Program, why: CLOCK },
    Ban { call: "clock_gettime(", banned: Where::Program, why: CLOCK },
    Ban { call: "Instant::now", banned: Where::Program, why: CLOCK },
    Ban { call: "Timestamp::now", banned: Where::Program, why: CLOCK },
    Ban { call: "Zoned::now", banned: Where::Program, why: CLOCK },
    Ban { call: "rand::", banned: Where::Program, why: SEAMS },
    Ban { call: "env::var", banned: Where::Outside(&["config", "cli"]), why: SEAMS },
    Ban { call: "thread::sleep", banned: Where::Everywhere, why: SLEEPS },
    Ban { call: "time::sleep(", banned: Where::Tests, why: SLEEPS },
    Ban { call: "#[ignore", banned: Where::Everywhere, why: "a test that does not run proves nothing" },
    Ban {
        call: "#[allow(",
        banned: Where::Everywhere,
        why: "write #[expect(..., reason)]: it says when it is no longer needed",
    },
    Ban { call: "unsafe ", banned: Where::Everywhere, why: "nothing here is worth it" },
    Ban { call: "serde_json::to_string(", banned: Where::Room("store"), why: KEPT },
    Ban { call: "serde_json::to_value(", banned: Where::Room("store"), why: KEPT },
    Ban {
        call: "query(&format!",
        banned: Where::Program,
        why: "what people type is bound to a statement, never part of it",
    },
];

pub fn no_banned_calls(source: &Source) -> Vec<Finding> {
    if source.path == "build.rs" {
        // A build script talks to cargo over stdout.
        return Vec::new();
    }
    let mut findings = Vec::new();
    for ban in BANS {
        for line in source.lines_with(ban.call) {
            if applies(ban.banned, source, line) {
                let path = source.path.clone();
                findings.push(Finding { path, line, what: ban.call.trim_end_matches('(').to_owned(), why: ban.why });
            }
        }
    }
    findings
}

fn applies(banned: Where, source: &Source, line: usize) -> bool {
    let is_test = source.is_test(line);
    match banned {
        Where::Program => !is_test,
        Where::Outside(rooms) => !is_test && !source.room().is_some_and(|room| rooms.contains(&room)),
        Where::Room(room) => !is_test && source.room() == Some(room),
        Where::Tests => is_test,
        Where::Everywhere => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(path: &str, text: &str) -> Vec<String> {
        no_banned_calls(&Source::new(path, text)).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn every_ban_finds_its_call() {
        for ban in BANS {
            let path = match ban.banned {
                Where::Tests => "tests/a.rs",
                Where::Room("store") => "bot/store/a.rs",
                _ => "bot/engine/a.rs",
            };
            let text = format!("fn a() {{\n    x{} \"\");\n}}", format!(" {}", ban.call).replace(" .", "."));
            assert!(told(path, &text).contains(&ban.call.trim_end_matches('(').to_owned()), "{}", ban.call);
            assert_eq!(
                told(path, &format!("// {}\nconst A: &str = \"{}\";", ban.call, ban.call)),
                Vec::<String>::new()
            );
        }
    }

    #[test]
    fn what_only_looks_like_a_banned_call_is_fine() {
        for text in [
            "a.unwrap_or(b)",
            "a.expect_none()",
            "eprint",
            "my_println!(\"\")",
            "operand::a()",
            "a.unwrap_or_default()",
        ] {
            assert_eq!(told("bot/engine/a.rs", text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn tests_may_stop_but_not_sleep() {
        let text =
            "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() { c.unwrap(); panic!(\"\"); tokio::time::sleep(d) }\n}";
        assert_eq!(told("bot/engine/a.rs", text), ["time::sleep"]);
        assert_eq!(told("bot/engine/a.rs", "tokio::time::sleep(d)"), Vec::<String>::new());
        assert_eq!(told("tests/a.rs", "std::thread::sleep(d)"), ["thread::sleep"]);
        assert_eq!(told("bot/cli/plan.rs", "println!(\"\")"), Vec::<String>::new());
        assert_eq!(told("bot/engine/a.rs", "println!(\"\")"), ["println!"]);
    }
}
