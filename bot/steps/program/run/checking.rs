//! What is wrong with the settings of `program.run`, as far as a file can tell.

use std::time::Duration;

use serde_json::{Map, Value};

use super::argv::limit;
use crate::config::programs::is_path;
use crate::kernel::reference::{Piece, pieces};
use crate::kernel::step_type::{STAYS, SettingMistake};
use crate::kernel::workflow::Input;
use crate::steps::filled::{is_chosen, secrets_named};

const HELP: &str = "write do: [/usr/local/bin/freeze, on, \"--why={{ inputs.reason }}\"]";
const CHOSEN: &str = "only the requester, the device and inputs of type choice, device or person may stand there";
/// More is a script, and belongs into one.
const ARGUMENTS_MAX: usize = 64;
/// A step may need three runs, and has five minutes for all of them.
const LIMIT_MAX: Duration = Duration::from_secs(90);
/// Ours.
const OURS: &str = "NIGHTLATCH_";

pub(super) fn check(with: &Map<String, Value>, inputs: &[Input]) -> Vec<SettingMistake> {
    let mut mistakes = Vec::new();
    if !with.contains_key("do") {
        mistakes.push(SettingMistake::new("do", "`do` is missing", HELP));
    } else if !with.contains_key("undo") && !with.contains_key(STAYS) {
        let help = "add undo: [/usr/local/bin/freeze, off], or stays: true beside `uses` if it can stay";
        mistakes.push(SettingMistake::new("do", "nothing says how it is taken back", help));
    }
    for name in ["do", "undo", "check"] {
        if let Some(value) = with.get(name) {
            mistakes.extend(argv(name, value, inputs));
        }
    }
    mistakes.extend(with.get("env").map(|env| environment(env, inputs)).unwrap_or_default());
    if let Some(dir) = with.get("dir")
        && !dir.as_str().is_some_and(|dir| dir == "/" || is_path(dir) && !dir.contains("{{"))
    {
        mistakes.push(SettingMistake::new(
            "dir",
            "`dir` is not the whole path of a folder",
            "write it like /srv/freeze",
        ));
    }
    if let Some(value) = with.get("limit")
        && limit(Some(value)).is_none_or(|limit| limit > LIMIT_MAX)
    {
        mistakes.push(SettingMistake::new("limit", "`limit` is no length of time up to 90s", "write it like 45s"));
    }
    mistakes
}

fn argv(name: &'static str, value: &Value, inputs: &[Input]) -> Vec<SettingMistake> {
    let wrong = |what: &str, help: &str| SettingMistake::new(name, format!("`{name}` {what}"), help);
    let Some(all) = value.as_array().filter(|all| !all.is_empty()) else {
        return vec![wrong("is not a list of texts with a program in front", HELP)];
    };
    let mut mistakes = Vec::new();
    if all.len() > ARGUMENTS_MAX {
        mistakes.push(wrong(&format!("has more than {ARGUMENTS_MAX} arguments"), "write a script that has them"));
    }
    for (index, one) in all.iter().enumerate() {
        let at = index.to_string();
        let Some(text) = one.as_str() else {
            let help = "write it in quotes";
            mistakes.push(wrong("has an argument that is no text", help).at(&[&at]));
            continue;
        };
        if !secrets_named(one).is_empty() {
            let help = "every user of the machine can read arguments; name it under env:";
            mistakes.push(wrong("has a secret among its arguments", help).at(&[&at]));
        }
        if text.contains('\0') {
            mistakes.push(wrong("has an argument with a zero byte in it", "take it out").at(&[&at]));
        }
        if index == 0 {
            mistakes.extend(program(text, inputs).map(|(what, help)| wrong(&what, &help).at(&[&at])));
        }
    }
    mistakes
}

/// What is wrong with a program's path.
fn program(text: &str, inputs: &[Input]) -> Option<(String, String)> {
    let mut tried = String::new();
    for piece in pieces(text).ok()? {
        match piece {
            Piece::Text(text) => tried.push_str(text),
            Piece::Reference(reference) if is_chosen(reference, inputs) => tried.push('x'),
            Piece::Reference(_) => {
                return Some(("names a program by what is typed".to_owned(), CHOSEN.to_owned()));
            }
        }
    }
    if !is_path(&tried) || tried.contains(char::is_whitespace) {
        let help = "write its whole path as in `programs` of nightlatch.yaml; there is no shell, so arguments are items of their own";
        return Some(("does not begin with the path of a program".to_owned(), help.to_owned()));
    }
    None
}

