//! `type: device`: one of the requester's own devices, or with `of` one that carries a tag. Told by itself if there is only one.

use super::{Field, InputSetting, InputType, Place, Read};
use crate::config::sheet::{Fields, Sheet};
use crate::config::words::quoted;
use crate::kernel::input::{InputValue, is_tag};
use crate::kernel::request::DeviceShown;
use crate::kernel::workflow::InputKind;
use crate::outside::tailscale::Device;

/// Tags of one input; whoever names more means another list.
const TAGS_MAX: usize = 20;
/// Devices that are named when another one was meant.
const NAMED_MAX: usize = 5;

/// The entry in the list of kinds.
pub const TYPE: InputType = InputType {
    name: "device",
    about: "One of the requester's own devices in the tailnet; tagged and shared ones do not count. With `of` it is one of the devices that \
            carry a tag instead, which belong to nobody: whoever may ask may name any of them. Whether it is theirs, or still carries \
            the tag, is read afresh before anything is switched on. If there is only one it is not asked. On the command line only \
            `NAME=DEVICE` names it.",
    settings: &[InputSetting {
        name: "of",
        is_required: false,
        about: "Tags, at most 20: a device that carries one of them can be chosen, and no other. The requester's own devices if it is left out.",
    }],
    example: "{ type: device, of: [tag:ci] }",
    is_single: true,
    place: Place::Named,
    // It is what people forget.
    rank: 0,
    is_of_workflow: false,
    write,
    read: |kind, given| match (given.value, given.devices) {
        (Some(named), devices) => match find(devices, named) {
            Some(device) => Read::Value(shown(device)),
            None => Read::Wrong(not_one_of(named, kind.tags(), devices)),
        },
        (None, [only]) => Read::Value(shown(only)),
        (None, _) => Read::Missing,
    },
    field: |kind, _| Field::Devices { of: kind.tags().to_vec() },
    hint: |_| None,
    example_word: |_| None,
    corrected: |_, _| None,
};

fn write(sheet: &mut Sheet, fields: &Fields) -> Option<InputKind> {
    const HELP: &str = "write of: [tag:ci], or leave it out for the requester's own devices";
    let Some(node) = fields.get("of") else { return Some(InputKind::own_device()) };
    let list = sheet.list(node, "`of`")?;
    if list.is_empty() || list.len() > TAGS_MAX {
        let message = if list.is_empty() { "`of` is empty".to_owned() } else { format!("more than {TAGS_MAX} tags") };
        sheet.mistake(node.place, message, Some(HELP.to_owned()));
        return None;
    }
    let mut of: Vec<String> = Vec::with_capacity(list.len());
    for node in list {
        let tag = sheet.text(node, "a tag")?;
        if !is_tag(tag) {
            sheet.mistake(node.place, format!("{} is not a tag", quoted(tag)), Some(HELP.to_owned()));
            return None;
        }
        if !of.iter().any(|known| known == tag) {
            of.push(tag.to_owned());
        }
    }
    Some(InputKind::Device { of })
}

/// By node id or name.
pub fn find<'d>(devices: &'d [Device], named: &str) -> Option<&'d Device> {
    devices.iter().find(|device| device.node_id == named || device.short_name().eq_ignore_ascii_case(named))
}

/// What is said of a device that cannot be chosen, with some that can.
pub fn not_one_of(named: &str, tags: &[String], devices: &[Device]) -> String {
    let names: Vec<&str> = devices.iter().take(NAMED_MAX).map(Device::short_name).collect();
    let whose =
        if tags.is_empty() { "one of your devices".to_owned() } else { format!("a device with {}", any_of(tags)) };
    format!("`{named}` is not {whose} ({})", names.join(", "))
}

/// What is said if no device carries any of these tags.
pub fn none_tagged(tags: &[String]) -> String {
    format!("no device of the tailnet has {}", any_of(tags))
}

/// For people: `tag:ci or tag:build`.
pub fn any_of(tags: &[String]) -> String {
    tags.join(" or ")
}

fn shown(device: &Device) -> InputValue {
    InputValue::Device(DeviceShown {
        node_id: device.node_id.clone(),
        name: device.short_name().to_owned(),
        os: device.os.clone(),
        addresses: device.addresses.clone(),
    })
}
