//! Telling whoever typed what became of it: where they typed, in the form they sent, or in their direct messages.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::answer::Answer;
use super::commands::why::with_why;
use super::modals;
use super::modals::form::{Among, RequestForm};
use super::shared;
use super::surface::{By, Surface};
use super::{already, sentences};
use crate::engine::asking::{AskError, Form};
use crate::engine::typed::{Answered, Answering};
use crate::engine::{Engine, TellError};
use crate::kernel::{Failure, NotAsked, Refusal, RequestId, Subject, Typed, Workflow};
use crate::notices::Said;
use crate::outside::slack::{Post, SlackError};

/// An address for answers lives so long.
const ADDRESS_KEPT_MS: i64 = 30 * 60 * 1_000;
/// So many are remembered; answers to others come as private messages.
const ADDRESSES_MAX: usize = 8_192;

/// Where answers can be sent, by the request that what was typed may become. In memory alone: whoever has such an address can write
/// there, so it is in no file and no backup. After a restart people are answered in another way.
#[derive(Clone, Default)]
pub(super) struct Addresses {
    known: Arc<Mutex<HashMap<RequestId, (i64, SecretString)>>>,
}

impl Addresses {
    fn keep(&self, id: RequestId, address: &SecretString, now: i64) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= ADDRESSES_MAX {
            known.retain(|_, (at, _)| now.saturating_sub(*at) < ADDRESS_KEPT_MS);
        }
        if known.len() < ADDRESSES_MAX {
            known.insert(id, (now, address.clone()));
        }
    }

    fn find(&self, id: &RequestId, now: i64) -> Option<SecretString> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, address) = known.get(id)?;
        (now.saturating_sub(*at) < ADDRESS_KEPT_MS).then(|| address.clone())
    }

    fn forget(&self, id: &RequestId) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}

impl Surface {
    /// Saves what somebody typed. They are told what became of it when that is known.
    pub(super) async fn save_typed(
        &self,
        by: &By,
        form: &Form,
        (view, address): (Option<String>, Option<&SecretString>),
    ) -> Result<(), TellError> {
        let id = self.engine.typed(&by.slack_id, form, view, Some(by.key.clone())).await?;
        if let Some(address) = address {
            self.addresses.keep(id, address, self.engine.clock().now_ms());
        }
        Ok(())
    }

    /// What the engine calls when it is known what became of something that was typed.
    pub(super) fn answering(&self) -> Answering {
        let (engine, addresses) = (Arc::new(self.engine.downgrade()), self.addresses.clone());
        Arc::new(move |id, typed, answered| {
            let (engine, addresses) = (engine.clone(), addresses.clone());
            async move {
                // The engine is going away, and what is not said now is said at the next start.
                let Some(engine) = engine.upgrade() else { return Err(stopping()) };
                let now = engine.clock().now_ms();
                let said = match typed.origin.is_typed() {
                    true => tell(&engine, &typed, &answered, addresses.find(&id, now)).await,
                    false => tell_of_start(&engine, &id, &typed, &answered).await,
                };
                if said.is_ok() {
                    addresses.forget(&id);
                }
                said.map_err(|error| Failure {
                    what: error.to_string(),
                    advice: error.advice().unwrap_or_default(),
                    retryable: error.is_retryable() || error.is_fatal_auth(),
                    retry_after_ms: error.retry_after_ms(),
                })
            }
            .boxed()
        })
    }
}

fn stopping() -> Failure {
    Failure {
        what: "nightlatch is stopping".to_owned(),
        advice: String::new(),
        retryable: true,
        retry_after_ms: Some(1_000),
    }
}

/// Nobody typed it: whoever it runs as hears why nothing was asked, and so does the workflow's channel.
async fn tell_of_start(engine: &Engine, id: &RequestId, typed: &Typed, answered: &Answered) -> Result<(), SlackError> {
    let Answered::NotAsked(_) = answered else { return Ok(()) };
    let workflow = engine.catalog().find(&typed.workflow).cloned();
    let why = said(engine, typed, answered, workflow.as_ref()).text;
    let channel = workflow.as_ref().and_then(|workflow| workflow.channel().map(str::to_owned));
    if let Some(named) = channel
        && let Some(channel) = engine.slack().channel_id(&named).await?
        && !shared::has_outsiders(engine.slack(), &channel).await
    {
        let text = sentences::not_started(typed, &why);
        let about = Subject::from(id);
        // Said once, however often this is tried.
        let said =
            engine.say(&typed.by, (&channel, None), (text, Value::Null), about, Some(format!("not started {id}")));
        if let Err(error) = said.await {
            tracing::warn!(request.id = %id, %error, "that nothing was asked by schedule is not said in the channel");
        }
    }
    let post = Post { channel: typed.by.clone(), text: sentences::not_started(typed, &why), ..Post::default() };
    engine.slack().post_message(&post).await.map(drop)
}

