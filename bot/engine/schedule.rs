//! Workflows that start by themselves: for each of their schedules one row is put down before its time; what comes of it is saved
//! together with the next one, so that a time counts once, whatever is killed when.

use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::circumstances::Circumstances;
use super::jobs::Work;
use super::performed::{Performed, pause_ms};
use super::{Engine, TellError, showing};
use crate::catalog::Catalog;
use crate::catalog::schedule::{MISSED_MAX, Times};
use crate::kernel::effect::Effect;
use crate::kernel::kept::Note;
use crate::kernel::origin::{Start, Trigger};
use crate::kernel::{Actor, Failure, RequestId, Subject, Typed, Workflow};
use crate::notices::words::{self, escape, one_line, sentence};
use crate::planted::{Fault, is_planted};
use crate::store::{StoreError, Tx, Waiting};

/// A start that is later than this is told as late.
const LATE_MS: i64 = 60_000;
/// Who it is to run as is looked for so long.
const TRIED_FOR_MS: i64 = 3_600_000;
/// Between two attempts to put down what is to come.
const PLAN_PAUSE: Duration = Duration::from_secs(5);

/// What the writer writes about schedules.
pub(super) enum ScheduleWork {
    /// These are to come, each at its next time; what else was put down is of no schedule any more.
    Plan(Vec<Start>),
    /// A time has come.
    Due(Box<DueStart>),
}

/// What becomes of a time that has come.
pub(super) struct DueStart {
    start: Start,
    /// The time after it.
    next: Option<Start>,
    became: Became,
    /// How many more times there were meanwhile.
    missed: usize,
    /// What the people concerned are told, and where.
    said: Option<(String, String)>,
}

enum Became {
    /// What may become a request of this id.
    Typed { id: RequestId, typed: Typed },
    /// Nothing, for this reason.
    Nothing { why: String },
}

/// Puts down what is to come, now and whenever the workflows change; until `stop`.
pub(super) async fn keep(engine: Engine, stop: CancellationToken) {
    loop {
        let planned = plan(&engine).await;
        if let Err(failure) = &planned {
            warn!(error = %failure, "when workflows start by themselves could not be put down; it is tried again");
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = engine.inner.rescheduled.notified() => {}
            () = engine.inner.clock.pause(PLAN_PAUSE), if planned.is_err() => {}
        }
    }
}

async fn plan(engine: &Engine) -> Result<(), TellError> {
    let starts = next_starts(&engine.catalog(), engine.inner.clock.now_ms());
    if starts.is_empty() && engine.inner.store.starts().await?.is_empty() {
        return Ok(());
    }
    let work = Work::Schedule(Box::new(ScheduleWork::Plan(starts)));
    engine.submit(work, Actor::Clock, None, None).await.map(drop)
}

/// The next time of every schedule.
fn next_starts(catalog: &Catalog, now: i64) -> Vec<Start> {
    let of = |workflow: &Workflow| -> Vec<Start> {
        let next = |(number, trigger): (usize, &Trigger)| {
            let Trigger::Schedule(schedule) = trigger else { return None };
            let due_at = Times::of(schedule)?.after(now)?;
            Some(Start { workflow: workflow.name.clone(), number, schedule: schedule.clone(), due_at })
        };
        workflow.triggers.iter().enumerate().filter_map(next).collect()
    };
    catalog.workflows().flat_map(|workflow| of(workflow)).collect()
}

/// A time has come: finds out as whom it is to run. What was typed as them is looked up and judged like everything that is typed.
pub(super) async fn start(engine: &Engine, waiting: &Waiting, start: &Start) -> Performed {
    let catalog = engine.catalog();
    let is_this = |workflow: &&std::sync::Arc<Workflow>| {
        workflow.triggers.get(start.number) == Some(&Trigger::Schedule(start.schedule.clone()))
    };
    let (Some(workflow), Some(times)) = (catalog.find(&start.workflow).filter(is_this), Times::of(&start.schedule))
    else {
        info!(workflow = start.workflow, "a schedule is not in the workflow's file any more; nothing is started");
        return Performed::Done;
    };
    let now = engine.inner.clock.now_ms();
    let late_ms = now.saturating_sub(start.due_at);
    let who = match engine.inner.people.slack_id_of(&start.schedule.run_as).await {
        Err(failure) if failure.retryable && late_ms < TRIED_FOR_MS => {
            return Performed::later(pause_ms(waiting.attempts, failure.retry_after_ms), &failure.what);
        }
        looked => looked,
    };
    let missed = times.count(start.due_at, now);
    let next = times.after(now.max(start.due_at)).map(|due_at| Start { due_at, ..start.clone() });
    let told = told(&called(workflow), start, who.as_ref().map_err(Failure::clone), (missed, late_ms));
    let slack_id = who.as_ref().ok().cloned().flatten();
    let said = match told {
        Some(text) => place(engine, workflow, slack_id.as_deref()).await.map(|place| (place, text)),
        None => None,
    };
    let became = match who {
        Ok(Some(by)) => Became::Typed { id: RequestId(engine.inner.ids.next(now)), typed: typed(start, by, now) },
        Ok(None) => Became::Nothing { why: nobody(&start.schedule.run_as) },
        Err(failure) => Became::Nothing { why: failure.what },
    };
    if missed > 0 || late_ms > LATE_MS {
        warn!(workflow = workflow.name, late_ms, missed, "what was due by schedule could not be started then");
    }
    if let Became::Nothing { why } = &became {
        warn!(workflow = workflow.name, run_as = start.schedule.run_as, why, "nothing was asked by schedule");
    }
    let due = DueStart { start: start.clone(), next, became, missed, said };
    Performed::write(Work::Schedule(Box::new(ScheduleWork::Due(Box::new(due)))), Actor::Clock, || ())
}

