//! Reminders and escalation: when they come, who counts afterwards, and that nothing of it happens once it is decided.

use super::people::{alice, bob, dave, workflow};
use super::story::{START, Story, approve};
use crate::person::Who;
use crate::workflow::{Clause, OwnRequest, Stage, Tier};
use crate::{Effect, Event, Notice, Person, State, Wake};

const MINUTE: i64 = 60_000;

fn admins() -> Who {
    Who::Role("autogroup:admin".to_owned())
}

/// Dave is an admin, and in no group that decides.
fn admin() -> Person {
    Person { belongs: vec![admins()], ..dave() }
}

/// One stage of these clauses; after 15 minutes people are reminded, after 30 admins are asked too.
fn urged(clauses: Vec<Clause>) -> Story {
    let stage = Stage {
        clauses,
        remind_ms: Some(15 * MINUTE),
        escalate: vec![Tier { after_ms: 30 * MINUTE, by: vec![admins()] }],
        ..Stage::of(1, Vec::new(), OwnRequest::Never)
    };
    let mut workflow = workflow();
    workflow.approve = vec![stage];
    workflow.lapse_after_ms = 480 * MINUTE;
    let mut story = Story::of(super::people::ask(workflow));
    story.tell(Event::ApproversFound { stage: 0, people: vec![bob().slack_id] });
    story
}

fn of_dba(quorum: u32) -> Clause {
    Clause { quorum, by: vec![Who::TailnetGroup("group:dba".to_owned())] }
}

fn wakes_at(story: &Story, wanted: Wake) -> Option<i64> {
    let wakes = |due: &&crate::effect::Due| due.effect == Effect::Wake { wake: wanted };
    story.last.effects.iter().find(wakes).map(|due| (due.at - START) / MINUTE)
}

fn says(story: &Story, notice: &Notice) -> bool {
    story.last.effects.iter().any(|due| matches!(&due.effect, Effect::Tell { notice: said, .. } if said == notice))
}

#[test]
fn reminders_come_after_twice_the_time_and_never_after_the_lapse() {
    let mut story = urged(vec![of_dba(1)]);
    assert_eq!(wakes_at(&story, Wake::Remind), Some(15));
    // Too early: the clock was set back meanwhile.
    story.pass(10 * MINUTE);
    story.tell(Event::Woke { wake: Wake::Remind });
    assert!(!says(&story, &Notice::Reminded));
    let mut told = Vec::new();
    let mut next = wakes_at(&story, Wake::Remind);
    while let Some(at) = next {
        story.now = START + at * MINUTE;
        story.tell(Event::Woke { wake: Wake::Remind });
        assert!(says(&story, &Notice::Reminded));
        told.push(at);
        next = wakes_at(&story, Wake::Remind);
    }
    assert_eq!(told, [15, 30, 60, 120, 240], "480 is when it lapses");
}

#[test]
fn what_was_due_while_nothing_ran_is_said_once() {
    let mut story = urged(vec![of_dba(1)]);
    story.pass(130 * MINUTE);
    story.tell(Event::Woke { wake: Wake::Remind });
    assert!(says(&story, &Notice::Reminded));
    assert_eq!(wakes_at(&story, Wake::Remind), Some(240));
}

#[test]
fn nobody_hears_of_what_is_decided() {
    let mut story = urged(vec![of_dba(1)]);
    story.press(&bob(), approve());
    assert_ne!(story.request.state, State::Pending);
    story.pass(40 * MINUTE);
    for wake in [Wake::Remind, Wake::Escalate] {
        story.tell(Event::Woke { wake });
        assert_eq!(story.last.effects, [], "{wake:?}");
    }
    story.tell(Event::TierFound { stage: 0, tier: 0, people: vec![dave().slack_id] });
    assert_eq!(story.last.effects, []);
}

#[test]
fn others_count_only_once_it_took_too_long_and_then_for_any_clause() {
    let security = Clause { quorum: 1, by: vec![Who::SlackGroup("security".to_owned())] };
    let mut story = urged(vec![of_dba(1), security]);
    story.press(&admin(), approve());
    assert_eq!(story.request.decisions.len(), 0, "not yet");
    story.pass(30 * MINUTE);
    story.tell(Event::Woke { wake: Wake::Escalate });
    assert!(story.last.effects.iter().any(|due| due.effect == Effect::FindTier { stage: 0, tier: 0 }));
    story.tell(Event::TierFound { stage: 0, tier: 0, people: vec![bob().slack_id, dave().slack_id] });
    assert!(says(&story, &Notice::Escalated));
    assert_eq!(story.request.asked_now(), [bob().slack_id, dave().slack_id], "each once");
    story.press(&admin(), approve());
    assert_eq!(story.request.decisions.len(), 1);
    story.press(&admin(), approve());
    assert_eq!(story.request.decisions.len(), 1, "nobody counts twice");
    assert_eq!(story.request.state, State::Pending);
    story.press(&bob(), approve());
    assert_eq!(story.request.state, State::Approved, "those before still decide");
    let own = Person { belongs: vec![admins(), Who::TailnetGroup("group:engineering".to_owned())], ..alice() };
    let mut story = urged(vec![of_dba(1)]);
    story.pass(30 * MINUTE);
    story.tell(Event::Woke { wake: Wake::Escalate });
    story.press(&own, approve());
    assert_eq!(story.request.decisions.len(), 0, "nor does anybody approve their own");
}
