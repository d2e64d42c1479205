//! The alarm after an older database was put back: what is on in the tailnet that it does not know.

use super::text::{code, escape};
use super::words::when_exactly;

/// More than this many lines nobody reads in a chat; the log has them all.
const LISTED_MAX: usize = 25;

/// Something that is on and that the ledger of a database that was put back does not know like this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The device as people call it.
    pub device: String,
    /// Whose it is.
    pub owner: String,
    /// Its name.
    pub attribute: String,
    /// When Tailscale ends it, milliseconds since the Unix epoch; none: never.
    pub ends_at: Option<i64>,
    /// The ledger knows the thing, with another end; otherwise it does not know it at all.
    pub is_held: bool,
    /// Whose entry of the policy file it is, as its comment says.
    pub request: Option<String>,
}

/// What the channels of the workflows are told; `mismatch` says what is wrong with the database.
pub fn alarm(mismatch: &str, unknown: &[&Unknown]) -> String {
    let mut text = format!("*Attention:* {}.", escape(mismatch));
    if unknown.is_empty() {
        text += "\nNothing of these workflows is on in the tailnet that it does not know.";
    } else {
        text += "\nThis is on in the tailnet, and the database does not know it like this. It is not taken away: what has an end, \
                 Tailscale ends then; the rest somebody has to remove:";
        for one in unknown.iter().take(LISTED_MAX) {
            text += &format!("\n• {}", line(one));
        }
        if let Some(more) = unknown.len().checked_sub(LISTED_MAX).filter(|more| *more > 0) {
            text += &format!("\n• and {more} more; the bot's log has them all");
        }
    }
    text + "\nRequests that were made since then are not known, and their buttons do nothing. An operator looks at this and then runs `nightlatch audit accept`."
}

fn line(one: &Unknown) -> String {
    let end = one.ends_at.map_or_else(|| "*without an end*".to_owned(), |at| format!("until {}", when_exactly(at)));
    let held = if one.is_held { ", with another end than the database knows" } else { "" };
    let (device, owner, attribute) = (code(&one.device), escape(&one.owner), code(&one.attribute));
    match &one.request {
        Some(id) => format!("{device} ({owner}): {attribute}, of request {}, which is not known", escape(id)),
        None => format!("{device} ({owner}): {attribute} {end}{held}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown(device: &str, ends_at: Option<i64>, is_held: bool) -> Unknown {
        let (owner, attribute) = ("alice@example.com".to_owned(), "custom:jit_prod_db".to_owned());
        Unknown { device: device.to_owned(), owner, attribute, ends_at, is_held, request: None }
    }

    #[test]
    fn the_alarm_says_what_is_on_until_when_and_what_to_do() {
        let (one, other) = (unknown("alice-laptop", Some(1_772_366_400_000), true), unknown("<b>&", None, false));
        let told = alarm("the database is older", &[&one, &other]);
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines.len(), 5, "{told}");
        assert_eq!(lines[0], "*Attention:* the database is older.");
        let end = format!("until {}", when_exactly(1_772_366_400_000));
        assert!(lines[2].starts_with("• `alice-laptop` (alice@example.com): `custom:jit_prod_db`"), "{told}");
        assert!(lines[2].contains(&end) && lines[2].contains("another end"), "{told}");
        assert!(lines[3].contains("&lt;b&gt;&amp;") && lines[3].ends_with("*without an end*"), "{told}");
        assert!(lines[4].contains("nightlatch audit accept"), "{told}");
        let many = vec![&one; LISTED_MAX + 3];
        assert!(alarm("x", &many).contains("and 3 more"));
        assert!(!alarm("x", &many[..LISTED_MAX]).contains("more;"));
        assert!(alarm("the database is older", &[]).contains("Nothing of these workflows is on"));
    }
}
