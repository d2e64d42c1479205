//! Programs that workflows run: listed ones only, as another user of this machine, without a shell, and nothing they start goes on when
//! they end. What a run that nobody waits for any more left behind is known by what stands in its environment.

mod left;
mod reading;
mod user;

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};
use secrecy::{ExposeSecret, SecretString};
use tokio::process::{Child, Command};

use reading::Reading;
pub use user::User;

/// How long what a program printed is waited for after it and everything it started has ended.
const OUTPUT_LIMIT: Duration = Duration::from_secs(2);
/// By these two variables what was left running is known.
const REQUEST: &str = "NIGHTLATCH_REQUEST";
const STEP: &str = "NIGHTLATCH_STEP";

/// What runs them. Clones share what they keep.
#[derive(Clone, Debug, Default)]
pub struct Programs {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    listed: BTreeSet<String>,
    /// None: as ourselves.
    user: Option<User>,
}

/// For which step of which request something runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The request's id.
    pub request: String,
    /// The step's number, from 1.
    pub step: String,
}

/// One run.
#[derive(Debug)]
pub struct Run {
    /// The whole path.
    pub program: String,
    /// What it is told.
    pub arguments: Vec<String>,
    /// All that stands in its environment, beside its mark.
    pub env: BTreeMap<String, SecretString>,
    /// Where it runs.
    pub dir: PathBuf,
    /// How long it may take.
    pub limit: Duration,
    /// For whom it runs.
    pub mark: Mark,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// How it ended.
    pub end: End,
    /// What it printed, as far as that is kept.
    pub output: String,
    /// The same of its standard error.
    pub errors: String,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By itself, with this exit code.
    Exited(i32),
    /// By this signal.
    Killed(i32),
    /// It took too long, and was killed.
    TooLong,
}

/// Why nothing ran.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRun {
    /// It may not.
    #[error("{0}")]
    Refused(String),
    /// It cannot be started.
    #[error("{0}")]
    NotStarted(String),
}

impl Programs {
    /// These, by whole path, as the user of that name; without one, as ourselves: for tests on machines where nobody may change user.
    ///
    /// # Errors
    /// What a person must mend first: there is no such user, we may not become them, a program is not there.
    pub fn new(listed: &[String], run_as: Option<&str>) -> Result<Self, String> {
        let user = run_as.map(User::to_run_as).transpose()?;
        for path in listed {
            usable(path).map_err(|why| format!("the program {path} in `programs` {why}"))?;
        }
        Ok(Self { inner: Arc::new(Inner { listed: listed.iter().cloned().collect(), user }) })
    }

    /// Runs one to its end.
    ///
    /// # Errors
    /// Nothing ran.
    pub async fn run(&self, run: Run) -> Result<Ran, NotRun> {
        if !self.inner.listed.contains(&run.program) {
            let why = format!("{} is not among the `programs` of nightlatch.yaml", shown(&run.program));
            return Err(NotRun::Refused(why));
        }
        // Somebody may have put another in its place since the start.
        usable(&run.program).map_err(|why| NotRun::NotStarted(format!("{} {why}", run.program)))?;
        let started = |error: std::io::Error| NotRun::NotStarted(format!("{} cannot be started: {error}", run.program));
        let mut child = self.command(&run).spawn().map_err(started)?;
        let group = Group::of(&child);
        let (output, errors) = (Reading::of(child.stdout.take()), Reading::of(child.stderr.take()));
        let is_in_time = tokio::time::timeout(run.limit, ended(&group)).await.is_ok();
        // Nothing of it goes on, whether it ended or not. It was not waited for yet, so its number is nobody else's.
        group.kill();
        if let Err(why) = self.end_left(&run.mark).await {
            tracing::error!(request.id = run.mark.request, why, "something that a program started goes on");
        }
        let status = tokio::time::timeout(OUTPUT_LIMIT, child.wait()).await;
        let end = match status {
            _ if !is_in_time => End::TooLong,
            Ok(Ok(status)) => how(status),
            Ok(Err(_)) | Err(_) => End::TooLong,
        };
        let (output, errors) = tokio::join!(output.text(OUTPUT_LIMIT), errors.text(OUTPUT_LIMIT));
        Ok(Ran { end, output, errors })
    }

    fn command(&self, run: &Run) -> Command {
        let mut command = Command::new(&run.program);
        command.args(&run.arguments).env_clear().current_dir(&run.dir);
        command.envs(run.env.iter().map(|(name, value)| (name, value.expose_secret())));
        command.env(REQUEST, &run.mark.request).env(STEP, &run.mark.step);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.process_group(0).kill_on_drop(true);
        if let Some(user) = &self.inner.user {
            // As root this leaves every group of ours behind, too.
            command.gid(user.gid).uid(user.uid);
        }
        command
    }

    /// Ends what an earlier run of this step left running, by us or by a process of ours that is dead.
    ///
    /// # Errors
    /// Something does not end.
    pub async fn end_left(&self, mark: &Mark) -> Result<(), String> {
        let uid = self.inner.user.as_ref().map_or_else(|| rustix::process::geteuid().as_raw(), |user| user.uid);
        let marks = [format!("{REQUEST}={}", mark.request), format!("{STEP}={}", mark.step)];
        left::end(uid, marks).await
    }
}

/// Why a program may not be run, if that can be seen: as a fragment after its name.
fn usable(path: &str) -> Result<(), String> {
    let file = std::fs::metadata(path).map_err(|error| format!("cannot be looked at: {error}"))?;
    let mode = file.permissions().mode();
    match () {
        () if !file.is_file() => Err("is no file".to_owned()),
        () if mode & 0o111 == 0 => Err("may not be executed by anybody".to_owned()),
        () if mode & 0o002 != 0 => Err("can be changed by every user of this machine; take that right away".to_owned()),
        () => Ok(()),
    }
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(120).collect()
}

fn how(status: ExitStatus) -> End {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => End::Exited(code),
        (None, signal) => End::Killed(signal.unwrap_or_default()),
    }
}

/// The process group that a program leads. Killed with this, unless it was before.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)))
    }

    fn kill(&self) {
        if let Some(pid) = self.0 {
            // An error says that nobody is in it any more.
            let _ = rustix::process::kill_process_group(pid, Signal::KILL);
        }
    }
}

impl Drop for Group {
    /// Whoever waited was stopped.
    fn drop(&mut self) {
        self.kill();
    }
}

/// Returns when its leader has ended; its number stays taken until it is waited for.
async fn ended(group: &Group) {
    let Some(pid) = group.0 else { return };
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    let waited = tokio::task::spawn_blocking(move || {
        while let Err(rustix::io::Errno::INTR) = rustix::process::waitid(WaitId::Pid(pid), options) {}
    });
    drop(waited.await);
}

#[cfg(test)]
mod tests;
