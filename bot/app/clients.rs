//! From the configuration to the parts the bot is put together from: clients of services, rules, and where we are reached.

use std::net::SocketAddr;

use axum::Router;

use super::StartError;
use crate::catalog::{Catalog, policies, staff};
use crate::clock::{Clock, Ids};
use crate::config::{Config, Database, Folders, PolicyFileConfig, Report, RunAs, Secrets, SlackMode, TailscaleSecrets};
use crate::engine::Engine;
use crate::engine::links::LinkPlace;
use crate::engine::logbook::Logbook;
use crate::engine::pastes::{PasteSettings, TclipPlace};
use crate::kernel::{Staff, StepType};
use crate::outside::net::Net;
use crate::outside::programs::Programs;
use crate::outside::slack::{Slack, SlackSettings, SlackSetupError};
use crate::outside::tailscale::{Credential, Tailscale, TailscaleError, TailscaleSettings};
use crate::outside::tailscaled::Tailscaled;
use crate::outside::tclip::Tclip;
use crate::slack::http::SigningSecrets;
use crate::steps::tailscale::policy::Rules;
use crate::store::{AnchorFile, Store};
use crate::web::front::FrontPage;
use crate::web::identity::Identity;
use crate::web::links::LinkPages;
use crate::web::pages::{Neighbours, Pages};
use crate::web::pastes::PastePages;

/// The database, and its log compared with the anchor, before anything in it is acted upon.
pub(super) async fn opened(config: &Config, clock: &Clock) -> Result<(Store, Logbook), StartError> {
    let Database::Sqlite(path) = &config.database;
    let store = Store::open(&format!("sqlite://{}", path.display())).await?;
    clock.remember(store.last_saved_at().await?);
    let anchor = (AnchorFile::new(&config.anchor), config.anchor_channel.clone());
    let logbook = Logbook::open(&store, anchor, clock.clone()).await?;
    Ok((store, logbook))
}

/// Where links are kept: at the golink that is named, else with us.
pub(super) async fn link_place(
    config: &Config,
    store: &Store,
    here: &str,
    clock: &Clock,
    net: &Net,
) -> Result<LinkPlace, StartError> {
    Ok(match &config.golink {
        Some(golink) => LinkPlace::there(golink, clock.clone(), net.contacts())?,
        None => LinkPlace::here(store, here).await?,
    })
}

/// `router` with the pages beside it that we have.
pub(super) fn with_pages(
    router: Router,
    engine: &Engine,
    (identity, pages): (Identity, Pages),
    ids: &Ids,
    config: &Config,
) -> Router {
    let front = FrontPage::new(engine.clone(), identity.clone(), pages.clone());
    let router = router.merge(front.clone().router());
    let router = router.merge(PastePages::new(engine.clone(), identity.clone(), pages.clone()).router());
    let router = front.around(router);
    // Last: it stands in front of everything else, and what is merged later would not be behind it.
    match config.golink {
        None => LinkPages::new(engine.clone(), identity, pages, ids).beside(router),
        Some(_) => router,
    }
}

/// The workflows, the guardrails they are under, and what is known of people. `before` is what is in force now.
pub(super) fn read_rules(folders: &Folders, types: &[StepType], before: Option<&Catalog>) -> Result<Catalog, Report> {
    let (catalog, mut report) = match Catalog::read(&folders.workflows, types) {
        Ok(catalog) => {
            let report = super::named::missing(&catalog, folders, types);
            (Some(catalog), report)
        }
        Err(mistakes) => (None, mistakes),
    };
    let people = staff::read(&folders.staff, before.is_some_and(|before| !before.staff().is_empty())).unwrap_or_else(
        |mistakes| {
            report.absorb(mistakes);
            Staff::default()
        },
    );
    let had_some = before.is_some_and(|before| before.guardrails().is_some());
    let names = catalog.as_ref().map(Catalog::names);
    match policies::read(&folders.policies, names.as_deref(), had_some) {
        Ok(guardrails) if report.is_empty() => {
            return Ok(catalog.unwrap_or_default().under(guardrails).with_staff(people));
        }
        Ok(_) => {}
        Err(mistakes) => report.absorb(mistakes),
    }
    Err(report)
}

