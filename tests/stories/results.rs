//! Steps that come to something: a later step uses it, the card shows it, and a secret is handed over once and kept nowhere.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use nightlatch::kernel::step_type::{Holds, StepResult};
use nightlatch::kernel::{Failure, Found, Key, Outcome, Proof, State, StepType};
use nightlatch::playground::slack::Fault;
use nightlatch::steps::{Before, HandOver, Holder, LIST, List, Settled, Step, tclip};
use secrecy::SecretString;
use serde_json::Value;

use crate::harness::*;

/// Something that mints keys: which there are, by what they were minted for, and how many there ever were.
#[derive(Default)]
struct Mint {
    keys: BTreeMap<String, u32>,
    count: u32,
}

static MINT: Mutex<Mint> = Mutex::new(Mint { keys: BTreeMap::new(), count: 0 });
/// What every secret of the mint begins with.
const CANARY: &str = "tskey-canary-";

/// A step that mints a key for one request.
struct Minting;

impl Step for Minting {
    fn observe<'a>(&'a self, _: &'a Key) -> BoxFuture<'a, Result<Value, Failure>> {
        async { Ok(Value::Null) }.boxed()
    }

    fn settle<'a>(
        &'a self,
        key: &'a Key,
        holders: &'a [Holder],
        _: &'a Before,
    ) -> BoxFuture<'a, Result<Settled, Failure>> {
        async move {
            let mut mint = MINT.lock().unwrap();
            let Some(holder) = holders.first() else {
                mint.keys.remove(key.as_str());
                return Ok(Settled::from(Proof { at: START_MS, found: Found::Gone }));
            };
            let on = Proof { at: START_MS, found: Found::On { until: Some(holder.until) } };
            if !holder.is_new {
                return Ok(Settled::from(on));
            }
            // What was minted before and never handed over is of no use: another one takes its place.
            mint.count += 1;
            let number = mint.count;
            mint.keys.insert(key.to_string(), number);
            let results = [("id".to_owned(), format!("mint-{number}").into())].into_iter().collect();
            let secret = SecretString::from(format!("{CANARY}{number}"));
            let request_id = holder.request_id.clone();
            Ok(Settled {
                proof: on,
                results: [(request_id.clone(), results)].into(),
                hand_over: vec![HandOver { request_id, what: "auth key", secret }],
                keep: None,
            })
        }
        .boxed()
    }
}

/// A step that says it comes to something and does not.
struct Forgetting;

impl Step for Forgetting {
    fn observe<'a>(&'a self, _: &'a Key) -> BoxFuture<'a, Result<Value, Failure>> {
        async { Ok(Value::Null) }.boxed()
    }

    fn settle<'a>(
        &'a self,
        _: &'a Key,
        holders: &'a [Holder],
        _: &'a Before,
    ) -> BoxFuture<'a, Result<Settled, Failure>> {
        let until = holders.iter().map(|holder| holder.until).max();
        let found = if until.is_some() { Found::On { until } } else { Found::Gone };
        async move { Ok(Settled::from(Proof { at: START_MS, found })) }.boxed()
    }
}

const TYPES: &[StepType] = &[
    StepType {
        holds: Holds::Once,
        results: &[StepResult { name: "id", about: "Its id." }],
        ..StepType::plain("test.mint", |_| Ok(String::new()))
    },
    tclip::paste::LISTED.about,
    StepType {
        results: &[StepResult { name: "id", about: "Its id." }],
        ..StepType::plain("test.forgets", |_| Ok("it".to_owned()))
    },
];

const STEPS: List =
    List { types: TYPES, makes: &[|_| Arc::new(Minting), tclip::paste::LISTED.make, |_| Arc::new(Forgetting)] };

const WORKFLOW: &str = r##"
nightlatch: 1
title: A key of your own
inputs:
  hold: { type: duration, max: 8h }
  reason: { type: text }
ask: [group:engineering]
approve:
  - by: [group:dba]
steps:
  - name: minted
    uses: test.mint
    with: {}
  - uses: tclip.paste
    with: { filename: key.txt, content: "Your key is {{ steps.minted.id }}, {{ requester.name }}." }
announce: "#access"
"##;

fn setting() -> Setting {
    Setting { steps: STEPS, ..Setting::default() }.workflow("prod-db", WORKFLOW)
}

/// What stands in any row, entry, log line or metric, or anywhere in Slack that is not alice's own.
async fn is_kept_nowhere(stage: &Stage) {
    let entries = stage.bot.store().await.audit_after(0, 100_000).await.unwrap();
    assert!(!serde_json::to_string(&entries).unwrap().contains(CANARY), "in the audit log");
    assert!(!stage.bot.database().await.contains(CANARY), "in the database");
    assert!(!stage.bot.metrics().await.contains(CANARY), "in the metrics");
    assert!(!logged(CANARY), "in the log");
    for (who, channel) in [("alice", "#access"), ("alice", "#general"), ("bob", DM), ("bob", "#access")] {
        assert!(!stage.slack.screen(who, channel).contains(CANARY), "{who} sees it in {channel}");
    }
}

