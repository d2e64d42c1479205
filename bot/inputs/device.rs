//! `type: device`: one of the requester's own devices. Told by itself if there is only one.

use super::{Field, InputType, Place, Read};
use crate::kernel::input::InputValue;
use crate::kernel::request::DeviceShown;
use crate::kernel::workflow::InputKind;
use crate::outside::tailscale::Device;

/// The entry in the list of kinds.
pub const TYPE: InputType = InputType {
    name: "device",
    about: "One of the requester's own devices in the tailnet; tagged and shared ones do not count. Who has only one is not asked. On the \
            command line only `NAME=DEVICE` names it.",
    settings: &[],
    example: "{ type: device }",
    is_single: true,
    place: Place::Named,
    // It is what people forget.
    rank: 0,
    is_of_workflow: false,
    write: |_, _| Some(InputKind::Device),
    read: |_, given| match (given.value, given.devices) {
        (Some(named), devices) => match find(devices, named) {
            Some(device) => Read::Value(shown(device)),
            None => {
                let names: Vec<&str> = devices.iter().take(5).map(Device::short_name).collect();
                Read::Wrong(format!("`{named}` is not one of your devices ({})", names.join(", ")))
            }
        },
        (None, [only]) => Read::Value(shown(only)),
        (None, _) => Read::Missing,
    },
    field: |_, _| Field::Devices,
    hint: |_| None,
    example_word: |_| None,
    corrected: |_, _| None,
};

/// By node id or name.
pub fn find<'d>(devices: &'d [Device], named: &str) -> Option<&'d Device> {
    devices.iter().find(|device| device.node_id == named || device.short_name().eq_ignore_ascii_case(named))
}

fn shown(device: &Device) -> InputValue {
    InputValue::Device(DeviceShown {
        node_id: device.node_id.clone(),
        name: device.short_name().to_owned(),
        os: device.os.clone(),
    })
}
