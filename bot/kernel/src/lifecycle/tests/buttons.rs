//! One table a state: what every button does there, for the requester, an approver and somebody else.

use super::people::{alice, bob, carol, dave, workflow_with};
use super::story::{Story, approve, deny, revoke};
use super::words::words;
use crate::workflow::OwnRequest;
use crate::{Button, State};

/// Every button; a new one does not compile until it has a name here.
fn every_button() -> Vec<Button> {
    let all = vec![
        approve(),
        Button::Approve { confirmed: true, hold_ms: None },
        deny(),
        Button::Withdraw,
        Button::Return,
        revoke(),
        Button::Retry,
        Button::BreakGlass,
        Button::Extend { length_ms: 0 },
        Button::Pass { to: carol().slack_id },
        Button::Review { is_fine: true, word: String::new() },
        Button::PutBack,
        Button::Adopt,
    ];
    let names: std::collections::BTreeSet<&str> = all.iter().map(name).collect();
    assert_eq!(names.len(), 13);
    all
}

fn name(button: &Button) -> &'static str {
    match button {
        Button::Approve { confirmed: false, .. } => "approve",
        Button::Approve { confirmed: true, .. } => "approve, confirmed",
        Button::Deny { .. } => "deny",
        Button::Withdraw => "withdraw",
        Button::Return => "return",
        Button::Revoke { .. } => "revoke",
        Button::Retry => "retry",
        Button::BreakGlass => "break glass",
        Button::Extend { .. } => "extend",
        Button::Pass { .. } => "pass to Carol",
        Button::Review { .. } => "review",
        Button::PutBack => "put back",
        Button::Adopt => "adopt",
    }
}

/// What comes of each button, pressed and looked up, for each person; people to whom the same happens share a line.
fn table(story: &Story) -> String {
    let mut lines = Vec::new();
    for button in every_button() {
        let mut fates: Vec<(String, Vec<String>)> = Vec::new();
        for person in [alice(), bob(), carol(), dave()] {
            let mut after = story.clone();
            after.press(&person, button.clone());
            let fate = words(&story.request, &after).replace(&format!("tell {} no", person.slack_id), "no");
            match fates.iter_mut().find(|(known, _)| *known == fate) {
                Some((_, people)) => people.push(person.name),
                None => fates.push((fate, vec![person.name])),
            }
        }
        for (fate, people) in fates {
            lines.push(format!("{} by {}: {fate}", name(&button), people.join(", ")));
        }
    }
    lines.join("\n")
}

