//! `http.request`: something that a service of yours is asked to do, to undo, and to tell about. Here: what a workflow file may say;
//! `call` puts a call together, `holding` makes it.

mod call;
mod checking;
mod holding;

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::kernel::StepType;
use crate::kernel::fill::{Part, parts};
use crate::kernel::step_type::{CAPTURED, Holds, Lends, Setting, SettingKind, Stays, StepResult};
use crate::steps::Listed;

pub use call::host_of;
pub use holding::Request;

/// The entry in the list of step types.
pub const LISTED: Listed = Listed {
    about: StepType {
        uses: "http.request",
        about: "A call to a service of yours when access begins, and one that undoes it at the end. A call is a map of `method`, `url`, \
                `headers`, `body` (a text, or a map that is sent as JSON), `expect` (the statuses that are right; 200 to 299 if it is left \
                out) and `capture` (names with JSON Pointers into the answer). No redirect is followed. A value in a URL is one \
                percent-encoded segment or query value. `secret:NAME` in headers and bodies stands for a secret of `nightlatch.yaml` and goes \
                to its hosts only. Every call to do or undo has the header `Idempotency-Key`, the same whenever it is made again.",
        settings: SETTINGS,
        holds: Holds::Once,
        stays: Stays::May,
        scopes: &[],
        results: &[StepResult {
            name: CAPTURED,
            about: "Whatever `capture` names; `undo` and `check` of the same step can use it too, as `{{ steps.NAME.RESULT }}`.",
        }],
        check: checking::check,
        address,
        lends: Lends::nothing,
    },
    make: |outside| {
        let (guarded, secrets) = (outside.services.guarded.clone(), outside.services.secrets.clone());
        Arc::new(Request::new(guarded, secrets, outside.clock.clone()))
    },
};

const SETTINGS: &[Setting] = &[
    Setting {
        name: "do",
        kind: SettingKind::Call,
        is_required: true,
        is_key: true,
        about: "What switches it on. `POST` if it has no `method`.",
        example: "{ url: \"https://ci.example.com/freezes\", body: { by: \"{{ requester.login }}\" }, capture: { id: /id } }",
    },
    Setting {
        name: "undo",
        kind: SettingKind::Call,
        is_required: false,
        is_key: false,
        about: "What takes it back; 404 and 410 are right too. Without it the step needs `stays: true`. `POST` if it has no `method`.",
        example: "{ method: DELETE, url: \"https://ci.example.com/freezes/{{ steps.request.id }}\" }",
    },
    Setting {
        name: "check",
        kind: SettingKind::Call,
        is_required: false,
        is_key: false,
        about: "Tells whether it is on: yes if it answers as expected; no with 404, 410 or another status below 400. Without it nothing can \
                be said to be verified. `GET` if it has no `method`.",
        example: "{ url: \"https://ci.example.com/freezes/{{ steps.request.id }}\" }",
    },
    Setting {
        name: "allow",
        kind: SettingKind::Texts,
        is_required: false,
        is_key: false,
        about: "Hosts, addresses or CIDRs beyond the public internet that may be called; plain http only to them. Link-local and metadata \
                addresses are never called.",
        example: "[ci.example.com, 100.64.0.0/10]",
    },
];

/// The host that is called. Whatever else is called may hold what people typed.
fn address(with: &Map<String, Value>) -> Result<String, String> {
    let url = with.get("do").and_then(|call| call.get("url")).and_then(parts).ok_or("no url to call")?;
    let mut text = String::new();
    for part in url {
        match part {
            Part::Literal(literal) => text.push_str(&literal),
            Part::Filled(value) => text.push_str(value.as_str().unwrap_or("x")),
            Part::Own(_) => text.push('x'),
        }
    }
    let url = url::Url::parse(&text).map_err(|error| format!("a url that is none: {error}"))?;
    url.host_str().map(str::to_owned).ok_or_else(|| "a url without a host".to_owned())
}
