//! `/paste`: some text becomes a paste at once; without text a form opens. Also `list`, `delete` and `help`.

use crate::kernel::paste::PasteId;
use crate::slack::answer::Answer;
use crate::slack::envelope::SlashCommand;
use crate::slack::pastes::message::only_code;
use crate::slack::pastes::words;
use crate::slack::surface::{By, Surface};

pub(super) async fn run(surface: &Surface, by: &By, command: &SlashCommand) -> Answer {
    let (trigger, channel) = (command.trigger_id.as_ref(), command.channel_id.as_str());
    // As it was typed: what is made plain for commands is not what people want to paste.
    let typed = command.text.typed.trim();
    let (first, rest) = typed.split_once(char::is_whitespace).unwrap_or((typed, ""));
    match (first.to_lowercase().as_str(), rest.trim()) {
        ("", _) => surface.paste_form_wanted(by, trigger, channel).await,
        ("help" | "-h" | "--help" | "?", "") => surface.paste_help(),
        ("list", "") => surface.paste_list(by).await,
        ("delete", "") => Answer::ephemeral(words::DELETE_WHAT),
        // `delete the old index` is a text; one word after it is meant as an address.
        ("delete", named) if !named.contains(char::is_whitespace) => match PasteId::find(named) {
            Some(id) => surface.paste_deleted(by, &id).await,
            None => Answer::ephemeral(words::not_an_address(named)),
        },
        _ => surface.paste_typed(by, only_code(typed).unwrap_or(typed), trigger, channel).await,
    }
}
