//! The keys of a workflow file, with what they mean: what the reader accepts, and what `docs/workflows.md` is made from.

mod approving;

pub use approving::{AUTOMATIC, BREAK_GLASS, CLAUSE, EXTEND, REVIEW, STAGE, TIER};

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct FormatKey {
    /// As written.
    pub name: &'static str,
    /// What it takes, for people.
    pub takes: &'static str,
    /// Whether it must be there.
    pub is_required: bool,
    /// What it means, and what is so if it is left out; in sentences for people.
    pub about: &'static str,
    /// An example, with the key.
    pub example: &'static str,
}

/// Of a workflow.
pub const WORKFLOW: &[FormatKey] = &[
    FormatKey {
        name: "nightlatch",
        takes: "`1`",
        is_required: true,
        about: "The version of this format. Version 1 will always be read, with the same meaning.",
        example: "nightlatch: 1",
    },
    FormatKey {
        name: "title",
        takes: "text of at most 75 characters",
        is_required: true,
        about: "What people read in forms and on cards.",
        example: "title: Production database",
    },
    FormatKey {
        name: "description",
        takes: "text of at most 500 characters",
        is_required: false,
        about: "One or two sentences about it, shown in the form.",
        example: "description: Reach tag:prod-db from one of your devices.",
    },
    FormatKey {
        name: "command",
        takes: "a slash command",
        is_required: false,
        about: "Its own slash command, beside `/access NAME`. At most 32 characters; `nightlatch manifest` tells Slack of it.",
        example: "command: /prod-db",
    },
    FormatKey {
        name: "inputs",
        takes: "a map of inputs by name",
        is_required: true,
        about: "What the requester fills in, in the order of the command line; see [Inputs](#inputs). Names are lower-case letters, digits and `_`. \
                Without one of type `duration` nothing is held: what every step does stays, and the request is done when they are.",
        example: "inputs:\n  hold: { type: duration, default: 1h, max: 8h }\n  reason: { type: text }\n  device: { type: device }",
    },
    FormatKey {
        name: "ask",
        takes: "a list of people and groups",
        is_required: true,
        about: "Who may request; see [People and groups](#people-and-groups).",
        example: "ask: [group:engineering]",
    },
    FormatKey {
        name: "ask_for",
        takes: "a list of people and groups",
        is_required: false,
        about: "Who may request for somebody else, with `/access for @person NAME ...`; nobody if it is left out. Whoever it is for has to be in `ask`, and gets it on \
                a device of their own. Both stand on the card, and neither decides, whatever `own_request` says; what passes by itself has to hold for both; glass is never \
                broken for somebody else. `requester.manager` is the manager of whoever it is for.",
        example: "ask_for: [group:sre]",
    },
    FormatKey {
        name: "approve",
        takes: "a list of at most 10 stages",
        is_required: true,
        about: "Who decides, stage by stage; see [Approval](#approval). `approve: []` says that nobody has to decide.",
        example: "approve:\n  - by: [group:dba]",
    },
    FormatKey {
        name: "approve_automatically",
        takes: "a list of at most 20 rules",
        is_required: false,
        about: "What passes by itself: any of the rules is enough; see [Automatic approval](#automatic-approval). Nothing does if it is left out.",
        example: "approve_automatically:\n  - who: [\"@db-oncall\"]\n    during: mon-fri 08:00-18:00 Europe/Berlin",
    },
    FormatKey {
        name: "break_glass",
        takes: "`who`, `max_hold` and `review`",
        is_required: false,
        about: "Who may have it at once and without approval; see [Breaking glass](#breaking-glass). Nobody if it is left out.",
        example: "break_glass:\n  who: [group:sre]\n  max_hold: 1h\n  review: { by: [group:security], within: 24h }",
    },
    FormatKey {
        name: "extend",
        takes: "`times`, `max` and `approve`",
        is_required: false,
        about: "Whether its holder can hold it for longer; see [Extending](#extending). Not at all if it is left out.",
        example: "extend: { times: 2, max: 2h, approve: automatic }",
    },
    FormatKey {
        name: "lapse_after",
        takes: "a length of time",
        is_required: false,
        about: "How long a request waits for an answer; 8 hours if it is left out.",
        example: "lapse_after: 2h",
    },
    FormatKey {
        name: "steps",
        takes: "a list of steps",
        is_required: true,
        about: "What is held while access is on, taken in this order; see [Steps](#steps). All of it is taken back when the time is up.",
        example: "steps:\n  - uses: tailscale.attribute\n    with: { device: \"{{ inputs.device }}\", key: custom:jit_prod_db, value: true }",
    },
    FormatKey {
        name: "announce",
        takes: "a channel, as `\"#name\"` or id",
        is_required: false,
        about: "Where its cards go. Without it, those who can decide get direct messages.",
        example: "announce: \"#access\"",
    },
    FormatKey {
        name: "tell",
        takes: "`channel` or `people`",
        is_required: false,
        about: "Whom its cards reach. `channel`, if it is left out: the channel of `announce`, where everybody in it follows each request. `people`: nobody but those it is about: whoever is \
                asked has the card in their direct messages, and whoever asked, or gets it, reads in theirs what becomes of it. What needs more eyes than those reaches the channel \
                of `announce` all the same: broken glass, a review of it that nobody closed in time, and what cannot be taken back.",
        example: "announce: \"#access\"\ntell: people",
    },
    FormatKey {
        name: "labels",
        takes: "a list of words",
        is_required: false,
        about: "What guardrails know it by, so that one holds for every workflow of a kind; see [Guardrails](guardrails.md).",
        example: "labels: [production, personal-data]",
    },
    FormatKey {
        name: "triggers",
        takes: "a list of at most 20 triggers",
        is_required: false,
        about: "What starts it beside somebody who types `/access NAME`; see [Triggers](#triggers).",
        example: "triggers:\n  - command: /prod-db\n  - schedule: { cron: \"0 9 * * mon\", as: alice@example.com, with: { reason: Weekly review } }",
    },
];

