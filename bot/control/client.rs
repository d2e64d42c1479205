//! The command line's end of the control socket.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::{Call, Reply, user};

/// The longest answer that is read.
const ANSWER_MAX_BYTES: u64 = 256 << 20;

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Nobody listens.
    #[error("no nightlatch answers on {0}; does it run, with this configuration?")]
    NobodyThere(String),
    /// Others may not.
    #[error("{path} is for {owner} and root; you are {you}")]
    NotYours {
        /// The socket.
        path: String,
        /// Whose it is.
        owner: String,
        /// Who asked.
        you: String,
    },
    /// Somebody else answers where the bot should.
    #[error("{path} is answered by {owner}, who is not whom the database belongs to; nothing was sent")]
    Foreign {
        /// The socket.
        path: String,
        /// Who answers.
        owner: String,
    },
    /// It is no socket, or the connection broke.
    #[error("{path} cannot be used: {source}")]
    Broken {
        /// The socket.
        path: String,
        /// What the system says.
        source: io::Error,
    },
}

/// Asks the bot whose socket this is; `database` is its file.
///
/// # Errors
/// There was no answer; whether anything was done is not known if the connection broke.
pub async fn call(path: &Path, database: &Path, call: &Call) -> Result<Reply, CallError> {
    let name = || path.display().to_string();
    let broken = |source| CallError::Broken { path: name(), source };
    let mut stream = UnixStream::connect(path).await.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            let is_other = std::fs::symlink_metadata(path)
                .is_ok_and(|file| !std::os::unix::fs::FileTypeExt::is_socket(&file.file_type()));
            if is_other { broken(io::Error::other("it is no socket")) } else { CallError::NobodyThere(name()) }
        }
        io::ErrorKind::PermissionDenied => CallError::NotYours {
            path: name(),
            owner: std::fs::metadata(path)
                .map_or_else(|_| "its owner".to_owned(), |file| user::operator(file.uid()).user),
            you: user::operator(rustix::process::geteuid().as_raw()).user,
        },
        _ => broken(error),
    })?;
    let answers = stream.peer_cred().map_err(broken)?.uid();
    let owner = std::fs::metadata(database).map(|file| file.uid());
    if answers != 0 && owner.is_ok_and(|owner| owner != answers) {
        return Err(CallError::Foreign { path: name(), owner: user::operator(answers).user });
    }
    let mut line = serde_json::to_vec(call).map_err(|error| broken(io::Error::other(error)))?;
    line.push(b'\n');
    stream.write_all(&line).await.map_err(broken)?;
    let mut answer = Vec::new();
    stream.take(ANSWER_MAX_BYTES).read_to_end(&mut answer).await.map_err(broken)?;
    serde_json::from_slice(&answer).map_err(|_| {
        broken(io::Error::other("the answer cannot be read; is the command line of the same version as the bot?"))
    })
}
