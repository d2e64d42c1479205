//! `nightlatch demo`: the whole thing with no account anywhere, as a page or as text.

mod hints;
mod leftovers;
mod lodging;

use std::io;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use tracing_subscriber::EnvFilter;

use super::{WRONG, aside, data};
use crate::clock::{Clock, Ids};
use crate::playground::demo::{Lodger, Page, Worlds, script};
use lodging::{Address, Lodging, Room};

/// Try everything in a browser or as text: the real bot, a Slack workspace and a tailnet, all in this process.
///
/// Nothing leaves this machine, and nothing is kept when it ends.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Where the page is, on 127.0.0.1; the next free one when it is taken, any free one for 0.
    #[arg(long, default_value_t = 7466)]
    port: u16,
    /// Tell the story as text and exit: 0 if all of it came out as told, 1 if not.
    #[arg(long)]
    script: bool,
}

impl Demo {
    pub(super) fn run(&self) -> ExitCode {
        // The bot's complaints about what people break on the page belong to whoever asks for them.
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("off"));
        // A second call (in tests) keeps the first.
        drop(tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).try_init());
        let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return failed(&error),
        };
        let told = if self.script { runtime.block_on(tell()) } else { runtime.block_on(show(self.port)) };
        runtime.shutdown_background();
        match told {
            Ok(code) => code,
            Err(error) => failed(&error),
        }
    }
}

fn failed(why: &dyn std::fmt::Display) -> ExitCode {
    aside(&format!("the demo cannot run: {why}\n"));
    ExitCode::from(WRONG)
}

async fn show(port: u16) -> io::Result<ExitCode> {
    let room = Room::furnish()?;
    let hints = hints::of(&room.catalog()?);
    let worlds = Worlds::start(Clock::system(), &hints).await?;
    let address = Address::to_visit(&room, &worlds).await?;
    let lodging = Arc::new(Lodging::new(room, &worlds, Ids::random(), address)?);
    lodging.start().await.map_err(io::Error::other)?;
    let page = Page::bind(worlds, lodging.clone(), hints, port).await?;
    data(&format!("Nightlatch, Slack and a tailnet, all on this machine:\n\n    {}\n\n", page.url()));
    aside("Open it in a browser. Ctrl-C ends it; nothing is kept.\n");
    page.serve(told_to_stop()).await?;
    lodging.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// The script's clock stands still between its moves and its ids are counted, so that the text is the same every time.
async fn tell() -> io::Result<ExitCode> {
    let room = Room::furnish()?;
    let worlds = Worlds::start(Clock::manual(script::BEGINS_AT_MS), &hints::of(&room.catalog()?)).await?;
    let lodging = Lodging::new(room, &worlds, Ids::counted(), Address::to_read())?;
    let told = script::tell(&worlds, &lodging, &mut |text: &str| data(text)).await;
    lodging.stop().await;
    Ok(match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(surprise) => {
            aside(&format!("the story did not come out as told: {surprise}\n"));
            ExitCode::from(WRONG)
        }
    })
}

async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    match (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) {
        (Ok(mut interrupt), Ok(mut terminate)) => {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
        // Without signals there is still `kill -9`.
        _ => std::future::pending().await,
    }
}
