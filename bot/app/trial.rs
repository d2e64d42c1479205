//! What the operator should hear before anybody else: whether Slack and Tailscale let us do what the workflows need, and whether
//! everybody and every channel they name is there.

mod members;

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::catalog::Catalog;
use crate::config::words::{nearest, quoted};
use crate::kernel::Workflow;
use crate::kernel::origin::Trigger;
use crate::kernel::person::Who;
use crate::outside::slack::{Slack, SlackError};
use crate::outside::tailscale::{Tailscale, TailscaleError};

/// Step types that read and write posture attributes.
const ATTRIBUTE: &str = "tailscale.attribute";
/// More addresses are not looked up: Slack answers fifty such questions a minute.
const EMAILS_MAX: usize = 40;

/// Something that does not work, or is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where it is named: `workflows/prod-db.yaml:14`; empty if it is about a service as a whole.
    pub place: String,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub advice: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        f.write_str(&self.what)?;
        if self.advice.is_empty() { Ok(()) } else { write!(f, "; {}", self.advice) }
    }
}

/// Who is tried, with what.
pub struct Trial<'t> {
    /// Slack.
    pub slack: &'t Slack,
    /// Tailscale.
    pub tailscale: &'t Tailscale,
    /// The workflows whose needs are tried.
    pub catalog: &'t Catalog,
    /// Where they stand.
    pub folder: &'t Path,
    /// Where it is said who is whose manager.
    pub staff: &'t Path,
    /// The scopes that the Slack app needs for them.
    pub needed: Vec<&'static str>,
}

