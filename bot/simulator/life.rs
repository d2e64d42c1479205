//! One run: the bot is started, lives, is killed, is started again, until all is over; then everything must be as it was.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::company::{AUTH_KEY_SECRET, GUARDRAILS, REPORT, SECRETS, WORKFLOWS};
use super::harm;
use super::people;
use super::plan::{Act, Harm, Plan};
use super::processor;
use super::world::{Inner, Next, World};
use crate::catalog::Catalog;
use crate::clock::{Clock, Ids};
use crate::engine::links::LinkPlace;
use crate::engine::logbook::Logbook;
use crate::engine::pastes::PasteSettings;
use crate::engine::{Engine, Parts};
use crate::kernel::State;
use crate::notices::Notices;
use crate::outside::slack::{Slack, SlackSettings};
use crate::outside::tailscale::{Credential, Tailscale, TailscaleSettings};
use crate::planted;
use crate::slack::edge::Edge;
use crate::slack::surface::Surface;
use crate::steps;
use crate::store::still::{self, Fate, look, look_in_time};
use crate::store::{AnchorFile, OpenError, Store};

/// When every run begins: 2030-01-01.
const BEGIN_MS: i64 = 1_893_456_000_000;
/// After the last act: the longest hold, the longest wait for an answer, and the longest pauses.
const REST_MS: i64 = 5 * 3_600_000;

/// Whatever was under way after the last act has arrived.
const SETTLED_MS: i64 = 15 * 60_000;

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was found wrong.
    pub found: Option<String>,
    /// How much time passed in it.
    pub lasted_ms: i64,
    /// What happened, if it was to be told.
    pub story: Vec<String>,
}

enum End {
    Killed { down_ms: i64, harm: Option<Harm> },
    Over,
}

/// How long the service manager takes to start a bot that gave up.
const STARTED_ANEW_MS: i64 = 1_000;

/// What cannot go wrong, went wrong: no file, no memory.
pub type Mishap = Box<dyn std::error::Error + Send + Sync>;

/// What is the same in every run, and takes long to make.
#[derive(Clone)]
struct Made {
    notices: Notices,
    catalog: Catalog,
    /// A new database.
    database: Vec<u8>,
}

thread_local! {
    static MADE: RefCell<Option<Made>> = const { RefCell::new(None) };
}

fn made(folder: &Path) -> Result<Made, Mishap> {
    if let Some(made) = MADE.with_borrow(Clone::clone) {
        return Ok(made);
    }
    let workflows = folder.join("workflows");
    std::fs::create_dir(&workflows)?;
    for (name, text) in WORKFLOWS.into_iter().chain([REPORT]) {
        std::fs::write(workflows.join(format!("{name}.yaml")), text)?;
    }
    let policies = folder.join("policies");
    std::fs::create_dir(&policies)?;
    std::fs::write(policies.join(GUARDRAILS.0), GUARDRAILS.1)?;
    let catalog = Catalog::read_under(&workflows, &policies, steps::TYPES).map_err(|report| report.to_string())?;
    let new = folder.join("new.db");
    let store = look(Store::open(&format!("sqlite://{}", new.display())))?;
    store.abandon();
    let made = Made { notices: Notices::built_in()?.knowing(steps::TYPES), catalog, database: std::fs::read(&new)? };
    MADE.set(Some(made.clone()));
    Ok(made)
}

