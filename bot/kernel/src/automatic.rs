//! Approval that nobody has to give: what a workflow lets pass by itself, and the one function that decides whether a request does.

use std::collections::BTreeMap;
use std::fmt;

use nightlatch_planted::{Fault, is_planted};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::guardrail::{Judgement, Ruling};
use crate::hold;
use crate::person::{Person, Who};
use crate::policy;
use crate::posture::Condition;
use crate::request::{Ask, Decider, Request};
use crate::window::{self, Window};
use crate::workflow::Workflow;

/// Nothing passes by itself longer after it was asked: whoever asked may not wait for it any more, and people decide.
pub const PASSES_WITHIN_MS: i64 = 3_600_000;
/// What the name of a posture of the policy file begins with.
pub const POSTURE: &str = "posture:";

/// One rule of `approve_automatically`: a request passes by it if everything that it says is so.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Automatic {
    /// Whose requests; empty: everybody's who may ask.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub who: Vec<Who>,
    /// When: in one of these; empty: at any time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub during: Vec<Window>,
    /// What is so of the device: names of postures, and conditions. All of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub device: Vec<String>,
    /// For how long at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_hold_ms: Option<i64>,
    /// How many requests of one person a calendar day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<u32>,
}

impl Automatic {
    /// Whose calendar says what a day is.
    pub fn zone(&self) -> &str {
        self.during.first().map_or(window::UTC, |window| window.zone.as_str())
    }
}

/// As people read it, for example `@db-oncall, mon-fri 08:00-18:00 Europe/Berlin, for at most 2h, 3 a day`.
impl fmt::Display for Automatic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<String> = Vec::new();
        if !self.who.is_empty() {
            parts.push(self.who.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or "));
        }
        if !self.during.is_empty() {
            parts.push(during(&self.during));
        }
        if !self.device.is_empty() {
            parts.push(format!("on a device with {}", self.device.join(" and ")));
        }
        parts.extend(self.max_hold_ms.map(|max_ms| format!("for at most {}", hold::show(max_ms))));
        parts.extend(self.at_most.map(|most| format!("{most} a day")));
        f.write_str(&parts.join(", "))
    }
}

fn during(windows: &[Window]) -> String {
    windows.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
}

/// What was found out, once, to decide whether a request passes by itself. It is kept with the decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// Who asks, read afresh.
    pub person: Person,
    /// Names of people of which it could not be read whether the person belongs to them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<Who>,
    /// The device, if a rule says something of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceFacts>,
    /// How many requests of this person passed today by each of the rules, in their order; counted in the transaction that decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_today: Vec<u32>,
    /// What guardrails said, if any has a say in what passes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged: Option<Box<Judgement>>,
    /// Who asked for it for somebody else, read afresh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asker: Option<Person>,
}

/// What is known of a device.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DeviceFacts {
    /// `n...CNTRL`.
    pub node_id: String,
    /// Its attributes, as the tailnet says them.
    pub attributes: BTreeMap<String, Value>,
    /// The conditions of the postures that rules name, as the policy file has them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub postures: BTreeMap<String, Vec<String>>,
    /// Why it could not be read, for people; then nothing holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<String>,
}

/// By what a request passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "passing", rename_all = "snake_case")]
pub enum Passing {
    /// The workflow says that nobody has to decide.
    NobodyDecides,
    /// A rule of `approve_automatically`.
    Rule {
        /// Its place in the list.
        place: usize,
    },
    /// A guardrail that permits it.
    Guardrail {
        /// Its `@id`.
        id: String,
    },
}

/// Whether a request passes by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// By what, with words for people; none: it does not.
    pub passes: Option<(Passing, String)>,
    /// Why it does not by each of the rules that are about this person, in words for people.
    pub against: Vec<String>,
}

