//! `approve:` of a workflow: the stages of approval, in order, and who decides in each.

use std::collections::BTreeMap;

use super::keys;
use super::people::{Part, names};
use crate::config::sheet::{Fields, Sheet};
use crate::config::yaml::{Node, Value};
use crate::inputs::length::length;
use crate::kernel::matching;
use crate::kernel::person::Who;
use crate::kernel::workflow::{Clause, OwnRequest, Stage, Tier};

/// A quorum nobody could bring together is a typing mistake.
const QUORUM_MAX: i64 = 20;
/// More stages than this are no approval but an obstacle.
const STAGES_MAX: usize = 10;
/// Clauses of one stage.
const CLAUSES_MAX: usize = 10;
/// Of all stages together.
const PEOPLE_MAX: u32 = 50;
/// Stands on the card beside what is missing.
const NAME_MAX: usize = 48;
/// Of one stage.
const TIERS_MAX: usize = 5;
const REMIND_MIN_MS: i64 = 60_000;

/// The stages of approval.
pub(super) fn approve(sheet: &mut Sheet, fields: &Fields) -> Option<Vec<Stage>> {
    const HELP: &str = "say who decides: approve: with - by: [group:dba]";
    let node = sheet.required(fields, "approve", HELP)?;
    // Written out: nobody has to decide.
    if matches!(&node.value, Value::List(list) if list.is_empty()) {
        return Some(Vec::new());
    }
    stages(sheet, node)
}

/// A list of stages.
pub(super) fn stages(sheet: &mut Sheet, node: &Node) -> Option<Vec<Stage>> {
    let stages = match &node.value {
        Value::Map(_) => {
            sheet.mistake(
                node.place,
                "`approve` must be a list of stages",
                Some("put a - before its first line".into()),
            );
            std::slice::from_ref(node)
        }
        Value::Text(_) | Value::Flag(_) | Value::Nothing => {
            let help = "write - by: [group:dba], and own_request: allow to let those people approve for themselves; approve: [] if \
                        nobody has to decide";
            sheet.mistake(node.place, "`approve` must be a list of stages", Some(help.to_owned()));
            return None;
        }
        _ => sheet.list(node, "`approve`")?,
    };
    if let Some(more) = stages.get(STAGES_MAX) {
        let help = "people have to get through all of them; put clauses into one stage with `all_of`";
        sheet.mistake(more.place, format!("`approve` has more than {STAGES_MAX} stages"), Some(help.to_owned()));
    }
    let stages: Vec<Option<Stage>> = stages.iter().take(STAGES_MAX).map(|node| stage(sheet, node)).collect();
    let stages = stages.into_iter().collect::<Option<Vec<Stage>>>()?;
    let people = stages.iter().flat_map(|stage| &stage.clauses).map(Clause::needed).sum::<u32>();
    if people > PEOPLE_MAX {
        let message = format!("`approve` takes {people} different people");
        sheet.mistake(node.place, message, Some(format!("at most {PEOPLE_MAX}, in all stages together")));
    }
    Some(stages)
}

/// Where everybody is named by e-mail, we know who there is: whether different people can meet all of it, whoever asks.
pub(super) fn can_be_met(sheet: &mut Sheet, node: &Node, ask: &[Who], stages: &[Stage]) {
    if !are_enough(stages, None) {
        let help = "one person counts once in a request, in whatever stage or clause; name more people, or a group";
        sheet.mistake(node.place, "`approve` takes more different people than it names", Some(help.to_owned()));
        return;
    }
    // The device is the requester's own, whoever that is.
    let own = |clause: &Clause| clause.by.iter().all(|who| *who == Who::DeviceOwner);
    if stages.iter().any(|stage| stage.own_request == OwnRequest::Never && stage.clauses.iter().any(own)) {
        let message = "`device.owner` is whoever asks, and nobody approves their own request";
        let help = "name somebody else, or write own_request: confirm";
        sheet.mistake(node.place, message, Some(help.to_owned()));
        return;
    }
    // A group that may ask has others in it.
    if ask.iter().any(|who| !matches!(who, Who::Email(_))) {
        return;
    }
    // One who cannot be approved is told when they ask; a file that lends nobody anything is a mistake.
    if ask.iter().all(|asker| !are_enough(stages, Some(asker))) {
        let message = "`approve` names too few people beside those who may ask, and nobody approves their own request";
        let help = "name somebody else, or write own_request: confirm";
        sheet.mistake(node.place, message, Some(help.to_owned()));
    }
}

