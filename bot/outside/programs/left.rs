//! Ending what a step left running: processes of that user in whose environment it stands for whom they run. A process is held by a
//! descriptor before it is looked at, so that what is ended is what was seen, whoever got its number since.

use std::time::Duration;

/// Between two looks whether they are gone, and how often.
const PAUSE: Duration = Duration::from_millis(20);
const LOOKS: usize = 100;

/// Ends all of them; returns when none is left.
///
/// # Errors
/// They cannot be looked for, or do not end.
pub(super) async fn end(uid: u32, marks: [String; 2]) -> Result<(), String> {
    for _ in 0..LOOKS {
        let marks = marks.clone();
        let found = tokio::task::spawn_blocking(move || system::kill_marked(uid, &marks)).await;
        match found.map_err(|error| error.to_string())? {
            Ok(0) => return Ok(()),
            Ok(_) => tokio::time::sleep(PAUSE).await,
            Err(error) => return Err(format!("what is left running cannot be looked for: {error}")),
        }
    }
    Err("something that was left running does not end".to_owned())
}

#[cfg(target_os = "linux")]
mod system {
    use std::io;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

    /// Kills every process of this user that has all of these in its environment, and says how many there were. Whoever ended meanwhile
    /// is none of them.
    pub(super) fn kill_marked(uid: u32, marks: &[String]) -> io::Result<usize> {
        let own = rustix::process::getpid();
        let mut count = 0;
        for entry in std::fs::read_dir("/proc")? {
            let Ok(entry) = entry else { continue };
            let number = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok());
            let Some(pid) = number.and_then(Pid::from_raw).filter(|pid| *pid != own) else { continue };
            if entry.metadata().map(|file| file.uid()).ok() != Some(uid) {
                continue;
            }
            let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else { continue };
            let begun = started(&entry.path());
            // Of a process that has ended nothing can be read.
            let Ok(environment) = std::fs::read(entry.path().join("environ")) else { continue };
            let has = |mark: &String| environment.split(|byte| *byte == 0).any(|one| one == mark.as_bytes());
            if begun.is_none() || begun != started(&entry.path()) || !marks.iter().all(has) {
                continue;
            }
            count += 1;
            let _ = pidfd_send_signal(&process, Signal::KILL);
        }
        Ok(count)
    }

    /// When a process began, in ticks since the machine did: with its number it is known for good.
    fn started(path: &Path) -> Option<String> {
        let stat = std::fs::read_to_string(path.join("stat")).ok()?;
        // Its name stands in parentheses and may hold anything.
        stat.rsplit_once(')')?.1.split_whitespace().nth(19).map(str::to_owned)
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    /// Nowhere else can another process's environment be read; what leads its own group is ended by that.
    pub(super) fn kill_marked(_: u32, _: &[String]) -> std::io::Result<usize> {
        Ok(0)
    }
}
