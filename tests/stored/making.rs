//! A database with everything in it that can be stored: requests in every state and with every outcome, effects of every kind that
//! wait, links, pastes and drafts. A release keeps the one its build makes here.

use std::collections::BTreeSet;
use std::path::Path;

use nightlatch::kernel::State;
use nightlatch::playground::slack::Fault as SlackFault;
use nightlatch::playground::tailnet::{Endpoint, Fault, TailnetWorld};
use serde_json::{Value, json};
use sqlx::{Connection, SqliteConnection};

use crate::harness::*;
use crate::variants;

/// Set to a folder, it gets the database, what the tailnet looks like and presses of buttons, for a release to keep.
const WRITE: &str = "NIGHTLATCH_WRITE_DATABASE";

/// A workflow of its own for each state, so that each touches an attribute of its own.
fn database(name: &str, changes: &[(&str, &str)]) -> String {
    let key = format!("custom:jit_{}", name.replace('-', "_"));
    changed(&changed(PROD_DB, &[("custom:jit_prod_db", &key)]), changes)
}

const TWO: &str = r##"nightlatch: 1
title: Two steps
inputs:
  hold: { type: duration, default: 1h, max: 8h }
  reason: { type: text, max_length: 500 }
  device: { type: device }
ask: [group:engineering, alice@example.com]
approve:
  - quorum: 2
    by: [group:dba, dave@example.com]
    own_request: allow
steps:
  - uses: tailscale.attribute
    with: { device: "{{ inputs.device }}", key: custom:jit_two, value: true }
  - uses: tclip.paste
    with: { filename: two.md, content: "# For {{ requester.email }}\n\n{{ inputs.reason }}" }
announce: "#access"
"##;

const RUNBOOK: &str = r##"nightlatch: 1
title: Runbook
command: /runbook
inputs:
  hold: { type: duration, default: 1h, max: 8h }
  reason: { type: text, max_length: 500 }
ask: [autogroup:member]
approve:
  - quorum: 1
    by: [bob@example.com]
    own_request: confirm
steps:
  - uses: tclip.paste
    with: { filename: runbook.md, content: "# For {{ requester.email }}\n\n{{ inputs.reason }}" }
announce: "#access"
triggers:
  - schedule: { cron: "@yearly", as: alice@example.com, with: { reason: once a year } }
"##;

/// Whoever reviews it has to be looked up.
const GLASS: &str = r##"nightlatch: 1
title: Broken glass
inputs:
  hold: { type: duration, default: 1h, max: 8h }
  reason: { type: text, max_length: 500 }
ask: [autogroup:member]
approve:
  - by: [bob@example.com]
break_glass: { who: [dave@example.com], review: { by: [otto@example.com] } }
steps:
  - uses: tclip.paste
    with: { filename: glass.md, content: "# For {{ requester.email }}" }
announce: "#access"
"##;

/// The attributes that workflows here touch.
const NAMES: &[&str] = &[
    "prod-db",
    "before-db",
    "active-db",
    "warned-db",
    "stuck-db",
    "ending-db",
    "activating-db",
    "quick-db",
    "approved-db",
    "find-db",
    "quiet-db",
    "two",
];

fn setting() -> Setting {
    let mut setting = Setting::default();
    for name in ["before-db", "active-db", "warned-db", "stuck-db", "ending-db", "activating-db"] {
        setting = setting.workflow(name, &database(name, &[]));
    }
    let by = "by: [group:dba, \"@db-oncall\"]";
    let others = [
        ("quick-db", ("lapse_after: 8h", "lapse_after: 30m")),
        ("approved-db", (by, "by: [bob@example.com]")),
        ("find-db", (by, "by: [dave@example.com, otto@example.com]")),
        ("quiet-db", ("announce: \"#access\"\n", "")),
    ];
    for (name, change) in others {
        setting = setting.workflow(name, &database(name, &[change]));
    }
    setting.workflow("two", TWO).workflow("runbook", RUNBOOK).workflow("glass", GLASS)
}

