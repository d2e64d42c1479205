//! What requester, approvers, thread and channel are told beside the card.

use insta::assert_snapshot;

use super::{notices, pending, shown};
use crate::kernel::event::{Button, Failure};
use crate::kernel::{By, Event, Found, Notice, Recipient, Wake};
use crate::notices::sample::{self, Life};

fn alice() -> Recipient {
    Recipient::Person { slack_id: "U0ALICE".into() }
}

fn bob() -> Recipient {
    Recipient::Person { slack_id: "U0BOB".into() }
}

fn told(life: &Life, notice: &Notice, to: &Recipient) -> String {
    shown(&notices().notice(&life.request, notice, to, life.at + 1000))
}

fn denied() -> Notice {
    Notice::Decided {
        by: By::Person("U0BOB".into()),
        approved: false,
        reason: "use the replica".into(),
        extends: false,
    }
}

fn stuck() -> Life {
    (0..6).fold(pending().active().expired(), |life, _| life.failed(true))
}

#[test]
fn who_asked_sees_what_was_asked_and_can_withdraw() {
    assert_snapshot!(shown(&notices().asked(&pending().request)), @"
    (⏳ Production database for 2h: waiting for approval)
    ⏳ *Asked for Production database* for 2h on alice-laptop (macOS). Nothing is on yet; you will be told when it is.
    Asked: <@U0BOB>, <@U0CAROL> (in group:dba or @db-oncall).
    ~ Request 0s2k9x4v7m3q8w5ztb · lapses 2026-11-22 21:00 UTC if nobody answers
    [Withdraw: withdraw = 0s2k9x4v7m3q8w5ztb 5ea1]
    ");
    let unanswered = Life::asked(sample::ask()).expect("may be asked");
    assert_snapshot!(shown(&notices().asked(&unanswered.request)), @"
    (⏳ Production database for 2h: waiting for approval)
    ⏳ *Asked for Production database* for 2h on alice-laptop (macOS). Nothing is on yet; you will be told when it is.
    It is decided by whoever is in group:dba or @db-oncall.
    ~ Request 0s2k9x4v7m3q8w5ztb · lapses 2026-11-22 21:00 UTC if nobody answers
    [Withdraw: withdraw = 0s2k9x4v7m3q8w5ztb 5ea1]
    ");
}

#[test]
fn the_thread_hears_of_an_approval() {
    let notice =
        Notice::Decided { by: By::Person("U0BOB".into()), approved: true, reason: String::new(), extends: false };
    assert_snapshot!(told(&pending().approved(), &notice, &Recipient::Thread), @"
    (✅ <@U0BOB> approved (group:dba). It is not active before it is confirmed as on.)
    ✅ <@U0BOB> approved (group:dba). It is not active before it is confirmed as on.
    ");
}

#[test]
fn a_denial_reaches_the_requester_with_its_reason() {
    let life = pending().press(&sample::bob(), Button::Deny { reason: "use the replica".into() });
    assert_snapshot!(told(&life, &denied(), &alice()), @"
    (⛔ <@U0BOB> denied your request for *Production database* on alice-laptop for 2h. Nothing was switched on.)
    ⛔ <@U0BOB> denied your request for *Production database* on alice-laptop for 2h. Nothing was switched on.
    *Why*
    > use the replica
    ~ Request 0s2k9x4v7m3q8w5ztb
    [Ask again: ask_again = 0s2k9x4v7m3q8w5ztb]
    ");
    assert_snapshot!(told(&life, &denied(), &Recipient::Thread), @"
    (⛔ <@U0BOB> denied it. Nothing was switched on.)
    ⛔ <@U0BOB> denied it. Nothing was switched on.
    > use the replica
    ");
}

#[test]
fn the_requester_is_told_that_it_is_active() {
    let life = pending().active();
    assert_snapshot!(told(&life, &Notice::Active, &alice()), @"
    (🟢 Production database is active until 2026-11-22 15:00 UTC)
    🟢 *Production database is active until 2026-11-22 15:00 UTC* on alice-laptop (macOS)
    Done earlier? Press Return, or type `/access return prod-db`.
    ~ Request 0s2k9x4v7m3q8w5ztb · `tailscale.attribute n123CNTRL custom:jit_prod_db` · you are told shortly before it ends
    [Return: return = 0s2k9x4v7m3q8w5ztb 5ea1]
    ");
    assert_snapshot!(told(&life, &Notice::Active, &Recipient::Thread), @"
    (🟢 Confirmed as on 2026-11-22 13:00:05 UTC, until 2026-11-22 15:00 UTC at the latest.)
    🟢 Confirmed as on 2026-11-22 13:00:05 UTC, until 2026-11-22 15:00 UTC at the latest.
    ");
}

#[test]
fn a_late_message_says_what_is_so_now() {
    let life = pending().active().expired().settled(Found::Gone);
    assert_snapshot!(told(&life, &Notice::Active, &alice()), @"
    (🔒 Production database: over, its time was up)
    🔒 *Production database: over, its time was up*
    It was on from 2026-11-22 13:00 UTC to 2026-11-22 15:00:07 UTC.
    ~ Request 0s2k9x4v7m3q8w5ztb
    ");
    assert_snapshot!(told(&life, &Notice::EndsSoon, &alice()), @"
    (🔒 *Production database*: over, its time was up.)
    🔒 *Production database*: over, its time was up.
    ");
}

#[test]
fn the_requester_is_warned_before_the_end() {
    assert_snapshot!(told(&pending().active(), &Notice::EndsSoon, &alice()), @"
    (⏰ Production database ends 2026-11-22 15:00 UTC)
    ⏰ *Production database ends 2026-11-22 15:00 UTC* on alice-laptop
    New connections stop then; open TCP connections may live on.
    Done already? Press Return, or type `/access return prod-db`. Need it longer? Ask again now with `/access prod-db`; the later end counts.
    ~ Request 0s2k9x4v7m3q8w5ztb · takes back `tailscale.attribute n123CNTRL custom:jit_prod_db`
    [Return: return = 0s2k9x4v7m3q8w5ztb 5ea1]
    ");
}

#[test]
fn the_end_is_told_with_what_was_read_back() {
    let life = pending().active().expired().settled(Found::Gone);
    assert_snapshot!(told(&life, &Notice::Ended, &alice()), @"
    (🔒 Production database has ended: the time was up)
    🔒 *Production database has ended*: the time was up.
    🔒 Verified gone 2026-11-22 15:00:07 UTC
    Open TCP connections may live on; close them yourself if they should not.
    ~ Request 0s2k9x4v7m3q8w5ztb
    [Ask again: ask_again = 0s2k9x4v7m3q8w5ztb]
    ");
    assert_snapshot!(told(&life, &Notice::Ended, &Recipient::Thread), @"
    (🔒 Ended: the time was up. 🔒 Verified gone 2026-11-22 15:00:07 UTC · Open TCP connections may live on.)
    🔒 Ended: the time was up.
    🔒 Verified gone 2026-11-22 15:00:07 UTC
    Open TCP connections may live on.
    ");
}

#[test]
fn a_routine_end_pings_nobody() {
    let life = pending().active().expired().settled(Found::Gone);
    for to in sample::readers(&life.request) {
        assert!(!told(&life, &Notice::Ended, &to).contains("<@"));
    }
}

#[test]
fn a_revocation_names_who_and_why() {
    let revoke = Button::Revoke { reason: "incident is over".into() };
    let life = pending().active().press(&sample::bob(), revoke).settled(Found::Gone);
    assert_snapshot!(told(&life, &Notice::Ended, &alice()), @"
    (🔒 Production database has ended: revoked)
    🔒 *Production database has ended*: it was revoked by <@U0BOB>.
    > incident is over
    🔒 Verified gone 2026-11-22 13:00:08 UTC
    Open TCP connections may live on; close them yourself if they should not.
    ~ Request 0s2k9x4v7m3q8w5ztb
    [Ask again: ask_again = 0s2k9x4v7m3q8w5ztb]
    ");
}

#[test]
fn a_lapse_offers_to_ask_again() {
    let life = pending().lapsed();
    assert_snapshot!(told(&life, &Notice::Lapsed, &alice()), @"
    (💤 Nobody answered your request for *Production database* (2h) in time, so it lapsed. Nothing was switched on.)
    💤 Nobody answered your request for *Production database* (2h on alice-laptop) in time, so it lapsed 2026-11-22 21:00:00 UTC. Nothing was switched on.
    ~ Request 0s2k9x4v7m3q8w5ztb
    [Ask again: ask_again = 0s2k9x4v7m3q8w5ztb]
    ");
}

#[test]
fn a_failure_is_told_plainly_with_retry() {
    let life = pending().approved().failed(false);
    assert_snapshot!(told(&life, &Notice::Failed, &alice()), @"
    (❌ Production database could not be lent: Tailscale did not answer within 10 seconds.)
    ❌ *Production database could not be lent to you* on alice-laptop. What was begun may still be on.
    What failed: Tailscale did not answer within 10 seconds.
    What to do: See https://status.tailscale.com.
    What was begun is being taken back:
    • `tailscale.attribute n123CNTRL custom:jit_prod_db` on alice-laptop may still be on; it was never confirmed as on, and was to end by itself 2026-11-22 15:00 UTC
    Retry tries it again under the same approval.
    ~ Request 0s2k9x4v7m3q8w5ztb
    [Retry: retry = 0s2k9x4v7m3q8w5ztb 5ea1]
    ");
    assert_snapshot!(told(&life.settled(Found::Gone), &Notice::Failed, &bob()), @"
    (❌ Production database could not be lent: Tailscale did not answer within 10 seconds.)
    ❌ *Production database could not be lent* to <@U0ALICE> on alice-laptop. They do not have it.
    What failed: Tailscale did not answer within 10 seconds.
    What to do: See https://status.tailscale.com.
    What was begun was taken back:
    🔒 Verified gone 2026-11-22 13:00:06 UTC
    Retry tries it again under the same approval.
    ~ Request 0s2k9x4v7m3q8w5ztb
    [Retry: retry = 0s2k9x4v7m3q8w5ztb 5ea1]
    ");
}

#[test]
fn the_thread_hears_of_a_failure() {
    let life = pending().approved().failed(false).settled(Found::Gone);
    assert_snapshot!(told(&life, &Notice::Failed, &Recipient::Thread), @"
    (❌ It could not be lent: Tailscale did not answer within 10 seconds. What was begun was taken back. 🔒 Verified gone 2026-11-22 13:00:06 UTC)
    ❌ It could not be lent: Tailscale did not answer within 10 seconds. What was begun was taken back.
    🔒 Verified gone 2026-11-22 13:00:06 UTC
    ");
}

#[test]
fn an_alarm_says_what_may_still_be_on_and_where() {
    assert_snapshot!(told(&stuck(), &Notice::Stuck, &Recipient::Channel), @"
    (🚨 STUCK: Production database of <@U0ALICE> cannot be taken back yet and may still be on)
    🚨 *STUCK: Production database of <@U0ALICE> cannot be taken back yet and may still be on*
    • `tailscale.attribute n123CNTRL custom:jit_prod_db` on alice-laptop may still be on; it was to end by itself 2026-11-22 15:00:04 UTC, which is not verified yet
    What fails: Tailscale did not answer within 10 seconds.
    What to do: See https://status.tailscale.com.
    It was tried 6 times and is tried again until it works. Retry tries it now. If it cannot wait, take `tailscale.attribute n123CNTRL custom:jit_prod_db` away by hand; that will be noticed.
    ~ Request 0s2k9x4v7m3q8w5ztb · the time was up 2026-11-22 15:00:05 UTC
    [Retry: retry = 0s2k9x4v7m3q8w5ztb 5ea1]
    ");
}

#[test]
fn an_alarm_without_a_failure_says_that_nothing_was_confirmed() {
    let life = pending().active().expired().wait(120_000).then(Event::Woke { wake: Wake::Alarm });
    assert_snapshot!(told(&life, &Notice::Stuck, &Recipient::Channel), @"
    (🚨 STUCK: Production database of <@U0ALICE> cannot be taken back yet and may still be on)
    🚨 *STUCK: Production database of <@U0ALICE> cannot be taken back yet and may still be on*
    • `tailscale.attribute n123CNTRL custom:jit_prod_db` on alice-laptop may still be on; it was to end by itself 2026-11-22 15:00:04 UTC, which is not verified yet
    What fails: Taking it back has not been confirmed yet.
    What to do: Look at the far side yourself if it is urgent.
    It is tried again until it works. Retry tries it now. If it cannot wait, take `tailscale.attribute n123CNTRL custom:jit_prod_db` away by hand; that will be noticed.
    ~ Request 0s2k9x4v7m3q8w5ztb · the time was up 2026-11-22 15:00:05 UTC
    [Retry: retry = 0s2k9x4v7m3q8w5ztb 5ea1]
    ");
}

#[test]
fn the_all_clear_says_what_was_read_back() {
    assert_snapshot!(told(&stuck().settled(Found::Gone), &Notice::Unstuck, &Recipient::Channel), @"
    (🔒 Not stuck any more: *Production database* of <@U0ALICE>, over, its time was up)
    🔒 *Not stuck any more*: Production database of <@U0ALICE>, over, its time was up
    🔒 Verified gone 2026-11-22 15:00:13 UTC
    ~ Request 0s2k9x4v7m3q8w5ztb
    ");
    assert_snapshot!(told(&stuck().settled(Found::Gone), &Notice::Stuck, &Recipient::Channel), @"
    (🔒 *Production database* of <@U0ALICE> was stuck until 2026-11-22 15:00:13 UTC. Now it is over, its time was up. 🔒 Verified gone 2026-11-22 15:00:13 UTC)
    🔒 *Production database* of <@U0ALICE> was stuck until 2026-11-22 15:00:13 UTC. Now it is over, its time was up.
    🔒 Verified gone 2026-11-22 15:00:13 UTC
    ");
}

#[test]
fn who_could_not_be_checked_is_told_that_nothing_counted() {
    let why = Failure {
        what: "slack did not answer within 5 seconds".into(),
        advice: String::new(),
        retryable: true,
        retry_after_ms: None,
    };
    assert_snapshot!(told(&pending(), &Notice::NotIdentified { why }, &bob()), @"
    (Nothing was counted: I could not check who you are (slack did not answer within 5 seconds).)
    ⚠️ *Nothing was counted*: I could not check who you are.
    Slack did not answer within 5 seconds. Please press again in a moment.
    ~ Production database · request 0s2k9x4v7m3q8w5ztb
    ");
}
