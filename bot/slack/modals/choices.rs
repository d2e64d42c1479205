//! What can be chosen in the form: lengths of time, devices, workflows.

use serde_json::Value;

use super::option;
use crate::inputs::duration::spelled;
use crate::kernel::{Workflow, hold};
use crate::notices::words::one_line;
use crate::outside::tailscale::Device;

/// Slack shows at most this many options.
pub const OPTIONS_MAX: usize = 100;
/// Stands in the list of devices when there is none to show; refused when it is sent.
pub const UNAVAILABLE: &str = "unavailable";

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// One length of time as an option. Value: as it is typed.
pub fn hold_option(length_ms: i64, default_ms: i64) -> Value {
    let usual = if length_ms == default_ms { " (usual)" } else { "" };
    option(&format!("{}{usual}", spelled(length_ms)), &hold::show(length_ms), None)
}

/// One workflow as an option. Value: its name.
pub fn workflow_option(workflow: &Workflow) -> Value {
    option(&workflow.title, &workflow.name, Some(&workflow.description))
}

/// Whether what was typed so far can mean this workflow.
pub fn workflow_matches(workflow: &Workflow, query: &str) -> bool {
    let query = query.trim().to_lowercase();
    workflow.name.contains(&query) || workflow.title.to_lowercase().contains(&query)
}

/// A device as people read it: `alice-laptop (macOS)`.
pub fn device_label(name: &str, os: &str) -> String {
    let name = one_line(name, 55);
    if os.is_empty() { name } else { format!("{name} ({})", one_line(os, 16)) }
}

/// One device as an option. Value: its node id.
pub fn device_option(device: &Device, now: i64) -> Value {
    let label = device_label(device.short_name(), &device.os);
    option(&label, &device.node_id, Some(&seen(device, now)))
}

fn seen(device: &Device, now: i64) -> String {
    if device.connected_to_control {
        return "connected now".to_owned();
    }
    let Some(at) = device.last_seen_at else { return "never seen yet".to_owned() };
    let ago_ms = now.saturating_sub(at).max(0);
    let units = [(DAY_MS, "day"), (HOUR_MS, "hour"), (MINUTE_MS, "minute")];
    match units.into_iter().find(|(unit, _)| ago_ms >= *unit) {
        Some((unit, name)) if ago_ms / unit == 1 => format!("seen 1 {name} ago"),
        Some((unit, name)) => format!("seen {} {name}s ago", ago_ms / unit),
        None => "seen just now".to_owned(),
    }
}
