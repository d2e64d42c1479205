//! The attribute step where the tailnet does not keep what it takes, or does not show it yet.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::kernel::request::Found;
use crate::kernel::{Failure, Key, Proof, RequestId};
use crate::outside::tailscale::Tailscale;
use crate::outside::tailscale::tests::{Endpoint, Fault, KEY, START_AT, TailnetWorld, client, world};
use crate::steps::tailscale::attribute::Attribute;
use crate::steps::{Before, Holder, Step};

const UNTIL: i64 = START_AT + 7_200_000;

struct Scene {
    world: TailnetWorld,
    client: Tailscale,
    step: Attribute,
    key: Key,
    node: String,
}

impl Scene {
    async fn new() -> Self {
        let (world, clock) = world().await;
        let client = client(&world, &clock);
        let node = world.node_id("alice-laptop").expect("a device");
        let key = Key::new("tailscale.attribute", &format!("{node} {KEY}"));
        Self { step: Attribute::new(client.clone(), clock), world, client, key, node }
    }

    fn holder(until: i64) -> Holder {
        Holder {
            request_id: RequestId("r1".to_owned()),
            login: "alice@example.com".to_owned(),
            until,
            with: Map::from_iter([("value".to_owned(), Value::Bool(true))]),
            comment: String::new(),
            used_by: String::new(),
            is_new: true,
            confirmed_until: None,
        }
    }

    async fn hold(&self, untils: &[i64]) -> Result<Proof, Failure> {
        let until = untils.iter().copied().max().unwrap_or(UNTIL);
        let settled = self.step.settle(&self.key, &[Self::holder(until)], &before(untils, false)).await;
        settled.map(|settled| settled.proof)
    }

    async fn release(&self, confirmed: bool) -> Result<Found, Failure> {
        Ok(self.step.settle(&self.key, &[], &before(&[UNTIL], confirmed)).await?.proof.found)
    }

    fn value(&self) -> Option<Value> {
        self.world.attribute("alice-laptop", KEY)
    }
}

fn before(untils: &[i64], confirmed: bool) -> Before {
    Before {
        found: json!({ "value": null, "expires_at": null }),
        untils: untils.to_vec(),
        confirmed,
        leaving: Vec::new(),
        memory: crate::steps::Memory::default(),
    }
}

#[tokio::test]
async fn a_value_that_was_kept_without_its_end_is_told_and_deleted() {
    let scene = Scene::new().await;
    scene.world.fault(Endpoint::SetAttribute, Fault::DropExpiry, None);
    let failure = scene.hold(&[UNTIL]).await.expect_err("it would never end by itself");
    assert_eq!(failure.what, format!("tailscale kept the value of {KEY} but not its end"));
    assert!(!failure.retryable, "the next one would be kept the same way");
    assert_eq!(scene.value(), None, "only now we know for sure whose it is");
    assert_eq!(scene.release(false).await, Ok(Found::Gone));
}

#[tokio::test]
async fn a_later_end_that_was_dropped_leaves_others_what_they_had() {
    for drops in [1, 2] {
        let scene = Scene::new().await;
        scene.hold(&[UNTIL]).await.expect("the first one");
        scene.world.fault(Endpoint::SetAttribute, Fault::DropExpiry, Some(drops));
        let first = Holder { is_new: false, confirmed_until: Some(UNTIL), ..Scene::holder(UNTIL) };
        let second = Holder { request_id: RequestId("r2".to_owned()), ..Scene::holder(UNTIL + 60_000) };
        let settled = scene.step.settle(&scene.key, &[first, second], &before(&[UNTIL, UNTIL + 60_000], true)).await;
        let failure = settled.expect_err("it would never end by itself");
        assert!(failure.what.ends_with("but not its end"), "{failure:?}");
        // What nobody could take back later does not stay.
        let left = (scene.value(), scene.world.expiry("alice-laptop", KEY));
        assert_eq!(left, if drops == 1 { (Some(true.into()), Some(UNTIL)) } else { (None, None) });
        assert_eq!(scene.release(true).await, Ok(Found::Gone));
    }
}

#[tokio::test]
async fn what_others_wrote_after_ours_was_read_back_is_left_alone() {
    let scene = Scene::new().await;
    for end in [None, Some(UNTIL + 60_000)] {
        scene.world.set_by_hand("alice-laptop", KEY, true.into(), end).expect("a device");
        assert!(matches!(scene.release(true).await, Ok(Found::LeftAlone { .. })), "{end:?}");
        assert_eq!(scene.value(), Some(true.into()));
    }
}