fn typed(start: &Start, by: String, now: i64) -> Typed {
    Typed {
        by,
        workflow: start.workflow.clone(),
        values: start.schedule.with.clone(),
        channel: None,
        view: None,
        at: now,
        origin: start.origin(),
        breaks_glass: false,
        for_whom: None,
    }
}

/// Title and name, safe as they are.
fn called(workflow: &Workflow) -> String {
    format!("*{}* ({})", escape(&one_line(&workflow.title, 75)), escape(&workflow.name))
}

fn nobody(name: &str) -> String {
    format!("nobody in Slack is known as {name}")
}

/// What people hear of a start that is late, or that cannot be; nothing of one that goes as it should.
fn told(
    called: &str,
    start: &Start,
    who: Result<&Option<String>, Failure>,
    (missed, late_ms): (usize, i64),
) -> Option<String> {
    let was_due =
        format!("{called} was due by schedule {}", words::when(start.due_at, start.due_at.saturating_add(late_ms)));
    let run_as = &start.schedule.run_as;
    let why = match who {
        Ok(Some(_)) if missed == 0 && late_ms <= LATE_MS => return None,
        Ok(Some(_)) => {
            let more = match missed {
                0 => String::new(),
                1 => ", and once more since".to_owned(),
                MISSED_MAX => format!(", and more than {MISSED_MAX} times since"),
                more => format!(", and {more} times more since"),
            };
            let once = if missed == 0 { "It starts now" } else { "It starts once, now" };
            return Some(format!(
                "⏰ {was_due}{more}, and could not be started then. {once}, as {}.",
                escape(&one_line(run_as, 100))
            ));
        }
        Ok(None) => nobody(run_as),
        Err(failure) => failure.what,
    };
    Some(format!("⚠️ {was_due}, and nothing was asked: {}", escape(&sentence(&one_line(&why, 300)))))
}

/// Where it is said: in the workflow's channel, or else to whoever it runs as.
async fn place(engine: &Engine, workflow: &Workflow, slack_id: Option<&str>) -> Option<String> {
    // What another company reads, or may read, is no place for it.
    if let Some(channel) = workflow.channel()
        && matches!(showing::has_outsiders(engine, channel).await, Ok(false))
    {
        return Some(channel.to_owned());
    }
    slack_id.map(str::to_owned)
}

/// Writes what is to come, or what became of what has come.
pub(super) async fn write(tx: &mut Tx, work: &ScheduleWork, how: Circumstances<'_>) -> Result<(), StoreError> {
    match work {
        ScheduleWork::Plan(starts) => planned(tx, starts).await,
        ScheduleWork::Due(due) => came(tx, due, how).await,
    }
}

/// What was put down before stays as it is, also if its time has passed: it was missed, and that is told.
async fn planned(tx: &mut Tx, starts: &[Start]) -> Result<(), StoreError> {
    let mut known = tx.starts().await?;
    known.retain(|old| {
        let is_wanted = starts.iter().any(|start| start.is_of_the_same(old) && !is_beyond(old, start));
        if !is_wanted {
            tx.forget_start(old);
        }
        is_wanted
    });
    for start in starts.iter().filter(|start| !known.iter().any(|old| old.is_of_the_same(start))) {
        put(tx, start).await?;
    }
    Ok(())
}

/// Whether what was put down is later than the next time and the one after that: the clock was far ahead then. One that is only a single
/// time later may have been started just before the clock was set back a little, and is not started twice.
fn is_beyond(old: &Start, next: &Start) -> bool {
    Times::of(&next.schedule).and_then(|times| times.after(next.due_at)).is_some_and(|second| old.due_at > second)
}

async fn put(tx: &mut Tx, start: &Start) -> Result<(), StoreError> {
    let effect = Effect::StartWorkflow { start: Box::new(start.clone()) };
    tx.enqueue_for(&Subject::Workflow(start.workflow.clone()), effect, start.due_at).await
}

