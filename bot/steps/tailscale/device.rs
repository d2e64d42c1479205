//! `tailscale.device`: settings of a device for a while. Here: what a workflow file may say, and what is touched; `holding` does it.

mod holding;

use std::net::IpAddr;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::kernel::StepType;
use crate::kernel::input::is_tag;
use crate::kernel::step_type::{Holds, Lends, Scope, Setting, SettingKind, SettingMistake, Stays};
use crate::kernel::workflow::Input;
use crate::steps::Listed;
use crate::steps::tailscale::changing::words;
use crate::steps::tailscale::device_input;

pub use holding::DeviceStep;

/// The entry in the list of step types.
pub const LISTED: Listed = Listed {
    about: StepType {
        uses: "tailscale.device",
        about: "Settings of a device that the requester chose: whether it may be in the tailnet, which tags it carries, which of its routes are on, whether its key expires. \
                At the end they are put back as they were; what somebody else changed in between is left alone. Tailscale has no end for \
                them, so the bot alone takes them back. Whoever holds the same device must want the same of it.",
        settings: SETTINGS,
        holds: Holds::Shared,
        stays: Stays::Never,
        scopes: &[Scope::Tailscale("devices:core"), Scope::Tailscale("devices:routes")],
        results: &[],
        check,
        address,
        lends,
    },
    make: |outside| Arc::new(DeviceStep::new(outside.tailscale.clone(), outside.clock.clone())),
};

const SETTINGS: &[Setting] = &[
    Setting {
        name: "device",
        kind: SettingKind::Device,
        is_required: true,
        is_key: true,
        about: "On which device.",
        example: "\"{{ inputs.device }}\"",
    },
    Setting {
        name: "authorized",
        kind: SettingKind::Flag,
        is_required: false,
        is_key: false,
        about: "Whether it may be in the tailnet, where devices need approval.",
        example: "true",
    },
    Setting {
        name: "tags",
        kind: SettingKind::Texts,
        is_required: false,
        is_key: false,
        about: "Exactly these tags are its. Only of a device that has tags already, so with an input `of` tags: a device of a person that gets one \
                is nobody's for ever. The OAuth client must own these tags and those it has before; that it may give them back is tried first.",
        example: "[tag:ci, tag:quarantine]",
    },
    Setting {
        name: "routes",
        kind: SettingKind::Texts,
        is_required: false,
        is_key: false,
        about: "Exactly these of its routes are on, as CIDRs. It has to advertise them itself.",
        example: "[10.0.0.0/16]",
    },
    Setting {
        name: "key_expiry_disabled",
        kind: SettingKind::Flag,
        is_required: false,
        is_key: false,
        about: "Whether its key never expires.",
        example: "true",
    },
];

/// The settings that can be changed.
pub(in crate::steps::tailscale::device) const CHANGED: [&str; 4] =
    ["authorized", "tags", "routes", "key_expiry_disabled"];

fn check(with: &Map<String, Value>, inputs: &[Input]) -> Vec<SettingMistake> {
    let mut mistakes: Vec<SettingMistake> = device_input(with.get("device"), inputs).into_iter().collect();
    for name in ["authorized", "key_expiry_disabled"] {
        if with.get(name).is_some_and(|value| !value.is_boolean()) {
            let help = format!("write {name}: true (without quotes)");
            mistakes.push(SettingMistake::new(name, format!("`{name}` must be true or false"), help));
        }
    }
    mistakes.extend(routes(with.get("routes")));
    mistakes.extend(tags(with.get("tags"), inputs));
    if !with.is_empty() && !CHANGED.iter().any(|name| with.contains_key(*name)) {
        let help = format!("write at least one of {}", CHANGED.join(", "));
        mistakes.push(SettingMistake::new("device", "nothing of the device is changed", help));
    }
    mistakes
}

fn tags(tags: Option<&Value>, inputs: &[Input]) -> Option<SettingMistake> {
    const HELP: &str = "write tags: [tag:ci, tag:quarantine]";
    let list = match tags? {
        Value::Array(list) if !list.is_empty() => list,
        Value::Array(_) => {
            let message = "a tagged device cannot be without tags";
            return Some(SettingMistake::new("tags", message, HELP));
        }
        _ => return Some(SettingMistake::new("tags", "`tags` must be a list of tags", HELP)),
    };
    let is_wrong = |one: &Value| !one.as_str().is_some_and(is_tag);
    if let Some(wrong) = list.iter().position(is_wrong) {
        let message = "a tag is tag: and a name, as the policy file has it";
        return Some(SettingMistake::new("tags", message, HELP).at(&[&wrong.to_string()]));
    }
    let is_own = inputs.iter().any(|input| input.kind.is_device() && input.kind.tags().is_empty());
    let message =
        "a device of the requester's own that gets a tag belongs to nobody, and no tag can ever be taken from it again";
    is_own.then(|| {
        SettingMistake::new("tags", message, "let the input name tagged devices: { type: device, of: [tag:ci] }")
    })
}

fn routes(routes: Option<&Value>) -> Option<SettingMistake> {
    const HELP: &str = "write routes: [10.0.0.0/16]";
    match routes {
        None => None,
        Some(Value::Array(list)) => {
            let wrong = list.iter().position(|one| one.as_str().and_then(network).is_none())?;
            let message = "a route must be a network as a CIDR, without bits behind its length";
            Some(SettingMistake::new("routes", message, HELP).at(&[&wrong.to_string()]))
        }
        Some(_) => Some(SettingMistake::new("routes", "`routes` must be a list of networks", HELP)),
    }
}

/// A network as Tailscale writes it.
pub(in crate::steps::tailscale::device) fn network(text: &str) -> Option<String> {
    let (address, length) = text.split_once('/')?;
    let length: u32 = length.parse().ok()?;
    let (bits, width): (u128, u32) = match address.parse::<IpAddr>().ok()? {
        IpAddr::V4(address) => (u128::from(u32::from(address)), 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    };
    let behind = width.checked_sub(length)?;
    let is_whole = behind == 0 || bits.trailing_zeros() >= behind;
    let address = address.parse::<IpAddr>().ok()?;
    is_whole.then(|| format!("{address}/{length}"))
}

fn address(with: &Map<String, Value>) -> Result<String, String> {
    let device = with.get("device").and_then(Value::as_str).filter(|text| !text.is_empty()).ok_or("no device")?;
    if device.contains(char::is_whitespace) { Err("a device with a space".to_owned()) } else { Ok(device.to_owned()) }
}

fn lends(with: &Map<String, Value>, device: &str) -> Lends {
    let changed = with.iter().filter(|(name, _)| CHANGED.contains(&name.as_str()));
    let state = changed.map(|(name, value)| (name.clone(), value.clone())).collect();
    Lends::words(format!("{} on {device}", words(&state)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_one_without_bits_behind_its_length() {
        for (text, read) in [
            ("10.0.0.0/16", Some("10.0.0.0/16")),
            ("0.0.0.0/0", Some("0.0.0.0/0")),
            ("::/0", Some("::/0")),
            ("FD7A:115C::/32", Some("fd7a:115c::/32")),
            ("10.1.2.3/32", Some("10.1.2.3/32")),
            ("10.0.0.1/16", None),
            ("10.0.0.0/33", None),
            ("10.0.0.0", None),
            ("ten/8", None),
            ("", None),
        ] {
            assert_eq!(network(text).as_deref(), read, "{text}");
        }
    }
}
