//! Where the approval of a request stands: what is met, what is missing, who is counted for what. Every rule, card, form and list
//! asks this and nothing else.

use nightlatch_planted::{Fault, is_planted};

use crate::matching;
use crate::person::{Person, Who};
use crate::request::{Decider, Decision, Request};
use crate::workflow::{Clause, Stage};

/// The stages of a request's workflow with the decisions that counted.
#[derive(Clone, Debug)]
pub struct Approval<'r> {
    /// Every stage, in order.
    pub stages: Vec<StageNow<'r>>,
    /// Nobody approved it: it passed by itself, or glass was broken.
    pub passed: Option<&'r Decision>,
}

/// One stage and what was decided in it.
#[derive(Clone, Debug)]
pub struct StageNow<'r> {
    /// Its place in the workflow's list.
    pub index: usize,
    /// As the workflow has it.
    pub stage: &'r Stage,
    /// Its clauses, in order.
    pub clauses: Vec<ClauseNow<'r>>,
    /// Who was asked too because it took so long; each of them counts for any clause.
    pub also: Vec<&'r Who>,
    /// Who said no.
    pub noes: Vec<&'r Decision>,
}

/// One clause and who is counted for it.
#[derive(Clone, Debug)]
pub struct ClauseNow<'r> {
    /// As the workflow has it.
    pub clause: &'r Clause,
    /// Of whom it can be met by now.
    pub by: Vec<&'r Who>,
    /// Who said yes and is counted here.
    pub yeses: Vec<&'r Decision>,
    /// How many more it takes.
    pub missing: u32,
}

impl<'r> Approval<'r> {
    /// The stage that waits for somebody; none if everything is decided.
    pub fn open(&self) -> Option<&StageNow<'r>> {
        if self.passed.is_some() || self.is_denied() { None } else { self.stages.iter().find(|stage| !stage.is_met()) }
    }

    /// Whether nobody had to approve it, or every clause of every stage is met, and nobody's no ended it. Without a stage nobody gives it.
    pub fn is_given(&self) -> bool {
        let is_first = is_planted(Fault::SkipsStages) && self.stages.first().is_some_and(StageNow::is_met);
        self.passed.is_some() || is_first || !self.stages.is_empty() && self.open().is_none() && !self.is_denied()
    }

    /// Whether a stage has as many noes as end it.
    pub fn is_denied(&self) -> bool {
        self.stages.iter().any(StageNow::is_denied)
    }
}

impl<'r> StageNow<'r> {
    fn of(request: &'r Request, index: usize, stage: &'r Stage) -> Self {
        let here = |approved: bool| {
            request
                .decisions
                .iter()
                .filter(move |one| one.person().is_some() && one.round == request.round())
                .filter(move |one| one.stage == index && one.approved == approved)
                .collect::<Vec<_>>()
        };
        let tiers = request.asked_of(index).map_or(0, |asked| asked.tiers);
        let also: Vec<&'r Who> = stage.escalate.iter().take(tiers).flat_map(|tier| &tier.by).collect();
        let yeses = here(true);
        let placed =
            matching::assign(&needs(stage), &yeses.iter().map(|one| one.fits(stage, &also)).collect::<Vec<_>>());
        let clause = |(place, clause): (usize, &'r Clause)| {
            let for_all = is_planted(Fault::CountsForAll);
            let counted = yeses.iter().zip(&placed).filter(|(_, counted)| for_all || **counted == Some(place));
            let yeses: Vec<&Decision> = counted.map(|(decision, _)| *decision).collect();
            let missing = clause.needed().saturating_sub(u32::try_from(yeses.len()).unwrap_or(u32::MAX));
            ClauseNow { clause, by: clause.by.iter().chain(also.iter().copied()).collect(), yeses, missing }
        };
        let clauses = stage.clauses.iter().enumerate().map(clause).collect();
        Self { index, stage, clauses, also, noes: here(false) }
    }

    /// Whoever decides in it by now.
    pub fn rules(&self) -> impl Iterator<Item = &'r Who> {
        self.stage.rules().chain(self.also.clone())
    }

    /// Whether every clause is met. A stage without any is met by nobody.
    pub fn is_met(&self) -> bool {
        !self.clauses.is_empty() && self.missing() == 0
    }

    /// How many more people it takes.
    pub fn missing(&self) -> u32 {
        self.clauses.iter().map(|clause| clause.missing).fold(0, u32::saturating_add)
    }

    /// How many people it takes.
    pub fn needed(&self) -> u32 {
        self.clauses.iter().map(|clause| clause.clause.needed()).fold(0, u32::saturating_add)
    }

    /// How many people are counted.
    pub fn counted(&self) -> u32 {
        self.needed().saturating_sub(self.missing())
    }

    /// Whether it has as many noes as end the request.
    pub fn is_denied(&self) -> bool {
        u32::try_from(self.noes.len()).unwrap_or(u32::MAX) >= self.stage.denials.max(1)
    }

    /// The clauses that wait for somebody.
    pub fn open_clauses(&self) -> impl Iterator<Item = &ClauseNow<'r>> {
        self.clauses.iter().filter(|clause| clause.missing > 0)
    }

    /// The rule by which a yes of this person would be counted; none if a yes of theirs brings nothing, since enough of those they
    /// belong to have said yes.
    pub fn helps(&self, person: &Person) -> Option<&'r Who> {
        let before: Vec<&Decision> = self.clauses.iter().flat_map(|clause| clause.yeses.iter().copied()).collect();
        let mut fits: Vec<Vec<usize>> = before.iter().map(|one| one.fits(self.stage, &self.also)).collect();
        fits.push(places(self.stage, &self.also, |who| who.means(person)));
        let placed = matching::assign(&needs(self.stage), &fits);
        let place = placed.last().copied().flatten()?;
        self.clauses.get(place)?.by.iter().copied().find(|who| who.means(person))
    }
}

impl ClauseNow<'_> {
    /// The rule of this clause by which somebody is counted for it.
    pub fn rule_of<'d>(&'d self, decision: &'d Decision) -> Option<&'d Who> {
        let Decider::Person { person, rule } = &decision.by else { return None };
        let here = self.by.iter().copied().find(|who| who.means(person));
        rule.as_ref().filter(|rule| self.by.contains(rule)).or(here)
    }
}

impl Decision {
    /// The clauses of a stage that this may be counted for.
    fn fits(&self, stage: &Stage, also: &[&Who]) -> Vec<usize> {
        let Decider::Person { person, rule } = &self.by else { return Vec::new() };
        places(stage, also, |who| who.means(person) || rule.as_ref() == Some(who))
    }
}

fn needs(stage: &Stage) -> Vec<u32> {
    stage.clauses.iter().map(Clause::needed).collect()
}

fn places(stage: &Stage, also: &[&Who], means: impl Fn(&Who) -> bool) -> Vec<usize> {
    let is_also = also.iter().any(|who| means(who));
    let clauses = stage.clauses.iter().enumerate();
    clauses.filter(|(_, clause)| is_also || clause.by.iter().any(&means)).map(|(index, _)| index).collect()
}

impl Request {
    /// Where approval stands, by the decisions that counted: that of the request or, while it waits, that of an extension.
    pub fn approval(&self) -> Approval<'_> {
        let stages = self.stages().iter().enumerate();
        let mut decisions = self.decisions.iter().filter(|one| one.round == self.round());
        let passed = decisions.find(|one| matches!(one.by, Decider::Itself { .. } | Decider::Glass { .. }));
        Approval { stages: stages.map(|(index, stage)| StageNow::of(self, index, stage)).collect(), passed }
    }
}
