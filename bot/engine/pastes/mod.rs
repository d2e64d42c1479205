//! Pastes for the surfaces: made, listed, shared and deleted, whether they stand with us or at a tclip.
//!
//! Everything that changes one goes through the writer, and what is done at a tclip is saved before the worker does it.

mod author;
mod deleting;
mod keeping;
pub mod moving;
mod posting;
mod room;
pub(super) mod writing;

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use super::TellError;
use super::awaited::Awaited;
use super::jobs::{Job, Jobs, Work, Written};
use crate::clock::{Clock, Ids};
use crate::config::Ceilings;
use crate::kernel::paste::{
    Author, DRAFT_KEPT_MS, Draft, Paste, PasteId, PastePlace, PasteRefusal, Suspect, Text, Wish, suspects,
    suspects_in_name,
};
use crate::kernel::{Actor, Failure, Refusal};
use crate::outside::tclip::{Tclip, TclipError};
use crate::store::{Store, StoreError};

use author::actor;
pub use author::signed;
pub use keeping::PasteKeeper;
use writing::{PasteOutcome, PasteWork};

/// Of one person's pastes, in a list.
const LISTED_MAX: i64 = 20;

/// Where pastes go. Made once, by `app`.
#[derive(Clone, Debug)]
pub struct PasteSettings {
    /// How people reach us, without a slash at the end.
    pub here: String,
    /// The tclip to use instead of us.
    pub tclip: Option<TclipPlace>,
}

/// A tclip and what the configuration says about it.
#[derive(Clone, Debug)]
pub struct TclipPlace {
    /// It.
    pub client: Tclip,
    /// It is open to the internet (Funnel), so each paste is public for whoever has its address.
    pub is_public: bool,
}

/// What to ask about before a text is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Doubts {
    /// What looks like a secret.
    pub suspects: Vec<Suspect>,
    /// Anybody on the internet who has the address could read it.
    pub is_public: bool,
}

impl Doubts {
    /// Whether there is nothing to ask.
    pub fn is_empty(&self) -> bool {
        self.suspects.is_empty() && !self.is_public
    }
}

