//! Whether the configuration has what workflows name: programs, secrets, and the hosts and programs they are to go to.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::catalog::Catalog;
use crate::config::words::{nearest, quoted};
use crate::config::{Folders, Mistake, Report};
use crate::kernel::step_type::{STAYS, SettingKind, find};
use crate::kernel::workflow::StepUse;
use crate::kernel::{StepType, Workflow};
use crate::steps::filled::secrets_named;
use crate::steps::http::request::host_of;

/// Every secret that a workflow names and the configuration does not, or lets go elsewhere only. Without a configuration that can be
/// read nothing is said.
pub fn missing(catalog: &Catalog, folders: &Folders, types: &[StepType]) -> Report {
    let mut report = Report::default();
    for workflow in catalog.workflows() {
        for step in &workflow.steps {
            for (message, help) in of_step(step, folders, types) {
                report.mistakes.push(Mistake::whole(file(folders, workflow), message, Some(help)));
            }
        }
    }
    report
}

fn file(folders: &Folders, workflow: &Workflow) -> String {
    folders.workflows.join(format!("{}.yaml", workflow.name)).display().to_string()
}

/// Where links stand at a golink none can be deleted.
fn at_golink(step: &StepUse, folders: &Folders) -> Vec<(String, String)> {
    if !folders.golink || step.uses != "golink.link" || step.with.contains_key(STAYS) {
        return Vec::new();
    }
    let message =
        format!("the step {} would delete its link, and a golink lets only its own page do that", quoted(step.name()));
    let help = "add stays: true beside `uses`, if the link can stay; or take `golink` out of nightlatch.yaml";
    vec![(message, help.to_owned())]
}

fn of_step(step: &StepUse, folders: &Folders, types: &[StepType]) -> Vec<(String, String)> {
    let mut found = at_golink(step, folders);
    let kind_of = |name: &str| {
        let kind = find(types, &step.uses)?;
        kind.settings.iter().find(|setting| setting.name == name).map(|setting| setting.kind)
    };
    let runs = step.with.iter().filter(|(name, _)| kind_of(name) == Some(SettingKind::Argv));
    let programs: Vec<(&str, &str)> = runs.filter_map(|(name, argv)| Some((name.as_str(), literal(argv)?))).collect();
    if let Some(listed) = &folders.programs {
        found.extend(programs.iter().filter_map(|(name, program)| unlisted(name, program, listed)));
    }
    let Some(known) = &folders.secrets else { return found };
    for (name, value) in &step.with {
        let places: Vec<String> = match kind_of(name) {
            Some(SettingKind::Call) => value.get("url").and_then(Value::as_str).and_then(host_of).into_iter().collect(),
            Some(SettingKind::Env) => programs.iter().map(|(_, program)| (*program).to_owned()).collect(),
            _ => continue,
        };
        for secret in secrets_named(value) {
            found.extend(secret_mistakes((name, &secret), &places, known));
        }
    }
    found
}

/// The program, if the file says it.
fn literal(argv: &Value) -> Option<&str> {
    argv.as_array()?.first()?.as_str().filter(|program| !program.contains("{{"))
}

fn unlisted(name: &str, program: &str, listed: &[String]) -> Option<(String, String)> {
    if listed.iter().any(|known| known == program) {
        return None;
    }
    let help = match nearest(program, listed.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("add to nightlatch.yaml: programs: [{program}], and run_as: if it is missing"),
    };
    Some((format!("`{name}` runs {program}, and `programs` in the configuration does not name it"), help))
}

