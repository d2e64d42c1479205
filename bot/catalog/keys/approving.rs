//! The keys of who decides: stages of approval, what passes by itself, and broken glass.

use super::FormatKey;

/// Of a stage of approval.
pub const STAGE: &[FormatKey] = &[
    FormatKey {
        name: "quorum",
        takes: "a number from 1 to 20",
        is_required: false,
        about: "How many different people must approve; 1 if it is left out.",
        example: "approve:\n  - quorum: 2\n    by: [group:dba]",
    },
    FormatKey {
        name: "by",
        takes: "a list of people and groups",
        is_required: false,
        about: "Who may decide. This or `all_of` must be there.",
        example: "approve:\n  - by: [group:dba, \"@db-oncall\", bob@example.com]",
    },
    FormatKey {
        name: "all_of",
        takes: "a list of at most 10 clauses, each with `by` and `quorum`",
        is_required: false,
        about: "In place of `by`: every clause must be met, by different people. Somebody who belongs to several is counted where they help \
                most; whose approval would bring nothing is told so, and may still decide in a later stage.",
        example: "approve:\n  - all_of:\n      - { quorum: 2, by: [group:security] }\n      - { by: [group:dba, \"@db-oncall\"] }",
    },
    FormatKey {
        name: "name",
        takes: "text of at most 48 characters",
        is_required: false,
        about: "What the card calls this stage.",
        example: "approve:\n  - by: [group:dba]\n  - name: security\n    by: [group:security]",
    },
    FormatKey {
        name: "own_request",
        takes: "`never`, `confirm` or `allow`",
        is_required: false,
        about: "Whether requesters may approve their own request: never (if it is left out), after a second press that says so, or like any other.",
        example: "approve:\n  - by: [group:dba]\n    own_request: confirm",
    },
    FormatKey {
        name: "denials",
        takes: "a number from 1 to 20",
        is_required: false,
        about: "How many different people must say no to end the request; 1 if it is left out. Whoever said no cannot approve any more.",
        example: "approve:\n  - by: [group:dba]\n    denials: 2",
    },
    FormatKey {
        name: "remind",
        takes: "a length of time",
        is_required: false,
        about: "After so long those who have not answered are reminded, then after twice that, four times that and so on; never if it is left out.",
        example: "approve:\n  - by: [group:dba]\n    remind: 15m",
    },
    FormatKey {
        name: "escalate",
        takes: "a list of at most 5 entries, each with `after` and `by`",
        is_required: false,
        about: "Who is asked too when the stage is not decided so long after it opened. They count for any of its clauses; those before may still decide.",
        example: "approve:\n  - by: [group:dba]\n    escalate:\n      - { after: 30m, by: [autogroup:admin] }",
    },
];

/// Of a clause of `all_of`.
pub const CLAUSE: &[FormatKey] = &[
    FormatKey {
        name: "quorum",
        takes: "a number from 1 to 20",
        is_required: false,
        about: "How many different people of these must approve; 1 if it is left out.",
        example: "quorum: 2",
    },
    FormatKey {
        name: "by",
        takes: "a list of people and groups",
        is_required: true,
        about: "Who may decide.",
        example: "by: [group:security]",
    },
];

/// Of a rule of `approve_automatically`.
pub const AUTOMATIC: &[FormatKey] = &[
    FormatKey {
        name: "who",
        takes: "a list of people and groups",
        is_required: false,
        about: "Whose requests; everybody's who may ask if it is left out.",
        example: "approve_automatically:\n  - who: [\"@db-oncall\"]",
    },
    FormatKey {
        name: "during",
        takes: "a time of the week, or a list of them",
        is_required: false,
        about: "When. Days, times and a time zone: every day, the whole day and UTC if they are left out. `22:00-06:00` runs over midnight and belongs to \
                the day on which it begins. Times are what the clocks of the zone show, also when they change to summer time and back.",
        example: "approve_automatically:\n  - during: [mon-fri 08:00-18:00 Europe/Berlin, \"sat,sun 22:00-06:00 Europe/Berlin\"]",
    },
    FormatKey {
        name: "device",
        takes: "a posture of the policy file or a condition, or a list of them",
        is_required: false,
        about: "What is so of the device that was chosen, all of it: conditions are written as in a posture. What cannot be read is not so.",
        example: "approve_automatically:\n  - device: [posture:healthy, \"node:os == 'macos'\"]",
    },
    FormatKey {
        name: "max_hold",
        takes: "a length of time",
        is_required: false,
        about: "For how long at most.",
        example: "approve_automatically:\n  - max_hold: 2h",
    },
    FormatKey {
        name: "at_most",
        takes: "`N per day`, N from 1 to 1000",
        is_required: false,
        about: "How many requests of one person pass by this rule on a calendar day, in the time zone of `during`, else UTC.",
        example: "approve_automatically:\n  - max_hold: 1h\n    at_most: 3 per day",
    },
];

/// Of `break_glass`.
pub const BREAK_GLASS: &[FormatKey] = &[
    FormatKey {
        name: "who",
        takes: "a list of people and groups",
        is_required: true,
        about: "Who may, of those who may ask.",
        example: "who: [group:sre]",
    },
    FormatKey {
        name: "max_hold",
        takes: "a length of time",
        is_required: false,
        about: "For how long at most; as long as with approval if it is left out, and never longer.",
        example: "max_hold: 1h",
    },
    FormatKey {
        name: "review",
        takes: "`by` and `within`",
        is_required: true,
        about: "Who looks at it afterwards.",
        example: "review: { by: [group:security], within: 24h }",
    },
];

/// Of `review`.
pub const REVIEW: &[FormatKey] = &[
    FormatKey {
        name: "by",
        takes: "a list of people and groups",
        is_required: true,
        about: "Who may close the review: never whoever had the access.",
        example: "by: [group:security]",
    },
    FormatKey {
        name: "within",
        takes: "a length of time",
        is_required: false,
        about: "In which time after the end it should be closed; 24 hours if it is left out. They are reminded at half of it.",
        example: "within: 8h",
    },
];

/// Of an entry of `escalate`.
pub const TIER: &[FormatKey] = &[
    FormatKey {
        name: "after",
        takes: "a length of time",
        is_required: true,
        about: "How long after the stage opened.",
        example: "after: 30m",
    },
    FormatKey {
        name: "by",
        takes: "a list of people and groups",
        is_required: true,
        about: "Who is asked too.",
        example: "by: [autogroup:admin]",
    },
];

/// Of `extend`.
pub const EXTEND: &[FormatKey] = &[
    FormatKey {
        name: "times",
        takes: "a number from 1 to 20",
        is_required: false,
        about: "How often; once if it is left out.",
        example: "times: 2",
    },
    FormatKey {
        name: "max",
        takes: "a length of time",
        is_required: true,
        about: "By how much at a time at most.",
        example: "max: 2h",
    },
    FormatKey {
        name: "approve",
        takes: "`automatic`, `again` or a list of stages",
        is_required: true,
        about: "Who has to approve it: nobody, the stages of the workflow's `approve` once more, or stages of its own, written like those (see [Approval](#approval)). \
                While people decide, access goes on until the end it has; a no changes nothing. Guardrails can forbid it all the same \
                (`action == Action::\"extend\"`).",
        example: "approve: again",
    },
];
