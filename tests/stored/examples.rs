//! One example of every variant of everything else that is stored. `next/` holds them as they are stored.

use nightlatch::kernel::effect::Effect;
use nightlatch::kernel::holding::Settings;
use nightlatch::kernel::link::{Editor, Link, LinkChange, LinkEvent};
use nightlatch::kernel::paste::{Author, Deletion, Paste, PasteEvent, PasteId, PastePlace, Posting};
use nightlatch::kernel::{
    Actor, Button, By, Event, Key, Notice, Outcome, PressedOn, Proof, Purpose, Recipient, Refusal, Shows, Standing,
    State, Wake,
};
use serde_json::{Value, json};

use crate::approving::{facts, glass_buttons, glass_refusals};
use crate::requests::{
    HOUR, NOON, Named, alice, buttons, failure, founds, message, named, once, person, places, plain_failure,
    recipients, root, standings, start, whos,
};

pub fn refusals() -> Vec<Refusal> {
    let mut list = vec![
        Refusal::MayNotAsk { ask: whos() },
        Refusal::NotAnApprover { by: whos() },
        Refusal::StageIsOver { by: whos() },
        Refusal::StageComesLater { by: whos() },
        Refusal::NotNeeded { by: whos() },
        Refusal::OwnRequest,
        Refusal::OwnDenial,
        Refusal::ConfirmOwnRequest { hold_ms: None },
        Refusal::ConfirmOwnRequest { hold_ms: Some(HOUR) },
        Refusal::LongerThanAsked { asked_ms: HOUR },
        Refusal::ExtensionAsAsked,
        Refusal::PassedToThemselves,
        Refusal::CannotTakeOver { slack_id: "U0DAVE001".to_owned(), by: whos() },
        Refusal::PassedToRequester { slack_id: "U0ALICE01".to_owned() },
        Refusal::TheyDecided { slack_id: "U0DAVE001".to_owned() },
        Refusal::DecidedBefore,
        Refusal::TooLate { state: State::Ended, outcome: Some(Outcome::Lapsed), by: vec!["U0BOB0001".to_owned()] },
        Refusal::TooEarly { state: State::Pending },
        Refusal::NotYours,
        Refusal::Standing { standing: Standing::Guest },
        Refusal::Altered,
        Refusal::HoldTooLong { max_ms: HOUR },
        Refusal::TooManyPending { most: 50 },
        Refusal::MayNotAskFor { ask_for: crate::requests::whos() },
        Refusal::NotForThem { slack_id: "U0BOB0001".to_owned(), ask: crate::requests::whos() },
        Refusal::GlassForAnother,
        Refusal::HadAlready { id: nightlatch::kernel::RequestId("01kjmma2g000000001".to_owned()) },
        Refusal::Forbidden { rule: crate::judged::rule(), is_broken: false },
        Refusal::NoDrift,
        Refusal::Unusable { missing: "step".to_owned() },
    ];
    list.extend(glass_refusals());
    list
}

pub fn notices() -> Vec<Notice> {
    let mut list = vec![
        Notice::Decided {
            by: By::Person("U0BOB0001".to_owned()),
            approved: false,
            reason: "not today".to_owned(),
            extends: false,
        },
        Notice::AskedFor,
        Notice::StageOpened,
        Notice::Reminded,
        Notice::Extended,
        Notice::ExtensionAsked,
        Notice::NotExtended { why: failure(), again: true },
        Notice::Escalated,
        Notice::PassedOn { from: "U0BOB0001".to_owned(), to: "U0CAROL01".to_owned() },
        Notice::PassedByItself,
        Notice::GlassBroken,
        Notice::ReviewOpened,
        Notice::ReviewLate,
        Notice::Reviewed,
        Notice::Active,
        Notice::Drifted,
        Notice::PutBack { by: By::Person("U0BOB0001".to_owned()) },
        Notice::EndsSoon,
        Notice::Ended,
        Notice::Lapsed,
        Notice::Failed,
        Notice::Stuck,
        Notice::LeftOn,
        Notice::Unstuck,
        Notice::Moved,
        Notice::NotIdentified { why: failure() },
    ];
    list.extend(refusals().into_iter().map(|why| Notice::Refused { why }));
    list
}

