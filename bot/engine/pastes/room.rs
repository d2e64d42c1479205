//! How much one person may have here: nobody fills the database alone.

use super::{PasteError, Pastes};
use crate::config::Ceilings;
use crate::kernel::paste::{Author, PasteRefusal};

impl Pastes {
    /// Whether this person may have one more paste of this size here.
    pub(super) async fn may_keep(&self, author: &Author, size_bytes: usize) -> Result<(), PasteError> {
        let Ceilings { pastes, paste_bytes, .. } = self.inner.ceilings;
        let (count, bytes) = self.inner.store.pasted_by(author, self.now()).await?;
        let more = u64::try_from(size_bytes).unwrap_or(u64::MAX);
        if count >= u64::from(pastes) {
            return Err(PasteRefusal::TooMany { most: pastes }.into());
        }
        if bytes.saturating_add(more) > paste_bytes {
            return Err(PasteRefusal::TooMuch { most_mib: paste_bytes >> 20 }.into());
        }
        Ok(())
    }
}
