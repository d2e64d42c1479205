//! Everything the bot says: one named template for each thing, words in `templates/slack/`, structure here.
//!
//! It is said after it is true, and from what is stored. A message can be rendered late (Slack was away), so every
//! template looks at the state as it now is. What people typed is escaped and can neither ping nor link.

mod asked;
mod blocks;
pub mod bursts;
pub mod buttons;
pub mod drift;
mod engine;
mod extras;
mod facts;
pub mod handing;
pub mod links;
pub mod pastes;
mod refusals;
pub mod restored;
pub(crate) mod sample;
#[cfg(test)]
mod tests;
mod text;
pub mod unreadable;
pub mod words;

use std::path::Path;

use serde_json::Value;

use crate::config::Report;
use crate::inputs;
use crate::kernel::{Notice, Place, Recipient, Refusal, Request, Shows, State, StepType, Workflow};
use blocks::Message;
use engine::Engine;
use extras::{Extras, Line};
use facts::Facts;
use refusals::Why;

/// Of `/access list`, so that it stays one message: for each of its groups.
const ROWS_MAX: usize = 10;
/// Rows of one alarm about several requests.
const ALARMS_MAX: usize = 20;
/// Of what ended, which is only there to ask again.
const ENDED_MAX: usize = 5;
/// Of `/access help`.
const WORKFLOWS_MAX: usize = 24;

/// The name of the row of buttons below the private answer to somebody who asked.
pub const ASKED: &str = "asked";
/// The same below a refusal.
pub const REFUSED: &str = "refused";

/// A message: what `chat.postMessage` and `chat.update` take as `text` and `blocks`.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// For notifications and screen readers; always set, at most 900 characters, mrkdwn.
    pub text: String,
    /// Within Slack's limits whatever people typed.
    pub blocks: Value,
}

/// Templates that cannot be used, every mistake with its place.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{report}")]
pub struct NoticeError {
    /// In the form every file's mistakes have.
    pub report: Report,
}

/// What the bot says. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Notices {
    engine: Engine,
    types: &'static [StepType],
}

impl Notices {
    /// With the words this program comes with.
    ///
    /// # Errors
    /// Never in a build whose tests passed.
    pub fn built_in() -> Result<Self, NoticeError> {
        Engine::built_in().map(Self::of).map_err(|report| NoticeError { report })
    }

    /// With words of one's own: `<folder>/slack/NAME.txt` replaces the built-in template of that name. A folder that
    /// is not there changes nothing.
    ///
    /// # Errors
    /// Every file that names no template, names something a template does not know, cannot be read, or does not
    /// render every sample request.
    pub fn with_overrides(folder: &Path) -> Result<Self, NoticeError> {
        Engine::with_overrides(folder).map(Self::of).map_err(|report| NoticeError { report })
    }

    fn of(engine: Engine) -> Self {
        Self { engine, types: &[] }
    }

    /// The same with words for what these step types lend.
    #[must_use]
    pub fn knowing(self, types: &'static [StepType]) -> Self {
        Self { types, ..self }
    }

    fn facts(&self, request: &Request, now: i64) -> Facts {
        Facts::of(request, now).lending(request, self.types)
    }

    /// The message that shows a request through its whole life. `now` in milliseconds since the Unix epoch.
    pub fn card(&self, request: &Request, place: &Place, now: i64) -> Said {
        let facts = self.facts(request, now).at_place(place);
        let row = (buttons::card(request, place, now), Some(Shows::Card.word()));
        self.say("card", request, &facts, &Extras::default(), row)
    }

    /// Whether these are the blocks of this request's card, as Slack gives them back.
    pub fn is_card_of(&self, blocks: &Value, request: &Request) -> bool {
        buttons::are_on_card_of(blocks, request)
    }

    /// One thing said beside the card.
    pub fn notice(&self, request: &Request, notice: &Notice, to: &Recipient, now: i64) -> Said {
        let facts = self.facts(request, now).told(to);
        let (name, mut extras) = named(notice);
        if let Notice::Refused { why } = notice {
            extras.refusal = self.refusal(why, Some(request));
        }
        self.say(name, request, &facts, &extras, (buttons::notice(request, notice, to, now), row_name(notice)))
    }

    /// Why somebody may not, and what to do next. In mrkdwn, safe as it is; whoever reads it is `you`.
    pub fn refusal(&self, why: &Refusal, request: Option<&Request>) -> String {
        let rendered = self.engine.render_refusal(&Why::of(why, request)).unwrap_or_else(|error| {
            tracing::error!(%error, "the words of a refusal cannot be rendered; plain words are used instead");
            String::new()
        });
        let lines: Vec<&str> = rendered.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        if lines.is_empty() { "That cannot be done, and nothing changed.".to_owned() } else { lines.join("\n") }
    }

    /// The private answer to somebody who asked: what was asked, who decides, and how to take it back.
    pub fn asked(&self, request: &Request) -> Said {
        let facts = self.facts(request, request.asked_at);
        self.say("asked", request, &facts, &Extras::default(), (buttons::asked(request), Some(ASKED)))
    }