/// Whether a request passes by itself at this moment (milliseconds since the Unix epoch). Nothing else decides this: not where it is asked, not
/// where it is explained.
pub fn judge(ask: &Ask, facts: &Facts, now: i64) -> Judged {
    let workflow = &ask.workflow;
    if let Some(judged) = against_asker(ask, facts, now) {
        return judged;
    }
    let no = |why: &str| Judged { passes: None, against: vec![why.to_owned()] };
    let is_them = ask.requester.is_same_human(&facts.person) && ask.requester.login == facts.person.login;
    if !is_them || policy::may_ask(workflow, &facts.person).is_err() {
        let unread = workflow.ask.iter().find(|who| facts.unread.contains(who)).filter(|_| is_them);
        return match unread {
            Some(who) => no(&unreadable(who)),
            None => no("whoever asked may not ask for it any more"),
        };
    }
    if let Some(rule) = facts.judged.as_ref().and_then(|judged| judged.verdict.no()) {
        return no(&format!("a guardrail does not allow it, {}", rule.in_words()));
    }
    if workflow.approve.is_empty() {
        let by = (Passing::NobodyDecides, "nobody has to decide".to_owned());
        return Judged { passes: Some(by), against: Vec::new() };
    }
    let mut against: Vec<String> = Vec::new();
    for (place, rule) in workflow.approve_automatically.iter().enumerate() {
        match stands_against(rule, place, ask, facts, now) {
            None => return Judged { passes: Some((Passing::Rule { place }, rule.to_string())), against },
            Some(Against::Others) => {}
            Some(Against::Says(why)) => {
                if !against.contains(&why) {
                    against.push(why);
                }
            }
        }
    }
    let permitted = facts.judged.as_ref().filter(|judged| judged.verdict.ruling == Ruling::Permitted);
    if let Some(rule) = permitted.and_then(|judged| judged.verdict.by.first()) {
        let words = format!("guardrail {}", rule.in_words());
        return Judged { passes: Some((Passing::Guardrail { id: rule.id.clone() }, words)), against };
    }
    Judged { passes: None, against }
}

/// Why it does not pass by itself although it would for whoever gets it: it has to hold for whoever asked for them, too. A guardrail that
/// permits is about one person, and lets nothing pass that another one asked for.
fn against_asker(ask: &Ask, facts: &Facts, now: i64) -> Option<Judged> {
    let asker = ask.asker.as_ref()?;
    let no = |why: String| Some(Judged { passes: None, against: vec![why] });
    let known = facts.asker.as_ref().filter(|known| known.is_same_human(asker) && known.login == asker.login);
    let Some(known) = known else { return no("it is not known what is so of whoever asked for them".to_owned()) };
    if policy::may_ask_for(&ask.workflow, known).is_err() {
        return no("whoever asked for them may not do that any more".to_owned());
    }
    let own = Facts { asker: None, ..facts.clone() };
    let alone = judge(&Ask { asker: None, ..ask.clone() }, &own, now);
    let Some((Passing::Rule { place }, _)) = &alone.passes else {
        let is_free = matches!(alone.passes, Some((Passing::NobodyDecides, _)));
        return match alone.passes {
            Some(_) if !is_free => no("a guardrail permits it to one of them alone".to_owned()),
            _ => None,
        };
    };
    let rule = ask.workflow.approve_automatically.get(*place)?;
    let is_meant = rule.who.is_empty() || rule.who.iter().any(|who| who.means(known));
    if is_meant { None } else { no(format!("it holds for one of them alone ({rule})")) }
}

fn unreadable(who: &Who) -> String {
    format!("who belongs to {who} could not be read")
}

/// Why a rule does not let something pass.
enum Against {
    /// It is about other people.
    Others,
    /// Something of it is not so.
    Says(String),
}

fn stands_against(rule: &Automatic, place: usize, ask: &Ask, facts: &Facts, now: i64) -> Option<Against> {
    let says = |why: String| Some(Against::Says(why));
    let is_meant = rule.who.is_empty() || rule.who.iter().any(|who| who.means(&facts.person));
    if !is_meant {
        return match rule.who.iter().find(|who| facts.unread.contains(who)) {
            Some(who) => says(unreadable(who)),
            None => Some(Against::Others),
        };
    }
    if !rule.during.is_empty() && !rule.during.iter().any(|window| window.holds(now)) {
        return says(format!("it is not {} now", during(&rule.during)));
    }
    let longest_ms = rule.max_hold_ms.filter(|_| !is_planted(Fault::PassesLonger));
    if let Some(max_ms) = longest_ms.filter(|max_ms| ask.hold_ms > *max_ms) {
        return says(format!("{} is longer than {}", hold::show(ask.hold_ms), hold::show(max_ms)));
    }
    if let Some(why) = rule.device.iter().find_map(|wanted| device_lacks(wanted, ask, facts.device.as_ref())) {
        return says(why);
    }
    let most = rule.at_most?;
    match facts.passed_today.get(place) {
        Some(passed) if *passed < most => None,
        Some(_) => says(format!("{most} of theirs passed today already, and no more may")),
        None => says("how many of theirs passed today could not be counted".to_owned()),
    }
}

