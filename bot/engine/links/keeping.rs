//! What the step type `golink.link` needs: links made, changed and deleted under the same rules as those that people type.

use std::sync::{Arc, OnceLock};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::{LinkError, Links, Saving};
use crate::engine::{Engine, WeakEngine};
use crate::kernel::link::{Draft, Editor, Expect, Link};
use crate::kernel::{Actor, Failure};
use crate::steps::golink::Keeper;

/// Keeps links for steps. Steps are made before the engine that has the links, so it learns of that afterwards.
#[derive(Clone, Default)]
pub(in crate::engine) struct LinkKeeper {
    engine: Arc<OnceLock<WeakEngine>>,
}

impl LinkKeeper {
    /// From now on these are the links; the engine itself again.
    pub(in crate::engine) fn of(&self, engine: Engine) -> Engine {
        drop(self.engine.set(engine.downgrade()));
        engine
    }

    fn links(&self) -> Result<Links, Failure> {
        self.engine.get().and_then(WeakEngine::upgrade).map(|engine| engine.links()).ok_or_else(stopping)
    }
}

fn stopping() -> Failure {
    let what = "nightlatch is stopping".to_owned();
    Failure { what, advice: String::new(), retryable: true, retry_after_ms: None }
}

/// The same for people.
fn failure(error: LinkError) -> Failure {
    match error {
        LinkError::Failed(failure) | LinkError::NotKnown(failure) => Failure { retryable: true, ..failure },
        LinkError::NotSaved(why) => Failure { what: why, ..stopping() },
        refused => Failure { what: refused.to_string(), advice: String::new(), retryable: false, retry_after_ms: None },
    }
}

impl Keeper for LinkKeeper {
    fn cannot_delete(&self) -> bool {
        self.links().is_ok_and(|links| links.golink().is_some())
    }

    fn address(&self, short: &str) -> String {
        self.links().map(|links| links.address_of(short)).unwrap_or_default()
    }

    fn read<'a>(&'a self, short: &'a str) -> BoxFuture<'a, Result<Option<Link>, Failure>> {
        async move { self.links()?.find(short).await.map_err(failure) }.boxed()
    }

    fn save<'a>(
        &'a self,
        (short, long): (&'a str, &'a str),
        login: &'a str,
        was: Option<&'a Link>,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        async move {
            let saving = Saving {
                actor: Actor::Worker,
                editor: Editor { login: login.to_owned(), is_admin: false },
                draft: Draft { short: short.to_owned(), long: long.to_owned(), owner: Some(login.to_owned()) },
                expect: was.map_or(Expect::New, |link| Expect::As(link.fingerprint())),
                delivery: None,
            };
            self.links()?.save(saving).await.map(drop).map_err(failure)
        }
        .boxed()
    }

    fn delete<'a>(&'a self, link: &'a Link) -> BoxFuture<'a, Result<(), Failure>> {
        async move {
            // What is ours belongs to whoever holds it.
            let editor = Editor { login: link.owner.clone(), is_admin: false };
            self.links()?.delete(&link.short, editor, Actor::Worker, None).await.map(drop).map_err(failure)
        }
        .boxed()
    }
}