/// Of a trigger: one of these.
pub const TRIGGER: &[FormatKey] = &[
    FormatKey {
        name: "schedule",
        takes: "a map",
        is_required: false,
        about: "Times at which the workflow starts by itself; see below. Whoever it starts as passes the same rules as if they had typed it: they must be \
                among `ask`, it takes the same approval, and they do not approve it themselves. The card says that it came by schedule. What \
                was due while Nightlatch could not start it is told in the channel, and started once.",
        example: "triggers:\n  - schedule: { cron: \"0 9 * * mon\", zone: Europe/Berlin, as: alice@example.com, with: { reason: Weekly review } }",
    },
    FormatKey {
        name: "command",
        takes: "a slash command",
        is_required: false,
        about: "The same as `command` of the workflow.",
        example: "triggers:\n  - command: /prod-db",
    },
];

/// Of a schedule.
pub const SCHEDULE: &[FormatKey] = &[
    FormatKey {
        name: "cron",
        takes: "a cron line in quotes",
        is_required: true,
        about: "Minute, hour, day of the month, month and day of the week; also `@daily` and the like, `L` for the last, `mon#1` for the first Monday. \
                A local time that does not exist (clocks go forward) is due right after, one that exists twice is due once. Not more often than once in 5 minutes.",
        example: "cron: \"0 9 * * mon\"",
    },
    FormatKey {
        name: "zone",
        takes: "a time zone",
        is_required: false,
        about: "Where those times are meant; UTC if it is left out.",
        example: "zone: Europe/Berlin",
    },
    FormatKey {
        name: "as",
        takes: "a person, by e-mail address or tailnet login",
        is_required: true,
        about: "Who asks, and gets what is lent.",
        example: "as: alice@example.com",
    },
    FormatKey {
        name: "with",
        takes: "a map of inputs with values",
        is_required: false,
        about: "What is filled in, as it would be typed. Inputs that must be filled in and have no default must be here, but for a device: the person's only \
                one is taken.",
        example: "with: { reason: Weekly review }",
    },
];

/// Of every input; its type knows more.
pub const INPUT: &[FormatKey] = &[
    FormatKey {
        name: "type",
        takes: "one of the types below",
        is_required: true,
        about: "What it takes.",
        example: "type: text",
    },
    FormatKey {
        name: "label",
        takes: "text of at most 48 characters",
        is_required: false,
        about: "Stands over the field; the name with a capital if it is left out.",
        example: "label: Ticket and reason",
    },
    FormatKey {
        name: "help",
        takes: "text of at most 150 characters",
        is_required: false,
        about: "Stands below the field.",
        example: "help: The ticket says who is waiting for it",
    },
    FormatKey {
        name: "when",
        takes: "a map of earlier inputs and values",
        is_required: false,
        about: "It is asked only where those inputs have these values (of several that were chosen, one is enough), and otherwise has no value and \
                cannot be given; always if it is left out. Inputs of type `choice`, `flag`, `number` and `text` can be named. What names it in \
                a step stands in one with the same `when`.",
        example: "when: { level: write }",
    },
];

