//! What was typed is saved and acknowledged before anybody is looked up; then a request is made of it, or it is said why not.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::json;

use super::asking::{AskError, Form, Prepared};
use super::directory::{List, Whose};
use super::jobs::{self, Job, Outcome, Written};
use super::people::FRESH_MS;
use super::performed::{Performed, pause_ms};
use super::preparing::{Facts, seal};
use super::writer::{Seen, repeated, save};
use super::{Engine, TellError, guarding};
use crate::kernel::effect::{Due, Effect};
use crate::kernel::kept::Note;
use crate::kernel::origin::Origin;
use crate::kernel::{Actor, Ask, Event, Failure, Moment, NotAsked, Person, Refusal, Request, RequestId, Typed, Who};
use crate::outside::tailscale::Device;
use crate::store::{StoreError, Tx, Waiting};

/// Attempts to tell somebody what became of what they typed.
const ANSWER_ATTEMPTS_MAX: i64 = 8;
/// Words that fit none of somebody's devices have the list read again if it is older than this.
const SEARCHED_MS: i64 = 30_000;
/// The shortest pause between two attempts to find out what must be known.
const PAUSE_MIN_MS: i64 = 250;

/// What became of something that was typed.
#[derive(Clone, Debug, PartialEq)]
pub enum Answered {
    /// This request.
    Asked(Box<Request>),
    /// Nothing.
    NotAsked(NotAsked),
}

/// How whoever typed is told. Made by the surface where it was typed; an error that is not lasting is tried again.
pub type Answering = Arc<dyn Fn(RequestId, Typed, Answered) -> BoxFuture<'static, Result<(), Failure>> + Send + Sync>;

/// What the writer writes about something that was typed.
pub(super) enum TypedWork {
    /// It was typed. The request it may become has its id already.
    Begin { id: RequestId, typed: Typed },
    /// It became a request.
    Asked { typed: Typed, ask: Box<Ask> },
    /// It became none.
    NotAsked { id: RequestId, typed: Typed, why: NotAsked },
}

impl TypedWork {
    /// Who the log says it was.
    pub(super) fn actor(&self) -> Actor {
        match self {
            // Nobody did anything: its time came.
            Self::Begin { typed, .. } | Self::Asked { typed, .. } if !typed.origin.is_typed() => Actor::Clock,
            Self::Begin { typed, .. } | Self::Asked { typed, .. } => Actor::Person { slack_id: typed.by.clone() },
            Self::NotAsked { .. } => Actor::Worker,
        }
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Begin { .. } => "typed",
            Self::Asked { .. } => "asked",
            Self::NotAsked { .. } => "not_asked",
        }
    }
}

impl Engine {
    /// Saves what somebody typed. Returns when it is saved; it is looked up afterwards, and whoever typed it is told what became of
    /// it. Returns the id of the request it may become.
    ///
    /// # Errors
    /// Not saved; nothing will come of it then.
    pub async fn typed(
        &self,
        by: &str,
        form: &Form,
        view: Option<String>,
        delivery: Option<String>,
    ) -> Result<RequestId, TellError> {
        let now = self.inner.clock.now_ms();
        let id = RequestId(self.inner.ids.next(now));
        let typed = Typed {
            by: by.to_owned(),
            workflow: form.workflow.name.clone(),
            values: form.values.clone(),
            channel: form.channel.clone(),
            view,
            at: now,
            origin: Origin::Typed,
            breaks_glass: form.breaks_glass,
            for_whom: form.for_whom.clone(),
        };
        let work = TypedWork::Begin { id: id.clone(), typed };
        let actor = work.actor();
        self.submit(jobs::Work::Typed(Box::new(work)), actor, delivery, None).await?;
        Ok(id)
    }

    /// How whoever typed something is told what became of it. The first one stays.
    pub fn answer_with(&self, answering: Answering) {
        drop(self.inner.answering.set(answering));
    }

