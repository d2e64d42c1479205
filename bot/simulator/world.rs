//! The world around the bot: true time, what waits to happen, the network with its troubles, and what was found wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use tokio::sync::{Notify, oneshot};

use super::deals::Deals;
use super::dice::Dice;
use super::model::Model;
use super::network::Call;
use super::places::{Place, Places};
use super::plan::{Act, Trouble};
use super::service::Service;
use super::slack::Slack;
use super::tailnet::Tailnet;
use crate::clock::Clock;
use crate::kernel::{RequestId, State};
use crate::outside::net::{Answered, Net};
use crate::store::Store;
use crate::store::still::{Fate, StoreCall};

/// The world is looked at at least this often.
const LOOK_MS: i64 = 120_000;
/// So long after an older database was put back, an operator has looked at what is on.
const ACCEPTED_MS: i64 = 600_000;

/// What waits to happen.
pub enum Happening {
    Plan(Act),
    Heal(Trouble),
    Arrive(Box<Call>),
    Answer(oneshot::Sender<Answered>, Answered),
}

/// Something for whoever drives the bot.
pub enum Next {
    /// A person does this.
    Act(Act),
    /// Nothing that concerns the bot.
    Done,
}

/// Everything but the bot.
pub struct Inner {
    /// True time, in milliseconds since the Unix epoch.
    pub now: i64,
    pub seed: u64,
    pub dice: Dice,
    /// How often each thing was called.
    pub times_called: BTreeMap<String, u64>,
    pub tailnet: Tailnet,
    pub service: Service,
    /// What is on anywhere.
    pub places: Places,
    pub slack: Slack,
    pub model: Model,
    pub deals: Deals,
    /// How far the bot's clock is ahead of true time.
    pub ahead: i64,
    /// How far the wall clock is ahead of true time.
    pub wall: i64,
    pub queue: BTreeMap<(i64, u64), Happening>,
    number: u64,
    pub troubles: Vec<Trouble>,
    /// When something was last broken.
    pub calm_since: i64,
    /// When something was last broken that keeps access from ending.
    pub clear_since: i64,
    /// Calls may be paced until then, because they were limited.
    pub paced_until: i64,
    /// When something was last broken that keeps people from being told.
    pub heard_since: i64,
    /// The newest ask, as Slack delivers it.
    pub newest_ask: Option<(usize, serde_json::Value)>,
    /// Calls of seams until the bot is killed; none: it lives on.
    pub fuse: Option<u32>,
    /// Calls of the database until one fails, and how.
    pub fails: Option<(u32, Fate)>,
    /// When one failed last.
    pub failed_at: i64,
    /// Since when the bot runs.
    pub alive_since: i64,
    /// The bot was killed: nothing of it comes out any more.
    pub is_dead: bool,
    /// True time minus the bot's steady clock, and that clock.
    pub steady: Option<(i64, Clock)>,
    pub store: Option<Store>,
    /// When people ceased to decide.
    pub dismissed: BTreeMap<String, i64>,
    /// When people left the company.
    pub quit: BTreeMap<usize, i64>,
    /// When devices became somebody else's.
    pub passed: BTreeMap<String, i64>,
    /// Since when requests are stuck.
    pub stuck: BTreeMap<String, i64>,
    /// By how much the wall clock is wrong when the machine starts again, and how long.
    pub wrong_at_start: Option<(i64, i64)>,
    /// When something starts by itself the next time.
    pub report_at: i64,
    /// An older database was put back and has not been looked through yet.
    pub is_put_back: bool,
    /// An older database was put back, now or earlier.
    pub is_restored: bool,
    /// An older database was put back, and nobody has accepted it yet.
    pub is_unaccepted: bool,
    /// What is on and an older database does not know.
    pub unknown: Vec<Place>,
    /// Who pressed a button of which request.
    pub pressed: BTreeSet<(String, String)>,
    /// Who typed that they break glass, and why.
    pub typed_glass: BTreeSet<(String, String)>,
    /// Who extended which request, and the end that they were shown.
    pub extended: BTreeSet<(String, String, i64)>,
    pub seen: i64,
    pub calls: Vec<i64>,
    /// A moment, and the calls of the database in it so far.
    pub calls_at: (i64, u32),
    /// What was found wrong first.
    pub found: Option<String>,
    /// What happened, for whoever looks into a red run.
    pub story: Option<Vec<String>>,
}

