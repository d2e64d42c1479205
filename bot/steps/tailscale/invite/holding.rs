//! Holding an invitation: found again whatever was lost on the way, and withdrawn; whoever accepted it meanwhile is dealt with as the
//! workflow says.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::Clock;
use crate::kernel::kept::{self, Kept, Raise};
use crate::kernel::request::Found;
use crate::kernel::{Failure, Key, Proof};
use crate::outside::tailscale::{Invite, InvitedTo, Tailscale, User, UserStatus};
use crate::steps::tailscale::{failure, refusal};
use crate::steps::{Before, Holder, Settled, Step};

/// So much may our clock be ahead of Tailscale's.
const CLOCKS_DIFFER_MS: i64 = 60_000;

/// The step type.
pub struct InviteStep {
    pub(super) tailscale: Tailscale,
    pub(super) clock: Clock,
}

/// What is known of the invitation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Sent {
    /// When it was first sent, milliseconds since the Unix epoch: nobody of that address had one then, and nobody was a user.
    pub(super) at: Option<i64>,
    /// Its id, once that is known.
    pub(super) id: Option<String>,
    /// Others to the same address, of the same device, that were there before it was sent: whatever came since is it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) others: Vec<String>,
    /// Who accepted it, if it was seen to be accepted before it was deleted: afterwards nobody tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) accepted_by: Option<String>,
}

impl Kept for Sent {
    const KIND: &'static str = "before of tailscale.invite";
    const RAISES: &'static [Raise] = &[];
}

impl InviteStep {
    /// The step type over this tailnet.
    pub fn new(tailscale: Tailscale, clock: Clock) -> Self {
        Self { tailscale, clock }
    }

    async fn open(&self, email: &str) -> Result<Option<Invite>, Failure> {
        let all = self.tailscale.invites(InvitedTo::Tailnet).await.map_err(|error| failure(&error))?;
        Ok(all.into_iter().find(|one| one.is_to(email)))
    }

    async fn user(&self, email: &str) -> Result<Option<User>, Failure> {
        let all = self.tailscale.users().await.map_err(|error| failure(&error))?;
        Ok(all.into_iter().find(|user| user.has_login(email)))
    }

    /// Who joined since it was sent, by login.
    async fn joined_since(&self, sent: &Sent) -> Result<Vec<String>, Failure> {
        let Some(at) = sent.at else { return Ok(Vec::new()) };
        let all = self.tailscale.users().await.map_err(|error| failure(&error))?;
        // Tailscale's times are whole seconds, and its clock is not ours.
        let since = at.saturating_sub(CLOCKS_DIFFER_MS);
        let is_new = |user: &User| user.may_act() && user.created_at.is_some_and(|created| created >= since);
        Ok(all.into_iter().filter(is_new).map(|user| user.login_name).collect())
    }

    async fn hold(&self, holder: &Holder, before: &Before) -> Result<Settled, Failure> {
        if let Some(device) = device_of(holder) {
            return self.share(device, holder, before).await;
        }
        let mut sent = stored(&before.found)?;
        let email = text(&holder.with, "email")?;
        if sent.at.is_none() && !self.tailscale.is_a_person() {
            let what = "only a person can invite somebody to the tailnet, and the bot is an OAuth client".to_owned();
            return Err(refusal(what, "ask whoever runs the bot to give it `tailscale: api_key` of an admin"));
        }
        let open = self.open(email).await?;
        if let (Some(one), Some(_)) = (&open, sent.at) {
            sent.id = Some(one.id.clone());
            return self.held(holder, before, &sent).await;
        }
        if sent.id.is_some() {
            // It was accepted, or somebody withdrew it.
            return match self.user(email).await? {
                Some(_) => self.held(holder, before, &sent).await,
                // Whoever it was sent to may have another login here.
                None if !self.joined_since(&sent).await?.is_empty() => self.held(holder, before, &sent).await,
                None => Ok(self.proof(Found::TakenAway).into()),
            };
        }
        if sent.at.is_none() {
            if open.is_some() {
                return Err(refusal(format!("{email} has been invited already"), "wait until they accept it"));
            }
            if self.user(email).await?.is_some() {
                return Err(refusal(
                    format!("{email} is a user of the tailnet already"),
                    "nothing has to be lent to them",
                ));
            }
            sent.at = Some(self.clock.now_ms());
            before.memory.keep(kept_of(&sent)?).await?;
        }
        match self.tailscale.invite(email, text(&holder.with, "role")?).await {
            Ok(made) => sent.id = Some(made.id),
            Err(error) if !error.may_have_happened() => return Err(failure(&error)),
            Err(_) => {}
        }
        match self.open(email).await? {
            Some(one) => {
                sent.id = Some(one.id);
                self.held(holder, before, &sent).await
            }
            None => Err(not_yet("tailscale took the invitation, but it does not read back".to_owned())),
        }
    }

    pub(super) async fn held(&self, holder: &Holder, before: &Before, sent: &Sent) -> Result<Settled, Failure> {
        let now = kept_of(sent)?;
        if now != before.found {
            before.memory.keep(now).await?;
        }
        let id = sent.id.clone().unwrap_or_default();
        let results: Map<String, Value> = [("id".to_owned(), id.into())].into_iter().collect();
        Ok(Settled {
            proof: self.proof(Found::On { until: None }),
            results: [(holder.request_id.clone(), results)].into(),
            hand_over: Vec::new(),
            keep: None,
        })
    }