fn purposes() -> Vec<Purpose> {
    let taking_over = Purpose::TakingOver { from: "U0BOB0001".to_owned(), channel: Some("C0ACCESS01".to_owned()) };
    vec![Purpose::Press { number: 1 }, Purpose::Start, Purpose::Passing, Purpose::Extending, taking_over]
}

fn wakes() -> [Wake; 7] {
    [Wake::Lapse, Wake::Warn, Wake::Expire, Wake::Alarm, Wake::Review, Wake::Remind, Wake::Escalate]
}

/// Everything that can wait in the outbox.
pub fn effects() -> Named<Effect> {
    let say = |thread| Effect::Say {
        channel: "C0GENERAL1".to_owned(),
        thread,
        by: "U0ALICE01".to_owned(),
        text: "go/wiki".to_owned(),
        blocks: json!([{ "type": "section", "text": { "type": "mrkdwn", "text": "go/wiki" } }]),
    };
    let mut list = named(vec![
        ("find_approvers", Effect::FindApprovers { stage: 0 }),
        ("find_reviewers", Effect::FindReviewers),
        ("find_tier", Effect::FindTier { stage: 0, tier: 1 }),
        ("look", Effect::Look { key: Key::new("tailscale.policy", "file") }),
        ("find_approvers of the next stage", Effect::FindApprovers { stage: 1 }),
        ("say", say(None)),
        ("say in a thread", say(Some("1772366400.000100".to_owned()))),
        ("expire_paste", Effect::ExpirePaste { id: "00000000-0000-4000-8000-000000000001".to_owned() }),
    ]);
    list.extend(settles());
    list.extend(crate::typed::typed_asks());
    list.extend(sent());
    let slack_id = || "U0ALICE01".to_owned();
    list.extend(purposes().into_iter().map(|purpose| {
        (format!("identify {}", crate::variants::purpose(&purpose)), Effect::Identify { slack_id: slack_id(), purpose })
    }));
    list.extend(
        places().into_iter().map(|place| (format!("show {}", crate::variants::place(&place)), Effect::Show { place })),
    );
    list.extend(
        wakes().into_iter().map(|wake| (format!("wake {}", crate::variants::wake(&wake)), Effect::Wake { wake })),
    );
    for notice in notices() {
        let mut name = format!("tell {}", crate::variants::notice(&notice));
        if let Notice::Refused { why } = &notice {
            name = format!("{name} {}", crate::variants::refusal(why));
        }
        list.push((name, Effect::Tell { to: Recipient::Person { slack_id: slack_id() }, notice }));
    }
    for to in recipients() {
        let name = crate::variants::recipient(&to);
        list.push((format!("tell to {name}"), Effect::Tell { to: to.clone(), notice: Notice::Active }));
        let notice = Notice::Unstuck;
        list.push((format!("rewrite to {name}"), Effect::Rewrite { message: message(), to, notice }));
    }
    once(list)
}

fn settles() -> Named<Effect> {
    named(vec![("settle", Effect::Settle { key: Key::new("tailscale.attribute", "nALICE1CNTRL custom:jit_prod_db") })])
}

