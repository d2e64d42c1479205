//! The policy step with many holders, with others who write the file too, and with a tailnet that fails.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::kernel::request::Found;
use crate::kernel::{Failure, Key, Proof, RequestId};
use crate::outside::tailscale::tests::{Endpoint, Fault, START_AT, TailnetWorld, client, world};
use crate::outside::tailscale::{Replaced, Verdict};
use crate::playground::tailnet::{crowd_login, crowd_node_id};
use crate::steps::tailscale::policy::PolicyFile;
use crate::steps::{Before, Holder, Memory, SettledEach, Step};

const UNTIL: i64 = START_AT + 7_200_000;

struct Scene {
    world: TailnetWorld,
    step: PolicyFile,
    key: Key,
    first: String,
}

fn grant(number: usize, dst: &str) -> Value {
    json!({
        "grants": [{ "src": [crowd_login(number)], "dst": [dst], "ip": ["tcp:22"] }],
        "device": crowd_node_id(number),
    })
}

fn group(number: usize, group: &str) -> Value {
    json!({ "groups": { group: [crowd_login(number)] }, "unguarded": true })
}

fn holder(id: &str, number: usize, with: Value) -> Holder {
    Holder {
        request_id: RequestId(id.to_owned()),
        login: crowd_login(number),
        until: UNTIL,
        with: with.as_object().cloned().unwrap_or_else(Map::new),
        comment: id.to_owned(),
        used_by: "shell rule".to_owned(),
        is_new: true,
        confirmed_until: None,
    }
}

impl Scene {
    async fn new(people: usize) -> Self {
        let (world, clock) = world().await;
        world.crowd(people, people);
        let first = world.policy();
        let step = PolicyFile::new(client(&world, &clock), clock);
        Self { world, step, key: Key::new("tailscale.policy", "file"), first }
    }

    async fn settle(&self, live: &[Holder], leaving: &[Holder]) -> BTreeMap<String, Result<Found, String>> {
        // Every end that was ever told, as the ledger has it.
        let untils = (0..5).map(|minutes| UNTIL + 60_000 * minutes).collect();
        let before = Before {
            found: Value::Null,
            untils,
            confirmed: true,
            leaving: leaving.to_vec(),
            memory: Memory::default(),
        };
        let settled: Result<SettledEach, Failure> = self.step.settle_each(&self.key, live, &before).await;
        let each = settled.expect("what fails, fails for somebody").each.into_iter();
        each.map(|(id, outcome)| (id.0, outcome.map(|Proof { found, .. }| found).map_err(|failure| failure.what)))
            .collect()
    }

    fn open(&self, number: usize) -> Vec<String> {
        let name = format!("crowd-{number:05}");
        let rules = self.world.rules_open_for(&name).into_iter();
        rules.filter_map(|rule| Some(rule.split_once(" by posture:nl")?.0.to_owned())).collect()
    }
}

/// As the ledger has it after a run that found this.
fn told(holder: &Holder, each: &BTreeMap<String, Result<Found, String>>) -> Holder {
    let confirmed_until = match each.get(holder.request_id.as_str()) {
        Some(Ok(Found::On { until })) => Some(until.unwrap_or(i64::MAX)),
        _ => holder.confirmed_until,
    };
    Holder { confirmed_until, is_new: confirmed_until.is_none(), ..holder.clone() }
}

#[tokio::test]
async fn whoever_comes_or_goes_at_once_is_one_write() {
    let scene = Scene::new(20).await;
    let all: Vec<Holder> =
        (0..20).map(|number| holder(&format!("r{number}"), number, grant(number, "tag:prod-db"))).collect();
    let each = scene.settle(&all, &[]).await;
    assert!(each.values().all(|found| *found == Ok(Found::On { until: Some(UNTIL) })), "{each:?}");
    assert_eq!(each.len(), 20);
    assert_eq!(scene.world.calls_of(Endpoint::SetPolicy), 1);
    assert!((0..20).all(|number| scene.open(number) == ["tag:prod-db tcp:22"]), "{}", scene.world.policy());
    assert_eq!(scene.world.policy().matches("\"posture:nl").count(), 21, "one posture, and twenty who depend on it");
    let all: Vec<Holder> = all.iter().map(|holder| told(holder, &each)).collect();
    let (gone, left) = all.split_at(19);
    let each = scene.settle(left, gone).await;
    assert!(gone.iter().all(|holder| each[holder.request_id.as_str()] == Ok(Found::Gone)), "{each:?}");
    assert_eq!(scene.world.calls_of(Endpoint::SetPolicy), 2);
    assert_eq!((scene.open(0).len(), scene.open(19).len()), (0, 1));
    let each = scene.settle(&[], left).await;
    assert_eq!(each["r19"], Ok(Found::Gone));
    assert_eq!(scene.world.policy(), scene.first);
    assert_eq!(scene.world.leftovers(), Vec::<String>::new());
}

