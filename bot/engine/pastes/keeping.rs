//! What the step type `tclip.paste` needs: one paste a key, made once, kept while anybody holds it, and gone after.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::writing::{PasteWork, Saying};
use super::{PasteError, Pastes, signed};
use crate::kernel::effect::{Due, Effect};
use crate::kernel::paste::{Author, Paste, PasteId, PastePlace, Text, Wish};
use crate::kernel::request::Found;
use crate::kernel::{Actor, Failure, Key, Request, RequestId};
use crate::notices::pastes as words;
use crate::outside::ADMIN_IN_LOG;
use crate::outside::tclip::{Tclip, TclipError};
use crate::steps::Holder;
use crate::steps::tclip::Keeper;
use crate::store::HoldPhase;

/// The worker waits longer than people do.
const CALL_LIMIT: Duration = Duration::from_secs(8);

/// Keeps pastes for steps.
pub struct PasteKeeper {
    pastes: Pastes,
}

/// A paste to be kept, before it is known whether it is there already.
struct Wanted<'a> {
    key: &'a Key,
    text: Text,
    requests: Vec<Request>,
}

impl PasteKeeper {
    /// Over these pastes.
    pub fn new(pastes: Pastes) -> Self {
        Self { pastes }
    }

    fn tclip(&self) -> Option<Tclip> {
        let place = self.pastes.inner.settings.tclip.as_ref();
        place.map(|place| place.client.clone().with_limit(CALL_LIMIT))
    }

    async fn keep(&self, key: &Key, text: Text, holders: &[Holder]) -> Result<Found, Failure> {
        let there = self.there(key).await?;
        // Whoever held it before knows where it is, unless it has to be made anew.
        let mut ids: Vec<RequestId> = holders
            .iter()
            .filter(|holder| holder.is_new || there.is_none())
            .map(|holder| holder.request_id.clone())
            .collect();
        if there.is_none() && holders.iter().any(|holder| !holder.is_new) {
            let held = self.pastes.inner.store.held_by_all(key).await.map_err(|error| later(&error))?;
            let others = held.holders.into_iter().filter(|row| row.phase == HoldPhase::Held).map(|row| row.request_id);
            ids.extend(others);
            ids.sort();
            ids.dedup();
        }
        let mut requests = Vec::new();
        for id in &ids {
            let request = self.pastes.inner.store.load(id).await;
            requests.push(request.map_err(|error| later(&error))?);
        }
        let wanted = Wanted { key, text, requests };
        let paste = match &there {
            Some(paste) => paste.clone(),
            None => self.make(&wanted).await?,
        };
        let says: Vec<Saying> =
            wanted.requests.iter().map(|request| self.say(request, &paste, &self.pastes.page(&paste))).collect();
        if there.is_none() || !says.is_empty() {
            let content = if paste.place == PastePlace::Here { wanted.text.content } else { String::new() };
            let work = PasteWork { wish: Wish::Hold { paste: paste.clone(), content, new: ids }, says };
            self.pastes.write(work, Actor::Worker, None).await.map_err(|error| later(&error))?;
        }
        self.read_back(&paste).await
    }

    /// The paste of this key, if it still stands where it stood. One that was deleted at tclip is forgotten.
    async fn there(&self, key: &Key) -> Result<Option<Paste>, Failure> {
        let paste = self.pastes.inner.store.paste_of_key(key.as_str()).await.map_err(|error| later(&error))?;
        let Some(paste) = paste else { return Ok(None) };
        if let (PastePlace::Tclip { .. }, Some(tclip)) = (&paste.place, self.tclip())
            && !tclip.is_there(paste.id.as_str()).await.map_err(|error| failure(&error))?
        {
            self.forget(&paste.id).await?;
            return Ok(None);
        }
        Ok(Some(paste))
    }

    async fn make(&self, wanted: &Wanted<'_>) -> Result<Paste, Failure> {
        let author = wanted.requests.first().map(author).unwrap_or_default();
        let new_id = || self.pastes.new_id().map_err(|error| later(&error));
        let (id, place, filename) = match self.tclip() {
            None => (new_id()?, PastePlace::Here, wanted.text.filename.clone()),
            Some(tclip) => {
                // Named after its request: a post whose answer was lost is found again and not made twice.
                let request = wanted.requests.first().map(|request| request.id.to_string()).unwrap_or_default();
                let named = format!("{request} {}", wanted.text.filename);
                let filename = signed(&author, &Text { filename: named, ..wanted.text.clone() });
                let before = tclip.find(&filename).await.map_err(|error| failure(&error))?;
                let url = match before {
                    Some(url) => url,
                    None => tclip.post(&filename, &wanted.text.content).await.map_err(|error| failure(&error))?,
                };
                let id = PasteId::find(url.as_str()).map_or_else(new_id, Ok)?;
                (id, PastePlace::Tclip { url: url.to_string() }, filename)
            }
        };
        Ok(Paste {
            id,
            filename,
            language: wanted.text.language.clone(),
            author,
            size_bytes: wanted.text.content.len(),
            created_at: self.pastes.now(),
            // The ledger says it.
            expires_at: None,
            place,
            key: Some(wanted.key.to_string()),
        })
    }