/// Where pastes go: to the tclip that is named, else to us.
pub(super) fn paste_settings(config: &Config, here: String, net: &Net) -> Result<PasteSettings, StartError> {
    let tclip = match &config.tclip {
        Some(tclip) => {
            let client = Tclip::new(tclip.url.clone())?.telling(net.contacts().clone());
            Some(TclipPlace { client, is_public: tclip.is_public })
        }
        None => None,
    };
    Ok(PasteSettings { here, tclip })
}

/// What workflows may run.
pub(super) fn programs(config: &Config) -> Result<Programs, StartError> {
    let Some(programs) = &config.programs else { return Ok(Programs::default()) };
    let run_as = match &programs.run_as {
        RunAs::User(name) => Some(name.as_str()),
        RunAs::Ourselves => None,
    };
    Programs::new(&programs.listed, run_as).map_err(StartError::Programs)
}

/// How the tailnet's policy file is treated.
pub(super) fn policy_rules(config: &Config) -> Rules {
    let PolicyFileConfig { managed_elsewhere, note, max_bytes } = config.tailscale.policy_file.clone();
    Rules { max_bytes, is_managed_elsewhere: managed_elsewhere, note }
}

/// How we find out who opens our pages.
pub(super) fn identity(config: &Config, tailscaled: Tailscaled) -> Identity {
    let host = config.url.as_ref().and_then(|url| url.host_str());
    let faces_internet = config.slack.mode == SlackMode::Http && config.slack.listen.is_none();
    Identity::new(tailscaled, host, faces_internet)
}

/// Which pages we have.
pub(super) fn neighbours(config: &Config, here: &str) -> Neighbours {
    Neighbours { here: here.to_owned(), has_links: config.golink.is_none(), has_pastes: config.tclip.is_none() }
}

/// How people reach us, without a slash at the end.
pub(super) fn reached_at(config: &Config, address: Option<SocketAddr>) -> String {
    match (&config.url, address) {
        (Some(url), _) => url.as_str().trim_end_matches('/').to_owned(),
        (None, Some(address)) => format!("http://{address}"),
        (None, None) => "http://localhost".to_owned(),
    }
}

/// The client of Slack.
///
/// # Errors
/// It cannot be made.
pub fn slack_client(config: &Config, secrets: &Secrets, clock: &Clock, net: &Net) -> Result<Slack, SlackSetupError> {
    let keys = &secrets.slack;
    let settings = SlackSettings::new(config.slack.api_url.as_str(), keys.bot_token.clone(), keys.app_token.clone());
    Slack::new(SlackSettings { net: net.clone(), ..settings }, clock.clone())
}

/// The client of Tailscale.
///
/// # Errors
/// It cannot be made.
pub fn tailscale_client(
    config: &Config,
    secrets: &Secrets,
    clock: &Clock,
    net: &Net,
) -> Result<Tailscale, TailscaleError> {
    let credential = match &secrets.tailscale {
        TailscaleSecrets::Client { id, secret } => {
            Credential::ClientCredentials { client_id: id.clone(), secret: secret.clone() }
        }
        TailscaleSecrets::ApiKey(key) => Credential::ApiKey(key.clone()),
    };
    let settings = TailscaleSettings::new(config.tailscale.api_url.clone(), credential);
    Tailscale::new(TailscaleSettings { net: net.clone(), ..settings }, clock.clone())
}

pub(super) fn signing_secrets(config: &Config, secrets: &Secrets) -> Result<Option<SigningSecrets>, StartError> {
    if config.slack.mode == SlackMode::Socket {
        return Ok(None);
    }
    let secret = secrets.slack.signing_secret.clone().ok_or(StartError::SigningSecret)?;
    SigningSecrets::new(vec![secret]).map(Some).map_err(|_| StartError::SigningSecret)
}
