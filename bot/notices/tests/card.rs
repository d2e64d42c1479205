//! The card through every turn of a life.

use insta::assert_snapshot;

use super::{card, pending, shown};
use crate::kernel::event::Button;
use crate::kernel::{Found, Place};
use crate::notices::sample::{self, Life};

#[test]
fn a_card_waits_for_approval() {
    assert_snapshot!(card(&pending()), @"
    (⏳ <@U0ALICE>: Production database (prod-db) for 2h, waiting for approval)
    ⏳ *Waiting for approval* · Production database
    <@U0ALICE> asks for 2h on alice-laptop (macOS)
    > invoice 1204 is stuck
    Asked: <@U0BOB>, <@U0CAROL> (in group:dba or @db-oncall)
    ~ Request 0s2k9x4v7m3q8w5ztb · `prod-db` · lapses 2026-11-22 21:00 UTC · changes `tailscale.attribute n123CNTRL custom:jit_prod_db`
    [Approve: approve primary = 0s2k9x4v7m3q8w5ztb 5ea1] [Approve...: approve_for = 0s2k9x4v7m3q8w5ztb 5ea1] [Deny: deny danger = 0s2k9x4v7m3q8w5ztb 5ea1]
    ");
}

#[test]
fn before_the_approvers_are_found_the_card_says_which_groups_decide() {
    let life = Life::asked(sample::ask()).expect("may be asked");
    assert_snapshot!(card(&life), @"
    (⏳ <@U0ALICE>: Production database (prod-db) for 2h, waiting for approval)
    ⏳ *Waiting for approval* · Production database
    <@U0ALICE> asks for 2h on alice-laptop (macOS)
    > invoice 1204 is stuck
    Anybody in group:dba or @db-oncall can decide.
    ~ Request 0s2k9x4v7m3q8w5ztb · `prod-db` · lapses 2026-11-22 21:00 UTC · changes `tailscale.attribute n123CNTRL custom:jit_prod_db`
    [Approve: approve primary = 0s2k9x4v7m3q8w5ztb 5ea1] [Approve...: approve_for = 0s2k9x4v7m3q8w5ztb 5ea1] [Deny: deny danger = 0s2k9x4v7m3q8w5ztb 5ea1]
    ");
}

#[test]
fn an_approvers_own_card_says_why_they_are_asked() {
    let request = pending().request;
    let said = super::notices().card(&request, &Place::Approver("U0BOB".into()), sample::NOW);
    assert_snapshot!(shown(&said), @"
    (⏳ <@U0ALICE>: Production database (prod-db) for 2h, waiting for approval)
    ⏳ *Waiting for approval* · Production database
    <@U0ALICE> asks for 2h on alice-laptop (macOS)
    > invoice 1204 is stuck
    You are asked because you are in group:dba or @db-oncall; so is <@U0CAROL>.
    ~ Request 0s2k9x4v7m3q8w5ztb · `prod-db` · lapses 2026-11-22 21:00 UTC · changes `tailscale.attribute n123CNTRL custom:jit_prod_db`
    [Approve: approve primary = 0s2k9x4v7m3q8w5ztb 5ea1] [Approve...: approve_for = 0s2k9x4v7m3q8w5ztb 5ea1] [Deny: deny danger = 0s2k9x4v7m3q8w5ztb 5ea1]
    ");
}

#[test]
fn half_a_quorum_is_counted_on_the_card() {
    let mut ask = sample::ask();
    ask.workflow.approve[0].clauses[0].quorum = 2;
    let life = Life::asked(ask)
        .expect("may be asked")
        .press(&sample::bob(), Button::Approve { confirmed: false, hold_ms: None });
    assert_snapshot!(card(&life), @"
    (⏳ <@U0ALICE>: Production database (prod-db) for 2h, waiting for approval)
    ⏳ *Waiting for approval* · Production database
    <@U0ALICE> asks for 2h on alice-laptop (macOS)
    > invoice 1204 is stuck
    Anybody in group:dba or @db-oncall can decide.
    1 of 2 approvals: <@U0BOB>
    ~ Request 0s2k9x4v7m3q8w5ztb · `prod-db` · lapses 2026-11-22 21:00 UTC · changes `tailscale.attribute n123CNTRL custom:jit_prod_db`
    [Approve: approve primary = 0s2k9x4v7m3q8w5ztb 5ea1] [Approve...: approve_for = 0s2k9x4v7m3q8w5ztb 5ea1] [Deny: deny danger = 0s2k9x4v7m3q8w5ztb 5ea1]
    ");
}

#[test]
fn approved_is_not_active() {
    let life = pending().press(&sample::bob(), Button::Approve { confirmed: false, hold_ms: None });
    assert_snapshot!(card(&life), @"
    (🔄 <@U0ALICE>: Production database (prod-db) for 2h, approved, not on yet)
    🔄 *Approved, being switched on* · Production database
    <@U0ALICE> asks for 2h on alice-laptop (macOS)
    > invoice 1204 is stuck
    Approved by <@U0BOB> (group:dba) 2026-11-22 13:00:03 UTC
    ~ Request 0s2k9x4v7m3q8w5ztb · `prod-db` · changes `tailscale.attribute n123CNTRL custom:jit_prod_db`
    [Revoke: revoke danger, asks first = 0s2k9x4v7m3q8w5ztb 5ea1]
    ");
}

#[test]
fn a_failed_attempt_shows_while_it_is_tried_again() {
    assert_snapshot!(card(&pending().approved().failed(true)), @"
    (🔄 <@U0ALICE>: Production database (prod-db) for 2h, approved, being switched on)
    🔄 *Approved, being switched on* · Production database
    <@U0ALICE> asks for 2h on alice-laptop (macOS)
    > invoice 1204 is stuck
    Approved by <@U0BOB> (group:dba) 2026-11-22 13:00:03 UTC
    ⚠️ An attempt failed: Tailscale did not answer within 10 seconds. See https://status.tailscale.com. It is being tried again; nothing counts as active before it is confirmed.
    ~ Request 0s2k9x4v7m3q8w5ztb · `prod-db` · changes `tailscale.attribute n123CNTRL custom:jit_prod_db`
    [Revoke: revoke danger, asks first = 0s2k9x4v7m3q8w5ztb 5ea1]
    ");
}

#[test]
fn an_active_card_says_until_when() {
    assert_snapshot!(card(&pending().active()), @"
    (🟢 <@U0ALICE>: Production database (prod-db) for 2h, active)
    🟢 *Active until 2026-11-22 15:00 UTC* · Production database
    <@U0ALICE> has it on alice-laptop (macOS) since 2026-11-22 13:00:05 UTC, for 2h
    > invoice 1204 is stuck
    Approved by <@U0BOB> (group:dba) 2026-11-22 13:00:03 UTC
    ~ Request 0s2k9x4v7m3q8w5ztb · `prod-db` · changes `tailscale.attribute n123CNTRL custom:jit_prod_db`
    [Return: return = 0s2k9x4v7m3q8w5ztb 5ea1] [Revoke: revoke danger, asks first = 0s2k9x4v7m3q8w5ztb 5ea1]
    ");
}

#[test]
fn an_active_card_says_when_its_end_is_not_sure() {
    let card = card(&pending().active().failed(true));
    assert_snapshot!(card.lines().find(|line| line.starts_with('⚠')).expect("a warning"), @"⚠️ It may end earlier than that: Tailscale did not answer within 10 seconds. See https://status.tailscale.com.");
}

#[test]
fn an_ended_card_says_what_was_read_back() {
    assert_snapshot!(card(&pending().active().expired().settled(Found::Gone)), @"
    (🔒 <@U0ALICE>: Production database (prod-db) for 2h, over, its time was up)
    🔒 *Ended: the time was up* · Production database
    <@U0ALICE> had it on alice-laptop (macOS) from 2026-11-22 13:00 UTC to 2026-11-22 15:00:07 UTC
    > invoice 1204 is stuck
    Approved by <@U0BOB> (group:dba) 2026-11-22 13:00 UTC
    🔒 Verified gone 2026-11-22 15:00:07 UTC
    Open TCP connections may live on.
    ~ Request 0s2k9x4v7m3q8w5ztb · `prod-db` · `tailscale.attribute n123CNTRL custom:jit_prod_db`
    ");
}

#[test]
fn being_taken_back_is_not_gone() {
    assert_snapshot!(card(&pending().active().expired()), @"
    (🔄 <@U0ALICE>: Production database (prod-db) for 2h, being taken back)
    🔄 *The time is up, being taken back* · Production database
    <@U0ALICE> has had it on alice-laptop (macOS) since 2026-11-22 13:00 UTC, for 2h
    > invoice 1204 is stuck
    Approved by <@U0BOB> (group:dba) 2026-11-22 13:00 UTC
    • `tailscale.attribute n123CNTRL custom:jit_prod_db` on alice-laptop may still be on; it was to end by itself 2026-11-22 15:00:04 UTC, which is not verified yet
    ~ Request 0s2k9x4v7m3q8w5ztb · `prod-db` · `tailscale.attribute n123CNTRL custom:jit_prod_db`
    ");
}

#[test]
fn what_is_not_gone_is_not_called_gone() {
    let ended = |found: Found| card(&pending().active().expired().settled(found));
    let line = |found: Found| {
        let card = ended(found);
        assert!(!card.contains("Verified gone"), "{card}");
        card.lines()
            .find(|line| {
                line.starts_with('🔒') && line.contains("custom")
                    || line.contains("Read back")
                    || line.contains("Left alone")
                    || line.starts_with("⚠️ Still on")
            })
            .expect("says what was found")
            .to_owned()
    };
    assert_snapshot!(line(Found::PutBack { what: "true, without an end".into(), is_on: true }), @"⚠️ Still on, as it was before this request, by somebody else's doing; read 2026-11-22 15:00:07 UTC (true, without an end)");
    assert_snapshot!(line(Found::LeftAlone { what: "custom:jit_prod_db is false".into(), is_on: false }), @"⚠️ Left alone: somebody else changed it in between (custom:jit_prod_db is false). If that should not be, look at `tailscale.attribute n123CNTRL custom:jit_prod_db`.");
    assert_snapshot!(line(Found::LeftAlone { what: "custom:jit_prod_db is true".into(), is_on: true }), @"⚠️ Still on, set by somebody else (custom:jit_prod_db is true). If that should not be, look at `tailscale.attribute n123CNTRL custom:jit_prod_db`.");
    assert_snapshot!(line(Found::HeldByOthers { until: sample::NOW + 14_400_000 }), @"🔒 This request let go 2026-11-22 15:00:07 UTC; `tailscale.attribute n123CNTRL custom:jit_prod_db` stays on for another request until 2026-11-22 17:02 UTC");
}

#[test]
fn a_stuck_card_says_what_may_still_be_on_and_has_retry() {
    let life = (0..6).fold(pending().active().expired(), |life, _| life.failed(true));
    assert_snapshot!(card(&life), @"
    (🚨 <@U0ALICE>: Production database (prod-db) for 2h, STUCK: taking it back does not work yet)
    🚨 *STUCK: taking it back does not work yet* · Production database
    <@U0ALICE> has had it on alice-laptop (macOS) since 2026-11-22 13:00 UTC, for 2h
    > invoice 1204 is stuck
    Approved by <@U0BOB> (group:dba) 2026-11-22 13:00 UTC
    ⚠️ Not taken back yet: Tailscale did not answer within 10 seconds. See https://status.tailscale.com.
    It was tried 6 times and is tried again until it works.
    • `tailscale.attribute n123CNTRL custom:jit_prod_db` on alice-laptop may still be on; it was to end by itself 2026-11-22 15:00:04 UTC, which is not verified yet
    ~ Request 0s2k9x4v7m3q8w5ztb · `prod-db` · `tailscale.attribute n123CNTRL custom:jit_prod_db`
    [Retry: retry = 0s2k9x4v7m3q8w5ztb 5ea1]
    ");
}

#[test]
fn a_denied_card_names_who_and_why() {
    let life = pending().press(&sample::bob(), Button::Deny { reason: "use the replica".into() });
    assert_snapshot!(card(&life), @"
    (⛔ <@U0ALICE>: Production database (prod-db) for 2h, denied)
    ⛔ *Denied by <@U0BOB>* · Production database
    <@U0ALICE> asked for 2h on alice-laptop (macOS)
    > invoice 1204 is stuck
    Denied by <@U0BOB> (group:dba) 2026-11-22 13:00:03 UTC
    *Why*
    > use the replica
    Nothing was switched on.
    ~ Request 0s2k9x4v7m3q8w5ztb · `prod-db` · `tailscale.attribute n123CNTRL custom:jit_prod_db`
    ");
}

#[test]
fn a_failed_card_says_what_failed_and_has_retry() {
    let life = pending().approved().failed(false);
    assert_snapshot!(card(&life), @"
    (❌ <@U0ALICE>: Production database (prod-db) for 2h, failed, what was begun is being taken back)
    ❌ *Failed; what was begun is being taken back* · Production database
    <@U0ALICE> asked for 2h on alice-laptop (macOS)
    > invoice 1204 is stuck
    Approved by <@U0BOB> (group:dba) 2026-11-22 13:00:03 UTC
    ⚠️ Tailscale did not answer within 10 seconds. See https://status.tailscale.com.
    • `tailscale.attribute n123CNTRL custom:jit_prod_db` on alice-laptop may still be on; it was never confirmed as on, and was to end by itself 2026-11-22 15:00 UTC
    ~ Request 0s2k9x4v7m3q8w5ztb · `prod-db` · `tailscale.attribute n123CNTRL custom:jit_prod_db`
    ");
    assert_snapshot!(card(&life.settled(Found::Gone)), @"
    (❌ <@U0ALICE>: Production database (prod-db) for 2h, failed)
    ❌ *Failed: it could not be lent* · Production database
    <@U0ALICE> asked for 2h on alice-laptop (macOS)
    > invoice 1204 is stuck
    Approved by <@U0BOB> (group:dba) 2026-11-22 13:00:03 UTC
    ⚠️ Tailscale did not answer within 10 seconds. See https://status.tailscale.com.
    🔒 Verified gone 2026-11-22 13:00:06 UTC
    ~ Request 0s2k9x4v7m3q8w5ztb · `prod-db` · `tailscale.attribute n123CNTRL custom:jit_prod_db`
    [Retry: retry = 0s2k9x4v7m3q8w5ztb 5ea1]
    ");
}

#[test]
fn retry_is_gone_when_the_approval_is_too_old() {
    let request = pending().approved().failed(false).settled(Found::Gone).request;
    let later = sample::NOW + 9 * 3_600_000;
    let said = super::notices().card(&request, &Place::Channel("#access".into()), later);
    assert!(!shown(&said).contains("[Retry"), "{}", shown(&said));
}

#[test]
fn every_other_end_has_its_own_words() {
    let alice = pending().request.requester.clone();
    let heads = [
        pending().press(&alice, Button::Withdraw),
        pending().lapsed(),
        pending().active().press(&alice, Button::Return),
        pending().active().press(&alice, Button::Return).settled(Found::Gone),
        pending().active().press(&sample::bob(), Button::Revoke { reason: String::new() }),
        pending().active().press(&sample::bob(), Button::Revoke { reason: String::new() }).settled(Found::Gone),
    ]
    .map(|life| card(&life).lines().nth(1).expect("a head").to_owned());
    assert_snapshot!(heads.join("\n"), @"
    ↩️ *Withdrawn by its requester* · Production database
    💤 *Lapsed: nobody answered in time* · Production database
    🔄 *Returned, being taken back* · Production database
    🔒 *Ended: returned by its holder* · Production database
    🔄 *Revoked by <@U0BOB>, being taken back* · Production database
    🔒 *Ended: revoked by <@U0BOB>* · Production database
    ");
}

#[test]
fn what_was_on_before_is_said_to_be() {
    let life = pending().approved().settled(Found::OnBefore);
    assert_snapshot!(card(&life), @"
    (🟢 <@U0ALICE>: Production database (prod-db) for 2h, active)
    🟢 *Active until 2026-11-22 15:00 UTC* · Production database
    <@U0ALICE> has it on alice-laptop (macOS) since 2026-11-22 13:00:05 UTC, for 2h
    > invoice 1204 is stuck
    Approved by <@U0BOB> (group:dba) 2026-11-22 13:00:03 UTC
    It was on before, by somebody else's doing, and was left as it was.
    ~ Request 0s2k9x4v7m3q8w5ztb · `prod-db` · changes `tailscale.attribute n123CNTRL custom:jit_prod_db`
    [Return: return = 0s2k9x4v7m3q8w5ztb 5ea1] [Revoke: revoke danger, asks first = 0s2k9x4v7m3q8w5ztb 5ea1]
    ");
}
