//! The real binary, killed with `kill -9` at random moments a few dozen times: nothing acknowledged is lost, nothing granted is left.

use std::time::Duration;

use nightlatch::kernel::{RequestId, State};
use nightlatch::playground::slack::Delivered;
use nightlatch::store::Store;

use crate::scene::{Process, Scene};

const KILLS: u64 = 36;

/// A small generator, so that a failing run can be told again from its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

fn kill(mut bot: Process) {
    bot.0.kill().expect("SIGKILL");
    bot.0.wait().expect("it is dead");
}

/// The request id in what alice was told, if she was told that she asked.
pub fn promised(delivered: &Delivered) -> Option<String> {
    let text = delivered.body.as_ref().filter(|_| delivered.acked)?.to_string();
    let is_id =
        |word: &&str| word.len() == 18 && word.starts_with('0') && word.chars().all(|c| c.is_ascii_alphanumeric());
    text.split(|c: char| !c.is_ascii_alphanumeric()).find(is_id).map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_killed_at_random_moments_loses_nothing_and_leaves_nothing() {
    let scene = Scene::set().await;
    let mut random = Random(20_261_122);
    let mut promises = Vec::new();
    let mut approved = 0;
    for round in 0..KILLS {
        let child = scene.start().await;
        if let Ok(asked) = scene.slack.command("alice", "#general", "/access prod-db 1s round").await {
            promises.extend(promised(&asked));
        }
        if round % 4 != 0 {
            scene.until_calls(usize::try_from(random.below(4)).unwrap_or(0)).await;
            if let Ok(pressed) = scene.slack.press("bob", "#access", "Approve").await {
                approved += u32::from(pressed.acked);
            }
        }
        scene.until_calls(usize::try_from(random.below(14)).unwrap_or(0)).await;
        kill(child);
    }
    assert!(promises.len() > 20, "too few requests to say anything: {}", promises.len());
    assert!(approved > 10, "too few approvals to say anything: {approved}");

    // A last start: whatever was in hand comes to its end, and what nobody decided is withdrawn by its requester.
    let child = scene.start().await;
    let ended = until_only_pending_is_left(&scene).await;
    assert!(ended, "left behind: {:?}; log:\n{}", scene.tailnet.leftovers(), scene.log());
    kill(child);

    let path = scene.folder.path().join("nightlatch.db");
    let store = Store::open(&format!("sqlite://{}", path.display())).await.expect("the database is whole");
    for id in &promises {
        let found = store.find(&RequestId(id.clone())).await.expect("the database answers");
        assert!(found.is_some(), "request {id} was promised and is lost");
    }
    for state in [State::Approved, State::Activating, State::Active, State::Ending] {
        let open = store.requests_in(state, 10).await.expect("requests");
        assert!(open.is_empty(), "{state:?}: {:?}", open.first().map(|request| request.id.clone()));
    }
    assert!(store.keys().await.expect("keys").is_empty(), "somebody still holds something");
    assert!(store.verify_audit().await.expect("the audit log").is_ok());
    assert_eq!(scene.slack.violations(), Vec::<String>::new());
}

/// Reads the database beside the running bot until nothing is between pending and ended.
async fn until_only_pending_is_left(scene: &Scene) -> bool {
    let mut changed = scene.tailnet.changed();
    let mut slack = scene.slack.changed();
    for _ in 0..200 {
        if scene.tailnet.leftovers().is_empty() && nothing_in_hand(scene).await {
            return true;
        }
        let change = async {
            tokio::select! { _ = changed.changed() => {}, _ = slack.changed() => {} }
        };
        let _ = tokio::time::timeout(Duration::from_millis(300), change).await;
    }
    false
}

pub async fn nothing_in_hand(scene: &Scene) -> bool {
    let path = scene.database();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).read_only(true);
    let Ok(pool) = sqlx::SqlitePool::connect_with(options).await else { return false };
    let query = "select count(*) from request where state not in ('pending', 'ended')";
    sqlx::query_scalar::<_, i64>(query).fetch_one(&pool).await.is_ok_and(|count| count == 0)
}
