//! Files as they were in a revision, read with the `git` of this machine: for the command line, never for the running bot.

use std::io;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// For one call of git.
const LIMIT: Duration = Duration::from_secs(20);
/// Of files that are read, and of one of them.
const FILES_MAX: usize = 5_000;
const FILE_MAX_BYTES: usize = 1024 * 1024;

/// One file of a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitFile {
    /// Under the folder that was asked for.
    pub path: String,
    /// What is in it.
    pub content: Vec<u8>,
}

/// Why a revision could not be read.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is no such program.
    #[error("there is no git here to read a revision with; give two folders instead")]
    NotHere,
    /// It could not be started, or its answer could not be read.
    #[error("git could not be asked: {0}")]
    Io(#[from] io::Error),
    /// It took too long.
    #[error("git did not answer within {} seconds", LIMIT.as_secs())]
    TooSlow,
    /// It says no.
    #[error("git says no: {0}")]
    No(String),
    /// Its answer is not what it should be.
    #[error("git answered something else than files: {0}")]
    Strange(&'static str),
}

/// The regular files of these parts of a folder, as they were in a revision. The folder is one of this machine, and need not be there any more.
///
/// # Errors
/// There is no git, no such revision, or it could not be read in time.
pub async fn files(revision: &str, folder: &Path, parts: &[&str]) -> Result<Vec<GitFile>, GitError> {
    let at = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    // Only a commit counts, and none that looks like an option.
    let commit = format!("{revision}^{{commit}}");
    let told = git(at, &["rev-parse", "--verify", "--quiet", "--end-of-options", &commit], Vec::new()).await;
    let told = told.map_err(|error| match error {
        GitError::No(why) if why.is_empty() => GitError::No(format!("there is no revision {revision}")),
        error => error,
    })?;
    let hash = String::from_utf8_lossy(&told.stdout).trim().to_owned();
    let list = git(at, &[&["ls-tree", "-r", "-z", &hash, "--"][..], parts].concat(), Vec::new()).await?;
    let listed = listed(&String::from_utf8_lossy(&list.stdout));
    if listed.len() > FILES_MAX {
        return Err(GitError::Strange("there are too many of them"));
    }
    let asked: String = listed.iter().map(|(hash, _)| format!("{hash}\n")).collect();
    let told = git(at, &["cat-file", "--batch"], asked.into_bytes()).await?;
    let mut rest = told.stdout.as_slice();
    let mut files = Vec::with_capacity(listed.len());
    for (_, path) in listed {
        let (content, left) = next_blob(rest).ok_or(GitError::Strange("one of them is missing or too large"))?;
        rest = left;
        files.push(GitFile { path, content: content.to_vec() });
    }
    Ok(files)
}

/// Hash and path of each regular file; links lead nowhere here.
fn listed(text: &str) -> Vec<(String, String)> {
    let one = |entry: &str| {
        let (about, path) = entry.split_once('\t')?;
        let mut words = about.split(' ');
        let (mode, kind, hash) = (words.next()?, words.next()?, words.next()?);
        (kind == "blob" && mode.starts_with("100")).then(|| (hash.to_owned(), path.to_owned()))
    };
    text.split('\0').filter_map(one).collect()
}

/// `HASH blob SIZE`, the content, a line's end: the content, and what comes behind.
fn next_blob(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|byte| *byte == b'\n')?;
    let head = std::str::from_utf8(text.get(..end)?).ok()?;
    let size: usize = head.rsplit(' ').next()?.parse().ok()?;
    let begin = end.checked_add(1)?;
    let stop = begin.checked_add(size).filter(|_| size <= FILE_MAX_BYTES)?;
    Some((text.get(begin..stop)?, text.get(stop.checked_add(1)?..)?))
}

async fn git(folder: &Path, words: &[&str], input: Vec<u8>) -> Result<Output, GitError> {
    let mut command = Command::new("git");
    // Nobody is asked for a password, nothing is fetched, and nothing is written.
    command.args(words).current_dir(folder).env("GIT_TERMINAL_PROMPT", "0");
    command.env("GIT_NO_LAZY_FETCH", "1").env("GIT_OPTIONAL_LOCKS", "0").env("LC_ALL", "C");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound if folder.is_dir() => GitError::NotHere,
        _ => GitError::Io(error),
    })?;
    let stdin = child.stdin.take();
    let feeding = async move {
        match stdin {
            Some(mut stdin) => stdin.write_all(&input).await,
            None => Ok(()),
        }
    };
    let both = async { tokio::join!(feeding, child.wait_with_output()) };
    // That it did not read to the end is told by how it ended.
    let (_, output) = tokio::time::timeout(LIMIT, both).await.map_err(|_| GitError::TooSlow)?;
    let output = output?;
    if output.status.success() {
        return Ok(output);
    }
    let why = String::from_utf8_lossy(&output.stderr);
    Err(GitError::No(why.lines().next().unwrap_or_default().trim_start_matches("fatal: ").to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_lists_and_says_is_read_and_half_of_it_is_not() {
        let text = "100644 blob a1\tworkflows/a.yaml\x00120000 blob b2\tworkflows/link.yaml\x00160000 commit c3\tworkflows/sub\x00";
        assert_eq!(listed(text), [("a1".to_owned(), "workflows/a.yaml".to_owned())]);
        assert_eq!(listed("nonsense\0"), []);
        let told = b"a1 blob 3\nx\ny\nb2 blob 0\n\n";
        let (first, rest) = next_blob(told).expect("the first");
        assert_eq!((first, next_blob(rest)), (&b"x\ny"[..], Some((&b""[..], &b""[..]))));
        for half in [&b"a1 missing\n"[..], b"a1 blob 9\nx\n", b"", b"a1 blob 99999999999\nx\n"] {
            assert_eq!(next_blob(half), None);
        }
    }
}
