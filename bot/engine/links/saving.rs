//! Making, changing and deleting links: here through the one writer, at a golink by looking first, asking, and reading the answer.

use std::sync::Arc;
use std::time::Duration;

use super::writing::{LinkOutcome, LinkWork};
use super::{LinkError, Links, Place, failure, far};
use crate::engine::jobs::{self, Written};
use crate::kernel::Actor;
use crate::kernel::link::{
    self, Draft, Editor, Expect, KnownLogins, Link, LinkEvent, LinkRefusal, without_punctuation,
};
use crate::outside::golink::GolinkError;

/// Looking at golink before a change gets this much of Slack's three seconds.
const LOOK_LIMIT: Duration = Duration::from_millis(1_000);
/// Finding out what came of a change that did not answer gets this much.
const LOOK_AGAIN_LIMIT: Duration = Duration::from_millis(500);

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
                let (links, far) = (self.clone(), far.clone());
                // Goes on when whoever asked has no more time: what golink did must be noted.
                let saving = tokio::spawn(async move {
                    let _one = far.changing.lock().await;
                    links.save_there(&far, saving, &known).await
                });
                saving.await.unwrap_or_else(|_| Err(broke_off()))
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
        let saved = far.golink.save(&wanted.short, &wanted.long, &wanted.owner).await;
        far.forget();
        let after = match saved {
            Ok(line) => far::link(line),
            Err(GolinkError::Refused { status: 403, .. }) if before.is_none() => {
                // Somebody was faster.
                return Err(LinkRefusal::NotYours { short: wanted.short, owner: String::new() }.into());
            }
            Err(error) if error.may_have_happened() => {
                let again = tokio::time::timeout(LOOK_AGAIN_LIMIT, far.find_fresh(&wanted.short)).await;
                match again {
                    Ok(Ok(Some(found))) if found.long == wanted.long && found.owner == wanted.owner => found,
                    Ok(Ok(found)) if found == before => return Err(LinkError::Failed(failure(&error))),
                    _ => return Err(LinkError::NotKnown(failure(&error))),
                }
            }
            Err(error) => return Err(error.into()),
        };
        let event = LinkEvent::LinkSaved { editor: Some(editor), before, after: after.clone() };
        let noted = self.engine.submit(jobs::Work::LinkNote(Box::new(event)), actor, None, None).await;
        if let Err(error) = noted {
            // The link is there; only our own log misses it.
            tracing::error!(link = %after.short, %error, "a link was saved at golink and could not be noted here");
        }
        Ok(after)
    }
}

/// Saving panicked, and nobody knows how far it came.
fn broke_off() -> LinkError {
    let (what, advice) = ("saving at golink broke off, which is a bug".to_owned(), String::new());
    LinkError::NotKnown(crate::kernel::Failure { what, advice, retryable: false, retry_after_ms: None })
}
