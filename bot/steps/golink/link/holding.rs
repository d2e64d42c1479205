//! Holding a go link: what it was is remembered, and what it leads to is read back.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::wanted;
use crate::clock::Clock;
use crate::kernel::kept::{Kept, Raise};
use crate::kernel::link::Link;
use crate::kernel::request::Found;
use crate::kernel::step_type::STAYS;
use crate::kernel::{Failure, Key, Proof};
use crate::steps::golink::Keeper;
use crate::steps::memory::{put_down, read_back};
use crate::steps::{Before, Holder, Settled, Step};

/// The step type.
pub struct LinkStep {
    links: Arc<dyn Keeper>,
    clock: Clock,
}

/// What the link was before; nothing: there was none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Was {
    link: Option<Link>,
}

impl Kept for Was {
    const KIND: &'static str = "before of golink.link";
    const RAISES: &'static [Raise] = &[];
}

impl Was {
    /// Whether the link is as it was, whoever touched it meanwhile.
    fn is(&self, now: Option<&Link>) -> bool {
        let says = |link: &Link| (link.long.clone(), link.owner.to_lowercase());
        self.link.as_ref().map(says) == now.map(says)
    }
}

impl LinkStep {
    /// The step type over what keeps links.
    pub fn new(links: Arc<dyn Keeper>, clock: Clock) -> Self {
        Self { links, clock }
    }

    fn proof(&self, found: Found) -> Proof {
        Proof { at: self.clock.now_ms(), found }
    }

    async fn hold(&self, key: &Key, holders: &[Holder], was: &Was) -> Result<Settled, Failure> {
        let (short, long) = agreed(holders)?;
        let Some(holder) = holders.iter().max_by_key(|holder| (holder.is_new, &holder.request_id)) else {
            return Err(refusal("nobody holds it".to_owned(), ""));
        };
        if holder.is_new && self.links.cannot_delete() && !stays(&holder.with) {
            let what = "links stand at a golink, and it lets only its own page delete them".to_owned();
            return Err(refusal(what, "ask whoever looks after this workflow to write stays: true beside the step"));
        }
        let now = self.links.read(&short).await?;
        if now.as_ref().is_some_and(|link| link.long == long) {
            let was_so = was.link.as_ref().is_some_and(|link| link.long == long);
            return Ok(self.told(holders, &short, if was_so { Found::OnBefore } else { Found::On { until: None } }));
        }
        if holders.iter().any(|holder| !holder.is_new && holder.confirmed_until.is_some()) {
            return Ok(self.proof(Found::TakenAway).into());
        }
        if !was.is(now.as_ref()) {
            return Err(refusal(
                format!("somebody else made or changed {}", key.address()),
                "choose another name, or ask them",
            ));
        }
        if let Some(link) = now.as_ref().filter(|link| !link.owner.eq_ignore_ascii_case(&holder.login)) {
            let owner = if link.owner.is_empty() { "nobody" } else { &link.owner };
            return Err(refusal(format!("{} belongs to {owner}", link.short), "choose another name, or ask them"));
        }
        self.links.save((&short, &long), &holder.login, now.as_ref()).await?;
        let read = self.links.read(&short).await?;
        match read.is_some_and(|link| link.long == long) {
            true => Ok(self.told(holders, &short, Found::On { until: None })),
            false => Err(not_yet("the link was saved, but does not read back as it should be".to_owned())),
        }
    }

    /// Everybody who is new hears where it is.
    fn told(&self, holders: &[Holder], short: &str, found: Found) -> Settled {
        let address = self.links.address(short);
        let results = |_: &Holder| -> Map<String, Value> {
            [("address".to_owned(), Value::from(address.as_str()))].into_iter().collect()
        };
        let new = holders.iter().filter(|holder| holder.is_new);
        Settled {
            proof: self.proof(found),
            results: new.map(|holder| (holder.request_id.clone(), results(holder))).collect(),
            hand_over: Vec::new(),
            keep: None,
        }
    }

