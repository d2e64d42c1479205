//! Go links for the surfaces: found, followed, made and changed, whether they stand here or at a golink of yours.

mod asker;
mod clicks;
mod far;
mod keeping;
pub mod moving;
mod saving;
pub(in crate::engine) mod sending;
mod shelf;
pub(in crate::engine) mod writing;

use std::collections::BTreeSet;
use std::sync::Arc;

use url::Url;

use super::{Engine, TellError};
use crate::clock::Clock;
use crate::kernel::link::{
    ExpandError, Link, LinkId, LinkRefusal, Target, Typed, Visit, expand, without_punctuation, without_signs,
};
use crate::kernel::{Failure, Standing};
use crate::outside::ADMIN_IN_LOG;
use crate::outside::contacts::Contacts;
use crate::outside::golink::{Golink, GolinkError};
use crate::store::{Store, StoreError};

pub use asker::Asker;
pub use clicks::FLUSH_EVERY_MS;
pub(in crate::engine) use clicks::keep_flushing;
pub(in crate::engine) use keeping::LinkKeeper;
pub use saving::Saving;

/// golink's capability in the tailnet policy file; ours has the same, so that moving needs no change there.
pub const CAPABILITY: &str = "tailscale.com/cap/golink";
/// Names this alike are offered for one that is unknown.
const NEAREST_MAX: usize = 3;

/// Where links are kept, made before the engine starts.
pub struct LinkPlace {
    place: Place,
    /// Where people follow them, without a slash at the end: `http://go`.
    address: String,
}

enum Place {
    /// In our own database.
    Here(shelf::Shelf),
    /// At a golink.
    There(Arc<far::Far>),
}

impl LinkPlace {
    /// In our own database; `url` is where people reach us.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn here(store: &Store, url: &str) -> Result<Self, StoreError> {
        let shelf = shelf::Shelf::open(store).await?;
        Ok(Self { place: Place::Here(shelf), address: format!("{}/go", url.trim_end_matches('/')) })
    }

    /// At the golink with this address. Calls nobody.
    ///
    /// # Errors
    /// No client can be made.
    pub fn there(url: &Url, clock: Clock, contacts: &Contacts) -> Result<Self, GolinkError> {
        let address = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self {
            place: Place::There(Arc::new(far::Far::new(Golink::new(url.clone())?.telling(contacts.clone()), clock))),
            address,
        })
    }
}

/// A link and how often it was followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The link.
    pub link: Link,
    /// Ever, as far as it was counted.
    pub clicks: i64,
}

/// A link that was followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed {
    /// The link.
    pub link: Link,
    /// Where it leads; a relative address is made whole.
    pub target: Target,
}

/// Why something about links was not done.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LinkError {
    /// The rules say no.
    #[error("refused: {0}")]
    Refused(#[from] LinkRefusal),
    /// Guests, outsiders and bots have no go links.
    #[error("not a member")]
    NotMember(Standing),
    /// No active tailnet user matches this person.
    #[error("no tailnet user")]
    NoTailnetUser {
        /// The e-mail that was looked for, if Slack told one.
        email: Option<String>,
    },
    /// The link leads nowhere.
    #[error("it leads nowhere: {0}")]
    Nowhere(ExpandError),
    /// Somebody outside did not do it; nothing was changed.
    #[error("failed: {}", .0.what)]
    Failed(Failure),
    /// golink did not say whether it did it.
    #[error("not known whether it was saved: {}", .0.what)]
    NotKnown(Failure),
    /// The database did not save it; nothing was changed.
    #[error("not saved: {0}")]
    NotSaved(String),
}

impl From<GolinkError> for LinkError {
    fn from(error: GolinkError) -> Self {
        Self::Failed(failure(&error))
    }
}

impl From<StoreError> for LinkError {
    fn from(error: StoreError) -> Self {
        Self::NotSaved(error.to_string())
    }
}

impl From<TellError> for LinkError {
    fn from(error: TellError) -> Self {
        Self::NotSaved(error.to_string())
    }
}

fn failure(error: &GolinkError) -> Failure {
    let advice = error.advice().unwrap_or_default();
    tracing::warn!(%error, advice, "golink did not do it");
    let advice = if error.is_for_an_admin() { ADMIN_IN_LOG.to_owned() } else { advice };
    Failure { what: error.to_string(), advice, retryable: error.may_have_happened(), retry_after_ms: None }
}

/// The go links. Cloning is cheap.
#[derive(Clone)]
pub struct Links {
    engine: Engine,
}

impl Engine {
    /// The go links.
    pub fn links(&self) -> Links {
        Links { engine: self.clone() }
    }
}

