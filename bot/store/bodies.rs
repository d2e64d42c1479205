//! Requests as they are stored: what was asked and the workflow are written once, their life with every change.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::bulk::Many;
use super::{StoreError, Tx};
use crate::kernel::kept::parts::{self, Parts};
use crate::kernel::kept::{self, Kept, Unreadable};
use crate::kernel::{Pinned, Request, RequestId};

/// The columns of `Stored` and the tables they are in.
macro_rules! select_request {
    ($rest:literal) => {
        concat!(
            "select request.body as life, asked.body as asked, asked.workflow as digest, workflow.body as workflow from request
                 left join asked on asked.request_id = request.id left join workflow on workflow.digest = asked.workflow ",
            $rest
        )
    };
}
pub(super) use select_request;

/// One request as it is read.
#[derive(sqlx::FromRow)]
pub(super) struct Stored {
    life: String,
    asked: Option<String>,
    digest: Option<String>,
    workflow: Option<String>,
}

/// Workflows that were read, by the digest they are stored under: most requests were made under few of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Workflows(Arc<Mutex<HashMap<String, Pinned>>>);

/// So many are remembered.
const WORKFLOWS_MAX: usize = 1_024;

impl Workflows {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Pinned>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, digest: &str) -> Option<Pinned> {
        self.all().get(digest).cloned()
    }

    fn remember(&self, digest: &str, workflow: &Pinned) {
        let mut all = self.all();
        if all.len() >= WORKFLOWS_MAX {
            all.clear();
        }
        all.insert(digest.to_owned(), workflow.clone());
    }
}

impl Stored {
    pub(super) fn read(&self, workflows: &Workflows) -> Result<Request, Unreadable> {
        let Some(asked) = &self.asked else { return kept::read(&self.life) };
        let (Some(digest), Some(workflow)) = (&self.digest, &self.workflow) else {
            return Err(Unreadable::broken(Request::KIND, "the workflow it was made under is missing"));
        };
        let is_of_today = parts::is_of_today(&self.life);
        if let Some(workflow) = workflows.find(digest).filter(|_| is_of_today) {
            return parts::read_under(&self.life, asked, &workflow);
        }
        let request: Request = kept::read(&parts::join(&self.life, asked, workflow))?;
        if is_of_today {
            workflows.remember(digest, &request.ask.workflow);
        }
        Ok(request)
    }
}

/// A request as it is to be stored.
pub(super) struct Body {
    id: RequestId,
    workflow: String,
    requester: String,
    state: &'static str,
    outcome: Option<&'static str>,
    is_stuck: bool,
    asked_at: i64,
    expires_at: Option<i64>,
    /// How often it changed since it was last written.
    changes: i64,
    parts: Parts,
}

/// What is collected of requests.
#[derive(Default)]
pub(super) struct Bodies {
    all: Vec<Body>,
    /// Where in `all`.
    by_id: HashMap<RequestId, usize>,
}

const REQUESTS: Many = Many {
    before: "insert into request (id, workflow, requester, state, outcome, stuck, asked_at, expires_at, version, body) values ",
    values: 10,
    after: " on conflict (id) do update set state = excluded.state, outcome = excluded.outcome, stuck = excluded.stuck,
                 expires_at = excluded.expires_at, version = request.version + excluded.version, body = excluded.body",
};
const ASKED: Many = Many {
    before: "insert into asked (request_id, workflow, shape, body) values ",
    values: 4,
    after: " on conflict (request_id) do update set workflow = excluded.workflow, shape = excluded.shape, body = excluded.body",
};
const WORKFLOWS: Many =
    Many { before: "insert into workflow (digest, body) values ", values: 2, after: " on conflict do nothing" };

impl Bodies {
    /// Whether this request is not written yet.
    pub(super) fn contain(&self, id: &RequestId) -> bool {
        self.by_id.contains_key(id)
    }

    pub(super) fn put(&mut self, request: &Request) -> Result<(), StoreError> {
        let whole = kept::write(request)?;
        let mut body = Body {
            id: request.id.clone(),
            workflow: request.workflow.name.clone(),
            requester: request.requester.slack_id.clone(),
            state: request.state.word(),
            outcome: request.outcome.map(crate::kernel::Outcome::word),
            is_stuck: request.stuck,
            asked_at: request.asked_at,
            expires_at: request.expires_at,
            changes: 1,
            parts: parts::split(&whole)
                .ok_or_else(|| Unreadable::broken(Request::KIND, "it does not say what was asked"))?,
        };
        match self.by_id.get(&request.id).and_then(|at| self.all.get_mut(*at)) {
            Some(before) => {
                body.changes = before.changes.saturating_add(1);
                *before = body;
            }
            None => {
                self.by_id.insert(request.id.clone(), self.all.len());
                self.all.push(body);
            }
        }
        Ok(())
    }
}

impl Tx {
    pub(super) async fn flush_requests(&mut self) -> Result<(), StoreError> {
        let bodies = std::mem::take(&mut self.pending.requests).all;
        if bodies.is_empty() {
            return Ok(());
        }
        self.write_asked(&bodies).await?;
        self.write_many(&REQUESTS, &bodies, |query, body| {
            query
                .bind(body.id.as_str())
                .bind(body.workflow.as_str())
                .bind(body.requester.as_str())
                .bind(body.state)
                .bind(body.outcome)
                .bind(i64::from(body.is_stuck))
                .bind(body.asked_at)
                .bind(body.expires_at)
                .bind(body.changes)
                .bind(body.parts.life.as_str())
        })
        .await
    }

    /// Writes what was asked, of those requests of which it does not stand there yet in today's shape.
    async fn write_asked(&mut self, bodies: &[Body]) -> Result<(), StoreError> {
        let shape = kept::shape_of::<Request>();
        let there: HashSet<String> = sqlx::query_scalar(
            "select request_id from asked where shape = $1 and request_id in (select value from json_each($2))",
        )
        .bind(shape)
        .bind(Value::from_iter(bodies.iter().map(|body| body.id.as_str())).to_string())
        .fetch_all(self.connection())
        .await?
        .into_iter()
        .collect();
        let mut workflows: HashMap<String, &str> = HashMap::new();
        let mut asked: Vec<(&Body, String)> = Vec::new();
        for body in bodies.iter().filter(|body| !there.contains(body.id.as_str())) {
            let digest = hex::encode(Sha256::digest(body.parts.workflow.as_bytes()));
            workflows.insert(digest.clone(), &body.parts.workflow);
            asked.push((body, digest));
        }
        let workflows: Vec<(String, &str)> = workflows.into_iter().collect();
        self.write_many(&WORKFLOWS, &workflows, |query, (digest, body)| query.bind(digest.as_str()).bind(*body))
            .await?;
        self.write_many(&ASKED, &asked, |query, (body, digest)| {
            query.bind(body.id.as_str()).bind(digest.as_str()).bind(shape).bind(body.parts.asked.as_str())
        })
        .await
    }
}
