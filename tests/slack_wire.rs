//! Both doors and the Web API client against the playground's Slack: nothing is lost, late or said oddly.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first thing that is not as it should be"
)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use nightlatch::clock::{Clock, Ids};
use nightlatch::outside::slack::{Post, Slack, SlackSettings, Standing};
use nightlatch::playground::slack::{Disconnect, Door, Limit, Seed, SlackWorld};
use nightlatch::slack::answer::Answer;
use nightlatch::slack::edge::{Edge, Handler};
use nightlatch::slack::envelope::{Delivery, What};
use nightlatch::slack::http::{SigningSecrets, router};
use nightlatch::slack::socket::{SocketHealth, SocketSettings, Sockets};
use secrecy::SecretString;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const NOW_MS: i64 = 1_767_225_600_000;

struct Bot {
    slack: Slack,
    seen: Arc<Mutex<Vec<Delivery>>>,
    stop: CancellationToken,
    task: JoinHandle<()>,
    health: watch::Receiver<SocketHealth>,
}

fn client(world: &SlackWorld, clock: &Clock) -> Slack {
    let app = world.app();
    let app_token = Some(SecretString::from(app.app_token));
    let settings = SlackSettings::new(world.api_url(), SecretString::from(app.bot_token), app_token);
    Slack::new(settings, clock.clone()).expect("a client")
}

/// Answers commands with their own text; a click gets a private word.
fn echo(seen: Arc<Mutex<Vec<Delivery>>>) -> Handler {
    Arc::new(move |delivery| {
        let answer = match &delivery.what {
            What::Command(command) => Answer::ephemeral(format!("heard {}", command.text.plain)),
            What::Actions(_) => Answer::ephemeral("noted"),
            _ => Answer::Nothing,
        };
        seen.lock().expect("a lock").push(delivery);
        futures_util::future::ready(answer).boxed()
    })
}

fn settings() -> SocketSettings {
    SocketSettings {
        stagger: Duration::ZERO,
        backoff_first: Duration::from_millis(1),
        drain_quiet: Duration::from_millis(20),
        good_life: Duration::ZERO,
        ..SocketSettings::default()
    }
}

impl Bot {
    async fn connect(world: &SlackWorld, settings: SocketSettings) -> Self {
        let clock = Clock::manual(NOW_MS);
        let slack = client(world, &clock);
        let seen = Arc::default();
        let edge = Edge::new(echo(Arc::clone(&seen)), slack.clone());
        let wanted = settings.connections;
        let sockets = Sockets::new(slack.clone(), edge, Ids::counted(), settings);
        let (health, stop) = (sockets.health(), CancellationToken::new());
        let task = tokio::spawn(sockets.run(stop.clone()));
        let mut bot = Self { slack, seen, stop, task, health };
        bot.until(|health| health.connected == wanted).await;
        bot
    }

    async fn until(&mut self, is_so: impl FnMut(&SocketHealth) -> bool) {
        let patience = Duration::from_secs(10);
        tokio::time::timeout(patience, self.health.wait_for(is_so)).await.expect("soon").expect("it runs");
    }

    /// How often each thing came, by its key.
    fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for delivery in self.seen.lock().expect("a lock").iter() {
            *counts.entry(delivery.key.clone()).or_default() += 1;
        }
        counts
    }

    async fn finish(self, world: &SlackWorld) {
        self.stop.cancel();
        tokio::time::timeout(Duration::from_secs(3), self.task).await.expect("it stops in time").expect("in order");
        assert_eq!(world.violations(), Vec::<String>::new());
    }
}

async fn world() -> SlackWorld {
    SlackWorld::start(Clock::manual(NOW_MS), Seed::acme()).await.expect("a world")
}

