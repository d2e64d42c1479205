//! What people read: nothing that is not so, and at the end everything that is so.

use serde_json::Value;

use super::company::CHANNEL;
use super::world::Inner;
use crate::kernel::request::Card;
use crate::kernel::{Outcome, Request, State};

impl Inner {
    /// Something arrives at Slack: it must be so by now.
    pub fn check_words(&mut self, method: &str, fields: &Value) {
        if !method.starts_with("chat.") {
            return;
        }
        let text = fields.get("blocks").map(Value::to_string).unwrap_or_default();
        let Some(id) = text.split("Request ").nth(1) else { return };
        let id: String = id.chars().take_while(char::is_ascii_alphanumeric).collect();
        if self.deals.is_spoilt(&id) {
            return;
        }
        let Some(request) = self.deals.find(&id) else { return };
        let says = |words: &str| text.contains(words);
        let was_active = request.active_at.is_some();
        let is_over = request.state == State::Ended;
        let is_stuck = request.stuck || is_over;
        let lie = if (says("*Active until") || says("is active until") || says("It was on from")) && !was_active {
            "active"
        } else if (says("Verified gone") || says("has ended*") || says("*Ended: ")) && !is_over {
            "over"
        } else if says("STUCK") && !is_stuck {
            "stuck"
        } else if says("⏩ *") && says(" now*") && request.extensions.is_empty() {
            "extended"
        } else {
            return;
        };
        self.wrong(|| format!("people read that {id} is {lie}, and it is not"));
    }

    /// All is over, and Slack could be reached: every card says how it ended, and whoever is concerned was told, once.
    pub fn check_told(&mut self, is_gentle: bool) {
        let ended = self.deals.all().filter(|request| request.state == State::Ended);
        let ended: Vec<Request> = ended.cloned().collect();
        for request in ended {
            if let Err(what) = self.is_told(&request, is_gentle) {
                self.wrong(|| format!("{}: {what}", request.id));
            }
        }
    }

    fn is_told(&self, request: &Request, is_gentle: bool) -> Result<(), String> {
        let Some(outcome) = request.outcome else { return Err("it ended in no way".to_owned()) };
        if !request.presses.is_empty() {
            return Err("a press waits for ever".to_owned());
        }
        let says = if request.is_left_on() { "*Over, and still on" } else { heading(outcome) };
        for card in &request.cards {
            self.is_right(card, says)?;
        }
        let id = format!("Request {}", request.id);
        let cards = |words: &str| self.slack.said(CHANNEL.0, &[&id, words]).count();
        let is_gentle_here = is_gentle && request.workflow.announce.is_some();
        if is_gentle_here && cards(says) != 1 {
            return Err(format!("{} cards in the channel say how it ended", cards(says)));
        }
        if let Some(words) = OPEN.iter().find(|words| is_gentle_here && cards(words) > 0) {
            return Err(format!("a card in the channel still says {words}"));
        }
        let messages = format!("D{}", request.requester.slack_id);
        // A message is rewritten when it is no longer so: what counts is what was ever read.
        let told = |any: &[&str]| self.slack.have_said(&messages, &id, any);
        let notice: &[&str] = match outcome {
            Outcome::Denied => &["denied your request"],
            Outcome::Lapsed => &["so it lapsed"],
            Outcome::Failed => FAILED,
            Outcome::Returned | Outcome::Revoked | Outcome::Expired => {
                &["has ended*", "still on, set by somebody else", "another one keeps it on"]
            }
            Outcome::Withdrawn | Outcome::Done | Outcome::Unknown => &[],
        };
        for (is_due, words) in [
            (request.active_at.is_some(), ["is active until", "It was on from"].as_slice()),
            (!notice.is_empty(), notice),
        ] {
            match told(words) {
                0 if is_due => return Err(format!("its requester was never told: {}", words.join(" or "))),
                // Whoever tries again may hear of a second failure; what was said of an extension becomes what is so.
                count if is_gentle && count > 1 && request.workflow.extend.is_none() && outcome != Outcome::Failed => {
                    return Err(format!("its requester was told {count} times: {words:?}"));
                }
                _ => {}
            }
        }
        self.are_told(request, outcome, is_gentle)
    }

    /// Who decided hears of what failed, and the thread of who decided.
    fn are_told(&self, request: &Request, outcome: Outcome, is_gentle: bool) -> Result<(), String> {
        let id = format!("Request {}", request.id);
        let yes = request.decisions.iter().filter(|one| one.approved).filter_map(|one| Some(&one.person()?.slack_id));
        for by in yes {
            let failed = || self.slack.have_said(&format!("D{by}"), &id, FAILED);
            if outcome == Outcome::Failed && *by != request.requester.slack_id && failed() == 0 {
                return Err(format!("{by} allowed it and was never told that it failed"));
            }
            let Some(thread) = request.thread().filter(|_| is_gentle) else { continue };
            let said = self.slack.said(CHANNEL.0, &[&thread.ts, &format!("<@{by}> approved")]).count();
            if said != 1 {
                return Err(format!("the thread says {said} times that {by} approved"));
            }
        }
        Ok(())
    }

    fn is_right(&self, card: &Card, says: &str) -> Result<(), String> {
        let Some(message) = &card.message else { return Err("its card was never posted".to_owned()) };
        match self.slack.text_of(&message.channel, &message.ts) {
            Some(text) if text.contains(says) => Ok(()),
            text => Err(format!("its card does not say `{says}`: {}", text.unwrap_or_default())),
        }
    }
}

/// What is said to whoever is concerned when it could not be switched on.
const FAILED: &[&str] = &["could not be lent", "is on, set by somebody else", "an attempt to switch it on failed"];
/// What cards say while it is not over.
const OPEN: [&str; 4] = ["*Waiting for approval*", "*Approved, being", "*Active until", "being taken back*"];

/// What a card says of how it ended.
fn heading(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Denied => "*Denied by",
        Outcome::Lapsed => "*Lapsed:",
        Outcome::Withdrawn => "*Withdrawn by",
        Outcome::Failed => "*Failed: it could not",
        Outcome::Returned => "*Ended: returned",
        Outcome::Revoked => "*Ended: ",
        Outcome::Expired => "*Ended: the time was up",
        Outcome::Done => "*Done*",
        Outcome::Unknown => "",
    }
}
