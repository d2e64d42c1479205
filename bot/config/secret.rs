//! Where secrets come from. The file names them; they are fetched at the start and never shown.

use std::collections::BTreeMap;
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
    /// It is a secret of another kind.
    #[error("{place} holds {found}, and `{key}` wants {wanted}")]
    OtherKind {
        /// Where the configuration asks for it.
        key: String,
        /// The variable or file.
        place: String,
        /// What it is.
        found: &'static str,
        /// What it should be, and where that is.
        wanted: &'static str,
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
        let text = self.fetch(key)?;
        match other_kind(key, &text) {
            Some((found, wanted)) => {
                Err(SecretError::OtherKind { key: key.to_owned(), place: self.to_string(), found, wanted })
            }
            None => Ok(SecretString::from(text)),
        }
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

/// How secrets of Slack and Tailscale begin, and what they are.
const KINDS: [(&str, &str); 14] = [
    ("xoxb-", "a bot token of Slack"),
    ("xoxe.xoxb-", "a bot token of Slack that expires"),
    ("xoxp-", "a user token of Slack"),
    ("xoxe.xoxp-", "a user token of Slack that expires"),
    ("xoxe-", "a refresh token of Slack"),
    ("xoxa-", "an old workspace token of Slack"),
    ("xoxs-", "a browser's token of Slack"),
    ("xoxc-", "a browser's token of Slack"),
    ("xoxd-", "a browser's cookie of Slack"),
    ("xapp-", "an app-level token of Slack"),
    ("tskey-client-", "the secret of a Tailscale OAuth client"),
    ("tskey-api-", "an API access token of Tailscale"),
    ("tskey-auth-", "a key that adds devices to a tailnet"),
    ("tskey-", "another kind of Tailscale key"),
];

/// What each setting takes: its beginnings, and where it is to be had.
const WANTED: [(&str, &[&str], &str); 5] = [
    ("slack.bot_token", &["xoxb-", "xoxe.xoxb-"], "the bot token (xoxb-..., from OAuth & Permissions)"),
    ("slack.app_token", &["xapp-"], "the app-level token (xapp-..., from Basic Information)"),
    ("slack.signing_secret", &[], "the signing secret (from Basic Information)"),
    (
        "tailscale.client_secret",
        &["tskey-client-"],
        "the secret of an OAuth client (tskey-client-..., from Trust credentials)",
    ),
    ("tailscale.api_key", &["tskey-api-"], "an API access token (tskey-api-..., from Keys)"),
];

/// What a text is that begins like a secret of another kind than the setting takes, and what that takes. What begins like
/// nothing known is taken: kinds are added.
fn other_kind(key: &str, text: &str) -> Option<(&'static str, &'static str)> {
    let (_, starts, wanted) = WANTED.into_iter().find(|(name, ..)| *name == key)?;
    let (start, found) = KINDS.into_iter().find(|(start, _)| text.starts_with(start))?;
    (!starts.contains(&start)).then_some((found, wanted))
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
    /// What workflows name.
    pub named: BTreeMap<String, LentSecret>,
}

/// A secret that workflows name, and where it may go.
#[derive(Clone, Debug)]
pub struct LentSecret {
    /// It.
    pub secret: SecretString,
    /// Hosts, in lower case.
    pub hosts: Vec<String>,
    /// Programs, by path.
    pub programs: Vec<String>,
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
        let mut named = BTreeMap::new();
        for (name, one) in &config.secrets {
            if let Some(secret) = kept(one.from.resolve(&format!("secrets.{name}")), &mut errors) {
                named.insert(
                    name.clone(),
                    LentSecret { secret, hosts: one.hosts.clone(), programs: one.programs.clone() },
                );
            }
        }
        match (bot_token, tailscale) {
            (Some(bot_token), Some(tailscale)) if errors.is_empty() => {
                Ok(Self { slack: SlackSecrets { bot_token, app_token, signing_secret }, tailscale, named })
            }
            _ => Err(errors),
        }
    }
}

fn kept<T>(result: Result<T, SecretError>, errors: &mut Vec<SecretError>) -> Option<T> {
    result.map_err(|error| errors.push(error)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_of_another_kind_is_refused_by_its_beginning() {
        let told = |(key, start): (&str, &str)| {
            let said = other_kind(key, &format!("{start}0123456789"))
                .map(|(found, wanted)| format!("{found}; wants {wanted}"));
            format!("{key}: {start}: {}", said.unwrap_or_else(|| "taken".to_owned()))
        };
        let all = [
            ("slack.bot_token", "xoxb-"),
            ("slack.bot_token", "xapp-"),
            ("slack.bot_token", "xoxp-"),
            ("slack.app_token", "xoxb-"),
            ("slack.app_token", "xapp-"),
            ("slack.signing_secret", "xapp-"),
            ("slack.signing_secret", "8f14e45f"),
            ("tailscale.client_secret", "tskey-client-"),
            ("tailscale.client_secret", "tskey-auth-"),
            ("tailscale.client_secret", "tskey-api-"),
            ("tailscale.client_secret", "xoxb-"),
            ("tailscale.api_key", "tskey-client-"),
            ("tailscale.api_key", "tskey-api-"),
            ("tailscale.api_key", "something new "),
        ];
        insta::assert_snapshot!(all.map(told).join("\n"), @"
        slack.bot_token: xoxb-: taken
        slack.bot_token: xapp-: an app-level token of Slack; wants the bot token (xoxb-..., from OAuth & Permissions)
        slack.bot_token: xoxp-: a user token of Slack; wants the bot token (xoxb-..., from OAuth & Permissions)
        slack.app_token: xoxb-: a bot token of Slack; wants the app-level token (xapp-..., from Basic Information)
        slack.app_token: xapp-: taken
        slack.signing_secret: xapp-: an app-level token of Slack; wants the signing secret (from Basic Information)
        slack.signing_secret: 8f14e45f: taken
        tailscale.client_secret: tskey-client-: taken
        tailscale.client_secret: tskey-auth-: a key that adds devices to a tailnet; wants the secret of an OAuth client (tskey-client-..., from Trust credentials)
        tailscale.client_secret: tskey-api-: an API access token of Tailscale; wants the secret of an OAuth client (tskey-client-..., from Trust credentials)
        tailscale.client_secret: xoxb-: a bot token of Slack; wants the secret of an OAuth client (tskey-client-..., from Trust credentials)
        tailscale.api_key: tskey-client-: the secret of a Tailscale OAuth client; wants an API access token (tskey-api-..., from Keys)
        tailscale.api_key: tskey-api-: taken
        tailscale.api_key: something new : taken
        ");
        let error = SecretError::OtherKind {
            key: "slack.bot_token".to_owned(),
            place: "environment variable SLACK_BOT_TOKEN".to_owned(),
            found: "an app-level token of Slack",
            wanted: "the bot token (xoxb-..., from OAuth & Permissions)",
        };
        insta::assert_snapshot!(error, @"environment variable SLACK_BOT_TOKEN holds an app-level token of Slack, and `slack.bot_token` wants the bot token (xoxb-..., from OAuth & Permissions)");
    }
}
