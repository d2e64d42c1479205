//! Stages of approval: in order, every clause by different people, each human once; against a model that tries everything.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::people::{alice, ask, workflow};
use super::story::{Story, approve, deny, pressed};
use super::words::words;
use crate::workflow::{Clause, OwnRequest, Stage};
use crate::{Button, Event, Person, Place, Purpose, Refusal, Standing, State, Who, Workflow};

fn person(name: &str, groups: &str) -> Person {
    let belongs = groups.split_whitespace().map(|name| Who::parse(&format!("group:{name}")).unwrap()).collect();
    Person { slack_id: format!("U{}", name.to_uppercase()), name: name.to_owned(), belongs, ..nobody() }
}

fn nobody() -> Person {
    Person { email: None, login: None, standing: Standing::Member, belongs: Vec::new(), ..alice() }
}

/// `2 dba` or `2 dba+sre` is a clause, `,` stands between clauses, `;` between stages, `!2` says how many noes end a stage.
fn staged(text: &str) -> Workflow {
    let mut workflow = workflow();
    workflow.approve = text.split(';').map(stage).collect();
    workflow
}

fn stage(text: &str) -> Stage {
    let (text, denials) = text.split_once('!').map_or((text, 1), |(text, count)| (text, count.trim().parse().unwrap()));
    let clause = |text: &str| {
        let (quorum, names) = text.trim().split_once(' ').unwrap();
        let by = names.trim().split('+').map(|name| Who::parse(&format!("group:{name}")).unwrap()).collect();
        Clause { quorum: quorum.parse().unwrap(), by }
    };
    let clauses = text.split(',').map(clause).collect();
    Stage { clauses, denials, ..Stage::of(1, Vec::new(), OwnRequest::Never) }
}

/// What is missing, stage by stage, and who is counted for what.
fn stands(story: &Story) -> String {
    let mut text = String::new();
    let approval = story.request.approval();
    for stage in &approval.stages {
        let mut parts = Vec::new();
        for clause in &stage.clauses {
            let names: Vec<&str> = clause.yeses.iter().map(|one| one.person().unwrap().name.as_str()).collect();
            let by: Vec<String> = clause.clause.by.iter().map(ToString::to_string).collect();
            parts.push(format!("{} [{}] lacks {}", by.join("+"), names.join(" "), clause.missing));
        }
        let noes = if stage.noes.is_empty() { String::new() } else { format!(", {} noes", stage.noes.len()) };
        let open = if approval.open().is_some_and(|open| open.index == stage.index) { "* " } else { "" };
        write!(text, "{open}{}{noes}; ", parts.join(", ")).unwrap();
    }
    format!("{text}{}", story.request.state.word())
}

/// Presses one after the other: `bob` says yes, `-bob` says no. A line for each, and what is so in the end.
fn told(rules: &str, people: &[(&str, &str)], presses: &str) -> String {
    let mut story = Story::of(ask(staged(rules)));
    story.tell(Event::ApproversFound { stage: 0, people: Vec::new() });
    let mut lines = Vec::new();
    for press in presses.split_whitespace() {
        let (name, button) = press.strip_prefix('-').map_or((press, approve()), |name| (name, deny()));
        let groups = people.iter().find(|(known, _)| *known == name).unwrap().1;
        let before = story.request.clone();
        story.press(&person(name, groups), button);
        lines.push(format!("{press}: {}", words(&before, &story)));
    }
    lines.push(stands(&story));
    lines.join("\n")
}

