//! A whole database of every release is opened by today's build, and everything in it that is open is run to its end.

use std::collections::BTreeMap;
use std::path::Path;

use nightlatch::kernel::{Outcome, Request, State};
use nightlatch::playground::slack::Envelope;
use nightlatch::playground::tailnet::TailnetWorld;
use serde_json::{Value, json};

use crate::harness::*;
use crate::written::folder;

/// What the outside looked like when the database was written.
struct World {
    now_ms: i64,
    attributes: Vec<(String, String, Value, Option<i64>)>,
}

impl World {
    fn of(release: &str) -> Self {
        let text = std::fs::read_to_string(folder(release).join("world.json")).unwrap();
        let world: Value = serde_json::from_str(&text).unwrap();
        let attributes = serde_json::from_value(world["attributes"].clone()).unwrap();
        Self { now_ms: world["now_ms"].as_i64().unwrap(), attributes }
    }

    fn prepare(&self, tailnet: &TailnetWorld) {
        for (device, key, value, until) in &self.attributes {
            tailnet.set_by_hand(device, key, value.clone(), *until).unwrap();
        }
        // Tailscale was slow to end what nobody could take back.
        tailnet.set_expiry_lag_ms(60_000);
    }
}

/// By id: where each request is, and how it ended.
async fn states(stage: &Stage) -> BTreeMap<String, (String, State, Option<Outcome>, bool)> {
    let told = |one: Request| (one.ask.workflow.name.clone(), one.state, one.outcome, one.stuck);
    stage.requests().await.into_iter().map(|one| (one.ask.id.to_string(), told(one))).collect()
}

