//! The form of a request: opening it within Slack's three seconds, redrawing it, and what comes back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use secrecy::SecretString;
use serde_json::Value;

use super::answer::Answer;
use super::envelope::{BlockActions, FormState, ViewAt, ViewSubmission};
use super::modals::form::{self, About, Among, RequestForm, WORKFLOW_ACTION, WORKFLOW_BLOCK};
use super::modals::{self, approve_for, choices, deny, review};
use super::surface::{By, Surface};
use super::{already, links, pastes, sentences};
use crate::engine::TellError;
use crate::engine::asking::{AskError, Form, Prepared};
use crate::engine::directory::Whose;
use crate::kernel::{Person, Refusal, Standing, Workflow, policy};

/// A form that cannot be filled in for so long says why.
const FILL_LIMIT: Duration = Duration::from_secs(60);

impl Surface {
    /// Opens the form with the choice of everything this person may ask for; at once, and filled in later if it must be looked up.
    pub(super) async fn open_choice(&self, by: &By, trigger: Option<&SecretString>, channel: Option<String>) -> Answer {
        const LINE: &str = "/access NAME";
        let Some(trigger) = trigger else { return Answer::ephemeral(sentences::not_opened(LINE, None)) };
        match self.known_choice(by, channel.clone(), None).await {
            Ok(Some(filled)) => self.open(trigger, &filled.view(), LINE).await,
            Ok(None) => {
                let (surface, by) = (self.clone(), by.clone());
                let filling = async move {
                    let filled = surface.choice(&by, channel, None).await;
                    filled.map_or_else(|why| modals::sorry(&why), |filled| filled.view())
                };
                self.open_then_fill(trigger, &modals::loading(None), LINE, filling.boxed()).await
            }
            Err(why) => Answer::ephemeral(why),
        }
    }

    /// Opens a form for somebody who has to be looked up first: it shows what they typed and is filled in when that is done.
    pub(super) async fn open_unknown(&self, by: &By, trigger: Option<&SecretString>, form: Form) -> Answer {
        let line = sentences::line(&form);
        let Some(trigger) = trigger else { return Answer::ephemeral(sentences::not_opened(&line, None)) };
        let (engine, slack_id) = (self.engine.clone(), by.slack_id.clone());
        let filling = async move {
            let prepared = tokio::time::timeout(FILL_LIMIT, engine.prepare_afresh(&slack_id, &form)).await;
            let filled = RequestForm::new(form.clone(), Among::Fixed);
            match prepared {
                Ok(Ok(Prepared::Incomplete { devices, .. })) => filled.with_devices(&devices).view(),
                Ok(Ok(Prepared::Complete(_) | Prepared::Unknown)) => filled.view(),
                Ok(Err(AskError::NoDevice)) => filled.with_devices(&[]).view(),
                // It can be sent: what is missing is looked up again then.
                Ok(Err(AskError::Failed(failure))) => filled.with_note(sentences::not_looked_up(&failure)).view(),
                Ok(Err(error)) => modals::sorry(&sentences::not_asked(engine.notices(), &error, &form)),
                Err(_) => filled.view(),
            }
        };
        self.open_then_fill(trigger, &modals::loading(Some(&line)), &line, filling.boxed()).await
    }

    /// A trigger lives three seconds: the form is opened, acknowledged, and filled in when what it needs is there.
    pub(super) async fn open_then_fill(
        &self,
        trigger: &SecretString,
        loading: &Value,
        line: &str,
        filling: BoxFuture<'static, Value>,
    ) -> Answer {
        let handle = match self.engine.slack().views_open(trigger, loading).await {
            Ok(handle) => handle,
            Err(error) => {
                tracing::warn!(%error, "a form could not be opened");
                return Answer::ephemeral(sentences::not_opened(line, Some(&error)));
            }
        };
        let slack = self.engine.slack().clone();
        // Changes nothing and promises nothing: the form itself says that it is being filled in, and shows what was typed.
        tokio::spawn(async move {
            let view = filling.await;
            if let Err(error) = slack.views_update(&handle.id, None, &view).await {
                tracing::warn!(%error, "a form could not be filled in after it was opened");
            }
        });
        Answer::Nothing
    }

    /// Opens the form with one workflow and what is known of the rest.
    pub(super) async fn open_filled(&self, trigger: Option<&SecretString>, filled: &RequestForm) -> Answer {
        let line = sentences::line(&filled.form);
        match trigger {
            Some(trigger) => self.open(trigger, &filled.view(), &line).await,
            None => Answer::ephemeral(sentences::not_opened(&line, None)),
        }
    }

