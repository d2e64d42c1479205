//! Where secrets come from. The file names them; they are fetched at the start and never shown.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::{Config, TailscaleCredential};

/// No token is longer; a wrong path must not fill the memory.
const SECRET_MAX_BYTES: u64 = 64 * 1024;

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// `env:NAME`: an environment variable.
    Env(String),
    /// `file:/path`: a file; line ends after its text are dropped. Suits systemd's `LoadCredential=`.
    File(PathBuf),
}

/// Why a secret could not be fetched. The text tells where it was looked for, never what was found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The variable is not there.
    #[error("environment variable {name} is not set (`{key}` in the configuration)")]
    NotSet {
        /// Where the configuration asks for it, for example `slack.bot_token`.
        key: String,
        /// The variable.
        name: String,
    },
    /// The file cannot be read.
    #[error("{} cannot be read: {reason} (`{key}` in the configuration)", path.display())]
    Unreadable {
        /// Where the configuration asks for it.
        key: String,
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// There is nothing in it.
    #[error("{place} is empty (`{key}` in the configuration)")]
    Empty {
        /// Where the configuration asks for it.
        key: String,
        /// The variable or file.
        place: String,
    },
    /// It holds something no secret of this kind holds.
    #[error("{place} is no secret: it must be one line of UTF-8 text, at most 64 KiB (`{key}` in the configuration)")]
    NotText {
        /// Where the configuration asks for it.
        key: String,
        /// The variable or file.
        place: String,
    },
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "environment variable {name}"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

impl SecretSource {
    /// Fetches the secret. `key` is where the configuration asks for it, for the error.
    ///
    /// # Errors
    /// It is not there, cannot be read, or is empty.
    pub fn resolve(&self, key: &str) -> Result<SecretString, SecretError> {
        self.fetch(key).map(SecretString::from)
    }

    fn fetch(&self, key: &str) -> Result<String, SecretError> {
        let (key, place) = (key.to_owned(), self.to_string());
        let text = match self {
            Self::Env(name) => match std::env::var(name) {
                Ok(text) => text,
                Err(std::env::VarError::NotPresent) => return Err(SecretError::NotSet { key, name: name.clone() }),
                Err(std::env::VarError::NotUnicode(_)) => return Err(SecretError::NotText { key, place }),
            },
            Self::File(path) => match read_small(path) {
                Ok(Some(text)) => text,
                Ok(None) => return Err(SecretError::NotText { key, place }),
                Err(error) => {
                    return Err(SecretError::Unreadable { key, path: path.clone(), reason: error.to_string() });
                }
            },
        };
        let text = text.trim();
        if text.is_empty() {
            return Err(SecretError::Empty { key, place });
        }
        if text.chars().any(char::is_control) {
            return Err(SecretError::NotText { key, place });
        }
        Ok(text.to_owned())
    }
}

fn read_small(path: &Path) -> std::io::Result<Option<String>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(SECRET_MAX_BYTES + 1).read_to_end(&mut bytes)?;
    let fits = u64::try_from(bytes.len()).is_ok_and(|length| length <= SECRET_MAX_BYTES);
    Ok(String::from_utf8(bytes).ok().filter(|_| fits))
}

/// Something that is no secret and may stand in the file, or be named like one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    /// In the file.
    Here(String),
    /// Somewhere else.
    From(SecretSource),
}

impl Setting {
    /// The text. `key` is where the configuration asks for it, for the error.
    ///
    /// # Errors
    /// It is not there, cannot be read, or is empty.
    pub fn resolve(&self, key: &str) -> Result<String, SecretError> {
        match self {
            Self::Here(text) => Ok(text.clone()),
            Self::From(source) => source.fetch(key),
        }
    }
}

/// Every secret of the configuration, fetched. Debug shows none.
#[derive(Clone, Debug)]
pub struct Secrets {
    /// Slack's.
    pub slack: SlackSecrets,
    /// Tailscale's.
    pub tailscale: TailscaleSecrets,
}

/// Slack's secrets.
#[derive(Clone, Debug)]
pub struct SlackSecrets {
    /// `xoxb-...`
    pub bot_token: SecretString,
    /// `xapp-...`; always there in socket mode.
    pub app_token: Option<SecretString>,
    /// Always there in http mode.
    pub signing_secret: Option<SecretString>,
}

/// Tailscale's secrets.
#[derive(Clone, Debug)]
pub enum TailscaleSecrets {
    /// An OAuth client.
    Client {
        /// Not secret.
        id: String,
        /// `tskey-client-...`
        secret: SecretString,
    },
    /// An access token of a person.
    ApiKey(SecretString),
}

impl Secrets {
    pub(super) fn fetch(config: &Config) -> Result<Self, Vec<SecretError>> {
        let mut errors = Vec::new();
        let slack = &config.slack;
        let bot_token = kept(slack.bot_token.resolve("slack.bot_token"), &mut errors);
        let mut optional = |source: &Option<SecretSource>, key: &str| {
            source.as_ref().and_then(|source| kept(source.resolve(key), &mut errors))
        };
        let app_token = optional(&slack.app_token, "slack.app_token");
        let signing_secret = optional(&slack.signing_secret, "slack.signing_secret");
        let tailscale = match &config.tailscale.credential {
            TailscaleCredential::Client { id, secret } => {
                let id = kept(id.resolve("tailscale.client_id"), &mut errors);
                let secret = kept(secret.resolve("tailscale.client_secret"), &mut errors);
                id.zip(secret).map(|(id, secret)| TailscaleSecrets::Client { id, secret })
            }
            TailscaleCredential::ApiKey(source) => {
                kept(source.resolve("tailscale.api_key"), &mut errors).map(TailscaleSecrets::ApiKey)
            }
        };
        match (bot_token, tailscale) {
            (Some(bot_token), Some(tailscale)) if errors.is_empty() => {
                Ok(Self { slack: SlackSecrets { bot_token, app_token, signing_secret }, tailscale })
            }
            _ => Err(errors),
        }
    }
}

fn kept<T>(result: Result<T, SecretError>, errors: &mut Vec<SecretError>) -> Option<T> {
    result.map_err(|error| errors.push(error)).ok()
}
