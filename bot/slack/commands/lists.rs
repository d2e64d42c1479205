//! `/access help`, `list`, `return` and `withdraw`: what there is, what is mine, and letting go of it.

use std::time::Duration;

use crate::engine::TellError;
use crate::kernel::{Actor, Button, Event, Refusal, Request, Standing, State, Workflow, policy};
use crate::notices::Said;
use crate::notices::words::{self, escape, listed};
use crate::slack::answer::Answer;
use crate::slack::sentences::{self, code};
use crate::slack::surface::{By, Surface};

/// Help must not wait for a tailnet that does not answer.
const HELP_LIMIT: Duration = Duration::from_millis(1_200);

/// A way to let go of one's own request.
struct Letting {
    word: &'static str,
    button: Button,
    states: &'static [State],
    /// What one does with it, for "You ... `prod-db`".
    kind: &'static str,
    /// That there is nothing of it.
    nothing: &'static str,
}

impl Surface {
    /// What can be borrowed: what this person may ask for, or everything if that cannot be told quickly.
    pub(super) async fn help(&self, by: &By) -> Answer {
        let catalog = self.engine.catalog();
        let person = match self.engine.known_person(&by.slack_id).await {
            Ok(Some(person)) => Some(person),
            _ => {
                let looking = tokio::time::timeout(HELP_LIMIT, self.engine.person_afresh(&by.slack_id)).await;
                looking.ok().and_then(Result::ok)
            }
        };
        // Whoever may ask for nothing, whatever groups they are in, is told that.
        if let Some(person) = person.as_ref().filter(|person| person.standing != Standing::Member) {
            return Answer::ephemeral(
                self.engine.notices().refusal(&Refusal::Standing { standing: person.standing }, None),
            );
        }
        let may = |workflow: &Workflow| person.as_ref().is_none_or(|person| policy::may_ask(workflow, person).is_ok());
        let workflows: Vec<&Workflow> =
            catalog.workflows().map(AsRef::as_ref).filter(|workflow| may(workflow)).collect();
        ephemeral(self.engine.notices().help(&workflows))
    }

    pub(super) fn help_for(&self, workflow: &Workflow) -> Answer {
        ephemeral(self.engine.notices().help(&[workflow]))
    }

    /// What concerns this person; with the name of a workflow, who holds it now, for whoever decides on it.
    pub(super) async fn list(&self, by: &By, words: &str) -> Answer {
        let (id, now) = (by.slack_id.as_str(), self.engine.clock().now_ms());
        let notices = self.engine.notices();
        let read = match words.split_whitespace().next() {
            Some(name) => match self.engine.catalog().find(&name.to_lowercase()) {
                Some(workflow) => {
                    let workflow = workflow.clone();
                    let lent = self.engine.lent_under(&workflow, id).await;
                    lent.map(|lent| {
                        lent.map_or_else(|| not_yours(&workflow), |lent| ephemeral(notices.lent(&lent, now)))
                    })
                }
                None => Ok(self.nothing_called("list", name)),
            },
            None => {
                let lists = tokio::try_join!(
                    self.engine.mine(id),
                    self.engine.asked_for_others(id),
                    self.engine.waiting_for(id),
                    self.engine.to_review(id),
                    self.engine.lent_by(id)
                );
                lists.map(|(mine, for_others, waiting, review, lent)| {
                    ephemeral(notices.list((&mine, &for_others), (&waiting, &review), &lent, now))
                })
            }
        };
        read.unwrap_or_else(|error| {
            tracing::error!(%error, "a list could not be read");
            Answer::ephemeral(sentences::NOT_READ)
        })
    }

    /// `verb` is what was to be done with it, like `list`.
    pub(super) fn nothing_called(&self, verb: &str, name: &str) -> Answer {
        let nearest =
            self.engine.catalog().nearest(&name.to_lowercase()).map(|near| code(&format!("/access {verb} {near}")));
        let meant = nearest.map(|line| format!(" Did you mean {line}?")).unwrap_or_default();
        Answer::ephemeral(format!(
            "There is nothing called {} here.{meant} `/access list` shows what is yours.",
            code(name)
        ))
    }

    pub(super) async fn give_back(&self, by: &By, words: &str) -> Answer {
        let letting = Letting {
            word: "return",
            button: Button::Return,
            states: &[State::Approved, State::Activating, State::Active],
            kind: "hold",
            nothing: "you hold nothing now",
        };
        self.let_go(by, words, letting).await
    }

