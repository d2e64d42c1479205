//! The form of a request: opening it within Slack's three seconds, redrawing it, and what comes back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::Value;

use super::answer::Answer;
use super::envelope::{BlockActions, FormState, ViewAt, ViewSubmission};
use super::modals::form::{self, About, Among, RequestForm, WORKFLOW_ACTION, WORKFLOW_BLOCK};
use super::modals::{self, choices, deny};
use super::surface::{By, Surface};
use super::{links, pastes, sentences};
use crate::engine::asking::{AskError, Form, Prepared};
use crate::kernel::{Person, Refusal, Standing, Workflow, policy};
use crate::notices::words;

/// A trigger lives three seconds: if people and devices are not known by then, a form that says so is opened.
const FIRST_LOOK: Duration = Duration::from_millis(900);

impl Surface {
    /// Opens the form with the choice of everything this person may ask for.
    pub(super) async fn open_choice(&self, by: &By, trigger: Option<&SecretString>, channel: Option<String>) -> Answer {
        let Some(trigger) = trigger else { return Answer::ephemeral(sentences::not_opened("/access NAME")) };
        let looking = self.choice(by, channel, None);
        tokio::pin!(looking);
        match tokio::time::timeout(FIRST_LOOK, &mut looking).await {
            Ok(Ok(filled)) => self.open(trigger, &filled.view(), "/access NAME").await,
            Ok(Err(why)) => Answer::ephemeral(why),
            Err(_) => {
                let slack = self.engine.slack();
                let loading = modals::loading();
                let (opened, looked) = tokio::join!(slack.views_open(trigger, &loading), looking);
                let handle = match opened {
                    Ok(handle) => handle,
                    Err(error) => {
                        tracing::warn!(%error, "a form could not be opened");
                        return Answer::ephemeral(sentences::not_opened("/access NAME"));
                    }
                };
                let view = looked.map_or_else(|why| modals::sorry(&why), |filled| filled.view());
                if let Err(error) = slack.views_update(&handle.id, None, &view).await {
                    tracing::warn!(%error, "a form could not be filled in after it was opened");
                    return Answer::ephemeral(sentences::not_opened("/access NAME"));
                }
                Answer::Nothing
            }
        }
    }

    /// Opens the form with one workflow and what is known of the rest.
    pub(super) async fn open_filled(&self, trigger: Option<&SecretString>, filled: &RequestForm) -> Answer {
        let line = sentences::line(&filled.form);
        match trigger {
            Some(trigger) => self.open(trigger, &filled.view(), &line).await,
            None => Answer::ephemeral(sentences::not_opened(&line)),
        }
    }

    async fn open(&self, trigger: &SecretString, view: &Value, line: &str) -> Answer {
        match self.engine.slack().views_open(trigger, view).await {
            Ok(_) => Answer::Nothing,
            Err(error) => {
                tracing::warn!(%error, "a form could not be opened");
                Answer::ephemeral(sentences::not_opened(line))
            }
        }
    }

    /// The form with everything this person may ask for; `values` are kept where the workflow has the same input.
    ///
    /// # Errors
    /// Why there is no form, in words for people.
    async fn choice(
        &self,
        by: &By,
        channel: Option<String>,
        chosen: Option<(&str, BTreeMap<String, String>)>,
    ) -> Result<RequestForm, String> {
        let (person, devices) = match self.engine.person_and_devices(&by.slack_id).await {
            Ok(found) => found,
            Err(failure) => return Err(format!("{} Try again in a moment.", sentences::failed(&failure))),
        };
        let allowed = self.may_ask(&person)?;
        let (named, values) = match chosen {
            Some((name, values)) => (Some(name.to_owned()), values),
            None => (self.asked_last(by).await, BTreeMap::new()),
        };
        let is_named = |workflow: &&Arc<Workflow>| Some(&workflow.name) == named.as_ref();
        let Some(workflow) = allowed.iter().find(is_named).or(allowed.first()).cloned() else {
            return Err(sentences::NOTHING_TO_BORROW.to_owned());
        };
        let form = Form { workflow, values, channel, is_doubtful: false };
        Ok(RequestForm::new(form, Among::These(allowed)).with_devices(&devices))
    }

    /// What this person may ask for, by name; why nothing, in words for people.
    pub(super) fn may_ask(&self, person: &Person) -> Result<Vec<Arc<Workflow>>, String> {
        if person.standing != Standing::Member {
            return Err(words::refusal(&Refusal::Standing { standing: person.standing }, None));
        }
        let catalog = self.engine.catalog();
        let allowed: Vec<_> =
            catalog.workflows().filter(|workflow| policy::may_ask(workflow, person).is_ok()).cloned().collect();
        if person.login.is_none() {
            return Err(sentences::no_tailnet_user(person.email.as_deref()));
        }
        if allowed.is_empty() { Err(sentences::NOTHING_TO_BORROW.to_owned()) } else { Ok(allowed) }
    }

    /// People mostly need what they needed before.
    async fn asked_last(&self, by: &By) -> Option<String> {
        let mine = self.engine.mine(&by.slack_id).await.ok()?;
        mine.into_iter().next().map(|request| request.ask.workflow.name)
    }

    /// Another workflow was chosen in an open form: its fields, with what was filled in where they are the same.
    pub(super) async fn chose(&self, by: &By, actions: &BlockActions) -> Answer {
        let (Some(view), Some(chosen)) = (&actions.view, actions.value.as_deref()) else { return Answer::Nothing };
        match self.redrawn(by, view, &actions.state, chosen).await {
            Ok(filled) => {
                let updated =
                    self.engine.slack().views_update(&view.view_id, view.hash.as_deref(), &filled.view()).await;
                if let Err(error) = updated {
                    // Redrawn by a later choice, or closed. If it is sent as it is, it comes back redrawn.
                    tracing::debug!(%error, "a form was not redrawn");
                }
            }
            Err(why) => tracing::warn!(why, "a form could not be redrawn; it will be when it is sent"),
        }
        Answer::Nothing
    }