#[tokio::test]
async fn what_is_put_back_is_told_as_it_reads_and_nothing_is_left_on_without_the_end_it_had() {
    let later = UNTIL + 3_600_000;
    for (value, drops, told, left) in [
        (
            true,
            0,
            Found::PutBack { what: "true until 2026-01-01T03:00:00Z".to_owned(), is_on: true },
            Some((true, Some(later))),
        ),
        (true, 9, Found::Gone, None),
        (false, 9, Found::PutBack { what: "false, without an end".to_owned(), is_on: false }, Some((false, None))),
    ] {
        let scene = Scene::new().await;
        scene.world.set_by_hand("alice-laptop", KEY, true.into(), Some(UNTIL)).expect("ours");
        scene.world.fault(Endpoint::SetAttribute, Fault::DropExpiry, Some(drops));
        let first = Before { found: json!({ "value": value, "expires_at": later }), ..before(&[UNTIL], true) };
        let proof = scene.step.settle(&scene.key, &[], &first).await.expect("settled").proof;
        let now = scene.value().map(|now| (now == Value::Bool(true), scene.world.expiry("alice-laptop", KEY)));
        assert_eq!((proof.found, now), (told, left), "{value} {drops}");
    }
}

#[tokio::test]
async fn what_was_there_before_us_is_not_ours_only_because_our_write_failed() {
    let scene = Scene::new().await;
    scene.world.set_by_hand("alice-laptop", KEY, true.into(), None).expect("a device");
    let first = Before { found: json!({ "value": true, "expires_at": null }), ..before(&[UNTIL], false) };
    let proof = scene.step.settle(&scene.key, &[], &first).await.expect("settled").proof;
    assert!(matches!(proof.found, Found::PutBack { .. }), "{:?}", proof.found);
    assert_eq!(scene.value(), Some(true.into()));
    assert_eq!(scene.world.calls_of(Endpoint::DeleteAttribute), 0);
}

#[tokio::test]
async fn readings_that_lag_fail_no_grant_and_nothing_is_written_twice() {
    let scene = Scene::new().await;
    scene.world.set_reads_lag(Duration::from_millis(1_500));
    let proof = scene.hold(&[UNTIL]).await.expect("it is on, only not seen at once");
    assert_eq!(proof.found, Found::On { until: Some(UNTIL) });
    assert_eq!(scene.world.calls_of(Endpoint::SetAttribute), 1);
    assert_eq!(scene.release(true).await, Ok(Found::Gone), "and its end is waited for in the same way");
    assert_eq!((scene.value(), scene.world.calls_of(Endpoint::DeleteAttribute)), (None, 1));
}

#[tokio::test]
async fn a_later_end_of_an_earlier_attempt_is_as_good() {
    let scene = Scene::new().await;
    let late = UNTIL + 30_000;
    let sent = scene.client.set_attribute(&scene.node, KEY, &true.into(), Some(late), "").await;
    sent.expect("what an earlier attempt sent, seen only now");
    let holders = [Scene::holder(UNTIL)];
    scene.world.fault(Endpoint::SetAttribute, Fault::Forget, Some(1));
    let proof = scene.step.settle(&scene.key, &holders, &before(&[UNTIL, late], false)).await.expect("on").proof;
    assert_eq!(proof.found, Found::On { until: Some(late) }, "later than wanted");
}

#[tokio::test]
async fn a_write_that_cannot_be_seen_yet_is_not_taken_for_gone() {
    let scene = Scene::new().await;
    scene.world.set_reads_lag(Duration::from_secs(600));
    let sent = scene.client.set_attribute(&scene.node, KEY, &true.into(), Some(UNTIL), "").await;
    sent.expect("it works");
    let seen = scene.client.attributes(&scene.node).await.expect("attributes");
    assert!(!seen.attributes.contains_key(KEY));
    assert_eq!(scene.release(false).await, Ok(Found::Gone));
    assert_eq!(scene.value(), None, "said to be gone, and is");
}

#[tokio::test]
async fn who_may_not_delete_could_not_set_either() {
    let scene = Scene::new().await;
    scene.world.set_plan_has_custom_attributes(false);
    let failure = scene.hold(&[UNTIL]).await.expect_err("no plan");
    assert!(!failure.retryable, "{failure:?}");
    assert_eq!(scene.release(false).await, Ok(Found::Gone));
}