async fn idle(stage: &Stage) {
    stage.bot.engine().await.idle().await;
}

/// Types a command; messages that are only paced are not waited for.
async fn type_at_once(stage: &Stage, who: &str, line: &str) {
    assert!(stage.slack.command(who, "#general", line).await.unwrap().acked);
    idle(stage).await;
}

async fn links_and_pastes(stage: &Stage) {
    stage.alice.command("/go wiki https://wiki.example.com/start").await;
    stage.alice.command("/go wiki/db").await;
    stage.bob.command("/go old https://old.example.com").await;
    stage.alice.command("/paste hello there").await;
    stage.bob.command("/paste thrown away").await;
    stage.bob.press_in("#general", "Delete").await;
    stage.dave.command("/paste the key is AKIAIOSFODNN7EXAMPLE").await;
}

async fn ended_in_every_way(stage: &Stage) {
    stage.alice.command("/access prod-db 2h denied").await;
    stage.bob.press("Deny").await;
    stage.bob.fill("Why", "not today").await;
    stage.bob.submit().await;
    stage.alice.command("/access prod-db 2h withdrawn").await;
    stage.alice.command("/access withdraw prod-db").await;
    stage.alice.command("/access prod-db 2h returned").await;
    stage.bob.press("Approve").await;
    stage.alice.press("Return").await;
    stage.alice.command("/access prod-db 2h revoked").await;
    stage.bob.press("Approve").await;
    stage.carol.press("Revoke").await;
    stage.tailnet.fault(Endpoint::SetAttribute, Fault::Status(403), Some(1));
    stage.alice.command("/access prod-db 2h failed").await;
    stage.bob.press("Approve").await;
    stage.alice.command("/access quick-db 2h lapsed").await;
    stage.advance(31.minutes()).await;
    stage.alice.command("/access two 2h both steps").await;
    stage.bob.press("Approve").await;
    stage.carol.press("Approve").await;
    stage.alice.press("Return").await;
}

/// Overlapping, with something there before, with a paste, about to end; and one that cannot be taken back.
async fn active_and_stuck(stage: &Stage) {
    let until = stage.clock.now_ms() + 3 * 3_600_000;
    stage.tailnet.set_by_hand("alice-laptop", "custom:jit_before_db", true.into(), Some(until)).unwrap();
    for line in [
        "before-db 1h set by somebody for longer",
        "before-db 6h set for less",
        "prod-db 1h first",
        "prod-db 3h second",
    ] {
        stage.alice.command(&format!("/access {line}")).await;
        stage.bob.press("Approve").await;
    }
    stage.carol.command("/access active-db 8h long").await;
    stage.bob.press("Approve").await;
    stage.dave.command("/access runbook 8h invoice 1204").await;
    stage.bob.press("Approve").await;
    stage.dave.command("/access break-glass glass 8h the database is down").await;
    stage.dave.submit().await;
    stage.alice.command("/access two 4h both steps again").await;
    stage.bob.press("Approve").await;
    stage.carol.press("Approve").await;
    stage.alice.command("/access stuck-db 10m cannot be taken back").await;
    stage.bob.press("Approve").await;
    stage.tailnet.set_expiry_lag_ms(864_000_000);
    stage.tailnet.fault(Endpoint::DeleteAttribute, Fault::Status(500), None);
    stage.advance(5.minutes()).await;
    stage.alice.command("/access warned-db 10m ends soon").await;
    stage.bob.press("Approve").await;
    stage.alice.command("/access ending-db 2h given back in vain").await;
    stage.bob.press("Approve").await;
    stage.advance(9.minutes()).await;
}