/// Why nothing was pasted, deleted or shared.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PasteError {
    /// The rules say no.
    #[error("refused: {0}")]
    Refused(#[from] PasteRefusal),
    /// Not this person.
    #[error("refused: {0}")]
    NotYou(Refusal),
    /// It could not be found out who this is.
    #[error("{}", .0.what)]
    Unknown(Failure),
    /// tclip did not do it.
    #[error("{0}")]
    Tclip(#[from] TclipError),
    /// It stands at a tclip and is not one we made: what can be done with it is done on its page.
    #[error("it is not one that was pasted from here")]
    Elsewhere {
        /// Its page.
        page: String,
    },
    /// The database did not save or read it.
    #[error("not saved: {0}")]
    NotSaved(String),
}

impl From<StoreError> for PasteError {
    fn from(error: StoreError) -> Self {
        Self::NotSaved(error.to_string())
    }
}

/// The handle everybody has. Cloning shares it.
#[derive(Clone)]
pub struct Pastes {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    clock: Clock,
    ids: Ids,
    jobs: Jobs,
    settings: PasteSettings,
    ceilings: Ceilings,
    /// Drafts being sent to a tclip now: a second click must not send one twice.
    in_hand: Mutex<HashSet<PasteId>>,
    /// Who waits for what tclip says.
    awaited: Awaited<posting::Came>,
}

/// A text about to be pasted, and what goes with it.
#[derive(Debug)]
pub struct Pasting {
    /// Whose.
    pub author: Author,
    /// What.
    pub text: Text,
    /// When it ends by itself, milliseconds since the Unix epoch.
    pub expires_at: Option<i64>,
    /// The draft this was; forgotten with the same commit.
    pub draft: Option<PasteId>,
}

impl Pasting {
    /// Of this text, to stay.
    pub fn new(author: Author, text: Text) -> Self {
        Self { author, text, expires_at: None, draft: None }
    }
}

impl Pastes {
    pub(super) fn new(
        store: Store,
        clock: Clock,
        ids: Ids,
        jobs: Jobs,
        (settings, ceilings): (PasteSettings, Ceilings),
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                store,
                clock,
                ids,
                jobs,
                settings,
                ceilings,
                in_hand: Mutex::default(),
                awaited: Awaited::default(),
            }),
        }
    }

    /// Whether pastes stand with us.
    pub fn are_here(&self) -> bool {
        self.inner.settings.tclip.is_none()
    }

    /// Whether anybody on the internet who has a paste's address can read it.
    pub fn is_public(&self) -> bool {
        self.inner.settings.tclip.as_ref().is_some_and(|tclip| tclip.is_public)
    }

    /// A paste's page.
    pub fn page(&self, paste: &Paste) -> String {
        match &paste.place {
            PastePlace::Here => self.page_here(&paste.id),
            PastePlace::Tclip { url } => url.clone(),
        }
    }

    fn page_here(&self, id: &PasteId) -> String {
        format!("{}/paste/{id}", self.inner.settings.here)
    }

    /// The page that lists everybody's pastes.
    pub fn list_page(&self) -> String {
        match &self.inner.settings.tclip {
            Some(tclip) => tclip.client.list_page(),
            None => format!("{}/paste/list", self.inner.settings.here),
        }
    }

    /// What should be asked about before this is sent.
    pub fn doubts(&self, text: &Text) -> Doubts {
        let mut all = suspects_in_name(&text.filename);
        all.extend(suspects(&text.content));
        Doubts { suspects: all, is_public: self.is_public() }
    }

    /// Makes a paste. Returns when it is there and written down. `delivery` is the fingerprint of Slack's delivery.
    ///
    /// # Errors
    /// Nothing was pasted; only if tclip did not answer in time it may have been (`TclipError::may_have_happened`).
    pub async fn create(&self, pasting: Pasting, delivery: Option<String>) -> Result<Paste, PasteError> {
        let _taken = match &pasting.draft {
            Some(id) => Some(self.take(id).await?),
            None => None,
        };
        if self.inner.settings.tclip.is_some() {
            return self.post(pasting, delivery).await;
        }
        let Pasting { author, text, expires_at, draft } = pasting;
        self.may_keep(&author, text.content.len()).await?;
        let paste = Paste {
            id: self.new_id()?,
            filename: text.filename,
            language: text.language,
            size_bytes: text.content.len(),
            created_at: self.now(),
            expires_at,
            place: PastePlace::Here,
            key: None,
            author,
        };
        let by = actor(&paste.author);
        let wish = Wish::Keep { paste: paste.clone(), content: text.content, draft };
        self.write(wish, by, delivery).await.map(|written| written.unwrap_or(paste))
    }

    fn new_id(&self) -> Result<PasteId, PasteError> {
        PasteId::read(&self.inner.ids.uuid()).ok_or_else(|| PasteError::NotSaved("an id could not be made".to_owned()))
    }

    /// Keeps a text until its author decides, for a quarter of an hour.
    ///
    /// # Errors
    /// It was not saved.
    pub async fn keep_draft(&self, slack_id: &str, text: Text, delivery: Option<String>) -> Result<Draft, PasteError> {
        let most = self.inner.ceilings.drafts;
        if self.inner.store.drafts_of(slack_id, self.now()).await? >= u64::from(most) {
            return Err(PasteRefusal::TooManyDrafts { most }.into());
        }
        let expires_at = self.now().saturating_add(DRAFT_KEPT_MS);
        let draft = Draft { id: self.new_id()?, slack_id: slack_id.to_owned(), text, expires_at };
        let actor = Actor::Person { slack_id: slack_id.to_owned() };
        self.write(Wish::Draft { draft: draft.clone() }, actor, delivery).await?;
        Ok(draft)
    }

    /// A draft of this person that is still there.
    ///
    /// # Errors
    /// Gone, sent already, or somebody else's.
    pub async fn draft(&self, id: &PasteId, slack_id: &str) -> Result<Draft, PasteError> {
        let draft = self.inner.store.draft(id).await?;
        let draft = draft.filter(|draft| draft.slack_id == slack_id && self.now() < draft.expires_at);
        draft.ok_or(PasteError::Refused(PasteRefusal::Gone))
    }

    /// Forgets a draft of this person. One that is gone already is fine.
    ///
    /// # Errors
    /// It was not saved.
    pub async fn discard_draft(&self, id: &PasteId, slack_id: &str) -> Result<(), PasteError> {
        match self.draft(id, slack_id).await {
            Err(PasteError::Refused(_)) => return Ok(()),
            Err(error) => return Err(error),
            Ok(_) => {}
        }
        let actor = Actor::Person { slack_id: slack_id.to_owned() };
        self.write(Wish::Discard { id: id.clone() }, actor, None).await.map(drop)
    }

    /// Somebody's own pastes, newest first, at most twenty.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn mine(&self, who: &Author) -> Result<Vec<Paste>, PasteError> {
        Ok(self.inner.store.pastes_of(who, self.now(), LISTED_MAX).await?)
    }

    /// A paste that is there now, wherever it stands.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn find(&self, id: &PasteId) -> Result<Option<Paste>, PasteError> {
        Ok(self.inner.store.paste(id).await?.filter(|paste| paste.is_there(self.now())))
    }

    /// The text of a paste that stands here.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn content(&self, id: &PasteId) -> Result<Option<String>, PasteError> {
        Ok(self.inner.store.paste_content(id).await?)
    }

    /// How these pastes begin, of those that stand here: what one without a name is known by.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn begins(&self, pastes: &[Paste]) -> Result<BTreeMap<PasteId, String>, PasteError> {
        let ids: Vec<&PasteId> = pastes.iter().map(|paste| &paste.id).collect();
        Ok(self.inner.store.paste_begins(&ids).await?.into_iter().collect())
    }

    /// Everybody's pastes that stand here, newest first.
    ///
    /// # Errors
    /// The database did not answer.
    pub async fn page_of(&self, limit: i64, offset: i64) -> Result<Vec<Paste>, PasteError> {
        Ok(self.inner.store.pastes_page(self.now(), limit, offset).await?)
    }

    /// The paste, if `who` may share it in a channel: their own. It is said with `Engine::say`.
    ///
    /// # Errors
    /// Not there, or not theirs.
    pub async fn to_share(&self, id: &PasteId, who: &Author) -> Result<Paste, PasteError> {
        let paste = self.find(id).await?.ok_or(PasteError::Refused(PasteRefusal::Gone))?;
        if paste.author.is_same(who) {
            return Ok(paste);
        }
        Err(PasteError::Refused(PasteRefusal::NotYours { owner: paste.author.shown().to_owned() }))
    }

    fn now(&self) -> i64 {
        self.inner.clock.now_ms()
    }

    async fn write(
        &self,
        work: impl Into<PasteWork>,
        actor: Actor,
        delivery: Option<String>,
    ) -> Result<Option<Paste>, PasteError> {
        let stopping = || PasteError::NotSaved("nightlatch is stopping".to_owned());
        let (answer, answered) = oneshot::channel();
        let job = Job { work: Work::Paste(Box::new(work.into())), actor, delivery, done: None, answer };
        self.inner.jobs.send(job).await.map_err(|()| stopping())?;
        match answered.await.map_err(|_| stopping())? {
            Ok(Written::Paste(PasteOutcome::Kept(paste))) => Ok(Some(*paste)),
            Ok(Written::Paste(PasteOutcome::Refused(why))) => Err(why.into()),
            Ok(_) => Ok(None),
            Err(TellError::NotSaved(error)) => Err(PasteError::NotSaved(error)),
            Err(error) => Err(PasteError::NotSaved(error.to_string())),
        }
    }

    /// Until this is dropped nobody else sends that draft. Whether it is still there is looked at after nobody else can.
    async fn take(&self, id: &PasteId) -> Result<Taken, PasteError> {
        let gone = PasteError::Refused(PasteRefusal::Gone);
        let is_free = self.inner.in_hand.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone());
        if !is_free {
            return Err(gone);
        }
        let taken = Taken { inner: self.inner.clone(), id: id.clone() };
        let draft = self.inner.store.draft(id).await?;
        if draft.is_some_and(|draft| self.now() < draft.expires_at) { Ok(taken) } else { Err(gone) }
    }
}

struct Taken {
    inner: Arc<Inner>,
    id: PasteId,
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.inner.in_hand.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}
