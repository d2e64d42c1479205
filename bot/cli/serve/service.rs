//! What systemd is told, and nobody where there is no systemd: that we are ready, read files again, or stop.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Whoever waits for `Type=notify` waits at this socket.
const SOCKET: &str = "NOTIFY_SOCKET";

/// We answer, and what is due is being done.
pub(super) fn ready() {
    tell("READY=1\nSTATUS=Running");
}

/// The workflows were read, or not; what is in use is said.
pub(super) fn status(what: &str) {
    tell(&format!("STATUS={}", what.replace('\n', " ")));
}

/// No new work is taken.
pub(super) fn stopping() {
    tell("STOPPING=1\nSTATUS=Stopping");
}

fn tell(state: &str) {
    let Some(place) = std::env::var_os(SOCKET).filter(|place| !place.is_empty()) else { return };
    if let Err(error) = send(place.as_bytes(), state) {
        tracing::warn!(%error, "systemd could not be told");
    }
}

fn send(place: &[u8], state: &str) -> io::Result<()> {
    let address = match place.split_first() {
        Some((b'@', name)) => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(place))?,
    };
    UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systemd_reads_what_it_is_told_at_either_kind_of_socket() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        send(path.as_os_str().as_bytes(), "READY=1").unwrap();
        let mut read = [0; 64];
        let count = socket.recv(&mut read).unwrap();
        assert_eq!(read.get(..count), Some(&b"READY=1"[..]));
        let name = format!("nightlatch-test-{}", std::process::id());
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        send(format!("@{name}").as_bytes(), "STOPPING=1").unwrap();
        let count = socket.recv(&mut read).unwrap();
        assert_eq!(read.get(..count), Some(&b"STOPPING=1"[..]));
        assert!(send(b"/nowhere/at/all", "READY=1").is_err());
    }
}
