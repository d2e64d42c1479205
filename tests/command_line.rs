//! The program itself: exit codes, and what goes to which stream.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first thing that is not as it should be"
)]

use std::fs;
use std::process::{Command, Output};

const CONFIG: &str = "slack: { bot_token: env:B, app_token: env:A }\ntailscale: { api_key: env:K }\n";

fn nightlatch(folder: &tempfile::TempDir, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_nightlatch")).args(words).current_dir(folder).output().unwrap()
}

/// A folder with the workflows that come with Nightlatch.
fn folder(config: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("nightlatch.yaml"), config).unwrap();
    fs::create_dir(folder.path().join("workflows")).unwrap();
    let from = format!("{}/workflows/prod-db.yaml", env!("CARGO_MANIFEST_DIR"));
    fs::copy(from, folder.path().join("workflows/prod-db.yaml")).unwrap();
    folder
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn check_says_that_all_is_well_and_fetches_no_secret() {
    let output = nightlatch(&folder(CONFIG), &["check"]);
    assert_eq!(output.status.code(), Some(0));
    insta::assert_snapshot!(text(&output.stdout), @"no mistakes: the configuration and 1 workflow can be used");
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn check_tells_mistakes_of_all_files_at_once() {
    let folder = folder(&CONFIG.replace("app_token", "ap_token"));
    let path = folder.path().join("workflows/prod-db.yaml");
    fs::write(&path, fs::read_to_string(&path).unwrap().replace("lapse_after", "lapse-after")).unwrap();
    let output = nightlatch(&folder, &["check", "--config", "nightlatch.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(text(&output.stdout), @"
      × unknown key `ap_token`
       ╭─[nightlatch.yaml:1:28]
     1 │ slack: { bot_token: env:B, ap_token:********
       ·                            ────────
       ╰────
      help: did you mean `app_token`?

      × unknown key `lapse-after`
        ╭─[workflows/prod-db.yaml:17:1]
     17 │ lapse-after: 8h                             # nobody answered
        · ───────────
        ╰────
      help: did you mean `lapse_after`?

    2 mistakes in 2 files
    ");
    let output = nightlatch(&folder, &["check", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(text(&output.stdout), @r#"
    {
      "mistakes": [
        {
          "file": "nightlatch.yaml",
          "line": 1,
          "column": 28,
          "message": "unknown key `ap_token`",
          "help": "did you mean `app_token`?",
          "source_line": "slack: { bot_token: env:B, ap_token:********"
        },
        {
          "file": "workflows/prod-db.yaml",
          "line": 17,
          "column": 1,
          "message": "unknown key `lapse-after`",
          "help": "did you mean `lapse_after`?",
          "source_line": "lapse-after: 8h                             # nobody answered"
        }
      ],
      "unlisted": 0,
      "workflows": 0,
      "meanings": [],
      "scopes": {
        "slack": [
          "commands",
          "chat:write",
          "chat:write.public",
          "users:read",
          "users:read.email",
          "files:read",
          "channels:history",
          "groups:history"
        ],
        "tailscale": [
          "devices:core:read",
          "users:read"
        ]
      }
    }
    "#);
}

#[test]
fn a_wrong_command_line_has_its_own_exit_code() {
    let output = nightlatch(&folder(CONFIG), &["chekc"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stdout), "");
    assert!(text(&output.stderr).contains("check"), "{}", text(&output.stderr));
}

#[test]
fn manifest_prints_json_and_nothing_else() {
    let folder = folder(CONFIG);
    let output = nightlatch(&folder, &["manifest"]);
    assert_eq!(output.status.code(), Some(0));
    let manifest: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(manifest["settings"]["socket_mode_enabled"], true);
    let output = nightlatch(&folder, &["manifest", "--mode", "http"]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), String::new()));
    insta::assert_snapshot!(text(&output.stderr), @"
      × nightlatch.yaml: `url` is missing: mode http needs it
      help: write how Slack reaches this bot, like url: https://nightlatch.example.ts.net

    1 mistake in 1 file
    ");
}

#[test]
fn pastes_are_imported_once_and_exported_as_they_were() {
    let folder = folder(CONFIG);
    let lines = [
        r#"{"id":"0b9b23d8-5b1c-4a1e-9c43-7d6d2c1f0e5a","filename":"a.md","owner":"alice@example.com","author":"Alice","created_at":"2026-01-02T03:04:05Z","content":"x\ny"}"#,
        r#"{"filename":"over","content":"z","expires_at":"2020-01-01T00:00:00Z"}"#,
        r#"{"content":" "}"#,
        "nonsense",
    ];
    fs::write(folder.path().join("pastes.jsonl"), lines.join("\n")).unwrap();
    let output = nightlatch(&folder, &["pastes", "import", "pastes.jsonl"]);
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(1), ""));
    insta::assert_snapshot!(text(&output.stderr), @"
    line 3: there is nothing in it
    line 4: not a paste: expected ident at line 1 column 2
    1 new, 0 were there already, 1 were over, 2 could not be moved
    ");
    let again = nightlatch(&folder, &["pastes", "import", "pastes.jsonl"]);
    assert!(text(&again.stderr).contains("0 new, 1 were there already"), "{}", text(&again.stderr));
    let exported = nightlatch(&folder, &["pastes", "export"]);
    assert_eq!((exported.status.code(), text(&exported.stdout).trim_end()), (Some(0), lines[0]));
    let missing = nightlatch(&folder, &["pastes", "import", "nowhere.jsonl"]);
    assert_eq!(missing.status.code(), Some(1));
}