fn lines(states: &BTreeMap<String, (String, State, Option<Outcome>, bool)>) -> String {
    let line = |(id, (name, state, outcome, stuck)): (&String, &(String, State, Option<Outcome>, bool))| {
        let outcome = outcome.map_or("-", Outcome::word);
        format!("{id} {name} {} {outcome}{}", state.word(), if *stuck { " stuck" } else { "" })
    };
    states.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Where every request is, one a line, in the order in which they were asked.
pub async fn states_of(stage: &Stage) -> String {
    let all = lines(&states(stage).await);
    all.lines().filter_map(|line| Some(line.split_once(' ')?.1)).collect::<Vec<_>>().join("\n")
}

fn copied(release: &str, to: &Path) {
    std::fs::copy(folder(release).join("nightlatch.sqlite"), to.join("nightlatch.db")).unwrap();
}

/// The release before there was a number in anything that is stored.
const FIRST: &str = "a65b63b";

/// Tells a story that begins with the database and the world as the first release left them.
async fn story_of_the_first_release(mode: Mode, body: impl AsyncFnOnce(&mut Stage)) {
    let world = World::of(FIRST);
    let before = |tailnet: &TailnetWorld, path: &Path| {
        world.prepare(tailnet);
        copied(FIRST, path);
    };
    story_from(Setting { mode, ..Setting::default() }, world.now_ms, before, body).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_first_release_left_open_is_run_to_its_end() {
    for mode in [Mode::Socket, Mode::Killed] {
        story_of_the_first_release(mode, async |stage| {
            if mode == Mode::Socket {
                let before = lines(&states(stage).await);
                insta::allow_duplicates! { insta::assert_snapshot!(before, @"
                01kjmma2g000000004 prod-db ended denied
                01kjmma2g000000005 prod-db ended withdrawn
                01kjmma2g000000006 prod-db ended returned
                01kjmma3f800000007 prod-db ended revoked
                01kjmma6d000000008 prod-db ended expired
                01kjmmycwg00000009 prod-db ended failed
                01kjmmydc40000000a quick-db ended lapsed
                01kjmpq5s40000000b two ended returned
                01kjmpq6rc0000000d before-db active -
                01kjmpq8pw0000000e before-db active -
                01kjmpqanc0000000f prod-db active -
                01kjmpqckw0000000g prod-db active -
                01kjmpqejc0000000h active-db active -
                01kjmpqggw0000000j runbook active -
                01kjmpqjfc0000000m two active -
                01kjmpqnd40000000p stuck-db ending expired stuck
                01kjmq0wam0000000q warned-db active -
                01kjmq0wam0000000r ending-db ending returned
                01kjmqhcmw0000000s active-db pending -
                01kjmqhcmw0000000t quiet-db pending -
                01kjmqhcmw0000000v two pending -
                01kjmqhcmw0000000x approved-db approved -
                01kjmqhcmw0000000y activating-db activating -
                01kjmqhkfm0000000z find-db pending -
                ") };
            }
            stage.advance(9.hours()).await;
            let after = lines(&states(stage).await);
            insta::allow_duplicates! { insta::assert_snapshot!(after, @"
                01kjmma2g000000004 prod-db ended denied
                01kjmma2g000000005 prod-db ended withdrawn
                01kjmma2g000000006 prod-db ended returned
                01kjmma3f800000007 prod-db ended revoked
                01kjmma6d000000008 prod-db ended expired
                01kjmmycwg00000009 prod-db ended failed
                01kjmmydc40000000a quick-db ended lapsed
                01kjmpq5s40000000b two ended returned
                01kjmpq6rc0000000d before-db ended expired
                01kjmpq8pw0000000e before-db ended expired
                01kjmpqanc0000000f prod-db ended expired
                01kjmpqckw0000000g prod-db ended expired
                01kjmpqejc0000000h active-db ended expired
                01kjmpqggw0000000j runbook ended expired
                01kjmpqjfc0000000m two ended expired
                01kjmpqnd40000000p stuck-db ended expired
                01kjmq0wam0000000q warned-db ended expired
                01kjmq0wam0000000r ending-db ended returned
                01kjmqhcmw0000000s active-db ended expired
                01kjmqhcmw0000000t quiet-db ended lapsed
                01kjmqhcmw0000000v two ended lapsed
                01kjmqhcmw0000000x approved-db ended expired
                01kjmqhcmw0000000y activating-db ended expired
                01kjmqhkfm0000000z find-db ended lapsed
                ") };
            what_stood_beside_the_requests_is_there(stage).await;
            on_time(stage).await;
            stage.ends_late = true;
            stage.everybody_reads();
        })
        .await;
    }
}

async fn what_stood_beside_the_requests_is_there(stage: &Stage) {
    let store = stage.bot.store().await;
    let links = store.links().await.unwrap();
    assert_eq!(links.iter().map(|link| link.short.as_str()).collect::<Vec<_>>(), ["old", "wiki"]);
    let waiting = store.waiting().await.unwrap();
    assert!(waiting.is_empty(), "{waiting:?}");
    let entries = store.audit_after(0, 100_000).await.unwrap();
    assert!(entries.len() > 213, "{}", entries.len());
    assert!(entries[..213].iter().all(|entry| !entry.event.contains("shape") && !entry.actor.contains("shape")));
    assert!(
        entries[213..]
            .iter()
            .all(|entry| entry.event.starts_with("{\"shape\":") && entry.actor.starts_with("{\"shape\":"))
    );
}

/// One was stuck when the database was written; everything else ends when it should.
async fn on_time(stage: &Stage) {
    for request in stage.requests().await {
        let (Some(expires_at), Some(ended_at)) = (request.expires_at, request.ended_at) else { continue };
        let late_ms = ended_at - expires_at;
        assert!(late_ms <= 5_000 || request.ask.workflow.name == "stuck-db", "{} {late_ms}", request.ask.id);
    }
}

/// What Slack would send if somebody pressed a button of a message that the release had posted.
fn press(pressed: &Value, number: usize) -> Value {
    let (user, ts) = (&pressed["user"], &pressed["ts"]);
    let mut action = pressed["button"].clone();
    action["block_id"] = pressed["block_id"].clone();
    action["action_ts"] = format!("1772370000.{number:06}").into();
    json!({
        "type": "block_actions",
        "user": { "id": user, "username": "somebody", "name": "somebody", "team_id": "T0ACME001" },
        "api_app_id": "A0NIGHTLATCH",
        "container": { "type": "message", "message_ts": ts, "channel_id": pressed["channel"], "is_ephemeral": false },
        "trigger_id": format!("1.2.{number}"),
        "team": { "id": "T0ACME001", "domain": "acme" },
        "enterprise": null,
        "is_enterprise_install": false,
        "channel": { "id": pressed["channel"], "name": "somewhere" },
        "message": { "type": "message", "ts": ts },
        "state": { "values": {} },
        "actions": [action],
    })
}

/// Messages in Slack are stored too: their buttons are pressed for as long as they stand there.
#[tokio::test(flavor = "multi_thread")]
async fn buttons_that_the_first_release_posted_mean_what_they_meant() {
    story_of_the_first_release(Mode::Socket, async |stage| {
        let text = std::fs::read_to_string(folder(FIRST).join("pressed.json")).unwrap();
        let presses: Vec<Value> = serde_json::from_str(&text).unwrap();
        let before = states(stage).await;
        for (number, pressed) in presses.iter().enumerate() {
            let payload = press(pressed, number);
            let delivered = stage.slack.deliver_raw(Envelope::Interactive, payload).await;
            assert!(delivered.acked, "{pressed}: {delivered:?}");
            stage.bot.settle().await;
        }
        let mut after = states(stage).await;
        after.retain(|id, now| before.get(id) != Some(now));
        insta::assert_snapshot!(lines(&after), @"
        01kjmpqckw0000000g prod-db ended revoked
        01kjmpqjfc0000000m two ended returned
        01kjmpqnd40000000p stuck-db ended expired
        01kjmq0wam0000000q warned-db ended returned
        01kjmq0wam0000000r ending-db ended returned
        01kjmqhcmw0000000s active-db active -
        01kjmqhcmw0000000t quiet-db active -
        01kjmqhcmw0000000v two ended withdrawn
        01kjmqhcmw0000000x approved-db active -
        01kjmqhcmw0000000y activating-db active -
        ");
        stage.advance(9.hours()).await;
        stage.ends_late = true;
        stage.everybody_reads();
    })
    .await;
}
