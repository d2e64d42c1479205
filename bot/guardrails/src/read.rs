//! Reads guardrails from text: each mistake with its place, what is wrong and what would be right. One mistake, and none is used.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use cedar_policy::{
    Authorizer, Effect, EntityUid, Policy, PolicyId, PolicySet, Schema, ValidationMode, ValidationWarning, Validator,
};
use miette::Diagnostic;
use nightlatch_kernel::Who;
use nightlatch_kernel::guardrail::Action;
use sha2::{Digest, Sha256};

use super::rules::{Told, actions, forbids_everything, looks_at_device, looks_at_names};
use super::{BUILT_IN, Guardrails, Inner, SCHEMA, nesting};

/// The most a file may hold.
pub const FILE_MAX_BYTES: usize = 64 * 1024;
/// The name under which what is built in is read.
const BUILT_IN_NAME: &str = "built in";
/// Cedar goes down with every operator of a chain; what is read on a usual stack ends the program.
const STACK_BYTES: usize = 64 << 20;
/// A file with guardrails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// As shown to people.
    pub path: String,
    /// What a guardrail without an `@id` is called after.
    pub stem: String,
    /// What it says.
    pub text: String,
}

/// Something wrong in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The file, as it was named.
    pub path: String,
    /// Which bytes of it are meant; nothing: the whole file.
    pub at: Option<(usize, usize)>,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
}

/// What else there is, so that a name of nothing is found.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'k> {
    /// The names of all workflows; nothing: they are not looked at.
    pub workflows: Option<&'k [&'k str]>,
}