/// The handle everybody has.
#[derive(Clone)]
pub struct World {
    inner: Arc<Mutex<Inner>>,
    /// Rings when something is to happen earlier than was known.
    pub bell: Arc<Notify>,
}

impl World {
    pub fn new(seed: u64, now: i64, tells: bool) -> Self {
        let inner = Inner {
            now,
            seed,
            dice: Dice::new(seed ^ 0x5eed),
            times_called: BTreeMap::new(),
            tailnet: Tailnet::new(now),
            service: Service::default(),
            places: Places::default(),
            slack: Slack::default(),
            model: Model::default(),
            deals: Deals::default(),
            ahead: 0,
            wall: 0,
            queue: BTreeMap::new(),
            number: 0,
            troubles: Vec::new(),
            calm_since: now,
            clear_since: now,
            paced_until: now,
            heard_since: now,
            newest_ask: None,
            fuse: None,
            fails: None,
            failed_at: i64::MIN,
            alive_since: now,
            is_dead: false,
            steady: None,
            store: None,
            dismissed: BTreeMap::new(),
            quit: BTreeMap::new(),
            passed: BTreeMap::new(),
            stuck: BTreeMap::new(),
            wrong_at_start: None,
            report_at: now.saturating_add(super::company::REPORT_FIRST_MS),
            is_put_back: false,
            is_restored: false,
            is_unaccepted: false,
            unknown: Vec::new(),
            pressed: BTreeSet::new(),
            typed_glass: BTreeSet::new(),
            extended: BTreeSet::new(),
            seen: 0,
            calls: Vec::new(),
            calls_at: (now, 0),
            found: None,
            story: tells.then(Vec::new),
        };
        Self { inner: Arc::new(Mutex::new(inner)), bell: Arc::default() }
    }

    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The network as the bot sees it.
    pub fn net(&self) -> Net {
        let world = self.clone();
        Net::memory(Arc::new(move |request| world.receive(request).boxed()))
    }

    /// Is asked about every call to the database.
    pub fn watch(&self, call: StoreCall, after: bool) -> Fate {
        let mut inner = self.lock();
        inner.refresh();
        if inner.is_spinning() {
            return Fate::Die;
        }
        if after && call == StoreCall::Commit && !inner.is_dead {
            inner.look();
        }
        // Reads of the log go on beside, in real time: they burn no fuse.
        let fate = match call {
            StoreCall::Read if inner.is_dead => Fate::Die,
            StoreCall::Read => Fate::Go,
            StoreCall::Begin if !after && !inner.is_dead && inner.is_broken(Trouble::Locked) => Fate::Wait,
            _ => match inner.step() {
                Fate::Go => inner.disk(),
                fate => fate,
            },
        };
        drop(inner);
        if matches!(fate, Fate::Die | Fate::Fail) {
            self.bell.notify_one();
        }
        fate
    }

    fn receive(&self, request: http::Request<Vec<u8>>) -> impl Future<Output = Answered> + Send + 'static {
        let (answer, answered) = oneshot::channel();
        let mut inner = self.lock();
        inner.refresh();
        if inner.step() == Fate::Go {
            inner.send(request, answer);
        } else {
            // Kept, so that whoever waits waits for ever.
            std::mem::forget(answer);
        }
        drop(inner);
        self.bell.notify_one();
        async move {
            match answered.await {
                Ok(answer) => answer,
                Err(_) => std::future::pending().await,
            }
        }
    }
}

impl Inner {
    /// Writes a line of the story.
    pub fn tell(&mut self, line: impl FnOnce() -> String) {
        let now = self.now;
        if let Some(story) = &mut self.story {
            let at = jiff::Timestamp::from_millisecond(now).map(|at| at.to_string()).unwrap_or_default();
            story.push(format!("{at} {}", line()));
        }
    }