    async fn open(&self, trigger: &SecretString, view: &Value, line: &str) -> Answer {
        match self.engine.slack().views_open(trigger, view).await {
            Ok(_) => Answer::Nothing,
            Err(error) => {
                tracing::warn!(%error, "a form could not be opened");
                Answer::ephemeral(sentences::not_opened(line, Some(&error)))
            }
        }
    }

    /// The form with everything this person may ask for, as far as it is known here; nothing if they have to be looked up.
    ///
    /// # Errors
    /// Our own records cannot be read, in words for people.
    async fn known_choice(
        &self,
        by: &By,
        channel: Option<String>,
        chosen: Option<(&str, BTreeMap<String, String>)>,
    ) -> Result<Option<RequestForm>, String> {
        let known = self.engine.known_person(&by.slack_id).await;
        let person = known.map_err(|failure| format!("{} Try again in a moment.", sentences::failed(&failure)))?;
        let Some(person) = person.filter(|person| person.login.is_some()) else { return Ok(None) };
        match self.may_ask(&person) {
            Ok(allowed) => self.choice_among(by, (&person, allowed), channel, chosen).await.map(Some),
            Err(_) => Ok(None),
        }
    }

    /// The form with everything this person may ask for; `values` are kept where the workflow has the same input. Looks up whoever is
    /// not known, which can take long.
    ///
    /// # Errors
    /// Why there is no form, in words for people.
    async fn choice(
        &self,
        by: &By,
        channel: Option<String>,
        chosen: Option<(&str, BTreeMap<String, String>)>,
    ) -> Result<RequestForm, String> {
        if let Some(known) = self.known_choice(by, channel.clone(), chosen.clone()).await? {
            return Ok(known);
        }
        let person = tokio::time::timeout(FILL_LIMIT, self.engine.person_afresh(&by.slack_id)).await;
        let person = person.unwrap_or_else(|_| Err(sentences::late()));
        let person = person.map_err(|failure| format!("{} Try again in a moment.", sentences::failed(&failure)))?;
        let allowed = self.may_ask(&person)?;
        self.choice_among(by, (&person, allowed), channel, chosen).await
    }

    async fn choice_among(
        &self,
        by: &By,
        (person, allowed): (&Person, Vec<Arc<Workflow>>),
        channel: Option<String>,
        chosen: Option<(&str, BTreeMap<String, String>)>,
    ) -> Result<RequestForm, String> {
        let (named, values) = match chosen {
            Some((name, values)) => (Some(name.to_owned()), values),
            None => (self.engine.asked_last(&by.slack_id).await.unwrap_or_default(), BTreeMap::new()),
        };
        let is_named = |workflow: &&Arc<Workflow>| Some(&workflow.name) == named.as_ref();
        let Some(workflow) = allowed.iter().find(is_named).or(allowed.first()).cloned() else {
            return Err(sentences::NOTHING_TO_BORROW.to_owned());
        };
        let mut devices = Vec::new();
        if let (Some(input), Some(login)) = (workflow.device(), person.login.as_deref()) {
            let directory = self.engine.directory();
            let whose = Whose::of(input, login);
            devices = directory.devices(&whose, "", 2).await.unwrap_or_default();
            if let Some(named) = values.get(&input.name) {
                devices.extend(directory.device(&whose, named).await.ok().flatten());
            }
        }
        let form = Form { workflow, values, channel, is_doubtful: false, breaks_glass: false, for_whom: None };
        Ok(RequestForm::new(form, Among::These(allowed)).with_devices(&devices))
    }

    /// What this person may ask for, by name; why nothing, in words for people.
    pub(super) fn may_ask(&self, person: &Person) -> Result<Vec<Arc<Workflow>>, String> {
        if person.standing != Standing::Member {
            return Err(self.engine.notices().refusal(&Refusal::Standing { standing: person.standing }, None));
        }
        let catalog = self.engine.catalog();
        let allowed: Vec<_> =
            catalog.workflows().filter(|workflow| policy::may_ask(workflow, person).is_ok()).cloned().collect();
        if person.login.is_none() {
            return Err(sentences::no_tailnet_user(person.email.as_deref()));
        }
        if allowed.is_empty() { Err(sentences::NOTHING_TO_BORROW.to_owned()) } else { Ok(allowed) }
    }

    /// Another workflow was chosen in an open form: its fields, with what was filled in where they are the same.
    pub(super) async fn chose(&self, by: &By, actions: &BlockActions) -> Answer {
        let (Some(view), Some(chosen)) = (&actions.view, actions.value.as_deref()) else { return Answer::Nothing };
        let filled = self.redrawn(by, view, &actions.state, chosen).await;
        self.redraw(view, filled).await
    }

