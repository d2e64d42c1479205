//! Judges one decision: facts become Cedar's entities, and Cedar's answer a verdict.

use std::collections::BTreeMap;

use cedar_policy::{
    AuthorizationError, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicyId, Request,
    Response, RestrictedExpression,
};
use nightlatch_kernel::guardrail::{Action, DeviceFacts, Facts, Rule, Ruling, Verdict};
use nightlatch_kernel::{Person, Standing};

use super::Guardrails;

/// Facts that do not fit the schema: nothing is decided by them.
type Unfit = Box<dyn std::error::Error + Send + Sync>;

impl Guardrails {
    /// What they say to this. What cannot be worked out is a no.
    pub fn judge(&self, facts: &Facts) -> Verdict {
        self.try_judge(facts).unwrap_or_else(|why| {
            let rule = Rule { id: String::new(), reason: format!("the facts could not be judged: {why}") };
            Verdict { ruling: Ruling::Broken, by: vec![rule] }
        })
    }

    fn try_judge(&self, facts: &Facts) -> Result<Verdict, Unfit> {
        let schema = Some(&self.inner.schema);
        let who = person_id(&facts.who)?;
        let requester = facts.requester.as_ref().filter(|requester| !requester.is_same_human(&facts.who));
        let requester_id = requester.map_or_else(|| Ok(who.clone()), person_id)?;
        let workflow = uid("Workflow", &facts.workflow)?;
        let mut all = vec![person(&facts.who, &facts.zone)?, workflow_entity(workflow.clone(), facts)?];
        if let Some(requester) = requester {
            all.push(person(requester, facts.requester_zone.as_deref().unwrap_or("UTC"))?);
        }
        if let Some(device) = &facts.device {
            all.push(device_entity(device)?);
        }
        let entities = Entities::from_entities(all, schema)?;
        let action = uid("Action", facts.action.word())?;
        let context = Context::from_pairs(context(facts, requester_id)?)?;
        let request = Request::new(who, action, workflow, context, schema)?;
        let response = self.inner.authorizer.is_authorized(&request, &self.inner.set, &entities);
        Ok(self.verdict(facts.action, &response))
    }

    fn verdict(&self, action: Action, response: &Response) -> Verdict {
        let named = |id: &PolicyId| {
            let id = id.to_string();
            let reason = self.inner.told.iter().find(|one| one.id == id).map(|one| one.reason.clone());
            Rule { id, reason: reason.unwrap_or_default() }
        };
        let mut broken: Vec<Rule> = response.diagnostics().errors().map(|error| named(failed_in(error))).collect();
        let mut by: Vec<Rule> = response.diagnostics().reason().map(named).collect();
        for rules in [&mut broken, &mut by] {
            rules.sort_by(|one, other| one.id.cmp(&other.id));
        }
        // Cedar passes over what fails; here it is a no, and a no that was worked out has the better words.
        let ruling = match (response.decision(), by.is_empty(), broken.is_empty()) {
            (Decision::Deny, false, _) => Ruling::Forbidden,
            (_, _, false) => {
                by = broken;
                Ruling::Broken
            }
            (Decision::Allow, ..) if action == Action::ApproveAutomatically => Ruling::Permitted,
            _ => {
                by.clear();
                Ruling::Silent
            }
        };
        Verdict { ruling, by }
    }
}

fn uid(type_name: &str, id: &str) -> Result<EntityUid, Unfit> {
    let name: EntityTypeName = type_name.parse()?;
    Ok(EntityUid::from_type_name_and_id(name, EntityId::new(id)))
}

/// By tailnet login, else by e-mail address, else by Slack id.
fn person_id(person: &Person) -> Result<EntityUid, Unfit> {
    let named = person.login.as_deref().or(person.email.as_deref()).map(str::to_lowercase);
    uid("Person", &named.unwrap_or_else(|| format!("slack:{}", person.slack_id)))
}

fn person(person: &Person, zone: &str) -> Result<Entity, Unfit> {
    let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
    let mut fields = vec![
        ("slack_id".to_owned(), text(&person.slack_id)),
        ("zone".to_owned(), text(zone)),
        ("standing".to_owned(), text(standing(person.standing))),
    ];
    let known = [("login", &person.login), ("email", &person.email)];
    for (name, value) in known {
        fields.extend(value.as_ref().map(|value| (name.to_owned(), text(&value.to_lowercase()))));
    }
    let groups: Result<Vec<EntityUid>, Unfit> =
        person.belongs.iter().filter(|who| who.is_group()).map(|who| uid("Group", &who.to_string())).collect();
    Ok(Entity::new_with_tags(person_id(person)?, fields, groups?, [])?)
}

/// As Slack's facts are called in guardrails.
fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Member => "member",
        Standing::Guest => "guest",
        Standing::Outsider => "outsider",
        Standing::Bot => "bot",
        Standing::Deactivated => "deactivated",
        Standing::Unknown => "unknown",
    }
}

fn workflow_entity(id: EntityUid, facts: &Facts) -> Result<Entity, Unfit> {
    let fields = [
        ("name".to_owned(), RestrictedExpression::new_string(facts.workflow.clone())),
        ("labels".to_owned(), texts(&facts.labels)),
    ];
    Ok(Entity::new_with_tags(id, fields, [], [])?)
}

fn device_entity(device: &DeviceFacts) -> Result<Entity, Unfit> {
    let fields = [
        ("name".to_owned(), RestrictedExpression::new_string(device.name.clone())),
        ("os".to_owned(), RestrictedExpression::new_string(device.os.clone())),
        ("online".to_owned(), RestrictedExpression::new_bool(device.online)),
        ("tags".to_owned(), texts(&device.tags)),
    ];
    let attributes =
        device.attributes.iter().map(|(key, value)| (key.clone(), RestrictedExpression::new_string(value.clone())));
    Ok(Entity::new_with_tags(uid("Device", &device.node_id)?, fields, [], attributes)?)
}

fn texts(texts: &[String]) -> RestrictedExpression {
    RestrictedExpression::new_set(texts.iter().cloned().map(RestrictedExpression::new_string))
}

fn context(facts: &Facts, requester: EntityUid) -> Result<BTreeMap<String, RestrictedExpression>, Unfit> {
    let record = |fields: Vec<(&str, RestrictedExpression)>| {
        RestrictedExpression::new_record(fields.into_iter().map(|(name, value)| (name.to_owned(), value)))
    };
    let long = RestrictedExpression::new_long;
    let local = record(vec![
        ("hour", long(facts.local.hour)),
        ("weekday", RestrictedExpression::new_string(facts.local.weekday.clone())),
    ])?;
    let counts = record(vec![("today", long(facts.counts.today)), ("this_week", long(facts.counts.this_week))])?;
    let mut fields = vec![
        ("requester", RestrictedExpression::new_entity_uid(requester)),
        ("reason", RestrictedExpression::new_string(facts.reason.clone())),
        ("hold", long(facts.hold_ms.div_euclid(1_000))),
        ("local", local),
        ("counts", counts),
    ];
    if let Some(device) = &facts.device {
        fields.push(("device", RestrictedExpression::new_entity_uid(uid("Device", &device.node_id)?)));
    }
    if facts.action == Action::Approve {
        let (stage, own) = facts.stage.clone().unwrap_or((1, "never".to_owned()));
        fields.push(("stage", long(stage)));
        fields.push(("own_request", RestrictedExpression::new_string(own)));
    }
    Ok(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// The guardrail that could not be worked out.
fn failed_in(error: &AuthorizationError) -> &PolicyId {
    match error {
        AuthorizationError::PolicyEvaluationError(error) => error.policy_id(),
    }
}
