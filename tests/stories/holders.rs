//! Several hundred overlapping grants, early returns and foreign writes at random, compared with a small reference model:
//! a grant ends exactly what it added, nothing ends early, and what others wrote stays (I5).

use std::collections::BTreeMap;

use nightlatch::engine::asking::{Form, Prepared};
use nightlatch::kernel::{Actor, Button, Event, RequestId, State};

use crate::harness::*;

const OPERATIONS: u32 = 160;

/// What stands in the tailnet: a value and its end.
type World = Option<(bool, Option<i64>)>;

/// One key as it should be. Ends are those Tailscale was told.
#[derive(Default, Debug)]
struct Model {
    world: World,
    before: World,
    is_ours: bool,
    /// Request, and the two ends of it: ours and the one told to Tailscale.
    live: BTreeMap<String, (i64, i64)>,
}

impl Model {
    /// Time passes: grants end, and so does what has an end of its own.
    fn advance(&mut self, now: i64) {
        loop {
            let next = self.live.iter().map(|(id, (expires_at, _))| (*expires_at, id.clone())).min();
            let next = next.filter(|(at, _)| *at <= now);
            self.expire(next.as_ref().map_or(now, |(at, _)| *at));
            let Some((at, id)) = next else { return };
            self.end(&id, at);
        }
    }

    fn expire(&mut self, now: i64) {
        if self.world.is_some_and(|(_, end)| end.is_some_and(|end| end <= now)) {
            self.world = None;
        }
    }

    /// False: somebody else's value is in the way.
    fn grant(&mut self, id: &str, expires_at: i64, until: i64) -> bool {
        if self.live.is_empty() {
            (self.before, self.is_ours) = (self.world, false);
        }
        self.take_away();
        if self.world.is_some() && self.world != self.before && !self.is_ours {
            return false;
        }
        self.live.insert(id.to_owned(), (expires_at, until));
        self.settle();
        true
    }

    fn end(&mut self, id: &str, now: i64) {
        self.live.remove(id);
        self.take_away();
        if !self.live.is_empty() {
            return self.settle();
        }
        if self.is_ours && self.world.is_some() {
            self.world = self.before.filter(|(_, end)| end.is_none_or(|end| end > now));
        }
        (self.before, self.is_ours) = (None, false);
    }

    /// What was on for them was switched off by somebody else, and they are told so as soon as it is looked at: whoever holds
    /// it then holds it no more.
    fn take_away(&mut self) {
        if !self.world.is_some_and(|(value, _)| value) {
            self.live.clear();
        }
    }

    fn settle(&mut self) {
        let until = self.live.values().map(|(_, until)| *until).max().unwrap_or(0);
        let covers = |world: World| world.is_some_and(|(value, end)| value && end.is_none_or(|end| end >= until));
        let is_foreign = self.world.is_some() && self.world != self.before && !self.is_ours;
        if is_foreign || (self.world == self.before && !self.is_ours && covers(self.world)) {
            return;
        }
        (self.world, self.is_ours) = (Some((true, Some(until))), true);
    }

    fn foreign(&mut self, world: World) {
        (self.world, self.is_ours) = (world, false);
    }
}

/// A small generator, so that a failing run can be told again from its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

fn seen(stage: &Stage) -> World {
    let value = stage.tailnet.attribute("alice-laptop", JIT)?.as_bool()?;
    Some((value, stage.tailnet.expiry("alice-laptop", JIT)))
}

