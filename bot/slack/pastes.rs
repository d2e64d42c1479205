//! Pastes in Slack: from a command, a form or a message; shared, listed and deleted with buttons. Only one person sees
//! any of it until they share.

pub(super) mod addresses;
mod cards;
pub(super) mod form;
mod form_back;
pub(super) mod message;
mod shortcut;
mod table;
pub(super) mod words;

use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Value, json};

use self::form::{About, Filled};
use super::answer::Answer;
use super::envelope::BlockActions;
use super::surface::{By, Surface};
use crate::engine::pastes::{Doubts, PasteError, Pasting};
use crate::kernel::paste::{Author, Paste, PasteId, Text, UNTITLED};
use crate::notices::Said;
use crate::notices::pastes::{self as notice, Share};

/// The message shortcut.
pub const SHORTCUT: &str = "paste_message";
/// Taking away a question that was answered is a courtesy.
const TIDY_LIMIT: Duration = Duration::from_millis(600);

/// Whether an element is one of those here.
pub(super) fn is_ours(action_id: &str) -> bool {
    [notice::SHARE, notice::DELETE, notice::SEND, notice::DISCARD, notice::FORM, notice::OPEN].contains(&action_id)
}

/// A second click within this time is the same click.
const TWICE_MS: i64 = 10_000;

/// What came of an attempt to paste.
pub(super) enum Tried {
    /// It is there.
    Made(Box<Paste>),
    /// It waits for a second click, or for another try.
    Waits(Said),
}

impl Surface {
    pub(super) fn paste_help(&self) -> Answer {
        ephemeral(notice::help(self.place(&self.engine.pastes().list_page())))
    }

