//! `tailscale.policy_file` of the configuration: how the tailnet's policy file is treated.

use super::PolicyFileConfig;
use super::read::optional;
use super::sheet::{Fields, Sheet};

/// Of a note, in characters.
const NOTE_MAX: usize = 200;
const USUAL_BYTES: usize = 1 << 20;
/// What is read of a policy file at most.
const MOST_BYTES: i64 = 32 << 20;

pub(super) fn policy_file(sheet: &mut Sheet, fields: &Fields) -> PolicyFileConfig {
    let mut all = PolicyFileConfig { managed_elsewhere: false, note: String::new(), max_bytes: USUAL_BYTES };
    let Some(node) = optional(fields, "policy_file") else { return all };
    const KEYS: &[&str] = &["managed_elsewhere", "note", "max_bytes"];
    let Some(fields) = sheet.fields(node, "`tailscale.policy_file`", KEYS) else { return all };
    if let Some(node) = optional(&fields, "managed_elsewhere") {
        all.managed_elsewhere = sheet.flag(node, "`managed_elsewhere`").unwrap_or_default();
    }
    if let Some(node) = optional(&fields, "note") {
        let note = sheet.text(node, "`note`").unwrap_or_default().trim();
        if note.chars().count() > NOTE_MAX || note.chars().any(char::is_control) {
            let help = "write in a few words where it is kept, like terraform in infra/tailnet".to_owned();
            sheet.mistake(node.place, format!("`note` is one line of at most {NOTE_MAX} characters"), Some(help));
        }
        note.clone_into(&mut all.note);
        if !all.managed_elsewhere {
            let help = "add managed_elsewhere: true, or take `note` out".to_owned();
            sheet.mistake(
                node.place,
                "`note` says where the policy file is managed, and nothing says that it is",
                Some(help),
            );
        }
    }
    if let Some(node) = optional(&fields, "max_bytes") {
        let most = sheet.whole_number(node, "`max_bytes`", 1_024, MOST_BYTES);
        all.max_bytes = most.and_then(|most| usize::try_from(most).ok()).unwrap_or(USUAL_BYTES);
    }
    all
}
