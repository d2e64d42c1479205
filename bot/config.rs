//! `nightlatch.yaml`: read once at the start, every mistake told at once. Secrets are named here and fetched later.

mod address;
mod anchor;
mod ceilings;
mod changed;
mod mask;
pub mod named;
mod operators;
mod policy_file;
pub mod programs;
mod read;
pub mod report;
pub mod secret;
pub mod sheet;
#[cfg(test)]
mod tests;
pub mod words;
pub mod yaml;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use url::Url;

pub use address::Listen;
pub use ceilings::Ceilings;
pub use named::NamedSecret;
pub use programs::{ProgramsConfig, RunAs};
pub use report::{Mistake, Report};
pub use secret::{SecretError, SecretSource, Secrets, Setting, SlackSecrets, TailscaleSecrets};

/// Beside the configuration: who is whose manager.
const STAFF: &str = "people.yaml";

/// Everything `nightlatch.yaml` says. Paths are usable as they are: relative ones were joined to the file's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where state is kept.
    pub database: Database,
    /// The file that holds the head of the audit log in a second place.
    pub anchor: PathBuf,
    /// The Slack channel where the head of the audit log is said once a day; `#name` or an id.
    pub anchor_channel: Option<String>,
    /// Where we answer HTTP.
    pub listen: Listen,
    /// How people and Slack reach us, without a trailing slash in its path. Always there when `slack.mode` is `http`.
    pub url: Option<Url>,
    /// The folder of workflow files.
    pub workflows: PathBuf,
    /// The folder of policies; need not exist.
    pub policies: PathBuf,
    /// The folder of templates that replace built-in words; need not exist.
    pub templates: PathBuf,
    /// `people.yaml` beside this file: who is whose manager; need not exist.
    pub staff: PathBuf,
    /// Slack.
    pub slack: SlackConfig,
    /// Tailscale.
    pub tailscale: TailscaleConfig,
    /// golink's address, if it is to be used.
    pub golink: Option<Url>,
    /// The tclip that is to be used; none: pastes stand with us.
    pub tclip: Option<TclipConfig>,
    /// Slack person (`U...`, `W...`) to tailnet login in lower case, where e-mail does not say it.
    pub people: BTreeMap<String, String>,
    /// How much one person may have.
    pub ceilings: Ceilings,
    /// The socket on which the command line reaches the running bot; none: `control.sock` beside the database.
    pub control: Option<PathBuf>,
    /// User of this machine to the e-mail address or login of the person they are, in lower case.
    pub operators: BTreeMap<String, String>,
    /// What workflows name as `secret:NAME`.
    pub secrets: BTreeMap<String, NamedSecret>,
    /// What workflows may run; none: nothing.
    pub programs: Option<ProgramsConfig>,
}

/// The `tclip:` part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TclipConfig {
    /// Its address.
    pub url: Url,
    /// `public`: it runs with Funnel, so that anybody on the internet who has a paste's address can read it.
    pub is_public: bool,
}

/// Where other files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folders {
    /// Workflow files.
    pub workflows: PathBuf,
    /// Policies.
    pub policies: PathBuf,
    /// Templates.
    pub templates: PathBuf,
    /// `people.yaml`: who is whose manager.
    pub staff: PathBuf,
    /// What workflows can name as `secret:NAME`, with the hosts and programs it may go to; none: the configuration has mistakes.
    pub secrets: Option<BTreeMap<String, Vec<String>>>,
    /// The programs that workflows can run; none: the configuration has mistakes.
    pub programs: Option<Vec<String>>,
    /// Whether links stand at a golink.
    pub golink: bool,
}

/// Where state is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// A SQLite file, made when it is not there.
    Sqlite(PathBuf),
}

