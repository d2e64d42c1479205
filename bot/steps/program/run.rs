//! `program.run`: a program of this machine that switches something on, one that takes it back, and one that tells. Here: what a workflow
//! file may say; `argv` puts a run together, `holding` runs it.

mod argv;
mod checking;
mod holding;

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::kernel::StepType;
use crate::kernel::fill::{Part, parts};
use crate::kernel::step_type::{Holds, Lends, Setting, SettingKind, Stays, StepResult};
use crate::steps::Listed;

pub use holding::ProgramRun;

/// What it comes to.
const OUTPUT: &str = "output";

/// The entry in the list of step types.
pub const LISTED: Listed = Listed {
    about: StepType {
        uses: "program.run",
        about: "A program of the machine Nightlatch runs on, when access begins, and one that undoes it at the end. It is one of `programs` \
                in `nightlatch.yaml`, runs as the user `run_as` there, without a shell, and nothing it starts goes on when it ends. Each of \
                `do`, `undo` and `check` is a list: the program's whole path, then its arguments, each of them one argument whatever is in \
                it. One that begins with `-` because of what was filled in is refused. What it prints is kept in the audit log, cut, and with \
                secrets taken out.",
        settings: SETTINGS,
        holds: Holds::Once,
        stays: Stays::May,
        scopes: &[],
        results: &[StepResult {
            name: OUTPUT,
            about: "What `do` printed, without spaces at its ends, at most 1000 characters; `undo` and `check` of the same step can use it too.",
        }],
        check: checking::check,
        address,
        lends: Lends::nothing,
    },
    make: |outside| {
        let services = outside.services.clone();
        Arc::new(ProgramRun::new(services.programs, services.secrets, outside.clock.clone()))
    },
};

const SETTINGS: &[Setting] = &[
    Setting {
        name: "do",
        kind: SettingKind::Argv,
        is_required: true,
        is_key: true,
        about: "What switches it on. Exit code 0: it did; any other: it is taken back, and people are told. It runs again where nobody knows \
                whether it ended: it must not mind that.",
        example: "[/usr/local/bin/freeze, on, \"--by={{ requester.login }}\", \"--why={{ inputs.reason }}\"]",
    },
    Setting {
        name: "undo",
        kind: SettingKind::Argv,
        is_required: false,
        is_key: false,
        about: "What takes it back, also after a `do` that failed: 0 too if there is nothing to take back. Without it the step needs \
                `stays: true`.",
        example: "[/usr/local/bin/freeze, off, \"--id={{ steps.run.output }}\"]",
    },
    Setting {
        name: "check",
        kind: SettingKind::Argv,
        is_required: false,
        is_key: false,
        about: "Tells whether it is on: 0 yes, 1 no, anything else that it cannot be told. Changes nothing. Without it nothing can be said to \
                be verified.",
        example: "[/usr/local/bin/freeze, status, \"--id={{ steps.run.output }}\"]",
    },
    Setting {
        name: "env",
        kind: SettingKind::Env,
        is_required: false,
        is_key: false,
        about: "All that stands in its environment, beside `NIGHTLATCH_REQUEST` and `NIGHTLATCH_STEP`. `secret:NAME` stands for a secret whose \
                `programs` in `nightlatch.yaml` name this one. What is typed freely may not stand here.",
        example: "{ FREEZE_TOKEN: secret:freeze, LANG: C }",
    },
    Setting {
        name: "dir",
        kind: SettingKind::Text,
        is_required: false,
        is_key: false,
        about: "The folder it runs in, as a whole path; `/` if it is left out.",
        example: "/srv/freeze",
    },
    Setting {
        name: "limit",
        kind: SettingKind::Text,
        is_required: false,
        is_key: false,
        about: "How long it may take, at most 90s; then it is killed. 30s if it is left out.",
        example: "45s",
    },
];

/// The program. Its arguments may hold what people typed.
fn address(with: &Map<String, Value>) -> Result<String, String> {
    let program = with.get("do").and_then(Value::as_array).and_then(|all| all.first()).and_then(parts);
    let mut text = String::new();
    for part in program.ok_or("no program to run")? {
        match part {
            Part::Literal(literal) => text.push_str(&literal),
            Part::Filled(value) => text.push_str(value.as_str().unwrap_or_default()),
            Part::Own(_) => return Err("a program that it would have to come to first".to_owned()),
        }
    }
    if text.contains(char::is_whitespace) || text.chars().any(char::is_control) {
        return Err("a program with a space in its path".to_owned());
    }
    Ok(text)
}
