//! `nightlatch audit`: checks the log, gives it to whoever collects logs, and accepts a database that was put back.

mod again;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};

use again::Again;

use super::{ConfigPath, Format, WRONG, aside, data, done};
use crate::clock::Clock;
use crate::config::{Config, Database};
use crate::store::{AnchorFile, AuditEntry, AuditLog, Head, Mismatch, Tampered};

/// The log could not be looked at: nothing is known about it.
const NOT_LOOKED_AT: u8 = 3;
/// So many entries are read in one go.
const CHUNK_ROWS: i64 = 500;
/// How often `--follow` looks for more.
const FOLLOW_EVERY: Duration = Duration::from_millis(500);

/// Check and export the audit log; also while nightlatch runs.
///
/// Exit codes: 0 all is well; 1 the log does not fit (the first entry that does not is named), or there was something else to
/// tell; 2 the command line was not understood; 3 the log could not be looked at.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Audit {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Walk over the whole chain and compare it with its anchor.
    ///
    /// Example: nightlatch audit verify --config /etc/nightlatch/nightlatch.yaml
    Verify {
        #[command(flatten)]
        config: ConfigPath,
        /// Also compare with what was known elsewhere, for example from the message in `anchor_channel`.
        #[arg(long, value_name = "SEQ:HASH")]
        head: Option<String>,
        /// How the result is printed.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Print entries, one JSON object a line: seq, at, request_id, actor, event, state, previous, hash.
    ///
    /// Example: nightlatch audit export --follow --after 1200
    Export {
        #[command(flatten)]
        config: ConfigPath,
        /// Go on with what is added, until interrupted.
        #[arg(long)]
        follow: bool,
        /// Only entries after this number.
        #[arg(long, value_name = "SEQ", default_value_t = 0)]
        after: i64,
    },
    /// Go on with a database that is older than its anchor, or another one, after somebody looked.
    ///
    /// The old anchor is kept beside the new one, and the running nightlatch writes into the log that it was accepted.
    /// Example: nightlatch audit accept
    Accept {
        #[command(flatten)]
        config: ConfigPath,
    },
}

impl Audit {
    pub(super) fn run(&self) -> ExitCode {
        done(async {
            let looked = match &self.what {
                What::Verify { config, head, format } => verify(&config.config, head.as_deref(), *format).await,
                What::Export { config, follow, after } => export(&config.config, *follow, *after).await,
                What::Accept { config } => accept(&config.config).await,
            };
            Ok(looked.unwrap_or_else(|why| {
                aside(&format!("{why}\n"));
                ExitCode::from(NOT_LOOKED_AT)
            }))
        })
    }
}

async fn open(path: &Path) -> Result<(AuditLog, AnchorFile), String> {
    let config = Config::read(path).map_err(|report| report.to_string())?;
    let Database::Sqlite(file) = &config.database;
    let log = AuditLog::open(&format!("sqlite://{}", file.display())).await.map_err(|error| error.to_string())?;
    Ok((log, AnchorFile::new(&config.anchor)))
}

/// The number and hash of an entry, as the message in Slack and the export write them.
fn head_of(text: &str) -> Result<Head, String> {
    let wrong = || format!("`{text}` is no entry and its hash; write --head 1234:0c5f...");
    let (seq, hash) = text.split_once(':').ok_or_else(wrong)?;
    let seq = seq.trim().parse().ok().filter(|seq| *seq > 0).ok_or_else(wrong)?;
    let hash = hash.trim().to_lowercase();
    let is_hash = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash { Ok(Head { seq, hash }) } else { Err(wrong()) }
}

async fn verify(path: &Path, known: Option<&str>, format: Format) -> Result<ExitCode, String> {
    let known = known.map(head_of).transpose()?;
    let (log, anchor) = open(path).await?;
    // The anchor first: what is saved meanwhile makes the log longer than it says, never shorter.
    let mut mismatch = anchor.compare(&log).await.map_err(|error| error.to_string())?;
    if let (Some(known), None) = (known, &mismatch) {
        mismatch = log.goes_on_from(known).await.map_err(|error| error.to_string())?;
    }
    let verified = log.verify().await.map_err(|error| error.to_string())?;
    let verified = verified.and_then(|count| mismatch.as_ref().map_or(Ok(count), |found| Err(tampered(found))));
    let verified = match verified {
        Ok(count) => judged_again(&log).await?.map(|again| (count, again)),
        Err(tampered) => Err(tampered),
    };
    log.close().await;
    data(&match (&verified, format) {
        (Ok((count, again)), Format::Text) => format!("{count} entries, all of them fit\n{}", decisions(again)),
        (Err(tampered), Format::Text) => format!("{tampered}\n"),
        (Ok((count, again)), Format::Json) => {
            let judged = serde_json::json!({ "again": again.same, "unread": again.unread });
            format!("{}\n", serde_json::json!({ "fits": true, "entries": count, "judged": judged }))
        }
        (Err(Tampered { seq, what }), Format::Json) => {
            format!("{}\n", serde_json::json!({ "fits": false, "entry": seq, "what": what }))
        }
    });
    if mismatch.is_some() {
        aside("after you looked at what is on in the tailnet: nightlatch audit accept\n");
    }
    Ok(ExitCode::from(if verified.is_ok() { 0 } else { WRONG }))
}

/// Has every decision of guardrails come out once more.
async fn judged_again(log: &AuditLog) -> Result<Result<Again, Tampered>, String> {
    let (mut again, mut after) = (Again::default(), 0);
    loop {
        let entries = log.after(after, CHUNK_ROWS).await.map_err(|error| error.to_string())?;
        let Some(last) = entries.last() else { return Ok(Ok(again)) };
        after = last.seq;
        for entry in &entries {
            if let Err(tampered) = again.look(entry) {
                return Ok(Err(tampered));
            }
        }
    }
}

