//! `tailscale.policy`: entries in the tailnet's policy file for as long as somebody holds them, which go dead by themselves. Here: what a
//! workflow file may say; `holding` does it.

mod check;
mod guard;
mod guards;
mod holding;
mod planning;
mod target;
mod wanted;
mod writing;

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::kernel::StepType;
use crate::kernel::step_type::{Holds, Scope, Setting, SettingKind, Stays};
use crate::steps::Listed;

pub use guard::is_guard;
pub use guards::guards_of;
pub use holding::PolicyFile;
pub use planning::preview;
pub use writing::MAX_BYTES;

/// The entry in the list of step types.
pub const LISTED: Listed = Listed {
    about: StepType {
        uses: "tailscale.policy",
        about: "Entries in the tailnet's policy file, written in place: every other byte stays as it is, and exactly these entries go again. \
                Each is bound to a posture over a `custom:nl_...` attribute of the requester's device that Tailscale itself ends, beside the \
                postures the entry or `defaultSrcPosture` asks for: it goes dead on time even if Nightlatch never runs again. At least one \
                of `grants`, `ssh`, `acls` and `groups` is needed. A workflow has at most one such step.",
        settings: SETTINGS,
        holds: Holds::Shared,
        stays: Stays::Never,
        scopes: &[
            Scope::Tailscale("devices:core:read"),
            Scope::Tailscale("devices:posture_attributes"),
            Scope::Tailscale("users:read"),
            Scope::Tailscale("policy_file"),
        ],
        results: &[],
        check: check::check,
        address,
        lends: wanted::lends,
    },
    make: |outside| {
        let rules = outside.services.policy_file.clone();
        Arc::new(PolicyFile::new(outside.tailscale.clone(), outside.clock.clone()).under(rules))
    },
};

/// How the tailnet's policy file is treated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// A larger one is not touched.
    pub max_bytes: usize,
    /// A pipeline overwrites it: what is taken out of it is no wish of anybody's, and is put back.
    pub is_managed_elsewhere: bool,
    /// Where, for people.
    pub note: String,
}

impl Default for Rules {
    fn default() -> Self {
        Self { max_bytes: MAX_BYTES, is_managed_elsewhere: false, note: String::new() }
    }
}

const SETTINGS: &[Setting] = &[
    Setting {
        name: "grants",
        kind: SettingKind::Entries,
        is_required: false,
        is_key: false,
        about: "Grants as in the policy file. In their values only `requester.*`, `device.*` and inputs that are a choice, a device or a \
                person may be filled in.",
        example: "[{ src: [\"{{ requester.login }}\"], dst: [\"tag:prod-db\"], ip: [\"tcp:5432\"] }]",
    },
    Setting {
        name: "ssh",
        kind: SettingKind::Entries,
        is_required: false,
        is_key: false,
        about: "SSH rules as in the policy file.",
        example: "[{ action: accept, src: [\"{{ requester.login }}\"], dst: [\"tag:prod-db\"], users: [postgres] }]",
    },
    Setting {
        name: "acls",
        kind: SettingKind::Entries,
        is_required: false,
        is_key: false,
        about: "Rules of the older kind, as in the policy file.",
        example: "[{ action: accept, src: [\"{{ requester.login }}\"], dst: [\"tag:prod-db:5432\"] }]",
    },
    Setting {
        name: "groups",
        kind: SettingKind::Members,
        is_required: false,
        is_key: false,
        about: "Who is added to which groups of the policy file. No posture holds that back, so it needs `unguarded: true`.",
        example: "{ \"group:incident\": [\"{{ requester.login }}\"] }",
    },
    Setting {
        name: "device",
        kind: SettingKind::Device,
        is_required: false,
        is_key: false,
        about: "The requester's device that the entries open the way for; the workflow's input of type `device` if this is missing.",
        example: "\"{{ inputs.device }}\"",
    },
    Setting {
        name: "unguarded",
        kind: SettingKind::Flag,
        is_required: false,
        is_key: false,
        about: "`true` allows what no posture holds back: `groups`, a `src` that is not people (`*`, `autogroup:shared`, an address, a host, a \
                tag), a workflow without a device, a plan without custom attributes. That ends only when Nightlatch takes it back, and the \
                card says so. What can be guarded still is.",
        example: "true",
    },
];

/// The file is one thing: whoever came or went since is one write.
fn address(_: &Map<String, Value>) -> Result<String, String> {
    Ok("file".to_owned())
}