    async fn redrawn(&self, by: &By, view: &ViewAt, state: &FormState, chosen: &str) -> Result<RequestForm, String> {
        let about = About::read(&view.private_metadata).ok_or_else(|| sentences::FORM_UNKNOWN.to_owned())?;
        let catalog = self.engine.catalog();
        let find = |name: &str| catalog.find(name).cloned().ok_or_else(|| sentences::FORM_UNKNOWN.to_owned());
        let before = find(&about.workflow).or_else(|_| find(chosen))?;
        let values = form::chosen(&before, form::values(&before, state));
        self.choice(by, about.channel, Some((chosen, values))).await
    }

    /// A modal of ours was sent off.
    pub(super) async fn submitted(&self, by: &By, submission: &ViewSubmission) -> Answer {
        match submission.view.callback_id.as_str() {
            form::CALLBACK => self.request_submitted(by, submission).await,
            deny::CALLBACK => self.denied(by, submission).await,
            links::form::CALLBACK => self.link_submitted(by, submission).await,
            pastes::form::CALLBACK => self.paste_submitted(by, submission).await,
            pastes::form::CONFIRM => self.paste_confirmed(by, submission).await,
            _ => Answer::Nothing,
        }
    }

    async fn request_submitted(&self, by: &By, submission: &ViewSubmission) -> Answer {
        let at = |block: &str, text: &str| at_block(submission, block, text);
        let Some(about) = About::read(&submission.view.private_metadata) else {
            return at("", sentences::FORM_UNKNOWN);
        };
        let chosen = submission.state.value(WORKFLOW_BLOCK, WORKFLOW_ACTION).filter(|_| !about.fixed);
        let name = chosen.unwrap_or(&about.workflow);
        if name != about.workflow {
            // Sent before it was redrawn for the workflow that was chosen: those fields were never seen.
            return match self.redrawn(by, &submission.view, &submission.state, name).await {
                Ok(filled) => Answer::UpdateView(filled.with_note(sentences::LOOK_AGAIN.to_owned()).view()),
                Err(why) => at(WORKFLOW_BLOCK, &why),
            };
        }
        let Some(workflow) = self.engine.catalog().find(name).cloned() else {
            return at(WORKFLOW_BLOCK, sentences::FORM_UNKNOWN);
        };
        let values = form::values(&workflow, &submission.state);
        let form = Form { workflow, values, channel: about.channel, is_doubtful: false };
        if let Some(input) = form.workflow.device()
            && form.values.get(&input.name).is_some_and(|value| value == choices::UNAVAILABLE)
        {
            return at(&form::block_id(&form.workflow, input), sentences::DEVICES_UNAVAILABLE);
        }
        match self.engine.prepare(&by.slack_id, &form).await {
            Ok(Prepared::Complete(ask)) => match self.engine.ask(*ask, Some(by.key.clone())).await {
                Ok(told) => Answer::UpdateView(modals::asked(&self.engine.notices().asked(&told.request))),
                Err(error) => at("", &sentences::not_told(&error, &form)),
            },
            Ok(Prepared::Incomplete { missing, .. }) => {
                let errors = missing.into_iter().map(|name| (name, "is needed".to_owned())).collect();
                at_fields(submission, &form, errors)
            }
            Err(AskError::Wrong(wrong)) => at_fields(submission, &form, wrong),
            Err(error @ AskError::NoDevice) => {
                let block =
                    form.workflow.device().map(|input| form::block_id(&form.workflow, input)).unwrap_or_default();
                at(&block, &sentences::not_asked(&error, &form))
            }
            Err(AskError::Failed(failure)) => {
                at("", &format!("{} Send it again in a moment.", sentences::failed(&failure)))
            }
            Err(error) => at(WORKFLOW_BLOCK, &sentences::not_asked(&error, &form)),
        }
    }
}

/// An error at a block of the form, or at its first field if it has no such block.
fn at_block(submission: &ViewSubmission, block: &str, text: &str) -> Answer {
    let blocks = &submission.input_block_ids;
    match blocks.iter().find(|id| *id == block).or_else(|| blocks.first()) {
        Some(id) => Answer::Errors(vec![(id.clone(), sentences::as_plain(text))]),
        None => Answer::ephemeral(text),
    }
}

/// Errors by input name, each at its field; those of one field together.
fn at_fields(submission: &ViewSubmission, form: &Form, wrong: Vec<(String, String)>) -> Answer {
    let blocks = &submission.input_block_ids;
    let mut errors: Vec<(String, String)> = Vec::new();
    for (name, what) in wrong {
        // Chosen from a list, so people never saw the id.
        let value = form.values.get(&name).map(|value| format!("`{value}` is not"));
        let what = value.map_or_else(|| what.clone(), |value| what.replace(&value, "this is not"));
        let block = form.workflow.input(&name).map(|input| form::block_id(&form.workflow, input)).unwrap_or_default();
        let (block, text) = match blocks.iter().find(|id| **id == block) {
            Some(id) => (id.clone(), sentences::as_plain(&what)),
            None => match blocks.first() {
                Some(first) => (first.clone(), sentences::as_plain(&format!("{name}: {what}"))),
                None => return Answer::ephemeral(format!("{name}: {what}")),
            },
        };
        match errors.iter_mut().find(|(id, _)| *id == block) {
            Some((_, said)) => *said = format!("{said}; {text}"),
            None => errors.push((block, text)),
        }
    }
    Answer::Errors(errors)
}
