//! `docs/workflows.md` says what the code reads: it is made from the same tables, and every example on it is accepted.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use nightlatch::catalog::Catalog;
use nightlatch::catalog::keys::{self, FormatKey};
use nightlatch::inputs;
use nightlatch::kernel::reference::{DeviceField, RequestField, RequesterField};
use nightlatch::kernel::step_type::{Holds, Scope, SettingKind, StepType};
use nightlatch::steps::TYPES;

/// Set to write the page anew, and then look at the difference before it is committed.
const WRITE: &str = "NIGHTLATCH_WRITE_PAGE";

const INTRODUCTION: &str = "\
# Workflows

Every `*.yaml` file in the folder `workflows` is one thing that can be borrowed. The file's name is what people type: `prod-db.yaml` is
`/access prod-db`. Names are lower-case letters, digits and single dashes, at most 48 characters. `nightlatch check` tells every mistake, with its line
and what to write instead; unknown keys are mistakes, and a folder with a mistake in it is not used. A request keeps the workflow as it was
when it was asked.

What is accepted once is read for ever with the same meaning; keys are only added.

This page is made from the code that reads the files (`NIGHTLATCH_WRITE_PAGE=1 cargo test --test format`).

";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Markdown being written, and the examples on it as whole files.
#[derive(Default)]
struct Page {
    text: String,
    examples: Vec<String>,
}

impl Page {
    fn line(&mut self, line: &str) {
        writeln!(self.text, "{line}").unwrap();
    }

    /// An example that replaces a key of a workflow.
    fn example(&mut self, yaml: &str) {
        self.line(&format!("```yaml\n{yaml}\n```\n"));
        self.examples.push(file_with(yaml));
    }

    fn keys(&mut self, list: &[FormatKey], example: fn(&mut Self, &str)) {
        for key in list {
            let must = if key.is_required { "required" } else { "may be left out" };
            self.line(&format!("**`{}`** ({must}): {}. {}\n", key.name, key.takes, key.about));
            example(self, key.example);
        }
    }
}