    fn say(&self, request: &Request, paste: &Paste, page: &str) -> Saying {
        let said = words::held(&request.workflow.title, &paste.filename, page, paste.place == PastePlace::Here);
        let slack_id = request.requester.slack_id.clone();
        let (channel, by) = (slack_id.clone(), slack_id);
        let effect = Effect::Say { channel, thread: None, by, text: said.text, blocks: said.blocks };
        // A run that is done again tells nobody twice.
        let once = Some(format!("held {} {}", paste.id, request.id));
        Saying { due: Due { at: self.pastes.now(), effect }, once }
    }

    async fn read_back(&self, paste: &Paste) -> Result<Found, Failure> {
        let missing = || Failure {
            what: "the paste was made, but is not there when it is looked for".to_owned(),
            advice: String::new(),
            retryable: true,
            retry_after_ms: None,
        };
        match (&paste.place, self.tclip()) {
            (PastePlace::Here, _) => {
                let found = self.pastes.inner.store.paste(&paste.id).await.map_err(|error| later(&error))?;
                let until = found.ok_or_else(missing)?.expires_at;
                Ok(Found::On { until })
            }
            // tclip knows no end; we take it back.
            (PastePlace::Tclip { .. }, Some(tclip)) => {
                let is_there = tclip.is_there(paste.id.as_str()).await.map_err(|error| failure(&error))?;
                if is_there { Ok(Found::On { until: None }) } else { Err(missing()) }
            }
            (PastePlace::Tclip { .. }, None) => Ok(Found::On { until: None }),
        }
    }

    async fn let_go(&self, key: &Key) -> Result<Found, Failure> {
        let paste = self.pastes.inner.store.paste_of_key(key.as_str()).await.map_err(|error| later(&error))?;
        let Some(paste) = paste else { return Ok(Found::Gone) };
        let left_alone = match (&paste.place, self.tclip()) {
            (PastePlace::Here, _) => None,
            (PastePlace::Tclip { url }, None) => {
                Some(format!("the paste stays at {url}: no tclip is configured any more"))
            }
            (PastePlace::Tclip { url }, Some(tclip)) => match tclip.delete(paste.id.as_str()).await {
                Ok(_) if tclip.is_there(paste.id.as_str()).await.map_err(|error| failure(&error))? => {
                    return Err(failure(&TclipError::NotTclip {
                        host: url.clone(),
                        detail: "a paste it said it deleted is still there".to_owned(),
                    }));
                }
                Ok(_) => None,
                Err(TclipError::NotOwner { .. }) => {
                    Some(format!("the paste stays at {url}: tclip lets only its owner delete it"))
                }
                Err(error) => return Err(failure(&error)),
            },
        };
        self.forget(&paste.id).await?;
        match left_alone {
            Some(what) => Ok(Found::LeftAlone { what, is_on: true }),
            None => {
                let found = self.pastes.inner.store.paste(&paste.id).await.map_err(|error| later(&error))?;
                if found.is_none() { Ok(Found::Gone) } else { Err(later(&"the paste is still there")) }
            }
        }
    }

    async fn forget(&self, id: &PasteId) -> Result<(), Failure> {
        let work = Wish::LetGo { id: id.clone() };
        self.pastes.write(work, Actor::Worker, None).await.map(drop).map_err(|error: PasteError| later(&error))
    }
}

impl Keeper for PasteKeeper {
    fn keep<'a>(&'a self, key: &'a Key, text: Text, holders: &'a [Holder]) -> BoxFuture<'a, Result<Found, Failure>> {
        self.keep(key, text, holders).boxed()
    }

    fn let_go<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Found, Failure>> {
        self.let_go(key).boxed()
    }
}

fn author(request: &Request) -> Author {
    let person = &request.requester;
    let login = person.login.clone().or_else(|| person.email.clone()).map(|login| login.to_lowercase());
    Author { slack_id: Some(person.slack_id.clone()), login, name: person.name.clone() }
}

fn failure(error: &TclipError) -> Failure {
    let advice = error.advice().unwrap_or_default();
    tracing::warn!(%error, advice, "tclip did not do it");
    let advice = if error.is_for_an_admin() { ADMIN_IN_LOG.to_owned() } else { advice };
    Failure { what: error.to_string(), advice, retryable: error.is_retryable(), retry_after_ms: None }
}

fn later(error: &dyn std::fmt::Display) -> Failure {
    Failure { what: error.to_string(), advice: String::new(), retryable: true, retry_after_ms: None }
}
