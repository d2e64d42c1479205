//! Real programs, as ourselves or, where tests may change user, as nobody: what they do is what a hostile one would.

use std::fs::Permissions;
use std::path::Path;

use tempfile::TempDir;

use super::*;

fn run_as() -> Option<&'static str> {
    if rustix::process::geteuid().is_root() { Some("nobody") } else { None }
}

/// A script in a folder that everybody can write to.
fn script(text: &str) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
    let path = folder.path().join("program");
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    let path = path.display().to_string();
    (folder, path)
}

fn listed(path: &str) -> Programs {
    Programs::new(&[path.to_owned()], run_as()).unwrap()
}

fn a_run(path: &str, arguments: &[&str]) -> Run {
    Run {
        program: path.to_owned(),
        arguments: arguments.iter().map(|one| (*one).to_owned()).collect(),
        env: BTreeMap::new(),
        dir: "/".into(),
        limit: Duration::from_secs(20),
        mark: Mark { request: path.to_owned(), step: "1".to_owned() },
    }
}

fn is_running(pid: &str) -> bool {
    // A zombie has ended; whoever started it has only not heard of it.
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

fn pid_in(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap().trim().to_owned()
}

#[tokio::test]
async fn arguments_arrive_as_they_are_and_nothing_else_stands_in_the_environment() {
    let (_folder, path) =
        script("for a in \"$@\"; do printf '[%s]' \"$a\"; done; echo; env | sort; pwd; id -u; echo oops >&2; exit 3");
    let mut run = a_run(&path, &["a b", "$(id)", "\"; rm -rf /", "-x", "line\nend", ""]);
    run.env.insert("TOKEN".to_owned(), SecretString::from("t0ken"));
    let ran = listed(&path).run(run).await.unwrap();
    assert_eq!(ran.end, End::Exited(3));
    assert_eq!(ran.errors, "oops\n");
    assert!(ran.output.starts_with("[a b][$(id)][\"; rm -rf /][-x][line\nend][]"), "{}", ran.output);
    // The shell itself adds PWD.
    let names: Vec<&str> = ran.output.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    assert_eq!(names, ["NIGHTLATCH_REQUEST", "NIGHTLATCH_STEP", "PWD", "TOKEN"]);
    let own = rustix::process::geteuid();
    let uid = ran.output.lines().last().unwrap();
    assert_eq!(uid == own.as_raw().to_string(), !own.is_root(), "{uid}");
}

#[tokio::test]
async fn what_is_not_listed_or_can_be_changed_by_everybody_never_runs() {
    let (folder, path) = script("touch \"$0.ran\"");
    let programs = listed(&path);
    for other in ["/bin/sh", "program", &format!("{path}/../program"), &format!("{path} ")] {
        assert!(matches!(programs.run(a_run(other, &[])).await, Err(NotRun::Refused(_))), "{other}");
    }
    std::fs::set_permissions(&path, Permissions::from_mode(0o777)).unwrap();
    let told = programs.run(a_run(&path, &[])).await.unwrap_err().to_string();
    assert!(told.ends_with("can be changed by every user of this machine; take that right away"), "{told}");
    std::fs::remove_file(&path).unwrap();
    let told = programs.run(a_run(&path, &[])).await.unwrap_err().to_string();
    assert!(told.contains("cannot be looked at"), "{told}");
    assert!(!folder.path().join("program.ran").exists());
    assert!(
        Programs::new(&["/nowhere/at-all".to_owned()], run_as())
            .unwrap_err()
            .starts_with("the program /nowhere/at-all in `programs` cannot be")
    );
}

#[tokio::test]
async fn a_program_that_hangs_is_killed_with_all_it_started() {
    // Two go on in the background, one of them in a session of its own, out of reach of the group.
    let (folder, path) = script(
        "cd \"$(dirname \"$0\")\"; sleep 600 & echo $! > one; setsid sleep 600 & echo $! > two; echo begun; wait",
    );
    let run = Run { limit: Duration::from_secs(3), ..a_run(&path, &[]) };
    let ran = listed(&path).run(run).await.unwrap();
    assert_eq!((ran.end, ran.output.as_str()), (End::TooLong, "begun\n"));
    for name in ["one", "two"] {
        assert!(!is_running(&pid_in(&folder.path().join(name))), "{name}");
    }
}

#[tokio::test]
async fn nothing_goes_on_behind_a_program_that_has_ended() {
    let (folder, path) = script("cd \"$(dirname \"$0\")\"; sleep 600 & echo $! > one; echo done");
    let ran = listed(&path).run(a_run(&path, &[])).await.unwrap();
    assert_eq!((ran.end, ran.output.as_str()), (End::Exited(0), "done\n"));
    assert!(!is_running(&pid_in(&folder.path().join("one"))));
}

#[tokio::test]
async fn endless_output_is_read_and_thrown_away() {
    let (_folder, path) =
        script("i=0; while [ $i -lt 200 ]; do printf '%01000d' 7; i=$((i+1)); done; printf 'the end' >&2");
    let ran = listed(&path).run(a_run(&path, &[])).await.unwrap();
    assert_eq!((ran.end, ran.output.len(), ran.errors.as_str()), (End::Exited(0), 64 * 1024, "the end"));
}

#[tokio::test]
async fn what_a_dead_bot_left_running_is_found_by_its_request_and_nobody_else_is_ended() {
    let (folder, path) = script("cd \"$(dirname \"$0\")\"; echo $$ > \"$1\"; exec sleep 600");
    let programs = listed(&path);
    let mark = |step: &str| Mark { request: path.clone(), step: step.to_owned() };
    let started = |step: &str| {
        let run = Run { mark: mark(step), ..a_run(&path, &[step]) };
        let mut command = programs.command(&run);
        // A bot that is killed kills nothing.
        command.kill_on_drop(false);
        command.spawn().unwrap()
    };
    let (mut first, mut second) = (started("1"), started("2"));
    for step in ["1", "2"] {
        while std::fs::read_to_string(folder.path().join(step)).unwrap_or_default().is_empty() {
            tokio::task::yield_now().await;
        }
    }
    programs.end_left(&mark("1")).await.unwrap();
    let status = first.wait().await.unwrap();
    assert_eq!(how(status), End::Killed(9));
    assert!(is_running(&pid_in(&folder.path().join("2"))));
    programs.end_left(&mark("2")).await.unwrap();
    second.wait().await.unwrap();
}
