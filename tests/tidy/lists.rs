//! One obvious place: a thing of a known kind is a file and a line in a list, and the two agree.

use std::collections::{BTreeMap, BTreeSet};

use nightlatch::steps::TYPES;

use super::Finding;
use super::floors::dependencies_in;
use super::source::{House, Source, is_word, positions};

const WHY: &str = "a thing that is in one list and not in the other half works, and nobody notices";

fn finding(path: &str, what: String, why: &'static str) -> Finding {
    Finding { path: path.to_owned(), line: 1, what, why }
}

/// The files of a folder, by what follows the folder's name, without the ending.
fn files<'h>(house: &'h House, folder: &str, ending: &str) -> BTreeMap<&'h str, &'h Source> {
    let name = |source: &'h Source| source.path.strip_prefix(folder)?.strip_suffix(ending);
    house.sources.iter().filter_map(|source| name(source).map(|name| (name, source))).collect()
}

fn compare(path: &str, listed: &BTreeSet<String>, there: &BTreeSet<String>, kind: &str) -> Vec<Finding> {
    let missing = there.difference(listed).map(|name| format!("the {kind} {name} is not in the list"));
    let empty = listed.difference(there).map(|name| format!("the list names the {kind} {name}, which is not there"));
    missing.chain(empty).map(|what| finding(path, what, WHY)).collect()
}

/// `uses: tailscale.attribute` is `bot/steps/tailscale/attribute.rs`, and stands in the one list.
pub fn step_types(house: &House) -> Vec<Finding> {
    let checked: BTreeSet<String> = TYPES.iter().map(|one| one.uses.to_owned()).collect();
    step_types_checked(house, &checked)
}

fn step_types_checked(house: &House, checked: &BTreeSet<String>) -> Vec<Finding> {
    let list = "bot/steps/mod.rs";
    let Some(made) = house.find(list) else { return Vec::new() };
    let files: BTreeSet<String> = files(house, "bot/steps/", ".rs")
        .into_keys()
        .filter_map(|name| name.split_once('/'))
        // Beside a step type stand its parts, in a folder of its name, and what a system's types share, `mod.rs`.
        .filter(|(_, thing)| *thing != "mod" && !thing.contains('/') && !thing.starts_with("tests"))
        .map(|(system, thing)| format!("{system}.{thing}"))
        .collect();
    let made: BTreeSet<String> = files
        .iter()
        .chain(checked)
        .filter(|uses| !made.lines_with(&format!("{},", uses.replace('.', "::"))).is_empty())
        .cloned()
        .collect();
    let mut findings = compare(list, &made, &files, "step type");
    findings.extend(compare(list, checked, &files, "step type"));
    findings
}

/// `type: duration` is `bot/inputs/duration.rs`, and stands in the one list.
pub fn input_kinds(house: &House) -> Vec<Finding> {
    let listed: BTreeSet<String> = nightlatch::inputs::TYPES.iter().map(|one| one.name.to_owned()).collect();
    input_kinds_listed(house, &listed)
}

fn input_kinds_listed(house: &House, listed: &BTreeSet<String>) -> Vec<Finding> {
    let there: BTreeSet<String> = files(house, "bot/inputs/", ".rs")
        .into_keys()
        // What kinds share.
        .filter(|name| !["mod", "tests", "length", "pattern", "usual"].contains(name) && !name.contains('/'))
        .map(str::to_owned)
        .collect();
    compare("bot/inputs/mod.rs", listed, &there, "kind of input")
}

/// Every file in `bot/cli/` is a verb, and every verb is declared and run.
pub fn verbs(house: &House) -> Vec<Finding> {
    let list = "bot/cli/mod.rs";
    let Some(source) = house.find(list) else { return Vec::new() };
    let there: BTreeSet<String> = files(house, "bot/cli/", ".rs")
        .into_keys()
        .map(|name| name.trim_end_matches("/mod"))
        .filter(|name| *name != "mod" && !name.contains('/') && *name != "tests")
        .map(str::to_owned)
        .collect();
    let capital = |name: &str| name[..1].to_uppercase() + &name[1..];
    let declared = |name: &String| !source.lines_with(&format!("{}({name}::", capital(name))).is_empty();
    let run = |name: &String| !source.lines_with(&format!("Self::{}(", capital(name))).is_empty();
    let listed = there.iter().filter(|name| declared(name) && run(name)).cloned().collect();
    compare(list, &listed, &there, "verb")
}