async fn everything(stage: &Stage) {
    links_and_pastes(stage).await;
    ended_in_every_way(stage).await;
    stage.alice.command("/access prod-db 10m expired").await;
    stage.bob.press("Approve").await;
    let late_on_the_card = stage.old_press("alice", "Return").await;
    let late_notice = stage.old_press_elsewhere("alice", "Return").await;
    stage.advance(11.minutes()).await;
    active_and_stuck(stage).await;
    // Pending: with cards and without, and half decided.
    stage.alice.command("/access active-db 2h waits for an answer").await;
    stage.carol.command("/access quiet-db 2h waits without a channel").await;
    stage.alice.command("/access two 1h one of two said yes").await;
    stage.bob.press("Approve").await;
    stage.carol.command("/paste the other key is AKIAIOSFODNN7EXAMPLE").await;
    stage.alice.command("/go wiki/db").await;
    stage.carol.command("/access approved-db 2h will wait for slack").await;
    stage.alice.command("/access activating-db 2h will not get there").await;
    // What Slack said of people is no longer fresh.
    stage.advance(6.seconds()).await;
    let activating = stage.old_press_on("bob", "Approve", "activating-db").await;
    let approved = stage.old_press_on("bob", "Approve", "approved-db").await;
    let pending = stage.old_press_on("carol", "Approve", "active-db").await;
    // Nothing can be said from here on, and nothing can be switched on.
    stage.tailnet.fault(Endpoint::SetAttribute, Fault::Status(500), None);
    for method in ["chat.postMessage", "chat.update", "chat.postEphemeral"] {
        stage.slack.fail(method, SlackFault::Unavailable, u32::MAX);
    }
    activating.is_delivered().await;
    idle(stage).await;
    type_at_once(stage, "alice", "/access return ending-db").await;
    stage.slack.fail("users.lookupByEmail", SlackFault::Unavailable, u32::MAX);
    type_at_once(stage, "alice", "/access find-db 2h approvers are being found").await;
    type_at_once(stage, "dave", "/access return glass").await;
    // Typed by somebody who may not ask, and not answered yet; and by somebody who is not looked up yet.
    stage.slack.fail("response_url", SlackFault::Unavailable, u32::MAX);
    type_at_once(stage, "grace", "/access prod-db 1h not answered yet").await;
    stage.slack.fail("users.info", SlackFault::Unavailable, u32::MAX);
    stage.slack.set_member("#general", "dora", true).unwrap();
    type_at_once(stage, "dora", "/access prod-db 1h not looked up yet").await;
    approved.is_delivered().await;
    idle(stage).await;
    pending.is_delivered().await;
    idle(stage).await;
    late_on_the_card.is_delivered().await;
    idle(stage).await;
    stage.slack.press("alice", "#general", "Share here").await.unwrap();
    idle(stage).await;
    late_notice.is_delivered().await;
    idle(stage).await;
}

/// What the tailnet looks like, for whoever opens the database later.
fn world(stage: &Stage) -> Value {
    let mut attributes = Vec::new();
    for device in ["alice-laptop", "carol-laptop"] {
        for name in NAMES {
            let key = format!("custom:jit_{}", name.replace('-', "_"));
            if let Some(value) = stage.tailnet.attribute(device, &key) {
                attributes.push(json!([device, key, value, stage.tailnet.expiry(device, &key)]));
            }
        }
    }
    json!({ "now_ms": stage.clock.now_ms(), "attributes": attributes })
}

/// A press for each kind of button that open requests have: who, on which message, which button.
async fn pressed(stage: &Stage) -> String {
    let wanted = [
        ("bob", "U0BOB0001", "approve", "quiet-db", State::Pending),
        ("bob", "U0BOB0001", "revoke", "prod-db", State::Active),
        ("alice", "U0ALICE01", "return", "warned-db", State::Active),
        ("bob", "U0BOB0001", "retry", "stuck-db", State::Ending),
        ("alice", "U0ALICE01", "withdraw", "two", State::Pending),
        ("alice", "U0ALICE01", "return", "two", State::Active),
    ];
    let requests = stage.requests().await;
    let mut lines = Vec::new();
    for (who, user, action, name, state) in wanted {
        let request = requests.iter().find(|one| one.ask.workflow.name == name && one.state == state).unwrap();
        let press = press_of(stage, (who, user), action, request.ask.id.as_str());
        lines.push(press.unwrap_or_else(|| panic!("{who} sees no {action} of {name}")).to_string());
    }
    format!("[\n  {}\n]\n", lines.join(",\n  "))
}

