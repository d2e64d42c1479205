//! `/go`: go links, followed, found, made and changed.

use crate::slack::answer::Answer;
use crate::slack::envelope::SlashCommand;
use crate::slack::links;
use crate::slack::surface::{By, Surface};

pub(super) async fn run(surface: &Surface, by: &By, command: &SlashCommand) -> Answer {
    links::command(surface, by, command).await
}