impl Links {
    fn place(&self) -> &Place {
        &self.engine.inner.links.place
    }

    /// Where people follow this link.
    pub fn address_of(&self, typed: &str) -> String {
        format!("{}/{typed}", self.engine.inner.links.address)
    }

    /// Where people see, change and delete this link in a browser.
    pub fn page_of(&self, short: &str) -> String {
        self.address_of(&format!(".detail/{}", crate::kernel::link::path_escape(short)))
    }

    /// The address of the golink that has the links; none if they stand here.
    pub fn golink(&self) -> Option<&str> {
        matches!(self.place(), Place::There(_)).then_some(self.engine.inner.links.address.as_str())
    }

    /// The link of that name, in any spelling, at most two seconds old.
    ///
    /// # Errors
    /// golink did not say.
    pub async fn find(&self, short: &str) -> Result<Option<Link>, LinkError> {
        Ok(match self.place() {
            Place::Here(shelf) => shelf.find(&LinkId::of(short)),
            Place::There(far) => far.find(short).await?,
        })
    }

    /// As `find`, and if there is none, without the punctuation behind the name, as golink follows links; and without other
    /// signs that were copied along (`wiki:`, `wiki `), which can be in no name.
    ///
    /// # Errors
    /// golink did not say.
    pub async fn find_forgiving(&self, short: &str) -> Result<Option<Link>, LinkError> {
        let found = self.find(short).await?;
        if found.is_some() {
            return Ok(found);
        }
        let mut tried = short;
        for bare in [without_punctuation(short), without_signs(short)] {
            if bare != tried && !bare.is_empty() {
                let found = self.find(bare).await?;
                if found.is_some() {
                    return Ok(found);
                }
                tried = bare;
            }
        }
        Ok(None)
    }

    /// What stands behind our own address in an address that is one of ours: `wiki/x` of `http://go/wiki/x`. Nothing if it names
    /// no link.
    pub fn own(&self, address: &str) -> Option<String> {
        let ours = Url::parse(&self.engine.inner.links.address).ok()?;
        let url = self.whole(address).filter(|_| !address.contains("://")).or_else(|| Url::parse(address).ok())?;
        if !matches!(url.scheme(), "http" | "https") {
            return None;
        }
        let is_called_go = url.host_str().and_then(|host| host.split('.').next()) == Some("go");
        let is_ours = url.host() == ours.host() && url.port_or_known_default() == ours.port_or_known_default();
        let path = url.path();
        let below = path.strip_prefix(ours.path().trim_end_matches('/')).filter(|_| is_ours);
        let rest = below.or(is_called_go.then_some(path))?;
        let name = rest.strip_prefix('/').filter(|name| !name.is_empty() && !name.starts_with('.'))?;
        Some(url.query().map_or(name.to_owned(), |query| format!("{name}?{query}")))
    }

    /// Whether a link of this name would lead to itself.
    pub fn is_own_circle(&self, short: &str, long: &str) -> bool {
        let visit = Visit { path: "", query: "", user: Some("you@example.com"), now: 0 };
        let own = expand(long.trim(), &visit).ok().and_then(|target| self.own(&target.address));
        let name = own.and_then(|own| Typed::read(&own)).map(|typed| LinkId::of(without_signs(&typed.short)));
        name.is_some_and(|name| name == LinkId::of(short))
    }

    /// Where this link leads, as golink would answer a browser: relative addresses stay relative.
    ///
    /// # Errors
    /// It leads nowhere.
    pub fn lead(&self, link: &Link, typed: &Typed, login: Option<&str>) -> Result<Target, ExpandError> {
        let now = self.engine.inner.clock.now_ms();
        expand(&link.long, &Visit { path: &typed.path, query: &typed.query, user: login, now })
    }

    /// Where what was typed leads for this person; nothing if there is no such link.
    ///
    /// # Errors
    /// It leads nowhere, or golink did not say.
    pub async fn follow(&self, typed: &Typed, login: Option<&str>) -> Result<Option<Followed>, LinkError> {
        let Some(link) = self.find_forgiving(&typed.short).await? else { return Ok(None) };
        let mut target = match (self.lead(&link, typed, login), self.place()) {
            // What we cannot read of Go's templates golink can; it would take us for whoever asks, though.
            (Err(ExpandError::Template(why)), Place::There(far)) if !link.long.contains(".User") => {
                far.lead(&link.short, typed).await?.ok_or(LinkError::Nowhere(ExpandError::Template(why)))?
            }
            (target, _) => target.map_err(LinkError::Nowhere)?,
        };
        if target.scheme.is_empty()
            && let Some(whole) = self.whole(&target.address)
        {
            target.scheme = whole.scheme().to_owned();
            target.address = whole.into();
        }
        Ok(Some(Followed { link, target }))
    }

