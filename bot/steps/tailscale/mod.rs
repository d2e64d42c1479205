//! Step types that hold something in the tailnet.

pub mod attribute;
pub mod auth_key;
mod changing;
pub mod device;
pub mod invite;
pub mod policy;
pub mod role;
#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::kernel::Failure;
use crate::kernel::reference::{Piece, Reference, RequesterField, pieces};
use crate::kernel::step_type::{SettingMistake, TAGGED};
use crate::kernel::workflow::{Input, InputKind};
use crate::outside::tailscale::{Tailscale, TailscaleError};
use crate::steps::Holder;

/// A call that did not work, in words for people.
pub(in crate::steps) fn failure(error: &TailscaleError) -> Failure {
    tracing::info!(%error, "a call of a step failed");
    let (what, advice) = error.for_people();
    Failure { what, advice, retryable: error.is_retryable(), retry_after_ms: error.retry_after_ms() }
}

/// A failure that only a person can mend.
pub(in crate::steps) fn refusal(what: String, advice: &str) -> Failure {
    Failure { what, advice: advice.to_owned(), retryable: false, retry_after_ms: None }
}

/// Only what the requester chose from their own devices, never a device written in the file: who owns it is checked
/// when granting, and that needs a requester who chose it.
pub(in crate::steps::tailscale) fn device_input(device: Option<&Value>, inputs: &[Input]) -> Option<SettingMistake> {
    let is_device = |name: &str| inputs.iter().any(|input| input.name == name && input.kind.is_device());
    let named = inputs.iter().find(|input| input.kind.is_device()).map_or("device", |input| &input.name);
    let help = format!("write device: \"{{{{ inputs.{named} }}}}\" with an input {named}: {{ type: device }}");
    let mistake = |message: &str| Some(SettingMistake::new("device", message, help));
    match device {
        None | Some(Value::Null) => mistake("`device` is missing"),
        Some(Value::String(text)) => match pieces(text).ok()?.as_slice() {
            [Piece::Reference(Reference::Input(name))] if is_device(name) => None,
            _ => mistake("`device` must be an input of type device"),
        },
        Some(_) => mistake("`device` must be an input of type device"),
    }
}

/// Only somebody known by the request, never a login written in the file.
pub(in crate::steps::tailscale) fn user_input(user: Option<&Value>, inputs: &[Input]) -> Option<SettingMistake> {
    let is_person =
        |name: &str| inputs.iter().any(|input| input.name == name && matches!(input.kind, InputKind::Person { .. }));
    let text = match user {
        None | Some(Value::Null) => return None,
        Some(Value::String(text)) => text.as_str(),
        Some(_) => "",
    };
    match pieces(text).ok()?.as_slice() {
        [Piece::Reference(Reference::Requester(RequesterField::Login))] => None,
        [Piece::Reference(Reference::Input(name))] if is_person(name) => None,
        _ => {
            let help = "write user: \"{{ inputs.NAME }}\" with an input of type person, or leave it out: then it is the requester";
            Some(SettingMistake::new("user", "`user` must be the requester or an input of type person", help))
        }
    }
}

/// The tags of which the device must carry one.
fn tags_of(holder: &Holder) -> Vec<String> {
    let tags = holder.with.get(TAGGED).and_then(Value::as_array).into_iter().flatten();
    tags.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The device must be the requester's own, or carry the tag it was chosen by, and the requester an active user: when granting and not
/// only when they asked. `had` are tags that it had before we gave it others.
pub(in crate::steps::tailscale) async fn check_device(
    tailscale: &Tailscale,
    node_id: &str,
    holders: &[Holder],
    had: &[String],
) -> Result<(), Failure> {
    let device = tailscale.device(node_id).await.map_err(|error| failure(&error))?;
    let users = tailscale.users().await.map_err(|error| failure(&error))?;
    for holder in holders.iter().filter(|holder| holder.is_new) {
        let tags = tags_of(holder);
        let (is_theirs, advice) = match tags.as_slice() {
            [] => (device.is_owned_by(&holder.login), "pick one of your own devices and ask again"),
            tags if had.iter().any(|tag| tags.contains(tag)) && !device.is_external => (Ok(()), ""),
            tags => (device.is_tagged(tags), "pick a device that has the tag and ask again"),
        };
        if let Err(why) = is_theirs {
            return Err(refusal(format!("{why} ({})", device.short_name()), advice));
        }
        if !users.iter().any(|user| user.has_login(&holder.login) && user.may_act()) {
            let advice = "a tailnet admin can restore the user";
            return Err(refusal(format!("{} is not an active user of the tailnet", holder.login), advice));
        }
    }
    Ok(())
}