#[tokio::test]
async fn ten_thousand_at_once_are_one_write() {
    let scene = Scene::new(1).await;
    let all: Vec<Holder> =
        (0..10_000).map(|number| holder(&format!("r{number}"), number, group(number, "group:dba"))).collect();
    let each = scene.settle(&all, &[]).await;
    assert!(each.values().all(|found| *found == Ok(Found::On { until: None })));
    assert_eq!((each.len(), scene.world.calls_of(Endpoint::SetPolicy)), (10_000, 1));
    let each = scene.settle(&[], &all).await;
    assert!(each.values().all(|found| *found == Ok(Found::Gone)));
    assert_eq!((each.len(), scene.world.calls_of(Endpoint::SetPolicy)), (10_000, 2));
    assert_eq!(scene.world.policy(), scene.first);
}

#[tokio::test]
async fn what_cannot_be_had_by_one_keeps_no_other_waiting() {
    let scene = Scene::new(8).await;
    let mut all: Vec<Holder> =
        (0..8).map(|number| holder(&format!("r{number}"), number, grant(number, "tag:prod-db"))).collect();
    all[3].with = grant(3, "tag:nowhere").as_object().cloned().expect("settings");
    all[5].login = crowd_login(4);
    all[6].with = json!({ "grants": [{ "src": ["*"], "dst": ["*"], "ip": ["*"] }], "device": crowd_node_id(6) })
        .as_object()
        .cloned()
        .expect("settings");
    let each = scene.settle(&all, &[]).await;
    let failed: Vec<String> =
        each.iter().filter_map(|(id, found)| Some(format!("{id}: {}", found.as_ref().err()?))).collect();
    insta::assert_snapshot!(failed.join("\n"), @r#"
    r3: tailscale would refuse the changed policy file: dst=tag not found: "tag:nowhere"
    r5: the device belongs to somebody else (crowd-00005)
    r6: no posture holds back the sources * of an entry of `grants`
    "#);
    for number in [0, 1, 2, 4, 7] {
        assert_eq!(scene.open(number), ["tag:prod-db tcp:22"], "{number}");
    }
    assert_eq!(scene.world.calls_of(Endpoint::SetPolicy), 1);
}

#[tokio::test]
async fn a_policy_that_its_own_tests_refuse_is_told_and_not_sent() {
    let (world, clock) = world().await;
    let client = client(&world, &clock);
    let file = client.policy_text().await.expect("a policy");
    let wrong = file.text.replace("\"srcPosture\": [\"posture:jitProdDb\"],\n\t\t},\n\t\t// Every", "},\n\t\t// Every");
    assert_ne!(wrong, file.text);
    let verdict = client.validate_policy(&wrong).await.expect("an answer");
    assert_eq!(
        verdict,
        Verdict::Bad(
            "test(s) failed; alice@example.com: address \"tag:prod-db:5432\": want: Drop, got: Accept".to_owned()
        )
    );
    assert_eq!(client.validate_policy(&file.text).await, Ok(Verdict::Good));
    assert_eq!(client.replace_policy(&file.text, "\"old\"").await, Ok(Replaced::Changed));
    for empty in ["", " \n"] {
        assert!(client.replace_policy(empty, &file.etag).await.is_err());
        assert!(client.validate_policy(empty).await.is_err());
    }
    assert!(client.replace_policy(&file.text, "").await.is_err(), "never without what it was made from");
    assert_eq!(world.policy(), file.text);
}

#[tokio::test]
async fn while_the_file_cannot_be_written_what_is_guarded_is_off_and_that_is_said() {
    let scene = Scene::new(2).await;
    let all = [holder("r0", 0, grant(0, "tag:prod-db"))];
    let each = scene.settle(&all, &[]).await;
    let all = [told(&all[0], &each)];
    scene.world.fault(Endpoint::SetPolicy, Fault::Status(403), None);
    let each = scene.settle(&[], &all).await;
    let why = each["r0"].as_ref().expect_err("the text is still there");
    assert!(why.starts_with("its rule opens nothing any more, and still stands in the policy file: "), "{why}");
    assert_eq!(scene.open(0), Vec::<String>::new());
    scene.world.clear_faults(Endpoint::Any);
    assert_eq!(scene.settle(&[], &all).await["r0"], Ok(Found::Gone));
    assert_eq!(scene.world.policy(), scene.first);
}

#[tokio::test]
async fn a_plan_without_attributes_needs_a_workflow_that_says_so() {
    let scene = Scene::new(2).await;
    scene.world.set_plan_has_custom_attributes(false);
    let plain = holder("r0", 0, grant(0, "tag:prod-db"));
    let mut open = holder("r1", 1, grant(1, "tag:prod-db"));
    open.with.insert("unguarded".to_owned(), true.into());
    let each = scene.settle(&[plain, open.clone()], &[]).await;
    assert!(each["r0"].as_ref().is_err_and(|why| why.contains("plan")), "{each:?}");
    assert_eq!(each["r1"], Ok(Found::On { until: None }));
    let each = scene.settle(&[], &[told(&open, &each)]).await;
    assert_eq!(each["r1"], Ok(Found::Gone));
    assert_eq!(scene.world.policy(), scene.first);
}

/// A small generator of numbers.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % limit
    }
}

