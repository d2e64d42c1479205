//! How long rules take without anybody outside: one decision by guardrails, the explanation of everything to everybody, and reading a
//! thousand workflows. Prints numbers, decides nothing.
//!
//! `cargo bench --bench rules`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "it measures, and stops at the first thing that is not as it should be"
)]

use std::sync::Arc;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use nightlatch::catalog::Catalog;
use nightlatch::explain::impact::{Rules, impact};
use nightlatch::explain::snapshot::{Known, Snapshot, VERSION};
use nightlatch::kernel::guardrail::{Action, Counts, Facts, Local, Ruling};
use nightlatch::kernel::{Person, Standing, Who};
use nightlatch::steps::TYPES;
use nightlatch_guardrails::{Guardrails, SourceFile};

const PEOPLE: usize = 5_000;
const GROUPS: usize = 40;
const GUARDRAILS: usize = 50;
const WORKFLOWS: usize = 200;
const FILES: usize = 1_000;
/// Sunday 2026-03-01 21:00 UTC.
const AT: i64 = 1_772_398_800_000;

/// Everybody is in some of the groups: about a thousand different ways.
fn person(number: usize) -> Person {
    let groups = (0..GROUPS).filter(|group| (number * 7 + group * 13).is_multiple_of(11) || number % GROUPS == *group);
    Person {
        slack_id: format!("U{number:08}"),
        name: format!("Person {number}"),
        email: Some(format!("person{number}@example.com")),
        login: Some(format!("person{number}@example.com")),
        standing: Standing::Member,
        belongs: groups.map(|group| Who::TailnetGroup(format!("group:g{group}"))).collect(),
    }
}

fn guardrails() -> Guardrails {
    let one = |number: usize| {
        format!(
            "@id(\"g{number}\") @reason(\"r\") forbid (principal in Group::\"group:g{}\", action in [Action::\"ask\", \
             Action::\"approve\"], resource) when {{ resource.labels.contains(\"l{number}\") && context.hold > 3600 && \
             (context.local.hour < 8 || context.local.hour >= 18) }};\n",
            number % GROUPS
        )
    };
    let text = (0..GUARDRAILS).map(one).collect();
    let file = SourceFile { path: "g.cedar".to_owned(), stem: "g".to_owned(), text };
    nightlatch_guardrails::read(vec![file], nightlatch_guardrails::Known::default()).expect("good guardrails")
}

fn facts(number: usize) -> Facts {
    Facts {
        action: if number.is_multiple_of(2) { Action::Ask } else { Action::Approve },
        who: person(number),
        zone: "Europe/Berlin".to_owned(),
        requester: (number % 2 == 1).then(|| person(number + 1)),
        requester_zone: Some("Europe/Berlin".to_owned()),
        workflow: format!("w{}", number % WORKFLOWS),
        labels: vec![format!("l{}", number % GUARDRAILS)],
        reason: "INC-1204".to_owned(),
        hold_ms: 7_200_000,
        local: Local { hour: i64::try_from(number % 24).unwrap(), weekday: "wed".to_owned() },
        counts: Counts::default(),
        device: None,
        stage: Some((1, "never".to_owned())),
    }
}

fn at(sorted: &[Duration], share: f64) -> Duration {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a place in a list"
    )]
    let place = (sorted.len() as f64 * share) as usize;
    sorted[place.min(sorted.len() - 1)]
}

fn decisions() {
    let guardrails = guardrails();
    let all: Vec<Facts> = (0..PEOPLE).map(facts).collect();
    let mut taken = Vec::with_capacity(PEOPLE);
    let mut noes = 0;
    for facts in &all {
        let begun = Instant::now();
        let verdict = guardrails.judge(facts);
        taken.push(begun.elapsed());
        assert_ne!(verdict.ruling, Ruling::Broken);
        noes += usize::from(verdict.no().is_some());
    }
    taken.sort_unstable();
    println!(
        "one decision of {GUARDRAILS} guardrails ({noes} of {PEOPLE} were a no): p50 {:?}, p99 {:?}, p99.9 {:?}",
        at(&taken, 0.5),
        at(&taken, 0.99),
        at(&taken, 0.999)
    );
}

fn workflow(number: usize) -> String {
    format!(
        "nightlatch: 1\ntitle: Workflow {number}\nlabels: [l{}]\ninputs:\n  hold: {{ type: duration, default: 2h, max: 8h }}\n  reason: {{ type: text }}\n  \
         device: {{ type: device }}\nask: [group:g{}, group:g{}]\napprove:\n  - by: [group:g{}]\n  - all_of:\n      - {{ quorum: 2, by: [group:g{}] }}\n      \
         - {{ by: [group:g{}] }}\nsteps:\n  - uses: tailscale.attribute\n    with: {{ device: \"{{{{ inputs.device }}}}\", key: custom:w{number}, value: true }}\n",
        number % GUARDRAILS,
        number % GROUPS,
        (number + 1) % GROUPS,
        (number + 2) % GROUPS,
        (number + 3) % GROUPS,
        (number + 4) % GROUPS,
    )
}

fn folder(count: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for number in 0..count {
        std::fs::write(folder.path().join(format!("w{number}.yaml")), workflow(number)).expect("a file");
    }
    folder
}

fn explaining() {
    let folder = folder(WORKFLOWS);
    let catalog = Catalog::read(folder.path(), TYPES).expect("good workflows");
    let workflows: BTreeMap<_, _> = catalog.workflows().map(|one| (one.name.clone(), one.clone())).collect();
    let old = Rules { workflows: workflows.clone(), guardrails: None, staff: Arc::default() };
    let new = Rules { workflows, guardrails: Some(guardrails()), staff: Arc::default() };
    let known = |number| Known { person: person(number), zone: None, device: None, unread: Vec::new() };
    let people = (0..PEOPLE).map(known).collect();
    let snapshot = Snapshot { nightlatch_snapshot: VERSION, at: AT, rules: Vec::new(), people };
    let begun = Instant::now();
    let changes = impact(&old, &new, &snapshot, AT);
    println!(
        "{PEOPLE} people and {WORKFLOWS} workflows judged twice, by old rules and by new: {:?} ({} changes)",
        begun.elapsed(),
        changes.len()
    );
}

fn reading() {
    let folder = folder(FILES);
    let mut taken: Vec<Duration> = (0..7)
        .map(|_| {
            let begun = Instant::now();
            assert_eq!(Catalog::read(folder.path(), TYPES).expect("good workflows").len(), FILES);
            begun.elapsed()
        })
        .collect();
    taken.sort_unstable();
    println!("{FILES} workflows read and checked: {:?} (the middle of {})", taken[taken.len() / 2], taken.len());
}

fn main() {
    decisions();
    reading();
    explaining();
}