async fn tell(
    engine: &Engine,
    typed: &Typed,
    answered: &Answered,
    address: Option<SecretString>,
) -> Result<(), SlackError> {
    let slack = engine.slack();
    let workflow = engine.catalog().find(&typed.workflow).cloned();
    if let Some(view_id) = &typed.view {
        let view = redrawn(engine, typed, answered, workflow.as_ref()).await;
        match slack.views_update(view_id, None, &view).await {
            Ok(_) => return Ok(()),
            Err(error) if error.is_retryable() => return Err(error),
            // It was closed.
            Err(error) => tracing::debug!(%error, "a form is not there any more; its sender is told otherwise"),
        }
    }
    let Said { text, blocks } = match had_already(engine, answered).await {
        Some(said) => said,
        None => said(engine, typed, answered, workflow.as_ref()),
    };
    let blocks = Some(blocks).filter(|blocks| blocks.as_array().is_some_and(|list| !list.is_empty()));
    if let Some(address) = address {
        let mut body = json!({ "response_type": "ephemeral", "replace_original": false, "text": text });
        if let (Some(map), Some(blocks)) = (body.as_object_mut(), &blocks) {
            map.insert("blocks".to_owned(), blocks.clone());
        }
        match slack.respond(&address, &body).await {
            Ok(()) => return Ok(()),
            // Used up, too old, or Slack is in trouble there. Heard twice is better than never.
            Err(error) => tracing::info!(%error, "what became of something that was typed is said in another way"),
        }
    }
    // Only people in a channel see what is said to them alone there, and only where the bot may write.
    if let Some(channel) = typed.channel.as_deref().filter(|channel| channel.starts_with(['C', 'G'])) {
        match slack.post_ephemeral(channel, &typed.by, &text, blocks.as_ref(), None).await {
            Ok(()) => return Ok(()),
            Err(error) if error.is_retryable() => return Err(error),
            Err(error) => tracing::debug!(%error, "said in direct messages"),
        }
    }
    let post = Post { channel: typed.by.clone(), text, blocks, ..Post::default() };
    slack.post_message(&post).await.map(drop)
}

fn form_of(typed: &Typed, workflow: &Arc<Workflow>) -> Form {
    Form {
        workflow: workflow.clone(),
        values: typed.values.clone(),
        channel: typed.channel.clone(),
        is_doubtful: false,
        breaks_glass: typed.breaks_glass,
        for_whom: typed.for_whom.clone(),
    }
}

fn said(engine: &Engine, typed: &Typed, answered: &Answered, workflow: Option<&Arc<Workflow>>) -> Said {
    match (answered, workflow) {
        (Answered::Asked(request), _) => engine.notices().asked(request),
        (Answered::NotAsked(why), Some(workflow)) => {
            let why = AskError::from(why.clone());
            let text = sentences::not_asked(engine.notices(), &why, &form_of(typed, workflow));
            with_why(text, &why, &workflow.name)
        }
        (Answered::NotAsked(_), None) => Said { text: sentences::not_lent(typed), blocks: Value::Null },
    }
}

/// Whoever has what they asked for is told so with what they can do.
async fn had_already(engine: &Engine, answered: &Answered) -> Option<Said> {
    match answered {
        Answered::NotAsked(NotAsked::Refused { why: Refusal::HadAlready { id } }) => already::already(engine, id).await,
        _ => None,
    }
}

/// The form that was sent: what was asked; or again, with what was filled in and why it was not asked.
async fn redrawn(engine: &Engine, typed: &Typed, answered: &Answered, workflow: Option<&Arc<Workflow>>) -> Value {
    if let Some(said) = had_already(engine, answered).await {
        return modals::asked(&said);
    }
    let again = |why: &NotAsked| !matches!(why, NotAsked::Refused { .. } | NotAsked::NotLent);
    match (answered, workflow) {
        (Answered::Asked(request), _) => modals::asked(&engine.notices().asked(request)),
        (Answered::NotAsked(why), Some(workflow)) if again(why) => {
            let form = form_of(typed, workflow);
            let note = sentences::not_asked_in_form(engine.notices(), &AskError::from(why.clone()), &form);
            let wrong = if let NotAsked::Wrong { inputs } = why { inputs.as_slice() } else { &[] };
            let mut filled = form.clone();
            filled.values.retain(|name, _| !wrong.iter().any(|(wrong, _)| wrong == name));
            let named = workflow.device().and_then(|input| filled.values.get(&input.name));
            let device = match named {
                Some(node_id) => engine.directory().device_of(node_id).await.ok().flatten(),
                None => None,
            };
            RequestForm::new(filled, Among::Fixed).with_device(device).with_note(note).view()
        }
        (Answered::NotAsked(_), _) => modals::sorry(&said(engine, typed, answered, workflow).text),
    }
}

/// The answer while it is being looked up.
pub(super) fn checking() -> Answer {
    Answer::ephemeral(sentences::TYPED_SAVED)
}
