//! Go links in Slack: what `/go` does, its buttons, its form, and the shortcut on a message. Everything that comes back
//! with a click is looked up again.

mod changing;
mod finding;
pub(super) mod form;
mod sentences;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::answer::Answer;
use super::envelope::{BlockActions, SlashCommand};
use super::surface::{By, Surface};
use crate::engine::links::{LinkError, Links};
use crate::kernel::link::{Link, Typed, check_name, without_signs};
use crate::notices::Said;
use crate::notices::links::{self as words, Shown};

/// Every action of ours begins so.
pub(super) const ACTION: &str = "link_";
/// The shortcut on a message: a go link from its first address.
pub const SHORTCUT: &str = "link_from_message";
/// Slack waits three seconds; an answer that cannot be had in this time is one that says so.
const LIMIT: Duration = Duration::from_millis(2_300);

/// A link somebody is about to make, in the value of a button or in the form. Only a wish: rights are looked at afresh.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Wish {
    /// The name.
    #[serde(rename = "s")]
    pub short: String,
    /// Where it shall lead.
    #[serde(rename = "l")]
    pub long: String,
    /// Fingerprint of the link they saw; none: there was none.
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<String>,
    /// They know that it is no web address.
    #[serde(rename = "u", default, skip_serializing_if = "std::ops::Not::not")]
    pub is_unusual: bool,
}

impl Wish {
    fn read(value: Option<&str>) -> Option<Self> {
        serde_json::from_str(value?).ok()
    }

    fn value(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Whether Slack takes it as the value of a button.
    fn fits(&self) -> bool {
        self.value().chars().count() <= words::VALUE_MAX
    }
}

fn ephemeral(said: Said) -> Answer {
    Answer::Ephemeral { text: said.text, blocks: Some(said.blocks) }
}

/// `/go ...`
pub(super) async fn command(surface: &Surface, by: &By, command: &SlashCommand) -> Answer {
    let text = command.text.plain.trim();
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let first = &surface.tidy_name(first, rest.trim().is_empty());
    let rest = unwrapped(rest.trim());
    let work = async {
        match (first.to_lowercase().as_str(), rest) {
            ("" | "help" | "-h" | "--help" | "?", "") => Ok(ephemeral(words::plainly(words::HELP, Vec::new()))),
            ("search", "") => Ok(Answer::ephemeral(sentences::SEARCH_WHAT)),
            (word @ ("edit" | "delete"), "") => Ok(Answer::ephemeral(sentences::which(word))),
            ("search", words) => surface.search_links(by, words).await,
            ("mine", "") => surface.own_links(by).await,
            ("top", "") => surface.top_links(by).await,
            ("edit", name) if is_one_word(name) => surface.edit_link(by, name, command.trigger_id.as_ref()).await,
            ("delete", name) if is_one_word(name) => surface.details_of_link(by, name).await,
            (_, "") if is_address(first) => Ok(Answer::ephemeral(sentences::name_first(unwrapped(first)))),
            (_, "") => surface.follow_link(by, named(first)).await,
            _ if is_destination(rest) => surface.make_link(by, named(first), rest).await,
            _ => surface.search_links(by, text).await,
        }
    };
    let typed = format!("/go {text}");
    match tokio::time::timeout(LIMIT, work).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => surface.link_failed(&error, is_destination(rest).then(|| (named(first), rest)), &typed),
        Err(_) => Answer::ephemeral(sentences::late(&typed)),
    }
}

/// A button of ours.
pub(super) async fn used(surface: &Surface, by: &By, actions: &BlockActions) -> Answer {
    let value = actions.value.as_deref().unwrap_or_default();
    let channel = actions.message.as_ref().map(|message| message.channel_id.as_str());
    let trigger = actions.trigger_id.as_ref();
    let wish = Wish::read(Some(value));
    let work = async {
        match (actions.action_id.as_str(), wish.clone()) {
            ("link_share", _) => surface.share_link(by, value, channel).await,
            ("link_details", _) => surface.details_of_link(by, value).await,
            ("link_edit", _) => surface.edit_link(by, value, trigger).await,
            ("link_create", _) => {
                let wish = Wish { short: value.to_owned(), ..Wish::default() };
                surface.new_link_form(by, &wish, None, trigger).await
            }
            ("link_again", Some(wish)) => surface.new_link_form(by, &wish, None, trigger).await,
            ("link_replace" | "link_unusual", Some(wish)) => surface.grant_wish(by, wish).await,
            ("link_delete", _) => surface.delete_link(by, value).await,
            _ => Ok(Answer::ephemeral(sentences::OLD_BUTTON)),
        }
    };
    let wished = wish.as_ref().map(|wish| (wish.short.as_str(), wish.long.as_str()));
    match tokio::time::timeout(LIMIT, work).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => surface.link_failed(&error, wished, ""),
        Err(_) => Answer::ephemeral(sentences::late("")),
    }
}

/// What people and programs put around an address.
const AROUND: [(char, char); 8] =
    [('<', '>'), ('"', '"'), ('\'', '\''), ('`', '`'), ('(', ')'), ('[', ']'), ('{', '}'), ('*', '*')];

