//! Holding a role: what it was is remembered, and what Tailscale says is read back.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::Clock;
use crate::kernel::kept::{Kept, Raise};
use crate::kernel::{Failure, Key};
use crate::outside::tailscale::{Tailscale, TailscaleError, User};
use crate::steps::memory::{put_down, read_back};
use crate::steps::tailscale::changing::{Changing, State, Thing};
use crate::steps::tailscale::{failure, refusal};
use crate::steps::{Before, Holder, Settled, Step};

/// Who is in the tailnet at all is at most this old; what they may do is read now.
const USERS_MS: i64 = 60_000;

/// The step type.
pub struct RoleStep(Changing<Role>);

/// What it was before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
struct Was(State);

impl Kept for Was {
    const KIND: &'static str = "before of tailscale.role";
    const RAISES: &'static [Raise] = &[];
}

struct Role;

/// The user of that login, as they are now.
async fn user_now(tailnet: &Tailscale, login: &str) -> Result<Option<User>, TailscaleError> {
    let known = tailnet.users_cached(USERS_MS).await?.iter().find(|user| user.has_login(login)).cloned();
    let known = match known {
        Some(known) => Some(known),
        None => tailnet.users().await?.into_iter().find(|user| user.has_login(login)),
    };
    let Some(known) = known else { return Ok(None) };
    match tailnet.user(&known.id).await {
        Ok(user) => Ok(Some(user).filter(|user| user.has_login(login))),
        Err(TailscaleError::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

impl Thing for Role {
    fn read<'a>(
        &'a self,
        tailnet: &'a Tailscale,
        address: &'a str,
    ) -> BoxFuture<'a, Result<Option<State>, TailscaleError>> {
        async move {
            let user = user_now(tailnet, address).await?;
            Ok(user.map(|user| [("role".to_owned(), Value::from(user.role))].into_iter().collect()))
        }
        .boxed()
    }

    fn set<'a>(
        &'a self,
        tailnet: &'a Tailscale,
        address: &'a str,
        _: &'a str,
        value: &'a Value,
    ) -> BoxFuture<'a, Result<(), TailscaleError>> {
        async move {
            match user_now(tailnet, address).await? {
                Some(user) => tailnet.set_role(&user.id, value.as_str().unwrap_or_default()).await,
                // What is read next says that they are gone.
                None => Ok(()),
            }
        }
        .boxed()
    }

    /// An active user of this tailnet, and not its owner.
    fn check<'a>(
        &'a self,
        tailnet: &'a Tailscale,
        address: &'a str,
        _: &'a [Holder],
        _: &'a State,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        async move {
            match user_now(tailnet, address).await.map_err(|error| failure(&error))? {
                Some(user) if user.role == "owner" => {
                    Err(refusal(format!("{address} owns the tailnet"), "an owner has every right already"))
                }
                Some(user) if user.may_act() => Ok(()),
                _ => {
                    let what = format!("{address} is not an active user of the tailnet");
                    Err(refusal(what, "a tailnet admin can restore the user"))
                }
            }
        }
        .boxed()
    }

    fn wanted(&self, with: &Map<String, Value>) -> State {
        with.get("role").map(|role| ("role".to_owned(), role.clone())).into_iter().collect()
    }
}

impl RoleStep {
    /// The step type over this tailnet.
    pub fn new(tailscale: Tailscale, clock: Clock) -> Self {
        Self(Changing::new(tailscale, clock, Role))
    }
}

impl Step for RoleStep {
    fn observe<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Value, Failure>> {
        async move {
            let was = Was(self.0.observe(key.address()).await?);
            put_down(&was)
        }
        .boxed()
    }

    fn settle<'a>(
        &'a self,
        key: &'a Key,
        holders: &'a [Holder],
        before: &'a Before,
    ) -> BoxFuture<'a, Result<Settled, Failure>> {
        async move {
            let was = stored(&before.found)?;
            self.0.settle(key.address(), holders, before, &was.0).await.map(Settled::from)
        }
        .boxed()
    }
}

fn stored(found: &Value) -> Result<Was, Failure> {
    read_back(found, || Was(State::new()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::kept::{self, KINDS};

    #[test]
    fn what_was_there_is_written_as_the_examples_say() {
        let text = include_str!("../../../../tests/stored/next/before of tailscale.role.json");
        let examples: Map<String, Value> = serde_json::from_str(text).unwrap();
        let member = Was([("role".to_owned(), "member".into())].into_iter().collect());
        for (name, was) in [("a role", member), ("nobody", Was(State::new()))] {
            assert_eq!(kept::to_value(&was).unwrap(), examples[name]);
            assert_eq!(stored(&examples[name]).unwrap(), was);
        }
        assert!(KINDS.contains(&(Was::KIND, kept::shape_of::<Was>())));
    }
}
