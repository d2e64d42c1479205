//! What is done at a tclip for people: posting and deleting, saved first and done by the worker. Whoever waits has the answer at once.
//!
//! tclip knows no request twice: before a post is done again, it is looked for among what stands there under its name.

use std::time::Duration;

use super::author::{actor, signature, signed};
use super::writing::{PasteWork, Saying};
use super::{PasteError, Pastes, Pasting, TclipPlace};
use crate::engine::jobs::Work;
use crate::engine::performed::{Performed, pause_ms};
use crate::kernel::effect::{Due, Effect};
use crate::kernel::paste::{
    Author, DRAFT_KEPT_MS, Deletion, Draft, Paste, PasteId, PastePlace, PasteRefusal, Posting, Text, Wish,
};
use crate::notices::Said;
use crate::notices::pastes as words;
use crate::outside::tclip::{Deleted, Tclip, TclipError};
use crate::store::Waiting;

/// Slack waits 3 seconds for the answer to a command; looking up who asked and saving need the rest of it.
const POST_LIMIT: Duration = Duration::from_millis(1_400);
/// Saving first, and saving what came of it, may take so long beside it.
const SAVING_LIMIT: Duration = Duration::from_millis(400);
/// The worker waits longer than people do.
const CALL_LIMIT: Duration = Duration::from_secs(8);
/// Attempts when nobody waits any more: for about a quarter of an hour.
const ATTEMPTS_MAX: i64 = 20;

/// What somebody who waits is told.
pub(super) type Came = Result<Paste, PasteError>;

impl Pastes {
    /// Posts a text to the tclip: saved, then done, then answered.
    pub(super) async fn post(&self, pasting: Pasting, delivery: Option<String>) -> Came {
        let Pasting { author, text, expires_at, draft } = pasting;
        let posting = Posting {
            id: draft.clone().map_or_else(|| self.new_id(), Ok)?,
            filename: signed(&author, &text),
            author,
            language: text.language,
            size_bytes: text.content.len(),
            expires_at,
            was_draft: draft.is_some(),
            is_returned: false,
            delivery: delivery.clone(),
        };
        let (waits_for, by) = (posting.id.to_string(), actor(&posting.author));
        let came = self.inner.awaited.wait(&waits_for);
        match self.write(Wish::Post { posting, content: text.content }, by, delivery).await {
            // Delivered twice, and done.
            Ok(Some(paste)) => {
                self.inner.awaited.tell(&waits_for, &Ok(paste.clone()));
                Ok(paste)
            }
            Ok(None) => self.answered(came).await,
            Err(error) => {
                self.inner.awaited.tell(&waits_for, &Err(error.clone()));
                Err(error)
            }
        }
    }

    /// Has a paste deleted at the tclip: saved, then done, then answered.
    pub(super) async fn delete_there(&self, deletion: Deletion, delivery: Option<String>) -> Came {
        let (waits_for, by) = (deleting(&deletion.paste.id), actor(&deletion.who));
        let came = self.inner.awaited.wait(&waits_for);
        if let Err(error) = self.write(Wish::AskDelete { deletion }, by, delivery).await {
            self.inner.awaited.tell(&waits_for, &Err(error.clone()));
            return Err(error);
        }
        self.answered(came).await
    }

    async fn answered(&self, came: tokio::sync::oneshot::Receiver<Came>) -> Came {
        let late = || {
            let detail = format!("did not answer within {} ms", POST_LIMIT.as_millis());
            let host = self.inner.settings.tclip.as_ref().map(|tclip| tclip.client.host()).unwrap_or_default();
            PasteError::Tclip(TclipError::Unavailable { host, detail, may_have_happened: true })
        };
        match tokio::time::timeout(POST_LIMIT + SAVING_LIMIT, came).await {
            Ok(Ok(came)) => came,
            _ => Err(late()),
        }
    }

    /// A paste at the tclip that we know nothing of. An older version that was killed between posting it and writing it down left
    /// it: it is ours there and its name begins with its author, and both must fit. tclip itself sees to it that we delete nothing
    /// that others posted, whatever they called it.
    pub(super) async fn unknown_there(&self, id: &PasteId, who: &Author, tclip: &Tclip) -> Came {
        let page = tclip.page(id.as_str());
        let Some(filename) = tclip.clone().with_limit(POST_LIMIT).name_of(id.as_str()).await? else {
            return Err(PasteError::Refused(PasteRefusal::Gone));
        };
        // A name that people give themselves proves nothing; a login does.
        if who.login.is_none() || !filename.starts_with(&signature(who)) {
            return Err(PasteError::Elsewhere { page });
        }
        Ok(Paste {
            id: id.clone(),
            filename,
            language: None,
            author: who.clone(),
            size_bytes: 0,
            created_at: self.now(),
            expires_at: None,
            place: PastePlace::Tclip { url: page },
            key: None,
        })
    }

