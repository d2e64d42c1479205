//! Short private answers about pastes. In mrkdwn, safe as they are.

use crate::engine::pastes::PasteError;
use crate::kernel::paste::{Paste, PasteRefusal};
use crate::kernel::{Refusal, Standing};
use crate::notices::Notices;
use crate::notices::words::{escape, one_line};
use crate::outside::ADMIN_IN_LOG;
use crate::outside::slack::SlackError;
use crate::slack::sentences::why_not_opened;

/// `/paste delete` alone.
pub(in crate::slack) const DELETE_WHAT: &str =
    "Say which: `/paste delete ADDRESS`. `/paste list` shows yours, with a Delete button each.";
/// A button whose value names nothing.
pub(super) const NO_SUCH_PASTE: &str = "There is no such paste any more. `/paste list` shows yours.";
/// A draft was thrown away.
pub(super) const DISCARDED: &str = "Thrown away. Nothing was pasted.";
/// Neither pasted nor kept.
pub(super) const NOT_KEPT: &str = "It could not be kept either: please copy it from what you typed.";
/// Share was pressed where there is no channel.
pub(super) const SHARE_WHERE: &str = "There is no channel to share it in from here. Copy its address instead.";
/// Slack would not show the form.
pub(super) fn not_opened(error: Option<&SlackError>) -> String {
    format!("The form could not be opened: {} Type `/paste` again, or `/paste some text`.", why_not_opened(error))
}

/// What only an admin can set right.
const AN_ADMIN_HAS_TO_LOOK: &str = "An admin has to look: the bot's log and `/readyz` say what is missing.";
/// A form that came back without what we wrote into it.
pub(super) const FORM_UNKNOWN: &str = "This form is not one of mine any more. Type `/paste` for a new one.";
/// A message with nothing that can be pasted.
pub(super) const NOTHING_THERE: &str = "There is no text in that message, and no text file, so nothing was pasted.";

/// Not an address after `delete`.
pub(in crate::slack) fn not_an_address(typed: &str) -> String {
    format!(
        "`{}` is no address of a paste. `/paste list` shows yours, with a Delete button each.",
        escape(&one_line(typed, 80)).replace('`', "'")
    )
}

/// A paste was deleted.
pub(super) fn deleted(paste: &Paste) -> String {
    format!("Deleted: {}. Its address leads nowhere now.", escape(&one_line(&paste.filename, 120)))
}

/// It is on its way into a channel.
pub(super) fn shared_in(channel: &str) -> String {
    format!("Shared in <#{channel}>.")
}

/// Why nothing was pasted.
pub(super) fn not_pasted(notices: &Notices, error: &PasteError) -> String {
    match error {
        PasteError::Refused(PasteRefusal::Gone) => {
            "That was sent already, or its 15 minutes are over. `/paste list` shows what you pasted.".to_owned()
        }
        PasteError::Tclip(error) if error.may_have_happened() => {
            format!(
                "{} It may have been pasted all the same: look at tclip's list before you try again.",
                why_tclip(error)
            )
        }
        PasteError::Tclip(error) => format!("Nothing was pasted. {}", why_tclip(error)),
        other => format!("Nothing was pasted. {}", why(notices, other)),
    }
}

/// Why nothing was deleted.
pub(super) fn not_deleted(notices: &Notices, error: &PasteError) -> String {
    match error {
        PasteError::Elsewhere { page } => format!(
            "That paste was not made with `/paste`, so tclip does not let me delete it. Whoever made it can: {}",
            escape(page)
        ),
        PasteError::Tclip(crate::outside::tclip::TclipError::NotOwner { .. }) => {
            "tclip does not take me for its owner any more (does the bot run on another device now?), so it was not \
             deleted. A tailnet admin can remove it on tclip's machine."
                .to_owned()
        }
        PasteError::Tclip(error) => format!("It was not deleted. {}", why_tclip(error)),
        other => format!("Nothing was deleted. {}", why(notices, other)),
    }
}

