//! Between the two doors and the bot: every delivery runs on a task of its own, is answered in time, and cannot hurt
//! its neighbours.
//!
//! An answer means that the handler has returned, and a handler returns after the save. When that takes longer than
//! Slack waits, what can carry a sentence says that nothing is promised, and anything else is not taken at all: Slack
//! shows the person that it failed, or sends an event again.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use super::answer::Answer;
use super::envelope::{Delivery, What};
use crate::outside::slack::{Post, Slack, SlackError};

/// What the bot does with a delivery. It returns when what must not be lost is saved.
pub type Handler = Arc<dyn Fn(Delivery) -> BoxFuture<'static, Answer> + Send + Sync>;

/// Slack waits 3 seconds (`apis/slack.md` section 0.4); the rest is for the way back.
pub const ACK_LIMIT: Duration = Duration::from_millis(2_700);
/// Deliveries in hand at once. More would all be answered too late: some are answered in time, and the others at once.
pub const IN_HAND_MAX: usize = 512;
/// Kinds we do not know are remembered up to this many, so that each is logged once.
const UNKNOWN_KINDS_MAX: usize = 100;

const SORRY: &str = "Something went wrong on my side, and it is in my log. `/access list` shows what was saved.";
const BUSY: &str =
    "More people are typing than I can answer just now, so nothing was done. Please try again in a minute.";
const SLOW_COMMAND: &str = "This takes longer than usual. Nothing is promised yet; I will write here when it is done.";
const SLOW_FORM: &str = "This takes longer than usual. Please wait for my message before you send it again.";

/// Hands deliveries to the handler. Cloning shares everything.
#[derive(Clone)]
pub struct Edge {
    handler: Handler,
    slack: Slack,
    ack_limit: Duration,
    unknown_kinds: Arc<Mutex<HashSet<String>>>,
    running: TaskTracker,
    turns: Arc<Semaphore>,
    is_full: Arc<AtomicBool>,
}

/// What must be known of a delivery to answer it after the handler has taken it.
#[derive(Clone)]
struct Asked {
    kind: Kind,
    name: String,
    user_id: String,
    response_url: Option<SecretString>,
    view_id: Option<String>,
    error_block_id: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Command,
    Click,
    Submission,
    Options,
    Silent,
}

impl Edge {
    /// `slack` is used to say what an answer cannot carry.
    pub fn new(handler: Handler, slack: Slack) -> Self {
        Self {
            handler,
            slack,
            ack_limit: ACK_LIMIT,
            unknown_kinds: Arc::default(),
            running: TaskTracker::new(),
            turns: Arc::new(Semaphore::new(IN_HAND_MAX)),
            is_full: Arc::default(),
        }
    }

    /// The same with so many deliveries in hand at most.
    pub fn with_turns(mut self, turns: usize) -> Self {
        self.turns = Arc::new(Semaphore::new(turns));
        self
    }

    /// The same with another time limit, for tests.
    pub fn with_ack_limit(mut self, ack_limit: Duration) -> Self {
        self.ack_limit = ack_limit;
        self
    }

    /// Runs the handler and returns what to answer now, within the time limit whatever happens. `takes_payload` is
    /// false when the socket says that an answer would not be read; what was to be said is then sent separately.
    pub async fn deliver(&self, delivery: Delivery, takes_payload: bool) -> Answer {
        match &delivery.what {
            What::SslCheck => return Answer::Nothing,
            What::UrlVerification { challenge } => return Answer::Plain(challenge.clone()),
            What::Unknown { kind } => {
                self.note_unknown(kind);
                return Answer::Nothing;
            }
            _ => {}
        }
        let asked = Asked::of(&delivery);
        let Ok(turn) = self.turns.clone().try_acquire_owned() else { return self.busy(&asked, takes_payload) };
        self.is_full.store(false, Ordering::Relaxed);
        let handler = self.handler.clone();
        let mut work = self.running.spawn(async move {
            let _turn = turn;
            handler(delivery).await
        });
        match tokio::time::timeout(self.ack_limit, &mut work).await {
            Ok(Ok(answer)) => self.fit(&asked, answer, takes_payload),
            Ok(Err(_)) => self.sorry(&asked, takes_payload),
            Err(_) => {
                tracing::warn!(slack.kind = %asked.name, actor = %asked.user_id, "handler is slow, answered before it");
                self.running.spawn(self.clone().finish_late(work, asked.clone()));
                self.fit(&asked, asked.slow(), takes_payload)
            }
        }
    }

