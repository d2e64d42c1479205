//! `ceilings:` of the configuration: how much one person may have, so that nobody fills the database or calls everybody.

use super::read::optional;
use super::sheet::{Fields, Sheet};

const MIB: u64 = 1 << 20;

/// The most one person may have. Far more than anybody needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ceilings {
    /// Requests that wait for a decision.
    pub pending: u32,
    /// Requests for the same thing that are open at once.
    pub same: u32,
    /// Pastes that stand with us, but for those that a grant holds.
    pub pastes: u32,
    /// What those have together.
    pub paste_bytes: u64,
    /// Texts that wait for a second click.
    pub drafts: u32,
}

impl Default for Ceilings {
    fn default() -> Self {
        Self { pending: 100, same: 1, pastes: 1_000, paste_bytes: 100 * MIB, drafts: 20 }
    }
}

pub(super) fn ceilings(sheet: &mut Sheet, fields: &Fields) -> Ceilings {
    let usual = Ceilings::default();
    let Some(node) = optional(fields, "ceilings") else { return usual };
    let Some(fields) = sheet.fields(node, "`ceilings`", &["pending", "same", "pastes", "paste_mib", "drafts"]) else {
        return usual;
    };
    let mut most = |name: &str| {
        let number =
            optional(&fields, name).and_then(|node| sheet.whole_number(node, &format!("`{name}`"), 1, 1_000_000));
        number.and_then(|number| u32::try_from(number).ok())
    };
    Ceilings {
        pending: most("pending").unwrap_or(usual.pending),
        same: most("same").unwrap_or(usual.same),
        pastes: most("pastes").unwrap_or(usual.pastes),
        paste_bytes: most("paste_mib").map_or(usual.paste_bytes, |mib| u64::from(mib) * MIB),
        drafts: most("drafts").unwrap_or(usual.drafts),
    }
}