    async fn release(&self, before: &Before) -> Result<Found, Failure> {
        let sent = stored(&before.found)?;
        let Some(holder) = before.leaving.first().filter(|_| sent.at.is_some()) else { return Ok(Found::Untouched) };
        if let Some(device) = device_of(holder) {
            return self.stop_sharing(device, holder, before).await;
        }
        let email = text(&holder.with, "email")?;
        let mut was_open = false;
        if let Some(one) = self.open(email).await? {
            was_open = true;
            self.tailscale.withdraw_invite(InvitedTo::Tailnet, &one.id).await.map_err(|error| failure(&error))?;
            if self.open(email).await?.is_some() {
                return Err(not_yet("tailscale took it, but the invitation still reads back as open".to_owned()));
            }
        }
        // Accepted before it was withdrawn, also a moment ago.
        let Some(user) = self.user(email).await? else {
            let joined = if was_open || sent.id.is_none() { Vec::new() } else { self.joined_since(&sent).await? };
            if joined.is_empty() {
                return Ok(Found::Gone);
            }
            // Nobody but a person can tell who of them it is, so nobody is shut out by guess.
            let what = format!(
                "the invitation of {email} is gone, nobody has that login, and since it was sent joined {}: if one of them accepted it, they are still in",
                joined.join(", ")
            );
            return Ok(Found::LeftAlone { what, is_on: text(&holder.with, "at_end")? != "stays" });
        };
        let done = match text(&holder.with, "at_end")? {
            "suspend" if user.status == UserStatus::Suspended => return Ok(Found::Gone),
            "suspend" => self.tailscale.suspend_user(&user.id).await,
            "delete" => self.tailscale.delete_user(&user.id).await,
            _ => {
                let what = format!("{email} accepted it and stays in the tailnet, as the workflow says");
                return Ok(Found::LeftAlone { what, is_on: false });
            }
        };
        match done {
            Err(error) if !error.may_have_happened() => return Err(failure(&error)),
            _ => {}
        }
        match self.user(email).await? {
            Some(user) if user.may_act() => {
                Err(not_yet(format!("tailscale took it, but {email} still reads back as active")))
            }
            _ => Ok(Found::Gone),
        }
    }

    pub(super) fn proof(&self, found: Found) -> Proof {
        Proof { at: self.clock.now_ms(), found }
    }
}

pub(super) fn kept_of(sent: &Sent) -> Result<Value, Failure> {
    kept::to_value(sent).map_err(|error| refusal(format!("what was sent cannot be kept: {error}"), ""))
}

pub(super) fn text<'w>(with: &'w Map<String, Value>, name: &str) -> Result<&'w str, Failure> {
    let none = || refusal(format!("the step says no {name}"), "ask whoever looks after this workflow to correct it");
    with.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).ok_or_else(none)
}

/// The device it is about, if it is not about the tailnet.
fn device_of(holder: &Holder) -> Option<&str> {
    holder.with.get("device").and_then(Value::as_str)
}

pub(super) fn not_yet(what: String) -> Failure {
    Failure { what, advice: String::new(), retryable: true, retry_after_ms: None }
}

impl Step for InviteStep {
    /// Nothing was sent yet.
    fn observe<'a>(&'a self, _: &'a Key) -> BoxFuture<'a, Result<Value, Failure>> {
        async { kept_of(&Sent::default()) }.boxed()
    }

    fn settle<'a>(
        &'a self,
        _: &'a Key,
        holders: &'a [Holder],
        before: &'a Before,
    ) -> BoxFuture<'a, Result<Settled, Failure>> {
        async move {
            match holders.first() {
                Some(holder) => self.hold(holder, before).await,
                None => {
                    let visit = Self { tailscale: self.tailscale.for_an_end(), clock: self.clock.clone() };
                    let found = visit.release(before).await?;
                    Ok(visit.proof(found).into())
                }
            }
        }
        .boxed()
    }
}

pub(super) fn stored(found: &Value) -> Result<Sent, Failure> {
    if found.is_null() {
        return Ok(Sent::default());
    }
    kept::from_value(found.clone()).map_err(|error| refusal(format!("what was sent is not known: {error}"), ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::kept::KINDS;

    #[test]
    fn what_was_sent_is_written_as_the_examples_say() {
        let text = include_str!("../../../../tests/stored/next/before of tailscale.invite.json");
        let examples: Map<String, Value> = serde_json::from_str(text).unwrap();
        let asked = Sent { at: Some(1_772_366_400_000), ..Sent::default() };
        let made = Sent { id: Some("29214".to_owned()), ..asked.clone() };
        let accepted = Sent { accepted_by: Some("zoe@github".to_owned()), ..made.clone() };
        let others = Sent { others: vec!["12001".to_owned()], ..asked.clone() };
        for (name, sent) in [
            ("nothing", Sent::default()),
            ("asked", asked),
            ("made", made),
            ("accepted before it was deleted", accepted),
            ("others before it", others),
        ] {
            assert_eq!(kept_of(&sent).unwrap(), examples[name]);
            assert_eq!(stored(&examples[name]).unwrap(), sent);
        }
        assert!(KINDS.contains(&(Sent::KIND, kept::shape_of::<Sent>())));
    }
}
