//! `programs:` and `run_as:` of the configuration: which programs workflows may run, and as which user of this machine.

use super::read::optional;
use super::sheet::{Fields, Sheet};
use super::words::quoted;

/// What workflows may run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramsConfig {
    /// As whom.
    pub run_as: RunAs,
    /// Their absolute paths, as workflows write them.
    pub listed: Vec<String>,
}

/// As whom programs run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunAs {
    /// Another user of this machine.
    User(String),
    /// Whoever we are: for tests on machines where they may not change user. No file can say so.
    Ourselves,
}

const HELP: &str = "write programs: [/usr/local/bin/freeze], and run_as: nightlatch-run";

/// None: no programs are named, or it was told what is wrong.
pub(super) fn programs(sheet: &mut Sheet, fields: &Fields) -> Option<ProgramsConfig> {
    let run_as = optional(fields, "run_as");
    let Some(node) = optional(fields, "programs") else {
        if let Some(node) = run_as {
            sheet.mistake(node.place, "`run_as` is for `programs`, and there are none", Some(HELP.to_owned()));
        }
        return None;
    };
    let mut listed = Vec::new();
    for one in sheet.list(node, "`programs`")? {
        let text = sheet.text(one, "a program")?;
        if !is_path(text) {
            let help = "write its whole path, like /usr/local/bin/freeze".to_owned();
            sheet.mistake(one.place, format!("{} is not the path of a program", quoted(text)), Some(help));
            return None;
        }
        listed.push(text.to_owned());
    }
    let Some(node) = run_as else {
        let help = "write run_as: nightlatch-run, a user that owns nothing and reads no secret of yours".to_owned();
        sheet.mistake(node.place, "`run_as` is missing: programs run as another user, never as ours", Some(help));
        return None;
    };
    let user = sheet.text(node, "`run_as`")?;
    let is_user =
        !user.is_empty() && user.len() <= 64 && !user.contains([':', '/']) && !user.contains(char::is_whitespace);
    if !is_user || matches!(user, "root" | "0") {
        let help = "write the name that `id -un` prints for a user that owns nothing, like nightlatch-run".to_owned();
        let what = if is_user { "programs never run as root" } else { "`run_as` is no user of a machine" };
        sheet.mistake(node.place, what, Some(help));
        return None;
    }
    Some(ProgramsConfig { run_as: RunAs::User(user.to_owned()), listed })
}

/// An absolute path that means one file, however it is looked at.
pub fn is_path(text: &str) -> bool {
    text.strip_prefix('/').is_some_and(|rest| !rest.split('/').any(|part| matches!(part, "" | "." | "..")))
        && !text.chars().any(char::is_control)
}
