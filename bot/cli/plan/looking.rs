//! Who somebody is and what they would ask for, from Slack and the tailnet, without the bot.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::engine::asking::{Form, Found, Read, read};
use crate::explain::Under;
use crate::explain::snapshot::Known;
use crate::kernel::input::PersonShown;
use crate::kernel::origin::Origin;
use crate::kernel::workflow::{Input, InputKind};
use crate::kernel::{Ask, Person, RequestId, Standing, Who, Workflow};
use crate::outside::slack::Slack;
use crate::outside::tailscale::{Device, Tailscale, User};

/// A policy file that was read so long ago is read once only.
const FRESH_MS: i64 = 60_000;

/// Where it is looked up.
pub(super) struct Outsides<'o> {
    pub(super) slack: &'o Slack,
    pub(super) tailscale: &'o Tailscale,
}

impl Outsides<'_> {
    /// What would be asked if this person typed these words.
    pub(super) async fn ask(&self, workflow: &Arc<Workflow>, words: &str, run_as: &str) -> Result<Ask, String> {
        let requester = self.person(run_as).await?;
        let form = Form::from_words(workflow.clone(), words, None);
        let devices = match form.device() {
            Some(input) => self.devices(input, requester.login.as_deref().unwrap_or_default()).await?,
            None => Vec::new(),
        };
        let people = self.people(&form).await?;
        let read = read(&form, &Found { devices, people });
        if !read.wrong.is_empty() {
            let wrong: Vec<String> = read.wrong.iter().map(|(name, why)| format!("{name}: {why}")).collect();
            return Err(wrong.join("\n"));
        }
        if let Some(first) = read.missing.first() {
            return Err(format!("nothing is filled in for {}; write {first}=...", read.missing.join(", ")));
        }
        Ok(asked(workflow, requester, read))
    }

    /// By e-mail address or login; each service knows what it knows.
    async fn person(&self, name: &str) -> Result<Person, String> {
        let users = self.tailscale.users().await.map_err(|error| error.to_string())?;
        let user = users.into_iter().find(|user| user.has_login(name) && user.may_act());
        let member = self.slack.lookup_by_email(name).await.map_err(|error| error.to_string())?;
        if user.is_none() && member.is_none() {
            return Err(format!("neither Slack nor the tailnet knows {name}"));
        }
        let known_as = user.as_ref().map(|user| user.display_name.clone()).unwrap_or_default();
        Ok(Person {
            slack_id: member.as_ref().map(|member| member.id.clone()).unwrap_or_default(),
            name: member.as_ref().map_or(known_as, |member| member.real_name.clone()),
            email: member.as_ref().map(|_| name.to_lowercase()),
            login: user.map(|user| user.login_name),
            standing: Standing::Member,
            belongs: Vec::new(),
        })
    }

    /// What they belong to of everything that rules name, and where they are.
    pub(super) async fn known(&self, ask: &Ask, under: &Under<'_>) -> Result<Known, String> {
        let guardrails = under.guardrails.into_iter().flat_map(|guardrails| guardrails.groups().iter().cloned());
        let rules: BTreeSet<Who> = under.workflow.everybody_named().into_iter().chain(guardrails).collect();
        let mut known = Known { person: ask.requester.clone(), zone: None, device: None, unread: Vec::new() };
        let named = |name: &str| {
            let own = [known.person.login.as_deref(), known.person.email.as_deref()];
            own.into_iter().flatten().any(|own| own.eq_ignore_ascii_case(name))
        };
        let (mut belongs, mut unread) = (Vec::new(), Vec::new());
        for rule in rules {
            let is_in = match &rule {
                Who::Email(name) => Some(named(name)),
                Who::Anyone => Some(true),
                Who::TailnetGroup(group) if group == "autogroup:member" => Some(known.person.login.is_some()),
                Who::TailnetGroup(group) => self.is_in_group(group, &named).await?,
                Who::Role(_) => Some(self.has_role(&rule, &named).await?),
                Who::SlackGroup(handle) => self.is_in_slack(handle, &known.person.slack_id).await?,
                Who::Manager | Who::DeviceOwner | Who::Unknown(_) => Some(false),
            };
            match is_in {
                Some(true) => belongs.push(rule),
                Some(false) => {}
                None => unread.push(rule),
            }
        }
        known.person.belongs = belongs;
        known.unread = unread;
        if !known.person.slack_id.is_empty() {
            let user = self.slack.user_cached(&known.person.slack_id, 0).await.map_err(|error| error.to_string())?;
            known.zone = user.tz.clone();
        }
        Ok(known)
    }

    /// Nothing: it is synced from somewhere, and who is in it cannot be listed.
    async fn is_in_group(&self, group: &str, named: &dyn Fn(&str) -> bool) -> Result<Option<bool>, String> {
        let policy = self.tailscale.policy_cached(FRESH_MS).await.map_err(|error| error.to_string())?;
        Ok(policy.groups.get(group).map(|members| members.iter().any(|member| named(member))))
    }

    async fn has_role(&self, rule: &Who, named: &dyn Fn(&str) -> bool) -> Result<bool, String> {
        let users = self.tailscale.users().await.map_err(|error| error.to_string())?;
        let has = |user: &User| user.may_act() && rule.role() == Some(user.role.as_str()) && named(&user.login_name);
        Ok(users.iter().any(has))
    }

    /// Nothing: there is no such group.
    async fn is_in_slack(&self, handle: &str, slack_id: &str) -> Result<Option<bool>, String> {
        let groups = self.slack.usergroups_list().await.map_err(|error| error.to_string())?;
        let Some(group) = groups.iter().find(|group| group.handle.eq_ignore_ascii_case(handle)) else {
            return Ok(None);
        };
        let members = self.slack.usergroup_members(group).await.map_err(|error| error.to_string())?;
        Ok(Some(members.iter().any(|member| member == slack_id)))
    }

    async fn devices(&self, input: &Input, login: &str) -> Result<Vec<Device>, String> {
        let all = self.tailscale.devices().await.map_err(|error| error.to_string())?;
        let fits = |device: &Device| match input.kind.tags() {
            [] => device.is_owned_by(login).is_ok(),
            tags => device.is_tagged(tags).is_ok(),
        };
        Ok(all.into_iter().filter(fits).collect())
    }

    /// Whoever is named in it, by e-mail address.
    async fn people(&self, form: &Form) -> Result<Vec<(String, PersonShown)>, String> {
        let mut people = Vec::new();
        for input in form.asked().into_iter().filter(|input| matches!(input.kind, InputKind::Person { .. })) {
            let Some(named) = form.values.get(&input.name).map(|named| named.trim()).filter(|named| !named.is_empty())
            else {
                continue;
            };
            people.push((named.to_owned(), PersonShown::from(&self.person(named).await?)));
        }
        Ok(people)
    }
}

fn asked(workflow: &Arc<Workflow>, requester: Person, read: Read) -> Ask {
    Ask {
        id: RequestId("REQUEST".to_owned()),
        workflow: workflow.clone().into(),
        requester,
        inputs: read.values,
        hold_ms: read.hold_ms,
        reason: read.reason,
        device: read.device,
        seal: String::new(),
        channel: None,
        origin: Origin::Typed,
        may_be_permitted: false,
        breaks_glass: false,
        active: None,
        asker: None,
        judged_asker: None,
        judged: None,
    }
}
