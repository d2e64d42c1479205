//! Who has something written, through which delivery, and when: all that those who write need to know of a job.

use crate::kernel::Actor;

/// The circumstances of one change.
pub(super) struct Circumstances<'a> {
    pub(super) actor: &'a Actor,
    /// Fingerprint of Slack's delivery: the same one writes nothing twice.
    pub(super) delivery: Option<&'a str>,
    /// Milliseconds since the Unix epoch; the same for everything in one commit.
    pub(super) now: i64,
}
