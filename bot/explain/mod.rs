//! Why somebody may and why not: what rules and guardrails say to facts that were read before. Nobody is asked here.

pub mod impact;
pub mod snapshot;

use std::fmt;

use nightlatch_guardrails::Guardrails;
use serde::{Deserialize, Serialize};

use crate::kernel::automatic;
use crate::kernel::guardrail::{self, Action, Counts, Facts, Judgement, Local, Ruling};
use crate::kernel::origin::Origin;
use crate::kernel::policy;
use crate::kernel::request::{Ask, DeviceShown};
use crate::kernel::workflow::{Extend, ExtendApproval, OwnRequest, Stage};
use crate::kernel::{Person, Refusal, RequestId, Staff, Standing, Who, Workflow, hold};
use snapshot::Known;

/// So many are named where there are many.
const NAMED_MAX: usize = 5;

/// A workflow and the guardrails it is under.
#[derive(Clone, Copy, Debug)]
pub struct Under<'r> {
    /// What is asked for.
    pub workflow: &'r Workflow,
    /// What holds beside it.
    pub guardrails: Option<&'r Guardrails>,
    /// Who is whose manager.
    pub staff: &'r Staff,
}

/// For how long, and when.
#[derive(Clone, Copy, Debug)]
pub struct When {
    /// How long it is asked for, in milliseconds; nothing: as long as it is without saying.
    pub hold_ms: Option<i64>,
    /// Milliseconds since the Unix epoch.
    pub at: i64,
}

/// A yes or a no, with the rule that decides and every rule that stands against it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Yes or no.
    pub yes: bool,
    /// The rule that decides, for people.
    pub by: String,
    /// Every rule that stands against it, for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub against: Vec<String>,
}

/// What one person may do with one workflow, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// The workflow's name.
    pub workflow: String,
    /// Who, for people.
    pub person: String,
    /// Whether they can ask.
    pub asks: Answer,
    /// Whether it would pass by itself; only where something could.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passes: Option<Answer>,
    /// Whether they can ask for somebody else; only where somebody can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asks_for_others: Option<Answer>,
    /// Whether they can break glass; only where it can be broken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaks_glass: Option<Answer>,
    /// Whether they can approve what somebody else asks for, stage by stage.
    pub approves: Vec<Answer>,
    /// Whom it takes, stage by stage.
    pub takes: Vec<String>,
    /// How it can be held for longer, and whom that takes; only where it can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extending: Option<String>,
    /// Whether they can approve that, stage by stage; only where it takes stages of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approves_extensions: Vec<Answer>,
}

/// What this person may do, as far as these facts tell.
pub fn explain(under: Under<'_>, known: &Known, when: When) -> Explanation {
    let workflow = under.workflow;
    let known = &with_reports(under, known);
    let asks = asks(under, known, when);
    let may_be_permitted = under.guardrails.is_some_and(Guardrails::has_permits);
    let passes = (asks.yes && (may_be_permitted || workflow.may_pass_by_itself())).then(|| passes(under, known, when));
    let stages = || (0_usize..).zip(&workflow.approve);
    Explanation {
        workflow: workflow.name.clone(),
        person: known.person.name.clone(),
        asks,
        passes,
        asks_for_others: (!workflow.ask_for.is_empty()).then(|| asks_for_others(under, known)),
        breaks_glass: workflow.break_glass.as_ref().map(|_| breaks_glass(under, known, when)),
        approves: stages().map(|(index, stage)| approves(under, known, when, (index, stage))).collect(),
        takes: stages().map(|(_, stage)| takes(stage)).collect(),
        extending: workflow.extend.as_ref().map(extending),
        approves_extensions: (0..)
            .zip(workflow.extend.iter().flat_map(|extend| &extend.stages))
            .map(|(index, stage)| approves(under, known, when, (index, stage)))
            .collect(),
    }
}

