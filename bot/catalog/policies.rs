//! The folder of policies: guardrails in `*.cedar`, read and checked together. Anything else there that looks like rules is refused.

use std::path::Path;

use nightlatch_guardrails::{Guardrails, Known, Mistake, SourceFile};

use crate::config::Report;
use crate::config::sheet::Sheet;
use crate::config::words::cleaned;
use crate::config::yaml::{self, Place};

/// More files than anybody looks through.
const FILES_MAX: usize = 200;

/// Reads the folder; nothing if there are no guardrails in it. `workflows` are the names of all workflows, if they are known. `had_some`: guardrails
/// are in force, and a folder that has lost all of them is a mistake rather than the end of every rule. Blocks while it reads.
///
/// # Errors
/// Every mistake in every file; then nothing is to be taken over.
pub fn read(folder: &Path, workflows: Option<&[&str]>, had_some: bool) -> Result<Option<Guardrails>, Report> {
    let shown = cleaned(&folder.display().to_string());
    let (files, mut report) = files(folder, &shown, had_some)?;
    if files.is_empty() && report.is_empty() {
        if !had_some {
            return Ok(None);
        }
        let help = "to go on without any, start nightlatch anew; if that is not what you want, put the files back";
        return Err(Report::whole(shown, "holds no guardrails any more, and there were some", Some(help.to_owned())));
    }
    match nightlatch_guardrails::read(files.clone(), Known { workflows }) {
        Ok(read) if report.is_empty() => Ok(Some(read)),
        Ok(_) => Err(report),
        Err(mistakes) => {
            for mistake in mistakes {
                report.absorb(told(&files, mistake));
            }
            Err(report)
        }
    }
}

fn files(folder: &Path, shown: &str, had_some: bool) -> Result<(Vec<SourceFile>, Report), Report> {
    let unreadable = |error: std::io::Error| {
        let help = "name the folder of guardrails with `policies:` in nightlatch.yaml, and let nightlatch read it";
        Report::whole(shown, format!("the folder of policies cannot be read: {error}"), Some(help.to_owned()))
    };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !had_some => {
            return Ok((Vec::new(), Report::default()));
        }
        Err(error) => return Err(unreadable(error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(unreadable)?.path());
        if paths.len() > FILES_MAX {
            return Err(Report::whole(shown, format!("holds more than {FILES_MAX} files"), None));
        }
    }
    paths.sort();
    let (mut files, mut report) = (Vec::new(), Report::default());
    for path in paths {
        match kind(&path) {
            Kind::Guardrails => match yaml::read_file(&path) {
                Ok(text) => files.push(SourceFile {
                    path: cleaned(&path.display().to_string()),
                    stem: path.file_stem().map(|stem| cleaned(&stem.to_string_lossy())).unwrap_or_default(),
                    text,
                }),
                Err(mistakes) => report.absorb(mistakes),
            },
            Kind::OtherRules => report.absorb(Report::whole(
                cleaned(&path.display().to_string()),
                "a rule in this file would not be kept",
                Some(
                    "guardrails are written in Cedar, in files that end in .cedar; move this file elsewhere".to_owned(),
                ),
            )),
            Kind::Nothing => {}
        }
    }
    Ok((files, report))
}

enum Kind {
    Guardrails,
    OtherRules,
    Nothing,
}

/// Notes for people and what editors leave behind are no rules.
fn kind(path: &Path) -> Kind {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let end = path.extension().and_then(|end| end.to_str()).unwrap_or_default().to_lowercase();
    match end.as_str() {
        _ if name.starts_with('.') => Kind::Nothing,
        "cedar" => Kind::Guardrails,
        "yaml" | "yml" | "json" | "hujson" | "toml" | "cedarschema" => Kind::OtherRules,
        _ => Kind::Nothing,
    }
}

/// A mistake as people are told of it, with its line.
fn told(files: &[SourceFile], mistake: Mistake) -> Report {
    let file = files.iter().find(|file| file.path == mistake.path);
    let (Some(file), Some((start, length))) = (file, mistake.at) else {
        return Report::whole(mistake.path, mistake.message, mistake.help);
    };
    let mut sheet = Sheet::new(&file.path, &file.text);
    sheet.mistake(Place { start, length }, mistake.message, mistake.help);
    sheet.into_report()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "@id(\"short\") forbid (principal, action == Action::\"ask\", resource == Workflow::\"prod-db\")\nwhen \
                       { context.hold > 3600 };\n";

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    #[test]
    fn guardrails_are_read_and_notes_are_not() {
        let folder = folder(&[("README.md", "x"), (".hidden.cedar", "x"), ("notes.txt", "x"), ("a.cedar", ONE)]);
        let read = read(folder.path(), Some(&["prod-db"]), false).unwrap().unwrap();
        assert_eq!(read.count(), 1);
    }

    #[test]
    fn files_that_look_like_rules_and_are_none_are_refused() {
        let folder = folder(&[("hours.yaml", "x"), ("freeze.YML", "x"), ("a.cedar", ONE)]);
        let report = read(folder.path(), Some(&["prod-db"]), false).unwrap_err();
        assert_eq!(report.mistakes.len(), 2);
        assert!(report.to_string().contains("freeze.YML"), "{report}");
    }

    #[test]
    fn no_folder_is_no_guardrails_unless_there_were_some() {
        let folder = folder(&[]);
        for missing in [folder.path().to_owned(), folder.path().join("nowhere")] {
            assert_eq!(read(&missing, None, false), Ok(None));
            let report = read(&missing, None, true).unwrap_err().to_string();
            assert!(report.contains("polic") || report.contains("no guardrails any more"), "{report}");
        }
    }

    #[test]
    fn a_mistake_is_told_with_its_line_and_what_would_be_right() {
        let folder = folder(&[("a.cedar", &ONE.replace("prod-db", "prod-bd"))]);
        let report = read(folder.path(), Some(&["prod-db"]), false).unwrap_err();
        let mistake = &report.mistakes[0];
        assert_eq!((mistake.line, mistake.column), (1, 70));
        assert_eq!(mistake.help.as_deref(), Some("did you mean `Workflow::\"prod-db\"`?"));
    }
}
