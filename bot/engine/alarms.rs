//! Alarms to one channel that come in the same moment are one message that lists them: fifty messages are read by nobody.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;

use super::Engine;
use super::showing::{alarm, has_outsiders, post};
use crate::kernel::request::Message;
use crate::kernel::{Notice, Recipient, Request, RequestId, Shows, State};
use crate::notices::Said;
use crate::outside::slack::{Posted, SlackError};
use crate::store::StoreError;

/// Whoever is alarmed waits this long for others to be alarmed with.
const GATHERED_FOR: Duration = Duration::from_millis(300);
/// So many lists are known by heart; of older ones only what is still stuck is known.
const LISTS_MAX: usize = 256;
/// Stuck requests that are looked through for those of one message.
const STUCK_MAX: i64 = 1_000;

/// Which alarm, where.
type Gathering = (&'static str, String);
/// Where a message stands: channel and timestamp.
type Spot = (String, String);
type Sent = Result<Option<Posted>, SlackError>;

/// What is being gathered, and the lists that were posted. Per process; what a crash loses is gathered or read anew.
#[derive(Default)]
pub(super) struct Alarms {
    gathering: Mutex<HashMap<Gathering, Vec<Waiting>>>,
    lists: Mutex<HashMap<Spot, List>>,
}

/// Somebody who is alarmed, and who waits to hear where that stands.
struct Waiting {
    request: Request,
    heard: oneshot::Sender<Sent>,
}

#[derive(Clone, Default)]
struct List {
    count: usize,
    /// As it stands in Slack.
    blocks: Value,
}

impl Alarms {
    fn lists(&self) -> MutexGuard<'_, HashMap<Spot, List>> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, at: &Posted, list: List) {
        let mut lists = self.lists();
        if lists.len() >= LISTS_MAX {
            lists.clear();
        }
        lists.insert((at.channel.clone(), at.ts.clone()), list);
    }
}

/// Alarms a channel about this request, together with others. None: whoever gathered them is gone; try again.
pub(super) async fn together(engine: &Engine, request: &Request, notice: &Notice, channel: &str) -> Option<Sent> {
    let kind = if *notice == Notice::Stuck { "stuck" } else { "unstuck" };
    let (heard, hears) = oneshot::channel();
    let subject = (kind, channel.to_owned());
    let is_first = {
        let mut gathering = engine.inner.alarms.gathering.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = gathering.entry(subject.clone()).or_default();
        waiting.push(Waiting { request: request.clone(), heard });
        waiting.len() == 1
    };
    if is_first {
        // Of its own, so that whoever came first may go away and the others still hear.
        let (engine, notice) = (engine.clone(), notice.clone());
        tokio::spawn(async move {
            engine.inner.clock.pause(GATHERED_FOR).await;
            let gathered = {
                let mut gathering = engine.inner.alarms.gathering.lock().unwrap_or_else(PoisonError::into_inner);
                gathering.remove(&subject).unwrap_or_default()
            };
            send(&engine, &notice, &subject, gathered).await;
        });
    }
    hears.await.ok()
}

async fn send(engine: &Engine, notice: &Notice, (kind, channel): &Gathering, mut gathered: Vec<Waiting>) {
    gathered.sort_by(|one, other| one.request.id.cmp(&other.request.id));
    gathered.dedup_by(|one, other| one.request.id == other.request.id);
    if gathered.len() > 1 && !matches!(has_outsiders(engine, channel).await, Ok(true)) {
        let requests: Vec<&Request> = gathered.iter().map(|waiting| &waiting.request).collect();
        let said = engine.inner.notices.together(kind, &requests, 0, engine.inner.clock.now_ms());
        let list = List { count: requests.len(), blocks: said.blocks.clone() };
        match post(engine, channel, said, None).await {
            // One by one, each finds somebody who hears it.
            Err(error) if !error.is_retryable() && !error.is_fatal_auth() => {}
            sent => {
                if let Ok(at) = &sent {
                    engine.inner.alarms.remember(at, list);
                }
                for waiting in gathered {
                    let _ = waiting.heard.send(sent.clone().map(Some));
                }
                return;
            }
        }
    }
    for Waiting { request, heard } in gathered {
        let said = engine.inner.notices.notice(&request, notice, &Recipient::Channel, engine.inner.clock.now_ms());
        let _ = heard.send(alarm(engine, &request, channel, said).await);
    }
}

/// What a message says now that alarmed about several requests, this one among them; none: it is of this one alone.
pub(super) async fn list(engine: &Engine, id: &RequestId, message: &Message) -> Result<Option<Said>, StoreError> {
    let stuck = engine.inner.store.requests_in(State::Ending, STUCK_MAX).await?;
    let is_of_it = |request: &&Request| {
        request.stuck && request.notifications.iter().any(|one| one.shows == Shows::Stuck && one.message == *message)
    };
    let left: Vec<&Request> = stuck.iter().filter(is_of_it).collect();
    let known = engine.inner.alarms.lists().get(&(message.channel.clone(), message.ts.clone())).cloned();
    if known.is_none() && left.iter().all(|request| request.id == *id) {
        return Ok(None);
    }
    let gone = known.map_or(1, |list| list.count.saturating_sub(left.len()));
    Ok(Some(engine.inner.notices.together("stuck", &left, gone, engine.inner.clock.now_ms())))
}

/// Whether a message says this already; many who get unstuck at once need not say it one after the other.
pub(super) fn is_said(engine: &Engine, message: &Message, said: &Said) -> bool {
    let lists = engine.inner.alarms.lists();
    let list = lists.get(&(message.channel.clone(), message.ts.clone()));
    list.is_some_and(|list| list.blocks == said.blocks)
}

/// A list was rewritten.
pub(super) fn said(engine: &Engine, message: &Message, said: &Said) {
    let mut lists = engine.inner.alarms.lists();
    if let Some(list) = lists.get_mut(&(message.channel.clone(), message.ts.clone())) {
        list.blocks = said.blocks.clone();
    }
}