/// Why the device is not as it has to be; none if it is.
fn device_lacks(wanted: &str, ask: &Ask, device: Option<&DeviceFacts>) -> Option<String> {
    let asked = ask.device.as_ref();
    let Some(device) = device.filter(|device| asked.is_some_and(|asked| asked.node_id == device.node_id)) else {
        return Some("it is not known what is so of the device".to_owned());
    };
    if let Some(why) = &device.unread {
        return Some(format!("what is so of the device could not be read: {why}"));
    }
    let name = asked.map(|asked| asked.name.as_str()).unwrap_or_default();
    let conditions = match wanted.starts_with(POSTURE) {
        false => vec![wanted.to_owned()],
        true => match device.postures.get(wanted) {
            Some(conditions) if !conditions.is_empty() => conditions.clone(),
            _ => return Some(format!("the policy file has no {wanted}")),
        },
    };
    let fails =
        |condition: &&String| !Condition::parse(condition).is_some_and(|condition| condition.holds(&device.attributes));
    let failed = conditions.iter().find(fails)?;
    let which = if wanted.starts_with(POSTURE) { format!(" ({failed})") } else { String::new() };
    Some(format!("{name} does not meet {wanted}{which}"))
}

/// From when on requests have to have been asked to be counted today by a rule; none if nothing is counted. Milliseconds since the Unix epoch.
pub fn counted_since(workflow: &Workflow, now: i64) -> Option<i64> {
    let limited = workflow.approve_automatically.iter().filter(|rule| rule.at_most.is_some());
    let starts = limited.map(|rule| window::day_around(rule.zone(), now).0);
    starts.min().map(|start| start.saturating_sub(PASSES_WITHIN_MS))
}

/// How many of these requests of the same workflow are of the same human as this one and passed today by each of its rules.
pub fn passed_today(ask: &Ask, person: &Person, others: &[Request], now: i64) -> Vec<u32> {
    let rules = ask.workflow.approve_automatically.iter().enumerate();
    let count = |(place, rule): (usize, &Automatic)| {
        let (start, end) = window::day_around(rule.zone(), now);
        let counts = |other: &&Request| {
            let is_theirs = other.is_requester(person) || other.is_requester(&ask.requester);
            other.id != ask.id && is_theirs && other.passed_by(place).is_some_and(|at| (start..end).contains(&at))
        };
        u32::try_from(others.iter().filter(counts).count()).unwrap_or(u32::MAX)
    };
    rules.map(count).collect()
}

impl Workflow {
    /// Whether anything passes by itself, so that it has to be found out before anybody is asked.
    pub fn may_pass_by_itself(&self) -> bool {
        self.approve.is_empty() || !self.approve_automatically.is_empty()
    }

    /// Everybody whose belonging must be known to tell whether a request passes by itself, each name once.
    pub fn passers(&self) -> Vec<Who> {
        let mut rules: Vec<Who> = Vec::new();
        for rule in self.ask.iter().chain(self.approve_automatically.iter().flat_map(|rule| &rule.who)) {
            if !rules.contains(rule) {
                rules.push(rule.clone());
            }
        }
        rules
    }

    /// What has to be so of the device by some rule: names of postures, and conditions.
    pub fn device_conditions(&self) -> impl Iterator<Item = &str> {
        self.approve_automatically.iter().flat_map(|rule| &rule.device).map(String::as_str)
    }
}

impl Request {
    /// Whether nobody decided it: it passed by itself.
    pub fn passed_by_itself(&self) -> bool {
        self.decisions.iter().any(|one| matches!(one.by, Decider::Itself { .. }))
    }

    /// When it passed by the rule at this place, if it did.
    fn passed_by(&self, wanted: usize) -> Option<i64> {
        let by = |one: &&crate::request::Decision| matches!(&one.by, Decider::Itself { by: Passing::Rule { place }, .. } if *place == wanted);
        self.decisions.iter().find(by).map(|one| one.at)
    }
}

#[cfg(test)]
mod tests;
