//! The files of the workflow folder, by the names people type.

use std::collections::BTreeMap;
use std::fs::DirEntry;
use std::path::Path;

use super::keys::RESERVED;
use crate::config::Report;
use crate::config::words::{cleaned, quoted};
use crate::config::yaml;

/// More workflows than this nobody looks through.
const FILES_MAX: usize = 1_000;
/// Slack buttons and option values carry the name.
const NAME_MAX_BYTES: usize = 48;
/// One workflow file.
pub(super) struct WorkflowFile {
    /// As shown to people.
    pub path: String,
    /// The file's name without its ending.
    pub name: String,
    /// What it says.
    pub text: String,
}

/// Reads all files; what cannot be read or has no usable name is in the report.
///
/// Hidden files (editors leave them) and folders are passed over. A link is followed if it stays in the folder, which is
/// how Kubernetes mounts a ConfigMap; one that leaves it is a mistake rather than a workflow that silently is not there.
pub(super) fn read(folder: &Path) -> Result<(Vec<WorkflowFile>, Report), Report> {
    let shown = folder.display().to_string();
    let unreadable = |error: std::io::Error| {
        let help = "name the folder of workflow files with `workflows:` in nightlatch.yaml";
        Report::whole(&shown, format!("the folder of workflows cannot be read: {error}"), Some(help.to_owned()))
    };
    let mut entries: Vec<DirEntry> = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        if is_workflow(&entry.path()) {
            entries.push(entry);
        }
        if entries.len() > FILES_MAX {
            return Err(Report::whole(&shown, format!("holds more than {FILES_MAX} workflow files"), None));
        }
    }
    entries.sort_by_key(DirEntry::file_name);
    let (mut files, mut report) = (Vec::new(), Report::default());
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for entry in entries {
        match one(folder, &entry, &mut names) {
            Ok(Some(file)) => files.push(file),
            Ok(None) => {}
            Err(mistakes) => report.absorb(mistakes),
        }
    }
    Ok((files, report))
}

fn is_workflow(path: &Path) -> bool {
    let is_yaml = path
        .extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("yaml") || ending.eq_ignore_ascii_case("yml"));
    let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    is_yaml && !is_hidden
}

fn one(folder: &Path, entry: &DirEntry, names: &mut BTreeMap<String, String>) -> Result<Option<WorkflowFile>, Report> {
    let path = entry.path();
    let shown = cleaned(&path.display().to_string());
    let unreadable = |error: std::io::Error| Report::whole(&shown, format!("cannot be read: {error}"), None);
    if path.is_dir() {
        return Ok(None);
    }
    if entry.file_type().map_err(unreadable)?.is_symlink() {
        let (target, folder) = (path.canonicalize().map_err(unreadable)?, folder.canonicalize().map_err(unreadable)?);
        if !target.starts_with(folder) {
            let help = "copy the file; a link may only lead to another file in this folder";
            return Err(Report::whole(shown, "is a link that leaves the folder", Some(help.to_owned())));
        }
    }
    let name = name(&path, &shown)?;
    if let Some(other) = names.insert(name.clone(), shown.clone()) {
        let message = format!("is called like {other}");
        return Err(Report::whole(shown, message, Some("keep one of the two".to_owned())));
    }
    let text = yaml::read_file(&path)?;
    Ok(Some(WorkflowFile { path: shown, name, text }))
}

fn name(path: &Path, shown: &str) -> Result<String, Report> {
    let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let is_part = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let wrong = |message: String, help: &str| Err(Report::whole(shown, message, Some(help.to_owned())));
    if !name.split('-').all(is_part) {
        let help =
            "the file's name is what people type: lower-case letters, digits and single dashes, like prod-db.yaml";
        return wrong(format!("{} cannot be the name of a workflow", quoted(&name)), help);
    }
    if name.len() > NAME_MAX_BYTES {
        return wrong(format!("the name is longer than {NAME_MAX_BYTES} characters"), "rename the file");
    }
    if RESERVED.contains(&name.as_str()) {
        let message = format!("{} is a word that `/access` understands, now or in a later version", quoted(&name));
        return wrong(message, &format!("rename the file, like {name}-access.yaml"));
    }
    Ok(name)
}
