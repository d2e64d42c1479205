//! The people, workflow and asks the tests are about.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::condition::Condition;
use crate::step_type::{Holds, StepType};
use crate::workflow::{Input, InputKind, OwnRequest, Stage, StepUse};
use crate::{Ask, Person, RequestId, Standing, Who, Workflow};

/// Two hours.
pub(super) const HOLD_MS: i64 = 7_200_000;
/// Eight hours.
pub(super) const LAPSE_MS: i64 = 28_800_000;

fn person(name: &str, groups: &[&str]) -> Person {
    let email = format!("{name}@example.com");
    Person {
        slack_id: format!("U{}", name.to_uppercase()),
        name: name.to_owned(),
        email: Some(email.clone()),
        login: Some(email),
        standing: Standing::Member,
        belongs: groups.iter().map(|name| Who::parse(name).unwrap()).collect(),
    }
}

/// The requester: may ask, and is an approver too, so that only the rule on own requests stands in her way.
pub(super) fn alice() -> Person {
    person("alice", &["group:engineering", "group:dba"])
}

/// An approver.
pub(super) fn bob() -> Person {
    person("bob", &["group:dba"])
}

/// Another approver.
pub(super) fn carol() -> Person {
    person("carol", &["group:dba"])
}

/// A member who is in no group that matters.
pub(super) fn dave() -> Person {
    person("dave", &[])
}

/// Bob's second Slack account: another id, the same tailnet login.
pub(super) fn bobs_other_account() -> Person {
    Person { slack_id: "UBOB2".to_owned(), email: None, ..bob() }
}

/// In the right group, but a guest by now.
pub(super) fn guest(person: Person) -> Person {
    Person { standing: Standing::Guest, ..person }
}

/// What steps of the tests can be: of a thing that is shared, or that every request has for itself.
pub(super) const TYPES: &[StepType] = &[
    StepType::plain("test.thing", at),
    StepType { holds: Holds::Once, ..StepType::plain("test.once", |_| Ok(String::new())) },
];

fn at(with: &Map<String, Value>) -> Result<String, String> {
    with.get("at").and_then(Value::as_str).map(str::to_owned).ok_or_else(|| "it is nowhere".to_owned())
}

/// A step that touches this.
pub(super) fn step(at: &str) -> StepUse {
    StepUse {
        uses: "test.thing".to_owned(),
        name: None,
        when: Condition::default(),
        with: [("at".to_owned(), at.into())].into_iter().collect(),
    }
}

/// Two steps, one approval, four eyes, cards in a channel.
pub(super) fn workflow() -> Workflow {
    let input = |name: &str, kind: InputKind| Input::plain(name, name, kind);
    Workflow {
        name: "prod-db".to_owned(),
        title: "Production database".to_owned(),
        description: String::new(),
        command: None,
        inputs: vec![input("hold", InputKind::Duration { default_ms: HOLD_MS, max_ms: 4 * HOLD_MS })],
        ask: vec![Who::TailnetGroup("group:engineering".to_owned())],
        approve: vec![Stage::of(1, vec![Who::TailnetGroup("group:dba".to_owned())], OwnRequest::Never)],
        lapse_after_ms: LAPSE_MS,
        steps: vec![step("a"), step("b")],
        announce: Some("#access".to_owned()),
        triggers: Vec::new(),
        digest: "digest".to_owned(),
        ..Workflow::default()
    }
}

/// The workflow with its stage changed.
pub(super) fn workflow_with(quorum: u32, own_request: OwnRequest) -> Workflow {
    let mut workflow = workflow();
    for stage in &mut workflow.approve {
        stage.clauses[0].quorum = quorum;
        stage.own_request = own_request;
    }
    workflow
}

/// Alice asks for two hours; the steps touch `a` and `b`.
pub(super) fn ask(workflow: Workflow) -> Ask {
    Ask {
        id: RequestId("r1".to_owned()),
        workflow: workflow.into(),
        requester: alice(),
        inputs: BTreeMap::new(),
        hold_ms: HOLD_MS,
        reason: "invoice 1204".to_owned(),
        device: None,
        seal: "seal".to_owned(),
        channel: None,
        origin: crate::origin::Origin::Typed,
        may_be_permitted: false,
        judged: None,
        breaks_glass: false,
        active: None,
        asker: None,
        judged_asker: None,
    }
}