/// The fingerprint of what `Guardrails::text` gives.
pub fn digest(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

/// Reads and checks all files together, with what is built in.
///
/// # Errors
/// Every mistake that was found; nothing is to be used then.
pub fn read(files: Vec<SourceFile>, known: Known<'_>) -> Result<Guardrails, Vec<Mistake>> {
    let names: Option<Vec<String>> = known.workflows.map(|names| names.iter().map(|&name| name.to_owned()).collect());
    let built_in =
        SourceFile { path: BUILT_IN_NAME.to_owned(), stem: BUILT_IN_NAME.to_owned(), text: BUILT_IN.to_owned() };
    on_a_large_stack(std::iter::once(built_in).chain(files).collect(), names)
}

fn on_a_large_stack(files: Vec<SourceFile>, workflows: Option<Vec<String>>) -> Result<Guardrails, Vec<Mistake>> {
    let reading =
        std::thread::Builder::new().stack_size(STACK_BYTES).spawn(move || read_here(&files, workflows.as_deref()));
    match reading.map(std::thread::JoinHandle::join) {
        Ok(Ok(read)) => read,
        Ok(Err(_)) => Err(failed("the guardrails could not be read to their end")),
        Err(error) => Err(failed(&format!("the guardrails cannot be read now: {error}"))),
    }
}

fn failed(what: &str) -> Vec<Mistake> {
    vec![Mistake { path: String::new(), at: None, message: what.to_owned(), help: None }]
}

impl Guardrails {
    /// None but those that are built in.
    ///
    /// # Errors
    /// Never, unless the program itself is broken: then what is built in cannot be read.
    pub fn none() -> Result<Self, Vec<Mistake>> {
        read(Vec::new(), Known::default())
    }

    /// The guardrails of then, from what `text` gave; also those that were built in then.
    ///
    /// # Errors
    /// This version cannot read them.
    pub fn again(text: &str) -> Result<Self, Vec<Mistake>> {
        let files: Vec<(String, String)> = match serde_json::from_str(text) {
            Ok(files) => files,
            Err(error) => return Err(failed(&format!("the text of these guardrails cannot be read: {error}"))),
        };
        let source = |(stem, text): (String, String)| SourceFile { path: stem.clone(), stem, text };
        on_a_large_stack(files.into_iter().map(source).collect(), None)
    }
}

fn read_here(files: &[SourceFile], workflows: Option<&[String]>) -> Result<Guardrails, Vec<Mistake>> {
    let whole = |message: String| Mistake { path: BUILT_IN_NAME.to_owned(), at: None, message, help: None };
    let (schema, _) = Schema::from_cedarschema_str(SCHEMA).map_err(|error| vec![whole(error.to_string())])?;
    let mut all = All {
        set: PolicySet::new(),
        told: Vec::new(),
        groups: Vec::new(),
        people: Vec::new(),
        places: BTreeMap::new(),
    };
    let mut mistakes = Vec::new();
    for file in files {
        mistakes.extend(all.add(file, &schema, workflows));
    }
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    all.told.sort_by(|one, other| one.id.cmp(&other.id));
    for names in [&mut all.groups, &mut all.people] {
        names.sort();
        names.dedup();
    }
    let texts: Vec<(&str, &str)> = files.iter().map(|file| (file.stem.as_str(), file.text.as_str())).collect();
    let text = serde_json::to_string(&texts).map_err(|error| failed(&error.to_string()))?;
    let (authorizer, digest) = (Authorizer::new(), digest(&text));
    let inner = Inner {
        set: all.set,
        schema,
        authorizer,
        told: all.told,
        groups: all.groups,
        people: all.people,
        text,
        digest,
    };
    Ok(Guardrails { inner: Arc::new(inner) })
}

struct All {
    set: PolicySet,
    told: Vec<Told>,
    groups: Vec<Who>,
    people: Vec<Who>,
    /// Where an id stands first.
    places: BTreeMap<String, String>,
}

impl All {
    fn add(&mut self, file: &SourceFile, schema: &Schema, workflows: Option<&[String]>) -> Vec<Mistake> {
        let mistake = |at, message: String, help: Option<&str>| Mistake {
            path: file.path.clone(),
            at,
            message,
            help: help.map(str::to_owned),
        };
        if file.text.len() > FILE_MAX_BYTES {
            let message = format!("is larger than {} kB", FILE_MAX_BYTES / 1024);
            return vec![mistake(None, message, Some("split it into several files"))];
        }
        if let Some((at, what)) = nesting::too_deep(&file.text) {
            let message = format!("has too many {what}");
            return vec![mistake(Some((at, 1)), message, Some("write it as several guardrails"))];
        }
        let parsed = match PolicySet::from_str(&file.text) {
            Ok(parsed) => parsed,
            Err(errors) => return errors.iter().map(|error| told_by(&file.path, error)).collect(),
        };
        if let Some(template) = parsed.templates().next() {
            let message = "is a template: `?principal` and `?resource` are filled by nobody".to_owned();
            let at = find(&file.text, &template.to_cedar());
            return vec![mistake(at, message, Some("write `principal` and `resource`"))];
        }
        let (set, named, mut mistakes) = self.named(file, &parsed);
        mistakes.extend(checked(file, &set, schema));
        for (policy, at) in &named {
            mistakes.extend(own_rules(file, policy, *at, workflows));
            self.groups.extend(policy.entity_literals().iter().filter_map(group));
            self.people.extend(policy.entity_literals().iter().filter_map(person));
            let is_known = self.set.add(policy.clone()).is_ok();
            debug_assert!(is_known || !mistakes.is_empty(), "an id that is there twice is a mistake");
            self.told.push(Told {
                id: policy.id().to_string(),
                reason: policy.annotation("reason").unwrap_or_default().to_owned(),
                is_permit: policy.effect() == Effect::Permit,
                actions: actions(policy),
                looks_at_device: looks_at_device(policy),
                looks_at_names: looks_at_names(policy),
                is_built_in: file.path == BUILT_IN_NAME,
            });
        }
        mistakes
    }

    /// The guardrails of a file under their ids, in the order of the file, and where each stands.
    #[expect(clippy::type_complexity, reason = "a policy and its place, twice")]
    fn named(
        &mut self,
        file: &SourceFile,
        parsed: &PolicySet,
    ) -> (PolicySet, Vec<(Policy, Option<(usize, usize)>)>, Vec<Mistake>) {
        let (mut set, mut named, mut mistakes) = (PolicySet::new(), Vec::new(), Vec::new());
        let mut policies: Vec<&Policy> = parsed.policies().collect();
        // The reader calls them policy0, policy1 and so on.
        policies.sort_by_key(|policy| policy.id().to_string().trim_start_matches("policy").parse::<usize>().ok());
        let is_one = policies.len() == 1;
        for (index, policy) in (1_usize..).zip(policies) {
            let of_the_file = || if is_one { file.stem.clone() } else { format!("{}-{index}", file.stem) };
            let id = policy.annotation("id").filter(|id| !id.is_empty()).map_or_else(of_the_file, str::to_owned);
            let at = find(&file.text, &format!("@id(\"{id}\")"));
            let at = at.or_else(|| find(&file.text, &policy.to_cedar()?));
            if let Some(other) = self.places.insert(id.clone(), file.path.clone()) {
                let message = format!("there is another guardrail with the id `{id}`, in {other}");
                let help =
                    Some("every answer names the guardrail it comes from: give each an id of its own".to_owned());
                mistakes.push(Mistake { path: file.path.clone(), at, message, help });
                continue;
            }
            let policy = policy.new_id(PolicyId::new(&id));
            if set.add(policy.clone()).is_ok() {
                named.push((policy, at));
            }
        }
        (set, named, mistakes)
    }
}

/// What does not fit the schema, the first thing of each guardrail; and those that fit and can never apply.
fn checked(file: &SourceFile, set: &PolicySet, schema: &Schema) -> Vec<Mistake> {
    let checked = Validator::new(schema.clone()).validate(set, ValidationMode::Strict);
    let mut wrong: Vec<&PolicyId> = Vec::new();
    let mut mistakes = Vec::new();
    for error in checked.validation_errors() {
        if !wrong.contains(&error.policy_id()) {
            wrong.push(error.policy_id());
            mistakes.push(without_id(told_by(&file.path, error), error.policy_id()));
        }
    }
    for warning in checked.validation_warnings().filter(|warning| !wrong.contains(&warning.policy_id())) {
        let mut mistake = without_id(told_by(&file.path, warning), warning.policy_id());
        if matches!(warning, ValidationWarning::ImpossiblePolicy(_)) {
            mistake.message = format!("`{}` can never apply", warning.policy_id());
            mistake.help = Some("what it asks for is never so: look at its action and its conditions".to_owned());
        }
        mistakes.push(mistake);
    }
    mistakes
}

/// The place says which guardrail it is.
fn without_id(mut mistake: Mistake, id: &PolicyId) -> Mistake {
    if let Some(rest) = mistake.message.strip_prefix(&format!("for policy `{id}`, ")) {
        mistake.message = rest.to_owned();
    }
    mistake
}

/// What Cedar allows and we do not.
fn own_rules(
    file: &SourceFile,
    policy: &Policy,
    at: Option<(usize, usize)>,
    workflows: Option<&[String]>,
) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    let mut push = |at: Option<(usize, usize)>, message: String, help: String| {
        mistakes.push(Mistake { path: file.path.clone(), at, message, help: Some(help) });
    };
    if policy.effect() == Effect::Permit && actions(policy) != [Action::ApproveAutomatically] {
        let message = format!("`{}` permits more than that something passes without anybody", policy.id());
        let help = "who may ask and approve stands in workflows; a `permit` is for `action == Action::\"approve_automatically\"` \
                    alone, and everything else is a `forbid`";
        push(at, message, help.to_owned());
    }
    if forbids_everything(policy) && file.path != BUILT_IN_NAME {
        let help = "name an action, a workflow or a condition".to_owned();
        push(at, format!("`{}` forbids everything to everybody", policy.id()), help);
    }
    for uid in policy.entity_literals() {
        if let Some((message, help)) = wrong_name(&uid, workflows) {
            push(find(&file.text, &uid.to_string()).or(at), message, help);
        }
    }
    mistakes
}