/// The smallest workflow, with the top-level keys of `yaml` in place of its own.
fn file_with(yaml: &str) -> String {
    let has = |key: &str| yaml.lines().any(|line| line.starts_with(&format!("{key}:")));
    let least = [
        ("nightlatch", "nightlatch: 1"),
        ("title", "title: Anything"),
        (
            "inputs",
            "inputs:\n  hold: { type: duration, max: 8h }\n  reason: { type: text }\n  device: { type: device }",
        ),
        ("ask", "ask: [autogroup:member]"),
        ("approve", "approve:\n  - by: [group:dba]"),
        ("steps", "steps:\n  - uses: tclip.paste\n    with: { content: x }"),
    ];
    let rest = least.iter().filter(|(key, _)| !has(key)).map(|(_, text)| *text);
    std::iter::once(yaml).chain(rest).collect::<Vec<_>>().join("\n") + "\n"
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

fn extend_part(page: &mut Page) {
    page.line(
        "## Extending\n\n`/access extend NAME LENGTH` and the button *Extend* on the holder's card add to the end. The later end counts, \
         and is said, when it was read back from wherever it is held; until then, and if that does not work, it ends as before. What was got by breaking glass is not extended.\n",
    );
    page.keys(keys::EXTEND, |page, example| {
        let max = if example.starts_with("max") { "" } else { ", max: 2h" };
        let approve = if example.starts_with("approve") { "" } else { ", approve: automatic" };
        page.example(&format!("extend: {{ {example}{max}{approve} }}"));
    });
}

fn glass_part(page: &mut Page) {
    page.line(
        "## Breaking glass\n\n`/access break-glass NAME LENGTH REASON` and the button *Break glass* of a request that waits are for emergencies: the access is there at \
         once, for a shorter time, for oneself, and never extended. A reason must be given. The channel and everybody who would have been asked hear of it. When \
         it is over, somebody else says whether it was fine, or what follows; until then the review stays open on the card and in lists. If it is not closed in \
         time, the channel, the reviewers and `/readyz` say so again and again.\n",
    );
    let glass = |key: &str| match key {
        "who" => "  review: { by: [group:security] }",
        "review" => "  who: [group:sre]",
        _ => "  who: [group:sre]\n  review: { by: [group:security] }",
    };
    for key in keys::BREAK_GLASS {
        page.keys(std::slice::from_ref(key), |_, _| {});
        page.example(&format!("break_glass:\n  {}\n{}", key.example, glass(key.name)));
    }
    page.line("### `review`\n");
    for key in keys::REVIEW {
        page.keys(std::slice::from_ref(key), |_, _| {});
        let by = if key.name == "by" { "" } else { "    by: [group:security]\n" };
        page.example(&format!("break_glass:\n  who: [group:sre]\n  review:\n{by}    {}", key.example));
    }
}

fn inputs_part(page: &mut Page) {
    page.line("## Inputs\n");
    page.line("On the command line a value is told by its place or as `name=value`. Every input has these keys:\n");
    page.keys(keys::INPUT, |page, example| {
        let of = if example.starts_with("type") { "" } else { "type: text, " };
        let before =
            if example.starts_with("when") { "  level: { type: choice, options: [read, write] }\n" } else { "" };
        page.example(&format!("inputs:\n  hold: {{ type: duration, max: 8h }}\n{before}  ticket: {{ {of}{example} }}"));
    });
    for kind in inputs::TYPES {
        page.line(&format!("### `type: {}`\n\n{}\n", kind.name, kind.about));
        if kind.is_single {
            page.line("A workflow has at most one.\n");
        }
        if !kind.settings.is_empty() {
            page.line("| key | | |\n| --- | --- | --- |");
            for setting in kind.settings {
                let must = if setting.is_required { "required" } else { "" };
                page.line(&format!("| `{}` | {must} | {} |", setting.name, setting.about));
            }
            page.line("");
        }
        let hold = if kind.name == "duration" { "" } else { "  hold: { type: duration, max: 8h }\n" };
        page.example(&format!("inputs:\n{hold}  {}: {}", kind.name, kind.example));
    }
}

fn references(page: &mut Page) {
    page.line("### What `{{ }}` names\n");
    page.line(
        "It stands in texts of `with:`, however deep, holds no logic, and is checked when the file is loaded. It is filled in when the step \
         begins, once: what is filled in is not looked through for more. A text that is one reference and nothing else becomes what it names, \
         a number as a number; in a longer text everything is text. What turns out to have no value is not sent; granting fails, and people are told.\n",
    );
    let fields = |names: Vec<&str>| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    page.line("| | |\n| --- | --- |");
    page.line("| `inputs.NAME` | what was filled in; of a device its node id |");
    let requester = fields(RequesterField::ALL.iter().map(|(name, _)| *name).collect());
    page.line(&format!("| `requester.FACT` | of who gets the access: {requester} |"));
    let device = fields(DeviceField::ALL.iter().map(|(name, _)| *name).collect());
    page.line(&format!("| `device.FACT` | of the device that was chosen: {device} |"));
    let request = fields(RequestField::ALL.iter().map(|(name, _)| *name).collect());
    page.line(&format!(
        "| `request.FACT` | of the request: {request}; the end is text like `2026-03-01T12:00:00Z`, as it is known when the step begins |"
    ));
    page.line("| `house.active` | who holds what, as a list in text, as it was when it was asked; at most 40 lines |");
    page.line("| `steps.NAME.RESULT` | what an earlier step came to |\n");
}

fn scopes(kind: &StepType) -> String {
    let named = kind.scopes.iter().map(|scope| match scope {
        Scope::Slack(name) => format!("`{name}` (Slack)"),
        Scope::Tailscale(name) => format!("`{name}` (Tailscale)"),
    });
    let named: Vec<String> = named.collect();
    if named.is_empty() { "no scopes of its own".to_owned() } else { named.join(", ") }
}

fn step_type(page: &mut Page, kind: &StepType) {
    page.line(&format!("### `uses: {}`\n\n{}\n", kind.uses, kind.about));
    page.line("| setting | takes | | |\n| --- | --- | --- | --- |");
    for setting in kind.settings {
        let must = if setting.is_required { "required" } else { "" };
        page.line(&format!("| `{}` | {} | {must} | {} |", setting.name, setting.kind.words(), setting.about));
    }
    page.line("");
    let key = kind.settings.iter().filter(|setting| setting.is_key).map(|setting| format!("`{}`", setting.name));
    match kind.holds {
        Holds::Shared => {
            let key = key.collect::<Vec<_>>().join(", ");
            page.line(&match key.is_empty() {
                true => "Held together: it is one thing for all requests.\n".to_owned(),
                false => {
                    format!("Held together: requests that agree in {key} share one, until the last of them ends.\n")
                }
            });
        }
        Holds::Once => page.line("Every request has one of its own.\n"),
    }
    match kind.results {
        [] => page.line("Results: none.\n"),
        results => {
            page.line("| result | |\n| --- | --- |");
            for result in results {
                page.line(&format!("| `{}` | {} |", result.name, result.about));
            }
            page.line("");
        }
    }
    page.line(&format!("Needs {}.\n", scopes(kind)));
    // Without what can only stand in place of something else.
    let shown = kind.settings.iter().filter(|one| one.kind != SettingKind::NamedDevice);
    let with: Vec<String> = shown.map(|one| format!("{}: {}", one.name, one.example)).collect();
    let has = |name: &str| kind.settings.iter().any(|one| one.name == name);
    let inputs = match has("device") && has("tags") {
        true => "inputs:\n  hold: { type: duration, max: 8h }\n  device: { type: device, of: [tag:ci] }\n",
        false => "",
    };
    page.example(&format!(
        "{inputs}steps:\n  - uses: {}\n    with:\n{}",
        kind.uses,
        indented(&indented(&indented(&with.join("\n"))))
    ));
}

fn page() -> Page {
    let mut page = Page { text: INTRODUCTION.to_owned(), examples: Vec::new() };
    let whole = std::fs::read_to_string(root().join("workflows/prod-db.yaml")).unwrap();
    page.line(&format!("```yaml\n{}\n```\n", whole.trim_end()));
    page.examples.push(whole);
    page.line("## Keys\n");
    page.keys(keys::WORKFLOW, Page::example);
    page.line("## People and groups\n\n| | |\n| --- | --- |");
    for (name, about) in keys::WHO {
        page.line(&format!("| `{name}` | {about} |"));
        let example = match *name {
            "requester.manager" => "approve:\n  - by: [requester.manager]".to_owned(),
            "device.owner" => "approve:\n  - by: [device.owner, group:dba]".to_owned(),
            _ => format!("ask: [{name}]"),
        };
        page.examples.push(file_with(&example));
    }
    page.line(
        "\nWho belongs is read afresh whenever a decision counts. What cannot be read at that moment lets nobody in by itself, and keeps nobody out \
         whom another name of the list lets in; people are told which one it was.\n\n`people.yaml` beside the configuration says who is whose manager, and where people are if that is another time zone than \
         Slack's; it is read again with the workflows:\n\n```yaml\nalice@example.com: { manager: carol@example.com, zone: Europe/Berlin }\n```\n",
    );
    page.line(
        "## Approval\n\n`approve` is a list of stages. They open one after the other: those of the next stage are asked when everybody that the \
         stage before takes has approved. One person decides once in a request, in whatever stage and with whatever account.\n",
    );
    page.keys(keys::STAGE, Page::example);
    page.line("### An entry of `escalate`\n");
    page.keys(keys::TIER, |page, example| {
        let more = if example.starts_with("by") { "after: 30m, " } else { "" };
        let by = if example.starts_with("by") { "" } else { ", by: [autogroup:admin]" };
        page.example(&format!("approve:\n  - by: [group:dba]\n    escalate:\n      - {{ {more}{example}{by} }}"));
    });
    page.line("### A clause of `all_of`\n");
    page.keys(keys::CLAUSE, |page, example| {
        let by = if example.starts_with("by") { "" } else { ", by: [group:security]" };
        page.example(&format!("approve:\n  - all_of:\n      - {{ {example}{by} }}\n      - {{ by: [group:dba] }}"));
    });
    page.line(
        "## Automatic approval\n\nA request passes by itself if everything is so that one of these rules says; else people decide, and the card says why it did not \
         pass. What passes is shown and logged like any other, with the rule, and told to those who would have been asked in the first stage; they can \
         take it back. What is so is found out when it is asked, and nothing passes more than an hour later. Who is approved \
         for four things or more within half an hour like that is told of to those who would have been asked.\n",
    );
    page.keys(keys::AUTOMATIC, Page::example);
    glass_part(&mut page);
    extend_part(&mut page);
    page.line("## Triggers\n\nEach item of the list is one of these.\n");
    page.keys(keys::TRIGGER, Page::example);
    page.line("### A schedule\n");
    page.keys(keys::SCHEDULE, |page, example| {
        let rest = ["cron: \"0 9 * * mon\"", "as: alice@example.com", "with: { reason: Weekly review }"];
        let name = |text: &str| text.split(':').next().unwrap_or_default().to_owned();
        let others = rest.iter().filter(|one| name(one) != name(example)).map(|one| format!("      {one}\n"));
        page.example(&format!(
            "triggers:\n  - schedule:\n      {example}\n{}",
            others.collect::<String>().trim_end_matches('\n')
        ));
    });
    inputs_part(&mut page);
    page.line("## Steps\n");
    page.keys(keys::STEP, Page::example);
    references(&mut page);
    TYPES.iter().for_each(|kind| step_type(&mut page, kind));
    page.line("## Names that are taken\n");
    let words: Vec<String> = keys::RESERVED.iter().map(|word| format!("`{word}`")).collect();
    page.line(&format!(
        "These are words after `/access`, some of them in later versions only, and no names of workflows: {}.",
        words.join(", ")
    ));
    page
}

#[test]
fn the_page_says_what_the_code_reads() {
    let path = root().join("docs/workflows.md");
    let text = page().text;
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = text.lines().zip(known.lines()).find(|(now, then)| now != then);
    assert!(
        text == known,
        "docs/workflows.md and the code differ; {WRITE}=1 cargo test --test format writes it anew\n{differs:#?}"
    );
}

#[test]
fn every_example_on_the_page_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let mut examples = page().examples;
    examples.dedup();
    for (index, example) in examples.iter().enumerate() {
        // Each in a folder of its own: two may have the same slash command.
        let folder = folder.path().join(index.to_string());
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("example.yaml"), example).unwrap();
        if let Err(report) = Catalog::read(&folder, TYPES) {
            panic!("an example is refused:\n{example}\n{report}");
        }
    }
    assert!(examples.len() > 20, "{}", examples.len());
}