    /// A relative address as a browser at the links' address would read it.
    fn whole(&self, address: &str) -> Option<Url> {
        let base = &self.engine.inner.links.address;
        // Links that name each other begin with a slash; ours stand below `/go`.
        match address.strip_prefix('/').filter(|rest| !rest.starts_with('/')) {
            Some(rest) => Url::parse(&format!("{base}/{rest}")).ok(),
            None => Url::parse(&format!("{base}/")).ok()?.join(address).ok(),
        }
    }

    /// Every link with its clicks, by name.
    ///
    /// # Errors
    /// golink did not say.
    pub async fn all(&self) -> Result<Vec<Counted>, LinkError> {
        let mut all = match self.place() {
            Place::Here(shelf) => shelf.all(),
            Place::There(far) => far.all().await?.links.clone(),
        };
        all.sort_by(|one, other| one.link.short.cmp(&other.link.short));
        Ok(all)
    }

    /// Links that have every one of these words in name, destination or owner; those with the words in the name first.
    ///
    /// # Errors
    /// golink did not say.
    pub async fn search(&self, words: &str) -> Result<Vec<Counted>, LinkError> {
        let words: BTreeSet<String> = words.split_whitespace().map(str::to_lowercase).collect();
        let has_all = |text: &str| words.iter().all(|word| text.contains(word.as_str()));
        let text = |link: &Link| format!("{}\n{}\n{}", link.short, link.long, link.owner).to_lowercase();
        let mut found = self.all().await?;
        found.retain(|counted| has_all(&text(&counted.link)));
        let in_name = |link: &Link| has_all(&link.short.to_lowercase()) || has_all(LinkId::of(&link.short).as_str());
        found.sort_by_key(|counted| (!in_name(&counted.link), std::cmp::Reverse(counted.clicks)));
        Ok(found)
    }

    /// Links of this person, by name.
    ///
    /// # Errors
    /// golink did not say.
    pub async fn owned_by(&self, login: &str) -> Result<Vec<Counted>, LinkError> {
        let login = login.to_lowercase();
        let mut all = self.all().await?;
        all.retain(|counted| counted.link.owner.to_lowercase() == login);
        Ok(all)
    }

    /// Links that were followed, the most followed first.
    ///
    /// # Errors
    /// golink did not say.
    pub async fn top(&self) -> Result<Vec<Counted>, LinkError> {
        let mut all = self.all().await?;
        if let Place::There(far) = self.place() {
            far.all().await?.counted()?;
        }
        all.retain(|counted| counted.clicks > 0);
        all.sort_by_key(|counted| std::cmp::Reverse(counted.clicks));
        Ok(all)
    }

    /// How often this link was followed.
    ///
    /// # Errors
    /// golink did not say.
    pub async fn clicks_of(&self, id: &LinkId) -> Result<i64, LinkError> {
        match self.place() {
            Place::Here(shelf) => Ok(shelf.clicks_of(id)),
            Place::There(far) => {
                let all = far.all().await?;
                all.counted()?;
                Ok(all.links.iter().find(|counted| counted.link.id() == *id).map_or(0, |counted| counted.clicks))
            }
        }
    }

    /// Names like this one, the most alike first.
    ///
    /// # Errors
    /// golink did not say.
    pub async fn nearest(&self, short: &str) -> Result<Vec<Link>, LinkError> {
        let wanted = LinkId::of(without_signs(short));
        let wanted = wanted.as_str();
        if wanted.is_empty() || wanted.len() > 64 {
            return Ok(Vec::new());
        }
        let far = (wanted.chars().count() / 3).clamp(1, 3);
        let mut near: Vec<(usize, Link)> = Vec::new();
        for Counted { link, .. } in self.all().await? {
            let id = link.id();
            let id = id.as_str();
            let distance = strsim::damerau_levenshtein(wanted, id);
            let begins = wanted.len() >= 2 && (id.starts_with(wanted) || wanted.starts_with(id) && id.len() >= 2);
            if distance <= far || begins {
                near.push((if distance <= far { distance } else { far + 1 }, link));
            }
        }
        near.sort_by(|(one, first), (other, second)| one.cmp(other).then_with(|| first.short.cmp(&second.short)));
        Ok(near.into_iter().take(NEAREST_MAX).map(|(_, link)| link).collect())
    }

    /// Whether this person may change this link as things are now; only for showing buttons, it is checked again.
    pub fn may_edit(&self, link: &Link, login: Option<&str>) -> bool {
        login.is_some_and(|login| login.to_lowercase() == link.owner.to_lowercase())
    }
}