/// How often, by how much and with whose approval, for people.
fn extending(extend: &Extend) -> String {
    let times = if extend.times == 1 { "once".to_owned() } else { format!("{} times", extend.times) };
    let by = match extend.approve {
        ExtendApproval::Automatic => "without approval".to_owned(),
        ExtendApproval::Again => "approved once more by those who approve it".to_owned(),
        ExtendApproval::Stages => {
            let stages: Vec<String> = extend.stages.iter().map(takes).collect();
            format!("approved by {}", stages.join("; then "))
        }
        ExtendApproval::Unknown => return "not in this version".to_owned(),
    };
    format!("{times}, by {} at most, {by}", hold::show(extend.max_ms))
}

fn asks_for_others(under: Under<'_>, known: &Known) -> Answer {
    let rules = &under.workflow.ask_for;
    match policy::may_ask_for(under.workflow, &known.person) {
        Ok(who) => Answer { yes: true, by: format!("in {who} (`ask_for`)"), against: Vec::new() },
        Err(why) => Answer { yes: false, by: refused(&why), against: unread(known, rules) },
    }
}

/// Whoever is somebody's manager belongs to that name, for the requests of those.
fn with_reports(under: Under<'_>, known: &Known) -> Known {
    let mut known = known.clone();
    if !under.staff.reports_of(&known.person).is_empty() && !known.person.belongs.contains(&Who::Manager) {
        known.person.belongs.push(Who::Manager);
    }
    known
}

fn asks(under: Under<'_>, known: &Known, when: When) -> Answer {
    let by = match policy::may_ask(under.workflow, &known.person) {
        Ok(who) => who.clone(),
        Err(why) => return Answer { yes: false, by: refused(&why), against: unread(known, &under.workflow.ask) },
    };
    if known.person.login.is_none() && under.workflow.takes_login(&known.person) {
        return Answer {
            yes: false,
            by: "no active tailnet user has this person's address".to_owned(),
            against: Vec::new(),
        };
    }
    match judged(under, known, when, Action::Ask).filter(|judged| judged.verdict.no().is_some()) {
        Some(judged) => guarded(&judged),
        None => Answer { yes: true, by: format!("in {who} (`ask`)", who = by), against: Vec::new() },
    }
}

fn breaks_glass(under: Under<'_>, known: &Known, when: When) -> Answer {
    let rules = under.workflow.break_glass.as_ref().map(|glass| glass.who.as_slice()).unwrap_or_default();
    let by = match policy::may_break_glass(under.workflow, &known.person) {
        Ok(who) => format!("in {who} (`break_glass`)"),
        Err(why) => return Answer { yes: false, by: refused(&why), against: unread(known, rules) },
    };
    match judged(under, known, when, Action::BreakGlass).filter(|judged| judged.verdict.no().is_some()) {
        Some(judged) => guarded(&judged),
        None => Answer { yes: true, by, against: Vec::new() },
    }
}

fn passes(under: Under<'_>, known: &Known, when: When) -> Answer {
    let facts = automatic::Facts {
        asker: None,
        person: known.person.clone(),
        unread: known.unread.clone(),
        device: known.device.as_ref().map(|device| automatic::DeviceFacts {
            node_id: device.facts.node_id.clone(),
            attributes: device.facts.attributes.iter().map(|(key, text)| (key.clone(), as_value(text))).collect(),
            postures: device.postures.clone(),
            unread: None,
        }),
        passed_today: vec![0; under.workflow.approve_automatically.len()],
        judged: judged(under, known, when, Action::ApproveAutomatically).map(Box::new),
    };
    let judged = automatic::judge(&ask(under, known, when), &facts, when.at);
    match judged.passes {
        Some((_, words)) => Answer { yes: true, by: words, against: judged.against },
        None => Answer { yes: false, by: "nothing lets it pass, so people decide".to_owned(), against: judged.against },
    }
}

/// An attribute as the tailnet says it, from its text.
fn as_value(text: &str) -> serde_json::Value {
    match text {
        "true" | "false" => (text == "true").into(),
        _ => text
            .parse::<f64>()
            .map_or_else(|_| text.into(), |number| text.parse::<i64>().map_or_else(|_| number.into(), Into::into)),
    }
}

