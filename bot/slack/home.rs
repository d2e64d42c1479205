//! The home tab: what waits for me, what I asked for, what I hold with its time left, and a way to start.

use std::sync::Arc;

use serde_json::{Value, json};

use super::buttons::ASK;
use super::modals::{context, plain, section};
use super::sentences;
use super::surface::Surface;
use crate::inputs::duration::spelled;
use crate::kernel::workflow::OwnRequest;
use crate::kernel::{Request, State, Workflow};
use crate::notices::{buttons, words};

/// Our name for it, so that a press in it is known from one in a modal.
pub(super) const CALLBACK: &str = "access_home";
/// Of each kind; Slack takes a hundred blocks.
const EACH_MAX: usize = 12;
/// Of what can be asked for.
const OFFERS_MAX: usize = 10;
/// Of what has ended.
const ENDED_MAX: usize = 5;

impl Surface {
    /// Draws somebody's home tab from what is stored now. That it cannot be drawn hurts nobody: it says from when it is.
    pub(super) async fn publish_home(&self, slack_id: &str) {
        let read = tokio::try_join!(
            self.engine.mine(slack_id),
            self.engine.waiting_for(slack_id),
            self.engine.to_review(slack_id),
            self.engine.lent_by(slack_id)
        );
        let (mine, waiting, review, lent) = match read {
            Ok(read) => read,
            Err(error) => {
                tracing::error!(%error, "a home tab could not be read");
                return;
            }
        };
        let offers = self.offers(slack_id).await;
        let view = view(slack_id, (&mine, &waiting, &review, &lent), &offers, self.engine.clock().now_ms());
        if let Err(error) = self.engine.slack().views_publish(slack_id, None, &view).await {
            tracing::warn!(actor = %slack_id, %error, "a home tab could not be drawn");
        }
    }
}

impl Surface {
    /// What this person may ask for, as far as that is known here.
    async fn offers(&self, slack_id: &str) -> Vec<Arc<Workflow>> {
        let Ok(Some(person)) = self.engine.known_person(slack_id).await else { return Vec::new() };
        self.may_ask(&person).unwrap_or_default()
    }
}

/// The home tab of one person. `mine` and `lent` newest first, `waiting` oldest first; `now` in milliseconds since the Unix epoch.
fn view(
    slack_id: &str,
    (mine, waiting, review, lent): (&[Request], &[Request], &[Request], &[Request]),
    offers: &[Arc<Workflow>],
    now: i64,
) -> Value {
    let mut blocks = vec![
        json!({ "type": "actions", "elements": [button("Ask for access", ASK, "new", Some("primary"))] }),
        context(&format!("As of {}. `/access list` is always up to date.", words::when_exactly(now))),
    ];
    let of = |states: &[State]| mine.iter().filter(|one| states.contains(&one.state)).collect::<Vec<_>>();
    let waiting: Vec<&Request> = waiting.iter().collect();
    let held = of(&[State::Approved, State::Activating, State::Active, State::Ending]);
    let ended: Vec<&Request> = of(&[State::Ended]).into_iter().take(ENDED_MAX).collect();
    part(&mut blocks, "Waiting for you", &waiting, |request| to_decide(request, slack_id, now));
    let review: Vec<&Request> = review.iter().collect();
    part(&mut blocks, "Waiting for your review", &review, |request| to_review(request, slack_id, now));
    let lent: Vec<&Request> = lent.iter().collect();
    part(&mut blocks, "What you hold", &held, |request| held_by_me(request, slack_id, now));
    // One's own that one may decide on stands above already.
    let is_above = |one: &&Request| waiting.iter().any(|above| above.id == one.id);
    let asked: Vec<&Request> = of(&[State::Pending]).into_iter().filter(|one| !is_above(one)).collect();
    part(&mut blocks, "What you asked for", &asked, |request| asked_by_me(request, slack_id, now));
    part(&mut blocks, "What you may take back", &lent, |request| held_by_others(request, slack_id, now));
    part(&mut blocks, "Lately ended", &ended, |request| over(request, now));
    if blocks.len() == 2 {
        blocks.push(section("Nothing waits for you, and you hold nothing. That is how it should be."));
    }
    if !offers.is_empty() {
        blocks.push(json!({ "type": "header", "text": plain("What you can ask for") }));
        blocks.push(section(&offered(offers)));
    }
    blocks.push(context("`/go NAME` follows a short link, `/paste` takes what is too long for chat. `/access help`, `/go help` and `/paste help` say more."));
    json!({ "type": "home", "callback_id": CALLBACK, "blocks": blocks })
}