/// What is wrong with a secret that goes to these hosts or programs.
fn secret_mistakes(
    (name, secret): (&str, &str),
    places: &[String],
    known: &BTreeMap<String, Vec<String>>,
) -> Vec<(String, String)> {
    let Some(allowed) = known.get(secret) else {
        let near = nearest(secret, known.keys().map(String::as_str));
        let help = match near {
            Some(near) => format!("did you mean secret:{near}?"),
            None => format!("add to nightlatch.yaml: secrets: {{ {secret}: {{ from: env:NAME, hosts: [...] }} }}"),
        };
        let message = format!("`{name}` names the secret {}, and the configuration has none", quoted(secret));
        return vec![(message, help)];
    };
    let others: BTreeSet<&String> = places.iter().filter(|place| !allowed.contains(place)).collect();
    let told = |place: &String| {
        let list = if place.starts_with('/') { "programs" } else { "hosts" };
        let help = format!("add {place} to `secrets.{secret}.{list}` in nightlatch.yaml, if it is meant to go there");
        (format!("`{name}` sends the secret {} to {place}", quoted(secret)), help)
    };
    others.into_iter().map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::TYPES;

    #[test]
    fn a_secret_that_is_not_there_or_may_not_go_there_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let text = "nightlatch: 1\ntitle: Freeze\ninputs: { hold: { type: duration, max: 8h } }\nask: [autogroup:member]\n\
                    approve: [{ by: [group:dba] }]\nsteps:\n  - uses: http.request\n    with:\n      do: { url: \"https://ci.example.com/freezes\", \
                    headers: { Authorization: \"Bearer secret:cl\" } }\n      undo: { url: \"https://other.example.com/x\", body: secret:ci }\n";
        std::fs::write(folder.path().join("freeze.yaml"), text).unwrap();
        let catalog = Catalog::read(folder.path(), TYPES).unwrap();
        let secrets = BTreeMap::from([("ci".to_owned(), vec!["ci.example.com".to_owned()])]);
        let path = || folder.path().to_owned();
        let folders = Folders {
            workflows: path(),
            policies: path(),
            templates: path(),
            staff: path(),
            secrets: Some(secrets),
            programs: None,
            golink: false,
        };
        let report = missing(&catalog, &folders, TYPES);
        let lines: Vec<String> = report
            .mistakes
            .iter()
            .map(|one| format!("{} | {}", one.message, one.help.clone().unwrap_or_default()))
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @"
        `do` names the secret `cl`, and the configuration has none | did you mean secret:ci?
        `undo` sends the secret `ci` to other.example.com | add other.example.com to `secrets.ci.hosts` in nightlatch.yaml, if it is meant to go there
        ");
        assert!(missing(&catalog, &Folders { secrets: None, ..folders }, TYPES).is_empty());
    }

    #[test]
    fn a_link_that_a_golink_could_not_delete_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let text = "nightlatch: 1\ntitle: Incident\ninputs: { hold: { type: duration, max: 8h } }\nask: [autogroup:member]\n\
                    approve: [{ by: [group:dba] }]\nsteps:\n  - uses: golink.link\n    with: { short: a, long: \"https://a.example.com\" }\n  \
                    - uses: golink.link\n    name: second\n    stays: true\n    with: { short: b, long: \"https://b.example.com\" }\n";
        std::fs::write(folder.path().join("incident.yaml"), text).unwrap();
        let catalog = Catalog::read(folder.path(), TYPES).unwrap();
        let path = || folder.path().to_owned();
        let folders = Folders {
            workflows: path(),
            policies: path(),
            templates: path(),
            staff: path(),
            secrets: Some(BTreeMap::new()),
            programs: None,
            golink: true,
        };
        let report = missing(&catalog, &folders, TYPES);
        let lines: Vec<&str> = report.mistakes.iter().map(|one| one.message.as_str()).collect();
        assert_eq!(lines, ["the step `link` would delete its link, and a golink lets only its own page do that"]);
        assert!(missing(&catalog, &Folders { golink: false, ..folders }, TYPES).is_empty());
    }

    #[test]
    fn a_program_that_is_not_listed_or_may_not_have_a_secret_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let text = "nightlatch: 1\ntitle: Freeze\ninputs:\n  hold: { type: duration, max: 8h }\n  tool: { type: choice, options: [a, b] }\n\
                    ask: [autogroup:member]\napprove: [{ by: [group:dba] }]\nsteps:\n  - uses: program.run\n    with:\n      do: [/usr/bin/freeze, on]\n      \
                    undo: [/usr/bin/freez, off]\n      check: [\"/usr/bin/{{ inputs.tool }}\"]\n      env: { T: secret:ci, U: secret:other }\n";
        std::fs::write(folder.path().join("freeze.yaml"), text).unwrap();
        let catalog = Catalog::read(folder.path(), TYPES).unwrap();
        let secrets = BTreeMap::from([("ci".to_owned(), vec!["/usr/bin/freeze".to_owned()])]);
        let path = || folder.path().to_owned();
        let folders = Folders {
            workflows: path(),
            policies: path(),
            templates: path(),
            staff: path(),
            secrets: Some(secrets),
            programs: Some(vec!["/usr/bin/freeze".to_owned()]),
            golink: false,
        };
        let report = missing(&catalog, &folders, TYPES);
        let told =
            report.mistakes.iter().map(|one| format!("{} | {}", one.message, one.help.clone().unwrap_or_default()));
        insta::assert_snapshot!(told.collect::<Vec<_>>().join("\n"), @"
        `undo` runs /usr/bin/freez, and `programs` in the configuration does not name it | did you mean /usr/bin/freeze?
        `env` sends the secret `ci` to /usr/bin/freez | add /usr/bin/freez to `secrets.ci.programs` in nightlatch.yaml, if it is meant to go there
        `env` names the secret `other`, and the configuration has none | add to nightlatch.yaml: secrets: { other: { from: env:NAME, hosts: [...] } }
        ");
    }
}