/// Every file in `templates/slack/` is built in under its own name.
pub fn templates(house: &House) -> Vec<Finding> {
    let list = "bot/notices/engine.rs";
    let Some(source) = house.find(list) else { return Vec::new() };
    let there: BTreeSet<String> = files(house, "templates/slack/", ".txt").into_keys().map(str::to_owned).collect();
    let mut listed = BTreeSet::new();
    let mut findings = Vec::new();
    for line in source.text.lines().filter(|line| line.contains("include_str!(")) {
        let mut words = line.split('"').skip(1).step_by(2);
        let (name, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        if !path.ends_with(&format!("/templates/slack/{name}.txt")) {
            findings.push(finding(list, format!("the template {name} is read from {path}"), WHY));
        }
        listed.insert(name.to_owned());
    }
    findings.extend(compare(list, &listed, &there, "template"));
    findings
}

/// Every notice of the kernel has words.
pub fn notices(house: &House) -> Vec<Finding> {
    let path = "bot/kernel/src/effect.rs";
    let Some(source) = house.find(path) else { return Vec::new() };
    let why = "the bot's voice lives in one place, and a notice without words would be silence";
    let templates = files(house, "templates/slack/", ".txt");
    variants(&source.code, "Notice")
        .into_iter()
        .map(|variant| snake_case(&variant))
        .filter(|name| !templates.contains_key(name.as_str()))
        .map(|name| finding(path, format!("the notice {name} has no template"), why))
        .collect()
}

/// The names of an enum's variants.
fn variants(code: &str, name: &str) -> Vec<String> {
    let Some(at) = positions(code, &format!("enum {name} {{")).next() else { return Vec::new() };
    let mut names = Vec::new();
    let mut depth = 0_usize;
    for line in code[at..].lines() {
        let text = line.trim();
        if depth == 1 && text.starts_with(char::is_uppercase) {
            names.push(text.chars().take_while(|character| is_word(*character)).collect());
        }
        depth += line.matches(['{', '(']).count();
        depth -= line.matches(['}', ')']).count();
        if depth == 0 {
            break;
        }
    }
    names
}

fn snake_case(name: &str) -> String {
    let mut text = String::new();
    for character in name.chars() {
        if character.is_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.extend(character.to_lowercase());
    }
    text
}

/// `0001_ring.sql`, `0002_...`: in order, without a gap.
pub fn migrations(house: &House) -> Vec<Finding> {
    let why = "databases that exist count on the order, and a gap is a migration somebody lost";
    let mut findings = Vec::new();
    for (expected, name) in (1..).zip(files(house, "migrations/", ".sql").into_keys()) {
        if !name.starts_with(&format!("{expected:04}_")) {
            findings.push(finding(&format!("migrations/{name}.sql"), format!("is not number {expected:04}"), why));
        }
    }
    findings
}

/// Every dependency has its reason in ARCHITECTURE.md.
pub fn dependencies_have_reasons(house: &House) -> Vec<Finding> {
    let Some(architecture) = house.find("ARCHITECTURE.md") else { return Vec::new() };
    let rows: Vec<&str> = architecture.text.lines().filter(|line| line.starts_with('|')).collect();
    let named = |name: &str| {
        rows.iter().any(|row| {
            let is_part = |c: char| is_word(c) || c == '-';
            row.match_indices(name)
                .any(|(at, _)| !row[..at].ends_with(is_part) && !row[at + name.len()..].starts_with(is_part))
        })
    };
    dependencies(house, &["[dependencies]", "[dev-dependencies]"])
        .filter(|(.., name)| !named(name))
        .map(|(path, line, name)| {
            let what = format!("{name} has no reason in the table of ARCHITECTURE.md");
            Finding { path: path.to_owned(), line, what, why: FEW }
        })
        .collect()
}

/// No dependency of the program is there for nothing.
pub fn dependencies_are_used(house: &House) -> Vec<Finding> {
    let is_used = |manifest: &str, name: &str| {
        let folder = manifest.trim_end_matches("Cargo.toml");
        let word = name.replace('-', "_");
        // The bot's folder is the whole house; the other crates have dependencies of their own.
        let others: Vec<&str> = MANIFESTS
            .iter()
            .map(|other| other.trim_end_matches("Cargo.toml"))
            .filter(|other| other.len() > folder.len())
            .collect();
        let is_others = |path: &str| folder.is_empty() && others.iter().any(|other| path.starts_with(other));
        let mut near = house.rust().filter(|source| source.path.starts_with(folder) && !is_others(&source.path));
        let names = |line: &str| positions(line, &word).any(|at| !line[at + word.len()..].starts_with(is_word));
        near.any(|source| source.code.lines().any(names))
    };
    dependencies(house, &["[dependencies]"])
        .filter(|(path, _, name)| !is_used(path, name))
        .map(|(path, line, name)| Finding {
            path: path.to_owned(),
            line,
            what: format!("{name} is used nowhere"),
            why: FEW,
        })
        .collect()
}

const FEW: &str = "few, well-kept dependencies: each one is somebody else's code that runs with our tokens";

/// Every crate's.
const MANIFESTS: [&str; 6] = [
    "Cargo.toml",
    "bot/planted/Cargo.toml",
    "bot/clock/Cargo.toml",
    "bot/golink/Cargo.toml",
    "bot/kernel/Cargo.toml",
    "bot/playground/Cargo.toml",
];

/// Manifest, line and name of everything we did not write.
fn dependencies(house: &House, sections: &[&str]) -> impl Iterator<Item = (&'static str, usize, String)> {
    let mut all = Vec::new();
    for path in MANIFESTS {
        let text = house.find(path).map_or("", |source| source.text.as_str());
        for section in sections {
            all.extend(dependencies_in(text, section).into_iter().map(|(line, name)| (path, line, name)));
        }
    }
    all.into_iter().filter(|(.., name)| !name.starts_with("nightlatch"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(findings: Vec<Finding>) -> Vec<String> {
        findings.into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn a_step_type_that_is_half_there_is_found() {
        let checked = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let house = House::of(&[
            ("bot/steps/mod.rs", "list! {\n    tailscale::attribute,\n}"),
            ("bot/steps/tailscale/mod.rs", ""),
            ("bot/steps/tailscale/attribute.rs", ""),
            ("bot/steps/tailscale/attribute/holding.rs", ""),
        ]);
        assert_eq!(told(step_types_checked(&house, &checked(&["tailscale.attribute"]))), Vec::<String>::new());
        assert_eq!(
            told(step_types_checked(&house, &checked(&["tailscale.attribute", "golink.link"]))),
            ["the list names the step type golink.link, which is not there"]
        );
        assert_eq!(told(step_types_checked(&house, &checked(&[]))).len(), 1);
        let house = House::of(&[("bot/steps/mod.rs", ""), ("bot/steps/golink/link.rs", "")]);
        assert_eq!(
            told(step_types_checked(&house, &checked(&["golink.link"]))),
            ["the step type golink.link is not in the list"]
        );
    }

    #[test]
    fn a_kind_of_input_that_is_half_there_is_found() {
        let house = House::of(&[
            ("bot/inputs/mod.rs", ""),
            ("bot/inputs/length.rs", ""),
            ("bot/inputs/text.rs", ""),
            ("bot/inputs/person.rs", ""),
            ("bot/inputs/person/looks.rs", ""),
        ]);
        let listed = ["text", "flag"].map(str::to_owned).into_iter().collect();
        assert_eq!(
            told(input_kinds_listed(&house, &listed)),
            [
                "the kind of input person is not in the list",
                "the list names the kind of input flag, which is not there"
            ]
        );
    }

    #[test]
    fn a_verb_that_is_half_there_is_found() {
        let list =
            "enum Verb { Check(check::Check), Plan(plan::Plan) }\nmatch self { Self::Check(verb) => verb.run() }";
        let house = House::of(&[("bot/cli/mod.rs", list), ("bot/cli/check.rs", ""), ("bot/cli/plan.rs", "")]);
        assert_eq!(told(verbs(&house)), ["the verb plan is not in the list"]);
        let house = House::of(&[("bot/cli/mod.rs", list), ("bot/cli/check.rs", ""), ("bot/cli/check/report.rs", "")]);
        assert_eq!(told(verbs(&house)), Vec::<String>::new());
    }

    #[test]
    fn a_template_that_is_not_built_in_is_found() {
        let list = "(\"card\", include_str!(\"../../templates/slack/card.txt\")),\n(\"ended\", include_str!(\"../../templates/slack/end.txt\")),";
        let house = House::of(&[
            ("bot/notices/engine.rs", list),
            ("templates/slack/card.txt", ""),
            ("templates/slack/end.txt", ""),
        ]);
        assert_eq!(
            told(templates(&house)),
            [
                "the template ended is read from ../../templates/slack/end.txt",
                "the template end is not in the list",
                "the list names the template ended, which is not there"
            ]
        );
    }

    #[test]
    fn a_notice_without_words_is_found() {
        let code = "pub enum Other { X }\npub enum Notice {\n    Decided {\n        By: String,\n    },\n    EndsSoon,\n    Gone(u8),\n}\nenum More { Y }";
        let house = House::of(&[
            ("bot/kernel/src/effect.rs", code),
            ("templates/slack/decided.txt", ""),
            ("templates/slack/gone.txt", ""),
        ]);
        assert_eq!(told(notices(&house)), ["the notice ends_soon has no template"]);
    }

    #[test]
    fn a_gap_between_migrations_is_found() {
        let house = House::of(&[("migrations/0001_a.sql", ""), ("migrations/0003_b.sql", "")]);
        assert_eq!(told(migrations(&house)), ["is not number 0002"]);
        assert_eq!(
            told(migrations(&House::of(&[("migrations/0001_a.sql", ""), ("migrations/0002_b.sql", "")]))),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_dependency_without_a_reason_or_a_use_is_found() {
        let house = House::of(&[
            ("Cargo.toml", "[dependencies]\nserde = \"1\"\nserde_json = \"1\"\n[dev-dependencies]\nleft-pad = \"1\""),
            ("ARCHITECTURE.md", "left-pad is nice\n| serde_json | JSON |"),
            ("bot/a.rs", "use serde_json::Value;\nleft_pad(\"serde\") // serde"),
        ]);
        assert_eq!(
            told(dependencies_have_reasons(&house)),
            [
                "serde has no reason in the table of ARCHITECTURE.md",
                "left-pad has no reason in the table of ARCHITECTURE.md"
            ]
        );
        assert_eq!(told(dependencies_are_used(&house)), ["serde is used nowhere"]);
    }
}
