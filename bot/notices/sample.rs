//! Sample requests from the rules themselves, one for each turn a life can take: templates are tried on them.

use std::collections::BTreeMap;

use super::extras::{Extras, Line};
use crate::kernel::event::{Button, Failure, Purpose};
use crate::kernel::person::{Person, Standing, Who};
use crate::kernel::request::DeviceShown;
use crate::kernel::workflow::{Extend, ExtendApproval, Input, InputKind, OwnRequest, Stage, StepUse, Workflow};
use crate::kernel::{Ask, Event, Found, Moment, Place, Proof, Recipient, Request, RequestId, StepType, Wake};

/// 2026-11-22 13:00:00 UTC, when the samples are asked.
pub const ASKED_AT: i64 = 1_795_352_400_000;
/// Two minutes later: when most of them are looked at.
pub const NOW: i64 = ASKED_AT + 120_000;
const HOUR_MS: i64 = 3_600_000;

/// A workflow with everything in it.
pub fn workflow() -> Workflow {
    let input = |name: &str, label: &str, kind: InputKind| Input::plain(name, label, kind);
    Workflow {
        name: "prod-db".into(),
        title: "Production database".into(),
        description: "Reach tag:prod-db from one of your devices.".into(),
        command: None,
        inputs: vec![
            input("hold", "Hold", InputKind::Duration { default_ms: HOUR_MS, max_ms: 8 * HOUR_MS }),
            input("reason", "Reason", InputKind::text(500)),
            input("device", "Device", InputKind::own_device()),
        ],
        ask: vec![Who::TailnetGroup("group:engineering".into())],
        approve: vec![Stage::of(
            1,
            vec![Who::TailnetGroup("group:dba".into()), Who::SlackGroup("db-oncall".into())],
            OwnRequest::Never,
        )],
        lapse_after_ms: 8 * HOUR_MS,
        steps: vec![StepUse {
            uses: "tailscale.attribute".into(),
            name: None,
            when: crate::kernel::condition::Condition::default(),
            with: [("at".to_owned(), "{{ device.node_id }} custom:jit_prod_db".into())].into_iter().collect(),
        }],
        announce: Some("#access".into()),
        triggers: Vec::new(),
        digest: "sample".into(),
        ..Workflow::default()
    }
}

/// Somebody of the sample company, who belongs to these.
pub fn person(slack_id: &str, name: &str, belongs: &[&str]) -> Person {
    let login = format!("{}@example.com", name.to_lowercase());
    Person {
        slack_id: slack_id.into(),
        name: name.into(),
        email: Some(login.clone()),
        login: Some(login),
        standing: Standing::Member,
        belongs: belongs.iter().filter_map(|who| Who::parse(who).ok()).collect(),
    }
}

/// Alice asks for two hours on her laptop.
pub fn ask() -> Ask {
    Ask {
        id: RequestId("0s2k9x4v7m3q8w5ztb".into()),
        workflow: workflow().into(),
        requester: person("U0ALICE", "Alice", &["group:engineering"]),
        inputs: BTreeMap::new(),
        hold_ms: 2 * HOUR_MS,
        reason: "invoice 1204 is stuck".into(),
        device: Some(DeviceShown {
            node_id: "n123CNTRL".into(),
            name: "alice-laptop".into(),
            os: "macOS".into(),
            addresses: Vec::new(),
        }),
        seal: "5ea1".into(),
        channel: None,
        origin: crate::kernel::origin::Origin::Typed,
        may_be_permitted: false,
        judged: None,
        breaks_glass: false,
        active: None,
        asker: None,
        judged_asker: None,
    }
}

/// The step type of the sample, as far as it needs one.
const TYPES: &[StepType] = &[StepType::plain("tailscale.attribute", |with| {
    with.get("at").and_then(serde_json::Value::as_str).map(str::to_owned).ok_or_else(|| "it is nowhere".to_owned())
})];

fn moment(now: i64) -> Moment {
    Moment { now, jitter: 0.0, types: TYPES }
}

