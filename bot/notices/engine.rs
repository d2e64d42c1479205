//! The templates and the engine that fills them: one list, checked when it is loaded, capped when it is rendered.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use tera::{Context, ErrorKind, Kwargs, State, Tera, TeraResult, Value};

use super::extras::Extras;
use super::facts::Facts;
use super::refusals::{self, Why};
use super::{sample, text, words};
use crate::config::words::{nearest, quoted};
use crate::config::yaml::Place;
use crate::config::{Mistake, Report, sheet::Sheet};
use crate::kernel::Recipient;

/// Every template there is: a new thing to say is one more file and one more line here.
pub const TEMPLATES: &[(&str, &str)] = &[
    ("card", include_str!("../../templates/slack/card.txt")),
    ("asked", include_str!("../../templates/slack/asked.txt")),
    ("asked_for", include_str!("../../templates/slack/asked_for.txt")),
    ("already", include_str!("../../templates/slack/already.txt")),
    ("decided", include_str!("../../templates/slack/decided.txt")),
    ("active", include_str!("../../templates/slack/active.txt")),
    ("ends_soon", include_str!("../../templates/slack/ends_soon.txt")),
    ("extended", include_str!("../../templates/slack/extended.txt")),
    ("extension_asked", include_str!("../../templates/slack/extension_asked.txt")),
    ("not_extended", include_str!("../../templates/slack/not_extended.txt")),
    ("ended", include_str!("../../templates/slack/ended.txt")),
    ("lapsed", include_str!("../../templates/slack/lapsed.txt")),
    ("drifted", include_str!("../../templates/slack/drifted.txt")),
    ("put_back", include_str!("../../templates/slack/put_back.txt")),
    ("failed", include_str!("../../templates/slack/failed.txt")),
    ("stuck", include_str!("../../templates/slack/stuck.txt")),
    ("left_on", include_str!("../../templates/slack/left_on.txt")),
    ("moved", include_str!("../../templates/slack/moved.txt")),
    ("unstuck", include_str!("../../templates/slack/unstuck.txt")),
    ("refusals", include_str!("../../templates/slack/refusals.txt")),
    ("refused", include_str!("../../templates/slack/refused.txt")),
    ("not_identified", include_str!("../../templates/slack/not_identified.txt")),
    ("list_heading", include_str!("../../templates/slack/list_heading.txt")),
    ("list_row", include_str!("../../templates/slack/list_row.txt")),
    ("alarms_heading", include_str!("../../templates/slack/alarms_heading.txt")),
    ("alarms_row", include_str!("../../templates/slack/alarms_row.txt")),
    ("help", include_str!("../../templates/slack/help.txt")),
    ("stage_opened", include_str!("../../templates/slack/stage_opened.txt")),
    ("reminded", include_str!("../../templates/slack/reminded.txt")),
    ("escalated", include_str!("../../templates/slack/escalated.txt")),
    ("passed_on", include_str!("../../templates/slack/passed_on.txt")),
    ("glass_broken", include_str!("../../templates/slack/glass_broken.txt")),
    ("review_opened", include_str!("../../templates/slack/review_opened.txt")),
    ("review_late", include_str!("../../templates/slack/review_late.txt")),
    ("reviewed", include_str!("../../templates/slack/reviewed.txt")),
    ("passed_by_itself", include_str!("../../templates/slack/passed_by_itself.txt")),
    // Included by others.
    ("found", include_str!("../../templates/slack/found.txt")),
    ("may_be_on", include_str!("../../templates/slack/may_be_on.txt")),
    ("drift", include_str!("../../templates/slack/drift.txt")),
];

/// The one whose names are not those of a request.
const REFUSALS: &str = "refusals";
/// More than the longest message a template can make; a template that loops for ever ends here.
const RENDERED_MAX_BYTES: usize = 256 * 1024;
/// Of one template file.
const FILE_MAX_BYTES: u64 = 64 * 1024;

/// The filled engine. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Engine {
    tera: Arc<Tera>,
}

impl Engine {
    /// With the built-in templates.
    pub fn built_in() -> Result<Self, Report> {
        let mut tera = empty();
        let named = TEMPLATES.iter().map(|(name, content)| (file_of(name), *content));
        tera.add_raw_templates(named).map_err(|error| Report::whole("templates", error.to_string(), None))?;
        Ok(Self { tera: Arc::new(tera) })
    }

    /// With files of `folder` in place of built-in ones. Every mistake is found.
    pub fn with_overrides(folder: &Path) -> Result<Self, Report> {
        let built_in = Self::built_in()?;
        let folder = folder.join("slack");
        let mut report = Report::default();
        let mut tera = Tera::clone(&built_in.tera);
        let mut changed = Vec::new();
        for file in files(&folder, &mut report) {
            let Some(content) = read(&folder.join(&file), &mut report) else { continue };
            let mut sheet = Sheet::new(folder.join(&file).display().to_string(), &content);
            match tera.add_raw_template(&file, &content) {
                Ok(()) => check_names(&tera, &file, &content, &mut sheet),
                Err(error) => note(&mut sheet, &content, &error),
            }
            if sheet.is_clean() {
                changed.push((file, content));
            } else {
                report.absorb(sheet.into_report());
            }
        }
        report.into_result()?;
        let engine = Self { tera: Arc::new(tera) };
        let mut report = Report::default();
        let failures = if changed.is_empty() { BTreeMap::new() } else { engine.failures() };
        for (file, content) in &changed {
            let mut sheet = Sheet::new(folder.join(file).display().to_string(), content);
            if let Some(error) = failures.get(file) {
                note(&mut sheet, content, error);
            }
            report.absorb(sheet.into_report());
        }
        report.into_result()?;
        Ok(engine)
    }

