//! Facts for explaining: what is known of one person now, read afresh, or of everybody, as the directory has it.

use std::collections::{BTreeMap, BTreeSet};

use super::directory::List;
use super::directory::Whose;
use super::people::{About, FRESH_MS, tailscale_failure};
use super::{Engine, guarding};
use crate::explain::snapshot::{Known, KnownDevice, Snapshot, VERSION};
use crate::explain::{Explanation, Under, When, explain};
use crate::kernel::automatic::POSTURE;
use crate::kernel::guardrail::Action;
use crate::kernel::{Failure, Person, Who, Workflow, policy};

/// People who are listed at once.
const PEOPLE_MAX: i64 = 50_000;

impl Engine {
    /// What this person may do with this workflow now, and why.
    ///
    /// # Errors
    /// Slack or Tailscale did not say who they are, or what of their device is so.
    pub async fn explained(&self, slack_id: &str, workflow: &Workflow) -> Result<Explanation, Failure> {
        let known = self.known_now(slack_id, Some(workflow)).await?;
        let catalog = self.catalog();
        let under = Under { workflow, guardrails: catalog.guardrails(), staff: catalog.staff() };
        Ok(explain(under, &known, When { hold_ms: None, at: self.inner.clock.now_ms() }))
    }

    /// Whether somebody decides in one of its stages of what that other one asks for, and so may know why they may and may not.
    ///
    /// # Errors
    /// Slack or Tailscale did not say who they are.
    pub async fn oversees(&self, slack_id: &str, workflow: &Workflow, other: &str) -> Result<bool, Failure> {
        let rules = workflow.approvers();
        let about = match rules.contains(&Who::Manager) {
            true => self.about_own(&self.inner.people.fresh(other, false).await?),
            false => About::default(),
        };
        let looked = self.inner.people.looked_up(slack_id, (&rules, &about), false).await?;
        Ok(policy::may_oversee(workflow, &looked.person))
    }

    /// What is known of whoever has this e-mail address, login or Slack id, read afresh.
    ///
    /// # Errors
    /// Slack or Tailscale did not say.
    pub async fn snapshot_of(&self, named: &str) -> Result<Snapshot, Failure> {
        let people = match self.inner.people.slack_id_of(named).await? {
            Some(slack_id) => vec![self.known_now(&slack_id, None).await?],
            None => Vec::new(),
        };
        Ok(self.snapshot_with(people))
    }

    /// Everybody as the directory knows them; nobody outside is asked but for who has a role of the tailnet that rules name, and which groups can
    /// be listed. Zones and devices are not among what the directory knows of everybody.
    ///
    /// # Errors
    /// Our own records cannot be read.
    pub async fn snapshot(&self) -> Result<Snapshot, Failure> {
        for list in List::ALL {
            self.inner.directory.first_reading(list).await?;
        }
        let rules: Vec<Who> = self.rules_of(None).into_iter().collect();
        let mut roles: BTreeMap<&Who, BTreeSet<String>> = BTreeMap::new();
        // What cannot be read or listed is said to be not known, and not that nobody is in it.
        let mut unread = Vec::new();
        for rule in rules.iter().filter(|rule| matches!(rule, Who::Role(_) | Who::TailnetGroup(_))) {
            let found = self.inner.people.candidates(std::slice::from_ref(rule), &About::default()).await;
            if found.unread.is_some() || found.has_unlisted {
                unread.push(rule.clone());
            }
            if rule.role().is_some() {
                roles.insert(rule, found.names);
            }
        }
        let mut people = Vec::new();
        for slack_id in self.inner.store.known_people(PEOPLE_MAX).await? {
            let Some(mut person) = self.inner.directory.person(&slack_id, &rules).await? else { continue };
            let login = person.login.as_ref().map(|login| login.to_lowercase());
            let theirs = roles.iter().filter(|(_, names)| login.as_ref().is_some_and(|login| names.contains(login)));
            person.belongs.extend(theirs.map(|(rule, _)| (*rule).clone()));
            people.push(Known { person, zone: None, device: None, unread: unread.clone() });
        }
        people.sort_by(|one, other| name_of(&one.person).cmp(name_of(&other.person)));
        Ok(self.snapshot_with(people))
    }

    fn snapshot_with(&self, people: Vec<Known>) -> Snapshot {
        let rules = self.rules_of(None).into_iter().collect();
        Snapshot { nightlatch_snapshot: VERSION, at: self.inner.clock.now_ms(), rules, people }
    }

    async fn known_now(&self, slack_id: &str, workflow: Option<&Workflow>) -> Result<Known, Failure> {
        let rules: Vec<Who> = self.rules_of(workflow).into_iter().collect();
        let looked = self.inner.people.looked_up(slack_id, (&rules, &About::default()), true).await?;
        let device = match (&looked.person.login, workflow) {
            (Some(login), Some(workflow)) if self.looks_at_device(workflow) => self.device_now(login, workflow).await?,
            _ => None,
        };
        Ok(Known {
            zone: self.zone_known(&looked.person).await?,
            device,
            unread: looked.unread.into_iter().map(|(rule, _)| rule).collect(),
            person: looked.person,
        })
    }

    fn looks_at_device(&self, workflow: &Workflow) -> bool {
        let looks = |action| self.guardrails_for(action).is_some_and(|guardrails| guardrails.looks_at_device(action));
        workflow.device().is_some()
            && (workflow.device_conditions().next().is_some()
                || [Action::Ask, Action::ApproveAutomatically].into_iter().any(looks))
    }

    /// Their only device; which of several is meant nobody has said.
    async fn device_now(&self, login: &str, workflow: &Workflow) -> Result<Option<KnownDevice>, Failure> {
        let Some(input) = workflow.device() else { return Ok(None) };
        let own = self.inner.directory.devices(&Whose::of(input, login), "", 2).await?;
        let [only] = own.as_slice() else { return Ok(None) };
        let facts = guarding::device_facts(self, &only.node_id).await?;
        let mut postures = BTreeMap::new();
        if workflow.device_conditions().any(|one| one.starts_with(POSTURE)) {
            let policy =
                self.inner.tailscale.policy_cached(FRESH_MS).await.map_err(|error| tailscale_failure(&error))?;
            let named = workflow.device_conditions().filter_map(|name| policy.postures.get_key_value(name));
            postures.extend(named.map(|(name, conditions)| (name.clone(), conditions.clone())));
        }
        Ok(Some(KnownDevice { facts, postures }))
    }

    /// Every name of people that this workflow, or all, and the guardrails look at.
    fn rules_of(&self, workflow: Option<&Workflow>) -> BTreeSet<Who> {
        let catalog = self.catalog();
        let of = |workflow: &Workflow| workflow.everybody_named();
        let guardrails = catalog.guardrails().into_iter().flat_map(|guardrails| guardrails.groups().iter().cloned());
        let workflows = match workflow {
            Some(workflow) => of(workflow),
            None => catalog.workflows().flat_map(|workflow| of(workflow)).collect(),
        };
        workflows.into_iter().chain(guardrails).collect()
    }
}

fn name_of(person: &Person) -> &str {
    person.login.as_deref().or(person.email.as_deref()).unwrap_or(&person.slack_id)
}