/// A name that can be nobody's or nothing's.
fn wrong_name(uid: &EntityUid, workflows: Option<&[String]>) -> Option<(String, String)> {
    let id = uid.id().unescaped();
    match uid.type_name().to_string().as_str() {
        "Group" if group(uid).is_none() => {
            let help = format!("write `Group::\"group:{0}\"` of the tailnet or `Group::\"@{0}\"` of Slack", bare(id));
            Some((format!("`{id}` is no group"), help))
        }
        "Person" if id.chars().any(char::is_uppercase) && !id.starts_with("slack:") => Some((
            format!("`{id}` is nobody: people are known in lower case"),
            format!("write `Person::\"{}\"`", id.to_lowercase()),
        )),
        "Workflow" => {
            let names = workflows?;
            if names.iter().any(|name| *name == id) {
                return None;
            }
            let nearest = nearest(id, names).map(|name| format!("did you mean `Workflow::\"{name}\"`?"));
            let help = nearest.unwrap_or_else(|| "a workflow is called like its file, without the ending".to_owned());
            Some((format!("there is no workflow `{id}`"), help))
        }
        _ => None,
    }
}

fn bare(id: &str) -> &str {
    id.rsplit([':', '@']).find(|part| !part.is_empty()).unwrap_or(id)
}

/// The name of which the most is the same.
fn nearest<'n>(wrong: &str, names: &'n [String]) -> Option<&'n str> {
    let alike = |name: &&String| strsim::jaro_winkler(wrong, name) > 0.8;
    let best = |one: &&String, other: &&String| {
        strsim::jaro_winkler(wrong, one).total_cmp(&strsim::jaro_winkler(wrong, other))
    };
    names.iter().filter(alike).max_by(best).map(String::as_str)
}

/// The group that is meant, if it is one that can be read.
pub(crate) fn group(uid: &EntityUid) -> Option<Who> {
    if uid.type_name().to_string() != "Group" {
        return None;
    }
    let id = uid.id().unescaped();
    let who = Who::parse(id).ok()?;
    (who.is_group() && who.to_string() == id).then_some(who)
}

/// The person who is meant, if it is by an address or a login.
fn person(uid: &EntityUid) -> Option<Who> {
    let is_person = uid.type_name().to_string() == "Person";
    Who::parse(uid.id().unescaped()).ok().filter(|who| is_person && matches!(who, Who::Email(_)))
}

fn find(text: &str, what: &str) -> Option<(usize, usize)> {
    text.find(what).map(|at| (at, what.len()))
}

/// What Cedar says, at the place it names.
fn told_by(path: &str, error: &dyn Diagnostic) -> Mistake {
    let label = error.labels().and_then(|mut labels| labels.next());
    let at = label.as_ref().map(|label| (label.offset(), label.len()));
    let detail = label.and_then(|label| label.label().map(str::to_owned));
    let help = error.help().map(|help| help.to_string());
    Mistake { path: path.to_owned(), at, message: error.to_string(), help: help.or(detail) }
}
