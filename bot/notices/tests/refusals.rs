//! Every way to be told that one may not.

use insta::assert_snapshot;

use super::{notices, pending, shown};
use crate::kernel::guardrail::Rule;
use crate::kernel::person::{Standing, Who};
use crate::kernel::{Notice, Outcome, Recipient, Refusal, State};
use crate::notices::sample;

#[test]
fn every_refusal_says_what_to_do_next() {
    let who = |names: &[&str]| names.iter().filter_map(|name| Who::parse(name).ok()).collect::<Vec<_>>();
    let request = pending().request;
    let rule = |reason: &str| Rule { id: "office-hours".into(), reason: reason.into() };
    let all = [
        Refusal::MayNotAsk { ask: who(&["group:engineering"]) },
        Refusal::NotAnApprover { by: who(&["group:dba", "@db-oncall", "carol@example.com"]) },
        Refusal::OwnRequest,
        Refusal::OwnDenial,
        Refusal::ConfirmOwnRequest { hold_ms: None },
        Refusal::DecidedBefore,
        Refusal::TooEarly { state: State::Pending },
        Refusal::TooEarly { state: State::Active },
        Refusal::NotYours,
        Refusal::Altered,
        Refusal::HoldTooLong { max_ms: 8 * 3_600_000 },
        Refusal::TooManyPending { most: 50 },
        Refusal::Unusable { missing: "step".into() },
        Refusal::Forbidden { rule: rule("not <at> night"), is_broken: false },
        Refusal::Forbidden { rule: rule(""), is_broken: false },
        Refusal::Forbidden { rule: rule(""), is_broken: true },
    ];
    let lines: Vec<String> = all.iter().map(|why| notices().refusal(why, Some(&request))).collect();
    assert_snapshot!(lines.join("\n"), @"
    You cannot ask for *Production database*: that takes one of group:engineering. If you should be among them, ask an admin to add you, then try again.
    You are not an approver of *Production database*, so nothing was counted. It takes one of group:dba, @db-oncall or carol@example.com.
    This is your own request, and nobody approves their own. Somebody else of group:dba or @db-oncall has to decide.
    This is your own request, and nobody decides their own. Take it back with Withdraw or `/access withdraw prod-db`.
    This is your own request. You may approve it yourself; the card and the log will say so. Are you sure?
    You have decided on this request already; each person counts once. Nothing changed.
    Too early: the request still waits for approval, and nothing is on. Until then its requester can withdraw it and an approver can deny it.
    Too early: the request is active, and nothing has to be tried again.
    This is somebody else's request, and only they can do that. Approvers can use Revoke once it is approved, or Deny before.
    What you saw is not what is stored (an old or foreign message), so nothing was counted. Use the newest message about this request, or `/access list`.
    That is too long: the most is 8h. Ask again with a shorter time.
    You have 50 requests that wait for a decision, and nobody may have more, so nothing was asked. Withdraw one (`/access list` shows them), or wait until somebody decides.
    This workflow cannot be used: it has no step. Ask whoever looks after it to fix it.
    The guardrail `office-hours` does not allow this: not &lt;at&gt; night. Nothing was counted.
    The guardrail `office-hours` does not allow this. Nothing was counted.
    The guardrail `office-hours` could not be worked out, and until it can be this is not allowed. Nothing was counted. Tell an admin.
    ");
}

#[test]
fn a_late_click_hears_who_decided_and_what_became_of_it() {
    let late = |state, outcome| Refusal::TooLate { state, outcome, by: vec!["U0BOB".into(), "U0CAROL".into()] };
    let all = [
        late(State::Approved, None),
        late(State::Activating, None),
        late(State::Active, None),
        late(State::Ended, Some(Outcome::Denied)),
        late(State::Ended, Some(Outcome::Lapsed)),
        late(State::Ended, Some(Outcome::Withdrawn)),
        late(State::Ending, Some(Outcome::Failed)),
        late(State::Ended, Some(Outcome::Failed)),
        late(State::Ending, Some(Outcome::Returned)),
        late(State::Ended, Some(Outcome::Revoked)),
        late(State::Ended, Some(Outcome::Expired)),
    ];
    let lines: Vec<String> = all.iter().map(|why| notices().refusal(why, None)).collect();
    assert_snapshot!(lines.join("\n"), @"
    Too late: <@U0BOB> and <@U0CAROL> approved it; it is being switched on.
    Too late: <@U0BOB> and <@U0CAROL> approved it; it is being switched on.
    Too late: <@U0BOB> and <@U0CAROL> approved it, and it is active.
    Too late: <@U0CAROL> denied it. Nothing changed.
    Too late: nobody answered in time, and the request lapsed. It can be asked again.
    Too late: the requester took it back before it was decided.
    Too late: <@U0BOB> and <@U0CAROL> approved it, but it could not be switched on. What was begun is being taken back.
    Too late: <@U0BOB> and <@U0CAROL> approved it, but it could not be switched on. Retry tries it again for a while; after that, ask again.
    Too late: its holder gave it back. It is being taken back.
    Too late: it was revoked. It can be asked again.
    Too late: <@U0BOB> and <@U0CAROL> approved it, and its time is over. It can be asked again.
    ");
}

#[test]
fn guests_outsiders_bots_and_leavers_are_told_why() {
    let all = [Standing::Guest, Standing::Outsider, Standing::Bot, Standing::Deactivated, Standing::Unknown];
    let lines: Vec<String> = all.map(|standing| notices().refusal(&Refusal::Standing { standing }, None)).to_vec();
    assert_snapshot!(lines.join("\n"), @"
    Guests of the workspace cannot ask or decide here. Ask a full member to do it, or an admin to make you one.
    People of another company cannot ask or decide here, also not in a shared channel. Ask somebody of this workspace to do it.
    Programs cannot ask or decide here. A person has to do it.
    This Slack account is switched off, so nothing was counted.
    Slack did not say who you are, so nothing was counted. Try again; if it stays like this, tell an admin.
    ");
}

#[test]
fn approving_ones_own_request_takes_a_second_press() {
    let to = Recipient::Private { slack_id: "U0ALICE".into(), channel: Some("C0ACCESS".into()) };
    let notice = Notice::Refused { why: Refusal::ConfirmOwnRequest { hold_ms: None } };
    assert_snapshot!(shown(&notices().notice(&pending().request, &notice, &to, sample::NOW)), @"
    (This is your own request. You may approve it yourself; the card and the log will say so. Are you sure?)
    This is your own request. You may approve it yourself; the card and the log will say so. Are you sure?
    ~ Production database · request 0s2k9x4v7m3q8w5ztb
    [Yes, approve my own request: approve_own primary = 0s2k9x4v7m3q8w5ztb 5ea1]
    ");
}
