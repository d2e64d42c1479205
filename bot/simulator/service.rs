//! A service that is told to freeze deployments, and to thaw them: once for each idempotency key.

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use serde_json::json;

use super::places::{Place, SERVICE};
use super::tailnet::Reply;

/// Where it is.
pub const HOST: &str = "freezes.example.com";

/// The service.
#[derive(Default)]
pub struct Service {
    /// The request of each freeze that was ever made, and whether it is on.
    freezes: Vec<(String, bool)>,
    /// The freeze of each key.
    keys: BTreeMap<String, usize>,
    /// What it would refuse.
    pub mistakes: Vec<String>,
}

impl Service {
    /// Answers a call. Also says what it switched, if it did.
    pub fn answer(&mut self, (method, path): (&Method, &str), key: &str) -> (Reply, Option<(Place, bool)>) {
        let plain = |status: StatusCode| Reply::from((status, json!({})));
        let number = path.strip_prefix("/freezes/f").and_then(|number| number.parse::<usize>().ok());
        match (method.as_str(), number) {
            ("POST", None) => {
                let Some(id) = key.strip_prefix("nightlatch-").and_then(|key| key.split('-').next()) else {
                    self.mistakes.push(format!("a freeze without an idempotency key of ours: {key:?}"));
                    return (plain(StatusCode::BAD_REQUEST), None);
                };
                if let Some(number) = self.keys.get(key) {
                    return ((StatusCode::CREATED, json!({ "id": format!("f{number}") })).into(), None);
                }
                if self.is_frozen(id) {
                    self.mistakes.push(format!("a second freeze for {id}, beside the one that is on"));
                }
                let number = self.freezes.len();
                self.keys.insert(key.to_owned(), number);
                self.freezes.push((id.to_owned(), true));
                let switched = ((SERVICE.to_owned(), id.to_owned()), true);
                ((StatusCode::CREATED, json!({ "id": format!("f{number}") })).into(), Some(switched))
            }
            (_, Some(number)) => match (self.freezes.get_mut(number), method.as_str()) {
                (Some((_, true)), "GET") => (plain(StatusCode::OK), None),
                (Some((id, is_on @ true)), "DELETE") => {
                    *is_on = false;
                    let id = id.clone();
                    let switched = (!self.is_frozen(&id)).then(|| ((SERVICE.to_owned(), id), false));
                    (plain(StatusCode::NO_CONTENT), switched)
                }
                _ => (plain(StatusCode::NOT_FOUND), None),
            },
            _ => {
                self.mistakes.push(format!("{method} {path} is nothing that the service knows"));
                (plain(StatusCode::NOT_FOUND), None)
            }
        }
    }

    /// Whether a freeze of this request is on.
    fn is_frozen(&self, id: &str) -> bool {
        self.freezes.iter().any(|(of, is_on)| *is_on && of == id)
    }

    /// Whose freeze a path is about.
    pub fn place(&self, path: &str) -> Option<Place> {
        let number: usize = path.strip_prefix("/freezes/f")?.parse().ok()?;
        self.freezes.get(number).map(|(id, _)| (SERVICE.to_owned(), id.clone()))
    }
}