/// A life being lived; each call is something that happens a second after the one before.
#[derive(Clone, Debug)]
pub struct Life {
    /// As it now is.
    pub request: Request,
    /// When the last thing happened, milliseconds since the Unix epoch.
    pub at: i64,
}

impl Life {
    /// A request just made; nothing if the rules refuse it.
    pub fn asked(ask: Ask) -> Option<Self> {
        let request = Request::ask(ask, moment(ASKED_AT)).ok()?.request;
        Some(Self { request, at: ASKED_AT })
    }

    /// Something happens.
    pub fn then(mut self, event: Event) -> Self {
        self.at += 1000;
        self.request = self.request.apply(event, moment(self.at)).request;
        self
    }

    /// Time passes.
    pub fn wait(mut self, ms: i64) -> Self {
        self.at += ms;
        self
    }

    /// Somebody presses a button and is known.
    pub fn press(self, person: &Person, button: Button) -> Self {
        let (by, seal) = (person.slack_id.clone(), self.request.seal.clone());
        let life = self.then(Event::Pressed { by, button, channel: None, seal, on: None });
        let number = life.request.presses_count;
        life.then(Event::identified(Purpose::Press { number }, person.clone()))
    }

    /// Bob approves, and the requester is still who they were.
    pub fn approved(self) -> Self {
        let requester = self.request.requester.clone();
        let life = self.press(&bob(), Button::Approve { confirmed: false, hold_ms: None });
        life.then(Event::identified(Purpose::Start, requester))
    }

    /// The step was read back.
    pub fn settled(self, found: Found) -> Self {
        let at = self.at + 1000;
        self.then(Event::settled(0, Proof { at, found }))
    }

    /// The step could not be settled.
    pub fn failed(self, retryable: bool) -> Self {
        let failure = Failure {
            what: "tailscale did not answer within 10 seconds".into(),
            advice: "see https://status.tailscale.com".into(),
            retryable,
            retry_after_ms: None,
        };
        self.then(Event::SettleFailed { step: 0, failure })
    }

    /// Switched on and confirmed.
    pub fn active(self) -> Self {
        let until = self.at + self.request.hold_ms + 3000;
        self.approved().settled(Found::On { until: Some(until) })
    }

    /// Nobody answers.
    pub fn lapsed(self) -> Self {
        let left = self.request.lapses_at() - self.at;
        self.wait(left).then(Event::Woke { wake: Wake::Lapse })
    }

    /// The time is up.
    pub fn expired(self) -> Self {
        let left = self.request.expires_at.unwrap_or(self.at) - self.at;
        self.wait(left).then(Event::Woke { wake: Wake::Expire })
    }
}

/// Who decides in the samples.
pub fn bob() -> Person {
    person("U0BOB", "Bob", &["group:dba"])
}

/// One request for each turn a life can take.
pub fn lives() -> Vec<Request> {
    let Some(asked) = Life::asked(ask()) else { return Vec::new() };
    let people = ["U0BOB", "U0CAROL"].map(str::to_owned).to_vec();
    let pending = asked.clone().then(Event::ApproversFound { stage: 0, people });
    let active = pending.clone().active();
    let stuck = (0..6).fold(active.clone().expired(), |life, _| life.failed(true));
    let revoked = active.clone().press(&bob(), Button::Revoke { reason: "not needed & gone".into() });
    let ends = [
        Found::Gone,
        Found::GoneBut { what: "with its tags joined ci-9".into() },
        Found::PutBack { what: "true, without an end".into(), is_on: true },
        Found::LeftAlone { what: "custom:jit_prod_db is true, without an end".into(), is_on: true },
        Found::LeftAlone { what: "custom:jit_prod_db is false".into(), is_on: false },
        Found::HeldByOthers { until: NOW + 4 * HOUR_MS },
        Found::TakenAway,
    ];
    let mut lives: Vec<Life> = vec![
        asked,
        pending.clone(),
        pending.clone().press(&bob(), Button::Approve { confirmed: false, hold_ms: None }),
        pending.clone().approved(),
        pending.clone().approved().failed(true),
        pending.clone().approved().failed(false),
        pending.clone().approved().failed(false).settled(Found::Gone),
        pending.clone().approved().failed(false).settled(Found::LeftAlone { what: "true".into(), is_on: true }),
        pending.clone().press(&bob(), Button::Deny { reason: "use the replica".into() }),
        pending.clone().press(&pending.request.requester.clone(), Button::Withdraw),
        pending.clone().lapsed(),
        pending.approved().settled(Found::OnBefore),
        active.clone().press(&active.request.requester.clone(), Button::Return),
        stuck.clone(),
        active.clone().failed(true),
        active.clone().expired().wait(120_000).then(Event::Woke { wake: Wake::Alarm }),
        stuck.settled(Found::Gone),
        active.clone().settled(Found::TakenAway),
        active.clone().settled(Found::TakenAway).settled(Found::Untouched),
        revoked.clone().settled(Found::Gone),
        revoked,
    ];
    lives.extend(extended());
    lives.extend(ends.into_iter().map(|found| active.clone().expired().settled(found)));
    lives.push(active);
    lives.into_iter().map(|life| life.request).collect()
}

