//! Making, changing and deleting links: here through the one writer; at a golink by looking first, having the change saved, and waiting for
//! what the worker's call came to.

use std::sync::Arc;
use std::time::Duration;

use super::writing::{LinkOutcome, LinkWork};
use super::{LinkError, Links, Place, failure, far};
use crate::engine::jobs::{self, Written};
use crate::kernel::Actor;
use crate::kernel::link::{self, Draft, Editor, Expect, KnownLogins, Link, LinkChange, without_punctuation};
use crate::outside::golink::GolinkError;

/// Looking at golink before a change gets this much of Slack's three seconds.
const LOOK_LIMIT: Duration = Duration::from_millis(1_000);
/// A change that was looked at gets this much: saving it, golink's answer, looking once more, and saving what came of it.
const CHANGE_LIMIT: Duration = Duration::from_millis(1_700);

/// Somebody makes or changes a link.
#[derive(Clone, Debug)]
pub struct Saving {
    /// For the audit log.
    pub actor: Actor,
    /// Whose rights count.
    pub editor: Editor,
    /// What the link shall be.
    pub draft: Draft,
    /// What they saw.
    pub expect: Expect,
    /// The fingerprint of Slack's delivery, if it was one.
    pub delivery: Option<String>,
}

impl Links {
    /// Saves a link. Returns when it is saved. Who owns it is looked at now, in the same transaction or as near to the
    /// change as golink lets us.
    ///
    /// # Errors
    /// Refused, or not saved; `LinkError::NotKnown` if golink did not say whether it was.
    pub async fn save(&self, saving: Saving) -> Result<Link, LinkError> {
        let known = self.known().await?;
        match self.place() {
            Place::Here(_) => {
                let Saving { actor, editor, draft, expect, delivery } = saving;
                let work = LinkWork::Save { draft, expect, editor, known: Arc::new(known) };
                self.write(work, actor, delivery).await
            }
            Place::There(far) => {
                let _one = far.changing.lock().await;
                self.save_there(far, saving, &known).await
            }
        }
    }

    /// Deletes a link that stands here.
    ///
    /// # Errors
    /// Refused, or not saved. At a golink it is refused always: its HTTP interface has no delete for programs.
    pub async fn delete(
        &self,
        short: &str,
        editor: Editor,
        actor: Actor,
        delivery: Option<String>,
    ) -> Result<Link, LinkError> {
        let Place::Here(_) = self.place() else {
            return Err(LinkError::Failed(crate::kernel::Failure {
                what: "golink lets only its own page delete links".to_owned(),
                advice: format!("delete it at {}", self.page_of(short)),
                retryable: false,
                retry_after_ms: None,
            }));
        };
        let known = Arc::new(self.known().await?);
        self.write(LinkWork::Delete { short: short.to_owned(), editor, known }, actor, delivery).await
    }

    async fn write(&self, work: LinkWork, actor: Actor, delivery: Option<String>) -> Result<Link, LinkError> {
        let work = jobs::Work::Link(Box::new(work));
        match self.engine.submit(work, actor, delivery, None).await? {
            Written::Link(outcome) => match *outcome {
                LinkOutcome::Saved(link, _) | LinkOutcome::Deleted(link) => Ok(link),
                LinkOutcome::Refused(refusal) => Err(refusal.into()),
                LinkOutcome::Noted => Err(LinkError::NotSaved("nothing came of it; this is a bug".to_owned())),
            },
            _ => Err(LinkError::NotSaved("nothing came of it; this is a bug".to_owned())),
        }
    }

    async fn save_there(&self, far: &far::Far, saving: Saving, known: &KnownLogins) -> Result<Link, LinkError> {
        let Saving { actor, editor, draft, expect, .. } = saving;
        let looking = async {
            let before = far.find_fresh(&draft.short).await?;
            let bare = without_punctuation(&draft.short);
            let bare = if before.is_none() && bare != draft.short { far.find_fresh(bare).await? } else { None };
            Ok::<_, GolinkError>((before, bare))
        };
        let (before, bare) = match tokio::time::timeout(LOOK_LIMIT, looking).await {
            Ok(found) => found?,
            Err(_) => return Err(far.late().into()),
        };
        let now = self.engine.inner.clock.now_ms();
        let wanted = link::save(&draft, &expect, &editor, (before.as_ref(), bare.as_ref(), known), now)?;
        let id = self.engine.inner.ids.next(now);
        let came = far.awaited.wait(&id);
        let change = Box::new(LinkChange { id: id.clone(), editor, before, wanted });
        let work = jobs::Work::Link(Box::new(LinkWork::Ask { change, by: actor.clone() }));
        if let Err(error) = self.engine.submit(work, actor, None, None).await {
            let error = LinkError::from(error);
            far.awaited.tell(&id, &Err(error.clone()));
            return Err(error);
        }
        match tokio::time::timeout(CHANGE_LIMIT, came).await {
            Ok(Ok(came)) => came,
            _ => Err(LinkError::NotKnown(failure(&far.late()))),
        }
    }
}
