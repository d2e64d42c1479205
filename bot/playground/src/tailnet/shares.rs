//! Sharing devices with people of other tailnets (apis/tailscale.md 6): invitations, which stay listed when they were accepted.

use serde_json::{Value, json};

use super::TailnetWorld;
use super::attributes::rfc3339;
use super::by_hand::NoSuch;
use super::changes::{body, is_a_person, not_a_person};
use super::reply::{Caller, Incoming, Reply};
use super::state::{Share, State};

fn shown(share: &Share) -> Value {
    let mut shown = json!({
        "id": share.id, "created": rfc3339(share.made_at), "tailnetId": 12345, "deviceId": 11055, "sharerId": 34567,
        "multiUse": false, "allowExitNode": false, "email": share.email,
        "inviteUrl": format!("https://login.tailscale.com/admin/invite/canaryshare{}", share.id),
        "accepted": share.accepted_by.is_some(),
    });
    if let (Some(shown), Some(login)) = (shown.as_object_mut(), &share.accepted_by) {
        shown.insert("acceptedBy".to_owned(), json!({ "id": 33223, "loginName": login, "profilePicUrl": "" }));
    }
    shown
}

/// `GET /device/{id}/device-invites`
pub(super) fn list(state: &mut State, incoming: &Incoming) -> Reply {
    let Some(node_id) = state.machine_by_id(incoming.segment(1)).map(|machine| machine.node_id.clone()) else {
        return Reply::error(404, "device not found");
    };
    let all = state.shares.iter().filter(|share| share.node_id == node_id);
    Reply::json(&all.map(shown).collect::<Vec<_>>().into())
}

/// `POST /device/{id}/device-invites`: a list of them; only people may.
pub(super) fn make(state: &mut State, incoming: &Incoming, caller: &Caller) -> Reply {
    if !is_a_person(state, caller) {
        return not_a_person();
    }
    let Some(node_id) = state.machine_by_id(incoming.segment(1)).map(|machine| machine.node_id.clone()) else {
        return Reply::error(404, "device not found");
    };
    let Some(list) = body(incoming).as_array().cloned() else { return Reply::error(400, "a list is expected") };
    let mut made = Vec::new();
    for one in list {
        let email = one.get("email").and_then(Value::as_str).unwrap_or_default().to_owned();
        state.invites_made = state.invites_made.saturating_add(1);
        let id = format!("{}", 12_000 + state.invites_made);
        let share = Share { id, node_id: node_id.clone(), email, made_at: incoming.now_ms, accepted_by: None };
        made.push(shown(&share));
        state.shares.push(share);
    }
    Reply::json(&made.into())
}

/// `DELETE /device-invites/{id}`
pub(super) fn withdraw(state: &mut State, incoming: &Incoming) -> Reply {
    let before = state.shares.len();
    state.shares.retain(|share| share.id != incoming.segment(1));
    match state.shares.len() < before {
        true => Reply::json(&json!({})),
        false => Reply::error(404, "device invite not found"),
    }
}

/// Those that somebody could still accept.
pub(super) fn open(state: &State) -> impl Iterator<Item = String> + '_ {
    let open = state.shares.iter().filter(|share| share.accepted_by.is_none());
    open.map(|share| format!("invitation of {} to {}", share.email, share.node_id))
}

impl TailnetWorld {
    /// The invitations to devices, each with whoever accepted it.
    pub fn shares(&self) -> Vec<(String, Option<String>)> {
        let inner = self.shared.lock();
        inner.state.shares.iter().map(|share| (share.email.clone(), share.accepted_by.clone())).collect()
    }

    /// Whoever was invited to a device accepts it, with this login in their own tailnet.
    ///
    /// # Errors
    /// If they were not invited.
    pub fn accept_share(&self, email: &str, login: &str) -> Result<(), NoSuch> {
        self.change(|state| {
            let open = state.shares.iter_mut().find(|share| share.email == email && share.accepted_by.is_none());
            let share = open.ok_or_else(|| NoSuch { kind: "invitation", name: email.to_owned() })?;
            share.accepted_by = Some(login.to_owned());
            Ok(())
        })
    }

    /// An admin withdraws every invitation to a device.
    pub fn withdraw_shares_by_hand(&self) {
        self.change(|state| state.shares.clear());
    }
}
