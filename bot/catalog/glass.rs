//! `break_glass:` of a workflow: who may have it at once and without approval, and who reviews that.

use super::keys;
use super::people::{Part, names};
use crate::config::sheet::{Fields, Sheet};
use crate::config::yaml::Node;
use crate::inputs::length::length;
use crate::kernel::glass::BreakGlass;
use crate::kernel::person::Who;
use crate::kernel::workflow::{Input, InputKind};

const REVIEW_WITHIN_MS: i64 = 24 * 60 * 60 * 1000;

/// What it says; none if the key is not there.
pub(super) fn read(sheet: &mut Sheet, fields: &Fields, inputs: Option<&[Input]>) -> Option<Option<BreakGlass>> {
    let Some(node) = fields.get("break_glass") else { return Some(None) };
    let fields = sheet.fields(node, "`break_glass`", &keys::names(keys::BREAK_GLASS))?;
    let who = sheet
        .required(&fields, "who", "say who may: who: [group:sre]")
        .and_then(|node| names(sheet, node, "`who`", Part::Have));
    let max_hold_ms = max_hold(sheet, &fields, inputs);
    let review = sheet
        .required(&fields, "review", "say who looks at it afterwards: review: { by: [group:security], within: 24h }")
        .and_then(|node| review(sheet, node));
    if inputs.is_some_and(|inputs| !inputs.iter().any(|input| matches!(input.kind, InputKind::Text { .. }))) {
        let help = "add reason: { type: text } to `inputs`";
        sheet.mistake(node.place, "`break_glass` takes a reason, and no input asks for one", Some(help.to_owned()));
    }
    let reason = inputs.into_iter().flatten().find(|input| matches!(input.kind, InputKind::Text { .. }));
    if let Some(input) = reason.filter(|input| !input.when.is_empty()) {
        let message = format!("`break_glass` takes a reason, and `{}` is not always asked", input.name);
        let help = "take `when` out of the first input of type text";
        sheet.mistake(node.place, message, Some(help.to_owned()));
    }
    let (who, (review_by, review_within_ms)) = (who?, review?);
    // Whoever alone reviews would have nobody for what they do themselves.
    if let [only] = review_by.as_slice()
        && matches!(only, Who::Email(_))
        && who.contains(only)
    {
        let message = format!("`review` names nobody but {only}, who may break glass");
        let help = "nobody reviews what they did themselves; name somebody else under `by`, or a group";
        sheet.mistake(node.place, message, Some(help.to_owned()));
    }
    if review_by.iter().all(|who| *who == Who::DeviceOwner) {
        let message = "`review` names nobody but whoever has the access: the device is their own";
        let help = "nobody reviews what they did themselves; name somebody else under `by`, or a group";
        sheet.mistake(node.place, message, Some(help.to_owned()));
    }
    Some(Some(BreakGlass { who, max_hold_ms: max_hold_ms?, review_by, review_within_ms }))
}

/// The most there is at all, if it is left out.
fn max_hold(sheet: &mut Sheet, fields: &Fields, inputs: Option<&[Input]>) -> Option<i64> {
    let most = inputs.into_iter().flatten().find_map(|input| match input.kind {
        InputKind::Duration { max_ms, .. } => Some((input.name.as_str(), max_ms)),
        _ => None,
    });
    let Some(node) = fields.get("max_hold") else { return most.map(|(_, max_ms)| max_ms) };
    let max_hold_ms = length(sheet, node, "`max_hold`")?;
    if let Some((name, max_ms)) = most.filter(|(_, max_ms)| *max_ms < max_hold_ms) {
        let most = crate::kernel::hold::show(max_ms);
        let message = format!("`max_hold` is longer than the `max` of `{name}` ({most})");
        sheet.mistake(node.place, message, Some("glass is broken for a shorter time than what is approved".to_owned()));
        return None;
    }
    Some(max_hold_ms)
}

fn review(sheet: &mut Sheet, node: &Node) -> Option<(Vec<Who>, i64)> {
    let fields = sheet.fields(node, "`review`", &keys::names(keys::REVIEW))?;
    let by = sheet
        .required(&fields, "by", "say who says whether it was fine: by: [group:security]")
        .and_then(|node| names(sheet, node, "`by`", Part::Decide));
    let within_ms = match fields.get("within") {
        Some(node) => length(sheet, node, "`within`"),
        None => Some(REVIEW_WITHIN_MS),
    };
    Some((by?, within_ms?))
}