    /// Notes what is wrong; the first thing counts.
    pub fn wrong(&mut self, what: impl FnOnce() -> String) {
        if self.found.is_none() {
            let what = what();
            self.tell(|| format!("WRONG: {what}"));
            self.found = Some(what);
        }
    }

    /// What time it is by now.
    pub fn refresh(&mut self) {
        if let Some((offset, clock)) = &self.steady {
            self.now = self.now.max(offset.saturating_add(clock.steady_ms()));
            self.ahead = clock.now_ms().saturating_sub(self.now);
        }
    }

    pub fn put(&mut self, at: i64, what: Happening) {
        self.number = self.number.saturating_add(1);
        self.queue.insert((at.max(self.now), self.number), what);
    }

    /// Something of the plan.
    pub fn plan(&mut self, at: i64, act: Act) {
        self.put(at, Happening::Plan(act));
    }

    /// Whether nothing is planned or broken, and every request is over.
    pub fn is_at_rest(&self) -> bool {
        let is_over = self.deals.all().all(|request| request.state == State::Ended);
        is_over && self.queue.is_empty() && self.troubles.is_empty() && self.deals.is_awaited_nowhere()
    }

    /// When something happens next.
    pub fn next_at(&self) -> Option<i64> {
        self.queue.keys().next().map(|(at, _)| *at)
    }

    pub fn is_broken(&self, trouble: Trouble) -> bool {
        self.troubles.contains(&trouble)
    }

    /// The bot works on this database now, or on none.
    pub fn works_on(&mut self, store: Store, clock: Clock) {
        self.store = Some(store);
        self.steady = Some((self.now.saturating_sub(clock.steady_ms()), clock));
        self.is_dead = false;
        self.alive_since = self.now;
        self.fuse = None;
        self.fails = None;
    }

    /// These requests cannot be read any more, or something of them is lost.
    pub fn spoil(&mut self, ids: Vec<String>) {
        for id in ids.into_iter().filter(|id| !id.is_empty()) {
            self.tell(|| format!("something of {id} cannot be read any more"));
            self.model.spoil(&RequestId(id.clone()));
            self.deals.spoil(&RequestId(id));
        }
    }

    /// The database is older than it was.
    pub fn put_back(&mut self) {
        self.tell(|| "an older database was put back".to_owned());
        self.model.put_back(&self.places, self.now);
        self.deals.clear();
        self.stuck.clear();
        self.seen = 0;
        self.is_put_back = true;
        self.is_restored = true;
        self.is_unaccepted = true;
        self.plan(self.now.saturating_add(ACCEPTED_MS), Act::Accept);
    }

    /// What is under way when the bot is killed arrives at once or never; nobody hears the answers.
    pub fn cut_off(&mut self) {
        // The machine asks for the time when it starts.
        self.wall = 0;
        if let Some((by_ms, for_ms)) = self.wrong_at_start.take() {
            self.wall = by_ms;
            self.plan(self.now.saturating_add(for_ms), Act::Step { by_ms: by_ms.saturating_neg() });
        }
        self.steady = None;
        self.store = None;
        for (at, what) in std::mem::take(&mut self.queue) {
            match what {
                Happening::Arrive(call) => {
                    if self.dice.chance(50) {
                        let _ = self.arrive(&call);
                    }
                }
                Happening::Answer(..) => {}
                other => drop(self.queue.insert(at, other)),
            }
        }
        self.disturbed();
    }

    /// When whoever drives the bot looks again; nothing: at once.
    pub fn rests_until(&mut self, now: i64, until: i64, kill_at: Option<i64>) -> Option<i64> {
        if kill_at.is_some_and(|at| at <= now) {
            self.tell(|| "killed where it stands".to_owned());
            self.is_dead = true;
        }
        if self.is_dead || self.found.is_some() {
            return None;
        }
        let at = self.next_at().unwrap_or(until).min(until).min(now.saturating_add(LOOK_MS));
        Some(kill_at.map_or(at, |kill_at| at.min(kill_at)))
    }
}

pub fn brief_text(text: &str) -> String {
    text.chars().take(300).collect()
}