fn approves(under: Under<'_>, known: &Known, when: When, (index, stage): (usize, &Stage)) -> Answer {
    if known.person.standing != Standing::Member {
        let by = refused(&Refusal::Standing { standing: known.person.standing });
        return Answer { yes: false, by, against: Vec::new() };
    }
    let rules: Vec<Who> = stage.rules().cloned().collect();
    let Some(who) = rules.iter().find(|who| who.means(&known.person)) else {
        return Answer { yes: false, by: format!("it takes {}", one_of(&rules)), against: unread(known, &rules) };
    };
    let stage = (i64::try_from(index).unwrap_or_default().saturating_add(1), own_request(stage).to_owned());
    let facts =
        Facts { requester: Some(somebody_else()), stage: Some(stage), ..facts(under, known, when, Action::Approve) };
    match judge(under, facts).filter(|judged| judged.verdict.no().is_some()) {
        Some(judged) => guarded(&judged),
        None => Answer { yes: true, by: decides_as(under, known, who), against: Vec::new() },
    }
}

/// The rule by which somebody decides; of a manager, for whom.
fn decides_as(under: Under<'_>, known: &Known, who: &Who) -> String {
    if *who != Who::Manager {
        return format!("in {who}");
    }
    let reports = under.staff.reports_of(&known.person);
    let some = reports.iter().take(NAMED_MAX).copied().collect::<Vec<_>>().join(", ");
    match reports.len() {
        count if count > NAMED_MAX => format!("{who} of {count} people ({some}, ...)"),
        _ => format!("{who} of {some}"),
    }
}

fn own_request(stage: &Stage) -> &'static str {
    match stage.own_request {
        OwnRequest::Never => "never",
        OwnRequest::Confirm => "confirm",
        OwnRequest::Allow => "allow",
    }
}

/// A guardrail's no, with the others that say no too.
fn guarded(judged: &Judgement) -> Answer {
    let mut rules = judged.verdict.by.iter().map(guardrail::Rule::in_words);
    let first = rules.next().unwrap_or_default();
    let how = if judged.verdict.ruling == Ruling::Broken { "cannot be worked out" } else { "does not allow it" };
    Answer { yes: false, by: format!("a guardrail {how}, {first}"), against: rules.collect() }
}

fn judged(under: Under<'_>, known: &Known, when: When, action: Action) -> Option<Judgement> {
    judge(under, facts(under, known, when, action))
}

fn judge(under: Under<'_>, facts: Facts) -> Option<Judgement> {
    let guardrails = under.guardrails.filter(|guardrails| guardrails.has_a_say(facts.action))?;
    let verdict = guardrails.judge(&facts);
    Some(Judgement { rules: guardrails.digest().to_owned(), facts, verdict })
}

fn facts(under: Under<'_>, known: &Known, when: When, action: Action) -> Facts {
    let zone = known.zone.clone().unwrap_or_else(|| "UTC".to_owned());
    Facts {
        action,
        who: known.person.clone(),
        local: Local::at(when.at, &zone),
        zone,
        requester: None,
        requester_zone: None,
        workflow: under.workflow.name.clone(),
        labels: under.workflow.labels.clone(),
        reason: String::new(),
        hold_ms: hold_ms(under, when),
        counts: Counts::default(),
        device: known.device.as_ref().map(|device| device.facts.clone()),
        stage: None,
    }
}

fn hold_ms(under: Under<'_>, when: When) -> i64 {
    when.hold_ms.or_else(|| under.workflow.hold().map(|(_, default_ms, _)| default_ms)).unwrap_or_default()
}