#[test]
fn stages_open_one_after_the_other() {
    let people = [("bob", "dba"), ("carol", "dba security"), ("dave", "security"), ("erin", "sre")];
    insta::assert_snapshot!(told("1 dba; 2 security", &people, "dave bob bob carol erin dave"), @"
    dave: noted, tell UDAVE no: their stage comes later
    bob: noted, tell thread approved, find approvers of stage 2, show #access
    bob: tell UBOB no: decided before
    carol: noted, tell thread approved, show #access
    erin: noted, tell UERIN no: not an approver
    dave: APPROVED, tell thread approved, identify UALICE to start, show #access
    group:dba [bob] lacks 0; group:security [carol dave] lacks 0; approved
    ");
}

#[test]
fn a_clause_is_met_by_whoever_helps_most_and_never_by_one_person_twice() {
    let people = [("carol", "dba security"), ("bob", "dba"), ("dave", "security"), ("erin", "dba")];
    insta::assert_snapshot!(told("1 dba, 1 security", &people, "carol bob"), @"
    carol: noted, tell thread approved, show #access
    bob: APPROVED, tell thread approved, identify UALICE to start, show #access
    group:dba [bob] lacks 0, group:security [carol] lacks 0; approved
    ");
    insta::assert_snapshot!(told("1 dba, 1 security", &people, "bob erin carol"), @"
    bob: noted, tell thread approved, show #access
    erin: noted, tell UERIN no: enough of theirs have approved
    carol: APPROVED, tell thread approved, identify UALICE to start, show #access
    group:dba [bob] lacks 0, group:security [carol] lacks 0; approved
    ");
    insta::assert_snapshot!(told("2 dba, 1 security", &people, "carol carol bob erin"), @"
    carol: noted, tell thread approved, show #access
    carol: tell UCAROL no: decided before
    bob: noted, tell thread approved, show #access
    erin: APPROVED, tell thread approved, identify UALICE to start, show #access
    group:dba [bob erin] lacks 0, group:security [carol] lacks 0; approved
    ");
    insta::assert_snapshot!(told("1 dba; 1 dba", &people, "bob bob erin"), @"
    bob: noted, tell thread approved, find approvers of stage 2, show #access
    bob: tell UBOB no: decided before
    erin: APPROVED, tell thread approved, identify UALICE to start, show #access
    group:dba [bob] lacks 0; group:dba [erin] lacks 0; approved
    ");
}

#[test]
fn as_many_noes_as_a_stage_says_end_it() {
    let people = [("bob", "dba"), ("carol", "dba security"), ("dave", "security"), ("erin", "security")];
    insta::assert_snapshot!(told("2 dba", &people, "bob -carol"), @"
    bob: noted, tell thread approved, show #access
    -carol: ENDED denied, show #access, tell thread denied, tell UALICE denied
    group:dba [bob] lacks 1, 1 noes; ended
    ");
    insta::assert_snapshot!(told("1 dba !2; 1 security !2", &people, "-bob bob carol -dave -erin"), @"
    -bob: noted, show #access, tell thread denied, tell UALICE denied
    bob: tell UBOB no: decided before
    carol: noted, tell thread approved, find approvers of stage 2, show #access
    -dave: noted, show #access, tell thread denied, tell UALICE denied
    -erin: ENDED denied, show #access, tell thread denied, tell UALICE denied
    group:dba [carol] lacks 0, 1 noes; group:security [] lacks 1, 2 noes; ended
    ");
    insta::assert_snapshot!(told("1 dba; 1 security !2", &people, "bob -dave -dave carol"), @"
    bob: noted, tell thread approved, find approvers of stage 2, show #access
    -dave: noted, show #access, tell thread denied, tell UALICE denied
    -dave: tell UDAVE no: decided before
    carol: APPROVED, tell thread approved, identify UALICE to start, show #access
    group:dba [bob] lacks 0; group:security [carol] lacks 0, 1 noes; approved
    ");
}

#[test]
fn a_press_counts_for_the_stage_that_is_open_when_it_is_known_who_pressed() {
    let (bob, carol) = (person("bob", "dba"), person("carol", "dba security"));
    let mut story = Story::of(ask(staged("1 dba; 1 security")));
    let first = story.begin_press(&bob, approve()).unwrap();
    let second = story.begin_press(&carol, approve()).unwrap();
    story.end_press(first, bob);
    assert_eq!(story.request.state, State::Pending);
    story.end_press(second, carol);
    assert_eq!(story.request.state, State::Approved);
    assert_eq!(story.request.decisions.iter().map(|one| one.stage).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn whoever_decides_in_the_next_stage_is_asked_when_it_opens() {
    let mut workflow = staged("1 dba; 1 security");
    workflow.announce = None;
    let mut story = Story::of(ask(workflow));
    let mut lines = Vec::new();
    let tell = |story: &mut Story, event: Event| {
        let before = story.request.clone();
        story.tell(event);
        words(&before, story)
    };
    let found = |stage, people: &[&str]| {
        let people = people.iter().map(|name| format!("U{}", name.to_uppercase())).collect();
        Event::ApproversFound { stage, people }
    };
    lines.push(tell(&mut story, found(0, &["bob", "carol"])));
    lines.push(tell(&mut story, found(1, &["dave"])));
    story.press(&person("bob", "dba"), approve());
    lines.push(words(&story.request.clone(), &story));
    lines.push(tell(&mut story, found(0, &["erin"])));
    lines.push(tell(&mut story, found(1, &["carol", "dave"])));
    lines.push(tell(&mut story, found(1, &["erin"])));
    insta::assert_snapshot!(lines.join("\n"), @"
    cards [UBOB UCAROL], show UBOB, show UCAROL
    -
    find approvers of stage 2, show UBOB, show UCAROL
    -
    cards [UBOB UCAROL UDAVE], tell UCAROL stageopened, tell UALICE stageopened, show UBOB, show UCAROL, show UDAVE
    -
    ");
    assert_eq!(story.request.asked_now(), ["UCAROL", "UDAVE"]);
    assert_eq!(story.request.everybody_asked(), ["UBOB", "UCAROL", "UDAVE"]);
}

#[test]
fn a_stage_that_nobody_can_decide_in_ends_a_request_that_only_they_would_see() {
    let mut workflow = staged("1 dba; 1 security");
    workflow.announce = None;
    let mut story = Story::of(ask(workflow));
    story.tell(Event::ApproversFound { stage: 0, people: vec!["UBOB".to_owned()] });
    story.press(&person("bob", "dba"), approve());
    let before = story.request.clone();
    story.tell(Event::ApproversFound { stage: 1, people: Vec::new() });
    insta::assert_snapshot!(words(&before, &story), @"ENDED failed, show UBOB, tell UALICE failed");
}

#[test]
fn a_channel_that_takes_no_card_when_a_stage_opens_is_no_end_of_the_request() {
    let mut story = Story::of(ask(staged("1 dba; 1 security")));
    story.tell(Event::ApproversFound { stage: 0, people: vec!["UBOB".to_owned()] });
    story.press(&person("bob", "dba"), approve());
    let place = Place::Channel("#access".to_owned());
    story.tell(Event::NotShown { place, failure: super::story::failure(false) });
    assert_eq!((story.request.state, story.request.cards.len()), (State::Pending, 0));
    let before = story.request.clone();
    story.tell(Event::ApproversFound { stage: 1, people: vec!["UDAVE".to_owned()] });
    insta::assert_snapshot!(words(&before, &story), @"cards [UDAVE], tell thread stageopened, tell UALICE stageopened, show UDAVE");
}

#[test]
fn own_requests_are_decided_as_the_open_stage_says() {
    let mut workflow = staged("1 dba; 1 security");
    workflow.approve[0].own_request = OwnRequest::Allow;
    workflow.approve[1].own_request = OwnRequest::Confirm;
    let own = |groups: &str| Person { belongs: person("x", groups).belongs, ..alice() };
    let mut story = Story::of(ask(workflow.clone()));
    story.press(&own("dba"), approve());
    assert_eq!(story.request.decisions.len(), 1, "allowed in the first");
    let mut story = Story::of(ask(workflow));
    story.press(&person("bob", "dba"), approve());
    story.press(&own("security"), approve());
    assert_eq!(story.request.decisions.len(), 1, "to be confirmed in the second");
    story.press(&own("security"), Button::Approve { confirmed: true, hold_ms: None });
    assert_eq!(story.request.state, State::Approved);
}

/// The same rules, by trying everything: whether these people can fill those places, each once.
fn can_fill(places: &[Vec<Who>], people: &[&Person]) -> bool {
    let Some((first, rest)) = places.split_first() else { return true };
    people.iter().enumerate().any(|(index, person)| {
        let others: Vec<&Person> =
            people.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, person)| *person).collect();
        first.iter().any(|who| person.belongs.contains(who)) && can_fill(rest, &others)
    })
}

/// What the model knows: the votes that counted, with their stage, as lists of humans.
#[derive(Default)]
struct Model {
    yes: Vec<Vec<Person>>,
    no: Vec<Vec<Person>>,
}

impl Model {
    fn is_met(&self, stage: usize, rules: &Stage) -> bool {
        let places = |clause: &Clause| vec![clause.by.clone(); clause.quorum as usize];
        let places: Vec<Vec<Who>> = rules.clauses.iter().flat_map(places).collect();
        can_fill(&places, &self.yes[stage].iter().collect::<Vec<_>>())
    }

    fn open(&self, workflow: &Workflow) -> Option<usize> {
        let is_denied = |(stage, rules): (usize, &Stage)| self.no[stage].len() >= rules.denials as usize;
        if workflow.approve.iter().enumerate().any(is_denied) {
            return None;
        }
        workflow.approve.iter().enumerate().position(|(stage, rules)| !self.is_met(stage, rules))
    }

    /// The most places of a stage that these people fill.
    fn filled(rules: &Stage, people: &[Person]) -> usize {
        let places = rules.clauses.iter().flat_map(|clause| vec![clause.by.clone(); clause.quorum as usize]);
        let places: Vec<Vec<Who>> = places.collect();
        let count = places.len();
        (0..1_u32 << count)
            .filter(|mask| {
                let some: Vec<Vec<Who>> =
                    (0..count).filter(|bit| mask & (1 << bit) != 0).map(|bit| places[bit].clone()).collect();
                can_fill(&some, &people.iter().collect::<Vec<_>>())
            })
            .map(u32::count_ones)
            .max()
            .unwrap_or(0) as usize
    }

    /// Whether this press counts, and then it is counted.
    fn press(&mut self, workflow: &Workflow, person: &Person, is_yes: bool) -> bool {
        let decided = self.yes.iter().chain(&self.no).flatten().any(|before| before.is_same_human(person));
        let Some(stage) = self.open(workflow) else { return false };
        let rules = &workflow.approve[stage];
        let may = rules.clauses.iter().flat_map(|clause| &clause.by).any(|who| person.belongs.contains(who));
        let own = person.is_same_human(&alice());
        if decided || !may || own || person.standing != Standing::Member {
            return false;
        }
        let votes = if is_yes { &mut self.yes[stage] } else { &mut self.no[stage] };
        let mut more = votes.clone();
        more.push(person.clone());
        if is_yes && Self::filled(rules, &more) == Self::filled(rules, votes) {
            return false;
        }
        votes.push(person.clone());
        true
    }
}

fn any_stage() -> impl Strategy<Value = Stage> {
    let groups = || prop::sample::subsequence(vec!["a", "b", "c"], 1..3);
    let clause = (1..3_u32, groups()).prop_map(|(quorum, names)| {
        let by = names.into_iter().map(|name| Who::parse(&format!("group:{name}")).unwrap()).collect();
        Clause { quorum, by }
    });
    (prop::collection::vec(clause, 1..3), 1..3_u32).prop_map(|(clauses, denials)| Stage {
        clauses,
        denials,
        ..Stage::of(1, Vec::new(), OwnRequest::Never)
    })
}

/// Everybody there is: in any groups, some with a second account, alice herself and a guest.
fn company() -> impl Strategy<Value = Vec<Person>> {
    let groups = prop::sample::subsequence(vec!["a", "b", "c"], 0..4);
    prop::collection::vec((groups, any::<bool>()), 6).prop_map(|list| {
        let mut people = Vec::new();
        for (index, (groups, has_second)) in list.into_iter().enumerate() {
            let login = Some(format!("p{index}@example.com"));
            let one = Person { login, ..person(&format!("p{index}"), &groups.join(" ")) };
            if has_second {
                people.push(Person { slack_id: format!("{}X", one.slack_id), ..one.clone() });
            }
            people.push(one);
        }
        people.push(Person { belongs: person("x", "a b c").belongs, ..alice() });
        people.push(Person { standing: Standing::Guest, ..person("guest", "a b c") });
        people
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Clicks of anybody in any order, looked up in another order: what counts is what the model counts, and nothing begins before
    /// every clause of every stage is met by different people.
    #[test]
    fn no_race_of_clicks_counts_otherwise_than_the_model(
        stages in prop::collection::vec(any_stage(), 1..4),
        people in company(),
        clicks in prop::collection::vec((any::<prop::sample::Index>(), prop::bool::weighted(0.85), 0..3_usize), 0..40),
    ) {
        let workflow = Workflow { approve: stages, ..workflow() };
        let mut story = Story::of(ask(workflow.clone()));
        let count = workflow.approve.len();
        let mut model = Model { yes: vec![Vec::new(); count], no: vec![Vec::new(); count] };
        let mut waiting: Vec<(u32, Person, bool)> = Vec::new();
        for (who, is_yes, later) in clicks {
            let by = who.get(&people).clone();
            let button = if is_yes { approve() } else { deny() };
            if let Some(number) = story.begin_press(&by, button) {
                waiting.push((number, by, is_yes));
            }
            // Some are looked up at once, the newest first, others wait for the next round.
            for _ in later..2 {
                let Some((number, by, is_yes)) = waiting.pop() else { break };
                let was_pending = story.request.state == State::Pending;
                let before = story.request.decisions.len();
                story.end_press(number, by.clone());
                let counted = was_pending && model.press(&workflow, &by, is_yes);
                prop_assert_eq!(story.request.decisions.len() - before, usize::from(counted), "{} {}", by.name, stands(&story));
                prop_assert_eq!(story.request.approval().open().map(|open| open.index), model.open(&workflow));
            }
            let all_met = (0..count).all(|stage| model.is_met(stage, &workflow.approve[stage]));
            let denied = (0..count).any(|stage| model.no[stage].len() >= workflow.approve[stage].denials as usize);
            let expected = if denied { State::Ended } else if all_met { State::Approved } else { State::Pending };
            prop_assert_eq!(story.request.state, expected, "{}", stands(&story));
        }
    }
}

#[test]
fn a_stale_press_on_another_text_counts_in_no_stage() {
    let mut story = Story::of(ask(staged("1 dba; 1 security")));
    let Event::Pressed { by, button, channel, on, .. } = pressed(&person("bob", "dba"), approve()) else { return };
    story.tell(Event::Pressed { by, button, channel, on, seal: "another".to_owned() });
    story.tell(Event::identified(Purpose::Press { number: 1 }, person("bob", "dba")));
    assert!(story.request.decisions.is_empty());
    let refused = story.request.apply(pressed(&person("bob", "dba"), approve()), super::story::moment(story.now));
    assert!(
        !format!("{:?}", refused.effects).contains(&format!("{:?}", Refusal::Altered)),
        "the right one is looked at"
    );
}