/// Why nothing was shared.
pub(super) fn not_shared(notices: &Notices, error: &PasteError) -> String {
    format!("Nothing was shared. {}", why(notices, error))
}

/// What is wrong with a text.
pub(super) fn refused(why: &PasteRefusal) -> String {
    let what = why.to_string();
    match why {
        PasteRefusal::TooLarge { .. } => format!(
            "That is too large: {}. Put it where large files go, or paste the part that matters.",
            escape(&what)
        ),
        _ => format!("{}.", capital(&escape(&what))),
    }
}

/// Why not, in a sentence or two.
pub(super) fn why(notices: &Notices, error: &PasteError) -> String {
    match error {
        PasteError::Refused(why) => refused(why),
        PasteError::NotYou(Refusal::Standing { standing: Standing::Guest }) => {
            "Guests of the workspace cannot paste here. Ask a full member to do it, or an admin to make you one."
                .to_owned()
        }
        PasteError::NotYou(Refusal::Standing { standing: Standing::Outsider }) => {
            "People of another company cannot paste here, also not in a shared channel.".to_owned()
        }
        PasteError::NotYou(why) => notices.refusal(why, None),
        PasteError::Unknown(failure) => {
            format!(
                "Slack does not say who you are just now ({}). Try again in a moment.",
                escape(&one_line(&failure.what, 200))
            )
        }
        PasteError::Tclip(error) => why_tclip(error),
        PasteError::Elsewhere { page } => format!("It was not made with `/paste`: {}", escape(page)),
        PasteError::NotSaved(_) => {
            "That could not be saved just now. Try again in a moment; if it stays like this, tell an admin.".to_owned()
        }
    }
}

fn why_tclip(error: &crate::outside::tclip::TclipError) -> String {
    let advice = error.advice().map(|advice| if error.is_for_an_admin() { ADMIN_IN_LOG.to_owned() } else { advice });
    let advice = match advice {
        Some(advice) => format!(" What helps: {}.", escape(&advice)),
        None => String::new(),
    };
    format!("{}.{advice}", capital(&escape(&one_line(&error.to_string(), 300))))
}

/// Which parts of a message are missing in the paste.
pub(super) fn left_out(kinds: &[String]) -> String {
    format!("A part of the message was left out, because I cannot read it: {}.", escape(&kinds.join(", ")))
}

/// Why a file of a message was left out.
pub(super) fn not_downloaded(name: &str, error: &SlackError) -> String {
    let name = escape(&one_line(name, 80));
    match error.code() {
        Some("missing_scope") => {
            format!("{name} was left out: Slack does not let me read files. {AN_ADMIN_HAS_TO_LOOK}")
        }
        Some("too_large") => format!("{name} was left out: it is too large for a paste."),
        _ if matches!(error, SlackError::Malformed { .. }) => {
            format!("{name} was left out: it is not where Slack keeps its files, and I fetch from nowhere else.")
        }
        _ => format!("{name} was left out: {}.", escape(&error.for_people().0)),
    }
}

/// Why the rest of a thread in this channel was left out.
pub(super) fn not_read_on(error: &SlackError, channel: &str) -> String {
    let why = match error.code() {
        // In other people's direct messages there is no bot, and nobody can invite it.
        _ if channel.starts_with('D') => "in direct messages I see only the message you choose.".to_owned(),
        Some("missing_scope") => {
            format!("Slack does not let me read the rest of the thread. {AN_ADMIN_HAS_TO_LOOK}")
        }
        Some("not_in_channel" | "channel_not_found") => {
            "to read the rest of the thread I must be in the channel. `/invite @nightlatch`, then try again.".to_owned()
        }
        _ => format!("the rest of the thread could not be read: {}.", escape(&error.for_people().0)),
    };
    format!("Only this message was pasted: {why}")
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) if !text.starts_with("tclip") => first.to_uppercase().chain(characters).collect(),
        _ => text.to_owned(),
    }
}