    /// The private answer to somebody who asked for what they hold, or have asked for, already. `link`: where its card is.
    pub fn already(&self, request: &Request, link: Option<&str>, now: i64) -> Said {
        let facts = self.facts(request, now).told(&Recipient::Person { slack_id: request.requester.slack_id.clone() });
        let card_link = link.map(|link| words::link(link, "its card")).unwrap_or_default();
        self.say(
            "already",
            request,
            &facts,
            &Extras { card_link, ..Extras::default() },
            (buttons::already(request), Some(ASKED)),
        )
    }

    /// `/access list`: what I hold, what I asked, also for others, what waits for me, what I may take back, and what of mine is over.
    pub fn list(
        &self,
        (mine, for_others): (&[Request], &[Request]),
        (waiting_for_me, to_review): (&[Request], &[Request]),
        lent_by_me: &[Request],
        now: i64,
    ) -> Said {
        let of = |wanted: fn(State) -> bool| mine.iter().filter(|request| wanted(request.state)).collect::<Vec<_>>();
        let groups = [
            ("held", of(|state| !matches!(state, State::Pending | State::Ended)), ROWS_MAX),
            ("asked", of(|state| state == State::Pending), ROWS_MAX),
            ("for_others", for_others.iter().collect(), ROWS_MAX),
            ("waiting", waiting_for_me.iter().filter(|request| request.is_waiting()).collect(), ROWS_MAX),
            ("review", to_review.iter().collect(), ROWS_MAX),
            ("lent", lent_by_me.iter().collect(), ROWS_MAX),
            ("ended", of(|state| state == State::Ended), ENDED_MAX),
        ];
        self.groups(&groups, "nothing", now)
    }

    /// `/access list NAME` for whoever decides on it: who holds it now.
    pub fn lent(&self, lent: &[Request], now: i64) -> Said {
        self.groups(&[("lent", lent.iter().collect(), ROWS_MAX)], "nobody", now)
    }