async fn came(tx: &mut Tx, due: &DueStart, how: Circumstances<'_>) -> Result<(), StoreError> {
    let DueStart { start, next, became, missed, said } = due;
    let workflow = Subject::Workflow(start.workflow.clone());
    match became {
        Became::Typed { id, typed } => {
            let note = json!({
                "event": "started", "workflow": start.workflow, "schedule": start.schedule, "due_at": start.due_at, "missed": missed,
            });
            tx.note(&id.into(), how.actor, &Note(note), "started", how.now).await?;
            tx.enqueue_for(&id.into(), Effect::Complete { typed: typed.clone() }, how.now).await?;
        }
        Became::Nothing { why } => {
            let note = json!({
                "event": "not_started", "workflow": start.workflow, "schedule": start.schedule, "due_at": start.due_at,
                "missed": missed, "why": why,
            });
            tx.note(&workflow, how.actor, &Note(note), "not_started", how.now).await?;
        }
    }
    if let Some((channel, text)) = said {
        // Nobody asked for it, so nobody is told if Slack does not take it: that is logged.
        let (channel, by) = (channel.clone(), channel.clone());
        let say = Effect::Say { channel, thread: None, by, text: text.clone(), blocks: Value::Null };
        tx.enqueue_for(&workflow, say, how.now).await?;
    }
    let again = Some(start.clone()).filter(|_| is_planted(Fault::StartsAgain));
    match again.as_ref().or(next.as_ref()) {
        Some(next) => put(tx, next).await,
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::origin::Schedule;

    #[test]
    fn what_was_put_down_by_a_clock_that_was_far_ahead_is_put_down_anew() {
        let schedule = Schedule {
            cron: "0 9 * * *".to_owned(),
            zone: "UTC".to_owned(),
            run_as: "alice@example.com".to_owned(),
            with: std::collections::BTreeMap::new(),
        };
        let day = |number: i64| Start {
            workflow: "report".to_owned(),
            number: 0,
            schedule: schedule.clone(),
            due_at: 1_772_355_600_000 + number * 86_400_000,
        };
        let beyond: Vec<i64> = [-3, 0, 1, 2, 3_650].into_iter().filter(|old| is_beyond(&day(*old), &day(0))).collect();
        assert_eq!(beyond, [2, 3_650]);
    }

    #[test]
    fn only_what_is_late_or_cannot_be_is_told() {
        let called = "*Production database* (prod-db)";
        let schedule = Schedule {
            cron: "0 9 * * mon".to_owned(),
            zone: "UTC".to_owned(),
            run_as: "alice@example.com".to_owned(),
            with: std::collections::BTreeMap::new(),
        };
        let start = Start { workflow: "prod-db".to_owned(), number: 0, schedule, due_at: 1_772_366_400_000 };
        let somebody = Some("U0ALICE01".to_owned());
        let failure = Failure {
            what: "slack does not answer <now>".to_owned(),
            advice: String::new(),
            retryable: true,
            retry_after_ms: None,
        };
        let lines: Vec<String> = [
            told(called, &start, Ok(&somebody), (0, 59_000)),
            told(called, &start, Ok(&somebody), (0, 61_000)),
            told(called, &start, Ok(&somebody), (1, 61_000)),
            told(called, &start, Ok(&somebody), (12, 61_000)),
            told(called, &start, Ok(&somebody), (MISSED_MAX, 61_000)),
            told(called, &start, Ok(&None), (0, 0)),
            told(called, &start, Err(failure), (0, 0)),
        ]
        .into_iter()
        .map(|told| told.unwrap_or_else(|| "(nothing)".to_owned()))
        .collect();
        insta::assert_snapshot!(lines.join("\n"), @"
        (nothing)
        ⏰ *Production database* (prod-db) was due by schedule <!date^1772366400^{date_short_pretty} {time_secs}|2026-03-01 12:00:00 UTC>, and could not be started then. It starts now, as alice@example.com.
        ⏰ *Production database* (prod-db) was due by schedule <!date^1772366400^{date_short_pretty} {time_secs}|2026-03-01 12:00:00 UTC>, and once more since, and could not be started then. It starts once, now, as alice@example.com.
        ⏰ *Production database* (prod-db) was due by schedule <!date^1772366400^{date_short_pretty} {time_secs}|2026-03-01 12:00:00 UTC>, and 12 times more since, and could not be started then. It starts once, now, as alice@example.com.
        ⏰ *Production database* (prod-db) was due by schedule <!date^1772366400^{date_short_pretty} {time_secs}|2026-03-01 12:00:00 UTC>, and more than 1000 times since, and could not be started then. It starts once, now, as alice@example.com.
        ⚠️ *Production database* (prod-db) was due by schedule <!date^1772366400^{date_short_pretty} {time_secs}|2026-03-01 12:00:00 UTC>, and nothing was asked: Nobody in Slack is known as alice@example.com.
        ⚠️ *Production database* (prod-db) was due by schedule <!date^1772366400^{date_short_pretty} {time_secs}|2026-03-01 12:00:00 UTC>, and nothing was asked: Slack does not answer &lt;now&gt;.
        ");
    }
}
