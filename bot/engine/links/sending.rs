//! Changing a link at a golink: saved first and done by the worker. Whoever waits has the answer at once; what nobody waited for any more
//! is told in direct messages.
//!
//! golink cannot say "only if it is still so": before a change is sent again, what stands there says whether it was done.

use std::sync::Arc;
use std::time::Duration;

use super::far::{self, Far};
use super::writing::LinkWork;
use super::{LinkError, Place, failure};
use crate::engine::Engine;
use crate::engine::jobs::Work;
use crate::engine::performed::{Performed, pause_ms};
use crate::kernel::effect::Effect;
use crate::kernel::link::{Came, Link, LinkChange, LinkRefusal};
use crate::kernel::{Actor, Failure};
use crate::notices::links as words;
use crate::outside::golink::GolinkError;
use crate::store::Waiting;

/// Finding out what came of a change that did not answer gets this much.
const LOOK_AGAIN_LIMIT: Duration = Duration::from_millis(500);
/// Attempts when nobody waits any more: for about a quarter of an hour.
const ATTEMPTS_MAX: i64 = 20;

/// What came of sending a change.
enum Sent {
    /// This is the link now.
    Is(Link),
    /// It was not changed; true: it may be later.
    Not(LinkError, bool),
    /// golink did not say.
    Unknown(GolinkError),
}

/// The worker has a golink change a link.
pub(in crate::engine) async fn perform(
    engine: &Engine,
    waiting: &Waiting,
    change: &LinkChange,
    by: &Actor,
) -> Performed {
    let links = engine.links();
    let Place::There(far) = links.place() else {
        let what = "no golink is configured any more".to_owned();
        let failure = Failure { what, advice: String::new(), retryable: false, retry_after_ms: None };
        return ended(engine, None, change, by, Err(LinkError::Failed(failure)));
    };
    let is_awaited = || far.awaited.is_awaited(&change.id);
    let may_wait = waiting.attempts < ATTEMPTS_MAX;
    let sent =
        if far.awaited.begin(&change.id) { send(far, change).await } else { send_if_not_done(far, change).await };
    match sent {
        Sent::Is(link) => ended(engine, Some(far), change, by, Ok(link)),
        Sent::Not(why, true) if !is_awaited() && may_wait => later(waiting, &why.to_string()),
        Sent::Not(why, _) => ended(engine, Some(far), change, by, Err(why)),
        Sent::Unknown(error) => {
            let not_known = LinkError::NotKnown(failure(&error));
            far.awaited.tell(&change.id, &Err(not_known.clone()));
            if may_wait {
                later(waiting, &error.to_string())
            } else {
                ended(engine, Some(far), change, by, Err(not_known))
            }
        }
    }
}

fn later(waiting: &Waiting, why: &str) -> Performed {
    Performed::later(pause_ms(waiting.attempts, None), why)
}

async fn send(far: &Far, change: &LinkChange) -> Sent {
    let LinkChange { before, wanted, .. } = change;
    let saved = far.golink.save(&wanted.short, &wanted.long, &wanted.owner).await;
    far.forget();
    match saved {
        Ok(line) => Sent::Is(far::link(line)),
        // Somebody was faster.
        Err(GolinkError::Refused { status: 403, .. }) if before.is_none() => {
            Sent::Not(LinkRefusal::NotYours { short: wanted.short.clone(), owner: String::new() }.into(), false)
        }
        Err(error) if error.may_have_happened() => {
            match tokio::time::timeout(LOOK_AGAIN_LIMIT, far.find_fresh(&wanted.short)).await {
                Ok(Ok(found)) => match (change.came(found.as_ref()), found) {
                    (Came::Done, Some(link)) => Sent::Is(link),
                    (Came::NotYet, _) => Sent::Not(LinkError::Failed(failure(&error)), true),
                    _ => Sent::Unknown(error),
                },
                _ => Sent::Unknown(error),
            }
        }
        Err(error) => {
            let is_passing = matches!(error, GolinkError::Unreachable { .. });
            Sent::Not(error.into(), is_passing)
        }
    }
}

/// It may have been done before we were killed.
async fn send_if_not_done(far: &Far, change: &LinkChange) -> Sent {
    let found = match far.find_fresh(&change.wanted.short).await {
        Ok(found) => found,
        Err(error) => return Sent::Unknown(error),
    };
    match (change.came(found.as_ref()), found) {
        (Came::Done, Some(link)) => Sent::Is(link),
        (Came::NotYet, _) => send(far, change).await,
        (_, Some(link)) => Sent::Not(LinkRefusal::Changed { link: Box::new(link) }.into(), false),
        (_, None) => Sent::Not(LinkRefusal::NoSuchLink { short: change.wanted.short.clone() }.into(), false),
    }
}

/// What came of it is written down, and told to whoever asked for it.
fn ended(
    engine: &Engine,
    far: Option<&Arc<Far>>,
    change: &LinkChange,
    by: &Actor,
    came: Result<Link, LinkError>,
) -> Performed {
    let is_awaited = far.is_some_and(|far| far.awaited.is_awaited(&change.id));
    let say = match by {
        Actor::Person { slack_id } if !is_awaited => Some(Box::new(said(engine, change, slack_id, &came))),
        _ => None,
    };
    let logged = came.clone().map_err(|why| why.to_string());
    let work = LinkWork::Came { change: Box::new(change.clone()), came: logged, say };
    let (far, id) = (far.cloned(), change.id.clone());
    Performed::write(Work::Link(Box::new(work)), by.clone(), move || {
        if let Some(far) = far {
            far.awaited.tell(&id, &came);
        }
    })
}

fn said(engine: &Engine, change: &LinkChange, slack_id: &str, came: &Result<Link, LinkError>) -> Effect {
    let links = engine.links();
    let said = match came {
        Ok(link) => {
            let address = links.address_of(&link.short);
            let is_mine = links.may_edit(link, Some(&change.editor.login));
            let shown = words::Shown { link, typed: &link.short, address: &address, is_mine };
            words::saved(&shown, change.before.is_some())
        }
        Err(LinkError::NotKnown(failure)) => words::not_saved(&change.wanted, false, &failure.what),
        Err(LinkError::Failed(failure)) => words::not_saved(&change.wanted, true, &failure.what),
        Err(LinkError::Refused(refusal)) => words::not_saved(&change.wanted, true, &refusal.to_string()),
        Err(why) => words::not_saved(&change.wanted, true, &why.to_string()),
    };
    Effect::Say {
        channel: slack_id.to_owned(),
        thread: None,
        by: slack_id.to_owned(),
        text: said.text,
        blocks: said.blocks,
    }
}
