//! What a workflow file may say under `uses: tclip.paste`.

use serde_json::{Map, Value};

use crate::kernel::paste::{CONTENT_MAX_BYTES, suspects};
use crate::kernel::workflow::{Input, SettingMistake, StepType};

/// The entry in the list of step types.
pub const TYPE: StepType = StepType {
    uses: "tclip.paste",
    settings: &["filename", "language", "content"],
    key_settings: &["filename", "language", "content"],
    check,
};

fn check(with: &Map<String, Value>, _: &[Input]) -> Vec<SettingMistake> {
    let content = content(with.get("content"));
    let texts = ["filename", "language"].into_iter().filter_map(|setting| one_line(setting, with.get(setting)));
    content.into_iter().chain(texts).collect()
}

fn mistake(setting: &'static str, message: impl Into<String>, help: impl Into<String>) -> Option<SettingMistake> {
    Some(SettingMistake { setting, message: message.into(), help: Some(help.into()) })
}

fn content(content: Option<&Value>) -> Option<SettingMistake> {
    const SETTING: &str = "content";
    const HELP: &str = "write content: the text, or content: | with lines below it";
    match content {
        None | Some(Value::Null) => mistake(SETTING, "`content` is missing", HELP),
        Some(Value::String(text)) if text.trim().is_empty() => mistake(SETTING, "`content` is empty", HELP),
        Some(Value::String(text)) if text.len() > CONTENT_MAX_BYTES => {
            mistake(SETTING, format!("`content` is longer than {CONTENT_MAX_BYTES} bytes"), HELP)
        }
        Some(Value::String(text)) => {
            let suspect = suspects(text).into_iter().next()?;
            let message = format!("`content` looks like it holds {}", suspect.kind);
            mistake(SETTING, message, "keep secrets out of workflow files; say where it can be found instead")
        }
        Some(_) => mistake(SETTING, "`content` must be a text", HELP),
    }
}

fn one_line(setting: &'static str, value: Option<&Value>) -> Option<SettingMistake> {
    let help = match setting {
        "filename" => "write filename: runbook.md",
        _ => "write language: yaml, or leave it out: the file name tells it",
    };
    match value {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) if !text.trim().is_empty() && !text.contains('\n') => None,
        Some(_) => mistake(setting, format!("`{setting}` must be one line of text"), help),
    }
}