#[tokio::test]
async fn commands_are_answered_while_sockets_are_renewed_broken_and_repeated() {
    let world = world().await;
    let mut bot = Bot::connect(&world, settings()).await;
    for round in 0..12 {
        match round % 4 {
            1 => world.disconnect(Disconnect::Warning),
            2 => world.duplicate_deliveries(1),
            3 => {
                world.drop_sockets();
                assert!(world.until_connected(2).await);
            }
            _ => {}
        }
        let delivered = world.command("alice", "#access", &format!("/access round {round}")).await.expect("typed");
        let text = delivered.body.as_ref().and_then(|body| body.pointer("/text")).and_then(|text| text.as_str());
        assert_eq!((delivered.acked, text), (true, Some(format!("heard round {round}").as_str())), "{delivered:?}");
        bot.until(|health| health.connected == 2).await;
    }
    let counts = bot.counts();
    assert_eq!(counts.len(), 12, "each command has its own key: {counts:?}");
    assert_eq!(counts.values().sum::<usize>(), 15, "and a repeated one has the same: {counts:?}");
    assert!(world.deliveries().iter().all(|delivery| !delivery.was_late));
    bot.finish(&world).await;
}

#[tokio::test]
async fn sockets_that_fall_silent_are_replaced() {
    let world = world().await;
    let quick =
        SocketSettings { ping_every: Duration::from_millis(20), silent_after: Duration::from_millis(60), ..settings() };
    let bot = Bot::connect(&world, quick).await;
    world.silence_sockets();
    // The world does not notice that its silent ones were given up: it reads nothing on them.
    assert!(world.until_connected(4).await);
    bot.finish(&world).await;
}

#[tokio::test]
async fn a_click_is_acknowledged_bare_and_answered_in_private() {
    let world = world().await;
    let bot = Bot::connect(&world, settings()).await;
    let button = json!({ "type": "button", "action_id": "approve", "value": "1", "text": { "type": "plain_text", "text": "Approve" } });
    let blocks = json!([{ "type": "actions", "block_id": "b", "elements": [button] }]);
    let post = Post { channel: "C0ACCESS01".to_owned(), text: "A request".to_owned(), ..Post::default() };
    let posted = bot.slack.post_message(&Post { blocks: Some(blocks), ..post }).await.expect("posted");
    let delivered = world.press("bob", "#access", "Approve").await.expect("pressed");
    assert_eq!((delivered.acked, delivered.body), (true, None));
    assert!(world.until(|world| world.everything_said().contains("noted")).await);
    let seen = bot.seen.lock().expect("a lock").last().expect("a click").clone();
    let What::Actions(click) = &seen.what else { panic!("a click: {seen:?}") };
    let message = click.message.clone().expect("a message");
    assert_eq!((seen.actor.user_id.as_str(), message.ts), ("U0BOB0001", posted.ts));
    bot.finish(&world).await;
}

#[tokio::test]
async fn the_http_door_takes_what_the_world_signs() {
    let world = world().await;
    let clock = Clock::manual(NOW_MS);
    let seen = Arc::default();
    let edge = Edge::new(echo(Arc::clone(&seen)), client(&world, &clock));
    let secrets = SigningSecrets::new(vec![SecretString::from(world.app().signing_secret)]).expect("a secret");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base_url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, router(edge, secrets, clock)).await });
    world.use_door(Door::Http { base_url });
    let delivered = world.command("alice", "#access", "/access prod-db 2h why").await.expect("typed");
    assert_eq!((delivered.acked, delivered.status), (true, Some(200)));
    world.redeliver().await.expect("something to repeat");
    let keys: Vec<String> = seen.lock().expect("a lock").iter().map(|delivery| delivery.key.clone()).collect();
    assert!(matches!(keys.as_slice(), [first, again] if first == again), "{keys:?}");
    assert_eq!(world.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_too_much_at_once_is_said_at_once_and_not_acknowledged_as_done() {
    let world = world().await;
    let clock = Clock::manual(NOW_MS);
    let (begun, gate) = (Arc::new(tokio::sync::Notify::new()), Arc::new(tokio::sync::Notify::new()));
    let handler: Handler = {
        let (begun, gate) = (begun.clone(), gate.clone());
        Arc::new(move |_| {
            let (begun, gate) = (begun.clone(), gate.clone());
            async move {
                begun.notify_one();
                gate.notified().await;
                Answer::ephemeral("done")
            }
            .boxed()
        })
    };
    let slack = client(&world, &clock);
    let edge = Edge::new(handler, slack.clone()).with_turns(1).with_ack_limit(Duration::from_secs(60));
    let secrets = SigningSecrets::new(vec![SecretString::from(world.app().signing_secret)]).expect("a secret");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base_url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, router(edge, secrets, clock)).await });
    world.use_door(Door::Http { base_url });
    let button = json!({ "type": "button", "action_id": "approve", "value": "1", "text": { "type": "plain_text", "text": "Approve" } });
    let blocks = json!([{ "type": "actions", "block_id": "b", "elements": [button] }]);
    let post = Post {
        channel: "C0ACCESS01".to_owned(),
        text: "A request".to_owned(),
        blocks: Some(blocks),
        ..Post::default()
    };
    slack.post_message(&post).await.expect("posted");
    let text =
        |body: &Option<serde_json::Value>| body.as_ref().and_then(|body| body["text"].as_str().map(str::to_owned));
    let first = world.command("alice", "#access", "/access prod-db 1h first");
    let others = async {
        begun.notified().await;
        let second = world.command("bob", "#access", "/access prod-db 1h second").await.expect("typed");
        let pressed = world.press("bob", "#access", "Approve").await.expect("pressed");
        gate.notify_one();
        (second, pressed)
    };
    let (first, (second, pressed)) = tokio::join!(first, others);
    assert_eq!(text(&first.expect("typed").body).as_deref(), Some("done"));
    let said = text(&second.body).unwrap_or_default();
    assert!(second.acked && said.contains("so nothing was done"), "{said}");
    assert_eq!((pressed.acked, pressed.status), (false, Some(503)));
}

