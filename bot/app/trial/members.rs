//! Whether there are enough people in the groups that decide: clauses that nobody can meet, or only one human.

use std::collections::BTreeSet;

use super::{Finding, Trial};
use crate::kernel::Workflow;
use crate::kernel::person::Who;
use crate::kernel::workflow::Clause;
use crate::outside::slack::UserGroup;
use crate::outside::tailscale::PolicyFile;

/// Groups whose members are read: Slack answers twenty such questions a minute.
const GROUPS_MAX: usize = 15;

/// What groups there are, read once.
struct Groups {
    slack: Vec<UserGroup>,
    policy: PolicyFile,
    read: usize,
}

impl Trial<'_> {
    /// Which clauses nobody can meet, and which only one human can; what cannot be read or listed is believed to have enough in it.
    pub(super) async fn who_can(&self, findings: &mut Vec<Finding>, notes: &mut Vec<String>) {
        let (Ok(slack), Ok(policy)) = (self.slack.usergroups_list().await, self.tailscale.policy().await) else {
            return;
        };
        let mut groups = Groups { slack, policy, read: 0 };
        for workflow in self.catalog.workflows() {
            let stages = workflow.approve.iter().flat_map(|stage| &stage.clauses);
            let review = workflow.break_glass.as_ref().map(|glass| Clause { quorum: 1, by: glass.review_by.clone() });
            for clause in stages.chain(review.iter()) {
                let Some(people) = self.people_of(clause, &mut groups).await else { continue };
                let needed = usize::try_from(clause.needed()).unwrap_or(usize::MAX);
                if people.len() < needed {
                    findings.push(self.too_few(workflow, clause, people.len()));
                } else if let (1, 1, Some(group)) = (people.len(), needed, named_group(clause)) {
                    let place = self.place(&workflow.name, &group.to_string());
                    notes.push(format!(
                        "note: {place}: only one person is in {group}, and nobody decides while they are away"
                    ));
                }
            }
        }
    }

    fn too_few(&self, workflow: &Workflow, clause: &Clause, count: usize) -> Finding {
        let by: Vec<String> = clause.by.iter().map(ToString::to_string).collect();
        let there = match count {
            0 => "nobody is".to_owned(),
            1 => "only one person is".to_owned(),
            count => format!("only {count} people are"),
        };
        let word = by.first().map_or(String::new(), Clone::clone);
        let takes = if clause.needed() == 1 { "1 person".to_owned() } else { format!("{} people", clause.needed()) };
        Finding {
            place: self.place(&workflow.name, &word),
            what: format!("it takes {takes} of {}, and {there} there", by.join(" or ")),
            advice: "add people, or name others".to_owned(),
        }
    }

    /// Everybody who can meet it, by whatever name; nothing if that cannot be told.
    async fn people_of(&self, clause: &Clause, groups: &mut Groups) -> Option<BTreeSet<String>> {
        let mut people = BTreeSet::new();
        for who in &clause.by {
            match who {
                Who::Email(email) => drop(people.insert(email.clone())),
                Who::SlackGroup(handle) => {
                    let group = groups.slack.iter().find(|group| group.handle.eq_ignore_ascii_case(handle))?.clone();
                    groups.read = groups.read.saturating_add(1);
                    if groups.read > GROUPS_MAX {
                        return None;
                    }
                    people.extend(self.slack.usergroup_members(&group).await.ok()?);
                }
                Who::TailnetGroup(group) => {
                    people.extend(groups.policy.groups.get(group)?.iter().map(|login| login.to_lowercase()));
                }
                // Whoever that is, or as many as the tailnet has.
                Who::Manager | Who::DeviceOwner | Who::Anyone | Who::Role(_) | Who::Unknown(_) => return None,
            }
        }
        Some(people)
    }
}

/// The group that is named and no person: who names one person alone means them.
fn named_group(clause: &Clause) -> Option<&Who> {
    clause.by.iter().find(|who| !who.is_one_person())
}