/// An address without what stands around it: `<https://x|x>` as Slack writes it where it thinks it helps, and quotes, ticks and
/// brackets.
fn unwrapped(text: &str) -> &str {
    let mut text = text;
    for _ in 0..4 {
        let inner = AROUND.iter().find_map(|(open, close)| text.strip_prefix(*open)?.strip_suffix(*close));
        let Some(inner) = inner else { break };
        let address = if text.starts_with('<') { inner.split('|').next().unwrap_or(inner) } else { inner }.trim();
        let is_wrapped = AROUND.iter().any(|(open, _)| address.starts_with(*open)) && !address.starts_with('{');
        let is_address = address.contains("://") || address.contains(':') && is_one_word(address);
        let is_one = is_one_word(address) || address.contains("{{") || !text.starts_with('<');
        if text.starts_with("{{") || !(is_wrapped || is_address && is_one) {
            break;
        }
        text = address;
    }
    text
}

/// A name as people type it on phones: quotes around it, dashes made pretty. What stands behind the name stays as it is.
fn plain_name(text: &str) -> String {
    let bare = AROUND.iter().find_map(|(open, close)| text.strip_prefix(*open)?.strip_suffix(*close)).unwrap_or(text);
    let at = bare.find(['/', '?']).unwrap_or(bare.len());
    let (name, rest) = bare.split_at_checked(at).unwrap_or((bare, ""));
    format!("{}{rest}", name.replace(['\u{2010}', '\u{2011}', '\u{2012}', '\u{2013}', '\u{2014}', '\u{2212}'], "-"))
}

/// Whether this is where a link could lead and not what one is called.
fn is_address(text: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| unwrapped(text).starts_with(scheme))
}

/// The name as typed: `go/prod`, `/prod` and `prod` are one.
fn named(first: &str) -> &str {
    first.strip_prefix("go/").or_else(|| first.strip_prefix('/')).unwrap_or(first)
}

fn is_one_word(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::is_whitespace)
}

/// Whether words behind a name are meant as a destination and not as words to search for.
fn is_destination(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    let is_template = text.contains("{{");
    let is_alone = is_one_word(text);
    is_template || first.contains("://") || is_alone && (first.starts_with('/') || first.contains(['.', ':', '/']))
}

impl Surface {
    pub(super) fn links(&self) -> Links {
        self.engine.links()
    }

    /// Something went wrong: says what, what to do, and gives back what was typed.
    fn link_failed(&self, error: &LinkError, wished: Option<(&str, &str)>, typed: &str) -> Answer {
        let text = sentences::failed(self.engine.notices(), error);
        let wish =
            wished.map(|(short, long)| Wish { short: short.to_owned(), long: long.to_owned(), ..Wish::default() });
        match wish.filter(Wish::fits) {
            Some(wish) if sentences::is_passing(error) => {
                ephemeral(words::plainly(&text, vec![form::again(&wish.value())]))
            }
            _ if typed.is_empty() => Answer::ephemeral(text),
            _ => Answer::ephemeral(format!("{text}\nYou typed {}", crate::slack::sentences::code(typed))),
        }
    }

    /// What was typed as a link, whole addresses of ours (`http://go/wiki`) too. An address that stands alone and is none of ours
    /// stays as it is.
    fn tidy_name(&self, first: &str, is_alone: bool) -> String {
        let bare = unwrapped(first);
        match self.links().own(bare).filter(|_| is_address(bare)) {
            Some(own) => own,
            None if is_address(bare) && is_alone => bare.to_owned(),
            None => plain_name(bare),
        }
    }

    fn shown<'a>(&self, link: &'a Link, typed: &'a str, address: &'a str, login: Option<&str>) -> Shown<'a> {
        Shown { link, typed, address, is_mine: self.links().may_edit(link, login) }
    }
}

/// What was typed as a link to follow; nothing if there is no name.
fn typed(text: &str) -> Option<Typed> {
    Typed::read_text(text).filter(|typed| !typed.short.is_empty())
}

/// The name somebody wants for a new link: without the punctuation that would be lost when it is followed.
fn wanted(short: &str) -> &str {
    let bare = without_signs(short);
    if check_name(bare).is_ok() { bare } else { short }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_from_destinations() {
        for text in [
            "https://x.test/a",
            "http://{{.Path}}",
            "/other",
            "example.com",
            "mailto:a@b.c",
            "https://x {{if .Path}} y {{end}}",
        ] {
            assert!(is_destination(text), "{text}");
        }
        for text in ["runbook", "runbook for prod.db", "", "a b"] {
            assert!(!is_destination(text), "{text}");
        }
    }

    #[test]
    fn addresses_are_taken_as_slack_writes_them() {
        assert_eq!(unwrapped("<https://x.test/a|x.test/a>"), "https://x.test/a");
        assert_eq!(unwrapped("<mailto:a@b.c>"), "mailto:a@b.c");
        for other in ["https://x.test", "<b>", "<a b:c>", "<>", "<"] {
            assert_eq!(unwrapped(other), other);
        }
    }

    #[test]
    fn names_are_taken_as_people_write_them() {
        assert_eq!((named("go/prod"), named("/help"), named("prod/x")), ("prod", "help", "prod/x"));
        assert_eq!((wanted("prod."), wanted("prod:"), wanted("a/b"), wanted("...")), ("prod", "prod", "a/b", "..."));
    }

    #[test]
    fn a_wish_comes_back_as_it_was() {
        let wish = Wish { short: "a".into(), long: "https://x".into(), seen: Some("f".into()), is_unusual: true };
        assert_eq!(Wish::read(Some(&wish.value())), Some(wish));
        assert_eq!(Wish::read(Some("nonsense")), None);
    }
}