/// Of a step.
pub const STEP: &[FormatKey] = &[
    FormatKey {
        name: "uses",
        takes: "a step type",
        is_required: true,
        about: "What kind of thing is held; the types are below.",
        example: "steps:\n  - uses: tailscale.attribute\n    with: { device: \"{{ inputs.device }}\", key: custom:jit_prod_db, value: true }",
    },
    FormatKey {
        name: "with",
        takes: "a map of settings",
        is_required: true,
        about: "The settings of its type. `{{ }}` in them is filled in when the step begins.",
        example: "steps:\n  - uses: tclip.paste\n    with: { filename: note.txt, content: \"Asked by {{ requester.name }}\" }",
    },
    FormatKey {
        name: "name",
        takes: "lower-case letters, digits and `_`",
        is_required: false,
        about: "What later steps call it, as `steps.NAME.RESULT`; the last word of its type if it is left out.",
        example: "steps:\n  - name: rule\n    uses: tailscale.attribute\n    with: { device: \"{{ inputs.device }}\", key: custom:jit_prod_db, value: true }",
    },
    FormatKey {
        name: "when",
        takes: "a map of inputs with the value that each must have",
        is_required: false,
        about: "The step is begun only if all of these were filled in so; a request that does not meet it goes without the step, and its card does \
                not list it. Inputs of type `choice` (where several can be chosen, one of them is enough), `flag`, `number` and `text` can be named. \
                Only steps that ask for the same can name what it comes to.",
        example: "inputs:\n  hold: { type: duration, max: 8h }\n  device: { type: device }\n  level: { type: choice, options: [read, write] }\nsteps:\n  \
                  - uses: tailscale.attribute\n    with: { device: \"{{ inputs.device }}\", key: custom:jit_prod_db, value: true }\n  \
                  - uses: slack.message\n    when: { level: write }\n    with: { to: \"#access\", text: \"{{ requester.name }} can write now\" }",
    },
    FormatKey {
        name: "stays",
        takes: "`true`",
        is_required: false,
        about: "What it does is left as it is when everything else is taken back; for types that say so.",
        example: "steps:\n  - uses: http.request\n    stays: true\n    with: { do: { method: POST, url: \"https://example.com/deploys\" } }",
    },
];

/// How people and groups are named, with what that means.
pub const WHO: &[(&str, &str)] = &[
    ("group:dba", "A group of the tailnet policy file."),
    ("autogroup:member", "Every active user of the tailnet."),
    (
        "autogroup:admin",
        "Every active user of the tailnet with this role: `owner`, `admin`, `it-admin`, `network-admin`, `billing-admin`, `auditor`.",
    ),
    ("\"@db-oncall\"", "A Slack user group, by its handle; in quotes."),
    ("bob@example.com", "A person, by e-mail address or tailnet login."),
    (
        "requester.manager",
        "Whoever is the manager of the person a request is for, as `people.yaml` says: in stages, their clauses and reviews. A request of somebody \
         whose manager nobody knows is refused.",
    ),
    ("device.owner", "Whoever owns the device that was chosen: in stages, their clauses and reviews."),
    (
        "anyone",
        "Every full member of the workspace, in `ask` only, and only where no step lends anything (`slack.message`, `tclip.paste`, `golink.link`).",
    ),
];

/// Words that mean something after `/access`, now or later: no workflow is called so.
pub const RESERVED: &[&str] = &[
    "help",
    "list",
    "return",
    "extend",
    "withdraw",
    "approve",
    "deny",
    "revoke",
    "retry",
    "requests",
    "lockdown",
    "plan",
    "explain",
    "why",
    "for",
    "break-glass",
    "pass",
    "impact",
    "audit",
];

/// The names of these keys.
pub fn names(keys: &[FormatKey]) -> Vec<&'static str> {
    keys.iter().map(|key| key.name).collect()
}