/// Everything the audit log can say that happened to a request.
pub fn events() -> Named<Event> {
    let on = |shows| Some(PressedOn { shows, message: message() });
    let pressed = |button, on| Event::Pressed {
        by: "U0BOB0001".to_owned(),
        button,
        channel: Some("C0ACCESS01".to_owned()),
        seal: "c2f1a4d9e8b7".to_owned(),
        on,
    };
    let (channel, ts) = (|| "C0ACCESS01".to_owned(), || "1772366400.000100".to_owned());
    let mut list = named(vec![
        ("asked", Event::Asked),
        ("denied", Event::Denied { by: root(), reason: "not today".to_owned() }),
        ("revoked", Event::Revoked { by: root(), reason: String::new() }),
        ("approvers_found", Event::ApproversFound { stage: 0, people: vec!["U0BOB0001".to_owned()] }),
        ("tier_found", Event::TierFound { stage: 0, tier: 1, people: vec!["U0DAVE001".to_owned()] }),
        ("reviewers_found", Event::ReviewersFound { people: vec!["U0DAVE001".to_owned()] }),
        ("settle_failed", Event::SettleFailed { step: 0, failure: failure() }),
        ("drifted", Event::Drifted { step: 0, drift: crate::approving::drift() }),
        ("observed", Event::Observed { step: 0, before: json!({ "value": true, "expires_at": null }), again: false }),
        ("observed again", Event::Observed { step: 0, before: json!({ "sent": true }), again: true }),
    ]);
    list.extend(purposes().into_iter().map(|purpose| {
        let name = format!("not_identified {}", crate::variants::purpose(&purpose));
        (name, Event::NotIdentified { purpose, failure: plain_failure() })
    }));
    list.extend(
        buttons()
            .into_iter()
            .chain(glass_buttons())
            .map(|button| (format!("pressed {}", crate::variants::button(&button)), pressed(button, None))),
    );
    list.extend(
        Shows::ALL.into_iter().map(|shows| {
            (format!("pressed on {}", crate::variants::shows(&shows)), pressed(Button::Return, on(shows)))
        }),
    );
    for standing in standings() {
        let name = format!("identified {}", crate::variants::standing(&standing));
        let person = person("U0EVE0001", "Eve", standing);
        list.push((name, Event::identified(Purpose::Press { number: 1 }, person)));
    }
    list.extend(crate::judged::events());
    list.push(("identified start".to_owned(), Event::identified(Purpose::Start, alice())));
    list.push(("looked".to_owned(), Event::Looked { facts: Box::new(facts()) }));
    list.extend(founds().into_iter().map(|found| {
        let name = format!("settled {}", crate::variants::found(&found));
        (name, Event::settled(0, Proof { at: NOON, found }))
    }));
    let results = json!({ "id": 7, "link": "https://example.com/7" }).as_object().cloned().unwrap_or_default();
    let proof = Proof { at: NOON, found: founds().remove(0) };
    list.push(("settled with results".to_owned(), Event::Settled { step: 0, proof, results }));
    for place in places() {
        let name = crate::variants::place(&place);
        list.push((format!("shown {name}"), Event::Shown { place: place.clone(), channel: channel(), ts: ts() }));
        list.push((format!("not_shown {name}"), Event::NotShown { place, failure: plain_failure() }));
    }
    for to in recipients() {
        for shows in Shows::ALL {
            let name = format!("notified {} {}", shows.word(), crate::variants::recipient(&to));
            list.push((name, Event::Notified { shows, to: to.clone(), channel: channel(), ts: ts() }));
        }
    }
    list.extend(
        wakes().into_iter().map(|wake| (format!("woke {}", crate::variants::wake(&wake)), Event::Woke { wake })),
    );
    once(list)
}

pub fn actors() -> Named<Actor> {
    named(vec![
        ("person", Actor::Person { slack_id: "U0BOB0001".to_owned() }),
        ("visitor", Actor::Visitor { login: "bob@example.com".to_owned() }),
        ("operator", Actor::Operator { by: None }),
        ("operator by name", Actor::Operator { by: Some(root()) }),
        ("clock", Actor::Clock),
        ("worker", Actor::Worker),
    ])
}

fn link(long: &str) -> Link {
    Link {
        short: "wiki".to_owned(),
        long: long.to_owned(),
        owner: "alice@example.com".to_owned(),
        created_at: NOON,
        edited_at: NOON + HOUR,
    }
}

