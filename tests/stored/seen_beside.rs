//! The same walk through what the log says beside requests: who caused it, links and pastes.

use nightlatch::kernel::Actor;
use nightlatch::kernel::link::LinkEvent;
use nightlatch::kernel::paste::PasteEvent;

use crate::seen::Seen;
use crate::variants;

impl Seen {
    pub fn actor(&mut self, actor: &Actor) {
        self.note("Actor", variants::actor(actor));
    }

    pub fn paste_event(&mut self, event: &PasteEvent) {
        self.note("PasteEvent", variants::paste_event(event));
    }

    pub fn link_event(&mut self, event: &LinkEvent) {
        self.note("LinkEvent", variants::link_event(event));
    }
}
