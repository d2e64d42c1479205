//! The socket in the file system: made so that nobody else's is touched and only its owner may use it, and answered on.

use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{Answering, Call, LINE_MAX_BYTES, Reply, user};

/// As many as are answered at a time; others wait.
const CALLS_MAX: usize = 16;
/// Whoever connects says at once what they want.
const LINE_LIMIT: Duration = Duration::from_secs(10);
/// Whoever asked reads the answer at once.
const READ_LIMIT: Duration = Duration::from_secs(10);
/// What a path of a socket may have, with a temporary name in front of it.
const PATH_MAX_BYTES: usize = 90;

/// Why there is no control socket.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Something that is no socket is there.
    #[error("{0} is there and is no socket, so it was left alone; `control:` in the configuration names another place")]
    NoSocket(PathBuf),
    /// Another user's socket is there.
    #[error(
        "the socket {0} belongs to another user, so it was left alone; `control:` in the configuration names another place"
    )]
    Foreign(PathBuf),
    /// Somebody answers there.
    #[error("somebody answers on {0} already; does another nightlatch run?")]
    Live(PathBuf),
    /// Others could put a socket of their own in its place.
    #[error(
        "{0} is no folder of ours alone: others may write there; `control:` in the configuration names another place"
    )]
    Shared(PathBuf),
    /// The system does not take such a long one.
    #[error("{0} is too long for a socket; `control:` in the configuration names a shorter one")]
    TooLong(PathBuf),
    /// Anything else.
    #[error("the control socket {0} cannot be made: {1}")]
    Failed(PathBuf, io::Error),
}

impl SocketError {
    /// Whether the bot can do its work all the same when nobody named this place.
    pub fn is_about_the_place(&self) -> bool {
        matches!(self, Self::Shared(_) | Self::TooLong(_) | Self::Failed(..))
    }
}

/// A bound socket. Its file goes with it.
#[derive(Debug)]
pub struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
    number: u64,
}

impl ControlSocket {
    /// Binds. A socket that a killed process of ours left behind is replaced; nothing else is touched.
    ///
    /// # Errors
    /// In one sentence what is there instead, or what is wrong with the place.
    pub fn bind(path: &Path) -> Result<Self, SocketError> {
        let failed = |error| SocketError::Failed(path.to_owned(), error);
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        must_be_free(path)?;
        let ours = rustix::process::geteuid().as_raw();
        let about = std::fs::metadata(folder).map_err(failed)?;
        let others_write = about.mode() & 0o022 != 0;
        if others_write || (about.uid() != ours && about.uid() != 0) {
            return Err(SocketError::Shared(folder.to_owned()));
        }
        if path.as_os_str().len() > PATH_MAX_BYTES {
            return Err(SocketError::TooLong(path.to_owned()));
        }
        // Nobody can connect before its mode is right: it is made where only we can look, and moved.
        let hidden = tempfile::Builder::new().prefix(".c").rand_bytes(6).tempdir_in(folder).map_err(failed)?;
        let made = hidden.path().join("s");
        let listener = UnixListener::bind(&made).map_err(failed)?;
        // A folder that hands on its group was set up to let that group in.
        let mode = if about.mode() & 0o2000 == 0 { 0o600 } else { 0o660 };
        std::fs::set_permissions(&made, std::fs::Permissions::from_mode(mode)).map_err(failed)?;
        let number = std::fs::symlink_metadata(&made).map_err(failed)?.ino();
        std::fs::rename(&made, path).map_err(failed)?;
        Ok(Self { listener, path: path.to_owned(), number })
    }

    /// Answers until `stop`.
    pub async fn serve(self, answering: Answering, stop: CancellationToken) {
        let places = std::sync::Arc::new(Semaphore::new(CALLS_MAX));
        loop {
            let Ok(place) = places.clone().acquire_owned().await else { return };
            let stream = tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => stream,
                    Err(error) => {
                        warn!(%error, "the control socket takes nobody");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                        continue;
                    }
                },
                () = stop.cancelled() => return,
            };
            let answering = answering.clone();
            tokio::spawn(async move {
                if let Err(error) = answer(stream, &answering).await {
                    info!(%error, "a call on the control socket ended early");
                }
                drop(place);
            });
        }
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        if std::fs::symlink_metadata(&self.path).is_ok_and(|file| file.ino() == self.number) {
            drop(std::fs::remove_file(&self.path));
        }
    }
}

/// Nothing is there, or a socket of ours on which nobody answers.
fn must_be_free(path: &Path) -> Result<(), SocketError> {
    let Ok(found) = std::fs::symlink_metadata(path) else { return Ok(()) };
    if !found.file_type().is_socket() {
        return Err(SocketError::NoSocket(path.to_owned()));
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(SocketError::Foreign(path.to_owned()));
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        _ => Err(SocketError::Live(path.to_owned())),
    }
}

async fn answer(stream: UnixStream, answering: &Answering) -> io::Result<()> {
    // As the kernel says it, not as anybody claims.
    let by = user::operator(stream.peer_cred()?.uid());
    let (read, mut write) = stream.into_split();
    let mut line = Vec::new();
    let mut read = BufReader::new(read.take(LINE_MAX_BYTES));
    tokio::time::timeout(LINE_LIMIT, read.read_until(b'\n', &mut line)).await??;
    let reply = match serde_json::from_slice::<Call>(&line) {
        Ok(call) => {
            info!(operator = %by, call = ?call, "the command line");
            answering.answer(&by, call).await
        }
        Err(_) => {
            Reply::no("this nightlatch does not know that call; is the command line of the same version as the bot?")
        }
    };
    let mut text = serde_json::to_vec(&reply).map_err(io::Error::other)?;
    text.push(b'\n');
    // Whoever never reads keeps a place for others no longer than this.
    tokio::time::timeout(READ_LIMIT, async {
        write.write_all(&text).await?;
        write.shutdown().await
    })
    .await?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_a_socket_that_a_process_of_ours_left_behind_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let first = ControlSocket::bind(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let said = ControlSocket::bind(&path).unwrap_err().to_string();
        assert!(said.ends_with("control.sock already; does another nightlatch run?"), "{said}");
        drop(first);
        assert!(!path.exists(), "it goes with its process");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);

        std::fs::write(&path, "the only copy of something").unwrap();
        let said = ControlSocket::bind(&path).unwrap_err().to_string();
        assert!(said.contains("is there and is no socket, so it was left alone"), "{said}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "the only copy of something");
    }

    #[tokio::test]
    async fn it_stands_only_where_others_cannot_replace_it() {
        let folder = tempfile::tempdir().unwrap();
        let shared = folder.path().join("shared");
        std::fs::create_dir(&shared).unwrap();
        std::fs::set_permissions(&shared, std::fs::Permissions::from_mode(0o777)).unwrap();
        let refused = ControlSocket::bind(&shared.join("control.sock")).unwrap_err();
        assert!(refused.is_about_the_place() && refused.to_string().contains("others may write there"), "{refused}");
        let long = ControlSocket::bind(&folder.path().join("x".repeat(100))).unwrap_err();
        assert!(long.to_string().contains("too long for a socket"), "{long}");
        let nowhere = ControlSocket::bind(&folder.path().join("nowhere/control.sock")).unwrap_err();
        assert!(nowhere.to_string().contains("cannot be made"), "{nowhere}");
    }
}