/// Whether the people named by e-mail are enough for the clauses that name nobody else, without somebody who asks.
fn are_enough(stages: &[Stage], without: Option<&Who>) -> bool {
    let (mut needs, mut fits): (Vec<u32>, BTreeMap<&Who, Vec<usize>>) = (Vec::new(), BTreeMap::new());
    for (stage, clause) in stages.iter().flat_map(|stage| stage.clauses.iter().map(move |clause| (stage, clause))) {
        if clause.by.iter().any(|who| !matches!(who, Who::Email(_))) {
            continue;
        }
        let place = needs.len();
        needs.push(clause.needed());
        let counts = |who: &&Who| stage.own_request != OwnRequest::Never || Some(*who) != without;
        clause.by.iter().filter(counts).for_each(|who| fits.entry(who).or_default().push(place));
    }
    matching::can_fill(&needs, &fits.into_values().collect::<Vec<_>>())
}

fn stage(sheet: &mut Sheet, node: &Node) -> Option<Stage> {
    const OWN: &[&str] = &["never", "confirm", "allow"];
    let fields = sheet.fields(node, "a stage of `approve`", &keys::names(keys::STAGE))?;
    let name = match fields.get("name") {
        Some(node) => sheet.short_text(node, "`name`", NAME_MAX).map(|name| Some(name.trim().to_owned())),
        None => Some(None),
    };
    let clauses = clauses(sheet, &fields);
    let own_request = match fields.get("own_request") {
        Some(node) => sheet.word(node, "`own_request`", OWN),
        None => Some("never"),
    };
    let denials = match fields.get("denials") {
        Some(node) => denials(sheet, node),
        None => Some(1),
    };
    let remind_ms = match fields.get("remind") {
        Some(node) => length(sheet, node, "`remind`").filter(|ms| is_not_too_often(sheet, node, *ms)).map(Some),
        None => Some(None),
    };
    let escalate = match fields.get("escalate") {
        Some(node) => tiers(sheet, node),
        None => Some(Vec::new()),
    };
    let own_request = match own_request? {
        "allow" => OwnRequest::Allow,
        "confirm" => OwnRequest::Confirm,
        _ => OwnRequest::Never,
    };
    let (remind_ms, escalate) = (remind_ms?, escalate?);
    Some(Stage { name: name?, clauses: clauses?, own_request, denials: denials?, remind_ms, escalate })
}

fn is_not_too_often(sheet: &mut Sheet, node: &Node, ms: i64) -> bool {
    if ms < REMIND_MIN_MS {
        let help = "a minute at least; reminders come after that time, twice and four times that and so on";
        sheet.mistake(node.place, "`remind` is shorter than a minute", Some(help.to_owned()));
    }
    ms >= REMIND_MIN_MS
}

/// Who is asked too, and after which time: later ones later.
fn tiers(sheet: &mut Sheet, node: &Node) -> Option<Vec<Tier>> {
    let list = sheet.list(node, "`escalate`")?;
    if let Some(more) = list.get(TIERS_MAX) {
        sheet.mistake(more.place, format!("`escalate` has more than {TIERS_MAX} entries"), None);
        return None;
    }
    let mut tiers: Vec<Tier> = Vec::new();
    let mut is_whole = true;
    for node in list {
        let fields = sheet.fields(node, "an entry of `escalate`", &keys::names(keys::TIER));
        let read = fields.and_then(|fields| {
            let after = sheet
                .required(&fields, "after", "say when: after: 30m")
                .and_then(|node| length(sheet, node, "`after`"));
            let by = sheet
                .required(&fields, "by", "say who is asked too: by: [autogroup:admin]")
                .and_then(|node| names(sheet, node, "`by`", Part::Decide));
            Some(Tier { after_ms: after?, by: by? })
        });
        match read {
            Some(tier) if tiers.last().is_some_and(|before| before.after_ms >= tier.after_ms) => {
                let help = "put them in the order of their time, each once";
                sheet.mistake(node.place, "`after` is not later than that of the entry before", Some(help.to_owned()));
                is_whole = false;
            }
            Some(tier) => tiers.push(tier),
            None => is_whole = false,
        }
    }
    is_whole.then_some(tiers)
}