/// What they would ask for.
fn ask(under: Under<'_>, known: &Known, when: When) -> Ask {
    let shown = |facts: &guardrail::DeviceFacts| DeviceShown {
        node_id: facts.node_id.clone(),
        name: facts.name.clone(),
        os: facts.os.clone(),
        addresses: Vec::new(),
    };
    Ask {
        id: RequestId(String::new()),
        workflow: under.workflow.clone().into(),
        requester: known.person.clone(),
        inputs: std::collections::BTreeMap::new(),
        hold_ms: hold_ms(under, when),
        reason: String::new(),
        device: known.device.as_ref().map(|device| shown(&device.facts)),
        seal: String::new(),
        channel: None,
        origin: Origin::Typed,
        may_be_permitted: under.guardrails.is_some_and(Guardrails::has_permits),
        judged: None,
        breaks_glass: false,
        active: None,
        asker: None,
        judged_asker: None,
    }
}

/// Whoever asks when somebody else approves: a member like any other.
fn somebody_else() -> Person {
    Person {
        slack_id: "somebody".to_owned(),
        name: "somebody else".to_owned(),
        email: None,
        login: None,
        standing: Standing::Member,
        belongs: Vec::new(),
    }
}

/// Names of people that could be this person's and of which nobody knows.
fn unread(known: &Known, rules: &[Who]) -> Vec<String> {
    let of_these = known.unread.iter().filter(|who| rules.contains(who));
    of_these.map(|who| format!("who belongs to {who} could not be read")).collect()
}

fn refused(why: &Refusal) -> String {
    match why {
        Refusal::MayNotAsk { ask } => format!("it takes {} (`ask`)", one_of(ask)),
        Refusal::MayNotAskFor { ask_for } => format!("it takes {} (`ask_for`)", one_of(ask_for)),
        Refusal::MayNotBreakGlass { who } => format!("it takes {} (`break_glass`)", one_of(who)),
        Refusal::Standing { standing } => match standing {
            Standing::Guest => "guests neither ask nor decide".to_owned(),
            Standing::Outsider => "people of other companies neither ask nor decide".to_owned(),
            Standing::Bot => "programs neither ask nor decide".to_owned(),
            Standing::Deactivated => "the Slack account is switched off".to_owned(),
            Standing::Member | Standing::Unknown => "Slack does not say who this is".to_owned(),
        },
        other => other.to_string(),
    }
}

fn one_of(whos: &[Who]) -> String {
    let names: Vec<String> = whos.iter().map(ToString::to_string).collect();
    names.join(" or ")
}

/// Whom a stage takes, for example `2 of group:security, and 1 of carol@example.com`.
fn takes(stage: &Stage) -> String {
    let clause = |clause: &crate::kernel::workflow::Clause| format!("{} of {}", clause.needed(), one_of(&clause.by));
    stage.clauses.iter().map(clause).collect::<Vec<_>>().join(", and ")
}

/// For people, a line each.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |f: &mut fmt::Formatter<'_>, what: &str, answer: &Answer| {
            writeln!(f, "{what}: {}, {}", if answer.yes { "yes" } else { "no" }, answer.by)?;
            answer.against.iter().try_for_each(|rule| writeln!(f, "  against it: {rule}"))
        };
        line(f, "asks", &self.asks)?;
        if let Some(passes) = &self.passes {
            line(f, "passes by itself", passes)?;
        }
        if let Some(others) = &self.asks_for_others {
            line(f, "asks for others", others)?;
        }
        if let Some(breaks_glass) = &self.breaks_glass {
            line(f, "breaks glass", breaks_glass)?;
        }
        let is_one = self.takes.len() == 1;
        for (number, (takes, approves)) in (1..).zip(self.takes.iter().zip(&self.approves)) {
            let which = if is_one { String::new() } else { format!(" stage {number}") };
            writeln!(f, "approval{which}: takes {takes}")?;
            line(f, &format!("approves{which} for others"), approves)?;
        }
        if let Some(extending) = &self.extending {
            writeln!(f, "held for longer: {extending}")?;
        }
        for (number, approves) in (1..).zip(&self.approves_extensions) {
            let which = if self.approves_extensions.len() == 1 { String::new() } else { format!(" stage {number}") };
            line(f, &format!("approves extensions{which}"), approves)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