#[tokio::test]
async fn people_of_the_world_stand_where_they_should() {
    let world = world().await;
    let slack = client(&world, &Clock::manual(NOW_MS));
    let own = slack.auth_test().await.expect("ourselves");
    for (id, expected) in [
        ("U0ALICE01", Standing::Member),
        ("U0GRACE01", Standing::Guest),
        ("U0OTTO001", Standing::Outsider),
        ("U0DORA001", Standing::Deactivated),
        ("U0NIGHTLATCH", Standing::Bot),
    ] {
        let user = slack.users_info(id).await.expect("a record");
        assert_eq!(user.standing(&own), expected, "{id}");
    }
    let groups = slack.usergroups_list().await.expect("groups");
    let oncall = groups.iter().find(|group| group.handle == "db-oncall").expect("the group");
    let members = slack.usergroup_members(oncall).await.expect("members");
    assert_eq!(members, ["U0BOB0001", "U0CAROL01"]);
    assert!(slack.conversations_info("C0PARTNER1").await.expect("a channel").is_shared_outside);
    assert!(!slack.conversations_info("C0ACCESS01").await.expect("a channel").is_shared_outside);
    assert_eq!(world.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_patient_sender_never_meets_slacks_limit() {
    let clock = Clock::manual(NOW_MS);
    let world = SlackWorld::start(clock.clone(), Seed::acme()).await.expect("a world");
    world.limit("chat.postMessage", Limit { burst: 3, per_minute: 60 });
    world.limit("chat.update", Limit { burst: 20, per_minute: 50 });
    let slack = client(&world, &clock);
    let post = Post { channel: "C0ACCESS01".to_owned(), text: "A request".to_owned(), ..Post::default() };
    let mut posted = Vec::new();
    while posted.len() < 10 {
        match slack.post_message(&post).await {
            Ok(at) => posted.push(at),
            Err(error) => {
                clock.advance(Duration::from_millis(error.retry_after_ms().expect("only paced").unsigned_abs()))
            }
        }
    }
    let mut updates = 0;
    while updates < 60 {
        match slack.update_message(&posted[0], "Changed", None).await {
            Ok(()) => updates += 1,
            Err(error) => {
                clock.advance(Duration::from_millis(error.retry_after_ms().expect("only paced").unsigned_abs()))
            }
        }
    }
    let sent = |method: &str| world.calls().iter().filter(|call| call.method == method).count();
    assert_eq!((sent("chat.postMessage"), sent("chat.update")), (10, 60), "nothing was sent twice");
}