    fn place<'a>(&self, list_page: &'a str) -> notice::Where<'a> {
        let pastes = self.engine.pastes();
        notice::Where { list_page, is_here: pastes.are_here(), is_public: pastes.is_public() }
    }

    /// An empty form, as pastes are kept now.
    fn paste_form_now(&self) -> Filled<'static> {
        let pastes = self.engine.pastes();
        let readers = notice::readers(pastes.is_public(), pastes.are_here());
        Filled { can_end: pastes.are_here(), readers, ..Filled::default() }
    }

    pub(super) async fn paste_list(&self, by: &By) -> Answer {
        let author = match self.engine.paste_author(&by.slack_id).await {
            Ok(author) => author,
            // A list of one's own needs no more than one's own id.
            Err(PasteError::Unknown(_)) => Author { slack_id: Some(by.slack_id.clone()), ..Author::default() },
            Err(error) => return Answer::ephemeral(words::why(self.engine.notices(), &error)),
        };
        let pastes = self.engine.pastes();
        match pastes.mine(&author).await {
            Ok(mine) => {
                let mine: Vec<_> = mine.into_iter().map(|paste| (pastes.page(&paste), paste)).map(swap).collect();
                let list_page = pastes.list_page();
                ephemeral(notice::list(&mine, self.place(&list_page), self.engine.clock().now_ms()))
            }
            Err(error) => Answer::ephemeral(words::why(self.engine.notices(), &error)),
        }
    }

    pub(super) async fn paste_deleted(&self, by: &By, id: &PasteId) -> Answer {
        match self.delete_for(by, id).await {
            Ok(paste) => Answer::ephemeral(words::deleted(&paste)),
            Err(error) => Answer::ephemeral(words::not_deleted(self.engine.notices(), &error)),
        }
    }

    async fn delete_for(&self, by: &By, id: &PasteId) -> Result<Paste, PasteError> {
        let author = self.engine.paste_author(&by.slack_id).await?;
        self.engine.pastes().delete(id, &author, Some(by.key.clone())).await
    }

    /// The form, for those who may paste; others are told so before they have typed anything.
    pub(super) async fn paste_form_wanted(&self, by: &By, trigger: Option<&SecretString>, channel: &str) -> Answer {
        match self.engine.paste_author(&by.slack_id).await {
            Err(error @ PasteError::NotYou(_)) => Answer::ephemeral(words::why(self.engine.notices(), &error)),
            _ => self.open_paste_form(trigger, Some(channel), None).await,
        }
    }

    /// Text after the command.
    pub(super) async fn paste_typed(
        &self,
        by: &By,
        typed: &str,
        trigger: Option<&SecretString>,
        channel: &str,
    ) -> Answer {
        let text = match Text::new(UNTITLED, None, typed.to_owned()) {
            Ok(text) => text,
            Err(why) => return Answer::ephemeral(words::why(self.engine.notices(), &PasteError::Refused(why))),
        };
        let error = match self.try_paste(by, text.clone(), None, Some(by.key.clone())).await {
            Ok(Tried::Made(paste)) => return ephemeral(self.made(&paste, Some(Share::Here))),
            Ok(Tried::Waits(said)) => return ephemeral(said),
            Err(error) => error,
        };
        if matches!(error, PasteError::Refused(_) | PasteError::NotYou(_)) {
            return Answer::ephemeral(words::why(self.engine.notices(), &error));
        }
        self.text_comes_back(by, text, &error, trigger, Some(channel)).await
    }

    /// Nothing that was typed is lost: it comes back in the form, or waits behind a button.
    async fn text_comes_back(
        &self,
        by: &By,
        text: Text,
        error: &PasteError,
        trigger: Option<&SecretString>,
        channel: Option<&str>,
    ) -> Answer {
        let why = words::not_pasted(self.engine.notices(), error);
        if let Some(trigger) = trigger.filter(|_| form::fits(&text.content)) {
            let filled = Filled { text: Some(&text), note: Some(&why), channel, ..self.paste_form_now() };
            if self.engine.slack().views_open(trigger, &form::view(&filled)).await.is_ok() {
                return Answer::Nothing;
            }
        }
        ephemeral(self.kept_back(by, text, &why).await)
    }

    /// Behind a button, for a quarter of an hour.
    async fn kept_back(&self, by: &By, text: Text, why: &str) -> Said {
        match self.engine.pastes().keep_draft(&by.slack_id, text, None).await {
            Ok(draft) => notice::not_sent(&draft, why),
            Err(error) => {
                tracing::error!(%error, "a text that could not be pasted could not be kept either");
                plain(&format!("{why}\n{}", words::NOT_KEPT))
            }
        }
    }

    /// Pastes it, unless something should be asked first.
    async fn try_paste(
        &self,
        by: &By,
        text: Text,
        expires_at: Option<i64>,
        delivery: Option<String>,
    ) -> Result<Tried, PasteError> {
        let author = self.engine.paste_author(&by.slack_id).await?;
        let pastes = self.engine.pastes();
        let doubts = pastes.doubts(&text);
        if !doubts.is_empty() {
            return self.ask_first(by, text, &doubts).await.map(Tried::Waits);
        }
        let pasting = Pasting { expires_at, ..Pasting::new(author, text) };
        pastes.create(pasting, delivery).await.map(|paste| Tried::Made(Box::new(paste)))
    }

    async fn ask_first(&self, by: &By, text: Text, doubts: &Doubts) -> Result<Said, PasteError> {
        let draft = self.engine.pastes().keep_draft(&by.slack_id, text, None).await?;
        Ok(notice::doubted(&draft, &doubts.suspects, doubts.is_public))
    }

    /// What its author is told.
    fn made(&self, paste: &Paste, share: Option<Share<'_>>) -> Said {
        let pastes = self.engine.pastes();
        notice::made(paste, &pastes.page(paste), share, pastes.is_public(), self.engine.clock().now_ms())
    }

    /// A button about pastes.
    pub(super) async fn paste_used(&self, by: &By, actions: &BlockActions) -> Answer {
        let in_message = actions.message.as_ref().map(|message| message.channel_id.clone());
        let in_view = actions.view.as_ref().and_then(|view| About::read(&view.private_metadata)?.channel);
        let channel = in_message.or(in_view);
        if actions.action_id == notice::OPEN {
            return Answer::Nothing;
        }
        if actions.action_id == notice::FORM {
            return self.open_paste_form(actions.trigger_id.as_ref(), channel.as_deref(), None).await;
        }
        let mut named = actions.value.as_deref().unwrap_or_default().split(' ');
        let Some(id) = named.next().and_then(PasteId::read) else {
            return Answer::ephemeral(words::NO_SUCH_PASTE);
        };
        match actions.action_id.as_str() {
            notice::SHARE => {
                let place = channel.as_deref().map(|channel| (channel, named.next()));
                self.paste_shared(by, &id, place, actions).await
            }
            notice::DELETE => self.delete_pressed(by, &id, actions).await,
            notice::SEND => self.draft_sent(by, &id, channel.as_deref(), actions).await,
            notice::DISCARD => {
                let discarded = self.engine.pastes().discard_draft(&id, &by.slack_id).await;
                self.take_question_away(actions).await;
                Answer::ephemeral(
                    discarded.map_or_else(
                        |error| words::why(self.engine.notices(), &error),
                        |()| words::DISCARDED.to_owned(),
                    ),
                )
            }
            _ => Answer::Nothing,
        }
    }

    /// What showed the paste shows that it is gone: the list is made anew, and its buttons go with it.
    async fn delete_pressed(&self, by: &By, id: &PasteId, actions: &BlockActions) -> Answer {
        let said = match self.delete_for(by, id).await {
            Ok(paste) => words::deleted(&paste),
            Err(error) => return Answer::ephemeral(words::not_deleted(self.engine.notices(), &error)),
        };
        if let Some(view) = &actions.view {
            let view_now = form::made_view(&plain(&said), None);
            return match self.engine.slack().views_update(&view.view_id, None, &view_now).await {
                Ok(_) => Answer::Nothing,
                Err(_) => Answer::ephemeral(said),
            };
        }
        if actions.block_id == notice::MADE {
            self.take_question_away(actions).await;
        } else if actions.block_id.starts_with(notice::LISTED)
            && let Answer::Ephemeral { text, blocks } = self.paste_list(by).await
        {
            self.instead(actions, json!({ "replace_original": true, "text": text, "blocks": blocks })).await;
        }
        Answer::ephemeral(said)
    }

    async fn paste_shared(
        &self,
        by: &By,
        id: &PasteId,
        place: Option<(&str, Option<&str>)>,
        actions: &BlockActions,
    ) -> Answer {
        let Some((channel, thread)) = place else { return Answer::ephemeral(words::SHARE_WHERE) };
        let thread = thread.filter(|ts| ts.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'));
        let author = match self.engine.paste_author(&by.slack_id).await {
            Ok(author) => author,
            Err(error) => return Answer::ephemeral(words::not_shared(self.engine.notices(), &error)),
        };
        let paste = match self.engine.pastes().to_share(id, &author).await {
            Ok(paste) => paste,
            Err(error) => return Answer::ephemeral(words::not_shared(self.engine.notices(), &error)),
        };
        let said = notice::shared(&by.slack_id, &paste, &self.engine.pastes().page(&paste), thread.is_some());
        let post = (said.text, said.blocks);
        // Each click is a delivery of its own; two at once mean one.
        let moment = self.engine.clock().now_ms().div_euclid(TWICE_MS);
        let once = format!("share {id} {channel} {moment}");
        if let Err(error) = self.engine.say(&by.slack_id, (channel, thread), post, id.into(), Some(once)).await {
            return Answer::ephemeral(words::not_shared(
                self.engine.notices(),
                &PasteError::NotSaved(error.to_string()),
            ));
        }
        // In a modal nothing else would show that it was pressed.
        if let Some(view) = &actions.view {
            let mut said = self.made(&paste, None);
            said.text = words::shared_in(channel);
            let view_now = form::made_view(&said, None);
            drop(self.engine.slack().views_update(&view.view_id, None, &view_now).await);
        }
        Answer::Nothing
    }

    /// The second click: sent after all, or tried again.
    async fn draft_sent(&self, by: &By, id: &PasteId, channel: Option<&str>, actions: &BlockActions) -> Answer {
        match self.send_draft(by, id, None).await {
            Ok(paste) => {
                self.take_question_away(actions).await;
                ephemeral(self.made(&paste, channel.map(|_| Share::Here)))
            }
            // It is still kept, and its button still there.
            Err(error) => Answer::ephemeral(words::not_pasted(self.engine.notices(), &error)),
        }
    }

    async fn send_draft(&self, by: &By, id: &PasteId, expires_at: Option<i64>) -> Result<Paste, PasteError> {
        let draft = self.engine.pastes().draft(id, &by.slack_id).await?;
        let author = self.engine.paste_author(&by.slack_id).await?;
        let pasting = Pasting { expires_at, draft: Some(id.clone()), ..Pasting::new(author, draft.text) };
        self.engine.pastes().create(pasting, Some(by.key.clone())).await
    }

    /// The private message that was answered is taken away: its buttons have nothing to do any more.
    async fn take_question_away(&self, actions: &BlockActions) {
        self.instead(actions, json!({ "delete_original": true })).await;
    }

    /// What only one person sees is changed through the address that came with the press.
    async fn instead(&self, actions: &BlockActions, body: Value) {
        if let Some(url) = actions.response_url.as_ref().filter(|_| actions.is_ephemeral) {
            let slack = self.engine.slack();
            drop(tokio::time::timeout(TIDY_LIMIT, slack.respond(url, &body)).await);
        }
    }
}

fn swap((page, paste): (String, Paste)) -> (Paste, String) {
    (paste, page)
}

fn ephemeral(said: Said) -> Answer {
    Answer::Ephemeral { text: said.text, blocks: Some(said.blocks) }
}

fn plain(text: &str) -> Said {
    let section = json!({ "type": "section", "text": { "type": "mrkdwn", "text": text, "verbatim": true } });
    Said { text: text.to_owned(), blocks: json!([section]) }
}