/// The `slack:` part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlackConfig {
    /// Through which door Slack comes in.
    pub mode: SlackMode,
    /// Where Slack's calls arrive, and nothing else does; none: where everything arrives. In http mode only.
    pub listen: Option<Listen>,
    /// `https://slack.com/api`, or what stands in for it; plain http only to this machine. No trailing slash.
    pub api_url: Url,
    /// `xoxb-...`
    pub bot_token: SecretSource,
    /// `xapp-...`; always there in socket mode.
    pub app_token: Option<SecretSource>,
    /// Proves that an HTTP call is Slack's; always there in http mode.
    pub signing_secret: Option<SecretSource>,
}

/// Through which door Slack comes in. The two exclude each other, see `apis.slack.com/apis/socket-mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlackMode {
    /// We call Slack; nothing has to be reachable from the internet.
    Socket,
    /// Slack calls `url`.
    Http,
}

/// The `tailscale:` part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TailscaleConfig {
    /// `https://api.tailscale.com`, or what stands in for it; plain http only to this machine. Without `/api/v2`.
    pub api_url: Url,
    /// How we prove who we are.
    pub credential: TailscaleCredential,
    /// The local tailscaled.
    pub socket: PathBuf,
    /// How its policy file is treated.
    pub policy_file: PolicyFileConfig,
}

/// How the tailnet's policy file is treated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyFileConfig {
    /// A pipeline overwrites it.
    pub managed_elsewhere: bool,
    /// Where, for people.
    pub note: String,
    /// A larger one is not touched.
    pub max_bytes: usize,
}

/// How we prove to Tailscale who we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TailscaleCredential {
    /// `client_id` and `client_secret`: an OAuth client, the better choice.
    Client {
        /// Not secret, so it may stand in the file.
        id: Setting,
        /// `tskey-client-...`
        secret: SecretSource,
    },
    /// `api_key`: an access token of a person.
    ApiKey(SecretSource),
}

impl Config {
    /// Reads and checks the file. Touches nothing but the file: no secret is fetched, no folder looked into.
    ///
    /// # Errors
    /// Every mistake in the file.
    pub fn read(path: &Path) -> Result<Self, Report> {
        let text = yaml::read_file(path)?;
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        Self::from_text(&path.display().to_string(), folder, &text)
    }

    /// Checks a text that stands for the file `name` in `folder`.
    ///
    /// # Errors
    /// Every mistake in the text.
    pub fn from_text(name: &str, folder: &Path, text: &str) -> Result<Self, Report> {
        read::config(name, folder, text)
    }

    /// The folders the file names, or the usual ones where it is silent or wrong; so that a mistake elsewhere in the
    /// file does not hide the mistakes in those folders.
    pub fn folders(path: &Path) -> Folders {
        let text = yaml::read_file(path).unwrap_or_default();
        read::folders(path.parent().unwrap_or_else(|| Path::new("")), &text)
    }

    /// The folders this configuration names.
    pub fn folders_named(&self) -> Folders {
        let (workflows, policies, templates) = (self.workflows.clone(), self.policies.clone(), self.templates.clone());
        let places = |secret: &NamedSecret| secret.hosts.iter().chain(&secret.programs).cloned().collect();
        let secrets = self.secrets.iter().map(|(name, secret)| (name.clone(), places(secret))).collect();
        let programs = self.programs.as_ref().map(|programs| programs.listed.clone()).unwrap_or_default();
        let golink = self.golink.is_some();
        let staff = self.staff.clone();
        Folders { workflows, policies, templates, staff, secrets: Some(secrets), programs: Some(programs), golink }
    }

    /// Where the command line reaches the running bot.
    pub fn control_path(&self) -> PathBuf {
        let Database::Sqlite(database) = &self.database;
        self.control.clone().unwrap_or_else(|| database.with_file_name("control.sock"))
    }

    /// Fetches every secret the file names.
    ///
    /// # Errors
    /// Every one that cannot be fetched; the text never holds a secret.
    pub fn secrets(&self) -> Result<Secrets, Vec<SecretError>> {
        Secrets::fetch(self)
    }
}
