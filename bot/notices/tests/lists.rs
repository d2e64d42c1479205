//! `/access list` and `/access help`.

use insta::assert_snapshot;

use super::{notices, pending, shown};
use crate::kernel::{Found, Request, RequestId};
use crate::notices::sample;

#[test]
fn the_list_shows_what_i_hold_asked_and_decide() {
    let mine =
        [pending().active().request, pending().request, pending().active().expired().settled(Found::Gone).request];
    let (waiting, lent) = ([pending().request], [pending().active().request]);
    assert_snapshot!(shown(&notices().list((&mine, &[]), (&waiting, &[]), &lent, sample::NOW)), @"
    (*You hold*)
    *You hold*
    🟢 *Production database* (`prod-db`) on alice-laptop, until 2026-11-22 15:00 UTC, 1h58m left [Return: return = 0s2k9x4v7m3q8w5ztb 5ea1]
    *You asked for*
    ⏳ *Production database* (`prod-db`) on alice-laptop for 2h, lapses 2026-11-22 21:00 UTC [Withdraw: withdraw = 0s2k9x4v7m3q8w5ztb 5ea1]
    *Waits for you*
    ⏳ <@U0ALICE>: *Production database* (`prod-db`) on alice-laptop for 2h, lapses 2026-11-22 21:00 UTC
    Decide in #access, on the message about request 0s2k9x4v7m3q8w5ztb.
    *You may take back*
    🟢 <@U0ALICE>: *Production database* (`prod-db`) on alice-laptop, until 2026-11-22 15:00 UTC, 1h58m left [Revoke: revoke danger, asks first = 0s2k9x4v7m3q8w5ztb 5ea1]
    *Over*
    🔒 *Production database* (`prod-db`) on alice-laptop: over, its time was up 2026-11-22 15:00 UTC [Ask again: ask_again = 0s2k9x4v7m3q8w5ztb]
    ");
}

#[test]
fn an_empty_list_says_so() {
    assert_snapshot!(shown(&notices().list((&[], &[]), (&[], &[]), &[], sample::NOW)), @"
    (You hold nothing, asked for nothing, and nothing waits for you. Type `/access` to ask for something.)
    You hold nothing, asked for nothing, and nothing waits for you. Type `/access` to ask for something.
    ");
}

#[test]
fn a_long_list_says_how_much_it_does_not_show() {
    let many: Vec<Request> = (0..200)
        .map(|number| {
            let mut request = pending().active().request;
            request.ask.id = RequestId(format!("r{number}"));
            request
        })
        .collect();
    let said = notices().list((&many, &many), (&many, &many), &many, sample::NOW);
    assert!(shown(&said).contains("*You hold* (190 more are not shown)"), "{}", shown(&said));
}

#[test]
fn help_gives_a_line_that_works_for_each_workflow() {
    let workflow = sample::workflow();
    assert_snapshot!(shown(&notices().help(&[&workflow])), @"
    (`/access` asks for something with a form; `/access NAME 2h why you need it` asks at once.)
    *Ask*
    `/access` opens a form. `/access NAME 2h why you need it` asks at once; what cannot be told is asked for.
    *Look and give back*
    `/access list` shows what you hold, what you asked, and what waits for you.
    `/access return NAME` gives it back early, `/access extend NAME 1h` holds it for longer where that may be.
    Asked to decide? *Approve...* on the card is for less time, `/access pass ID @person` gives your turn to somebody else who may, and `/access revoke NAME @person` takes away what they hold.
    `/access why NAME` says by which rules you may ask or approve, and what stands against it.
    *What you can ask for*
    • `/access prod-db 1h why you need it` · Production database: Reach tag:prod-db from one of your devices.
    ");
}

#[test]
fn help_without_workflows_says_what_to_do() {
    let said = shown(&notices().help(&[]));
    assert!(said.contains("There is nothing you may ask for yet"), "{said}");
}
