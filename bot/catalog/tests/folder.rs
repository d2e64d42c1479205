//! Folders of workflow files, good and broken.

use std::fs;
use std::path::Path;

use super::{GOOD, with};
use crate::catalog::Catalog;
use crate::kernel::workflow::OwnRequest;
use crate::steps::TYPES;

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn folder_mistakes(folder: &tempfile::TempDir) -> String {
    let report = Catalog::read(folder.path(), TYPES).unwrap_err();
    let lines = report
        .mistakes
        .iter()
        .map(|mistake| format!("{}: {} | {}", mistake.file, mistake.message, mistake.help.as_deref().unwrap_or("-")));
    lines.collect::<Vec<_>>().join("\n").replace(&folder.path().display().to_string(), "FOLDER")
}

#[test]
fn the_examples_are_right() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("workflows/examples");
    assert!(!Catalog::read(&folder, TYPES).unwrap().is_empty());
}

#[test]
fn the_workflows_that_come_with_nightlatch_are_right() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("workflows");
    let catalog = Catalog::read(&folder, TYPES).unwrap();
    let prod_db = catalog.find("prod-db").unwrap();
    assert_eq!(
        prod_db.hold().map(|(input, default_ms, _)| (input.name.as_str(), default_ms)),
        Some(("hold", 3_600_000))
    );
    assert_eq!(catalog.nearest("prod-bd"), Some("prod-db"));
    let own = catalog.by_command("/customer-data").unwrap();
    assert_eq!(own.approve[0].clauses[0].quorum, 2);
    let staging = catalog.find("staging-admin").unwrap();
    assert_eq!(staging.approve[0].own_request, OwnRequest::Confirm);
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_change_no_place() {
    let text = with("reason: { type: text }", "reason: { type: txt }");
    let folder = folder(&[("prod-db.yaml", &format!("\u{feff}{}", text.replace('\n', "\r\n")))]);
    let report = Catalog::read(folder.path(), TYPES).unwrap_err();
    let mistake = &report.mistakes[0];
    assert_eq!((mistake.line, mistake.column, mistake.source_line.as_str()), (5, 19, "  reason: { type: txt }"));
}

#[test]
fn file_names_are_what_people_type() {
    let folder = folder(&[
        ("prod-db.yaml", GOOD),
        ("prod-db.yml", GOOD),
        ("Prod_DB.yaml", GOOD),
        ("list.yaml", GOOD),
        ("a--b.yaml", GOOD),
        (".hidden.yaml", "]"),
        ("notes.txt", "]"),
    ]);
    fs::create_dir(folder.path().join("folder.yaml")).unwrap();
    insta::assert_snapshot!(folder_mistakes(&folder), @"
    FOLDER/Prod_DB.yaml: `Prod_DB` cannot be the name of a workflow | the file's name is what people type: lower-case letters, digits and single dashes, like prod-db.yaml
    FOLDER/a--b.yaml: `a--b` cannot be the name of a workflow | the file's name is what people type: lower-case letters, digits and single dashes, like prod-db.yaml
    FOLDER/list.yaml: `list` is a word that `/access` understands, now or in a later version | rename the file, like list-access.yaml
    FOLDER/prod-db.yml: is called like FOLDER/prod-db.yaml | keep one of the two
    ");
}

#[cfg(unix)]
#[test]
fn a_link_is_followed_inside_the_folder_only() {
    let other = folder(&[("outside.yaml", GOOD)]);
    let folder = folder(&[]);
    let data = folder.path().join("..data");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("prod-db.yaml"), GOOD).unwrap();
    std::os::unix::fs::symlink("..data/prod-db.yaml", folder.path().join("prod-db.yaml")).unwrap();
    assert_eq!(Catalog::read(folder.path(), TYPES).map(|catalog| catalog.len()), Ok(1));
    std::os::unix::fs::symlink(other.path().join("outside.yaml"), folder.path().join("outside.yaml")).unwrap();
    insta::assert_snapshot!(folder_mistakes(&folder), @"FOLDER/outside.yaml: is a link that leaves the folder | copy the file; a link may only lead to another file in this folder");
}

#[test]
fn a_slash_command_belongs_to_one_workflow() {
    let text = format!("{GOOD}command: /prod\n");
    let folder = folder(&[("a.yaml", &text), ("b.yaml", &text)]);
    insta::assert_snapshot!(folder_mistakes(&folder), @"FOLDER/b.yaml: the command /prod is taken by FOLDER/a.yaml | choose another name");
    let many = tempfile::tempdir().unwrap();
    for number in 0..46 {
        fs::write(many.path().join(format!("w{number}.yaml")), format!("{GOOD}command: /w{number}\n")).unwrap();
    }
    assert!(folder_mistakes(&many).contains("46 workflows have a command of their own"));
}

#[test]
fn a_folder_that_is_not_there_is_told_and_an_empty_one_is_fine() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Catalog::read(folder.path(), TYPES).unwrap().is_empty());
    let report = Catalog::read(&folder.path().join("missing"), TYPES).unwrap_err();
    assert!(report.mistakes[0].message.starts_with("the folder of workflows cannot be read"), "{report}");
}

#[test]
fn a_group_that_one_lends_and_another_names_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (head, _) = super::GOOD.split_once("steps:\n").unwrap();
    let lends = format!("{head}steps:\n  - uses: slack.user_group\n    with: {{ group: \"@prod-db-users\" }}\n");
    let incident = format!(
        "{head}steps:\n  - uses: tailscale.policy\n    with: {{ groups: {{ \"group:dba\": [\"{{{{ requester.login }}}}\"] }}, unguarded: true }}\n"
    );
    let names = super::GOOD.replace("ask: [", "ask: [\"@prod-db-users\", ");
    for (name, text) in [("on-call", lends), ("incident", incident), ("prod-db", names)] {
        std::fs::write(folder.path().join(format!("{name}.yaml")), text).unwrap();
    }
    let catalog = Catalog::read(folder.path(), crate::steps::TYPES).unwrap();
    insta::assert_snapshot!(catalog.lent_groups().join("\n"), @"
    incident: the step policy lends a place in group:dba, which rules of incident, on-call, prod-db name
    on-call: the step user_group lends a place in @prod-db-users, which rules of prod-db name
    ");
}