    /// The worker posts a text.
    pub(in crate::engine) async fn perform_post(&self, waiting: &Waiting, posting: &Posting) -> Performed {
        let waits_for = posting.id.to_string();
        let is_first = self.inner.awaited.begin(&waits_for);
        let is_awaited = || self.inner.awaited.is_awaited(&waits_for);
        let Some(TclipPlace { client, .. }) = &self.inner.settings.tclip else {
            let error = PasteError::Refused(PasteRefusal::Gone);
            return self.not_posted(posting, None, "no tclip is configured any more", error);
        };
        let draft = match self.inner.store.draft(&posting.id).await {
            Ok(Some(draft)) => draft,
            Ok(None) => {
                let error = PasteError::Refused(PasteRefusal::Gone);
                return self.not_posted(posting, None, "its text was thrown away", error);
            }
            Err(error) => return Performed::later(1_000, &error.to_string()),
        };
        let text = draft.text;
        if !is_first {
            match self.find_posted(&client.clone().with_limit(CALL_LIMIT), posting, &text.content).await {
                Ok(Some(url)) => return self.posted(posting, &url),
                Ok(None) if !posting.is_returned => {}
                Ok(None) => {
                    let error = PasteError::Refused(PasteRefusal::Gone);
                    return self.not_posted(posting, None, "it does not stand at tclip", error);
                }
                Err(error) if waiting.attempts < ATTEMPTS_MAX => return put_off(waiting, &error),
                Err(error) => return self.not_posted(posting, Some(text), &error.to_string(), in_doubt(error)),
            }
        }
        let limit = if is_awaited() { POST_LIMIT } else { CALL_LIMIT };
        let error = match client.clone().with_limit(limit).post(&posting.filename, &text.content).await {
            Ok(url) => return self.posted(posting, url.as_str()),
            Err(error) => error,
        };
        let is_passing = error.is_retryable() || error.may_have_happened();
        if is_awaited() && error.may_have_happened() {
            let (pastes, why) = (self.clone(), error.to_string());
            let work = Wish::Doubted { posting: posting.clone(), why };
            return Performed::write(Work::Paste(Box::new(work.into())), actor(&posting.author), move || {
                pastes.inner.awaited.tell(&waits_for, &Err(error.into()));
            });
        }
        if is_passing && !is_awaited() && waiting.attempts < ATTEMPTS_MAX {
            return put_off(waiting, &error.into());
        }
        self.not_posted(posting, Some(text), &error.to_string(), error.into())
    }

    /// A post whose answer was lost, by its name and its text; one that is written down is another one.
    async fn find_posted(
        &self,
        client: &Tclip,
        posting: &Posting,
        content: &str,
    ) -> Result<Option<String>, PasteError> {
        for url in client.all_called(&posting.filename).await? {
            let Some(id) = PasteId::find(url.as_str()) else { continue };
            if self.inner.store.paste(&id).await?.is_none() && client.has_text(id.as_str(), content).await? {
                return Ok(Some(url.to_string()));
            }
        }
        Ok(None)
    }

    fn posted(&self, posting: &Posting, url: &str) -> Performed {
        let paste = Paste {
            id: PasteId::find(url).unwrap_or_else(|| posting.id.clone()),
            filename: posting.filename.clone(),
            language: posting.language.clone(),
            author: posting.author.clone(),
            size_bytes: posting.size_bytes,
            created_at: self.now(),
            expires_at: posting.expires_at,
            place: PastePlace::Tclip { url: url.to_owned() },
            key: None,
        };
        let said = words::made(&paste, url, None, self.is_public(), self.now());
        let says = self.told_later(&posting.id.to_string(), &posting.author, said);
        let work = PasteWork { wish: Wish::Posted { posting: posting.clone(), paste: paste.clone() }, says };
        let (pastes, waits_for) = (self.clone(), posting.id.to_string());
        Performed::write(Work::Paste(Box::new(work)), actor(&posting.author), move || {
            pastes.inner.awaited.tell(&waits_for, &Ok(paste));
        })
    }