    async fn redraw(&self, view: &ViewAt, filled: Result<RequestForm, String>) -> Answer {
        match filled {
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

    /// Something was chosen in an open form on which it hangs what else is asked.
    pub(super) async fn changed(&self, by: &By, actions: &BlockActions) -> Answer {
        let Some(view) = actions.view.as_ref().filter(|view| view.callback_id == form::CALLBACK) else {
            return Answer::Nothing;
        };
        let filled = self.with_what_is_asked(by, view, &actions.state).await;
        self.redraw(view, filled).await
    }

    /// The form with the fields that are asked for what stands in it now.
    async fn with_what_is_asked(&self, by: &By, view: &ViewAt, state: &FormState) -> Result<RequestForm, String> {
        let unknown = || sentences::FORM_UNKNOWN.to_owned();
        let About { workflow, channel, fixed, breaks_glass } =
            About::read(&view.private_metadata).ok_or_else(unknown)?;
        let workflow = self.engine.catalog().find(&workflow).cloned().ok_or_else(unknown)?;
        let values = form::values(&workflow, state);
        if !fixed {
            return self.choice(by, channel, Some((&workflow.name, values))).await;
        }
        let named = workflow.device().and_then(|input| values.get(&input.name)).cloned();
        let mut form = Form { workflow, values, channel, is_doubtful: false, breaks_glass, for_whom: None };
        let asked: Vec<String> = form.asked().iter().map(|input| input.name.clone()).collect();
        form.values.retain(|name, _| asked.contains(name));
        let device = match named {
            Some(node_id) => self.engine.directory().device_of(&node_id).await.ok().flatten(),
            None => None,
        };
        Ok(RequestForm::new(form, Among::Fixed).with_device(device))
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
            approve_for::CALLBACK => self.approved_for(by, submission).await,
            review::CALLBACK => self.reviewed(by, submission).await,
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
        let form = Form {
            workflow,
            values,
            channel: about.channel,
            is_doubtful: false,
            breaks_glass: about.breaks_glass,
            for_whom: None,
        };
        if !form::has_what_is_asked(&form, &submission.input_block_ids) {
            return match self.with_what_is_asked(by, &submission.view, &submission.state).await {
                Ok(filled) => Answer::UpdateView(filled.with_note(sentences::LOOK_AGAIN.to_owned()).view()),
                Err(why) => at("", &why),
            };
        }
        if let Some(input) = form.workflow.device()
            && form.values.get(&input.name).is_some_and(|value| value == choices::UNAVAILABLE)
        {
            return at(&form::block_id(&form.workflow, input), sentences::DEVICES_UNAVAILABLE);
        }
        match self.engine.prepare(&by.slack_id, &form).await {
            Ok(Prepared::Complete(ask)) => match self.engine.ask(*ask, Some(by.key.clone())).await {
                Ok(told) => Answer::UpdateView(modals::asked(&self.engine.notices().asked(&told.request))),
                Err(TellError::Refused(Refusal::HadAlready { id })) => {
                    match already::already(&self.engine, &id).await {
                        Some(said) => Answer::UpdateView(modals::asked(&said)),
                        None => at("", &self.engine.notices().refusal(&Refusal::HadAlready { id }, None)),
                    }
                }
                Err(error) => at("", &sentences::not_told(self.engine.notices(), &error, &form)),
            },
            Ok(Prepared::Incomplete { missing, .. }) => {
                let errors = missing.into_iter().map(|name| (name, "is needed".to_owned())).collect();
                at_fields(submission, &form, errors)
            }
            Ok(Prepared::Unknown) => {
                let view = Some(submission.view.view_id.clone());
                match self.save_typed(by, &form, (view, None)).await {
                    Ok(()) => Answer::UpdateView(modals::checking()),
                    Err(error) => at("", &sentences::not_told(self.engine.notices(), &error, &form)),
                }
            }
            Err(AskError::Wrong(wrong)) => at_fields(submission, &form, wrong),
            Err(error @ AskError::NoDevice) => {
                let block =
                    form.workflow.device().map(|input| form::block_id(&form.workflow, input)).unwrap_or_default();
                at(&block, &sentences::not_asked(self.engine.notices(), &error, &form))
            }
            Err(AskError::Failed(failure)) => {
                at("", &format!("{} Send it again in a moment.", sentences::failed(&failure)))
            }
            Err(error) => at(WORKFLOW_BLOCK, &sentences::not_asked(self.engine.notices(), &error, &form)),
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
        let what = sentences::wrong_in_form(form, &name, &what);
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