    /// There are too many at once. What can carry a sentence says so; anything else is not taken, so that nobody believes it was.
    fn busy(&self, asked: &Asked, takes_payload: bool) -> Answer {
        if !self.is_full.swap(true, Ordering::Relaxed) {
            tracing::warn!(slack.kind = %asked.name, "too much at once; some of it is not taken");
        }
        match (asked.kind, &asked.error_block_id) {
            (Kind::Command, _) if takes_payload => Answer::ephemeral(BUSY),
            (Kind::Submission, Some(block_id)) => Answer::Errors(vec![(block_id.clone(), BUSY.to_owned())]),
            (Kind::Options, _) => Answer::Options(Vec::new()),
            _ => Answer::NotTaken,
        }
    }

    /// Whether it says that it is meant for another app than ours. `known` is our id where the door has it at first hand.
    ///
    /// False while our id is not known: a payload that is Slack's is then worth more than a rule that shuts everybody out.
    pub fn is_for_another_app(&self, delivery: &Delivery, known: Option<&str>) -> bool {
        let own = known.map(str::to_owned).or_else(|| self.slack.own_team().and_then(|own| own.app_id));
        let (Some(own), Some(theirs)) = (own, &delivery.app_id) else { return false };
        if own != *theirs {
            tracing::warn!(app = %own, %theirs, "not taken: meant for another app; is its signing secret or token in use here?");
        }
        own != *theirs
    }

    /// Logs a kind we do not know, the first time it comes.
    pub fn note_unknown(&self, kind: &str) {
        let mut kinds = self.unknown_kinds.lock().unwrap_or_else(PoisonError::into_inner);
        if kinds.len() < UNKNOWN_KINDS_MAX && kinds.insert(kind.to_owned()) {
            tracing::warn!(slack.kind = %kind, "unknown kind of payload, acknowledged and ignored");
        }
    }

    /// Waits until running handlers and late answers are done, at most `limit`. For an orderly stop.
    pub async fn finish(&self, limit: Duration) {
        self.running.close();
        drop(tokio::time::timeout(limit, self.running.wait()).await);
        self.running.reopen();
    }

    /// What the person did may be saved or not, so nothing is taken; where they can be told, they are.
    fn sorry(&self, asked: &Asked, takes_payload: bool) -> Answer {
        tracing::error!(slack.kind = %asked.name, actor = %asked.user_id, "handler panicked");
        match (asked.kind, &asked.error_block_id) {
            (Kind::Submission, Some(block_id)) => Answer::Errors(vec![(block_id.clone(), SORRY.to_owned())]),
            (Kind::Command | Kind::Options, _) => self.fit(asked, Answer::ephemeral(SORRY), takes_payload),
            (Kind::Click | Kind::Submission, _) => {
                self.running.spawn(self.clone().say(asked.clone(), Answer::ephemeral(SORRY)));
                Answer::NotTaken
            }
            // Slack would send it again, only to fail again.
            (Kind::Silent, _) => Answer::Nothing,
        }
    }

    async fn finish_late(self, work: JoinHandle<Answer>, asked: Asked) {
        let answer = match work.await {
            Ok(answer) => answer,
            Err(_) => {
                tracing::error!(slack.kind = %asked.name, actor = %asked.user_id, "handler panicked");
                Answer::ephemeral(SORRY)
            }
        };
        match (answer, &asked.view_id) {
            (Answer::UpdateView(view), Some(view_id)) => {
                note_failure(&asked.name, self.slack.views_update(view_id, None, &view).await.map(drop));
            }
            (Answer::Errors(errors), _) => {
                let text = errors.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join("\n");
                self.say(asked, Answer::ephemeral(text)).await;
            }
            (answer @ (Answer::Ephemeral { .. } | Answer::Plain(_)), _) => self.say(asked, answer).await,
            _ => {}
        }
    }

