//! `tailscale.invite`: an invitation into the tailnet, or to a device of it, withdrawn at the end. Here: what a workflow file may say; `holding` does it.

mod holding;
mod sharing;

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::config::words::nearest;
use crate::kernel::StepType;
use crate::kernel::step_type::{Holds, Lends, Scope, Setting, SettingKind, SettingMistake, Stays, StepResult};
use crate::kernel::workflow::Input;
use crate::steps::Listed;
use crate::steps::tailscale::device_input;
use crate::steps::tailscale::role::role;

pub use holding::InviteStep;

/// The entry in the list of step types.
pub const LISTED: Listed = Listed {
    about: StepType {
        uses: "tailscale.invite",
        about: "An invitation by e-mail into the tailnet, or with `device` to one device of it for somebody of another tailnet; withdrawn at the end \
                if nobody accepted it. If somebody did, `at_end` says what becomes of \
                them. Tailscale lets nobody invite but people: it needs `tailscale: api_key` of an admin in `nightlatch.yaml`; an OAuth client \
                cannot do it.",
        settings: SETTINGS,
        holds: Holds::Once,
        stays: Stays::Never,
        scopes: &[Scope::Tailscale("users")],
        results: &[StepResult { name: "id", about: "The invitation's id." }],
        check,
        address,
        lends,
    },
    make: |outside| Arc::new(InviteStep::new(outside.tailscale.clone(), outside.clock.clone())),
};

const SETTINGS: &[Setting] = &[
    Setting {
        name: "email",
        kind: SettingKind::Text,
        is_required: true,
        is_key: true,
        about: "Whom it is sent to.",
        example: "\"{{ inputs.reason }}\"",
    },
    Setting {
        name: "role",
        kind: SettingKind::Text,
        is_required: false,
        is_key: false,
        about: "What they become, and must be there without `device`: `member`, `auditor`, `billing-admin`, `network-admin`, `it-admin` or `admin`.",
        example: "member",
    },
    Setting {
        name: "device",
        kind: SettingKind::NamedDevice,
        is_required: false,
        is_key: true,
        about: "The device that is shared with them; without it they are invited into the tailnet.",
        example: "\"{{ inputs.device }}\"",
    },
    Setting {
        name: "at_end",
        kind: SettingKind::Text,
        is_required: true,
        is_key: false,
        about: "What becomes of whoever accepted it: `suspend` shuts them out, `delete` removes them with their devices, `stays` leaves them. With `device`: `delete` deletes the accepted invitation (whether the device is \
                shared with them all the same Tailscale does not tell programs, and the card says so), `stays` leaves it.",
        example: "suspend",
    },
];

/// What can become of whoever accepted it.
const ENDS: [&str; 3] = ["suspend", "delete", "stays"];

/// What can become of a device that is shared: whoever accepted it is no user of this tailnet.
const ENDS_OF_DEVICES: [&str; 2] = ["delete", "stays"];

fn check(with: &Map<String, Value>, inputs: &[Input]) -> Vec<SettingMistake> {
    let of_device = || {
        let role = with.contains_key("role").then(|| {
            let help = "take `role` out, or `device`: then they are invited into the tailnet";
            SettingMistake::new("role", "whoever a device is shared with has no role here", help)
        });
        [device_input(with.get("device"), inputs), role]
    };
    let of_tailnet = || [role(with.get("role")), None];
    let is_of_device = with.contains_key("device");
    let ends: &[&str] = if is_of_device { &ENDS_OF_DEVICES } else { &ENDS };
    let own = if is_of_device { of_device() } else { of_tailnet() };
    [email(with.get("email")), at_end(with.get("at_end"), ends)].into_iter().chain(own).flatten().collect()
}

fn email(email: Option<&Value>) -> Option<SettingMistake> {
    let help = "write email: \"{{ inputs.NAME }}\" with an input of type text, or an address";
    match email {
        None | Some(Value::Null) => Some(SettingMistake::new("email", "`email` is missing", help)),
        // What is filled in is judged when it is known.
        Some(Value::String(text)) if text.contains("{{") || is_email(text) => None,
        Some(_) => Some(SettingMistake::new("email", "`email` is no e-mail address", help)),
    }
}

fn at_end(at_end: Option<&Value>, ends: &[&str]) -> Option<SettingMistake> {
    let all = || format!("one of: {}", ends.join(", "));
    match at_end {
        None | Some(Value::Null) => {
            let message = "`at_end` is missing: what becomes of whoever accepted it?";
            Some(SettingMistake::new("at_end", message, all()))
        }
        Some(Value::String(text)) if ends.contains(&text.as_str()) => None,
        Some(Value::String(text)) => {
            let help = nearest(text, ends.iter().copied()).map_or_else(all, |near| format!("did you mean `{near}`?"));
            Some(SettingMistake::new("at_end", "`at_end` is none of those there are", help))
        }
        Some(_) => Some(SettingMistake::new("at_end", "`at_end` must be a text", all())),
    }
}

/// One that a mail could go to: something, an @, and a name with a dot.
fn is_email(text: &str) -> bool {
    let plain =
        |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c.is_control() || c == '@');
    text.len() <= 254
        && text.split_once('@').is_some_and(|(name, host)| {
            plain(name) && plain(host) && host.contains('.') && !host.starts_with('.') && !host.ends_with('.')
        })
}

/// Nothing that leads anywhere stands in logs; whether it can be sent at all is told when it is asked.
fn address(with: &Map<String, Value>) -> Result<String, String> {
    match with.get("email").and_then(Value::as_str) {
        Some(text) if is_email(text) => match with.get("device").and_then(Value::as_str) {
            Some(device) if device.is_empty() || device.contains(char::is_whitespace) => {
                Err("no device, or one with a space".to_owned())
            }
            Some(device) => Ok(format!("{device} {}", text.to_lowercase())),
            None => Ok(text.to_lowercase()),
        },
        _ => Err("that is no e-mail address".to_owned()),
    }
}

fn lends(with: &Map<String, Value>, device: &str) -> Lends {
    let text = |name: &str| with.get(name).and_then(Value::as_str).unwrap_or_default();
    Lends::words(match with.contains_key("device") {
        true => format!("{device} shared with {}", text("email")),
        false => format!("an invitation of {} as {}", text("email"), text("role")),
    })
}
