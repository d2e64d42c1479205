//! `nightlatch serve`: the bot for real, until SIGTERM. SIGHUP reads the workflows again, all or nothing.

mod service;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use tracing_subscriber::EnvFilter;

use super::manifest::scopes;
use crate::app::Bot;
use crate::clock::{Clock, Ids};
use crate::config::Config;
use crate::control::{Answering, ControlSocket, SocketError};
use crate::steps::TYPES;

/// The exit code after an I/O error (EX_IOERR): what was saved last is not known until another process reads it.
const BROKEN: i32 = 74;

/// Run the bot.
#[derive(Debug, Args)]
pub struct Serve {
    /// The configuration file.
    #[arg(long, default_value = "nightlatch.yaml")]
    config: PathBuf,
    /// How log lines look.
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Serve {
    /// Returns 0 after an orderly stop, 1 when the bot could not start. Ends the process with 74 when nobody knows any more what was saved.
    pub fn run(self) -> ExitCode {
        log_to_stderr(self.log_format);
        let config = match Config::read(&self.config) {
            Ok(config) => config,
            Err(report) => return complain(&report),
        };
        let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return complain(&error),
        };
        runtime.block_on(serve(config, &self.config))
    }
}

/// Answers the command line. Where nobody named a place for the socket and the usual one will not do, the bot works without.
fn open_control(bot: &Bot, config: &Config, stop: CancellationToken) -> Result<(), SocketError> {
    match ControlSocket::bind(&config.control_path()) {
        Ok(socket) => {
            let answering = Answering::new(bot.engine().clone(), config.operators.clone());
            tokio::spawn(socket.serve(answering, stop));
            Ok(())
        }
        Err(error) if config.control.is_none() && error.is_about_the_place() => {
            warn!(%error, "the command line cannot reach this bot");
            bot.engine().health().warning("control", Some(format!("the command line cannot reach this bot: {error}")));
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// The workflows are taken over, all or none. The configuration is not: what is different in it waits for a restart, and that is said.
fn read_again(bot: &Bot, config: &Config, path: &Path) {
    match bot.reload() {
        Ok(count) => {
            info!(workflows = count, "workflows read again");
            service::status(&format!("Running with {count} workflows, read again"));
        }
        Err(report) => {
            error!("the workflows have mistakes; those in use stay in use\n{report}");
            service::status("Running with the workflows from before: those in the folder have mistakes");
        }
    }
    let waits = match Config::read(path) {
        Ok(now) => {
            let changed = config.changed(&now);
            (!changed.is_empty()).then(|| {
                let changed = changed.join(", ");
                format!("{} has changed ({changed}); restart to use it", path.display())
            })
        }
        Err(report) => {
            error!("the configuration has mistakes; the one in use stays in use, and a restart would fail\n{report}");
            Some(format!("{} has mistakes, so a restart would fail; `nightlatch check` tells them", path.display()))
        }
    };
    if let Some(waits) = &waits {
        warn!("{waits}");
    }
    bot.engine().health().warning("configuration", waits);
}

/// Nothing in hand may be finished: it would be told as saved. Whoever started us starts another process, which reads what was saved.
fn end_at_once(why: &str) -> ! {
    error!(why, exit_code = BROKEN, "the database cannot be relied on; nightlatch ends and must be started anew");
    std::process::exit(BROKEN)
}

fn complain(what: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("{what}");
    ExitCode::from(1)
}

/// Data goes to stdout, logs to stderr. `RUST_LOG` chooses; slack-morphism's socket lines could hold a ticket.
pub fn log_to_stderr(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,slack_morphism=off,tungstenite=info,sqlx=warn"));
    // Colours in a file or a journal are noise that no search finds its way through.
    let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let colours = std::io::stderr().is_terminal() && !is_plain;
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr);
    // A second call (in tests) keeps the first.
    let _ = match format {
        LogFormat::Text => logs.try_init(),
        LogFormat::Json => logs.json().flatten_event(true).try_init(),
    };
}

async fn serve(config: Config, path: &Path) -> ExitCode {
    let secrets = match config.secrets() {
        Ok(secrets) => secrets,
        Err(errors) => {
            for error in errors {
                eprintln!("{error}");
            }
            return ExitCode::from(1);
        }
    };
    let signals = signal(SignalKind::terminate())
        .and_then(|term| Ok((term, signal(SignalKind::interrupt())?, signal(SignalKind::hangup())?)));
    let (mut terminate, mut interrupt, mut hangup) = match signals {
        Ok(signals) => signals,
        Err(error) => return complain(&error),
    };
    let bot = match Bot::start(&config, secrets, Clock::system(), Ids::random()).await {
        Ok(bot) => bot,
        Err(error) => return complain(&error),
    };
    let stop = CancellationToken::new();
    if let Err(error) = open_control(&bot, &config, stop.clone()) {
        bot.stop().await;
        return complain(&error);
    }
    info!(workflows = bot.engine().catalog().len(), "started");
    service::ready();
    let again = Arc::new(Notify::new());
    let trying = tokio::spawn(bot.keep_trying_out(again.clone(), |catalog| scopes::slack(catalog, TYPES)));
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            why = bot.broken() => end_at_once(&why),
            _ = hangup.recv() => {
                read_again(&bot, &config, path);
                again.notify_one();
            }
        }
    }
    info!("stopping");
    service::stopping();
    stop.cancel();
    trying.abort();
    bot.stop().await;
    info!("stopped");
    ExitCode::SUCCESS
}