    async fn release(&self, before: &Before, was: &Was) -> Result<Found, Failure> {
        let Some(holder) = before.leaving.first() else { return Ok(Found::Untouched) };
        let (short, long) = wanted(&holder.with).map_err(|why| refusal(why, ""))?;
        let stays = before.leaving.iter().any(|holder| stays(&holder.with));
        let now = self.links.read(&short).await?;
        match (&now, &was.link) {
            (None, None) => return Ok(Found::Gone),
            (None, Some(_)) => {
                return Ok(Found::LeftAlone { what: format!("{short} is not there any more"), is_on: false });
            }
            (Some(link), _) if was.is(Some(link)) => return Ok(back(link)),
            (Some(link), _) if stays && link.long == long => {
                return Ok(Found::LeftAlone { what: "it stays, as its workflow says".to_owned(), is_on: false });
            }
            (Some(link), _) if link.long != long => {
                let what = format!("{short} leads to {}", shown(&link.long));
                return Ok(Found::LeftAlone { what, is_on: false });
            }
            (Some(link), None) => self.links.delete(link).await?,
            (Some(link), Some(first)) => self.links.save((&first.short, &first.long), &first.owner, Some(link)).await?,
        }
        let now = self.links.read(&short).await?;
        match (&now, was.is(now.as_ref())) {
            (None, true) => Ok(Found::Gone),
            (Some(link), true) => Ok(back(link)),
            (_, false) => Err(not_yet(format!("{short} does not read back as it was"))),
        }
    }
}

fn back(link: &Link) -> Found {
    Found::PutBack { what: format!("{} leads to {}", link.short, shown(&link.long)), is_on: false }
}

/// Short enough to be read.
fn shown(long: &str) -> String {
    long.chars().take(120).collect()
}

fn stays(with: &Map<String, Value>) -> bool {
    with.get(STAYS) == Some(&Value::Bool(true))
}

/// Everybody who holds it wants it to lead to the same place.
fn agreed(holders: &[Holder]) -> Result<(String, String), Failure> {
    let mut all = holders.iter().map(|holder| wanted(&holder.with).map_err(|why| refusal(why, "")));
    let first = all.next().unwrap_or_else(|| Err(refusal("nobody holds it".to_owned(), "")))?;
    for other in all {
        if other?.1 != first.1 {
            let what = format!("another grant holds {} with another destination", first.0);
            return Err(refusal(what, "wait until it has ended, or choose another name"));
        }
    }
    Ok(first)
}

fn refusal(what: String, advice: &str) -> Failure {
    Failure { what, advice: advice.to_owned(), retryable: false, retry_after_ms: None }
}

fn not_yet(what: String) -> Failure {
    Failure { what, advice: String::new(), retryable: true, retry_after_ms: None }
}

fn stored(found: &Value) -> Result<Was, Failure> {
    read_back(found, || Was { link: None })
}

impl Step for LinkStep {
    fn observe<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Value, Failure>> {
        async move { put_down(&Was { link: self.links.read(key.address()).await? }) }.boxed()
    }

    fn settle<'a>(
        &'a self,
        key: &'a Key,
        holders: &'a [Holder],
        before: &'a Before,
    ) -> BoxFuture<'a, Result<Settled, Failure>> {
        async move {
            let was = stored(&before.found)?;
            match holders.is_empty() {
                false => self.hold(key, holders, &was).await,
                true => Ok(self.proof(self.release(before, &was).await?).into()),
            }
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::kept;

    #[test]
    fn what_was_there_is_written_as_the_examples_say() {
        let text = include_str!("../../../../tests/stored/next/before of golink.link.json");
        let examples: Map<String, Value> = serde_json::from_str(text).unwrap();
        let link = Link {
            short: "wiki".to_owned(),
            long: "https://wiki.example.com".to_owned(),
            owner: "alice@example.com".to_owned(),
            created_at: 1_772_366_400_000,
            edited_at: 1_772_366_400_000,
        };
        for (name, was) in [("a link", Was { link: Some(link) }), ("no link", Was { link: None })] {
            assert_eq!(put_down(&was).unwrap(), examples[name]);
            assert_eq!(stored(&examples[name]).unwrap(), was);
        }
        assert!(kept::KINDS.contains(&(Was::KIND, kept::shape_of::<Was>())));
    }
}