/// Alice asks and bob approves, without a detour through Slack; what became of it.
async fn granted(stage: &Stage, minutes: u64, model: &mut Model) {
    let engine = stage.bot.engine().await;
    let workflow = engine.catalog().find("prod-db").expect("the workflow").clone();
    let form = Form::from_words(workflow, &format!("{minutes}m random"), None);
    let Ok(Prepared::Complete(ask)) = engine.prepare("U0ALICE01", &form).await else { panic!("it is complete") };
    let told = engine.ask(*ask, None).await.expect("it is saved");
    press(&engine, &told.request.ask.id, "U0BOB0001", Button::Approve { confirmed: false, hold_ms: None }).await;
    drop(engine);
    stage.bot.settle().await;
    let request = stage.bot.store().await.load(&told.request.ask.id).await.expect("the request");
    let id = request.ask.id.to_string();
    let until = request.steps[0].until.expect("an end").div_euclid(1000) * 1000;
    match request.active_at {
        Some(active_at) => {
            model.advance(active_at);
            let expires_at = request.expires_at.expect("an end");
            assert!(model.grant(&id, expires_at, until + 1000 * i64::from(request.steps[0].until != Some(until))));
        }
        None => {
            model.advance(request.ended_at.expect("an end"));
            assert!(!model.grant(&id, 0, 0), "refused although nobody else's value was there: {request:?}\n{model:?}");
        }
    }
}

async fn press(engine: &nightlatch::engine::Engine, id: &RequestId, by: &str, button: Button) {
    let request = engine.store().load(id).await.expect("the request");
    let event = Event::Pressed { by: by.to_owned(), button, channel: None, seal: request.ask.seal.clone(), on: None };
    engine.tell(Actor::Person { slack_id: by.to_owned() }, id, event, None).await.expect("it is saved");
}

async fn returned(stage: &Stage, id: &str, model: &mut Model) {
    let engine = stage.bot.engine().await;
    let id = RequestId(id.to_owned());
    press(&engine, &id, "U0ALICE01", Button::Return).await;
    drop(engine);
    let now = stage.clock.now_ms();
    stage.bot.settle().await;
    let request = stage.bot.store().await.load(&id).await.expect("the request");
    assert_eq!(request.state, State::Ended);
    model.advance(now);
    model.end(id.as_str(), now);
}

fn written_by_hand(stage: &Stage, random: &mut Random, model: &mut Model) {
    let minutes = i64::try_from(random.below(90)).expect("small") + 1;
    let end = stage.clock.now_ms().div_euclid(1000) * 1000 + minutes * 60_000;
    let world = [None, Some((true, None)), Some((false, None)), Some((true, Some(end)))]
        [usize::try_from(random.below(4)).expect("small")];
    match world {
        None => stage.tailnet.remove_by_hand("alice-laptop", JIT),
        Some((value, end)) => stage.tailnet.set_by_hand("alice-laptop", JIT, value.into(), end),
    }
    .expect("a device");
    model.foreign(world);
}

async fn told(seed: u64) {
    let setting = Setting::default().several_of_one().prod_db(&[("announce: \"#access\"\n", "")]);
    story_with(setting, async |stage| {
        let (mut random, mut model) = (Random(seed), Model::default());
        for number in 0..OPERATIONS {
            let what = random.below(10);
            match what {
                // Shorter than what is held is left without a look, which the model does not know.
                0..=3 => granted(stage, random.below(60) + 1, &mut model).await,
                4 if !model.live.is_empty() => {
                    let nth = usize::try_from(random.below(model.live.len() as u64)).expect("small");
                    let id = model.live.keys().nth(nth).expect("one of them").clone();
                    returned(stage, &id, &mut model).await;
                }
                5 => written_by_hand(stage, &mut random, &mut model),
                6 if number % 5 == 0 => stage.bot.restart().await,
                _ => stage.advance((random.below(40) + 1).minutes()).await,
            }
            stage.bot.settle().await;
            model.advance(stage.clock.now_ms());
            assert_eq!(seen(stage), model.world, "seed {seed}, operation {number} ({what}): {model:?}");
            assert!(stage.requests().await.iter().all(|request| !request.stuck), "seed {seed}, operation {number}");
        }
        stage.advance(2.hours()).await;
        model.advance(stage.clock.now_ms());
        assert_eq!((seen(stage), model.live.len()), (model.world, 0));
        stage.tailnet.remove_by_hand("alice-laptop", JIT).expect("a device");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn random_holders_end_exactly_what_they_added() {
    told(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn random_holders_of_another_seed_end_exactly_what_they_added() {
    told(20_260_301).await;
}
