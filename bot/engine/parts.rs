//! What the engine is made of.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{Engine, directory, links, logbook, pastes, schedule};
use crate::catalog::Catalog;
use crate::clock::{Clock, Ids};
use crate::config::Ceilings;
use crate::notices::Notices;
use crate::outside::slack::Slack;
use crate::outside::tailscale::Tailscale;
use crate::steps::tclip::Keeper;
use crate::steps::{List, Outside, Services};
use crate::store::Store;

/// Everything the engine works with. Made once, by `app`.
pub struct Parts {
    /// Where everything is kept.
    pub store: Store,
    /// The clock seam.
    pub clock: Clock,
    /// The seam for ids and randomness.
    pub ids: Ids,
    /// The workspace.
    pub slack: Slack,
    /// The tailnet.
    pub tailscale: Tailscale,
    /// What the bot says.
    pub notices: Notices,
    /// What can be asked for.
    pub catalog: Catalog,
    /// What steps can be.
    pub steps: List,
    /// Slack ids to tailnet logins, where e-mail does not say it.
    pub people: BTreeMap<String, String>,
    /// How much one person may have.
    pub ceilings: Ceilings,
    /// Where go links are kept.
    pub links: links::LinkPlace,
    /// Where pastes go.
    pub pastes: pastes::PasteSettings,
    /// The audit log under watch.
    pub logbook: logbook::Logbook,
    /// How services that workflows name are called.
    pub services: Services,
}

/// What steps may touch. The links are those of the engine that is made with it: it is to be told.
pub(super) fn outside(
    (slack, tailscale): &(Slack, Tailscale),
    pastes: Arc<dyn Keeper>,
    services: Services,
    clock: &Clock,
) -> (Outside, links::LinkKeeper) {
    let keeper = links::LinkKeeper::default();
    let (slack, tailscale, clock) = (slack.clone(), tailscale.clone(), clock.clone());
    (Outside { slack, tailscale, pastes, links: Arc::new(keeper.clone()), services, clock }, keeper)
}

/// What goes on beside the worker until `stop`; what it writes, the writer takes or not.
pub(super) fn keep(engine: &Engine, tailnet: Tailscale, stop: &CancellationToken) {
    tokio::spawn(logbook::keep_posted(engine.clone(), stop.clone()));
    tokio::spawn(schedule::keep(engine.clone(), stop.clone()));
    tokio::spawn(directory::keep(engine.clone(), stop.clone()));
    // Ends when it has looked, too.
    tokio::spawn(logbook::survey(engine.clone(), tailnet, stop.clone()));
}
