//! What golink did not do, and what to do about it.

/// Why golink did not answer as it should. The texts name no secrets; golink has none of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GolinkError {
    /// The client could not be made.
    #[error("cannot make a client for golink: {0}")]
    Setup(String),
    /// Nobody listens there.
    #[error("golink at {base} cannot be reached")]
    Unreachable {
        /// Its address.
        base: String,
    },
    /// No answer in time.
    #[error("golink at {base} did not answer in time")]
    Late {
        /// Its address.
        base: String,
    },
    /// The connection broke.
    #[error("the connection to golink at {base} broke")]
    Broken {
        /// Its address.
        base: String,
    },
    /// It wants to be called over https.
    #[error("golink at {base} now answers at {to} only")]
    MovedToHttps {
        /// Where we called.
        base: String,
        /// Where to call.
        to: String,
    },
    /// It said no.
    #[error("golink refused (http status {status}): {said}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Its words, one line.
        said: String,
    },
    /// Something we do not understand; perhaps it is no golink.
    #[error("golink answered something unexpected: {0}")]
    Malformed(String),
}

impl GolinkError {
    /// What to do next; none if there is nothing but trying again.
    pub fn advice(&self) -> Option<String> {
        match self {
            Self::Unreachable { .. } => {
                Some("check that golink runs and that this machine may reach it on the tailnet".to_owned())
            }
            Self::Late { .. } | Self::Broken { .. } => Some("try again in a moment".to_owned()),
            Self::MovedToHttps { to, .. } => Some(format!("an admin writes `golink: {{ url: {to} }}` in nightlatch.yaml")),
            Self::Refused { status: 403, .. } => Some(
                "an admin grants this bot `tailscale.com/cap/golink` with `{\"admin\": true}`, so that it can change links \
                 for their owners"
                    .to_owned(),
            ),
            Self::Refused { status: 405, .. } => Some("whoever runs golink switched changes off; try again later, or ask them".to_owned()),
            Self::Refused { status: 400, said } if said.contains("owner") => {
                Some("golink does not know your login; open golink once in a browser, then try again".to_owned())
            }
            Self::Refused { .. } | Self::Setup(_) => None,
            Self::Malformed(_) => Some("check that `golink.url` is the address of a golink".to_owned()),
        }
    }

    /// Only the configuration of the bot or of the tailnet sets it right.
    pub fn is_for_an_admin(&self) -> bool {
        matches!(self, Self::MovedToHttps { .. } | Self::Malformed(_) | Self::Refused { status: 403, .. })
    }

    /// A call that changes something may have done it all the same: read before trying again.
    pub fn may_have_happened(&self) -> bool {
        match self {
            Self::Late { .. } | Self::Broken { .. } | Self::Malformed(_) => true,
            Self::Refused { status, .. } => *status >= 500,
            Self::Setup(_) | Self::Unreachable { .. } | Self::MovedToHttps { .. } => false,
        }
    }
}