impl Trial<'_> {
    /// Asks for everything once. Changes nothing anywhere.
    pub async fn run(&self) -> Vec<Finding> {
        self.run_with_notes().await.0
    }

    /// The same, with what is no mistake and should be known all the same.
    pub async fn run_with_notes(&self) -> (Vec<Finding>, Vec<String>) {
        let (mut findings, mut notes) = (Vec::new(), Vec::new());
        if self.slack(&mut findings).await {
            self.slack_names(&mut findings).await;
        }
        self.tailscale(&mut findings).await;
        // Where groups could not be read, that was told.
        if findings.is_empty() {
            self.who_can(&mut findings, &mut notes).await;
        }
        (findings, notes)
    }

    /// Whether Slack knows us; what the app may not do that the workflows need.
    async fn slack(&self, findings: &mut Vec<Finding>) -> bool {
        if let Err(error) = self.slack.auth_test().await {
            findings.push(refused_by_slack(String::new(), &error));
            return false;
        }
        // Any read tells what the app may do; this one needs the least.
        if let Some(own) = self.slack.own_team() {
            drop(self.slack.users_info(&own.bot_user_id).await);
        }
        let Some(granted) = self.slack.scopes() else { return true };
        let missing: Vec<&str> = self.needed.iter().copied().filter(|scope| !granted.contains(*scope)).collect();
        if !missing.is_empty() {
            findings.push(Finding {
                place: String::new(),
                what: format!("the Slack app lacks {}", missing.join(", ")),
                advice: "update the app with what `nightlatch manifest` prints, and reinstall it".to_owned(),
            });
        }
        true
    }

    async fn slack_names(&self, findings: &mut Vec<Finding>) {
        let handles = self.named(|who| if let Who::SlackGroup(handle) = who { Some(handle.clone()) } else { None });
        if !handles.is_empty() {
            match self.slack.usergroups_list().await {
                Ok(groups) => {
                    let known: Vec<&str> = groups.iter().map(|group| group.handle.as_str()).collect();
                    for (workflow, handle) in &handles {
                        if !known.contains(&handle.as_str()) {
                            let word = format!("@{handle}");
                            let near = nearest(handle, known.iter().copied()).map(|near| format!("@{near}"));
                            findings.push(self.not_there(workflow, &word, "Slack has no user group", near));
                        }
                    }
                }
                Err(error) => {
                    let (workflow, handle) = handles.first().cloned().unwrap_or_default();
                    let place = self.place(&workflow, &format!("@{handle}"));
                    findings.push(refused_by_slack(place, &error));
                }
            }
        }
        let emails = self.named(|who| if let Who::Email(email) = who { Some(email.clone()) } else { None });
        for (workflow, email) in emails.iter().take(EMAILS_MAX) {
            match self.slack.lookup_by_email(email).await {
                Ok(Some(_)) => {}
                Ok(None) => findings.push(self.not_there(workflow, email, "Slack has no active person", None)),
                Err(error) if error.needs_a_person() => {
                    findings.push(refused_by_slack(self.place(workflow, email), &error));
                    break;
                }
                Err(_) => break,
            }
        }
        self.staff_names(findings, EMAILS_MAX.saturating_sub(emails.len())).await;
        for workflow in self.catalog.workflows() {
            let Some(channel) = &workflow.announce else { continue };
            match self.channel(channel).await {
                Ok(true) => {}
                Ok(false) => {
                    let mut finding = self.not_there(&workflow.name, channel, "Slack shows no channel", None);
                    finding.advice =
                        "check the name, and invite the bot if it is private; it must not be archived".to_owned();
                    findings.push(finding);
                }
                Err(error) if error.needs_a_person() => {
                    findings.push(refused_by_slack(self.place(&workflow.name, channel), &error));
                }
                Err(_) => {}
            }
        }
    }

    /// Whether everybody whom `people.yaml` names is there.
    async fn staff_names(&self, findings: &mut Vec<Finding>, most: usize) {
        let text = std::fs::read_to_string(self.staff).unwrap_or_default();
        // Logins that are no addresses Slack does not know.
        let addresses = self.catalog.staff().everybody().into_iter().filter(|name| name.contains('.'));
        for name in addresses.take(most) {
            if !matches!(self.slack.lookup_by_email(name).await, Ok(None)) {
                continue;
            }
            let line = line_of(&text, name).map(|line| format!(":{line}")).unwrap_or_default();
            findings.push(Finding {
                place: format!("{}{line}", self.staff.display()),
                what: format!("Slack has no active person {}", quoted(name)),
                advice: "take them out, or correct the address".to_owned(),
            });
        }
    }

    async fn channel(&self, named: &str) -> Result<bool, SlackError> {
        let Some(id) = self.slack.channel_id(named).await? else { return Ok(false) };
        match self.slack.conversations_info(&id).await {
            Ok(channel) => Ok(!channel.is_archived),
            Err(error) if error.code() == Some("channel_not_found") => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn tailscale(&self, findings: &mut Vec<Finding>) {
        if let Err(error) = self.tailscale.users().await {
            let is_everything = matches!(error, TailscaleError::Unauthorized(_)) || error.is_retryable();
            findings.push(refused_by_tailscale(String::new(), &error));
            if is_everything {
                return;
            }
        }
        match self.tailscale.devices().await {
            Ok(devices) => {
                let writes = self.catalog.workflows().any(|one| one.steps.iter().any(|step| step.uses == ATTRIBUTE));
                if let Some(device) = devices.iter().find(|device| !device.is_external).filter(|_| writes)
                    && let Err(error) = self.tailscale.attributes(&device.node_id).await
                    && !matches!(error, TailscaleError::NotFound(_))
                {
                    findings.push(refused_by_tailscale(String::new(), &error));
                }
            }
            Err(error) => findings.push(refused_by_tailscale(String::new(), &error)),
        }
        let groups = self.named(|who| match who {
            Who::TailnetGroup(group) if !group.starts_with("autogroup:") => Some(group.clone()),
            _ => None,
        });
        let Some((workflow, group)) = groups.first() else { return };
        match self.tailscale.policy().await {
            Ok(policy) => {
                for (workflow, group) in &groups {
                    if !policy.groups.contains_key(group) {
                        let near = nearest(group, policy.groups.keys().map(String::as_str)).map(str::to_owned);
                        let what = "the tailnet's policy file has no group";
                        let mut finding = self.not_there(workflow, group, what, near);
                        if finding.advice.is_empty() {
                            finding.advice =
                                "groups that an identity provider syncs cannot be read; write it into the policy file"
                                    .to_owned();
                        }
                        findings.push(finding);
                    }
                }
            }
            Err(error) => findings.push(refused_by_tailscale(self.place(workflow, group), &error)),
        }
    }

    /// Who of one kind is named, with the workflow, each once a workflow.
    fn named(&self, kind: impl Fn(&Who) -> Option<String>) -> Vec<(String, String)> {
        let all = |workflow: &Workflow| -> BTreeSet<(String, String)> {
            let starts = workflow.triggers.iter().filter_map(|trigger| match trigger {
                Trigger::Schedule(schedule) => Some(Who::Email(schedule.run_as.clone())),
                Trigger::Unknown => None,
            });
            let all = workflow.everybody_named().into_iter().chain(starts);
            all.filter_map(|who| Some((workflow.name.clone(), kind(&who)?))).collect()
        };
        let guardrails = self.catalog.guardrails().into_iter();
        let guardrails = guardrails.flat_map(|guardrails| guardrails.groups().iter().chain(guardrails.people()));
        let by_guardrails = guardrails.filter_map(|who| Some((GUARDRAIL.to_owned(), kind(who)?)));
        self.catalog.workflows().flat_map(|workflow| all(workflow)).chain(by_guardrails).collect()
    }

    fn not_there(&self, workflow: &str, word: &str, what: &str, near: Option<String>) -> Finding {
        let advice = near.map(|near| format!("did you mean {}?", quoted(&near))).unwrap_or_default();
        Finding { place: self.place(workflow, word), what: format!("{what} {}", quoted(word)), advice }
    }

    /// Where a workflow names it, for people: file and line.
    fn place(&self, workflow: &str, word: &str) -> String {
        let files = ["yaml", "yml"].map(|end| self.folder.join(format!("{workflow}.{end}")));
        let found = files.into_iter().find_map(|file| Some((std::fs::read_to_string(&file).ok()?, file)));
        let (text, file): (String, PathBuf) = found.unwrap_or_default();
        match line_of(&text, word) {
            Some(line) => format!("{}:{line}", file.display()),
            None => workflow.to_owned(),
        }
    }
}

/// Where something stands that a guardrail names.
const GUARDRAIL: &str = "a guardrail";

/// The first line that holds this word and not only as the beginning of another one. Comments do not count.
fn line_of(text: &str, word: &str) -> Option<usize> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '@');
    let names = |line: &str| {
        let line = line.split(" #").next().unwrap_or(line);
        let line = if line.trim_start().starts_with('#') { "" } else { line };
        line.to_lowercase().match_indices(&word.to_lowercase()).any(|(at, found)| {
            let behind = line.get(at + found.len()..).unwrap_or_default();
            let before = line.get(..at).unwrap_or_default();
            !behind.starts_with(is_part) && !before.ends_with(is_part)
        })
    };
    text.lines().position(names).map(|at| at + 1)
}

fn refused_by_slack(place: String, error: &SlackError) -> Finding {
    Finding { place, what: error.to_string(), advice: error.advice().unwrap_or_default() }
}

fn refused_by_tailscale(place: String, error: &TailscaleError) -> Finding {
    Finding { place, what: error.to_string(), advice: error.advice().unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_names_something_is_found() {
        let text = "# group:dba\nask: [group:dba-more, x@group:dba.y]\napprove: # group:dba\n  - by: [GROUP:dba, \"@dba\"]\nannounce: \"#access\"";
        assert_eq!(line_of(text, "group:dba"), Some(4));
        assert_eq!(line_of(text, "@dba"), Some(4));
        assert_eq!(line_of(text, "#access"), Some(5));
        assert_eq!(line_of(text, "group:nobody"), None);
    }
}
