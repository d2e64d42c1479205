//! A program of this machine: run once as somebody else, undone in time, believed only as far as it tells, and never left running.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, OnceLock, PoisonError};

use nightlatch::config::secret::LentSecret;
use nightlatch::kernel::{Found, Outcome, Request, State};
use secrecy::SecretString;
use tempfile::TempDir;

use crate::harness::*;

const TOKEN: &str = "maintenance-canary-token";

/// Keeps in files what is on, one a site; every run adds a line to `runs`.
const PROGRAM: &str = r#"#!/bin/sh
cd "$(dirname "$0")" || exit 9
echo "$1" >> runs
for argument in "$@"; do printf '[%s]' "$argument" >> arguments; done
if [ -e "fail-$1" ]; then rm "fail-$1"; echo "no: $TOKEN" >&2; exit 3; fi
if [ -e "hang-$1" ]; then echo $$ > hanging; sleep 600; fi
case $1 in
  on) echo "$3" > "site-$2"; id -u > uid; echo "page 7 $TOKEN" ;;
  off) rm -f "site-$2" ;;
  status) [ -e "site-$2" ] ;;
esac
"#;

/// The program in a folder of its own, which everybody can write to.
pub struct Machine {
    folder: TempDir,
    alone: OnceLock<Alone>,
}

/// Whose bot runs programs now. What a dead bot left running is known by its request, and requests of all stories have the same ids: one
/// story would end what another one has just started.
static TAKEN: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());

/// The right to run programs, for one story at a time.
struct Alone;

impl Alone {
    fn wait() -> Self {
        let mut is_taken = TAKEN.0.lock().unwrap_or_else(PoisonError::into_inner);
        while *is_taken {
            is_taken = TAKEN.1.wait(is_taken).unwrap_or_else(PoisonError::into_inner);
        }
        *is_taken = true;
        Self
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        *TAKEN.0.lock().unwrap_or_else(PoisonError::into_inner) = false;
        TAKEN.1.notify_one();
    }
}

impl Machine {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).expect("a mode");
        let machine = Self { folder, alone: OnceLock::new() };
        std::fs::write(machine.program(), PROGRAM).expect("a program");
        std::fs::set_permissions(machine.program(), Permissions::from_mode(0o755)).expect("a mode");
        machine
    }

    pub fn program(&self) -> PathBuf {
        self.folder.path().join("maintenance")
    }

    fn read(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.folder.path().join(name)).ok()
    }

    fn write(&self, name: &str) {
        let path = self.folder.path().join(name);
        std::fs::write(&path, "").expect("a file");
        std::fs::set_permissions(path, Permissions::from_mode(0o666)).expect("a mode");
    }

    fn remove(&self, name: &str) {
        std::fs::remove_file(self.folder.path().join(name)).expect("a file");
    }

    fn count(&self, verb: &str) -> usize {
        self.read("runs").unwrap_or_default().lines().filter(|line| *line == verb).count()
    }

    /// The workflow that comes with Nightlatch, with this program.
    pub fn workflow(&self) -> String {
        let text = include_str!("../../workflows/examples/maintenance.yaml");
        let env = "      env: { TOKEN: secret:page }\n      limit: 20s";
        let path = self.program().display().to_string();
        changed(text, &[("[/usr/local/bin/maintenance,", &format!("[{path},")), ("      limit: 20s", env)])
    }

    pub fn setting(&self, mode: Mode, text: &str) -> Setting {
        self.alone.get_or_init(Alone::wait);
        let path = self.program().display().to_string();
        let more = format!(
            "programs: [{path}]\nrun_as: nobody\nsecrets: {{ page: {{ from: env:PAGE_TOKEN, programs: [{path}] }} }}"
        );
        let named = LentSecret { secret: SecretString::from(TOKEN), hosts: vec![], programs: vec![path] };
        let setting = Setting { mode, more, named: [("page".to_owned(), named)].into(), ..Setting::default() };
        setting.workflow("maintenance", text)
    }
}

async fn asked(stage: &Stage, why: &str) {
    stage.alice.command(&format!("/access maintenance 2h shop {why}")).await;
    stage.carol.press("Approve").await;
}

