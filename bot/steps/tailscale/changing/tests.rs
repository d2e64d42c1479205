//! Changing and putting back, with others who change the same, with answers that are lost, ended twice.

use serde_json::{Value, json};

use super::*;
use crate::kernel::{Key, RequestId};
use crate::outside::tailscale::tests::{Endpoint, Fault, START_AT, TailnetWorld, client, world};
use crate::steps::tailscale::device::DeviceStep;
use crate::steps::tailscale::role::RoleStep;
use crate::steps::{Memory, Step};

const SCOPES: [&str; 4] = ["devices:core", "devices:routes", "users", "devices:posture_attributes"];

struct Scene {
    world: TailnetWorld,
    step: Box<dyn Step>,
    key: Key,
    first: Value,
}

fn holder(id: &str, with: &Value, is_confirmed: bool) -> Holder {
    Holder {
        request_id: RequestId(id.to_owned()),
        login: "alice@example.com".to_owned(),
        until: START_AT + 7_200_000,
        with: with.as_object().cloned().unwrap_or_default(),
        comment: id.to_owned(),
        used_by: "work step".to_owned(),
        is_new: !is_confirmed,
        confirmed_until: is_confirmed.then_some(i64::MAX),
    }
}

impl Scene {
    async fn role() -> Self {
        let (world, clock) = world().await;
        world.set_scopes(&SCOPES);
        let step = Box::new(RoleStep::new(client(&world, &clock), clock));
        Self::begin(world, step, Key::new("tailscale.role", "alice@example.com")).await
    }

    async fn device() -> Self {
        let (world, clock) = world().await;
        world.set_scopes(&SCOPES);
        let step = Box::new(DeviceStep::new(client(&world, &clock), clock));
        Self::begin(world, step, Key::new("tailscale.device", "nALICE1CNTRL")).await
    }

    async fn begin(world: TailnetWorld, step: Box<dyn Step>, key: Key) -> Self {
        let first = step.observe(&key).await.unwrap();
        Self { world, step, key, first }
    }

    async fn settle(&self, live: &[Holder], leaving: &[Holder]) -> Result<Found, Failure> {
        let before = Before {
            found: self.first.clone(),
            untils: Vec::new(),
            confirmed: true,
            leaving: leaving.to_vec(),
            memory: Memory::default(),
        };
        self.step.settle(&self.key, live, &before).await.map(|settled| settled.proof.found)
    }

    async fn word(&self, live: &[Holder], leaving: &[Holder]) -> String {
        match self.settle(live, leaving).await {
            Ok(found) => serde_json::to_string(&found).unwrap(),
            Err(failure) => format!("{}; {}", failure.what, failure.advice),
        }
    }
}

#[tokio::test]
async fn a_role_is_lent_and_put_back_however_often_it_is_settled() {
    let scene = Scene::role().await;
    let admin = json!({ "user": "alice@example.com", "role": "network-admin", "unguarded": true });
    for is_confirmed in [false, true, true] {
        assert_eq!(scene.settle(&[holder("r1", &admin, is_confirmed)], &[]).await.unwrap(), Found::On { until: None });
        assert_eq!(scene.world.role("alice@example.com"), "network-admin");
    }
    for _ in 0..2 {
        let found = scene.settle(&[], &[holder("r1", &admin, true)]).await.unwrap();
        assert_eq!(found, Found::PutBack { what: "role member".to_owned(), is_on: false });
        assert_eq!(scene.world.leftovers(), Vec::<String>::new());
    }
    assert_eq!(scene.world.calls_of(Endpoint::Role), 2, "once there and once back");
}

