//! What must be allowed at Slack and Tailscale for these workflows: what the bot does itself, and what their steps need.

use nightlatch_guardrails::Guardrails;

use crate::catalog::Catalog;
use crate::kernel::StepType;
use crate::kernel::automatic::POSTURE;
use crate::kernel::guardrail::Action;
use crate::kernel::person::Who;
use crate::kernel::step_type::{Scope, find};

/// Why each scope of ours is there, and when. What is not in these lists, or needed by a step type, the bot cannot do; what is not used is
/// not asked for. Sources: the methods' pages at <https://docs.slack.dev/reference/methods>.
pub(super) const OWN: &[Own] = &[
    // Slash commands and the shortcut.
    Own { scope: Scope::Slack("commands"), is_used: always },
    // Cards and notices: `chat.postMessage` (which opens direct messages by itself), `chat.update`, `chat.postEphemeral`.
    Own { scope: Scope::Slack("chat:write"), is_used: always },
    // Cards, and links that people share, in a public channel the bot was not invited to; without it every `announce` would
    // begin with /invite.
    Own { scope: Scope::Slack("chat:write.public"), is_used: always },
    // Whether a channel is shared with another company (`conversations.info`, and `conversations.list` for its id), before a
    // card is posted there and before a press there counts.
    Own { scope: Scope::Slack("channels:read"), is_used: announces },
    // The same in private channels.
    Own { scope: Scope::Slack("groups:read"), is_used: announces },
    // Who there is (`users.list`), `users.info` before every decision (guest, leaver, bot, other company?), and the events
    // `user_change` and `team_join`.
    Own { scope: Scope::Slack("users:read"), is_used: always },
    // Who a Slack person is in the tailnet: their e-mail, and `users.lookupByEmail` for approvers.
    Own { scope: Scope::Slack("users:read.email"), is_used: always },
    // Who is in `@db-oncall`: `usergroups.list`, `usergroups.users.list`.
    Own { scope: Scope::Slack("usergroups:read"), is_used: names_slack_groups },
    // "Paste this": the text files with a message (`url_private`), and the rest of its thread (`conversations.replies`) where
    // the bot is a member. `conversations.history` finds a card that was posted and not written down before a kill. Take
    // these three out and only these things do not work: the bot says so when they are wanted, and such a card stands
    // twice, the first one until it is pressed.
    Own { scope: Scope::Slack("files:read"), is_used: always },
    Own { scope: Scope::Slack("channels:history"), is_used: always },
    Own { scope: Scope::Slack("groups:history"), is_used: always },
    // Which devices are whose.
    Own { scope: Scope::Tailscale("devices:core:read"), is_used: always },
    // Who is an active user of the tailnet.
    Own { scope: Scope::Tailscale("users:read"), is_used: always },
    // Who is in `group:dba`, and what `posture:healthy` is.
    Own { scope: Scope::Tailscale("policy_file:read"), is_used: reads_policy_file },
    // Whether a device is as `approve_automatically` says.
    Own { scope: Scope::Tailscale("devices:posture_attributes:read"), is_used: reads_attributes },
];

/// Something the bot does itself.
pub(super) struct Own {
    pub(super) scope: Scope,
    is_used: fn(&Catalog) -> bool,
}

fn always(_: &Catalog) -> bool {
    true
}

fn announces(catalog: &Catalog) -> bool {
    catalog.workflows().any(|workflow| workflow.announce.is_some())
}

fn names(catalog: &Catalog, is_meant: fn(&Who) -> bool) -> bool {
    let by_guardrails = catalog.guardrails().is_some_and(|guardrails| guardrails.groups().iter().any(is_meant));
    by_guardrails || catalog.workflows().any(|workflow| workflow.everybody_named().iter().any(is_meant))
}

pub(super) fn names_slack_groups(catalog: &Catalog) -> bool {
    names(catalog, |who| matches!(who, Who::SlackGroup(_)))
}

fn reads_policy_file(catalog: &Catalog) -> bool {
    let names_groups = names(catalog, |who| matches!(who, Who::TailnetGroup(name) if name.starts_with("group:")));
    names_groups || conditions(catalog, |one| one.starts_with(POSTURE))
}

fn reads_attributes(catalog: &Catalog) -> bool {
    let guardrails_look = |guardrails: &Guardrails| Action::ALL.into_iter().any(|one| guardrails.looks_at_device(one));
    conditions(catalog, |_| true) || catalog.guardrails().is_some_and(guardrails_look)
}

fn conditions(catalog: &Catalog, is_meant: fn(&str) -> bool) -> bool {
    catalog.workflows().any(|workflow| workflow.device_conditions().any(is_meant))
}

/// Everything that these workflows need, each once; what the bot does itself comes first.
fn needed(catalog: &Catalog, types: &[StepType]) -> Vec<Scope> {
    let own = OWN.iter().filter(|own| (own.is_used)(catalog)).map(|own| own.scope);
    let used = catalog.workflows().flat_map(|workflow| &workflow.steps).filter_map(|step| find(types, &step.uses));
    let mut scopes = Vec::new();
    for scope in own.chain(used.flat_map(|kind| kind.scopes.iter().copied())) {
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    scopes
}

/// The bot token scopes of Slack.
pub(crate) fn slack(catalog: &Catalog, types: &[StepType]) -> Vec<&'static str> {
    let scopes = needed(catalog, types).into_iter();
    scopes.filter_map(|scope| if let Scope::Slack(name) = scope { Some(name) } else { None }).collect()
}

/// The scopes of Tailscale's OAuth client.
pub(crate) fn tailscale(catalog: &Catalog, types: &[StepType]) -> Vec<&'static str> {
    let scopes = needed(catalog, types).into_iter();
    scopes.filter_map(|scope| if let Scope::Tailscale(name) = scope { Some(name) } else { None }).collect()
}