fn decisions(again: &Again) -> String {
    let count = |count: i64| if count == 1 { "1 decision".to_owned() } else { format!("{count} decisions") };
    let mut lines = String::new();
    if again.same > 0 {
        lines += &format!("{} of guardrails judged again, all of them the same\n", count(again.same));
    }
    if again.unread > 0 {
        lines += &format!("{} of guardrails could not be judged again by this version\n", count(again.unread));
    }
    lines
}

/// The first entry that does not fit what the anchor says.
fn tampered(mismatch: &Mismatch) -> Tampered {
    let seq = match mismatch {
        Mismatch::Older { end, .. } => end.seq.saturating_add(1),
        Mismatch::Other { anchor, .. } => anchor.seq,
        Mismatch::Unknown(_) => 0,
    };
    Tampered { seq, what: mismatch.to_string() }
}

async fn export(path: &Path, follow: bool, mut after: i64) -> Result<ExitCode, String> {
    let (log, _) = open(path).await?;
    let clock = Clock::system();
    loop {
        let entries = log.after(after, CHUNK_ROWS).await.map_err(|error| error.to_string())?;
        let Some(last) = entries.last() else {
            if !follow {
                break;
            }
            clock.pause(FOLLOW_EVERY).await;
            continue;
        };
        after = last.seq;
        let lines: String = entries.iter().map(line).collect();
        // A reader that went away wants no more.
        let mut out = std::io::stdout().lock();
        if out.write_all(lines.as_bytes()).and_then(|()| out.flush()).is_err() {
            break;
        }
    }
    log.close().await;
    Ok(ExitCode::SUCCESS)
}

/// What was stored as JSON stands in the line exactly as it was stored: the hash is over that text.
fn line(entry: &AuditEntry) -> String {
    let AuditEntry { seq, at, request_id, actor, event, state, previous, hash } = entry;
    let when = jiff::Timestamp::from_millisecond(*at);
    let when = when.map_or_else(|_| at.to_string(), |at| format!("{at:.3}"));
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let json = |stored: &str| {
        let is_json = serde_json::from_str::<serde::de::IgnoredAny>(stored).is_ok();
        if is_json && !stored.contains(['\n', '\r']) { stored.to_owned() } else { text(stored) }
    };
    format!(
        "{{\"seq\":{seq},\"at\":{},\"request_id\":{},\"actor\":{},\"event\":{},\"state\":{},\"previous\":{},\"hash\":{}}}\n",
        text(&when),
        text(request_id),
        json(actor),
        json(event),
        text(state),
        text(previous),
        text(hash),
    )
}

async fn accept(path: &Path) -> Result<ExitCode, String> {
    let (log, anchor) = open(path).await?;
    let Some(mismatch) = anchor.compare(&log).await.map_err(|error| error.to_string())? else {
        data("the log goes on from its anchor: there is nothing to accept\n");
        return Ok(ExitCode::SUCCESS);
    };
    let verified = log.verify().await.map_err(|error| error.to_string())?;
    if let Err(tampered) = verified {
        data(&format!("not accepted: {tampered}\n"));
        return Ok(ExitCode::from(WRONG));
    }
    let head = log.head().await.map_err(|error| error.to_string())?;
    log.close().await;
    let file = anchor.path().display().to_string();
    let failed = |error: std::io::Error| format!("the anchor {file} cannot be written: {error}");
    let old = anchor.set_aside().map_err(failed)?;
    anchor.write(&head, Clock::system().now_ms()).map_err(failed)?;
    let kept = old.map_or_else(String::new, |old| format!("; the old anchor is {}", old.display()));
    data(&format!("accepted although {mismatch}. The anchor is entry {} now{kept}\n", head.seq));
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(event: &str) -> AuditEntry {
        AuditEntry {
            seq: 7,
            at: 1_772_366_400_123,
            request_id: "0abc".to_owned(),
            actor: "{\"actor\":\"clock\"}".to_owned(),
            event: event.to_owned(),
            state: "active".to_owned(),
            previous: "aa".to_owned(),
            hash: "bb".to_owned(),
        }
    }

    #[test]
    fn an_entry_and_its_hash_are_read_as_they_are_told() {
        let hash = "ab".repeat(32);
        assert_eq!(head_of(&format!("12:{hash}")), Ok(Head { seq: 12, hash: hash.clone() }));
        assert_eq!(head_of(&format!(" 12 : {} ", hash.to_uppercase())), Ok(Head { seq: 12, hash: hash.clone() }));
        for wrong in ["", "12", "12:", ":ab", "0:ab", "x:y", &format!("-1:{hash}"), &format!("1:{hash}0"), "1:ü"] {
            assert!(head_of(wrong).unwrap_err().contains("--head 1234:"), "{wrong}");
        }
    }

    #[test]
    fn an_entry_is_one_line_with_what_was_stored_as_it_was_stored() {
        let told = line(&entry("{\"event\":\"woke\",\"big\":12345678901234567890123,\"text\":\"\\u00e4\"}"));
        insta::assert_snapshot!(told, @r#"{"seq":7,"at":"2026-03-01T12:00:00.123Z","request_id":"0abc","actor":{"actor":"clock"},"event":{"event":"woke","big":12345678901234567890123,"text":"\u00e4"},"state":"active","previous":"aa","hash":"bb"}"#);
        for meddled in ["not json", "{\n}", "{\"a\":1}{", ""] {
            let told = line(&entry(meddled));
            assert_eq!(told.matches('\n').count(), 1, "{told}");
            let read: serde_json::Value = serde_json::from_str(&told).unwrap();
            assert_eq!(read["event"], meddled);
        }
    }
}
