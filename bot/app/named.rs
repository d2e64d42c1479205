//! Whether the configuration has what workflows name: secrets, and the hosts they are to go to.

use serde_json::Value;

use crate::catalog::Catalog;
use crate::config::words::{nearest, quoted};
use crate::config::{Folders, Mistake, Report};
use crate::kernel::step_type::{STAYS, SettingKind, find};
use crate::kernel::workflow::StepUse;
use crate::kernel::{StepType, Workflow};
use crate::steps::http::request::{host_of, secrets_named};

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
    let Some(known) = &folders.secrets else { return found };
    let is_call = |name: &str| {
        let setting =
            find(types, &step.uses).and_then(|kind| kind.settings.iter().find(|setting| setting.name == name));
        setting.is_some_and(|setting| setting.kind == SettingKind::Call)
    };
    for (name, call) in step.with.iter().filter(|(name, _)| is_call(name)) {
        let host = call.get("url").and_then(Value::as_str).and_then(host_of);
        for secret in secrets_named(call) {
            let Some(hosts) = known.get(&secret) else {
                let near = nearest(&secret, known.keys().map(String::as_str));
                let help = match near {
                    Some(near) => format!("did you mean secret:{near}?"),
                    None => {
                        format!("add to nightlatch.yaml: secrets: {{ {secret}: {{ from: env:NAME, hosts: [...] }} }}")
                    }
                };
                found.push((
                    format!("`{name}` names the secret {}, and the configuration has none", quoted(&secret)),
                    help,
                ));
                continue;
            };
            if let Some(host) = host.as_ref().filter(|host| !hosts.contains(host)) {
                let help =
                    format!("add {host} to `secrets.{secret}.hosts` in nightlatch.yaml, if it is meant to go there");
                found.push((format!("`{name}` sends the secret {} to {host}", quoted(&secret)), help));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

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
        let folders =
            Folders { workflows: path(), policies: path(), templates: path(), secrets: Some(secrets), golink: false };
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
            secrets: Some(BTreeMap::new()),
            golink: true,
        };
        let report = missing(&catalog, &folders, TYPES);
        let lines: Vec<&str> = report.mistakes.iter().map(|one| one.message.as_str()).collect();
        assert_eq!(lines, ["the step `link` would delete its link, and a golink lets only its own page do that"]);
        assert!(missing(&catalog, &Folders { golink: false, ..folders }, TYPES).is_empty());
    }
}