fn found(request: &Request) -> Option<&Found> {
    request.steps[0].proof.as_ref().map(|proof| &proof.found)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_put_up_once_by_somebody_else_and_taken_down_in_time() {
    for mode in [Mode::Socket, Mode::Http, Mode::Killed] {
        let machine = Machine::new();
        story_with(machine.setting(mode, &machine.workflow()), async |stage| {
            asked(stage, "back soon; $(id) \"{{ requester.email }}\" --x").await;
            assert_eq!(stage.request().await.state, State::Active);
            let text = "--text=back soon; $(id) \"{{ requester.email }}\" --x";
            assert_eq!(machine.read("site-shop").as_deref(), Some(&*format!("{text}\n")));
            assert!(machine.read("arguments").unwrap_or_default().contains(&format!("[on][shop][{text}]")));
            let own = rustix::process::geteuid();
            let uid = machine.read("uid").unwrap_or_default();
            assert_eq!(uid.trim() != own.as_raw().to_string(), own.is_root());
            if mode != Mode::Killed {
                assert_eq!(machine.count("on"), 1);
            }
            // What it printed is in the log, and no secret is anywhere.
            assert!(stage.bot.database().await.contains("page 7 ***"));
            assert!(!stage.bot.database().await.contains(TOKEN));
            stage.advance(2.hours()).await;
            assert_eq!(machine.read("site-shop"), None);
            assert_eq!(found(&stage.request().await), Some(&Found::Gone));
            assert_eq!(stage.logged(TOKEN), 0);
            stage.everybody_reads();
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_called_verified_that_no_check_tells() {
    let machine = Machine::new();
    let text = machine.workflow();
    let text: String = text.lines().filter(|line| !line.contains("check:")).map(|line| format!("{line}\n")).collect();
    story_with(machine.setting(Mode::Socket, &text), async |stage| {
        asked(stage, "back soon").await;
        let thread = stage.bob.sees("#access");
        assert!(thread.contains("it cannot be read back there") && !thread.contains("Confirmed as on"), "{thread}");
        stage.advance(2.hours()).await;
        assert_eq!(found(&stage.request().await), Some(&Found::Told { is_on: false }));
        let said = stage.alice.reads();
        assert!(said.contains("Taken back, as it answered") && !said.contains("Verified"), "{said}");
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_taken_back_and_says_why_without_the_secret() {
    let machine = Machine::new();
    story_with(machine.setting(Mode::Socket, &machine.workflow()), async |stage| {
        machine.write("fail-on");
        asked(stage, "back soon").await;
        let request = stage.request().await;
        assert_eq!((request.state, request.outcome), (State::Ended, Some(Outcome::Failed)));
        let why = request.trouble.map(|trouble| trouble.what).unwrap_or_default();
        assert_eq!(why, "`do` ended with exit code 3: no: ***");
        // Taking back is tried until it works.
        asked(stage, "back soon").await;
        machine.write("fail-off");
        stage.ends_late = true;
        stage.advance(2.hours() + 2.minutes()).await;
        assert_eq!(stage.request().await.state, State::Ended);
        assert_eq!((machine.count("off"), machine.read("site-shop")), (2, None));
        assert!(!stage.bot.database().await.contains(TOKEN));
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_typed_is_an_argument_and_never_an_option() {
    let machine = Machine::new();
    let text = changed(&machine.workflow(), &[("\"--text={{ inputs.reason }}\"", "\"{{ inputs.reason }}\"")]);
    story_with(machine.setting(Mode::Socket, &text), async |stage| {
        asked(stage, "--config=evil").await;
        let request = stage.request().await;
        assert_eq!((request.state, request.outcome), (State::Ended, Some(Outcome::Failed)));
        insta::assert_snapshot!(request.trouble.map(|trouble| trouble.what).unwrap_or_default(), @"`do` cannot be run: an argument would begin with `-` by what was filled in, and could be taken for an option");
        assert_eq!(machine.count("on"), 0);
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_bot_left_running_is_ended_before_it_runs_anew() {
    let machine = Machine::new();
    story_with(machine.setting(Mode::Socket, &machine.workflow()), async |stage| {
        machine.write("hang-on");
        stage.alice.command("/access maintenance 2h shop back soon").await;
        stage.slack.press("carol", "#access", "Approve").await.expect("a button");
        while machine.read("hanging").unwrap_or_default().is_empty() {
            tokio::task::yield_now().await;
        }
        let pid = machine.read("hanging").unwrap_or_default().trim().to_owned();
        machine.remove("hang-on");
        stage.bot.restart().await;
        stage.bot.settle().await;
        // A machine that is busy may not start a program at the first try.
        stage.advance(1.minutes()).await;
        // A zombie has ended, too.
        let is_running = std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
        assert!(!is_running);
        assert_eq!(stage.request().await.state, State::Active);
        assert_eq!(machine.count("on"), 2);
        stage.alice.press("Return").await;
        assert_eq!(machine.read("site-shop"), None);
        stage.everybody_reads();
    })
    .await;
}