    pub(super) async fn withdraw(&self, by: &By, words: &str) -> Answer {
        let letting = Letting {
            word: "withdraw",
            button: Button::Withdraw,
            states: &[State::Pending],
            kind: "have asked for",
            nothing: "nothing of yours waits for a decision",
        };
        self.let_go(by, words, letting).await
    }

    /// Lets go of everything of mine that has this name and stands so; a second word picks the device.
    async fn let_go(&self, by: &By, words: &str, letting: Letting) -> Answer {
        let mine = match self.engine.mine(&by.slack_id).await {
            Ok(mine) => mine,
            Err(error) => {
                tracing::error!(%error, "requests could not be read");
                return Answer::ephemeral(sentences::NOT_READ);
            }
        };
        let open: Vec<&Request> = mine.iter().filter(|request| letting.states.contains(&request.state)).collect();
        let mut words = words.split_whitespace();
        let (name, device) = (words.next().unwrap_or_default().to_lowercase(), words.next().map(str::to_lowercase));
        let is_meant = |request: &&&Request| {
            let on = request.device.as_ref().map(|device| device.name.to_lowercase());
            request.workflow.name == name && (device.is_none() || device == on)
        };
        let meant: Vec<&Request> = open.iter().filter(is_meant).copied().collect();
        if meant.is_empty() {
            return Answer::ephemeral(nothing_of(&name, &open, &letting));
        }
        let (mut done, mut failed) = (Vec::new(), Vec::new());
        for request in meant {
            let event = Event::Pressed {
                by: by.slack_id.clone(),
                button: letting.button.clone(),
                channel: None,
                seal: request.seal.clone(),
                on: None,
            };
            let actor = Actor::Person { slack_id: by.slack_id.clone() };
            // One delivery, several requests: each is told once.
            let key = format!("{}:{}", by.key, request.id);
            match self.engine.tell(actor, &request.id, event, Some(key)).await {
                Ok(_) => done.push(sentences::what(request)),
                Err(error) => failed.push((sentences::what(request), error)),
            }
        }
        Answer::ephemeral(let_go_said(&done, &failed, &letting))
    }
}

pub(super) fn not_yours(workflow: &Workflow) -> Answer {
    let title = escape(&words::one_line(&workflow.title, 80));
    Answer::ephemeral(format!(
        "Who holds *{title}* is told to those who decide on it, and I could not see that you are one of them. `/access list` shows what is yours."
    ))
}

pub(super) fn ephemeral(said: Said) -> Answer {
    Answer::Ephemeral { text: said.text, blocks: Some(said.blocks) }
}

fn let_go_said(done: &[String], failed: &[(String, TellError)], letting: &Letting) -> String {
    let mut lines = Vec::new();
    if !done.is_empty() {
        let what = listed(done, "and");
        lines.push(match letting.button {
            Button::Withdraw => format!("Withdrawing {what}. `/access list` shows when it is done."),
            _ => format!("Giving back {what}. You will hear from me when it is verified gone."),
        });
    }
    if !failed.is_empty() {
        let what: Vec<String> = failed.iter().map(|(what, _)| what.clone()).collect();
        let again = code(&format!("/access {} NAME", letting.word));
        lines.push(format!(
            "That could not be saved for {}; nothing changed there. Try {again} again in a moment.",
            listed(&what, "and")
        ));
    }
    lines.join("\n")
}

fn nothing_of(name: &str, open: &[&Request], letting: &Letting) -> String {
    let mut names: Vec<&str> = open.iter().map(|request| request.workflow.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return format!("There is nothing to {}: {}.", letting.word, letting.nothing);
    }
    let have = names.iter().map(|name| format!("`{}`", escape(name))).collect::<Vec<_>>();
    let have = format!("You {} {}", letting.kind, listed(&have, "and"));
    if name.is_empty() {
        let first = names.first().copied().unwrap_or("NAME");
        return format!("Say which: {}. {have}.", code(&format!("/access {} {first}", letting.word)));
    }
    let nearest = crate::config::words::nearest(name, names.iter().copied());
    let hint =
        nearest.map(|nearest| format!(" Did you mean {}?", code(&format!("/access {} {nearest}", letting.word))));
    format!("There is nothing called {} to {}. {have}.{}", code(name), letting.word, hint.unwrap_or_default())
}