    /// Whoever waits has the text back where they typed it; who does not finds it behind a button.
    fn not_posted(&self, posting: &Posting, text: Option<Text>, why: &str, error: PasteError) -> Performed {
        let waits_for = posting.id.to_string();
        let is_awaited = self.inner.awaited.is_awaited(&waits_for);
        let mut says = Vec::new();
        let mut is_draft = posting.was_draft && text.is_some();
        if let (Some(text), Some(slack_id)) = (text, &posting.author.slack_id)
            && !is_awaited
            && !posting.is_returned
        {
            is_draft = true;
            let expires_at = self.now().saturating_add(DRAFT_KEPT_MS);
            let draft = Draft { id: posting.id.clone(), slack_id: slack_id.clone(), text, expires_at };
            let is_known = !matches!(&error, PasteError::Tclip(error) if error.may_have_happened());
            let said = words::not_sent(&draft, &words::not_pasted(is_known, why));
            says = self.told_later(&waits_for, &posting.author, said);
        }
        let work =
            PasteWork { wish: Wish::NotPosted { posting: posting.clone(), why: why.to_owned(), is_draft }, says };
        let pastes = self.clone();
        Performed::write(Work::Paste(Box::new(work)), actor(&posting.author), move || {
            pastes.inner.awaited.tell(&waits_for, &Err(error));
        })
    }

    /// Who does not wait any more is told in their direct messages.
    fn told_later(&self, waits_for: &str, author: &Author, said: Said) -> Vec<Saying> {
        let slack_id = author.slack_id.clone().filter(|_| !self.inner.awaited.is_awaited(waits_for));
        let say = |slack_id: String| Saying {
            due: Due {
                at: self.now(),
                effect: Effect::Say {
                    channel: slack_id.clone(),
                    thread: None,
                    by: slack_id,
                    text: said.text,
                    blocks: said.blocks,
                },
            },
            once: None,
        };
        slack_id.map(say).into_iter().collect()
    }

    /// The worker deletes a paste at tclip.
    pub(in crate::engine) async fn perform_delete(&self, waiting: &Waiting, deletion: &Deletion) -> Performed {
        let Deletion { paste, is_known, .. } = deletion;
        let waits_for = deleting(&paste.id);
        let is_first = self.inner.awaited.begin(&waits_for);
        let page =
            || if let PastePlace::Tclip { url } = &paste.place { url.clone() } else { self.page_here(&paste.id) };
        let outcome = match &self.inner.settings.tclip {
            None => Err(PasteError::Elsewhere { page: page() }),
            Some(tclip) => match tclip.client.clone().with_limit(POST_LIMIT).delete(paste.id.as_str()).await {
                Ok(Deleted::Now) => Ok(()),
                // Gone before, or by our own call whose answer was lost.
                Ok(Deleted::Before) if *is_known || !is_first => Ok(()),
                Ok(Deleted::Before) => Err(PasteError::Refused(PasteRefusal::Gone)),
                Err(TclipError::NotOwner { .. }) if !is_known => Err(PasteError::Elsewhere { page: page() }),
                Err(error)
                    if error.is_retryable()
                        && !self.inner.awaited.is_awaited(&waits_for)
                        && waiting.attempts < ATTEMPTS_MAX =>
                {
                    return put_off(waiting, &error.into());
                }
                Err(error) => Err(error.into()),
            },
        };
        let wish = match &outcome {
            Ok(()) => Wish::Deleted { deletion: deletion.clone() },
            Err(why) => Wish::NotDeleted { deletion: deletion.clone(), why: why.to_string() },
        };
        let (pastes, came) = (self.clone(), outcome.map(|()| paste.clone()));
        Performed::write(Work::Paste(Box::new(wish.into())), actor(&deletion.who), move || {
            pastes.inner.awaited.tell(&waits_for, &came);
        })
    }
}

/// It could not be looked for, so it may stand there.
fn in_doubt(error: PasteError) -> PasteError {
    match error {
        PasteError::Tclip(error) => {
            let (host, detail) = (String::new(), error.to_string());
            PasteError::Tclip(TclipError::Unavailable { host, detail, may_have_happened: true })
        }
        other => other,
    }
}

fn deleting(id: &PasteId) -> String {
    format!("delete {id}")
}

fn put_off(waiting: &Waiting, error: &PasteError) -> Performed {
    Performed::later(pause_ms(waiting.attempts, None), &error.to_string())
}
