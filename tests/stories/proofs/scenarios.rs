//! One scenario for each step type: the step alone in a workflow, what can fail outside, and how it is seen.

use nightlatch::playground::tailnet::Endpoint;

use crate::harness::*;

/// Something outside that can fail.
#[derive(Clone, Copy, Debug)]
pub enum Call {
    Tailnet(Endpoint),
    Slack(&'static str),
    Service,
}

/// One step type, alone in a workflow.
pub struct Scenario {
    pub uses: &'static str,
    /// The inputs beside `hold` and `reason`, and the step.
    pub inputs: &'static str,
    pub step: &'static str,
    /// What is typed for the inputs.
    pub typed: &'static str,
    pub calls: &'static [Call],
    /// Nothing: it cannot be seen from outside.
    pub is_on: Option<fn(&Stage) -> bool>,
    /// Many can hold the same.
    pub is_shared: bool,
    /// Another hand, and whether what it made is still so.
    pub hand: Option<Hand>,
}

/// Somebody else, who changes the same.
pub struct Hand {
    pub makes: fn(&Stage),
    pub is_kept: fn(&Stage) -> bool,
}

const PLAIN: Scenario =
    Scenario { uses: "", inputs: "", step: "", typed: "", calls: &[], is_on: None, is_shared: false, hand: None };
const DEVICE: &str = "  device: { type: device }\n";

pub fn scenarios() -> Vec<Scenario> {
    let mut all = guarded_scenarios();
    all.extend(settings_and_invitations());
    all.extend(other_scenarios());
    all
}

fn guarded_scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            uses: "tailscale.attribute",
            inputs: DEVICE,
            step: r##"{ device: "{{ inputs.device }}", key: custom:jit_prod_db, value: true }"##,
            calls: &[
                Call::Tailnet(Endpoint::Attributes),
                Call::Tailnet(Endpoint::SetAttribute),
                Call::Tailnet(Endpoint::DeleteAttribute),
            ],
            is_on: Some(Stage::is_on),
            is_shared: true,
            hand: Some(Hand {
                makes: |stage| stage.tailnet.set_by_hand("alice-laptop", JIT, false.into(), None).expect("a device"),
                is_kept: |stage| stage.tailnet.attribute("alice-laptop", JIT) == Some(false.into()),
            }),
            ..PLAIN
        },
        Scenario {
            uses: "tailscale.policy",
            inputs: DEVICE,
            step: r##"{ grants: [{ src: ["{{ requester.login }}"], dst: ["tag:prod-db"], ip: ["tcp:22"] }] }"##,
            calls: &[
                Call::Tailnet(Endpoint::Policy),
                Call::Tailnet(Endpoint::SetPolicy),
                Call::Tailnet(Endpoint::SetAttribute),
            ],
            is_on: Some(|stage| stage.tailnet.policy().contains("// nightlatch 0")),
            is_shared: true,
            hand: Some(Hand {
                makes: |stage| stage.tailnet.edit_policy(|text| format!("// by hand\n{text}")).expect("a policy"),
                is_kept: |stage| stage.tailnet.policy().starts_with("// by hand\n"),
            }),
            ..PLAIN
        },
    ]
}

fn settings_and_invitations() -> Vec<Scenario> {
    vec![
        Scenario {
            uses: "tailscale.device",
            inputs: DEVICE,
            step: r##"{ device: "{{ inputs.device }}", key_expiry_disabled: true }"##,
            calls: &[Call::Tailnet(Endpoint::Device), Call::Tailnet(Endpoint::KeyExpiry)],
            is_on: Some(|stage| stage.tailnet.device_settings("alice-laptop").is_some_and(|(.., disabled)| disabled)),
            is_shared: true,
            ..PLAIN
        },
        Scenario {
            uses: "tailscale.role",
            step: "{ role: network-admin, unguarded: true }",
            calls: &[Call::Tailnet(Endpoint::Role), Call::Tailnet(Endpoint::Users)],
            is_on: Some(|stage| stage.tailnet.role("alice@example.com") == "network-admin"),
            is_shared: true,
            hand: Some(Hand {
                makes: |stage| stage.tailnet.set_role_by_hand("alice@example.com", "auditor").expect("a user"),
                is_kept: |stage| stage.tailnet.role("alice@example.com") == "auditor",
            }),
            ..PLAIN
        },
        Scenario {
            uses: "tailscale.auth_key",
            step: "{ tags: [tag:prod-db] }",
            calls: &[Call::Tailnet(Endpoint::MakeKey), Call::Tailnet(Endpoint::RevokeKey)],
            is_on: Some(|stage| !stage.tailnet.auth_keys().is_empty()),
            ..PLAIN
        },
        Scenario {
            uses: "tailscale.invite",
            step: "{ email: zoe@partner.example, role: member, at_end: suspend }",
            calls: &[
                Call::Tailnet(Endpoint::Invites),
                Call::Tailnet(Endpoint::Invite),
                Call::Tailnet(Endpoint::WithdrawInvite),
            ],
            is_on: Some(|stage| !stage.tailnet.leftovers().is_empty()),
            ..PLAIN
        },
    ]
}

fn other_scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            uses: "slack.user_group",
            step: "{ group: \"@db-oncall\" }",
            calls: &[Call::Slack("usergroups.users.list"), Call::Slack("usergroups.users.update")],
            is_on: Some(|stage| stage.slack.group_members("db-oncall").contains(&"U0ALICE01".to_owned())),
            is_shared: true,
            ..PLAIN
        },
        Scenario {
            uses: "slack.channel",
            step: "{ channel: \"#incident\" }",
            calls: &[Call::Slack("conversations.invite"), Call::Slack("conversations.kick")],
            is_on: Some(|stage| stage.slack.channel_members("#incident").contains(&"U0ALICE01".to_owned())),
            is_shared: true,
            ..PLAIN
        },
        Scenario {
            uses: "slack.message",
            step: "{ to: \"#general\", text: \"proof of {{ request.id }}\" }",
            calls: &[Call::Slack("chat.postMessage")],
            ..PLAIN
        },
        Scenario {
            uses: "golink.link",
            step: "{ short: proof, long: \"https://wiki.example.com/proof\" }",
            is_shared: true,
            ..PLAIN
        },
        Scenario { uses: "tclip.paste", step: "{ filename: proof.md, content: proof }", is_shared: true, ..PLAIN },
        Scenario {
            uses: "http.request",
            step: r##"
      allow: [127.0.0.1]
      do: { method: POST, url: "SERVICE/freezes", headers: { Authorization: Bearer secret:ci }, body: { environment: prod }, capture: { id: /data/id } }
      undo: { method: DELETE, url: "SERVICE/freezes/{{ steps.it.id }}", headers: { Authorization: Bearer secret:ci } }
      check: { url: "SERVICE/freezes/{{ steps.it.id }}", headers: { Authorization: Bearer secret:ci } }"##,
            calls: &[Call::Service],
            ..PLAIN
        },
        Scenario {
            uses: "program.run",
            step: "{ do: [PROGRAM, \"on\", site, \"{{ request.id }}\"], undo: [PROGRAM, \"off\", site], check: [PROGRAM, status, site] }",
            ..PLAIN
        },
    ]
}