fn offered(offers: &[Arc<Workflow>]) -> String {
    let line = |workflow: &Arc<Workflow>| {
        let command = workflow.command.clone().unwrap_or_else(|| format!("/access {}", workflow.name));
        format!("• {} · {}", sentences::code(&command), words::escape(&words::one_line(&workflow.title, 75)))
    };
    let mut lines: Vec<String> = offers.iter().take(OFFERS_MAX).map(line).collect();
    if let more @ 1.. = offers.len().saturating_sub(OFFERS_MAX) {
        lines.push(format!("and {more} more: `/access`"));
    }
    lines.join("\n")
}

fn part(blocks: &mut Vec<Value>, title: &str, requests: &[&Request], show: impl Fn(&Request) -> Vec<Value>) {
    if requests.is_empty() {
        return;
    }
    blocks.push(json!({ "type": "header", "text": plain(title) }));
    for request in requests.iter().take(EACH_MAX) {
        blocks.extend(show(request));
    }
    if let more @ 1.. = requests.len().saturating_sub(EACH_MAX) {
        blocks.push(context(&format!("… and {more} more: `/access list`")));
    }
}

fn to_decide(request: &Request, me: &str, now: i64) -> Vec<Value> {
    let who = words::mention(&request.requester.slack_id);
    if let Some(extending) = request.extending.as_ref().filter(|_| request.is_extension_asked()) {
        let ends = request.expires_at.unwrap_or(now);
        let text = format!(
            "{who} asks to hold {} by {} longer, until {}. Without that it ends {}.",
            sentences::what(request),
            spelled(extending.length_ms),
            words::when(extending.until, now),
            words::when(ends, now)
        );
        return shown(request, me, &text, buttons::extension(request));
    }
    let reason = if request.reason.is_empty() { String::new() } else { format!("\n{}", words::quote(&request.reason)) };
    let text = format!(
        "{} for {who}, for {}{}. Lapses {}.{reason}",
        sentences::what(request),
        spelled(request.hold_ms),
        sentences::shortened(request),
        words::when(request.lapses_at(), now)
    );
    let is_own = request.requester.slack_id == me;
    let own = request.approval().open().map_or(OwnRequest::Never, |open| open.stage.own_request);
    let approve = if is_own && own == OwnRequest::Confirm { "approve_own" } else { "approve" };
    let mut yes = button("Approve", approve, &value(request), Some("primary"));
    if let (true, Some(map)) = (is_own, yes.as_object_mut()) {
        let confirm = json!({
            "title": plain("Your own request"),
            "text": plain("You approve what you asked for yourself. That will be written down."),
            "confirm": plain("Approve"),
            "deny": plain("Back"),
        });
        map.insert("confirm".to_owned(), confirm);
    }
    let deny = button("Deny", "deny", &value(request), Some("danger"));
    let buttons = std::iter::once(yes).chain(buttons::approve_for_less(request)).chain([deny]).collect();
    shown(request, me, &text, buttons)
}

fn held_by_me(request: &Request, me: &str, now: i64) -> Vec<Value> {
    let what = sentences::what(request);
    let left = |at: i64| spelled_left(at.saturating_sub(now));
    let (text, buttons) = match (request.state, request.expires_at) {
        (State::Active, Some(at)) if at > now => (
            format!("{what}: active until {}, {} left{}", words::when(at, now), left(at), extending(request)),
            buttons::extend(request).into_iter().chain([button("Return", "return", &value(request), None)]).collect(),
        ),
        (State::Ending, _) if request.stuck => {
            (format!("{what}: {}", words::state_line(request)), vec![button("Retry", "retry", &value(request), None)])
        }
        (State::Ending, _) => (format!("{what}: {}", words::state_line(request)), Vec::new()),
        _ => {
            (format!("{what}: {}", words::state_line(request)), vec![button("Return", "return", &value(request), None)])
        }
    };
    shown(request, me, &text, buttons)
}