#[tokio::test]
async fn what_somebody_else_changed_is_left_alone_and_not_set_again() {
    let scene = Scene::role().await;
    let auditor = json!({ "user": "alice@example.com", "role": "auditor", "unguarded": true });
    scene.settle(&[holder("r1", &auditor, false)], &[]).await.unwrap();
    scene.world.set_role_by_hand("alice@example.com", "it-admin").unwrap();
    insta::assert_snapshot!(scene.word(&[holder("r1", &auditor, true)], &[]).await, @r#"{"found":"taken_away"}"#);
    insta::assert_snapshot!(scene.word(&[holder("r2", &auditor, false)], &[]).await, @"somebody else changed role of alice@example.com to it-admin; find out who needs it, then ask again");
    insta::assert_snapshot!(scene.word(&[], &[holder("r1", &auditor, true)]).await, @r#"{"found":"left_alone","what":"role it-admin","is_on":false}"#);
    assert_eq!(scene.world.role("alice@example.com"), "it-admin");
    // Whoever has it by somebody else's hand keeps it.
    scene.world.set_role_by_hand("alice@example.com", "auditor").unwrap();
    let other = Scene { first: json!({ "shape": 1, "role": "auditor" }), ..scene };
    insta::assert_snapshot!(other.word(&[holder("r3", &auditor, false)], &[]).await, @r#"{"found":"on_before"}"#);
    insta::assert_snapshot!(other.word(&[], &[holder("r3", &auditor, true)]).await, @r#"{"found":"put_back","what":"role auditor","is_on":true}"#);
    assert_eq!(other.world.role("alice@example.com"), "auditor");
}

#[tokio::test]
async fn who_may_not_be_changed_is_not() {
    let scene = Scene::role().await;
    let admin = json!({ "user": "alice@example.com", "role": "admin", "unguarded": true });
    let other = json!({ "user": "alice@example.com", "role": "auditor", "unguarded": true });
    insta::assert_snapshot!(scene.word(&[holder("r1", &admin, true), holder("r2", &other, false)], &[]).await, @"another grant holds the same with other settings; wait until it has ended, or make one workflow of the two");
    scene.world.suspend("alice@example.com").unwrap();
    insta::assert_snapshot!(scene.word(&[holder("r1", &admin, false)], &[]).await, @"alice@example.com is not an active user of the tailnet; a tailnet admin can restore the user");
    scene.world.restore("alice@example.com").unwrap();
    scene.world.set_role_by_hand("alice@example.com", "owner").unwrap();
    insta::assert_snapshot!(scene.word(&[holder("r1", &admin, false)], &[]).await, @"alice@example.com owns the tailnet; an owner has every right already");
    scene.world.set_role_by_hand("alice@example.com", "member").unwrap();
    scene.world.set_scopes(&["users:read", "devices:core:read"]);
    scene.world.revoke_tokens();
    insta::assert_snapshot!(scene.word(&[holder("r1", &admin, false)], &[]).await, @"Tailscale does not let the bot do this (changing a role); tell an admin; it is not your fault, and the bot's log and /readyz say what is wrong");
    assert_eq!(scene.world.leftovers(), Vec::<String>::new());
}

#[tokio::test]
async fn whatever_call_fails_it_is_right_the_next_time() {
    let with = json!({ "device": "nALICE1CNTRL", "routes": ["10.1.0.0/16", "10.0.0.0/16"], "authorized": false, "key_expiry_disabled": true });
    for endpoint in [Endpoint::Authorize, Endpoint::Routes, Endpoint::KeyExpiry, Endpoint::Device] {
        for fault in [Fault::Status(503), Fault::LoseReply, Fault::Forget] {
            let scene = Scene::device().await;
            scene.world.fault(endpoint, fault.clone(), Some(1));
            let first = scene.settle(&[holder("r1", &with, false)], &[]).await;
            let second = scene.settle(&[holder("r1", &with, false)], &[]).await;
            assert_eq!(second.unwrap(), Found::On { until: None }, "{endpoint:?} {fault:?}, after {first:?}");
            let routes = ["10.0.0.0/16", "10.1.0.0/16"].map(str::to_owned).to_vec();
            assert_eq!(scene.world.device_settings("alice-laptop"), Some((routes, false, true)));
            scene.world.fault(endpoint, fault.clone(), Some(1));
            drop(scene.settle(&[], &[holder("r1", &with, true)]).await);
            let last = scene.settle(&[], &[holder("r1", &with, true)]).await.unwrap();
            assert!(matches!(last, Found::PutBack { is_on: false, .. }), "{endpoint:?} {fault:?} {last:?}");
            assert_eq!(scene.world.leftovers(), Vec::<String>::new(), "{endpoint:?} {fault:?}");
        }
    }
}

#[tokio::test]
async fn two_that_end_at_once_need_not_have_wanted_the_same() {
    let auditor = json!({ "user": "alice@example.com", "role": "auditor", "unguarded": true });
    let admin = json!({ "user": "alice@example.com", "role": "it-admin", "unguarded": true });
    for is_first in [true, false] {
        let scene = Scene::role().await;
        scene.settle(&[holder("r1", &auditor, false)], &[]).await.unwrap();
        // It was refused: another held it. Now the first ends, before that one has let go.
        let mut leaving = [holder("r1", &auditor, true), holder("r2", &admin, false)];
        if is_first {
            leaving.reverse();
        }
        let found = scene.settle(&[], &leaving).await.unwrap();
        assert_eq!(found, Found::PutBack { what: "role member".to_owned(), is_on: false });
        assert_eq!(scene.world.leftovers(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn who_comes_while_another_goes_waits_and_blames_nobody() {
    let scene = Scene::role().await;
    let auditor = json!({ "user": "alice@example.com", "role": "auditor", "unguarded": true });
    let admin = json!({ "user": "alice@example.com", "role": "it-admin", "unguarded": true });
    scene.settle(&[holder("r1", &auditor, false)], &[]).await.unwrap();
    let (gone, new) = ([holder("r1", &auditor, true)], [holder("r2", &admin, false)]);
    let failure = scene.settle(&new, &gone).await.unwrap_err();
    assert!(failure.retryable, "{failure:?}");
    insta::assert_snapshot!(failure.what, @"what another grant had of alice@example.com is only just being put back");
    scene.settle(&[], &gone).await.unwrap();
    assert_eq!(scene.settle(&new, &[]).await.unwrap(), Found::On { until: None });
}

#[tokio::test]
async fn only_what_was_asked_for_is_touched_of_a_device() {
    let scene = Scene::device().await;
    let with = json!({ "device": "nALICE1CNTRL", "authorized": false });
    scene.settle(&[holder("r1", &with, false)], &[]).await.unwrap();
    scene.world.set_routes_by_hand("alice-laptop", &["10.9.0.0/16"]).unwrap();
    insta::assert_snapshot!(scene.word(&[], &[holder("r1", &with, true)]).await, @r#"{"found":"put_back","what":"authorized true","is_on":false}"#);
    assert_eq!(scene.world.device_settings("alice-laptop"), Some((vec!["10.9.0.0/16".to_owned()], true, false)));
    let somebody_elses = Scene { key: Key::new("tailscale.device", "nBOB1CNTRL"), ..scene };
    insta::assert_snapshot!(somebody_elses.word(&[holder("r2", &with, false)], &[]).await, @"the device belongs to somebody else (bob-desktop); pick one of your own devices and ask again");
    let gone = Scene { key: Key::new("tailscale.device", "nGONECNTRL"), ..somebody_elses };
    insta::assert_snapshot!(gone.word(&[], &[holder("r3", &with, true)]).await, @r#"{"found":"gone"}"#);
}

/// Draws numbers from a seed, the same for everybody.
struct Dice(u64);

impl Dice {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % count
    }
}

/// Settles until it works, as the kernel does.
async fn until_settled(scene: &Scene, live: &[Holder], leaving: &[Holder]) -> Found {
    for _ in 0..4 {
        if let Ok(found) = scene.settle(live, leaving).await {
            return found;
        }
    }
    panic!("it never settles: {:?}", scene.settle(live, leaving).await);
}

#[tokio::test]
async fn holders_that_come_and_go_in_any_order_leave_it_as_it_was_whatever_call_fails() {
    let with = json!({ "device": "nALICE1CNTRL", "routes": ["10.0.0.0/16"], "authorized": false });
    let lent = Some((vec!["10.0.0.0/16".to_owned()], false, false));
    for seed in 0..40 {
        let mut dice = Dice(seed);
        let scene = Scene::device().await;
        let mut live: Vec<Holder> = Vec::new();
        for number in 0..10 {
            let endpoint = [Endpoint::Authorize, Endpoint::Routes, Endpoint::Device][dice.below(3)];
            let fault = [Fault::Status(503), Fault::LoseReply, Fault::Forget][dice.below(3)].clone();
            scene.world.fault(endpoint, fault, Some(u32::try_from(dice.below(2)).unwrap()));
            if live.is_empty() || dice.below(2) == 0 {
                live.push(holder(&format!("r{number}"), &with, false));
                let found = until_settled(&scene, &live, &[]).await;
                assert_eq!(found, Found::On { until: None }, "seed {seed}");
                live.iter_mut().for_each(|one| *one = holder(one.request_id.as_str(), &with, true));
            } else {
                let gone = live.remove(dice.below(live.len()));
                let found = until_settled(&scene, &live, &[gone]).await;
                assert_eq!(found.is_on(), !live.is_empty(), "seed {seed}: {found:?}");
            }
            let is_lent = scene.world.device_settings("alice-laptop") == lent;
            assert_eq!(is_lent, !live.is_empty(), "seed {seed}");
            scene.world.clear_faults(Endpoint::Any);
        }
        let all = std::mem::take(&mut live);
        until_settled(&scene, &[], &all).await;
        assert_eq!(scene.world.leftovers(), Vec::<String>::new(), "seed {seed}");
    }
}