/// Holders come and go in any order, others write in between and calls are lost; after each run exactly who holds something has it.
#[tokio::test]
async fn holders_in_any_order_and_others_in_between() {
    for seed in 0..12 {
        let scene = Scene::new(4).await;
        let mut dice = Dice(seed);
        let (mut live, mut leaving, mut number) = (Vec::<Holder>::new(), Vec::<Holder>::new(), 0);
        for _ in 0..14 {
            match dice.below(8) {
                0..=3 => {
                    let person = dice.below(4);
                    let with =
                        if dice.below(4) == 0 { group(person, "group:dba") } else { grant(person, "tag:prod-db") };
                    number += 1;
                    let until = UNTIL + 60_000 * i64::try_from(dice.below(5)).expect("small");
                    live.push(Holder { until, ..holder(&format!("r{number}"), person, with) });
                }
                4 | 5 if !live.is_empty() => leaving.push(live.remove(dice.below(live.len()))),
                6 => {
                    let line = format!("\t// written by hand {number}\n\t\"ssh\": [");
                    scene.world.edit_policy(|text| text.replacen("\t\"ssh\": [", &line, 1)).expect("a policy");
                }
                _ => {
                    let call = [Endpoint::SetPolicy, Endpoint::SetAttribute, Endpoint::DeleteAttribute][dice.below(3)];
                    let fault = [Fault::LoseReply, Fault::Status(412), Fault::Status(500)][dice.below(3)].clone();
                    scene.world.fault(call, fault, Some(1));
                }
            }
            let each = scene.settle(&live, &leaving).await;
            live = live.iter().map(|holder| told(holder, &each)).collect();
            leaving.retain(|holder| each[holder.request_id.as_str()].is_err());
            for person in 0..4 {
                let login = crowd_login(person);
                let is_granted =
                    live.iter().any(|one| one.login == login && !one.is_new && one.with.contains_key("grants"));
                let waits = leaving.iter().chain(live.iter().filter(|one| one.is_new)).any(|one| one.login == login);
                let is_open = !scene.open(person).is_empty();
                assert!(is_open == is_granted || waits, "seed {seed}, {login}: {is_open}\n{}", scene.world.policy());
                let is_lent =
                    live.iter().any(|one| one.login == login && !one.is_new && one.with.contains_key("groups"));
                let is_in = scene.world.policy().contains(&format!("*/ \"{login}\""));
                assert!(is_in == is_lent || waits, "seed {seed}, {login}: {is_in}\n{}", scene.world.policy());
            }
        }
        scene.world.clear_faults(Endpoint::Any);
        leaving.append(&mut live);
        let each = scene.settle(&[], &leaving).await;
        assert!(each.values().all(|found| *found == Ok(Found::Gone)), "seed {seed}: {each:?}");
        assert_eq!(scene.world.leftovers(), Vec::<String>::new(), "seed {seed}");
    }
}