/// The newest button of that kind that names the request.
fn press_of(stage: &Stage, (who, user): (&str, &str), action: &str, id: &str) -> Option<Value> {
    let view = stage.slack.view_for(who);
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut found = None;
    for channel in list(&view["channels"]) {
        for message in list(&channel["messages"]) {
            for block in list(&message["blocks"]) {
                for button in list(&block["elements"]) {
                    let names_it = button["value"].as_str().is_some_and(|value| value.starts_with(id));
                    if button["action_id"] == action && names_it {
                        found = Some(json!({
                            "user": user, "channel": channel["id"], "ts": message["ts"], "block_id": block["block_id"],
                            "button": button,
                        }));
                    }
                }
            }
        }
    }
    found
}

/// A copy in one file, without what SQLite keeps beside it.
async fn copied(from: &Path, to: &Path) {
    let _ = std::fs::remove_file(to);
    let mut connection = SqliteConnection::connect(&format!("sqlite://{}", from.display())).await.unwrap();
    sqlx::query("vacuum into $1").bind(to.to_str().unwrap()).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let mut connection = SqliteConnection::connect(&format!("sqlite://{}", to.display())).await.unwrap();
    sqlx::raw_sql("pragma page_size = 1024; vacuum;").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_with_everything_in_it_can_be_made() {
    let place = std::cell::RefCell::new(None);
    let before = |_: &TailnetWorld, folder: &Path| drop(place.replace(Some(folder.join("nightlatch.db"))));
    story_unless_left_open(setting(), START_MS, before, async |stage| {
        everything(stage).await;
        insta::assert_snapshot!(crate::database::states_of(stage).await, @"
        prod-db ended denied
        prod-db ended withdrawn
        prod-db ended returned
        prod-db ended revoked
        prod-db ended failed
        quick-db ended lapsed
        two ended returned
        prod-db ended expired
        before-db active -
        before-db active -
        prod-db active -
        prod-db active -
        active-db active -
        runbook active -
        glass ended returned
        two active -
        stuck-db ending expired stuck
        warned-db active -
        ending-db ending returned
        active-db pending -
        quiet-db pending -
        two pending -
        approved-db approved -
        activating-db activating -
        find-db pending -
        ");
        let waiting = stage.bot.store().await.waiting().await.unwrap();
        let kinds: BTreeSet<_> = waiting.iter().map(|one| variants::effect(&one.effect)).collect();
        let (_, all) = variants::ALL.iter().find(|(name, _)| *name == "Effect").unwrap();
        // This company has neither a golink nor a tclip; stories kill the bot before it has called one.
        // Others are asked too when it takes long; stories wait for that.
        let elsewhere = ["SaveLink", "PostPaste", "DeletePaste", "FindTier"];
        let missing: Vec<_> = all.iter().filter(|kind| !kinds.contains(*kind) && !elsewhere.contains(*kind)).collect();
        assert!(missing.is_empty(), "nothing of these waits: {missing:?}");
        let (world, pressed) = (world(stage), pressed(stage).await);
        stage.bot.stop().await;
        if let Some(folder) = std::env::var_os(WRITE) {
            let folder = Path::new(&folder);
            let path = place.take().expect("the bot's database");
            copied(&path, &folder.join("nightlatch.sqlite")).await;
            std::fs::write(folder.join("world.json"), format!("{world:#}\n")).unwrap();
            std::fs::write(folder.join("pressed.json"), pressed).unwrap();
        }
        false
    })
    .await;
}
