//! What the page shows: both worlds as one person sees them, the clock, the bot and how far the guided minute is.

use std::net::Ipv4Addr;

use axum::Json;
use axum::extract::{Query, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Demo, Worlds};
use crate::tailnet::Call;

/// How many of the last calls to Tailscale are shown.
const CALLS_SHOWN: usize = 40;
/// Attributes that the bot lends begin so; others are somebody else's.
const LENT: &str = "custom:jit_";

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    /// User id; alice when nobody is named.
    r#as: Option<String>,
}

/// `GET /api/state?as=U...`
pub(super) async fn show(State(demo): State<Demo>, Query(asked): Query<Asked>) -> Json<Value> {
    Json(demo.state(asked.r#as.as_deref().unwrap_or("alice")))
}

impl Demo {
    fn state(&self, user: &str) -> Value {
        let Worlds { clock, slack, tailnet } = &self.worlds;
        let mut view = slack.view_for(user);
        if view.is_null() {
            view = slack.view_for("alice");
        }
        let unread = unread_of_everybody(&self.worlds, &view);
        let calls = tailnet.calls();
        let shown: Vec<_> = calls.iter().rev().take(CALLS_SHOWN).map(call).collect();
        let mut inner = self.lock();
        inner.coach.look(&self.worlds, &calls);
        if inner.switches != super::Switches::default() {
            inner.coach.was_broken = true;
        }
        let is_well = inner.switches == super::Switches::default() && self.lodger.is_running();
        json!({
            "now_ms": clock.now_ms(),
            "deadline_ms": self.worlds.deadline(),
            "deadline_of": self.worlds.first_to_end(),
            "slack": view,
            "unread": unread,
            "tailnet": tailnet.snapshot(),
            "calls": shown,
            "hints": *self.hints,
            "switches": inner.switches,
            "bot": { "running": self.lodger.is_running(), "starting": inner.is_starting, "trouble": inner.trouble },
            "coach": inner.coach.steps(is_well),
        })
    }
}

impl Worlds {
    /// When the first of the lent attributes expires, in ms since the epoch.
    pub fn deadline(&self) -> Option<i64> {
        lent(self).filter_map(|(_, _, expires_at)| expires_at).min()
    }

    /// The device on which that is.
    fn first_to_end(&self) -> Option<String> {
        let with_end = lent(self).filter_map(|(device, _, expires_at)| Some((expires_at?, device)));
        with_end.min().map(|(_, device)| device)
    }
}

impl Worlds {
    /// Puts somebody of the workspace in front of this machine's browser: pages see the first device of their own. Who has
    /// none, or is not known, leaves the seat empty.
    pub(super) fn sit(&self, user: &str) {
        let snapshot = self.tailnet.snapshot();
        let email = list(&self.slack.view_for(user), "people").into_iter();
        let email = email.filter(|person| text(person, "id") == user).map(|person| text(&person, "email")).next();
        let devices = list(&snapshot, "devices").into_iter().filter(|device| !text(device, "owner").is_empty());
        let own = devices.map(|device| (text(&device, "owner"), text(&device, "name")));
        let device = own.filter(|(owner, _)| Some(owner) == email.as_ref()).map(|(_, name)| name).next();
        self.tailnet.sits_at(&Ipv4Addr::LOCALHOST.to_string(), &device.unwrap_or_default());
    }
}

/// Device, attribute and expiry of everything lent now.
pub(super) fn lent(worlds: &Worlds) -> impl Iterator<Item = (String, String, Option<i64>)> + use<> {
    let snapshot = worlds.tailnet.snapshot();
    list(&snapshot, "devices").into_iter().flat_map(|device| {
        let name = text(&device, "name");
        let kept = list(&device, "attributes").into_iter().filter(|attribute| text(attribute, "key").starts_with(LENT));
        kept.map(move |attribute| {
            (name.clone(), text(&attribute, "key"), attribute.get("expires_at").and_then(Value::as_i64))
        })
        .collect::<Vec<_>>()
    })
}

/// The list of that name; empty if there is none.
pub(super) fn list(value: &Value, name: &str) -> Vec<Value> {
    value.get(name).and_then(Value::as_array).cloned().unwrap_or_default()
}

/// The text of that name; empty if there is none.
pub(super) fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn unread_of_everybody(worlds: &Worlds, view: &Value) -> Value {
    let people = view.get("people").and_then(Value::as_array).into_iter().flatten();
    let ids = people.filter_map(|person| person.get("id")?.as_str());
    let counted = ids.map(|id| {
        let count: usize = worlds.slack.unread(id).iter().map(|(_, count)| count).sum();
        (id.to_owned(), json!(count))
    });
    Value::Object(counted.collect())
}

fn call(call: &Call) -> Value {
    json!({ "at_ms": call.at_ms, "method": call.method, "path": call.path, "status": call.status })
}
