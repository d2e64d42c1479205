//! The network between the bot and the far sides: slow in both directions, losing calls and answers, refusing and limiting.

use http::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::dice::Dice;
use super::places::Place;
use super::plan::Trouble;
use super::service;
use super::tailnet::{Asked, Reply, refusal};
use super::world::{Happening, Inner};
use crate::outside::net::{Answered, NetError};

/// The longest a call or an answer is under way; less than any client waits.
pub const UNDER_WAY_MAX_MS: i64 = 4_000;
/// Calls a second while Tailscale takes few.
const LIMITED_CALLS: usize = 4;

/// One call that is under way.
pub struct Call {
    to: Side,
    method: Method,
    path: String,
    bearer: String,
    /// `If-Match`, or the idempotency key.
    names: String,
    is_json: bool,
    body: Vec<u8>,
    pub answer: oneshot::Sender<Answered>,
    /// Its answer gets lost, or turns into an error of a server.
    pub spoilt: Option<Spoilt>,
    /// What becomes of it depends on the seed, on what is called, and on how often that was called; on no other call.
    pub dice: Dice,
}

/// Whom a call is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Tailnet,
    Slack,
    Service,
}

#[derive(Clone, Copy)]
pub enum Spoilt {
    Lost,
    Broken,
    Failed,
}

impl Inner {
    pub fn send(&mut self, request: http::Request<Vec<u8>>, answer: oneshot::Sender<Answered>) {
        let (parts, body) = request.into_parts();
        let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let to = match parts.uri.host() {
            Some("api.tailscale.com") => Side::Tailnet,
            Some(service::HOST) => Side::Service,
            _ => Side::Slack,
        };
        let names = [header("if-match"), header("idempotency-key")].concat();
        let bearer = header("authorization").trim_start_matches("Bearer ").to_owned();
        let is_json = header("content-type").starts_with("application/json");
        let path = parts.uri.path().to_owned();
        self.check_leak(&path, &body);
        let down = if to == Side::Slack { Trouble::SlackDown } else { Trouble::TailnetDown };
        let mut dice = self.dice_of(&parts.method, &path);
        if self.is_broken(down) {
            let at = self.now.saturating_add(dice.between(1, 100));
            self.put(at, Happening::Answer(answer, Err(NetError::NoConnection)));
            return;
        }
        if to == Side::Tailnet && parts.method == Method::POST && path.contains("/attributes/") {
            self.check_authority(&path, &body);
        }
        let lossy = self.is_broken(Trouble::Lossy) && dice.chance(30);
        let spoilt = match dice.between(0, 4) {
            _ if !lossy => None,
            0 => Some(Spoilt::Failed),
            1 => Some(Spoilt::Broken),
            _ => Some(Spoilt::Lost),
        };
        let at = self.under_way(&mut dice);
        // Some get lost before they arrive.
        let lost = match lossy && dice.chance(40) {
            true if dice.chance(50) => Some(NetError::Broken),
            true => Some(NetError::NoAnswer),
            false => None,
        };
        self.tell(|| format!("{} {path} is under way until {at}", parts.method));
        let call = Call { to, method: parts.method, path, bearer, names, is_json, body, answer, spoilt, dice };
        match lost {
            Some(lost) => self.put(at, Happening::Answer(call.answer, Err(lost))),
            None => self.put(at, Happening::Arrive(Box::new(call))),
        }
    }

