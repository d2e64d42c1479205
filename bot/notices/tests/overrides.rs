//! Words of one's own: taken when they are good, refused with every mistake when they are not.

use std::fs;

use insta::assert_snapshot;

use super::{notices, pending, shown};
use crate::kernel::{Notice, Recipient};
use crate::notices::Notices;
use crate::notices::engine::TEMPLATES;
use crate::notices::sample;

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("slack")).expect("a folder");
    for (name, content) in files {
        fs::write(folder.path().join("slack").join(name), content).expect("a file");
    }
    folder
}

fn mistakes(files: &[(&str, &str)]) -> String {
    let folder = folder(files);
    let error = Notices::with_overrides(folder.path()).expect_err("these are mistakes");
    let lines = error.report.mistakes.iter().map(|mistake| {
        let file = mistake.file.rsplit('/').next().unwrap_or_default();
        let help = mistake.help.as_deref().unwrap_or("-");
        format!("{file}:{}:{} {} ({help})", mistake.line, mistake.column, mistake.message)
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_built_in_words_are_the_files_beside_the_program() {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    Notices::with_overrides(&here).expect("the built-in templates can be overrides");
    let files = fs::read_dir(here.join("slack")).expect("the folder").count();
    assert_eq!(files, TEMPLATES.len(), "every file has one line in the list");
}

#[test]
fn own_words_replace_the_built_in_ones() {
    let folder = folder(&[("lapsed.txt", "Schade: {{ title }} & {{ reason }}"), ("README.md", "ours")]);
    let notices = Notices::with_overrides(folder.path()).expect("good words");
    let mut request = pending().request;
    request.ask.reason = "<!channel>".into();
    let said = notices.notice(&request, &Notice::Lapsed, &Recipient::Thread, sample::NOW);
    assert_snapshot!(shown(&said), @"
    (Schade: Production database & &lt;!channel&gt;)
    Schade: Production database & &lt;!channel&gt;
    ");
}

#[test]
fn a_folder_that_is_not_there_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let other = Notices::with_overrides(&folder.path().join("nowhere")).expect("nothing to read");
    let request = pending().request;
    let place = &sample::places()[0];
    assert_eq!(other.card(&request, place, sample::NOW), notices().card(&request, place, sample::NOW));
}

#[test]
fn every_mistake_is_told_with_its_place() {
    assert_snapshot!(mistakes(&[
        ("activ.txt", "x"),
        ("active.md", "x"),
        ("banana.txt", "x"),
        ("ended.txt", "It ended.\n{% if titel %}x{% endif %}"),
        ("failed.txt", "{{ title "),
        ("lapsed.txt", "{{ title | shout }}"),
    ]), @"
    activ.txt:0:0 `activ.txt` is no template (did you mean `active.txt`?)
    active.md:0:0 `active.md` is no template (there are: card, asked, asked_for, already, decided, active, ends_soon, extended, extension_asked, not_extended, ended, lapsed, drifted, put_back, failed, stuck, left_on, moved, unstuck, refusals, refused, not_identified, list_heading, list_row, alarms_heading, alarms_row, help, stage_opened, reminded, escalated, passed_on, glass_broken, review_opened, review_late, reviewed, passed_by_itself, found, may_be_on, drift)
    banana.txt:0:0 `banana.txt` is no template (there are: card, asked, asked_for, already, decided, active, ends_soon, extended, extension_asked, not_extended, ended, lapsed, drifted, put_back, failed, stuck, left_on, moved, unstuck, refusals, refused, not_identified, list_heading, list_row, alarms_heading, alarms_row, help, stage_opened, reminded, escalated, passed_on, glass_broken, review_opened, review_late, reviewed, passed_by_itself, found, may_be_on, drift)
    ended.txt:2:7 unknown name `titel` (did you mean `title`?)
    failed.txt:1:4 Unexpected end of input (-)
    lapsed.txt:1:12 Unknown filter `shout` (-)
    ");
}

#[test]
fn words_that_fail_for_some_request_are_refused() {
    assert_snapshot!(mistakes(&[("ended.txt", "ok\n{{ expires_at | when }}")]), @"ended.txt:2:4 Invalid type for the value, expected `i64` but got `none` (-)");
    assert_snapshot!(mistakes(&[("card.txt", "{% for one in decisions %}{{ one.bye }}{% endfor %}")]), @"card.txt:1:34 Field `bye` is not defined. Available fields: approved, at, by, by_itself, extends, glass, hold, is_own, reason, rule, stage (-)");
}

#[test]
fn what_people_typed_cannot_be_called_safe() {
    assert_snapshot!(mistakes(&[("card.txt", "{{ reason | safe }}")]), @"card.txt:1:13 `safe` is not available: what people typed is never shown as markup (-)");
}

#[test]
fn a_template_that_never_ends_is_stopped() {
    let content = "{% for a in range(end=99999) %}{% for b in keys %}{{ title }} and so on{% endfor %}{% endfor %}";
    assert_snapshot!(mistakes(&[("card.txt", content)]), @"card.txt:0:0 a template makes more text than any message holds (-)");
}

#[test]
fn the_readme_tells_every_name_a_template_can_use() {
    let readme = include_str!("../../../templates/README.md");
    let missing: Vec<String> = crate::notices::engine::known_names()
        .expect("names")
        .into_iter()
        .filter(|name| !readme.contains(&format!("`{name}`")))
        .collect();
    assert_eq!(missing, Vec::<String>::new());
}