    /// The text of a template.
    pub fn render(&self, name: &str, facts: Option<&Facts>, extras: &Extras) -> TeraResult<String> {
        self.render_with(name, &context(facts, extras)?)
    }

    /// The words of a refusal, which can name nothing of a request but what is in `why`.
    pub fn render_refusal(&self, why: &Why) -> TeraResult<String> {
        self.render_with(REFUSALS, &Context::from_serialize(why)?)
    }

    fn render_with(&self, name: &str, context: &Context) -> TeraResult<String> {
        let mut rendered = Capped { bytes: Vec::new() };
        self.tera.render_to(&file_of(name), context, &mut rendered)?;
        String::from_utf8(rendered.bytes).map_err(|error| tera::Error::chain("not UTF-8", error))
    }

    /// Renders every template with every sample: the first failure of each file.
    fn failures(&self) -> BTreeMap<String, tera::Error> {
        let mut failures = BTreeMap::new();
        let mut try_all = |facts: &Facts, extras: &Extras| {
            for (name, _) in TEMPLATES.iter().filter(|(name, _)| *name != REFUSALS) {
                if let Err(error) = self.render(name, Some(facts), extras) {
                    let file = report_of(&error).map_or_else(|| file_of(name), |report| report.filename().to_owned());
                    failures.entry(file).or_insert(error);
                }
            }
        };
        for request in sample::lives() {
            for (to, place) in sample::readers(&request).iter().zip(sample::places().iter().cycle()) {
                try_all(&Facts::of(&request, sample::NOW).told(to).at_place(place), &Extras::default());
            }
        }
        if let Some(request) = sample::lives().first() {
            for extras in sample::extras() {
                try_all(&Facts::of(request, sample::NOW), &extras);
            }
        }
        let request = sample::lives().into_iter().next();
        for (refusal, request) in refusals::samples().iter().flat_map(|one| [(one, None), (one, request.as_ref())]) {
            if let Err(error) = self.render_refusal(&Why::of(refusal, request)) {
                failures.entry(file_of(REFUSALS)).or_insert(error);
            }
        }
        failures
    }
}

fn file_of(name: &str) -> String {
    format!("{name}.txt")
}

fn context(facts: Option<&Facts>, extras: &Extras) -> TeraResult<Context> {
    let mut context = Context::from_serialize(extras)?;
    context.insert_value("refusal", Value::safe_string(&extras.refusal));
    context.insert_value("card_link", Value::safe_string(&extras.card_link));
    if let Some(facts) = facts {
        context.extend(Context::from_serialize(facts)?);
    }
    Ok(context)
}

/// The engine with our escaping and filters, and no template.
fn empty() -> Tera {
    let mut tera = Tera::new();
    tera.autoescape_on([".txt"]);
    tera.set_escape_fn(|text, out| out.write_all(text::escape(text).as_bytes()));
    tera.register_filter("mention", |id: &str, _: Kwargs, _: &State| Value::safe_string(&words::mention(id)));
    tera.register_filter("channel", |name: &str, _: Kwargs, _: &State| Value::safe_string(&words::channel(name)));
    tera.register_filter("mentions", |ids: Vec<String>, _: Kwargs, _: &State| {
        let people: Vec<String> = ids.iter().map(|id| words::mention(id)).collect();
        Value::safe_string(&people.join(", "))
    });
    tera.register_filter("called", |title: &str, _: Kwargs, _: &State| {
        let called = format!("*{}*", text::escape(title));
        Value::safe_string(if title.is_empty() { "this" } else { called.as_str() })
    });
    tera.register_filter("approved_it", |ids: Vec<String>, _: Kwargs, _: &State| {
        let people: Vec<String> = ids.iter().map(|id| words::mention(id)).collect();
        let said = format!("{} approved it", words::listed(&people, "and"));
        Value::safe_string(if people.is_empty() { "it was approved" } else { said.as_str() })
    });
    tera.register_filter("when", |at: i64, _: Kwargs, state: &State| -> TeraResult<Value> {
        let now = state.get::<i64>("now")?.unwrap_or(at);
        Ok(Value::safe_string(&words::when(at, now)))
    });
    tera.register_filter("when_exactly", |at: i64, _: Kwargs, _: &State| Value::safe_string(&words::when_exactly(at)));
    tera.register_filter("quote", |text: &str, _: Kwargs, _: &State| Value::safe_string(&text::quote(text)));
    tera.register_filter("sentence", |text: &str, _: Kwargs, _: &State| text::sentence(text));
    tera.register_filter("code", |text: &str, _: Kwargs, _: &State| Value::safe_string(&text::code(text)));
    // Otherwise one word in a template would let people ping and link.
    tera.register_filter("safe", |_: &Value, _: Kwargs, _: &State| -> TeraResult<Value> {
        Err(tera::Error::message("`safe` is not available: what people typed is never shown as markup"))
    });
    tera
}

