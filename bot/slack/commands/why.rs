//! `/access why NAME [@person]`: who may ask and approve, by which rule, and what stands against it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::engine::asking::AskError;
use crate::explain::{Answer as Told, Explanation};
use crate::kernel::Workflow;
use crate::notices::words::escape;
use crate::notices::{Said, buttons};
use crate::slack::answer::Answer;
use crate::slack::envelope::SlashCommand;
use crate::slack::modals::section;
use crate::slack::sentences::{self, code};
use crate::slack::surface::{By, Surface};

/// Slack waits for three seconds, and who somebody is has to be read afresh.
const LIMIT: Duration = Duration::from_millis(2_000);

impl Surface {
    /// What the person who types, or the one they name, may do with a workflow, and why.
    pub(super) async fn why(&self, by: &By, command: &SlashCommand, words: &str) -> Answer {
        let mut words = words.split_whitespace();
        let Some(name) = words.next() else {
            return Answer::ephemeral(format!("Say of what, like {}.", code("/access why prod-db")));
        };
        let Some(workflow) = self.engine.catalog().find(&name.to_lowercase()).cloned() else {
            return self.nothing_called("why", name);
        };
        let slack_id = match words.next() {
            None => by.slack_id.clone(),
            Some(word) => match command.text.named.iter().find(|(shown, _)| shown == word) {
                Some((_, id)) => id.clone(),
                None => {
                    return Answer::ephemeral(format!(
                        "Name somebody with an @, like {}.",
                        code("/access why prod-db @alice")
                    ));
                }
            },
        };
        match tokio::time::timeout(LIMIT, self.explained(by, &slack_id, &workflow)).await {
            Ok(answer) => answer,
            Err(_) => {
                Answer::ephemeral("Slack or Tailscale did not say in time who that is. Please ask again in a moment.")
            }
        }
    }

    /// *Why?* below a no: what whoever pressed may do, and by which rules. The button names the workflow, and decides nothing.
    pub(in crate::slack) async fn why_pressed(&self, by: &By, name: Option<&str>) -> Answer {
        let name = name.unwrap_or_default();
        let Some(workflow) = self.engine.catalog().find(name).cloned() else { return self.nothing_called("why", name) };
        match tokio::time::timeout(LIMIT, self.explained(by, &by.slack_id, &workflow)).await {
            Ok(answer) => answer,
            Err(_) => Answer::ephemeral("Slack or Tailscale did not say in time who you are. Please press again."),
        }
    }

    async fn explained(&self, by: &By, slack_id: &str, workflow: &Workflow) -> Answer {
        // Who is in which group is nobody else's business, but for those who decide by it.
        if slack_id != by.slack_id {
            match self.engine.oversees(&by.slack_id, workflow, slack_id).await {
                Ok(true) => {}
                Ok(false) => {
                    let said =
                        "Only those who decide about it can ask that of somebody else; of yourself you can always ask.";
                    return Answer::ephemeral(said);
                }
                Err(failure) => return Answer::ephemeral(sentences::failed(&failure)),
            }
        }
        match self.engine.explained(slack_id, workflow).await {
            Ok(told) => Answer::ephemeral(said(workflow, slack_id, &told)),
            Err(failure) => Answer::ephemeral(sentences::failed(&failure)),
        }
    }
}

/// What is said of a no, with *Why?* below it where rules said it.
pub(in crate::slack) fn with_why(text: String, why: &AskError, workflow: &str) -> Said {
    let is_by_rules = matches!(why, AskError::Refused(why) if buttons::is_by_rules(why));
    let blocks = match is_by_rules {
        true => json!([section(&text), { "type": "actions", "elements": [buttons::why(workflow)] }]),
        false => Value::Null,
    };
    Said { text, blocks }
}

/// A line an answer; names of rules are as their authors wrote them.
fn said(workflow: &Workflow, slack_id: &str, told: &Explanation) -> String {
    let title = escape(&workflow.title);
    let mut lines = vec![format!("*{title}* ({}) and <@{slack_id}>", workflow.name)];
    lines.push(line("Asks", &told.asks));
    lines.extend(told.passes.as_ref().map(|passes| line("Passes without approval", passes)));
    lines.extend(told.asks_for_others.as_ref().map(|others| line("Asks for somebody else", others)));
    lines.extend(told.breaks_glass.as_ref().map(|glass| line("Breaks glass", glass)));
    for (number, (takes, approves)) in (1..).zip(told.takes.iter().zip(&told.approves)) {
        let which = if told.takes.len() == 1 { String::new() } else { format!(" in stage {number}") };
        lines.push(format!("Approval{which} takes {}.", escape(takes)));
        lines.push(line(&format!("Approves for others{which}"), approves));
    }
    lines.extend(told.extending.as_ref().map(|extending| format!("Holding it for longer: {}.", escape(extending))));
    for (number, approves) in (1..).zip(&told.approves_extensions) {
        let which = if told.approves_extensions.len() == 1 { String::new() } else { format!(" in stage {number}") };
        lines.push(line(&format!("Approves extensions{which}"), approves));
    }
    lines.join("\n")
}

fn line(what: &str, answer: &Told) -> String {
    let mark = if answer.yes { "✅" } else { "🚫" };
    let yes = if answer.yes { "yes" } else { "no" };
    let against: String = answer.against.iter().map(|rule| format!("\n      {}", escape(rule))).collect();
    format!("{mark} {what}: {yes}, {}{against}", escape(&answer.by))
}