/// Runs a plan.
///
/// # Errors
/// The machine does not do its part.
pub fn run(plan: &Plan, tells: bool) -> Result<Outcome, Mishap> {
    processor::keep_to_one();
    let base = Path::new("/dev/shm");
    let folder = if base.is_dir() { tempfile::tempdir_in(base)? } else { tempfile::tempdir()? };
    let made = made(folder.path())?;
    std::fs::write(folder.path().join("nightlatch.db"), &made.database)?;
    let world = World::new(plan.seed, BEGIN_MS, tells);
    let mut last = BEGIN_MS;
    for planned in &plan.acts {
        last = BEGIN_MS.saturating_add(planned.at).max(last);
        world.lock().plan(BEGIN_MS.saturating_add(planned.at), planned.act.clone());
    }
    let mut until = last.saturating_add(REST_MS);
    let ids = Ids::seeded(plan.seed);
    let mut copied = None;
    still::fill_disk(false);
    planted::plant(plan.fault);
    loop {
        let watching = world.clone();
        still::simulate(Some(Arc::new(move |call, after| watching.watch(call, after))));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
        let end = runtime.block_on(live(&world, (folder.path(), &made), &ids, (&mut until, plan.is_gentle())));
        world.lock().is_dead = true;
        drop(runtime);
        still::simulate(None);
        let mut inner = world.lock();
        if let Some(store) = inner.store.take() {
            store.abandon();
        }
        match end? {
            End::Over => break,
            _ if inner.found.is_some() || inner.now >= until => break,
            End::Killed { down_ms, harm } => {
                inner.cut_off();
                if let Some(harm) = harm {
                    harm::befalls(&mut inner, folder.path(), harm, &mut copied)?;
                }
                let up_at = inner.now.saturating_add(down_ms);
                inner.tell(|| "killed".to_owned());
                while inner.next_at().is_some_and(|at| at <= up_at) {
                    inner.now = inner.next_at().unwrap_or(up_at).max(inner.now);
                    // What people do while the bot is away reaches nobody.
                    inner.happen();
                }
                inner.now = up_at;
                inner.disturbed();
                inner.tell(|| "started anew".to_owned());
            }
        }
    }
    planted::plant(None);
    let mut inner = world.lock();
    let lasted_ms = inner.now.saturating_sub(BEGIN_MS);
    Ok(Outcome { found: inner.found.take(), lasted_ms, story: inner.story.take().unwrap_or_default() })
}

/// The bot's own side of the world.
struct Bot {
    clock: Clock,
    engine: Engine,
    edge: Edge,
    store: Store,
    stop: CancellationToken,
}

async fn start(world: &World, (folder, made): (&Path, &Made), ids: &Ids) -> Result<Bot, Mishap> {
    let (now, wall) = {
        let inner = world.lock();
        (inner.now, inner.wall)
    };
    let clock = Clock::simulated(now.saturating_add(wall));
    let store = open(folder)?;
    clock.remember(look(store.last_saved_at())?);
    world.lock().works_on(store.clone(), clock.clone());
    let [bot_token, client_secret, _] = SECRETS;
    let net = world.net();
    let settings = SlackSettings::new("https://slack.com/api", bot_token.into(), None);
    let slack = Slack::new(SlackSettings { net: net.clone(), ..settings }, clock.clone())?;
    let secret = client_secret.into();
    let credential = Credential::ClientCredentials { client_id: "kSIM".to_owned(), secret };
    let settings = TailscaleSettings::new(url::Url::parse("https://api.tailscale.com")?, credential);
    let tailscale = Tailscale::new(TailscaleSettings { net: net.clone(), ..settings }, clock.clone())?;
    let url = "https://nightlatch.sim.ts.net";
    let parts = Parts {
        clock: clock.clone(),
        ids: ids.clone(),
        slack: slack.clone(),
        tailscale,
        notices: made.notices.clone(),
        steps: steps::LIST,
        catalog: made.catalog.clone(),
        people: std::collections::BTreeMap::new(),
        // Whoever asks twice makes two holders of one thing, which is what is looked for here.
        ceilings: crate::config::Ceilings { same: u32::MAX, ..crate::config::Ceilings::default() },
        services: steps::Services::new(net, std::collections::BTreeMap::new()),
        links: look_in_time(LinkPlace::here(&store, url))?,
        pastes: PasteSettings { here: url.to_owned(), tclip: None },
        logbook: look_in_time(Logbook::open(
            &store,
            (AnchorFile::new(&folder.join("nightlatch.anchor")), None),
            clock.clone(),
        ))?,
        store: store.clone(),
    };
    let stop = CancellationToken::new();
    let (engine, _running) = Engine::start(parts, stop.clone());
    let edge = Edge::new(Surface::handler(engine.clone()), slack);
    Ok(Bot { clock, engine, edge, store, stop })
}

