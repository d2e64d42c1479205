//! `nightlatch demo --script`, run as people run it: the whole story, the same every time.

#![allow(clippy::expect_used, reason = "a test stops at the first thing that is not as it should be")]

use std::process::Command;

fn told() -> (String, String, Option<i32>) {
    let done = Command::new(env!("CARGO_BIN_EXE_nightlatch"))
        .args(["demo", "--script"])
        // From anywhere, not only from the checkout.
        .current_dir(std::env::temp_dir())
        .env_remove("RUST_LOG")
        .output()
        .expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (text(done.stdout), text(done.stderr), done.status.code())
}

#[test]
fn the_story_comes_out_as_told() {
    let (story, complaints, code) = told();
    assert_eq!((complaints.as_str(), code), ("", Some(0)), "{story}");
    // What is done and when; what the bot says to it is tested where its words are.
    let acts: Vec<_> = story.lines().filter(|line| !line.starts_with("    ") && !line.is_empty()).collect();
    insta::assert_snapshot!(acts.join("\n"), @"
    The bot below is the real one, with a database of its own. Slack and the tailnet are played on this machine,
    and the clock moves when the story says so; times on the left are Berlin's. `nightlatch demo` shows the same in a browser.
    15:00:00  the bot starts
    == Alice asks ==
    15:00:00  alice types in #access: /access prod-db 2h invoice 1204 is stuck
    == Somebody else decides ==
    15:00:00  alice presses [Approve]
    15:00:00  bob presses [Approve]
    == It locks itself ==
    15:00:00  the clock moves 1 h 59 min
    16:59:02  the clock moves 1 min
    == Tailscale fails while access is taken back ==
    17:00:02  carol types in #access: /access prod-db 30m check the replica lag
    17:00:02  carol presses [Approve]
    17:00:02  bob presses [Approve]
    17:00:02  Tailscale answers 500 to everything
    17:00:02  the clock moves 30 min 2 s
    17:30:18  14 s later, the bot says that it is stuck
    17:30:18  Tailscale works again
    17:30:36  18 s later, the next attempt works
    == Somebody kills the bot ==
    17:30:36  alice types in #access: /access prod-db 1h look at the invoice again
    17:30:36  bob presses [Approve]
    17:30:36  the bot is killed: nothing is flushed, nobody is told
    17:30:36  the clock moves 1 h 10 min
    18:40:39  the bot starts
    18:40:39  the bot has looked
    == Go links and pastes ==
    18:40:39  carol types in #access: /go runbook https://wiki.example.com/runbook/
    18:40:39  bob types in #access: /go runbok/restore
    18:40:39  bob types in #access: /go runbook/restore?step=2
    18:40:39  bob types in #access: /paste ERROR: replica lag is 94 s
    == The end ==
    Three times access was lent, three times it was taken back and seen to be gone. The tailnet is as it was found.
    ");
}

#[test]
fn the_story_is_the_same_every_time() {
    let ((first, _, _), (second, _, _)) = (told(), told());
    assert_eq!(first, second);
}