    fn dice_of(&mut self, method: &Method, path: &str) -> Dice {
        let times = self.times_called.entry(format!("{method} {path}")).or_insert(0_u64);
        *times = times.wrapping_add(1);
        let mut mixed = self.seed ^ times.rotate_left(32);
        for byte in method.as_str().bytes().chain(path.bytes()) {
            mixed = (mixed ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Dice::new(mixed)
    }

    pub fn under_way(&self, dice: &mut Dice) -> i64 {
        let longest = if self.is_broken(Trouble::Slow) && dice.chance(50) { UNDER_WAY_MAX_MS } else { 150 };
        self.now.saturating_add(dice.between(5, longest))
    }

    pub fn arrive(&mut self, call: &Call) -> Answered {
        let now = self.now;
        let mut retry_after = None;
        let reply: Reply = match call.to {
            Side::Tailnet => {
                self.calls.retain(|at| now.saturating_sub(*at) < 1_000);
                self.calls.push(now);
                if self.is_broken(Trouble::Limited) && self.calls.len() > LIMITED_CALLS {
                    retry_after = Some("1");
                    refusal(StatusCode::TOO_MANY_REQUESTS, "too many requests").into()
                } else {
                    self.tailnet_answers(call)
                }
            }
            Side::Service => {
                let (reply, switched) = self.service.answer((&call.method, &call.path), &call.names);
                if let Some((place, is_on)) = switched {
                    self.switched(&place, is_on, None);
                }
                if let Some(mistake) = self.service.mistakes.pop() {
                    self.wrong(|| mistake);
                }
                if let Some(place) = self.service.place(&call.path) {
                    let there = self.places.at(&place, now).cloned();
                    self.places.shown.insert(place, there);
                }
                self.tell(|| format!("{} {} {} -> {}", call.method, call.path, call.names, reply.status.as_u16()));
                reply
            }
            Side::Slack => {
                let method = call.path.rsplit('/').next().unwrap_or_default().to_owned();
                if call.path.starts_with("/api/") {
                    let fields = fields(call.is_json, &call.body);
                    self.check_words(&method, &fields);
                    let answer = self.slack_answers(&method, &fields);
                    self.tailnet.keys.shown(&std::mem::take(&mut self.slack.keys_shown), now);
                    (StatusCode::OK, answer).into()
                } else {
                    self.respond(&call.path, &call.body);
                    (StatusCode::OK, json!({"ok": true})).into()
                }
            }
        };
        let mut builder = Response::builder().status(reply.status).header("content-type", "application/json");
        if let Some(etag) = &reply.etag {
            builder = builder.header("etag", etag);
        }
        if let Some(seconds) = retry_after {
            builder = builder.header("retry-after", seconds);
        }
        if let Ok(date) = jiff::Timestamp::from_millisecond(now)
            && let Ok(date) = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&date)
        {
            builder = builder.header("date", date);
        }
        builder.body(reply.body).map_err(|_| NetError::Broken)
    }

    fn tailnet_answers(&mut self, call: &Call) -> Reply {
        self.tell_call(call);
        if call.method == Method::DELETE
            && let Some((device, name)) = place(&call.path)
        {
            self.check_removal(&(device, name));
        }
        let Call { method, path, bearer, body, names, .. } = call;
        let asked = Asked { method, path, bearer, body, made_from: names };
        let reply = self.tailnet.answer(&mut self.places, asked, self.now);
        for (place, is_on, until) in std::mem::take(&mut self.tailnet.switched) {
            self.switched(&place, is_on, until);
        }
        if let Some(mistake) = self.tailnet.mistakes.pop().or_else(|| self.tailnet.policy.mistakes.pop()) {
            self.wrong(|| mistake);
        }
        self.tell(|| {
            format!(
                "  -> {} {}",
                reply.status.as_u16(),
                String::from_utf8_lossy(&reply.body).chars().take(100).collect::<String>().replace('\n', " ")
            )
        });
        reply
    }

    /// The bot switched something that is no attribute.
    pub fn switched(&mut self, place: &Place, is_on: bool, until: Option<i64>) {
        self.tell(|| format!("{} {} is {}", place.0, place.1, if is_on { "on" } else { "off" }));
        match is_on {
            true => self.check_right(place),
            false => self.check_removal(place),
        }
        self.places.switch_until(place, (is_on, until), self.now, false);
    }

    fn tell_call(&mut self, call: &Call) {
        if call.path.contains("attributes") {
            let body = String::from_utf8_lossy(&call.body).into_owned();
            self.tell(|| format!("{} {} {body}", call.method, call.path));
        }
    }

    /// A private answer: its buttons can be pressed, too.
    fn respond(&mut self, path: &str, body: &[u8]) {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let person = path.split('/').rfind(|part| part.starts_with("U0P")).unwrap_or_default().to_owned();
        self.slack.show("C0ACCESS", "0", body.get("blocks"), Some(person));
    }
}

fn fields(is_json: bool, body: &[u8]) -> Value {
    if is_json {
        return serde_json::from_slice(body).unwrap_or_default();
    }
    let form = url::form_urlencoded::parse(body).into_owned();
    Value::Object(form.map(|(name, value)| (name, Value::String(value))).collect())
}

/// The attribute that a path is about.
fn place(path: &str) -> Option<(String, String)> {
    let (device, name) = path.strip_prefix("/api/v2/device/")?.split_once("/attributes/")?;
    Some((device.to_owned(), name.replace("%3A", ":")))
}
