//! What can be made to go wrong: API calls that fail, hang or lose their answer, and sockets that break.

use std::collections::BTreeMap;

use super::SlackWorld;
use super::socket::Frame;

/// How an API call goes wrong. The method name `response_url` stands for posts to a response_url.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// HTTP 200 with `ok: false` and this code; nothing happens.
    Error(String),
    /// HTTP 429 with `Retry-After` in seconds; nothing happens.
    RateLimited(u64),
    /// HTTP 503 with a page of HTML; nothing happens.
    Unavailable,
    /// Nothing happens and no answer ever comes.
    Hang,
    /// It works, after this many milliseconds of real time.
    Slow(u64),
    /// It works, and then the connection breaks before the answer is complete.
    LostReply,
}

/// Why Slack closes a socket (slack.md section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disconnect {
    /// About ten seconds' notice.
    Warning,
    /// The end is near.
    RefreshRequested,
    /// Socket Mode was switched off: connecting again fails until `refuse_connections(0)`.
    LinkDisabled,
}

/// The faults still to come.
#[derive(Default)]
pub(super) struct Faults {
    calls: BTreeMap<String, Vec<(Fault, u32)>>,
    pub(super) refused_connections: u32,
    pub(super) duplicates: u32,
}

impl Faults {
    /// Takes the next fault planned for `method`, if there is one.
    pub(super) fn next(&mut self, method: &str) -> Option<Fault> {
        for key in [method, "*"] {
            let Some(planned) = self.calls.get_mut(key) else { continue };
            let Some((fault, left)) = planned.first_mut() else { continue };
            let fault = fault.clone();
            if *left != u32::MAX {
                *left = left.saturating_sub(1);
            }
            if *left == 0 {
                planned.remove(0);
            }
            return Some(fault);
        }
        None
    }
}

impl SlackWorld {
    /// Makes the next `times` calls of `method` (`*`: any) go wrong; `u32::MAX` means until `heal`. Faults of one
    /// method happen in the order they were asked for.
    pub fn fail(&self, method: &str, fault: Fault, times: u32) {
        if times > 0 {
            self.state().faults.calls.entry(method.to_owned()).or_default().push((fault, times));
        }
    }

    /// Forgets every planned fault. Broken sockets stay broken.
    pub fn heal(&self) {
        self.state().faults = Faults::default();
    }

    /// Sends `disconnect` on every socket and, unless it is only a warning, closes them as Slack does.
    pub fn disconnect(&self, reason: Disconnect) {
        let word = match reason {
            Disconnect::Warning => "warning",
            Disconnect::RefreshRequested => "refresh_requested",
            Disconnect::LinkDisabled => "link_disabled",
        };
        let frame = serde_json::json!({
            "type": "disconnect", "reason": word, "debug_info": { "host": "applink-playground" },
        });
        let mut state = self.state();
        if reason == Disconnect::LinkDisabled {
            state.faults.refused_connections = u32::MAX;
        }
        for socket in &state.sockets {
            socket.send(Frame::Text(frame.to_string()));
        }
        if reason != Disconnect::Warning {
            state.sockets.drain(..).for_each(|socket| socket.send(Frame::Close));
        }
    }

    /// Breaks every socket's TCP connection without a word.
    pub fn drop_sockets(&self) {
        self.state().sockets.drain(..).for_each(|socket| socket.send(Frame::Drop));
    }

    /// Every socket stays open but neither reads nor writes any more: no pongs, and what is sent is lost.
    pub fn silence_sockets(&self) {
        for socket in &self.state().sockets {
            socket.send(Frame::Silence);
        }
    }

    /// The next `times` calls of `apps.connections.open` and dials of a socket are refused; 0 accepts again.
    pub fn refuse_connections(&self, times: u32) {
        self.state().faults.refused_connections = times;
    }

    /// The next `times` deliveries arrive twice, with the same envelope id.
    pub fn duplicate_deliveries(&self, times: u32) {
        self.state().faults.duplicates = times;
    }
}