fn change() -> LinkChange {
    LinkChange {
        id: "01kjmma2g000000002".to_owned(),
        editor: Editor { login: "alice@example.com".to_owned(), is_admin: false },
        before: Some(link("https://old.example.com")),
        wanted: link("https://wiki.example.com"),
    }
}

/// What waits to be done at a golink and at a tclip.
fn sent() -> Named<Effect> {
    let id = PasteId::read("00000000-0000-4000-8000-000000000001").unwrap();
    let login = Some("alice@example.com".to_owned());
    let who = Author { slack_id: Some("U0ALICE01".to_owned()), login, name: "Alice".to_owned() };
    let posting = |was_draft: bool, is_returned: bool| {
        Box::new(Posting {
            id: id.clone(),
            author: who.clone(),
            filename: "alice@example.com - notes.md".to_owned(),
            language: Some("markdown".to_owned()),
            size_bytes: 11,
            expires_at: was_draft.then_some(NOON),
            was_draft,
            is_returned,
            delivery: is_returned.then(|| "ab12".to_owned()),
        })
    };
    let paste = Paste {
        id: id.clone(),
        filename: "notes.md".to_owned(),
        language: None,
        author: who.clone(),
        size_bytes: 11,
        created_at: NOON,
        expires_at: None,
        place: PastePlace::Tclip { url: "http://paste/paste/1".to_owned() },
        key: None,
    };
    let by = Actor::Person { slack_id: "U0ALICE01".to_owned() };
    named(vec![
        ("save_link", Effect::SaveLink { change: Box::new(change()), by }),
        ("post_paste", Effect::PostPaste { posting: posting(true, false) }),
        ("post_paste that its author has back", Effect::PostPaste { posting: posting(false, true) }),
        ("delete_paste", Effect::DeletePaste { deletion: Box::new(Deletion { paste, who, is_known: true }) }),
    ])
}

pub fn link_events() -> Named<LinkEvent> {
    let editor = Editor { login: "alice@example.com".to_owned(), is_admin: true };
    let (before, after) = (link("https://old.example.com"), link("https://wiki.example.com"));
    named(vec![
        ("asked", LinkEvent::LinkAsked { change: change() }),
        ("not saved", LinkEvent::LinkNotSaved { change: change(), why: "golink cannot be reached".to_owned() }),
        ("imported", LinkEvent::LinkSaved { editor: None, before: None, after: after.clone() }),
        ("saved", LinkEvent::LinkSaved { editor: Some(editor.clone()), before: Some(before.clone()), after }),
        ("deleted", LinkEvent::LinkDeleted { editor, before }),
    ])
}

/// What the audit log says of pastes and of what was said for somebody.
pub fn notes() -> Named<Value> {
    let pastes = paste_events().into_iter().map(|(name, event)| (name, serde_json::to_value(&event).unwrap()));
    pastes.chain(other_notes()).collect()
}

