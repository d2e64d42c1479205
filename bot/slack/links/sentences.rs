//! Short private answers about go links. All in mrkdwn, safe as they are.

use crate::engine::links::LinkError;
use crate::kernel::Failure;
use crate::kernel::link::{ExpandError, LinkRefusal};
use crate::kernel::{Refusal, Standing};
use crate::notices::Notices;
use crate::notices::words::{escape, one_line};
use crate::outside::slack::SlackError;
use crate::slack::sentences::{code, why_not_opened};

/// A button whose value names nothing we know.
pub(super) const OLD_BUTTON: &str =
    "That button is of an old message, so nothing was done. Type `/go` and the name again.";
/// The form could not be opened.
pub(super) fn not_opened(error: Option<&SlackError>) -> String {
    format!("The form could not be opened: {} Nothing was changed. Try again.", why_not_opened(error))
}
/// A message without an address.
pub(super) const NO_ADDRESS: &str = "There is no web address in that message to make a go link of.";
/// Shared from a place where we do not know where we are.
pub(super) const NO_CHANNEL: &str = "I cannot tell which channel this is, so nothing was shared. Type `/go` there.";
/// It will be said in the channel.
pub(super) const SHARED: &str = "Shared here.";
/// Guests are let into a few channels, and links lead through the whole house.
const GUEST: &str = "Go links are for full members of this workspace, and guests have none. Nothing was changed. Ask a full member to do \
     it, or an admin to make you one.";
/// A word that needs another one.
pub(super) const SEARCH_WHAT: &str =
    "Say what to search for: `/go search WORDS`. A link that is called so: `/go /search`.";
/// The same for those that need a name.
pub(super) fn which(word: &str) -> String {
    format!("Say which link: `/go {word} NAME`. A link that is called so: `/go /{word}`.")
}
/// An address without a name.
pub(super) fn name_first(address: &str) -> String {
    format!("Say a name first: {} makes a go link.", code(&format!("/go NAME {address}")))
}

/// Somebody else's, or none any more.
pub(super) const NOT_THERE: &str = "There is no such go link any more. Nothing was changed.";

/// No answer in time.
pub(super) fn late(typed: &str) -> String {
    let again =
        if typed.is_empty() { "Try again in a moment.".to_owned() } else { format!("Try again: {}", code(typed)) };
    format!(
        "I did not get an answer in time, so I cannot say what came of it; `/go` with the name shows what is there now. {again}"
    )
}

/// Whether the same thing may work later, as it is.
pub(super) fn is_passing(error: &LinkError) -> bool {
    matches!(error, LinkError::Failed(_) | LinkError::NotKnown(_) | LinkError::NotSaved(_))
}

/// What went wrong, and what to do.
pub(super) fn failed(notices: &Notices, error: &LinkError) -> String {
    match error {
        LinkError::Refused(refusal) => refused(refusal),
        LinkError::NotMember(Standing::Guest) => GUEST.to_owned(),
        LinkError::NotMember(standing) => notices.refusal(&Refusal::Standing { standing: *standing }, None),
        LinkError::NoTailnetUser { email } => no_tailnet_user(email.as_deref()),
        LinkError::Nowhere(ExpandError::NoUser) => {
            "Where this link leads depends on who you are in the tailnet, and I cannot tell now. Try again in a moment."
                .to_owned()
        }
        LinkError::Nowhere(error) => {
            format!("This link leads nowhere: {}. Its owner can mend it.", escape(&error.to_string()))
        }
        LinkError::Failed(failure) => format!("{} Nothing was changed.", said(failure)),
        LinkError::NotKnown(failure) => {
            format!(
                "{} It may have been saved all the same: look with `/go` and the name before you try again.",
                said(failure)
            )
        }
        LinkError::NotSaved(_) => {
            "That could not be saved, so nothing was changed. Try again in a moment; if it stays like \
             this, tell an admin."
                .to_owned()
        }
    }
}

/// Links are the tailnet's, and only it says whose they are.
fn no_tailnet_user(email: Option<&str>) -> String {
    let looked = match email {
        Some(email) => {
            format!("I looked for an active tailnet user called {} (your e-mail in Slack) and found none", code(email))
        }
        None => "Slack tells me no e-mail address of yours".to_owned(),
    };
    format!(
        "That depends on who you are in the tailnet, and I cannot tell: {looked}. Nothing was changed. If your tailnet login is \
         another one, ask an admin to tell the bot."
    )
}

fn said(failure: &Failure) -> String {
    let what = sentence(&failure.what);
    if failure.advice.is_empty() { what } else { format!("{what} {}", sentence(&failure.advice)) }
}

fn sentence(fragment: &str) -> String {
    let fragment = escape(&one_line(fragment, 400));
    let mut characters = fragment.chars();
    let Some(first) = characters.next() else { return String::new() };
    let sentence: String = first.to_uppercase().chain(characters).collect();
    if sentence.ends_with(['.', '!', '?']) { sentence } else { format!("{sentence}.") }
}

/// Why the rules say no.
pub(super) fn refused(refusal: &LinkRefusal) -> String {
    match refusal {
        LinkRefusal::Name { why } => sentence(&why.to_string()),
        LinkRefusal::NoDestination => "Say where it shall lead: `/go NAME https://...`".to_owned(),
        LinkRefusal::DestinationTooLong => sentence(&refusal.to_string()),
        LinkRefusal::Template { why } => {
            format!("The destination is a template that I cannot read: {}.", escape(&one_line(why, 300)))
        }
        LinkRefusal::Destination { why } => {
            format!("That can lead nowhere: {}. Nothing was changed.", escape(&one_line(why, 300)))
        }
        LinkRefusal::NotYours { short, owner } if owner.is_empty() => {
            format!("{} belongs to somebody else, so only they can change it.", name(short))
        }
        LinkRefusal::NotYours { short, owner } => {
            format!("{} belongs to {}, so only they can change it.", name(short), code(owner))
        }
        LinkRefusal::Shadows { short, owner } => {
            format!(
                "With a sign behind it people would take it for {}, which belongs to {}. Choose another name.",
                name(short),
                code(owner)
            )
        }
        LinkRefusal::NoSuchUser { login } => format!("The tailnet knows nobody called {}.", code(login)),
        LinkRefusal::Exists { link } => {
            format!(
                "{} is there already and leads to {}. {} changes it.",
                name(&link.short),
                code(&link.long),
                code(&format!("/go edit {}", link.short))
            )
        }
        LinkRefusal::Changed { link } => format!(
            "{} changed while you looked: it now leads to {}. Nothing was changed by you; look again.",
            name(&link.short),
            code(&link.long)
        ),
        LinkRefusal::NoSuchLink { .. } => NOT_THERE.to_owned(),
    }
}

fn name(short: &str) -> String {
    code(&format!("go/{short}"))
}