/// Held for longer: asked for, on its way, failing and confirmed.
fn extended() -> Vec<Life> {
    let under = |approve| {
        let mut ask = ask();
        ask.workflow.extend = Some(Extend { times: 2, max_ms: HOUR_MS, approve, stages: Vec::new() });
        let life = Life::asked(ask)?.active();
        let (by, seal) = (life.request.requester.clone(), life.request.seal_for(&Button::Extend { length_ms: 0 }));
        let button = Button::Extend { length_ms: 0 };
        let life = life.then(Event::Pressed { by: by.slack_id.clone(), button, channel: None, seal, on: None });
        let number = life.request.presses_count;
        Some(life.then(Event::identified(Purpose::Press { number }, by)))
    };
    let (Some(asked), Some(begun)) = (under(ExtendApproval::Again), under(ExtendApproval::Automatic)) else {
        return Vec::new();
    };
    let asked = asked.then(Event::ApproversFound { stage: 0, people: vec!["U0BOB".to_owned()] });
    let until = begun.request.extending.as_ref().map(|extending| extending.until);
    vec![
        asked.clone(),
        asked.expired(),
        begun.clone(),
        begun.clone().failed(true),
        begun.clone().failed(false),
        begun.clone().expired(),
        begun.settled(Found::On { until }),
    ]
}

/// Everybody who can be told.
pub fn readers(request: &Request) -> [Recipient; 4] {
    [
        Recipient::Person { slack_id: request.requester.slack_id.clone() },
        Recipient::Private { slack_id: "U0BOB".into(), channel: None },
        Recipient::Thread,
        Recipient::Channel,
    ]
}

/// What templates can name beside the request, once full and once as empty as it gets.
pub fn extras() -> Vec<Extras> {
    let line = Line {
        name: "prod-db".into(),
        title: "Production database".into(),
        description: "Reach it.".into(),
        example: "/access prod-db 1h why".into(),
    };
    let group = |group: &'static str| Extras { group, count: 1, ..Extras::default() };
    let mut all: Vec<Extras> =
        ["held", "asked", "waiting", "lent", "ended", "nothing", "nobody"].into_iter().map(group).collect();
    all.push(Extras {
        decided_by: "U0BOB".into(),
        decided_yes: true,
        turn_of: "U0BOB".into(),
        turn_to: "U0CAROL".into(),
        refusal: "You may not.".into(),
        failure: "slack did not answer".into(),
        failure_advice: "try again".into(),
        tried_again: true,
        hidden: 3,
        workflows: vec![line],
        workflows_more: 3,
        ..Extras::default()
    });
    for decided_extension in [false, true] {
        let (decided_by, decided_reason) = ("U0BOB".into(), "no".into());
        all.push(Extras { decided_by, decided_reason, decided_extension, ..Extras::default() });
    }
    all
}

/// A card in a channel, and one in an approver's direct messages.
pub fn places() -> [Place; 2] {
    [Place::Channel("#access".into()), Place::Approver("U0BOB".into())]
}