/// What the audit log says of pastes.
pub fn paste_events() -> Named<PasteEvent> {
    let author = json!({ "slack_id": "U0ALICE01", "login": "alice@example.com", "name": "Alice" });
    let place = json!({ "place": "tclip", "url": "http://paste/paste/1" });
    let pasted = |place: &Value| {
        json!({
            "event": "pasted", "filename": "notes.md", "size_bytes": 11, "author": author, "expires_at": NOON,
            "place": place,
        })
    };
    let asked = json!({ "event": "paste_asked", "filename": "notes.md", "size_bytes": 11, "author": author });
    let deletion_asked =
        json!({ "event": "paste_deletion_asked", "by": author, "filename": "notes.md", "place": place });
    let deleted = json!({ "event": "paste_deleted", "by": author, "filename": "notes.md", "place": place });
    let events = named(vec![
        ("pasted", pasted(&json!({ "place": "here" }))),
        ("pasted at tclip", pasted(&place)),
        ("paste_asked", asked),
        ("paste_in_doubt", json!({ "event": "paste_in_doubt", "why": "it did not answer" })),
        ("paste_not_sent", json!({ "event": "paste_not_sent", "why": "it did not answer" })),
        ("paste_deletion_asked", deletion_asked),
        ("paste_not_deleted", json!({ "event": "paste_not_deleted", "why": "it did not answer" })),
        ("paste_imported", json!({ "event": "paste_imported", "filename": "notes.md", "author": author })),
        ("paste_held", json!({ "event": "paste_held", "new": ["01kjmma2g000000001"] })),
        ("paste_let_go", json!({ "event": "paste_let_go" })),
        ("paste_drafted", json!({ "event": "paste_drafted" })),
        ("paste_draft_discarded", json!({ "event": "paste_draft_discarded" })),
        ("paste_expired", json!({ "event": "paste_expired" })),
        ("paste_deleted", json!({ "event": "paste_deleted", "by": author })),
        ("paste_deleted at tclip", deleted),
    ]);
    events.into_iter().map(|(name, event)| (name, serde_json::from_value(event).unwrap())).collect()
}

/// What came of a time at which a workflow starts by itself.
fn started(event: &str) -> Value {
    let mut note = json!({ "workflow": "prod-db", "schedule": start().schedule, "due_at": NOON, "missed": 1 });
    note["event"] = event.into();
    if event == "not_started" {
        note["why"] = "nobody in Slack is known as alice@example.com".into();
    }
    note
}

fn other_notes() -> Named<Value> {
    let proof = json!({ "at": NOON, "found": "gone" });
    let values = json!({ "hold": "2h", "reason": "invoice 1204" });
    let typed = json!({ "event": "typed", "workflow": "prod-db", "values": values, "channel": "C0GENERAL1" });
    named(vec![
        ("released_unread", json!({ "event": "released_unread", "key": "tclip.paste 1", "why": "it cannot be read" })),
        ("settled_unread", json!({ "event": "settled_unread", "key": "tclip.paste 1", "proof": proof })),
        ("log_is_older", json!({ "event": "log_is_older", "anchor": { "seq": 9, "hash": "ab12" }, "end": 7 })),
        ("log_is_another", json!({ "event": "log_is_another", "anchor": { "seq": 9, "hash": "ab12" }, "end": 11 })),
        ("log_accepted", json!({ "event": "log_accepted" })),
        ("clock_set", json!({ "event": "clock_set", "by_ms": -3_600_000 })),
        ("shared", json!({ "event": "shared", "channel": "C0GENERAL1" })),
        ("put_back", json!({ "event": "put_back", "times": 2, "by": "bob@example.com" })),
        ("given_up", json!({ "event": "given_up", "times": 4 })),
        ("taken_away", json!({ "event": "taken_away", "by": "bob@example.com" })),
        ("foreign", json!({ "event": "foreign", "what": "custom:jit_prod_db is 3", "by": "bob@example.com" })),
        ("burst", json!({ "event": "burst", "workflows": ["billing", "logs", "prod-db", "wiki"] })),
        ("typed", typed),
        ("guardrails", json!({ "event": "guardrails", "rules": "5f70bf18", "text": "[[\"hours\",\"forbid ...\"]]" })),
        ("not_asked", json!({ "event": "not_asked", "why": { "not_asked": "nobody_can_approve" } })),
        ("started", started("started")),
        ("not_started", started("not_started")),
    ])
}

/// What a holder of a key wants of its step type.
pub fn settings() -> Named<Settings> {
    let with = json!({ "device": "nALICE1CNTRL", "key": "custom:jit_prod_db", "value": true });
    let with = with.as_object().cloned().unwrap_or_default();
    let none = Settings { with: serde_json::Map::new(), used_by: String::new() };
    named(vec![("of an attribute", Settings { with, used_by: "prod-db attribute".to_owned() }), ("none", none)])
}