/// One test, because there is one mint.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_step_comes_to_is_used_and_its_secret_is_handed_over_once() {
    story_with(setting(), async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        assert!(stage.bob.sees("#access").contains("changes `test.mint"), "{}", stage.bob.sees("#access"));
        stage.bob.press("Approve").await;
        let request = stage.request().await;
        assert_eq!((request.state, request.steps[0].results["id"].as_str()), (State::Active, Some("mint-1")));
        let with = serde_json::json!({ "filename": "key.txt", "content": "Your key is mint-1, Alice." });
        let key = TYPES[1].key(with.as_object().unwrap(), &request.id, 1);
        assert_eq!(request.steps[1].key.clone().ok_or_else(String::new), key, "filled in when it began");
        let read = stage.alice.reads();
        assert_eq!(read.matches(CANARY).count(), 1, "{read}");
        insta::assert_snapshot!(read, @"
        @nightlatch
        nightlatch:
          🔑 *A key of your own*: your auth key. It is shown here once and kept nowhere else; it ends with the access.
          tskey-canary-1
          ~ Request 01kjmma2g000000001
        nightlatch: For *A key of your own*: key.txt (https://nightlatch.example.ts.net/paste/00000000-0000-4000-8000-000000000002). It is gone when your access ends.
        nightlatch:
          🟢 *A key of your own is active until today 15:00*
          minted id: `mint-1`
          Done earlier? Press Return, or type `/access return prod-db`.
          ~ Request 01kjmma2g000000001 · `test.mint 01kjmma2g000000001 1`, `tclip.paste fd7508e5d3ac8bcec28deb82c7423e29` · you are told shortly before it ends
          [Return]
        ");
        let card = stage.bob.sees("#access");
        assert!(card.contains("minted id: `mint-1`"), "{card}");
        is_kept_nowhere(stage).await;
        stage.advance(2.hours()).await;
        assert_eq!(stage.request().await.state, State::Ended);
        assert!(MINT.lock().unwrap().keys.is_empty(), "taken back");
        stage.everybody_reads();
        is_kept_nowhere(stage).await;
    })
    .await;
    a_secret_that_cannot_be_shown_is_another_one_the_next_time().await;
    one_that_can_never_be_shown_fails_and_is_taken_back().await;
}

async fn a_secret_that_cannot_be_shown_is_another_one_the_next_time() {
    let before = MINT.lock().unwrap().count;
    story_with(setting(), async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.slack.fail("chat.postMessage", Fault::Unavailable, u32::MAX);
        stage.bob.press("Approve").await;
        assert_eq!(stage.request().await.state, State::Activating, "not on before it was handed over");
        assert!(MINT.lock().unwrap().count > before, "minted, and not shown");
        stage.slack.heal();
        stage.advance(5.seconds()).await;
        let request = stage.request().await;
        assert_eq!(request.state, State::Active);
        let read = stage.alice.reads();
        let last = MINT.lock().unwrap().count;
        assert!(last > before + 1, "another one");
        let shown: Vec<u32> =
            (before + 1..=last).filter(|number| read.contains(&format!("{CANARY}{number}\n"))).collect();
        assert_eq!(shown, [last], "{read}");
        is_kept_nowhere(stage).await;
        stage.alice.press("Return").await;
        stage.everybody_reads();
    })
    .await;
}

async fn one_that_can_never_be_shown_fails_and_is_taken_back() {
    story_with(setting(), async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.slack.fail("chat.postMessage", Fault::Error("is_archived".to_owned()), u32::MAX);
        stage.bob.press("Approve").await;
        stage.advance(1.minutes()).await;
        let request = stage.request().await;
        assert_eq!((request.state, request.outcome), (State::Ended, Some(Outcome::Failed)));
        let trouble = request.trouble.clone().unwrap().what;
        assert!(trouble.starts_with("the auth key was made and could not be handed over"), "{trouble}");
        assert!(MINT.lock().unwrap().keys.is_empty(), "taken back");
        is_kept_nowhere(stage).await;
        stage.slack.heal();
        stage.advance(10.minutes()).await;
        stage.everybody_reads();
    })
    .await;
}

#[test]
fn the_listed_types_are_made_in_the_same_order() {
    assert_eq!(LIST.types.len(), LIST.makes.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_value_after_all_is_not_sent_and_people_are_told() {
    let forgets = changed(WORKFLOW, &[("test.mint", "test.forgets")]);
    story_with(setting().workflow("prod-db", &forgets), async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        stage.bob.press("Approve").await;
        let request = stage.request().await;
        assert_eq!((request.state, request.outcome), (State::Ended, Some(Outcome::Failed)));
        assert_eq!(request.steps[1].key, None, "never begun");
        insta::assert_snapshot!(stage.alice.reads(), @"
        @nightlatch
        nightlatch:
          ❌ *A key of your own could not be lent to you*. You do not have it.
          What failed: A setting of a step cannot be filled in: {{ steps.minted.id }} has no value.
          What to do: Ask whoever looks after this workflow to correct its steps.
          What was begun was taken back:
          🔒 Verified gone today 13:00:00
          Retry tries it again under the same approval.
          ~ Request 01kjmma2g000000001
          [Retry]
        ");
        stage.everybody_reads();
    })
    .await;
}