/// Whoever is reminded or asked after a request has lapsed never hears of it.
pub(super) fn come_in_time(sheet: &mut Sheet, fields: &Fields, stages: &[Stage], lapse_after_ms: i64) {
    let Some(node) = fields.get("approve") else { return };
    let late = |stage: &Stage| {
        let remind = stage.remind_ms.filter(|ms| *ms >= lapse_after_ms).map(|_| "`remind`");
        remind.or_else(|| stage.escalate.iter().any(|tier| tier.after_ms >= lapse_after_ms).then_some("`escalate`"))
    };
    if let Some(key) = stages.iter().find_map(late) {
        let lapses = crate::kernel::hold::show(lapse_after_ms);
        let help = "make it shorter, or `lapse_after` longer";
        sheet.mistake(
            node.place,
            format!("{key} comes when the request has lapsed: it does after {lapses}"),
            Some(help.to_owned()),
        );
    }
}

/// The list under `all_of`, or the one clause that the stage itself is.
fn clauses(sheet: &mut Sheet, fields: &Fields) -> Option<Vec<Clause>> {
    let Some(node) = fields.get("all_of") else { return clause(sheet, fields).map(|one| vec![one]) };
    let beside = ["quorum", "by"].into_iter().filter_map(|name| Some((name, fields.get(name)?)));
    let mut is_alone = true;
    for (name, other) in beside {
        is_alone = false;
        let help = "make it a clause of the list: all_of: with - { quorum: 2, by: [group:security] }";
        sheet.mistake(other.place, format!("`{name}` stands beside `all_of`"), Some(help.to_owned()));
    }
    let list = sheet.list(node, "`all_of`")?;
    if let Some(more) = list.get(CLAUSES_MAX) {
        sheet.mistake(more.place, format!("`all_of` has more than {CLAUSES_MAX} clauses"), None);
    }
    let read = |node| {
        let fields = sheet.fields(node, "a clause of `all_of`", &keys::names(keys::CLAUSE))?;
        clause(sheet, &fields)
    };
    let clauses: Vec<Option<Clause>> = list.iter().take(CLAUSES_MAX).map(read).collect();
    clauses.into_iter().collect::<Option<Vec<Clause>>>().filter(|_| is_alone)
}

fn clause(sheet: &mut Sheet, fields: &Fields) -> Option<Clause> {
    let by = sheet
        .required(fields, "by", "say who decides: by: [group:dba, \"@db-oncall\", bob@example.com]")
        .and_then(|node| names(sheet, node, "`by`", Part::Decide));
    let quorum = match fields.get("quorum") {
        Some(node) => quorum(sheet, node, by.as_deref()),
        None => Some(1),
    };
    Some(Clause { quorum: quorum?, by: by? })
}

/// When everybody is named by e-mail, we know how many there are.
fn quorum(sheet: &mut Sheet, node: &Node, by: Option<&[Who]>) -> Option<u32> {
    if node.value == Value::Whole(0) {
        let help = "write 1; to let people approve for themselves, write own_request: allow";
        sheet.mistake(node.place, "`quorum` is 0, and nothing is lent that nobody approved", Some(help.to_owned()));
        return None;
    }
    let number = sheet.whole_number(node, "`quorum`", 1, QUORUM_MAX)?;
    let quorum = u32::try_from(number).ok()?;
    let by = by?;
    let is_counted = by.iter().all(Who::is_one_person);
    if is_counted && u32::try_from(by.len()).is_ok_and(|count| count < quorum) {
        let people = if by.len() == 1 { "1 person".to_owned() } else { format!("{} people", by.len()) };
        let message = format!("`quorum` is {quorum}, but `by` names {people}");
        sheet.mistake(node.place, message, Some("nobody could ever be given this".to_owned()));
        return None;
    }
    Some(quorum)
}

fn denials(sheet: &mut Sheet, node: &Node) -> Option<u32> {
    if node.value == Value::Whole(0) {
        let help = "write 1, and one no ends the request, or leave it out";
        sheet.mistake(node.place, "`denials` is 0, and nobody would have to say no", Some(help.to_owned()));
        return None;
    }
    u32::try_from(sheet.whole_number(node, "`denials`", 1, QUORUM_MAX)?).ok()
}