    /// What a form amounts to, looked up in Slack and the tailnet. Takes as long as they take, with limits: nobody's answer may wait for it.
    ///
    /// # Errors
    /// See `AskError`.
    pub async fn prepare_afresh(&self, slack_id: &str, form: &Form) -> Result<Prepared, AskError> {
        let since = self.inner.clock.now_ms().saturating_sub(FRESH_MS);
        self.look_up(slack_id, form, since, None).await
    }

    async fn look_up(
        &self,
        slack_id: &str,
        form: &Form,
        since: i64,
        id: Option<RequestId>,
    ) -> Result<Prepared, AskError> {
        // At the very first start everybody waits for the lists, and nobody is looked up one by one.
        for list in List::ALL {
            self.inner.directory.first_reading(list).await.map_err(AskError::Failed)?;
        }
        match self.prepare_from(slack_id, form, Facts::Known, id.clone()).await? {
            Prepared::Unknown => self.prepare_from(slack_id, form, Facts::Fresh { since }, id).await,
            known => Ok(known),
        }
    }

    /// Who this is and what they belong to of everything that workflows ask for, as far as it is known here.
    ///
    /// # Errors
    /// Our own records cannot be read.
    pub async fn known_person(&self, slack_id: &str) -> Result<Option<Person>, Failure> {
        self.inner.directory.person(slack_id, &self.rules_of_asking()).await
    }

    /// The same, looked up: the person afresh, the groups as they are known. Takes as long as Slack and Tailscale take, with limits.
    ///
    /// # Errors
    /// Slack or Tailscale did not say.
    pub async fn person_afresh(&self, slack_id: &str) -> Result<Person, Failure> {
        for list in List::ALL {
            self.inner.directory.first_reading(list).await?;
        }
        let mut person = self.inner.people.fresh(slack_id, true).await?;
        person.belongs = self.inner.directory.groups_of(&person, &self.rules_of_asking()).await?;
        Ok(person)
    }

    fn rules_of_asking(&self) -> Vec<Who> {
        let catalog = self.catalog();
        let mut rules: Vec<Who> = catalog.workflows().flat_map(|workflow| workflow.askers()).collect();
        rules.sort_unstable();
        rules.dedup();
        rules
    }

    /// Devices that fit what somebody typed so far, the newest seen first. If none does, a list that is not quite new is read
    /// again, and waited for as long as the caller likes.
    ///
    /// # Errors
    /// Our own records cannot be read, or Tailscale did not say.
    pub async fn suggested_devices(&self, whose: &Whose, query: &str, limit: usize) -> Result<Vec<Device>, Failure> {
        let directory = &self.inner.directory;
        let known = directory.devices(whose, query, limit).await?;
        if !known.is_empty() {
            return Ok(known);
        }
        let has_some = !query.trim().is_empty() && !directory.devices(whose, "", 1).await?.is_empty();
        let old_ms = if has_some { SEARCHED_MS } else { FRESH_MS };
        directory.read_since(List::Devices, self.inner.clock.now_ms().saturating_sub(old_ms)).await?;
        directory.devices(whose, query, limit).await
    }
}

/// Makes a request of what was typed, or says why not.
pub(super) async fn complete(engine: &Engine, waiting: &Waiting, id: RequestId, typed: &Typed) -> Performed {
    let work = match completed(engine, &id, typed).await {
        Ok(ask) => TypedWork::Asked { typed: typed.clone(), ask },
        Err(AskError::Failed(failure)) if typed.is_worth_trying(&failure, engine.inner.clock.now_ms()) => {
            let left = typed.tried_until().saturating_sub(engine.inner.clock.now_ms());
            let pause = pause_ms(waiting.attempts, failure.retry_after_ms).min(left).max(PAUSE_MIN_MS);
            return Performed::later(pause, &failure.what);
        }
        Err(why) => TypedWork::NotAsked { id, typed: typed.clone(), why: why.into() },
    };
    Performed::Typed(Box::new(work))
}