    /// The part of an answer that Slack takes as the answer to this kind of thing; the rest is said separately.
    fn fit(&self, asked: &Asked, answer: Answer, takes_payload: bool) -> Answer {
        match (asked.kind, answer) {
            (Kind::Options, answer @ (Answer::Options(_) | Answer::OptionGroups(_))) => answer,
            (Kind::Options, _) => Answer::Options(Vec::new()),
            (_, answer @ (Answer::Nothing | Answer::NotTaken)) => answer,
            (Kind::Command, answer @ (Answer::Ephemeral { .. } | Answer::Plain(_))) if takes_payload => answer,
            (Kind::Submission, answer @ (Answer::Errors(_) | Answer::UpdateView(_) | Answer::PushView(_)))
            | (Kind::Submission, answer @ Answer::Clear) => answer,
            (_, answer @ (Answer::Ephemeral { .. } | Answer::Plain(_))) => {
                self.running.spawn(self.clone().say(asked.clone(), answer));
                Answer::Nothing
            }
            (_, _) => {
                tracing::error!(slack.kind = %asked.name, "bug: an answer of a kind that Slack does not take here");
                Answer::Nothing
            }
        }
    }

    /// Says something only the person sees: where they clicked if Slack gave us a way and still takes it, else as a
    /// direct message.
    async fn say(self, asked: Asked, answer: Answer) {
        let Some(message) = answer.to_socket_payload() else { return };
        if let Some(response_url) = &asked.response_url {
            let mut message = message.clone();
            if let Some(map) = message.as_object_mut() {
                map.insert("response_type".to_owned(), json!("ephemeral"));
                // The click came from a card that must stay.
                map.insert("replace_original".to_owned(), json!(false));
            }
            match self.slack.respond(response_url, &message).await {
                Ok(()) => return,
                // Used up, too old, or Slack is in trouble there. Heard twice is better than never.
                Err(error) => tracing::info!(slack.kind = %asked.name, %error, "answering with a direct message"),
            }
        }
        if asked.user_id.is_empty() {
            return;
        }
        let text = message.get("text").and_then(Value::as_str).unwrap_or_default().to_owned();
        let post = Post { channel: asked.user_id, text, blocks: message.get("blocks").cloned(), ..Post::default() };
        note_failure(&asked.name, self.slack.post_message(&post).await.map(drop));
    }
}

impl Asked {
    fn of(delivery: &Delivery) -> Self {
        let (kind, view_id, error_block_id) = match &delivery.what {
            What::Command(_) => (Kind::Command, None, None),
            What::Actions(actions) => (Kind::Click, actions.view.as_ref().map(|view| view.view_id.clone()), None),
            What::Shortcut(_) | What::MessageShortcut(_) => (Kind::Click, None, None),
            What::Submission(submission) => {
                let first = submission.input_block_ids.first().cloned();
                (Kind::Submission, Some(submission.view.view_id.clone()), first)
            }
            What::Options(_) => (Kind::Options, None, None),
            _ => (Kind::Silent, None, None),
        };
        let response_url = delivery.what.response_url().cloned();
        let (name, user_id) = (delivery.what.name().to_owned(), delivery.actor.user_id.clone());
        Self { kind, name, user_id, response_url, view_id, error_block_id }
    }

    /// What is true while the handler is still at work.
    fn slow(&self) -> Answer {
        match (self.kind, &self.error_block_id) {
            (Kind::Command, _) => Answer::ephemeral(SLOW_COMMAND),
            (Kind::Submission, Some(block_id)) => Answer::Errors(vec![(block_id.clone(), SLOW_FORM.to_owned())]),
            (Kind::Options, _) => Answer::Options(Vec::new()),
            _ => Answer::NotTaken,
        }
    }
}

fn note_failure(kind: &str, result: Result<(), SlackError>) {
    if let Err(error) = result {
        tracing::warn!(slack.kind = %kind, %error, "could not answer a person");
    }
}
