//! The story as text: people type, cards change, the clock moves, things break. It is told only if it comes out as told.

mod stage;

use super::{Lodger, TailscaleMood, Worlds};
use stage::{Stage, Surprise};

/// When the story begins: Monday, 5 January 2026, 15:00 in Berlin and 9:00 in New York.
pub const BEGINS_AT_MS: i64 = 1_767_621_600_000;

const MINUTE_MS: i64 = 60_000;

/// Tells it, piece by piece.
///
/// # Errors
/// What did not come out as told.
pub async fn tell(worlds: &Worlds, lodger: &dyn Lodger, say: &mut (dyn FnMut(&str) + Send)) -> Result<(), Surprise> {
    let mut stage = Stage::new(worlds, lodger, say);
    stage.say(
        "The bot below is the real one, with a database of its own. Slack and the tailnet are played on this machine,\n\
         and the clock moves when the story says so; times on the left are Berlin's. `nightlatch demo` shows the same in a browser.",
    );
    stage.begin().await?;
    lent(&mut stage).await?;
    given_back(&mut stage).await?;
    stuck(&mut stage).await?;
    killed(&mut stage).await?;
    named(&mut stage).await?;
    stage.end()
}

/// Somebody asks, somebody else approves, and the door opens.
async fn lent(stage: &mut Stage<'_>) -> Result<(), Surprise> {
    stage.scene("Alice asks");
    stage.tailnet("alice-laptop");
    stage.command("alice", "/access prod-db 2h invoice 1204 is stuck").await?;
    stage.private("alice");
    stage.card("bob", "Waiting for approval")?;

    stage.scene("Somebody else decides");
    stage.press("alice", "Approve").await?;
    stage.private("alice");
    stage.expect(stage.lent("alice-laptop").is_none(), "nothing is switched on before somebody approved")?;
    stage.press("bob", "Approve").await?;
    stage.card("bob", "Active until")?;
    stage.tailnet("alice-laptop");
    stage.expect(stage.lent("alice-laptop").is_some(), "alice-laptop has the attribute")?;
    stage.direct("alice");
    Ok(())
}

/// The end comes, with a warning before it.
async fn given_back(stage: &mut Stage<'_>) -> Result<(), Surprise> {
    let ends_at = stage.lent("alice-laptop").unwrap_or_default();
    stage.scene("It locks itself");
    stage.move_to(ends_at.saturating_sub(MINUTE_MS)).await?;
    stage.direct("alice");
    stage.move_to(ends_at).await?;
    stage.card("bob", "Verified gone")?;
    stage.tailnet("alice-laptop");
    stage.expect(stage.lent("alice-laptop").is_none(), "the attribute is gone")?;
    stage.direct("alice");
    Ok(())
}

/// Taking it back fails: people are alarmed, and it is tried until it works.
async fn stuck(stage: &mut Stage<'_>) -> Result<(), Surprise> {
    stage.scene("Tailscale fails while access is taken back");
    stage.command("carol", "/access prod-db 30m check the replica lag").await?;
    stage.private("carol");
    stage.note("Carol may approve such requests, but not her own.");
    stage.press("carol", "Approve").await?;
    stage.private("carol");
    stage.expect(stage.lent("carol-laptop").is_none(), "nobody approves their own request")?;
    stage.press("bob", "Approve").await?;
    stage.card("bob", "Active until")?;
    let ends_at = stage.lent("carol-laptop").unwrap_or_default();
    stage.tailscale(TailscaleMood::Fails);
    stage.move_to(ends_at).await?;
    stage.move_until("the bot says that it is stuck", |stage| stage.card_has("STUCK")).await?;
    stage.card("bob", "STUCK")?;
    stage.note(
        "Tailscale was told the end when it was lent, so the door is shut. The bot has not seen that, and says so.",
    );
    stage.tailnet("carol-laptop");
    stage.tailscale(TailscaleMood::Works);
    stage.move_until("the next attempt works", |stage| stage.card_has("Verified gone")).await?;
    stage.card("bob", "Verified gone")?;
    Ok(())
}

/// The bot dies and comes back.
async fn killed(stage: &mut Stage<'_>) -> Result<(), Surprise> {
    stage.scene("Somebody kills the bot");
    stage.command("alice", "/access prod-db 1h look at the invoice again").await?;
    stage.press("bob", "Approve").await?;
    stage.card("bob", "Active until")?;
    let ends_at = stage.lent("alice-laptop").unwrap_or_default();
    stage.kill()?;
    stage.move_to(ends_at.saturating_add(10 * MINUTE_MS)).await?;
    stage.note("Nobody was there to take it back. Tailscale let it expire by itself:");
    stage.tailnet("alice-laptop");
    stage.expect(stage.lent("alice-laptop").is_none(), "Tailscale ended it without the bot")?;
    stage.start().await?;
    stage.move_until("the bot has looked", |stage| stage.card_has("Verified gone")).await?;
    stage.card("bob", "Verified gone")?;
    Ok(())
}

/// Short names and pastes, which the bot keeps itself where there is no golink and no tclip.
async fn named(stage: &mut Stage<'_>) -> Result<(), Surprise> {
    stage.scene("Go links and pastes");
    stage.command("carol", "/go runbook https://wiki.example.com/runbook/").await?;
    stage.private("carol");
    stage.command("bob", "/go runbok/restore").await?;
    stage.private("bob");
    stage.command("bob", "/go runbook/restore?step=2").await?;
    stage.private("bob");
    stage.command("bob", "/paste ERROR: replica lag is 94 s").await?;
    stage.private("bob");
    Ok(())
}