async fn completed(engine: &Engine, id: &RequestId, typed: &Typed) -> Result<Box<Ask>, AskError> {
    let Some(workflow) = engine.catalog().find(&typed.workflow).cloned() else { return Err(AskError::NotLent) };
    let form = Form {
        workflow,
        values: typed.values.clone(),
        channel: typed.channel.clone(),
        is_doubtful: false,
        breaks_glass: typed.breaks_glass,
        for_whom: typed.for_whom.clone(),
    };
    let since = typed.at.saturating_sub(FRESH_MS);
    match engine.look_up(&typed.by, &form, since, Some(id.clone())).await? {
        Prepared::Complete(mut ask) => {
            if !typed.origin.is_typed() {
                ask.origin = typed.origin.clone();
                ask.seal = String::new();
                ask.seal = seal(&ask);
            }
            Ok(ask)
        }
        Prepared::Incomplete { missing, devices } => {
            let devices = devices.iter().map(|device| device.short_name().to_owned()).collect();
            Err(AskError::Missing { inputs: missing, devices })
        }
        Prepared::Unknown => Err(AskError::NotLent),
    }
}

/// Tells whoever typed what became of it.
pub(super) async fn answer(
    engine: &Engine,
    (waiting, id): (&Waiting, &RequestId),
    typed: &Typed,
    not_asked: Option<&NotAsked>,
) -> Performed {
    let Some(answering) = engine.inner.answering.get() else {
        return Performed::later(PAUSE_MIN_MS, "nobody is there yet who could say it");
    };
    let answered = match not_asked {
        Some(why) => Answered::NotAsked(why.clone()),
        None => match engine.inner.store.load(id).await {
            Ok(request) => Answered::Asked(Box::new(request)),
            Err(error @ (StoreError::Unreadable(_) | StoreError::NoSuchRequest(_))) => {
                return Performed::SetAside { why: error.to_string() };
            }
            Err(error) => return Performed::later(1_000, &error.to_string()),
        },
    };
    match answering(id.clone(), typed.clone(), answered).await {
        Ok(()) => Performed::Done,
        Err(failure) if failure.retryable && waiting.attempts < ANSWER_ATTEMPTS_MAX => {
            Performed::later(pause_ms(waiting.attempts, failure.retry_after_ms), &failure.what)
        }
        Err(failure) => {
            tracing::warn!(request.id = %id, actor = typed.by, failure = failure.what, "whoever typed could not be told what became of it");
            Performed::Done
        }
    }
}

/// Writes a request of which everything is known.
pub(super) async fn asked(
    engine: &Engine,
    (tx, seen): (&mut Tx, &mut Seen),
    job: &Job,
    ask: &Ask,
    moment: Moment,
) -> Result<Outcome, StoreError> {
    let most = engine.inner.ceilings.pending;
    let counted = guarding::recounted(engine, tx, ask, moment.now).await?;
    let applied = match Request::ask(counted.as_ref().unwrap_or(ask).clone(), moment) {
        Ok(applied) => applied,
        Err(refusal) => return Ok(Err(refusal.into())),
    };
    let is_new = match &job.delivery {
        Some(key) => !tx.was_delivered(key).await?,
        None => true,
    };
    if is_new {
        if let Some(why) = had_already(engine, tx, ask, moment).await? {
            return Ok(Err(why.into()));
        }
        if let Some(why) = too_many(tx, ask, most).await? {
            return Ok(Err(why.into()));
        }
    }
    match repeated(tx, seen, job, &ask.id, moment.now).await {
        Ok(None) => {}
        Ok(Some(before)) => return Ok(Ok(before)),
        // It was saved as it was typed, before this was known.
        Err(StoreError::NoSuchRequest(_)) => return Ok(Err(TellError::BeingLookedUp)),
        Err(error) => return Err(error),
    }
    tx.one_more_waits(&ask.requester.slack_id);
    save(tx, seen, job, applied, &Event::Asked, moment.now).await.map(Ok)
}

