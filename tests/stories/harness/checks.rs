//! What must hold after every story, whatever it was about: the invariants, as far as they can be seen from outside.

use std::io;
use std::sync::{Arc, Mutex, OnceLock};

use nightlatch::kernel::automatic::judge;
use nightlatch::kernel::policy::may_break_glass;
use nightlatch::kernel::request::Decider;
use nightlatch::kernel::workflow::OwnRequest;
use nightlatch::kernel::{Outcome, Standing, State};
use nightlatch::playground::tailnet::Endpoint;
use nightlatch::store::Class;
use serde_json::Value;
use tracing_subscriber::fmt::MakeWriter;

use super::Stage;

/// Everything logged by any story in this process; secrets of all stories are the same, so one place is enough.
#[derive(Clone, Default)]
pub struct Logs(Arc<Mutex<Vec<u8>>>);

impl Logs {
    pub fn count(&self, words: &str) -> usize {
        let bytes = self.0.lock().expect("the logs");
        String::from_utf8_lossy(&bytes).lines().filter(|line| line.contains(words)).count()
    }
}

impl io::Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("the logs").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Logs {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Where everything is logged, at the most talkative level of our own code.
pub fn logs() -> Logs {
    static LOGS: OnceLock<Logs> = OnceLock::new();
    LOGS.get_or_init(|| {
        let logs = Logs::default();
        let filter = tracing_subscriber::EnvFilter::new("info,nightlatch=trace");
        let made = tracing_subscriber::fmt().with_env_filter(filter).with_writer(logs.clone()).with_ansi(false);
        made.try_init().expect("nobody else logs in tests");
        logs
    })
    .clone()
}

/// Whether something stands in what any story logged.
pub fn logged(words: &str) -> bool {
    String::from_utf8_lossy(&logs().0.lock().expect("the logs")).contains(words)
}

pub async fn after(stage: &Stage, logs: &Logs) {
    nothing_is_due(stage).await;
    nothing_is_left_behind(stage).await;
    nothing_is_unread(stage);
    assert_eq!(stage.slack.violations(), Vec::<String>::new(), "calls that Slack would frown upon");
    answers_are_private(stage);
    the_log_is_whole(stage).await;
    ends_are_on_time(stage).await;
    every_vote_counts_once(stage).await;
    no_effect_without_authority(stage).await;
    no_secret_anywhere(stage, logs).await;
}

async fn nothing_is_due(stage: &Stage) {
    let now = stage.clock.now_ms();
    for class in Class::ALL {
        let due = stage.bot.store().await.due(class, now, 100).await.expect("the outbox");
        assert!(due.is_empty(), "still due: {due:?}");
    }
}

/// I3, I5: what is on in the world is what somebody holds; nobody holds anything at the end of a story.
async fn nothing_is_left_behind(stage: &Stage) {
    assert_eq!(stage.tailnet.leftovers(), stage.leaves, "left behind in the tailnet");
    let store = stage.bot.store().await;
    for state in [State::Approved, State::Activating, State::Active, State::Ending] {
        let open = store.requests_in(state, 10).await.expect("requests");
        let ids: Vec<_> = open.iter().map(|request| (request.id.to_string(), request.state, request.stuck)).collect();
        assert!(ids.is_empty(), "not ended: {ids:?}");
    }
    let keys = store.keys().await.expect("keys");
    assert!(keys.is_empty(), "still in the ledger: {keys:?}");
}

fn nothing_is_unread(stage: &Stage) {
    for person in super::PEOPLE {
        let unread = stage.slack.unread(person);
        let direct: Vec<_> = unread.iter().filter(|(channel, _)| !channel.starts_with('#')).collect();
        assert!(direct.is_empty(), "{person} has not read:\n{}", stage.slack.read(person, "@nightlatch"));
    }
}

/// I8: the chain of the audit log fits from the first to the last entry.
async fn the_log_is_whole(stage: &Stage) {
    let verified = stage.bot.store().await.verify_audit().await.expect("the audit log");
    assert!(verified.is_ok(), "{verified:?}");
}

/// I1, I2: every write that may switch access on carries a request's id, and that request had its quorum, and its hold in the
/// ledger, before the write came in.
async fn no_effect_without_authority(stage: &Stage) {
    let store = stage.bot.store().await;
    for call in stage.tailnet.calls() {
        // Whatever the answer was: what was lost on the way back may have been done.
        if call.endpoint != Some(Endpoint::SetAttribute) {
            continue;
        }
        let body: Value = serde_json::from_str(&call.body).unwrap_or_default();
        let comment = body["comment"].as_str().unwrap_or_default();
        if comment == "put back as it was" {
            continue;
        }
        let id = comment.split(' ').next().unwrap_or_default().to_owned();
        let entries = store.audit_of(&nightlatch::kernel::Subject::from_stored(&id)).await.expect("the audit log");
        assert!(!entries.is_empty(), "a write without a request: {body}");
        let request = store.load(&nightlatch::kernel::RequestId(id)).await.expect("the request");
        assert!(request.approval().is_given(), "not approved by enough: {body}");
        let approved_at = request.approved_at.expect("an approved request");
        assert!(approved_at <= call.at_ms, "written before it was approved: {body}");
        assert!(body["expiry"].is_string(), "written without an end: {body}");
        assert!(comment.len() <= 200, "a comment of {} bytes", comment.len());
    }
}

/// What a slash command is answered is seen by the person who typed it and by nobody else.
fn answers_are_private(stage: &Stage) {
    for delivery in stage.slack.deliveries() {
        let body = delivery.delivered.and_then(|delivered| delivered.body).unwrap_or_default();
        assert_ne!(body["response_type"], "in_channel", "{body}");
    }
    for call in stage.slack.calls().into_iter().filter(|call| call.method == "response_url") {
        assert_ne!(call.args["response_type"], "in_channel", "{}", call.args);
    }
}

/// I4: access ends within five seconds of its deadline, unless a story kept the bot or Tailscale from it.
async fn ends_are_on_time(stage: &Stage) {
    for request in stage.requests().await.iter().filter(|request| request.outcome == Some(Outcome::Expired)) {
        let (Some(expires_at), Some(ended_at)) = (request.expires_at, request.ended_at) else { continue };
        assert!(ended_at >= expires_at, "{} ended {} ms early", request.ask.id, expires_at - ended_at);
        let late_ms = ended_at - expires_at;
        assert!(stage.ends_late || late_ms <= 5_000, "{} ended {late_ms} ms late", request.ask.id);
    }
}

/// I6: a decision is one human's, an eligible member's, and the requester's own only where the workflow says so.
async fn every_vote_counts_once(stage: &Stage) {
    for request in stage.requests().await {
        for (index, decision) in request.decisions.iter().enumerate() {
            let (person, rule) = match &decision.by {
                Decider::Person { person, rule } => (person, rule),
                Decider::Glass { person, rule } => {
                    assert!(request.is_requester(person) && !request.reason.is_empty(), "{decision:?}");
                    assert_eq!(may_break_glass(&request.workflow, person).as_ref(), Ok(&rule), "{decision:?}");
                    assert!(request.hold_ms <= request.workflow.break_glass.as_ref().expect("a rule").max_hold_ms);
                    assert!(request.state != State::Ended || request.review.is_some(), "never reviewed: {decision:?}");
                    continue;
                }
                // Judged again by what was kept with it.
                Decider::Itself { by, facts, .. } => {
                    let judged = judge(&request.ask, facts, decision.at);
                    assert_eq!(judged.passes.map(|(by, _)| by).as_ref(), Some(by), "{decision:?}");
                    continue;
                }
            };
            assert_eq!(person.standing, Standing::Member, "{decision:?}");
            assert!(rule.is_some(), "a decision without a rule: {decision:?}");
            let extend =
                request.workflow.extend.as_ref().filter(|extend| decision.round > 0 && !extend.stages.is_empty());
            let stages = extend.map_or(&request.workflow.approve, |extend| &extend.stages);
            let own = stages[decision.stage].own_request;
            let is_own = request.is_requester(person) && decision.approved;
            assert!(!is_own || own != OwnRequest::Never, "own request: {decision:?}");
            let earlier = request.decisions.iter().take(index);
            let mut twice = earlier.filter(|earlier| earlier.round == decision.round && earlier.is_by(person));
            assert!(twice.next().is_none(), "counted twice: {decision:?}");
        }
        assert_eq!(request.presses, Vec::new(), "presses nobody looked at");
    }
}

/// I10: no secret in anything anybody can read.
async fn no_secret_anywhere(stage: &Stage, logs: &Logs) {
    let app = stage.slack.app();
    let mut secrets = vec![app.bot_token, app.app_token, app.signing_secret];
    secrets.extend(stage.tailnet.secrets());
    let entries = stage.bot.store().await.audit_after(0, 100_000).await.expect("the audit log");
    let audit = serde_json::to_string(&entries).expect("the audit log as text");
    let log = String::from_utf8_lossy(&logs.0.lock().expect("the logs")).into_owned();
    let places = [
        ("Slack", stage.slack.everything_said()),
        ("the tailnet", stage.tailnet.everything_said()),
        ("the audit log", audit),
        ("the log", log),
        ("the metrics", stage.bot.metrics().await),
    ];
    for (place, text) in places {
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "a secret in {place}");
        }
        for mark in ["/actions/T0ACME001/", "/commands/T0ACME001/", "ticket="] {
            assert!(place == "Slack" || !text.contains(mark), "`{mark}` in {place}");
        }
    }
}
