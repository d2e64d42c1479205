//! The form that makes and changes a go link, and the shortcut that opens it with the first address of a message.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::changing::doubt;
use super::{By, Wish, sentences, wanted};
use crate::engine::links::LinkError;
use crate::kernel::link::{LinkRefusal, NAME_MAX, check_destination};
use crate::notices::links as words;
use crate::slack::answer::Answer;
use crate::slack::envelope::{self, FormState, MessageShortcut, ViewSubmission};
use crate::slack::modals::{context, input, plain, section};
use crate::slack::pastes::addresses::first_address;
use crate::slack::surface::Surface;

/// Our name for this form.
pub const CALLBACK: &str = "link_form";
/// Our name for what only tells something.
const SAID: &str = "link_said";
const SHORT: &str = "link_short";
const LONG: &str = "link_long";
const OWNER: &str = "link_owner";
/// Slack: 3,000 characters in one field.
const FIELD_MAX: usize = 3_000;

/// What the form is about, kept in it. Only a memory: everything is looked up again.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct About {
    /// The link that is changed; none: a new one.
    short: Option<String>,
    /// What it was when the form was opened.
    seen: Option<String>,
    /// They were warned about this destination.
    warned: Option<String>,
}

/// The button that opens the form with what was typed.
pub(super) fn again(value: &str) -> Value {
    let text = plain("Open the form");
    json!({ "type": "button", "action_id": "link_again", "text": text, "value": value })
}

/// The form; nothing if the destination does not fit into one. `owner`: it is there and can be handed over.
pub(super) fn view(wish: &Wish, owner: Option<&str>, note: Option<&str>) -> Option<Value> {
    let about = About { short: wish.seen.as_ref().map(|_| wish.short.clone()), seen: wish.seen.clone(), warned: None };
    let (long, owner) = (wish.long.clone(), owner.map(str::to_owned));
    (long.chars().count() <= FIELD_MAX).then(|| draw(&about, &wish.short, &long, owner.as_deref(), note))
}

fn draw(about: &About, short: &str, long: &str, owner: Option<&str>, note: Option<&str>) -> Value {
    let field = |id: &str, initial: &str, max: usize, hint: &str| {
        let placeholder = plain(hint);
        let mut element =
            json!({ "type": "plain_text_input", "action_id": id, "max_length": max, "placeholder": placeholder });
        if let Some(map) = element.as_object_mut().filter(|_| !initial.is_empty()) {
            map.insert("initial_value".to_owned(), initial.into());
        }
        element
    };
    let mut blocks: Vec<Value> = note.map(section).into_iter().collect();
    match &about.short {
        Some(short) => blocks.push(section(&crate::slack::sentences::code(&format!("go/{short}")))),
        None => {
            let short: String = short.chars().take(NAME_MAX).collect();
            blocks.push(input(SHORT, "Name", false, field(SHORT, &short, NAME_MAX, "prod-runbook")));
        }
    }
    blocks.push(input(LONG, "Leads to", false, field(LONG, long, FIELD_MAX, "https://wiki.example.com/runbooks/")));
    if let Some(owner) = owner {
        blocks.push(input(OWNER, "Owner", true, field(OWNER, owner, 200, "alice@example.com")));
    }
    blocks
        .push(context("What stands behind the name is put behind the destination, or where `{{.Path}}` stands in it."));
    json!({
        "type": "modal",
        "callback_id": CALLBACK,
        "title": plain(if about.short.is_some() { "Edit go link" } else { "New go link" }),
        "submit": plain("Save"),
        "close": plain("Cancel"),
        "private_metadata": serde_json::to_string(about).unwrap_or_default(),
        "blocks": blocks,
    })
}

fn field(state: &FormState, id: &str) -> String {
    envelope::plain(state.value(id, id).unwrap_or_default())
}

impl Surface {
    /// The form was sent off.
    pub(in crate::slack) async fn link_submitted(&self, by: &By, submission: &ViewSubmission) -> Answer {
        let about: About = serde_json::from_str(&submission.view.private_metadata).unwrap_or_default();
        let is_new = about.short.is_none();
        let typed = field(&submission.state, SHORT);
        let short = about.short.clone().unwrap_or_else(|| wanted(typed.trim_start_matches("go/")).to_owned());
        let wish = Wish { short, long: field(&submission.state, LONG), seen: about.seen.clone(), is_unusual: false };
        let owner = Some(field(&submission.state, OWNER)).filter(|owner| !owner.is_empty());
        let links = self.links();
        if let Some(doubt) = doubt(&links, &wish.short, &wish.long)
            && about.warned.as_ref() != Some(&wish.long)
            && check_destination(&wish.long).is_ok()
        {
            let note =
                format!(":warning: That {}. Nothing was saved yet. Press Save again if you mean it.", doubt.said());
            let about = About { warned: Some(wish.long.clone()), ..about };
            return Answer::UpdateView(draw(&about, &typed, &wish.long, owner.as_deref(), Some(&note)));
        }
        let saving = async {
            let asker = links.asker(&by.slack_id).await?;
            self.save_link(by, &links, asker.editor()?, &wish, owner).await
        };
        match tokio::time::timeout(super::LIMIT, saving).await {
            Ok(Ok((link, was_there))) => {
                let address = links.address_of(&link.short);
                let said = words::saved(&self.shown(&link, &link.short, &address, None), was_there);
                Answer::UpdateView(done(&said.text))
            }
            Ok(Err(error)) => {
                let place = place_of(&error, is_new);
                Answer::Errors(vec![(place.to_owned(), plainly(&sentences::failed(self.engine.notices(), &error)))])
            }
            Err(_) => Answer::Errors(vec![(LONG.to_owned(), plainly(&sentences::late("")))]),
        }
    }

    /// The shortcut on a message.
    pub(in crate::slack) async fn link_from_message(&self, by: &By, shortcut: &MessageShortcut) -> Answer {
        let address = first_address(&shortcut.body);
        let wish = Wish { long: address.clone().unwrap_or_default(), ..Wish::default() };
        let trigger = shortcut.trigger_id.as_ref();
        let note = address.is_none().then_some(sentences::NO_ADDRESS);
        let opened = self.new_link_form(by, &wish, note, trigger).await;
        opened.unwrap_or_else(|error| Answer::ephemeral(sentences::failed(self.engine.notices(), &error)))
    }
}

fn done(text: &str) -> Value {
    json!({
        "type": "modal",
        "callback_id": SAID,
        "title": plain("Saved"),
        "close": plain("Done"),
        "blocks": [section(text)],
    })
}

/// The field an error is about.
fn place_of(error: &LinkError, is_new: bool) -> &'static str {
    let LinkError::Refused(refusal) = error else { return LONG };
    match refusal {
        LinkRefusal::NoSuchUser { .. } => OWNER,
        LinkRefusal::Name { .. }
        | LinkRefusal::NotYours { .. }
        | LinkRefusal::Shadows { .. }
        | LinkRefusal::Exists { .. }
            if is_new =>
        {
            SHORT
        }
        _ => LONG,
    }
}

/// Errors at fields are shown without markup.
fn plainly(text: &str) -> String {
    crate::slack::sentences::as_plain(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_that_slack_would_refuse_opens_no_form() {
        let wish = Wish { short: "a".into(), long: "x".repeat(3_001), ..Wish::default() };
        assert!(view(&wish, None, None).is_none());
    }
}
