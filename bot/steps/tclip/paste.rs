//! `tclip.paste`: a paste that lives as long as the grant. Two grants with the same text share one paste. Here: what a workflow file
//! may say, and what is touched; `holding` does it.

mod holding;

use std::sync::Arc;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::kernel::StepType;
use crate::kernel::paste::{CONTENT_MAX_BYTES, Text, UNTITLED, suspects};
use crate::kernel::step_type::{Holds, Lends, Setting, SettingKind, SettingMistake, Stays};
use crate::kernel::workflow::Input;
use crate::steps::Listed;

pub use holding::PasteStep;

/// The entry in the list of step types.
pub const LISTED: Listed = Listed {
    about: StepType {
        uses: "tclip.paste",
        about: "A paste that is there while access is, and whose address its requester is told. It stands with Nightlatch, or at the tclip \
                that the configuration names. Grants with the same text share one paste.",
        settings: SETTINGS,
        holds: Holds::Shared,
        stays: Stays::Never,
        scopes: &[],
        results: &[],
        check,
        address,
        lends: Lends::nothing,
    },
    make: |outside| Arc::new(PasteStep::new(outside.pastes.clone(), outside.clock.clone())),
};

const SETTINGS: &[Setting] = &[
    Setting {
        name: "filename",
        kind: SettingKind::Text,
        is_required: false,
        is_key: true,
        about: "Its name; tells the language, too.",
        example: "runbook.md",
    },
    Setting {
        name: "language",
        kind: SettingKind::Text,
        is_required: false,
        is_key: true,
        about: "How it is coloured, if its name does not tell.",
        example: "markdown",
    },
    Setting {
        name: "content",
        kind: SettingKind::Lines,
        is_required: true,
        is_key: true,
        about: "The text, at most 3 MiB. What looks like a secret is a mistake.",
        example: "\"# For {{ requester.name }}\\n\\nAsked because: {{ inputs.reason }}\"",
    },
];

/// The text in filled settings.
fn text(with: &Map<String, Value>) -> Result<Text, String> {
    let setting = |name: &str| with.get(name).and_then(Value::as_str);
    let content = setting("content").ok_or("no content")?;
    let filename = setting("filename").unwrap_or(UNTITLED);
    Text::new(filename, setting("language"), content.to_owned()).map_err(|why| why.to_string())
}

/// A fingerprint: keys are logged, and texts must not be.
fn address(with: &Map<String, Value>) -> Result<String, String> {
    let text = text(with)?;
    let mut digest = Sha256::new();
    for part in [&text.filename, text.language.as_deref().unwrap_or_default(), text.content.as_str()] {
        let part: &str = part;
        digest.update(part.len().to_be_bytes());
        digest.update(part.as_bytes());
    }
    Ok(hex::encode(digest.finalize()).chars().take(32).collect())
}

fn check(with: &Map<String, Value>, _: &[Input]) -> Vec<SettingMistake> {
    let content = content(with.get("content"));
    let texts = ["filename", "language"].into_iter().filter_map(|setting| one_line(setting, with.get(setting)));
    content.into_iter().chain(texts).collect()
}

fn mistake(setting: &'static str, message: impl Into<String>, help: impl Into<String>) -> Option<SettingMistake> {
    Some(SettingMistake::new(setting, message, help))
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
