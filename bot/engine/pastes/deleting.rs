//! Deleting: where the paste stands first, and then what we remember of it.

use super::author::actor;
use super::{PasteError, Pastes};
use crate::kernel::paste::{Author, Deletion, Paste, PasteId, PastePlace, PasteRefusal, Wish};

impl Pastes {
    /// Deletes a paste of `who`, here or at the tclip, where it is looked at again.
    ///
    /// # Errors
    /// Not there, not theirs, not ours to delete, or tclip did not do it.
    pub async fn delete(&self, id: &PasteId, who: &Author, delivery: Option<String>) -> Result<Paste, PasteError> {
        let tclip = self.inner.settings.tclip.as_ref().map(|tclip| &tclip.client);
        let (paste, is_known) = match (self.inner.store.paste(id).await?, tclip) {
            (Some(paste), _) => (paste, true),
            (None, Some(tclip)) => (self.unknown_there(id, who, tclip).await?, false),
            (None, None) => return Err(PasteError::Refused(PasteRefusal::Gone)),
        };
        match (&paste.place, tclip) {
            (PastePlace::Here, _) => {
                self.write(Wish::Delete { id: id.clone(), who: who.clone() }, actor(who), delivery).await?;
                Ok(paste)
            }
            (PastePlace::Tclip { .. }, Some(_)) => {
                self.delete_there(Deletion { paste, who: who.clone(), is_known }, delivery).await
            }
            (PastePlace::Tclip { url }, None) => {
                paste.check_delete(who, self.now())?;
                Err(PasteError::Elsewhere { page: url.clone() })
            }
        }
    }
}