/// The template files of the folder, in order of their names.
fn files(folder: &Path, report: &mut Report) -> Vec<String> {
    let shown = folder.display().to_string();
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            report.absorb(Report::whole(shown, format!("cannot be read: {error}"), None));
            return Vec::new();
        }
    };
    let mut found = Vec::new();
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).take(1000).collect();
    names.sort_unstable();
    for file in names.into_iter().filter(|file| !file.starts_with('.') && file != "README.md") {
        let stem = file.strip_suffix(".txt").unwrap_or(&file);
        if TEMPLATES.iter().any(|(name, _)| *name == stem && file.ends_with(".txt")) {
            found.push(file);
        } else {
            let help = match nearest(stem, TEMPLATES.iter().map(|(name, _)| *name)) {
                Some(name) => format!("did you mean `{name}.txt`?"),
                None => {
                    format!("there are: {}", TEMPLATES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "))
                }
            };
            let mistake = format!("{} is no template", quoted(&file));
            report.absorb(Report::whole(folder.join(&file).display().to_string(), mistake, Some(help)));
        }
    }
    found
}

fn read(file: &Path, report: &mut Report) -> Option<String> {
    let shown = file.display().to_string();
    let size = std::fs::metadata(file).map(|metadata| metadata.len());
    let content = match size {
        Ok(size) if size > FILE_MAX_BYTES => Err(format!("is larger than {FILE_MAX_BYTES} bytes")),
        Ok(_) => std::fs::read_to_string(file).map_err(|error| format!("cannot be read: {error}")),
        Err(error) => Err(format!("cannot be read: {error}")),
    };
    match content {
        Ok(content) => Some(content),
        Err(message) => {
            report.mistakes.push(Mistake::whole(shown, message, None));
            None
        }
    }
}

/// Names in the template that we do not provide: without this a misspelt name in an `if` would just be false.
fn check_names(tera: &Tera, file: &str, content: &str, sheet: &mut Sheet<'_>) {
    let Ok(known) = known_names() else { return };
    let Ok(variables) = tera.get_template_variables(file) else { return };
    let mut unknown: Vec<&str> = variables.into_iter().filter(|name| !known.iter().any(|one| one == name)).collect();
    unknown.sort_unstable();
    for name in unknown {
        let help = match nearest(name, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("a template can name: {}", known.join(", ")),
        };
        let message = format!("unknown name {}", quoted(name));
        match content.find(name) {
            Some(start) => sheet.mistake(Place { start, length: name.len() }, message, Some(help)),
            None => sheet.whole(message, Some(help)),
        }
    }
}

/// Everything a template can name.
pub fn known_names() -> TeraResult<Vec<String>> {
    let request = sample::lives().into_iter().next();
    let facts = request.map(|request| Facts::of(&request, sample::NOW).told(&Recipient::Thread));
    let names = |value: serde_json::Value| -> Vec<String> {
        value.as_object().map(|map| map.keys().cloned().collect()).unwrap_or_default()
    };
    let json = |value: Result<serde_json::Value, serde_json::Error>| {
        value.map_err(|error| tera::Error::chain("cannot be named", error))
    };
    let mut known = names(json(serde_json::to_value(facts))?);
    known.extend(names(json(serde_json::to_value(Extras::default()))?));
    known.extend(["refusal", "card_link"].map(str::to_owned));
    known.extend(names(json(serde_json::to_value(Why::default()))?));
    known.sort_unstable();
    known.dedup();
    Ok(known)
}

fn report_of(error: &tera::Error) -> Option<&tera::ReportError> {
    match error.kind() {
        ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => Some(report),
        _ => None,
    }
}

fn note(sheet: &mut Sheet<'_>, content: &str, error: &tera::Error) {
    match report_of(error) {
        Some(report) => {
            let range = &report.span().range;
            let (start, end) = (range.start.min(content.len()), range.end.min(content.len()));
            sheet.mistake(Place { start, length: end.saturating_sub(start) }, report.message(), None);
        }
        None => {
            let message = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            let message = message.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
            // Such errors name the word in backticks and not its place.
            let word = message.split('`').nth(1).and_then(|word| content.find(word).map(|start| (start, word.len())));
            match word {
                Some((start, length)) => sheet.mistake(Place { start, length }, message, None),
                None => sheet.whole(message, None),
            }
        }
    }
}

/// Takes so many bytes and no more.
struct Capped {
    bytes: Vec<u8>,
}

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len().saturating_add(bytes.len()) > RENDERED_MAX_BYTES {
            return Err(io::Error::other("a template makes more text than any message holds"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