#[test]
fn pending() {
    insta::assert_snapshot!(table(&Story::request_in(State::Pending)), @"
    approve by alice: noted, no: own request
    approve by bob, carol: APPROVED, tell thread approved, identify UALICE to start, show #access
    approve by dave: noted, no: not an approver
    approve, confirmed by alice: noted, no: own request
    approve, confirmed by bob, carol: APPROVED, tell thread approved, identify UALICE to start, show #access
    approve, confirmed by dave: noted, no: not an approver
    deny by alice: noted, no: own request, to be withdrawn
    deny by bob, carol: ENDED denied, show #access, tell thread denied, tell UALICE denied
    deny by dave: noted, no: not an approver
    withdraw by alice: ENDED withdrawn, show #access
    withdraw by bob, carol, dave: noted, no: not yours
    return by alice, bob, carol, dave: no: too early, pending
    revoke by alice, bob, carol, dave: no: too early, pending
    retry by alice, bob, carol, dave: no: too early, pending
    break glass by alice: noted, no: not among those who may break glass
    break glass by bob, carol, dave: noted, no: not yours
    extend by alice, bob, carol, dave: no: too early, pending
    pass to Carol by alice: noted, no: own request
    pass to Carol by bob: noted, identify UCAROL to take over from UBOB
    pass to Carol by carol: noted, no: passed to themselves
    pass to Carol by dave: noted, no: not an approver
    review by alice, bob, carol, dave: no: no open review
    put back by alice, bob, carol, dave: no: nothing changed by somebody else
    adopt by alice, bob, carol, dave: no: nothing changed by somebody else
    ");
}

#[test]
fn pending_when_own_requests_must_be_confirmed() {
    insta::assert_snapshot!(table(&Story::pending_under(workflow_with(1, OwnRequest::Confirm))), @"
    approve by alice: noted, no: own request, not confirmed
    approve by bob, carol: APPROVED, tell thread approved, identify UALICE to start, show #access
    approve by dave: noted, no: not an approver
    approve, confirmed by alice, bob, carol: APPROVED, tell thread approved, identify UALICE to start, show #access
    approve, confirmed by dave: noted, no: not an approver
    deny by alice, bob, carol: ENDED denied, show #access, tell thread denied, tell UALICE denied
    deny by dave: noted, no: not an approver
    withdraw by alice: ENDED withdrawn, show #access
    withdraw by bob, carol, dave: noted, no: not yours
    return by alice, bob, carol, dave: no: too early, pending
    revoke by alice, bob, carol, dave: no: too early, pending
    retry by alice, bob, carol, dave: no: too early, pending
    break glass by alice: noted, no: not among those who may break glass
    break glass by bob, carol, dave: noted, no: not yours
    extend by alice, bob, carol, dave: no: too early, pending
    pass to Carol by alice: noted, identify UCAROL to take over from UALICE
    pass to Carol by bob: noted, identify UCAROL to take over from UBOB
    pass to Carol by carol: noted, no: passed to themselves
    pass to Carol by dave: noted, no: not an approver
    review by alice, bob, carol, dave: no: no open review
    put back by alice, bob, carol, dave: no: nothing changed by somebody else
    adopt by alice, bob, carol, dave: no: nothing changed by somebody else
    ");
}

#[test]
fn pending_with_one_of_two_approvals() {
    let mut story = Story::pending_under(workflow_with(2, OwnRequest::Allow));
    story.press(&bob(), approve());
    insta::assert_snapshot!(table(&story), @"
    approve by alice, carol: APPROVED, tell thread approved, identify UALICE to start, show #access
    approve by bob: no: decided before
    approve by dave: noted, no: not an approver
    approve, confirmed by alice, carol: APPROVED, tell thread approved, identify UALICE to start, show #access
    approve, confirmed by bob: no: decided before
    approve, confirmed by dave: noted, no: not an approver
    deny by alice, carol: ENDED denied, show #access, tell thread denied, tell UALICE denied
    deny by bob: no: decided before
    deny by dave: noted, no: not an approver
    withdraw by alice: ENDED withdrawn, show #access
    withdraw by bob, carol, dave: noted, no: not yours
    return by alice, bob, carol, dave: no: too early, pending
    revoke by alice, bob, carol, dave: no: too early, pending
    retry by alice, bob, carol, dave: no: too early, pending
    break glass by alice: noted, no: not among those who may break glass
    break glass by bob, carol, dave: noted, no: not yours
    extend by alice, bob, carol, dave: no: too early, pending
    pass to Carol by alice: noted, identify UCAROL to take over from UALICE
    pass to Carol by bob: no: decided before
    pass to Carol by carol: noted, no: passed to themselves
    pass to Carol by dave: noted, no: not an approver
    review by alice, bob, carol, dave: no: no open review
    put back by alice, bob, carol, dave: no: nothing changed by somebody else
    adopt by alice, bob, carol, dave: no: nothing changed by somebody else
    ");
}

#[test]
fn approved() {
    insta::assert_snapshot!(table(&Story::request_in(State::Approved)), @"
    approve by alice, bob, carol, dave: no: too late, approved
    approve, confirmed by alice, bob, carol, dave: no: too late, approved
    deny by alice, bob, carol, dave: no: too late, approved
    withdraw by alice, bob, carol, dave: no: too late, approved
    return by alice: ENDED returned, tell UALICE ended, tell thread ended, show #access
    return by bob, carol, dave: noted, no: not yours
    revoke by alice: ENDED returned, tell UALICE ended, tell thread ended, show #access
    revoke by bob, carol: ENDED revoked, tell UALICE ended, tell thread ended, show #access
    revoke by dave: noted, no: not an approver
    retry by alice, bob, carol, dave: no: too early, approved
    break glass by alice, bob, carol, dave: no: too late, approved
    extend by alice, bob, carol, dave: no: too early, approved
    pass to Carol by alice, bob, carol, dave: no: too late, approved
    review by alice, bob, carol, dave: no: no open review
    put back by alice, bob, carol, dave: no: nothing changed by somebody else
    adopt by alice, bob, carol, dave: no: nothing changed by somebody else
    ");
}

#[test]
fn activating() {
    insta::assert_snapshot!(table(&Story::request_in(State::Activating)), @"
    approve by alice, bob, carol, dave: no: too late, activating
    approve, confirmed by alice, bob, carol, dave: no: too late, activating
    deny by alice, bob, carol, dave: no: too late, activating
    withdraw by alice, bob, carol, dave: no: too late, activating
    return by alice: ENDING returned, steps releasing+waiting, release a, settle a, wake alarm in 1m, show #access
    return by bob, carol, dave: noted, no: not yours
    revoke by alice: ENDING returned, steps releasing+waiting, release a, settle a, wake alarm in 1m, show #access
    revoke by bob, carol: ENDING revoked, steps releasing+waiting, release a, settle a, wake alarm in 1m, show #access
    revoke by dave: noted, no: not an approver
    retry by alice, bob, carol, dave: no: too early, activating
    break glass by alice, bob, carol, dave: no: too late, activating
    extend by alice, bob, carol, dave: no: too early, activating
    pass to Carol by alice, bob, carol, dave: no: too late, activating
    review by alice, bob, carol, dave: no: no open review
    put back by alice, bob, carol, dave: no: nothing changed by somebody else
    adopt by alice, bob, carol, dave: no: nothing changed by somebody else
    ");
}

#[test]
fn active() {
    insta::assert_snapshot!(table(&Story::request_in(State::Active)), @"
    approve by alice, bob, carol, dave: no: too late, active
    approve, confirmed by alice, bob, carol, dave: no: too late, active
    deny by alice, bob, carol, dave: no: too late, active
    withdraw by alice, bob, carol, dave: no: too late, active
    return by alice: ENDING returned, steps releasing+releasing, release a, release b, settle b, wake alarm in 1m, show #access
    return by bob, carol, dave: noted, no: not yours
    revoke by alice: ENDING returned, steps releasing+releasing, release a, release b, settle b, wake alarm in 1m, show #access
    revoke by bob, carol: ENDING revoked, steps releasing+releasing, release a, release b, settle b, wake alarm in 1m, show #access
    revoke by dave: noted, no: not an approver
    retry by alice, bob, carol, dave: no: too early, active
    break glass by alice, bob, carol, dave: no: too late, active
    extend by alice: noted, no: not extended
    extend by bob, carol, dave: noted, no: not yours
    pass to Carol by alice, bob, carol, dave: no: too late, active
    review by alice, bob, carol, dave: no: no open review
    put back by alice, bob, carol, dave: no: nothing changed by somebody else
    adopt by alice, bob, carol, dave: no: nothing changed by somebody else
    ");
}

#[test]
fn ending() {
    insta::assert_snapshot!(table(&Story::request_in(State::Ending)), @"
    approve by alice, bob, carol, dave: no: too late, ending expired
    approve, confirmed by alice, bob, carol, dave: no: too late, ending expired
    deny by alice, bob, carol, dave: no: too late, ending expired
    withdraw by alice, bob, carol, dave: no: too late, ending expired
    return by alice, bob, carol, dave: no: too late, ending expired
    revoke by alice, bob, carol, dave: no: too late, ending expired
    retry by alice, bob, carol: noted, settle b, settle a
    retry by dave: noted, no: not an approver
    break glass by alice, bob, carol, dave: no: too late, ending expired
    extend by alice, bob, carol, dave: no: too late, ending expired
    pass to Carol by alice, bob, carol, dave: no: too late, ending expired
    review by alice, bob, carol, dave: no: no open review
    put back by alice, bob, carol, dave: no: nothing changed by somebody else
    adopt by alice, bob, carol, dave: no: nothing changed by somebody else
    ");
}

#[test]
fn ending_and_stuck() {
    insta::assert_snapshot!(table(&Story::stuck()), @"
    approve by alice, bob, carol, dave: no: too late, ending expired
    approve, confirmed by alice, bob, carol, dave: no: too late, ending expired
    deny by alice, bob, carol, dave: no: too late, ending expired
    withdraw by alice, bob, carol, dave: no: too late, ending expired
    return by alice, bob, carol, dave: no: too late, ending expired
    revoke by alice, bob, carol, dave: no: too late, ending expired
    retry by alice, bob, carol: noted, settle b
    retry by dave: noted, no: not an approver
    break glass by alice, bob, carol, dave: no: too late, ending expired
    extend by alice, bob, carol, dave: no: too late, ending expired
    pass to Carol by alice, bob, carol, dave: no: too late, ending expired
    review by alice, bob, carol, dave: no: no open review
    put back by alice, bob, carol, dave: no: nothing changed by somebody else
    adopt by alice, bob, carol, dave: no: nothing changed by somebody else
    ");
}

#[test]
fn ended() {
    insta::assert_snapshot!(table(&Story::request_in(State::Ended)), @"
    approve by alice, bob, carol, dave: no: too late, ended expired
    approve, confirmed by alice, bob, carol, dave: no: too late, ended expired
    deny by alice, bob, carol, dave: no: too late, ended expired
    withdraw by alice, bob, carol, dave: no: too late, ended expired
    return by alice, bob, carol, dave: no: too late, ended expired
    revoke by alice, bob, carol, dave: no: too late, ended expired
    retry by alice, bob, carol, dave: no: too late, ended expired
    break glass by alice, bob, carol, dave: no: too late, ended expired
    extend by alice, bob, carol, dave: no: too late, ended expired
    pass to Carol by alice, bob, carol, dave: no: too late, ended expired
    review by alice, bob, carol, dave: no: no open review
    put back by alice, bob, carol, dave: no: nothing changed by somebody else
    adopt by alice, bob, carol, dave: no: nothing changed by somebody else
    ");
}

#[test]
fn ended_because_granting_failed() {
    insta::assert_snapshot!(table(&Story::failed()), @"
    approve by alice, bob, carol, dave: no: too late, ended failed
    approve, confirmed by alice, bob, carol, dave: no: too late, ended failed
    deny by alice, bob, carol, dave: no: too late, ended failed
    withdraw by alice, bob, carol, dave: no: too late, ended failed
    return by alice, bob, carol, dave: no: too late, ended failed
    revoke by alice, bob, carol, dave: no: too late, ended failed
    retry by alice, bob, carol: APPROVED, steps waiting+waiting, identify UALICE to start, show #access
    retry by dave: noted, no: not an approver
    break glass by alice, bob, carol, dave: no: too late, ended failed
    extend by alice, bob, carol, dave: no: too late, ended failed
    pass to Carol by alice, bob, carol, dave: no: too late, ended failed
    review by alice, bob, carol, dave: no: no open review
    put back by alice, bob, carol, dave: no: nothing changed by somebody else
    adopt by alice, bob, carol, dave: no: nothing changed by somebody else
    ");
}