#[test]
fn a_name_that_is_taken_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    for word in keys::RESERVED {
        std::fs::write(folder.path().join(format!("{word}.yaml")), file_with("title: Anything")).unwrap();
    }
    let report = Catalog::read(folder.path(), TYPES).unwrap_err().to_string();
    for word in keys::RESERVED {
        assert!(report.contains(&format!("`{word}` is a word that `/access` understands")), "{word}: {report}");
        assert!(report.contains(&format!("rename the file, like {word}-access.yaml")), "{word}: {report}");
    }
}

fn is_accepted(text: &str) -> bool {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("example.yaml"), text).unwrap();
    Catalog::read(folder.path(), TYPES).is_ok()
}

/// A key, what the page says, an example of that size, and the most there is.
type Limit<'a> = (&'a str, &'a str, &'a dyn Fn(usize) -> String, usize);

/// Numbers stand on the page as words, and in the code as limits.
#[test]
fn what_the_page_says_of_limits_is_so() {
    let letters = |count: usize| "x".repeat(count);
    let inputs = |rest: &str| format!("inputs:\n  hold: {{ type: duration, max: 1h }}\n{rest}");
    let attribute = |key: &str| {
        format!(
            "steps:\n  - uses: tailscale.attribute\n    with: {{ device: \"{{{{ inputs.device }}}}\", key: {key}, value: true }}"
        )
    };
    let limits: &[Limit<'_>] = &[
        ("title", "at most 75 characters", &|count| format!("title: {}", letters(count)), 75),
        ("description", "at most 500 characters", &|count| format!("description: {}", letters(count)), 500),
        ("command", "At most 32 characters", &|count| format!("command: /{}", letters(count - 1)), 32),
        ("quorum", "a number from 1 to 20", &|count| format!("approve:\n  - quorum: {count}\n    by: [group:dba]"), 20),
        (
            "label",
            "at most 48 characters",
            &|count| inputs(&format!("  a: {{ type: text, label: {} }}", letters(count))),
            48,
        ),
        (
            "max_length",
            "from 1 to 3000",
            &|count| inputs(&format!("  a: {{ type: text, max_length: {count} }}")),
            3_000,
        ),
        ("max", "at most 366 days", &|days| format!("inputs:\n  hold: {{ type: duration, max: {days}d }}"), 366),
        ("key", "at most 128 characters", &|count| attribute(&format!("custom:{}", letters(count - 7))), 128),
        (
            "content",
            "at most 3 MiB",
            &|bytes| format!("steps:\n  - uses: tclip.paste\n    with: {{ content: {} }}", letters(bytes)),
            nightlatch::kernel::paste::CONTENT_MAX_BYTES,
        ),
    ];
    let text = page().text;
    for (name, said, example, most) in limits {
        let is_said = text.lines().any(|line| line.contains(&format!("`{name}`")) && line.contains(said));
        assert!(is_said, "the page does not say `{said}` of `{name}`");
        // A file as long as the longest paste is too long itself.
        assert!(*name == "content" || is_accepted(&file_with(&example(*most))), "{name}: {most}");
        assert!(!is_accepted(&file_with(&example(most + 1))), "{name}: {most} + 1");
    }
}