/// That this person has what they ask for, or has asked for it, as often as may be: looked up where it is saved, so that of two who ask
/// at once one is the second. What starts by itself is asked all the same.
async fn had_already(engine: &Engine, tx: &mut Tx, ask: &Ask, moment: Moment) -> Result<Option<Refusal>, StoreError> {
    if !ask.origin.is_typed() {
        return Ok(None);
    }
    let open = tx.open_of(&ask.requester.slack_id, &ask.workflow.name).await?;
    let is_had =
        |request: &&Arc<Request>| request.id != ask.id && ask.is_had_already(request, moment.now, moment.types);
    let had: Vec<&Arc<Request>> = open.iter().filter(is_had).collect();
    let is_enough = had.len() >= usize::try_from(engine.inner.ceilings.same).unwrap_or(usize::MAX);
    Ok(had.last().filter(|_| is_enough).map(|request| Refusal::HadAlready { id: request.ask.id.clone() }))
}

/// Why this person cannot ask for more, if as many requests of theirs wait for a decision as may.
async fn too_many(tx: &mut Tx, ask: &Ask, most: u32) -> Result<Option<Refusal>, StoreError> {
    let waiting = tx.waiting_of(&ask.requester.slack_id).await?;
    Ok((waiting >= i64::from(most)).then_some(Refusal::TooManyPending { most }))
}

/// Writes what happened to something that was typed; the outcome and the answer that is due are saved together.
pub(super) async fn write(
    engine: &Engine,
    (tx, seen): (&mut Tx, &mut Seen),
    job: &Job,
    work: &TypedWork,
    moment: Moment,
) -> Result<Outcome, StoreError> {
    let (now, most) = (moment.now, engine.inner.ceilings.pending);
    match work {
        TypedWork::Begin { id, typed } => {
            if let Some(key) = &job.delivery
                && tx.first_delivery(key, &id.into(), now).await?.is_some()
            {
                return Ok(Ok(Written::Nothing));
            }
            let note = json!({
                "event": "typed", "workflow": typed.workflow, "values": typed.values, "channel": typed.channel,
            });
            tx.note(&id.into(), &job.actor, &Note(note), "typed", now).await?;
            tx.enqueue_for(&id.into(), Effect::Complete { typed: typed.clone() }, now).await?;
            Ok(Ok(Written::Nothing))
        }
        TypedWork::Asked { typed, ask } => match Request::ask(
            guarding::recounted(engine, tx, ask, now).await?.unwrap_or_else(|| Ask::clone(ask)),
            moment,
        ) {
            Ok(mut applied) => {
                if let Some(why) = had_already(engine, tx, ask, moment).await? {
                    return not_asked(tx, job, (&ask.id, typed), NotAsked::Refused { why }, now).await;
                }
                if let Some(why) = too_many(tx, ask, most).await? {
                    return not_asked(tx, job, (&ask.id, typed), NotAsked::Refused { why }, now).await;
                }
                tx.one_more_waits(&ask.requester.slack_id);
                // Where nobody typed, nobody waits to hear that it was asked; the card says so.
                if typed.origin.is_typed() {
                    let effect = Effect::Answer { typed: typed.clone(), not_asked: None };
                    applied.effects.push(Due { at: now, effect });
                }
                save(tx, seen, job, applied, &Event::Asked, now).await.map(Ok)
            }
            Err(why) => not_asked(tx, job, (&ask.id, typed), NotAsked::Refused { why }, now).await,
        },
        TypedWork::NotAsked { id, typed, why } => not_asked(tx, job, (id, typed), why.clone(), now).await,
    }
}

async fn not_asked(
    tx: &mut Tx,
    job: &Job,
    (id, typed): (&RequestId, &Typed),
    why: NotAsked,
    now: i64,
) -> Result<Outcome, StoreError> {
    let note = json!({ "event": "not_asked", "why": why });
    tx.note(&id.into(), &job.actor, &Note(note), "not_asked", now).await?;
    tx.enqueue_for(&id.into(), Effect::Answer { typed: typed.clone(), not_asked: Some(why) }, now).await?;
    Ok(Ok(Written::Nothing))
}
