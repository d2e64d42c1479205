//! What can be chosen in the form: lengths of time, devices, workflows.

use serde_json::Value;

use super::option;
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
/// Lengths people think in.
const LADDER_MS: &[i64] = &[
    5 * MINUTE_MS,
    15 * MINUTE_MS,
    30 * MINUTE_MS,
    HOUR_MS,
    2 * HOUR_MS,
    4 * HOUR_MS,
    8 * HOUR_MS,
    12 * HOUR_MS,
    DAY_MS,
    2 * DAY_MS,
    3 * DAY_MS,
    7 * DAY_MS,
    14 * DAY_MS,
    30 * DAY_MS,
    90 * DAY_MS,
];

/// The lengths of time offered, shortest first: the ladder up to `max_ms`, the default, the most, and what was chosen
/// before if it still can be. Five minutes only where an hour would be much.
pub fn holds(default_ms: i64, max_ms: i64, chosen_ms: Option<i64>) -> Vec<i64> {
    let least = if max_ms <= 4 * HOUR_MS { 0 } else { 15 * MINUTE_MS };
    let steps = LADDER_MS.iter().copied().filter(|step| (least..=max_ms).contains(step));
    let named = [Some(default_ms), Some(max_ms), chosen_ms].into_iter().flatten().filter(|ms| *ms <= max_ms);
    let mut all: Vec<i64> = steps.chain(named).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// A length of time in words: `2 hours`, `1 day`, `1h30m`.
pub fn spelled(length_ms: i64) -> String {
    let units = [(DAY_MS, "day"), (HOUR_MS, "hour"), (MINUTE_MS, "minute"), (1_000, "second")];
    let whole = units.into_iter().find(|(unit, _)| length_ms >= *unit && length_ms % unit == 0);
    match whole {
        Some((unit, name)) if length_ms / unit == 1 => format!("1 {name}"),
        Some((unit, name)) if length_ms / unit < 100 => format!("{} {name}s", length_ms / unit),
        _ => hold::show(length_ms),
    }
}

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

/// Whether what was typed so far can mean this device: every word of it is part of its name or system as they are shown,
/// or starts its id.
pub fn device_matches(device: &Device, query: &str) -> bool {
    let label = device_label(device.short_name(), &device.os).to_lowercase();
    let (host, id) = (device.hostname.to_lowercase(), device.node_id.to_lowercase());
    let query = query.to_lowercase();
    query.split_whitespace().all(|word| label.contains(word) || host.contains(word) || id.starts_with(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(default_ms: i64, max_ms: i64, chosen_ms: Option<i64>) -> String {
        holds(default_ms, max_ms, chosen_ms).into_iter().map(hold::show).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn lengths_of_time_go_up_to_the_most_and_no_further() {
        insta::assert_snapshot!(offered(HOUR_MS, 8 * HOUR_MS, None), @"15m 30m 1h 2h 4h 8h");
        insta::assert_snapshot!(offered(90 * MINUTE_MS, 10 * HOUR_MS, Some(3 * HOUR_MS)), @"15m 30m 1h 1h30m 2h 3h 4h 8h 10h");
        insta::assert_snapshot!(offered(2_000, 3_000, Some(9_000)), @"2s 3s");
        insta::assert_snapshot!(offered(DAY_MS, 30 * DAY_MS, None), @"15m 30m 1h 2h 4h 8h 12h 1d 2d 3d 7d 14d 30d");
        assert!(holds(DAY_MS, hold::HOLD_MAX_MS, None).len() <= OPTIONS_MAX);
    }

    #[test]
    fn lengths_of_time_are_spelled_as_people_say_them() {
        let all = [1_000, 45_000, MINUTE_MS, 90 * MINUTE_MS, HOUR_MS, 8 * HOUR_MS, DAY_MS, 36 * HOUR_MS].map(spelled);
        insta::assert_snapshot!(all.join(", "), @"1 second, 45 seconds, 1 minute, 90 minutes, 1 hour, 8 hours, 1 day, 36 hours");
    }
}
