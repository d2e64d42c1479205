//! What is decided about pastes: sent once, never posted twice, told to those it is new to.

use super::*;
use crate::paste::PastePlace;

fn id(number: u8) -> PasteId {
    PasteId::read(&format!("00000000-0000-4000-8000-0000000000{number:02}")).unwrap()
}

fn alice() -> Author {
    Author { slack_id: Some("U1".to_owned()), login: None, name: "Alice".to_owned() }
}

fn paste(number: u8, expires_at: Option<i64>) -> Paste {
    Paste {
        id: id(number),
        filename: "a".to_owned(),
        language: None,
        author: alice(),
        size_bytes: 1,
        created_at: 0,
        expires_at,
        place: PastePlace::Here,
        key: None,
    }
}

fn posting(was_draft: bool) -> Posting {
    Posting {
        id: id(1),
        author: alice(),
        filename: "Alice - a".to_owned(),
        language: None,
        size_bytes: 1,
        expires_at: None,
        was_draft,
        is_returned: false,
        delivery: None,
    }
}

#[test]
fn a_draft_is_sent_once_wherever_it_goes() {
    let keep = Wish::Keep { paste: paste(2, None), content: "x".to_owned(), draft: Some(id(1)) };
    let send = Wish::Post { posting: posting(true), content: "x".to_owned() };
    for wish in [&keep, &send] {
        for ends_at in [None, Some(10)] {
            let known = Known { draft_ends_at: ends_at, ..Known::default() };
            assert_eq!(decide(wish, known, 10).unwrap_err(), PasteRefusal::Gone, "{ends_at:?}");
        }
    }
    let known = Known { draft_ends_at: Some(11), ..Known::default() };
    let decided = decide(&keep, known, 10).unwrap().unwrap();
    assert_eq!(decided.rows[0], Row::Remove(&id(1)));
    let decided = decide(&send, known, 10).unwrap().unwrap();
    assert_eq!(decided.rows, [Row::KeepDraft(&id(1), 10 + POSTING_KEPT_MS)]);
    assert!(matches!(decided.effects[0].effect, Effect::PostPaste { .. }));
}

#[test]
fn what_its_author_has_back_is_looked_for_and_never_posted_again() {
    let wish = Wish::Doubted { posting: posting(false), why: "no answer".to_owned() };
    let decided = decide(&wish, Known::default(), 10).unwrap().unwrap();
    let Due { at, effect: Effect::PostPaste { posting } } = &decided.effects[0] else { panic!("{decided:?}") };
    assert!(posting.is_returned && *at > 10);
}

#[test]
fn only_what_is_over_expires() {
    let wish = Wish::Expire { id: id(1) };
    for (ends_at, is_over) in [(None, false), (Some(11), false), (Some(10), true)] {
        let paste = paste(1, ends_at);
        let known = Known { paste: Some(&paste), ..Known::default() };
        assert_eq!(decide(&wish, known, 10).unwrap().is_some(), is_over, "{ends_at:?}");
        let known = Known { draft_ends_at: ends_at, ..Known::default() };
        assert_eq!(decide(&wish, known, 10).unwrap().is_some(), is_over, "{ends_at:?}");
    }
}

#[test]
fn deleting_is_asked_of_a_tclip_only_by_whoever_may() {
    let eve = Author { slack_id: Some("U9".to_owned()), ..Author::default() };
    for (who, may) in [(alice(), true), (eve, false)] {
        let hers = paste(1, None);
        let wish = Wish::AskDelete { deletion: Deletion { paste: hers.clone(), who, is_known: true } };
        let known = Known { paste: Some(&hers), ..Known::default() };
        assert_eq!(decide(&wish, known, 0).is_ok(), may);
        assert_eq!(decide(&wish, Known::default(), 0).unwrap_err(), PasteRefusal::Gone);
    }
}

#[test]
fn who_holds_a_paste_is_told_it_and_nobody_else() {
    let held = paste(1, None);
    let hold = |new: &[&str]| Wish::Hold {
        paste: held.clone(),
        content: String::new(),
        new: new.iter().map(|id| RequestId((*id).to_owned())).collect(),
    };
    let known = Known { paste: Some(&held), ..Known::default() };
    assert!(decide(&hold(&[]), known, 0).unwrap().is_none());
    let wish = hold(&["r1"]);
    assert!(decide(&wish, known, 0).unwrap().unwrap().rows.is_empty());
    assert!(matches!(decide(&wish, Known::default(), 0).unwrap().unwrap().rows[0], Row::Insert(..)));
}
