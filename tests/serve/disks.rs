//! The real binary on disks that are full or fail: nothing that was acknowledged is lost, and every end comes.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::killed::{nothing_in_hand, promised};
use crate::scene::{Process, Scene};
use crate::signals::{edit_config, exit_code, get};

/// The library that makes the disk fail, and the folder it looks into.
struct Faults {
    folder: TempDir,
}

impl Faults {
    /// Builds the library; nothing if there is no C compiler.
    fn build() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/serve/disk.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-o"]).arg(folder.path().join("disk.so")).arg(source).arg("-ldl");
        match compiler.status() {
            Ok(status) => assert!(status.success(), "the library is not built"),
            Err(_) => {
                not_run("disks that fail: there is no C compiler (`cc`)");
                return None;
            }
        }
        Some(Self { folder })
    }

    fn env(&self) -> Vec<(&'static str, PathBuf)> {
        vec![("LD_PRELOAD", self.folder.path().join("disk.so")), ("FAULTS", self.folder.path().to_owned())]
    }

    fn begin(&self, fault: &str) {
        drop(File::create(self.folder.path().join(fault)).expect("a file"));
    }

    fn end(&self, fault: &str) {
        std::fs::remove_file(self.folder.path().join(fault)).expect("the file");
    }
}

/// Says what could not be tested here, and why. Not `eprintln!`, which is kept from people when a test passes.
fn not_run(words: &str) {
    drop(writeln!(std::io::stderr().lock(), "\n{words}"));
    if let Some(list) = std::env::var_os("NIGHTLATCH_NOT_RUN") {
        let list = File::options().append(true).open(list);
        drop(list.and_then(|mut list| writeln!(list, "{words}")));
    }
}

/// A small file system of its own, which only root may make.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path, mib: u32) -> Option<Self> {
        std::fs::create_dir(at).expect("a folder");
        let size = format!("size={mib}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(at).output();
        if !mounted.is_ok_and(|mounted| mounted.status.success()) {
            not_run("a disk that is really full: only root may make one (mount -t tmpfs)");
            return None;
        }
        Some(Self(at.to_owned()))
    }

    /// Writes until nothing more can be written.
    fn fill(&self, name: &str) {
        let mut file = File::create(self.0.join(name)).expect("a file");
        for size in [65_536, 4_096, 512] {
            while file.write_all(&vec![7; size]).is_ok() {}
        }
    }

    fn free(&self, name: &str) {
        std::fs::remove_file(self.0.join(name)).expect("the file");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Whoever still has a file open there keeps it until it is gone.
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

/// The requests that a screen names.
fn ids_in(screen: &str) -> Vec<String> {
    screen
        .split("Request ")
        .skip(1)
        .map(|rest| rest.chars().take_while(char::is_ascii_alphanumeric).collect())
        .collect()
}

/// Alice has what she asked for, for so long.
async fn granted(scene: &Scene, hold: &str) -> String {
    let ids = || ids_in(&scene.slack.screen("bob", "#access"));
    let before = ids();
    let asked = scene.slack.command("alice", "#general", &format!("/access prod-db {hold} invoices")).await;
    assert!(asked.expect("a command").acked);
    // Right after a start it may still have to be looked up who Alice is: the card is there when it was asked for.
    let newest = || ids().into_iter().rfind(|id| !before.contains(id));
    until(|| async { newest().is_some() }).await;
    let id = newest().expect("a card");
    until(|| async { scene.slack.press("bob", "#access", "Approve").await.is_ok_and(|pressed| pressed.acked) }).await;
    until(|| async { get(scene, "/metrics").await.1.contains("nightlatch_requests{state=\"active\"} 1") }).await;
    id
}

/// Waits until it is so; a minute is for machines that are busy.
async fn until<F: Future<Output = bool>>(is_so: impl Fn() -> F) {
    let waiting = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(60), waiting).await.is_ok(), "it never came to that");
}

async fn until_ended(scene: &Scene) {
    let waiting = async { while !(scene.tailnet.leftovers().is_empty() && nothing_in_hand(scene).await) {} };
    let ended = tokio::time::timeout(Duration::from_secs(60), waiting).await;
    assert!(ended.is_ok(), "left: {:?}; log:\n{}", scene.tailnet.leftovers(), scene.log());
}

fn begin_http(scene: &Scene) {
    edit_config(scene, "listen: 127.0.0.1:0", "listen: unix:http.sock");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_full_disk_has_room_again_saving_goes_on_and_what_was_due_ends() {
    let Some(faults) = Faults::build() else { return };
    let scene = Scene::set().await;
    begin_http(&scene);
    let mut bot = scene.start_with(&faults.env()).await;
    granted(&scene, "5s").await;
    faults.begin("full");
    let refused = scene.slack.command("alice", "#general", "/access prod-db 1h again").await.expect("a command");
    assert_eq!(promised(&refused), None, "nothing is promised that is not saved");
    scene.until_log("nothing can be saved").await;
    let (status, said) = get(&scene, "/readyz").await;
    assert!(status == 503 && said.contains("the disk is full"), "{status} {said}");
    let (_, metrics) = get(&scene, "/metrics").await;
    assert!(metrics.contains("nightlatch_saving 0"), "{metrics}");

    faults.end("full");
    scene.until_log("saving works again").await;
    until_ended(&scene).await;
    let (status, said) = get(&scene, "/readyz").await;
    assert_eq!((status, said.lines().next()), (200, Some("ready")), "{said}");
    assert_eq!(bot.0.try_wait().expect("a child"), None, "a full disk ends nothing");
    granted(&scene, "1s").await;
    until_ended(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_needs_no_room() {
    let scene = Scene::set().await;
    let Some(disk) = SmallDisk::mount(&scene.folder.path().join("disk"), 6) else { return };
    begin_http(&scene);
    edit_config(&scene, "sqlite://nightlatch.db", "sqlite://disk/nightlatch.db");
    let bot = scene.start().await;
    let id = granted(&scene, "5s").await;
    disk.fill("junk");
    let refused = scene.slack.command("carol", "#general", "/access prod-db 1h too").await.expect("a command");
    assert_eq!(promised(&refused), None, "what is kept is for ends alone");
    scene.until_log("the room kept for ends is given up").await;
    // With the disk as full as before but for what was kept, the end is saved and told.
    until_ended(&scene).await;
    let (status, said) = get(&scene, "/readyz").await;
    assert!(said.contains("no room is kept"), "{status} {said} {id}");

    disk.free("junk");
    scene.until_log("room is kept for ends").await;
    drop(bot);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_sync_that_fails_ends_the_process_and_the_next_one_goes_on() {
    let Some(faults) = Faults::build() else { return };
    let scene = Scene::set().await;
    begin_http(&scene);
    let bot = scene.start_with(&faults.env()).await;
    granted(&scene, "5s").await;
    faults.begin("sync");
    assert_eq!(exit_code(bot, Duration::from_secs(60)).await, Some(74), "{}", scene.log());
    assert!(scene.log().contains("must be started anew"), "{}", scene.log());
    let bot = scene.start_with(&faults.env()).await;
    until_ended(&scene).await;
    drop::<Process>(bot);
}