    fn groups(&self, groups: &[(&'static str, Vec<&Request>, usize)], nothing: &'static str, now: i64) -> Said {
        let mut message = Message::default();
        for (group, requests, max) in groups {
            let (count, hidden) = (requests.len(), requests.len().saturating_sub(*max));
            let extras = Extras { group, count, hidden, ..Extras::default() };
            if count > 0 {
                message.heading(&self.words("list_heading", None, &extras));
            }
            for request in requests.iter().take(*max) {
                let buttons: Vec<Value> = match *group {
                    "waiting" | "review" => Vec::new(),
                    "for_others" => buttons::for_another(request).into_iter().collect(),
                    "lent" => buttons::lent(request).into_iter().collect(),
                    _ => buttons::extend(request).into_iter().chain(buttons::row(request, now)).collect(),
                };
                let row = self.words("list_row", Some(&self.facts(request, now)), &extras);
                message.row(if row.is_empty() { plain_words(request) } else { row }.as_str(), buttons);
            }
        }
        if message.is_empty() {
            message.heading(&self.words("list_heading", None, &Extras { group: nothing, ..Extras::default() }));
        }
        message.finish().unwrap_or_else(|| said("There is nothing to list."))
    }

    /// One alarm to a channel about several requests: `group` is `stuck` or `unstuck`; `gone` others were in it and are over.
    pub fn together(&self, group: &'static str, requests: &[&Request], gone: usize, now: i64) -> Said {
        let (count, hidden) = (requests.len(), requests.len().saturating_sub(ALARMS_MAX));
        let extras = Extras { group, count, hidden, gone, ..Extras::default() };
        let mut message = Message::default();
        message.heading(&self.words("alarms_heading", None, &extras));
        for request in requests.iter().take(ALARMS_MAX) {
            let facts = self.facts(request, now).told(&Recipient::Channel);
            let row = self.words("alarms_row", Some(&facts), &extras);
            message.row(if row.is_empty() { plain_words(request) } else { row }.as_str(), Vec::new());
        }
        message.finish().unwrap_or_else(|| said("Several grants cannot be taken back yet; their cards say which."))
    }

    /// `/access help`: what can be borrowed, and how to say it.
    pub fn help(&self, workflows: &[&Workflow]) -> Said {
        let extras = Extras {
            workflows: workflows.iter().take(WORKFLOWS_MAX).map(|workflow| line(workflow)).collect(),
            workflows_more: workflows.len().saturating_sub(WORKFLOWS_MAX),
            has_glass: workflows.iter().any(|workflow| workflow.break_glass.is_some()),
            ..Extras::default()
        };
        let plainly = || said("Type `/access NAME 2h why you need it`, or `/access` alone.");
        Message::of(&self.words("help", None, &extras)).finish().unwrap_or_else(plainly)
    }

    fn say(
        &self,
        name: &str,
        request: &Request,
        facts: &Facts,
        extras: &Extras,
        (buttons, row_name): (Vec<Value>, Option<&'static str>),
    ) -> Said {
        let with_buttons = |mut message: Message| {
            message.buttons(buttons.clone(), row_name);
            message.finish()
        };
        with_buttons(Message::of(&self.words(name, Some(facts), extras)))
            .or_else(|| with_buttons(Message::of(&plain_words(request))))
            .unwrap_or_else(|| said(words::state_line(request)))
    }

    /// The text of a template; empty, and logged, if it cannot be rendered.
    fn words(&self, name: &str, facts: Option<&Facts>, extras: &Extras) -> String {
        self.engine.render(name, facts, extras).unwrap_or_else(|error| {
            tracing::error!(template = name, %error, "a template cannot be rendered; plain words are used instead");
            String::new()
        })
    }
}

/// The template of a notice, and what it can name beside the request.
fn named(notice: &Notice) -> (&'static str, Extras) {
    let none = Extras::default();
    match notice {
        Notice::Decided { by, approved, reason, extends } => {
            let (decided_by, decided_reason) = (by.to_string(), text::many_lines(reason));
            let (decided_yes, decided_extension) = (*approved, *extends);
            ("decided", Extras { decided_by, decided_yes, decided_reason, decided_extension, ..none })
        }
        Notice::AskedFor => ("asked_for", none),
        Notice::StageOpened => ("stage_opened", none),
        Notice::Reminded => ("reminded", none),
        Notice::Escalated => ("escalated", none),
        Notice::PassedOn { from, to } => ("passed_on", Extras { turn_of: from.clone(), turn_to: to.clone(), ..none }),
        Notice::PassedByItself => ("passed_by_itself", none),
        Notice::GlassBroken => ("glass_broken", none),
        Notice::ReviewOpened => ("review_opened", none),
        Notice::ReviewLate => ("review_late", none),
        Notice::Reviewed => ("reviewed", none),
        Notice::Active => ("active", none),
        Notice::Extended => ("extended", none),
        Notice::ExtensionAsked => ("extension_asked", none),
        Notice::NotExtended { why, again } => {
            let (failure, failure_advice) = (text::one_line(&why.what, 400), text::one_line(&why.advice, 400));
            ("not_extended", Extras { failure, failure_advice, tried_again: *again, ..none })
        }
        Notice::EndsSoon => ("ends_soon", none),
        Notice::Drifted => ("drifted", none),
        Notice::PutBack { by } => ("put_back", Extras { decided_by: by.to_string(), ..none }),
        Notice::Ended => ("ended", none),
        Notice::Lapsed => ("lapsed", none),
        Notice::Failed => ("failed", none),
        Notice::Stuck => ("stuck", none),
        Notice::LeftOn => ("left_on", none),
        Notice::Unstuck => ("unstuck", none),
        Notice::Moved => ("moved", none),
        // Its words are put in by `notice`, which has the templates.
        Notice::Refused { .. } => ("refused", none),
        Notice::NotIdentified { why } => {
            let (failure, failure_advice) = (text::one_line(&why.what, 400), text::one_line(&why.advice, 400));
            ("not_identified", Extras { failure, failure_advice, ..none })
        }
    }
}

/// The name of the row of buttons of a notice whose buttons can be out of date.
fn row_name(notice: &Notice) -> Option<&'static str> {
    match notice {
        Notice::Active | Notice::Extended | Notice::NotExtended { .. } => Some(Shows::Active.word()),
        Notice::EndsSoon => Some(Shows::EndsSoon.word()),
        Notice::Failed => Some(Shows::Failed.word()),
        Notice::Stuck => Some(Shows::Stuck.word()),
        Notice::ReviewOpened | Notice::ReviewLate => Some(Shows::Review.word()),
        Notice::GlassBroken => Some(Shows::Glass.word()),
        Notice::Drifted => Some(Shows::Drifted.word()),
        Notice::Refused { .. } => Some(REFUSED),
        _ => None,
    }
}

/// One workflow for `/access help`, with a line that would work.
fn line(workflow: &Workflow) -> Line {
    let command = workflow.command.clone().unwrap_or_else(|| format!("/access {}", workflow.name));
    let inputs = workflow.inputs.iter().filter(|input| input.when.is_empty());
    let inputs = inputs.filter_map(|input| (inputs::of(&input.kind)?.example_word)(&input.kind));
    let example: Vec<String> = std::iter::once(command).chain(inputs).collect();
    Line {
        name: text::one_line(&workflow.name, 60),
        title: text::one_line(&workflow.title, 60),
        description: text::one_line(&workflow.description, 120),
        example: text::one_line(&example.join(" "), 100),
    }
}

/// Correct words without a template.
fn plain_words(request: &Request) -> String {
    let escaped = |text: &str| words::escape(&text::one_line(text, 100));
    let (title, id) = (escaped(&request.workflow.title), escaped(request.id.as_str()));
    let who = words::mention(&request.requester.slack_id);
    format!("{who}: {title}, {} (request {id})", words::state_line(request))
}

fn said(words: &str) -> Said {
    Message::of(words).finish().unwrap_or_else(|| Said { text: words.to_owned(), blocks: Value::Array(Vec::new()) })
}
