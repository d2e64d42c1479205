//! `tailscale.role`: a role in the tailnet for a while. Here: what a workflow file may say, and what is touched; `holding` does it.

mod holding;

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::config::words::nearest;
use crate::kernel::StepType;
use crate::kernel::step_type::{Holds, Lends, Scope, Setting, SettingKind, SettingMistake, Stays};
use crate::kernel::workflow::Input;
use crate::steps::Listed;
use crate::steps::tailscale::user_input;

pub use holding::RoleStep;

/// Roles that can be lent. A tailnet has one owner, and stays theirs.
pub(in crate::steps::tailscale) const ROLES: &[&str] =
    &["admin", "it-admin", "network-admin", "billing-admin", "auditor", "member"];

/// The entry in the list of step types.
pub const LISTED: Listed = Listed {
    about: StepType {
        uses: "tailscale.role",
        about: "A role in the tailnet's admin console, put back as it was at the end. Tailscale has no end for a role and asks for no posture, so \
                that nothing but Nightlatch takes it back: a workflow says `unguarded: true`, and the card says it too. The owner's role cannot \
                be lent, and is not changed.",
        settings: SETTINGS,
        holds: Holds::Shared,
        stays: Stays::Never,
        scopes: &[Scope::Tailscale("users")],
        results: &[],
        check,
        address,
        lends,
    },
    make: |outside| Arc::new(RoleStep::new(outside.tailscale.clone(), outside.clock.clone())),
};

const SETTINGS: &[Setting] = &[
    Setting {
        name: "user",
        kind: SettingKind::User,
        is_required: false,
        is_key: true,
        about: "Who gets it; the requester if it is left out.",
        example: "\"{{ requester.login }}\"",
    },
    Setting {
        name: "role",
        kind: SettingKind::Text,
        is_required: true,
        is_key: false,
        about: "`admin`, `it-admin`, `network-admin`, `billing-admin`, `auditor` or `member`.",
        example: "network-admin",
    },
    Setting {
        name: "unguarded",
        kind: SettingKind::Flag,
        is_required: true,
        is_key: false,
        about: "`true`: that nothing but Nightlatch takes it back is meant.",
        example: "true",
    },
];

fn check(with: &Map<String, Value>, inputs: &[Input]) -> Vec<SettingMistake> {
    [user_input(with.get("user"), inputs), role(with.get("role")), unguarded(with.get("unguarded"))]
        .into_iter()
        .flatten()
        .collect()
}

/// One that is known, as it is written: nobody fills in how much they get.
pub(in crate::steps::tailscale) fn role(role: Option<&Value>) -> Option<SettingMistake> {
    let all = || format!("one of: {}", ROLES.join(", "));
    match role {
        None | Some(Value::Null) => Some(SettingMistake::new("role", "`role` is missing", all())),
        Some(Value::String(text)) if ROLES.contains(&text.as_str()) => None,
        Some(Value::String(text)) if text == "owner" => {
            Some(SettingMistake::new("role", "the owner's role cannot be lent", all()))
        }
        Some(Value::String(text)) => {
            let help = nearest(text, ROLES.iter().copied()).map_or_else(all, |near| format!("did you mean `{near}`?"));
            Some(SettingMistake::new("role", "`role` is no role of the tailnet", help))
        }
        Some(_) => Some(SettingMistake::new("role", "`role` must be a text", all())),
    }
}

fn unguarded(unguarded: Option<&Value>) -> Option<SettingMistake> {
    let help = "write unguarded: true, if that is meant";
    match unguarded {
        Some(Value::Bool(true)) => None,
        None | Some(Value::Null) => {
            let message = "`unguarded` is missing: nothing but Nightlatch takes a role back";
            Some(SettingMistake::new("unguarded", message, help))
        }
        Some(_) => Some(SettingMistake::new("unguarded", "`unguarded` can only be true here", help)),
    }
}

fn address(with: &Map<String, Value>) -> Result<String, String> {
    let login = with.get("user").and_then(Value::as_str).filter(|text| !text.is_empty()).ok_or("nobody")?;
    if login.contains(char::is_whitespace) {
        return Err("a login with a space".to_owned());
    }
    Ok(login.to_lowercase())
}

fn lends(with: &Map<String, Value>, _: &str) -> Lends {
    let text = |name: &str| with.get(name).and_then(Value::as_str).unwrap_or_default();
    Lends::words(format!("role {} for {}", text("role"), text("user")))
}