fn environment(env: &Value, inputs: &[Input]) -> Vec<SettingMistake> {
    const HELP: &str = "write env: { FREEZE_TOKEN: secret:freeze }";
    let Some(all) = env.as_object() else {
        return vec![SettingMistake::new("env", "`env` is not a map of names and texts", HELP)];
    };
    let mut mistakes = Vec::new();
    for (name, value) in all {
        let mut wrong = |what: String, help: &str| mistakes.push(SettingMistake::new("env", what, help).at(&[name]));
        let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_name || name.starts_with(OURS) {
            wrong(format!("`{name}` cannot be set in an environment"), "letters, digits and _; NIGHTLATCH_ is ours");
        }
        let Some(text) = value.as_str().filter(|text| !text.contains('\0')) else {
            wrong(format!("`{name}` must be a text"), "write it in quotes");
            continue;
        };
        for piece in pieces(text).unwrap_or_default() {
            if let Piece::Reference(reference) = piece
                && !is_chosen(reference, inputs)
            {
                wrong(format!("what is typed stands in `{name}`"), CHOSEN);
            }
        }
    }
    mistakes
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kernel::workflow::InputKind;

    #[test]
    fn what_a_file_says_wrongly_is_told_with_what_would_be_right() {
        let inputs = [
            Input::plain("reason", "Reason", InputKind::text(100)),
            Input::plain("device", "Device", InputKind::own_device()),
        ];
        let cases = [
            json!({ "do": ["/bin/x", "{{ inputs.reason }}", "-{{ requester.name }}"], "undo": ["/bin/{{ device.os }}"], "dir": "/", "limit": "90s" }),
            json!({ "do": ["/bin/x"] }),
            json!({ "do": "/bin/x on", "undo": [] }),
            json!({ "do": ["/bin/x on"], "undo": ["x"], "check": ["/bin/../x"] }),
            json!({ "do": ["/bin/{{ inputs.reason }}"], "undo": ["/bin/x", 1, "secret:ci"] }),
            json!({ "do": ["/x"], "undo": ["/x"], "env": { "1A": "x", "NIGHTLATCH_REQUEST": "x", "B": "{{ inputs.reason }}", "C": 3 } }),
            json!({ "do": ["/x"], "undo": ["/x"], "env": ["A=b"], "dir": "srv", "limit": "2m" }),
            json!({ "do": ["/x"], "undo": ["/x"], "dir": "/{{ device.os }}", "limit": "0s" }),
        ];
        let told = |with: &Value| {
            let found = check(with.as_object().unwrap(), &inputs);
            let lines = found.iter().map(|one| format!("  {} {:?}", one.message, one.at));
            lines.collect::<Vec<_>>().join("\n")
        };
        insta::assert_snapshot!(cases.iter().map(told).collect::<Vec<_>>().join("\n--\n"), @r#"
        --
          nothing says how it is taken back []
        --
          `do` is not a list of texts with a program in front []
          `undo` is not a list of texts with a program in front []
        --
          `do` does not begin with the path of a program ["0"]
          `undo` does not begin with the path of a program ["0"]
          `check` does not begin with the path of a program ["0"]
        --
          `do` names a program by what is typed ["0"]
          `undo` has an argument that is no text ["1"]
          `undo` has a secret among its arguments ["2"]
        --
          `1A` cannot be set in an environment ["1A"]
          `NIGHTLATCH_REQUEST` cannot be set in an environment ["NIGHTLATCH_REQUEST"]
          what is typed stands in `B` ["B"]
          `C` must be a text ["C"]
        --
          `env` is not a map of names and texts []
          `dir` is not the whole path of a folder []
          `limit` is no length of time up to 90s []
        --
          `dir` is not the whole path of a folder []
          `limit` is no length of time up to 90s []
        "#);
    }
}
