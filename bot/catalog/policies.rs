//! The folder of policies: rules in it would be believed to hold, and this version reads none.

use std::path::Path;

use crate::config::Report;

/// Refused as long as files with rules lie there.
///
/// # Errors
/// One mistake for each file.
pub fn none_yet(folder: &Path) -> Result<(), Report> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    let mut files: Vec<_> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| holds_rules(path)).collect();
    files.sort();
    let mut report = Report::default();
    for file in files {
        let help = "this version reads no policies, and rules that nobody reads must not look as if they held; write them into \
                    each workflow's `ask` and `approve`, and move this file elsewhere";
        report.absorb(Report::whole(file.display().to_string(), "a policy would not be kept", Some(help.to_owned())));
    }
    report.into_result()
}

/// Notes for people and what editors leave behind are no rules.
fn holds_rules(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let end = path.extension().and_then(|end| end.to_str()).unwrap_or_default().to_lowercase();
    !name.starts_with('.') && matches!(end.as_str(), "yaml" | "yml" | "json" | "hujson" | "toml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_with_rules_are_refused_and_notes_are_not() {
        let folder = tempfile::tempdir().unwrap();
        assert!(none_yet(&folder.path().join("nowhere")).is_ok());
        for name in ["README.md", ".hidden.yaml", "notes.txt"] {
            std::fs::write(folder.path().join(name), "x").unwrap();
        }
        assert!(none_yet(folder.path()).is_ok());
        for name in ["hours.yaml", "freeze.YML"] {
            std::fs::write(folder.path().join(name), "x").unwrap();
        }
        let report = none_yet(folder.path()).unwrap_err();
        assert_eq!(report.mistakes.len(), 2);
        assert!(report.to_string().contains("freeze.YML"), "{report}");
    }
}