/// The threads of a bot that was killed let go of its file a moment later, in real time.
fn open(folder: &Path) -> Result<Store, Mishap> {
    let address = format!("sqlite://{}", folder.join("nightlatch.db").display());
    for _ in 0..5_000 {
        match look(Store::open(&address)) {
            Err(OpenError::InUse(_)) => std::thread::park_timeout(Duration::from_millis(1)),
            opened => return Ok(opened?),
        }
    }
    Err("the killed bot does not let go of its file".into())
}

async fn live(
    world: &World,
    (folder, made): (&Path, &Made),
    ids: &Ids,
    (until, is_gentle): (&mut i64, bool),
) -> Result<End, Mishap> {
    let bot = start(world, (folder, made), ids).await?;
    let mut kill: Option<Kill> = None;
    let mut look_at = 0;
    let last_act = until.saturating_sub(REST_MS).saturating_add(SETTLED_MS);
    harm::is_noticed(world, &bot.engine);
    loop {
        let (next, now) = {
            let mut inner = world.lock();
            inner.refresh();
            inner.note_calm();
            if bot.store.broken().borrow().is_some() {
                inner.tell(|| "the bot gives up".to_owned());
                return Ok(End::Killed { down_ms: STARTED_ANEW_MS, harm: None });
            }
            if inner.is_dead {
                let (down_ms, harm) = kill.map_or((0, None), |kill| (kill.down_ms, kill.harm));
                return Ok(End::Killed { down_ms, harm });
            }
            (inner.happen(), inner.now)
        };
        match next {
            Some(Next::Done) => continue,
            Some(Next::Act(act)) => {
                if let Act::Suspend { for_ms } = act {
                    // Nobody does anything in its sleep: what was to happen meanwhile happens after it.
                    *until = until.saturating_add(for_ms);
                }
                if act == Act::Accept {
                    accept(world, folder);
                    continue;
                }
                act_on(world, &bot, act, &mut kill);
                continue;
            }
            None => {}
        }
        people::fill_forms(world, &bot.edge, &bot.store);
        if now >= look_at {
            look_at = now.saturating_add(1_000);
            world.lock().check();
        }
        if now >= *until || (now >= last_act && is_at_rest(world, &bot)) {
            over(world, &bot, (is_gentle, folder));
            return Ok(End::Over);
        }
        let Some(at) = world.lock().rests_until(now, *until, kill.as_ref().map(|kill| kill.at)) else {
            if world.lock().found.is_some() {
                return Ok(End::Over);
            }
            continue;
        };
        let wait = Duration::from_millis(at.saturating_sub(now).unsigned_abs());
        tokio::select! {
            biased;
            () = world.bell.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// An operator takes the anchor of the other log away: the running bot notices, and goes on with what the copy says.
fn accept(world: &World, folder: &Path) {
    drop(std::fs::remove_file(folder.join("nightlatch.anchor")));
    let mut inner = world.lock();
    inner.is_unaccepted = false;
    inner.disturbed();
}

/// The bot is to be killed.
struct Kill {
    /// At the latest then.
    at: i64,
    down_ms: i64,
    harm: Option<Harm>,
}

fn act_on(world: &World, bot: &Bot, act: Act, kill: &mut Option<Kill>) {
    match act {
        Act::Ask { person, workflow, device, hold_s, doubled, glass } => {
            people::ask(world, &bot.edge, &bot.store, ((person, device), workflow, hold_s, (doubled, glass)));
        }
        Act::Again => people::again(world, &bot.edge, &bot.store),
        Act::Forge { person, nth } => people::forge(world, &bot.edge, &bot.store, (person, nth)),
        Act::Press { action, person, nth, doubled } => {
            people::press(world, &bot.edge, &bot.store, (action, person, nth, doubled));
        }
        Act::Kill { calls, down_ms, harm } => {
            let mut inner = world.lock();
            inner.fuse = Some(calls);
            *kill = Some(Kill { at: inner.now.saturating_add(2_000), down_ms, harm });
        }
        Act::Fail { calls, is_disk } => {
            world.lock().fails = Some((calls, if is_disk { Fate::Fail } else { Fate::Starve }));
        }
        Act::Step { by_ms } => {
            bot.clock.step_wall(by_ms);
            let mut inner = world.lock();
            inner.wall = inner.wall.saturating_add(by_ms);
            inner.disturbed();
        }
        Act::Suspend { for_ms } => {
            // The machine's clocks go on, its timers and programs stand still.
            bot.clock.suspend(Duration::from_millis(for_ms.unsigned_abs()));
            let mut inner = world.lock();
            inner.refresh();
            inner.disturbed();
            // Nobody could be told anything in its sleep.
            inner.alive_since = inner.now;
        }
        _ => {}
    }
}

/// Nothing is left to happen: then nobody waits for it.
fn is_at_rest(world: &World, bot: &Bot) -> bool {
    world.lock().is_at_rest()
        && look(bot.store.keys()).is_ok_and(|keys| keys.is_empty())
        && look(bot.store.left_behind(bot.clock.now_ms().saturating_add(SETTLED_MS))).is_ok_and(|count| count == 0)
}

/// I10: no secret is in a file.
fn look_for_secrets(inner: &mut Inner, folder: &Path) {
    for file in ["nightlatch.db", "nightlatch.db-wal"] {
        let bytes = std::fs::read(folder.join(file)).unwrap_or_default();
        for secret in SECRETS.into_iter().chain([AUTH_KEY_SECRET]) {
            if bytes.windows(secret.len()).any(|window| window == secret.as_bytes()) {
                inner.wrong(|| format!("{secret} is in {file}"));
            }
        }
    }
}

/// All is over: everything is as hands left it, nothing is held, nobody waits, and the log is whole.
fn over(world: &World, bot: &Bot, (is_gentle, folder): (bool, &Path)) {
    bot.stop.cancel();
    let mut inner = world.lock();
    inner.check();
    let now = bot.clock.now_ms();
    for state in [State::Pending, State::Approved, State::Activating, State::Active, State::Ending] {
        for request in look(bot.engine.store().requests_in(state, 10)).unwrap_or_default() {
            if inner.deals.is_spoilt(request.id.as_str()) {
                continue;
            }
            inner.wrong(|| format!("{} is still {} at the end", request.id, state.word()));
        }
    }
    for key in look(bot.store.keys()).unwrap_or_default() {
        inner.wrong(|| format!("{key} is still in the ledger at the end"));
    }
    if let Some(link) = look(bot.store.links()).unwrap_or_default().first() {
        inner.wrong(|| format!("go/{} is there, and nobody holds it", link.short));
    }
    look_for_secrets(&mut inner, folder);
    if let Ok(count @ 1..) = look(bot.store.held_pastes()) {
        inner.wrong(|| format!("{count} pastes are there, and nobody holds them"));
    }
    if let Ok(count @ 1..) = look(bot.store.left_behind(now)) {
        inner.wrong(|| format!("{count} effects were never performed"));
    }
    inner.check_all_gone();
    inner.check_told(is_gentle);
    match look(bot.store.verify_audit()) {
        Ok(Ok(_)) => {}
        Ok(Err(tampered)) => inner.wrong(|| tampered.to_string()),
        Err(error) => inner.wrong(|| error.to_string()),
    }
    if let Some(mistake) = inner.slack.mistakes.pop() {
        inner.wrong(|| format!("Slack would refuse {mistake}"));
    }
}
