//! `tailscale.auth_key`: an auth key for one request, handed over in private and revoked at the end. Here: what a workflow file may say,
//! and what is touched; `holding` does it.

mod holding;

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::kernel::StepType;
use crate::kernel::input::is_tag;
use crate::kernel::step_type::{Holds, Lends, Scope, Setting, SettingKind, SettingMistake, Stays, StepResult};
use crate::kernel::workflow::Input;
use crate::steps::Listed;

pub use holding::AuthKeyStep;

/// The entry in the list of step types.
pub const LISTED: Listed = Listed {
    about: StepType {
        uses: "tailscale.auth_key",
        about: "An auth key with which a tagged device joins the tailnet. The requester sees it once, in direct messages; nothing of ours keeps \
                it. Tailscale ends it in time too, and it is revoked at the end. Devices that joined with it are ephemeral, so that they leave \
                when they are gone, unless `ephemeral: false` and `stays: true` say that they may stay. At the end the card names the devices that \
                joined with its tags since it was made; with which key a device joined Tailscale does not say.",
        settings: SETTINGS,
        holds: Holds::Once,
        stays: Stays::May,
        scopes: &[Scope::Tailscale("auth_keys"), Scope::Tailscale("devices:core:read")],
        results: &[StepResult { name: "id", about: "The key's id; not the key." }],
        check,
        address: |_| Ok(String::new()),
        lends,
    },
    make: |outside| Arc::new(AuthKeyStep::new(outside.tailscale.clone(), outside.clock.clone())),
};

const SETTINGS: &[Setting] = &[
    Setting {
        name: "tags",
        kind: SettingKind::Texts,
        is_required: true,
        is_key: false,
        about: "The tags of devices that join with it; the OAuth client must own them.",
        example: "[tag:ci]",
    },
    Setting {
        name: "ephemeral",
        kind: SettingKind::Flag,
        is_required: false,
        is_key: false,
        about: "Whether such devices leave by themselves when they are gone for a while; true if it is left out.",
        example: "true",
    },
    Setting {
        name: "preauthorized",
        kind: SettingKind::Flag,
        is_required: false,
        is_key: false,
        about: "Whether such devices need no approval; false if it is left out.",
        example: "true",
    },
    Setting {
        name: "reusable",
        kind: SettingKind::Flag,
        is_required: false,
        is_key: false,
        about: "Whether more than one device may join with it; false if it is left out.",
        example: "false",
    },
];

fn check(with: &Map<String, Value>, _: &[Input]) -> Vec<SettingMistake> {
    let mut mistakes = Vec::new();
    let is_tag = |value: &Value| value.as_str().is_some_and(is_tag);
    let help = "write tags: [tag:ci]";
    match with.get("tags") {
        None | Some(Value::Null) => mistakes.push(SettingMistake::new("tags", "`tags` is missing", help)),
        Some(Value::Array(tags)) if !tags.is_empty() && tags.iter().all(is_tag) => {}
        Some(_) => {
            mistakes.push(SettingMistake::new("tags", "`tags` must be a list of tags, each with tag: in front", help))
        }
    }
    for name in ["ephemeral", "preauthorized", "reusable"] {
        if with.get(name).is_some_and(|value| !value.is_boolean()) {
            let help = format!("write {name}: true (without quotes)");
            mistakes.push(SettingMistake::new(name, format!("`{name}` must be true or false"), help));
        }
    }
    if with.get("ephemeral") == Some(&Value::Bool(false)) && !with.contains_key(crate::kernel::step_type::STAYS) {
        let help = "add stays: true beside `uses`, or take ephemeral: false out";
        mistakes.push(SettingMistake::new("ephemeral", "devices that join with it would stay when it is over", help));
    }
    mistakes
}

fn lends(with: &Map<String, Value>, _: &str) -> Lends {
    let tags = with.get("tags").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let reusable = if with.get("reusable") == Some(&Value::Bool(true)) { "a reusable" } else { "an" };
    Lends::words(format!("{reusable} auth key for {}", tags.collect::<Vec<_>>().join(", ")))
}
