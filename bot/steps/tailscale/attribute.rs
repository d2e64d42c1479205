//! `tailscale.attribute`: a `custom:` posture attribute on one device, with an expiry Tailscale enforces too. Here: what a
//! workflow file may say, and what is touched; `holding` does it.

mod holding;

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::kernel::StepType;
use crate::kernel::step_type::{Holds, Lends, Scope, Setting, SettingKind, SettingMistake, Stays};
use crate::kernel::workflow::Input;
use crate::steps::Listed;
use crate::steps::tailscale::device_input;

pub use holding::Attribute;

/// The entry in the list of step types.
pub const LISTED: Listed = Listed {
    about: StepType {
        uses: "tailscale.attribute",
        about: "A `custom:` posture attribute on a device that the requester chose, with an end that Tailscale keeps too. Your tailnet \
                policy file says what a device with it may reach.",
        settings: SETTINGS,
        holds: Holds::Shared,
        stays: Stays::Never,
        scopes: &[
            Scope::Tailscale("devices:core:read"),
            Scope::Tailscale("devices:posture_attributes"),
            Scope::Tailscale("users:read"),
        ],
        results: &[],
        check,
        address,
        lends,
    },
    make: |outside| Arc::new(Attribute::new(outside.tailscale.clone(), outside.clock.clone())),
};

const SETTINGS: &[Setting] = &[
    Setting {
        name: "device",
        kind: SettingKind::Device,
        is_required: true,
        is_key: true,
        about: "Which device; one that the requester chose.",
        example: "\"{{ inputs.device }}\"",
    },
    Setting {
        name: "key",
        kind: SettingKind::Text,
        is_required: true,
        is_key: true,
        about: "The attribute's name: `custom:` and letters, digits, `_` and `:`, at most 128 characters.",
        example: "custom:jit_prod_db",
    },
    Setting {
        name: "value",
        kind: SettingKind::Scalar,
        is_required: true,
        is_key: false,
        about: "What it is set to: `true` or `false`, a whole number, or text of at most 50 letters, digits, `_` and `.`. Tailscale fixes for \
                the whole tailnet which of these an attribute is when it is first set. Who holds the same attribute of the same device must \
                want the same value.",
        example: "true",
    },
];

/// With the `custom:` in front, see <https://tailscale.com/kb/1288/device-posture>.
const KEY_MAX_CHARACTERS: usize = 128;
/// Of a text value, in characters (its API's description).
const TEXT_MAX: usize = 50;
/// 2^53 - 1.
const NUMBER_MAX: u64 = 9_007_199_254_740_991;

fn check(with: &Map<String, Value>, inputs: &[Input]) -> Vec<SettingMistake> {
    [device_input(with.get("device"), inputs), key(with.get("key")), value(with.get("value"))]
        .into_iter()
        .flatten()
        .collect()
}

/// The device and the attribute's name.
fn address(with: &Map<String, Value>) -> Result<String, String> {
    let setting = |name: &str| with.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let device = setting("device").ok_or("no device")?;
    let key = setting("key").ok_or("no key")?;
    if device.contains(' ') || key.contains(' ') {
        return Err("a device id or key with a space".to_owned());
    }
    if let Some(why) = with.get("value").and_then(unusable) {
        return Err(format!("the value {why}"));
    }
    Ok(format!("{device} {key}"))
}

fn mistake(setting: &'static str, message: impl Into<String>, help: impl Into<String>) -> Option<SettingMistake> {
    Some(SettingMistake::new(setting, message, help))
}

fn key(key: Option<&Value>) -> Option<SettingMistake> {
    const SETTING: &str = "key";
    const HELP: &str = "write key: custom:jit_prod_db";
    let text = match key {
        None | Some(Value::Null) => return mistake(SETTING, "`key` is missing", HELP),
        Some(Value::String(text)) => text,
        Some(_) => return mistake(SETTING, "`key` must be a text", HELP),
    };
    let Some(name) = text.strip_prefix("custom:") else {
        return mistake(SETTING, "`key` must start with custom:", HELP);
    };
    if text.chars().count() > KEY_MAX_CHARACTERS {
        return mistake(SETTING, format!("`key` is longer than {KEY_MAX_CHARACTERS} characters"), HELP);
    }
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':') {
        return mistake(SETTING, "`key` may hold letters, digits, `_` and `:` after custom:", HELP);
    }
    None
}

fn value(value: Option<&Value>) -> Option<SettingMistake> {
    const HELP: &str = "write value: true, value: 3 or value: read_only";
    match value {
        None | Some(Value::Null) => mistake("value", "`value` is missing", HELP),
        // What is filled in is judged when it is known.
        Some(Value::String(text)) if text.contains("{{") => None,
        Some(value) => mistake("value", format!("`value` {}", unusable(value)?), HELP),
    }
}

/// What is wrong with a value, as the end of a sentence; nothing if Tailscale takes it.
fn unusable(value: &Value) -> Option<&'static str> {
    match value {
        Value::Bool(_) => None,
        Value::Number(number) => match number.as_i64() {
            Some(number) if number.unsigned_abs() <= NUMBER_MAX => None,
            _ => Some("must be a whole number that every JSON reader keeps, up to 9007199254740991"),
        },
        Value::String(text) if text.is_empty() => Some("is empty"),
        Value::String(text) if text.chars().count() > TEXT_MAX => Some("is longer than 50 characters"),
        Value::String(text) if text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.') => None,
        Value::String(_) => Some("may hold letters, digits, `_` and `.` only"),
        _ => Some("must be true, false, a number or a text"),
    }
}

/// That it is `true` its name says already.
fn lends(with: &Map<String, Value>, device: &str) -> Lends {
    let key = with.get("key").and_then(Value::as_str).unwrap_or_default();
    let value = with.get("value").cloned().unwrap_or(Value::Bool(true));
    Lends { words: format!("{key} = {value} on {device}"), is_in_key: value == Value::Bool(true) }
}