/// That it is being extended, which does not count yet.
fn extending(request: &Request) -> String {
    let Some(extending) = &request.extending else { return String::new() };
    let length = spelled(extending.length_ms);
    match request.is_extension_asked() {
        true => format!("; asked to be extended by {length}"),
        false => format!("; being extended by {length}"),
    }
}

fn held_by_others(request: &Request, me: &str, now: i64) -> Vec<Value> {
    let (who, what) = (words::mention(&request.requester.slack_id), sentences::what(request));
    let text = match (request.state, request.expires_at) {
        (State::Active, Some(at)) if at > now => {
            format!(
                "{what}, held by {who} until {}, {} left",
                words::when(at, now),
                spelled_left(at.saturating_sub(now))
            )
        }
        _ => format!("{what}, for {who}: {}", words::state_line(request)),
    };
    shown(request, me, &text, buttons::lent(request).into_iter().collect())
}

fn asked_by_me(request: &Request, me: &str, now: i64) -> Vec<Value> {
    let approval = request.approval();
    let progress = match approval.open() {
        Some(open) if words::is_staged(request.stages()) => {
            format!(", it takes {}", words::escape(&words::missing(open)))
        }
        Some(open) if open.needed() > 1 => format!(", {} of {} approved", open.counted(), open.needed()),
        _ => String::new(),
    };
    let text = format!(
        "{}: {}{progress}. Lapses {}.",
        sentences::what(request),
        words::state_line(request),
        words::when(request.lapses_at(), now)
    );
    let withdraw = button("Withdraw", "withdraw", &value(request), None);
    shown(request, me, &text, std::iter::once(withdraw).chain(buttons::break_glass(request)).collect())
}

fn to_review(request: &Request, me: &str, now: i64) -> Vec<Value> {
    let due_at = request.open_review().map_or(now, |review| review.due_at);
    let text = format!(
        "{} broke glass for {}. Was that fine? To be reviewed until {}.\n{}",
        words::mention(&request.requester.slack_id),
        sentences::what(request),
        words::when(due_at, now),
        words::quote(&request.reason)
    );
    shown(request, me, &text, buttons::review(request))
}

fn over(request: &Request, now: i64) -> Vec<Value> {
    let at = request.ended_at.map(|at| format!(" {}", words::when(at, now))).unwrap_or_default();
    let text = format!("{}: {}{at}", sentences::what(request), words::outcome_word(request.outcome));
    let mut block = section(&text);
    if let Some(map) = block.as_object_mut() {
        map.insert("accessory".to_owned(), button("Ask again", "ask_again", &value(request), None));
    }
    vec![block]
}

/// A text, and its buttons unless a press of this person is being counted.
fn shown(request: &Request, me: &str, text: &str, buttons: Vec<Value>) -> Vec<Value> {
    let mut blocks = vec![section(text)];
    if request.presses.iter().any(|press| press.by == me) {
        blocks.push(context("Your press is saved and being checked."));
    } else if !buttons.is_empty() {
        blocks.push(json!({ "type": "actions", "elements": buttons }));
    }
    blocks
}

/// Roughly, since it is read later: minutes above two minutes, seconds below.
fn spelled_left(left_ms: i64) -> String {
    const MINUTE_MS: i64 = 60_000;
    let left_ms = left_ms.max(0);
    if left_ms >= 2 * MINUTE_MS { words::hold(left_ms / MINUTE_MS * MINUTE_MS) } else { words::hold(left_ms) }
}

/// What a button carries: an id to look up, and the seal of what is shown.
fn value(request: &Request) -> String {
    format!("{} {}", request.id, request.seal)
}

fn button(text: &str, action_id: &str, value: &str, style: Option<&str>) -> Value {
    let mut button = json!({ "type": "button", "text": plain(text), "action_id": action_id, "value": value });
    if let (Some(map), Some(style)) = (button.as_object_mut(), style) {
        map.insert("style".to_owned(), json!(style));
    }
    button
}
