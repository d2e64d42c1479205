//! Sharing a device with somebody of another tailnet: the invitation is found again by its address and its time, and withdrawn; if
//! somebody accepted it meanwhile, what Tailscale does not tell is said.

use super::holding::{InviteStep, Sent, kept_of, not_yet, stored, text};
use crate::kernel::Failure;
use crate::kernel::request::Found;
use crate::outside::tailscale::{Invite, InvitedTo, TailscaleError};
use crate::steps::tailscale::{check_device, failure, refusal};
use crate::steps::{Before, Holder, Settled};

impl InviteStep {
    pub(super) async fn share(&self, device: &str, holder: &Holder, before: &Before) -> Result<Settled, Failure> {
        let mut sent = stored(&before.found)?;
        let email = text(&holder.with, "email")?;
        if sent.at.is_none() {
            if !self.tailscale.is_a_person() {
                let what = "only a person can share a device, and the bot is an OAuth client".to_owned();
                return Err(refusal(what, "ask whoever runs the bot to give it `tailscale: api_key` of an admin"));
            }
            check_device(&self.tailscale, device, std::slice::from_ref(holder), &[]).await?;
        }
        let all = self.invites_to(device).await?;
        if let Some(id) = &sent.id {
            return match all.iter().any(|one| one.id == *id) {
                true => self.held(holder, before, &sent).await,
                false => Ok(self.proof(Found::TakenAway).into()),
            };
        }
        if sent.at.is_none() {
            let others = || all.iter().filter(|one| one.is_to(email));
            if others().any(|one| !one.accepted) {
                return Err(refusal(format!("{email} has been invited to it already"), "wait until they accept it"));
            }
            sent.others = others().map(|one| one.id.clone()).collect();
            sent.at = Some(self.clock.now_ms());
            before.memory.keep(kept_of(&sent)?).await?;
        } else if let Some(one) = ours(&all, &sent, email) {
            sent.id = Some(one.id.clone());
            return self.held(holder, before, &sent).await;
        }
        match self.tailscale.invite_to_device(device, email).await {
            Ok(made) => sent.id = Some(made.id),
            Err(error) if !error.may_have_happened() => return Err(failure(&error)),
            Err(_) => {}
        }
        match ours(&self.invites_to(device).await?, &sent, email) {
            Some(one) => {
                sent.id = Some(one.id.clone());
                self.held(holder, before, &sent).await
            }
            None => Err(not_yet("tailscale took the invitation, but it does not read back".to_owned())),
        }
    }

    pub(super) async fn stop_sharing(&self, device: &str, holder: &Holder, before: &Before) -> Result<Found, Failure> {
        let mut sent = stored(&before.found)?;
        let email = text(&holder.with, "email")?;
        let all = match self.tailscale.invites(InvitedTo::Device(device)).await {
            Ok(all) => all,
            // A device that left the tailnet is shared with nobody.
            Err(TailscaleError::NotFound(_)) => return Ok(Found::Gone),
            Err(error) => return Err(failure(&error)),
        };
        let Some(one) = ours(&all, &sent, email) else {
            return Ok(sent.accepted_by.as_deref().map_or(Found::Gone, deleted_too_late));
        };
        if one.accepted && text(&holder.with, "at_end")? == "stays" {
            let what = format!("{} accepted it and keeps it, as the workflow says", one.whose());
            return Ok(Found::GoneBut { what });
        }
        if one.accepted && sent.accepted_by.is_none() {
            sent.accepted_by = Some(one.whose().to_owned());
            before.memory.keep(kept_of(&sent)?).await?;
        }
        self.tailscale.withdraw_invite(InvitedTo::Device(device), &one.id).await.map_err(|error| failure(&error))?;
        match self.tailscale.invites(InvitedTo::Device(device)).await {
            Err(TailscaleError::NotFound(_)) => return Ok(Found::Gone),
            Err(error) => return Err(failure(&error)),
            Ok(all) if ours(&all, &sent, email).is_some() => {
                return Err(not_yet("tailscale took it, but the invitation still reads back".to_owned()));
            }
            Ok(_) => {}
        }
        Ok(sent.accepted_by.as_deref().map_or(Found::Gone, deleted_too_late))
    }

    async fn invites_to(&self, device: &str) -> Result<Vec<Invite>, Failure> {
        self.tailscale.invites(InvitedTo::Device(device)).await.map_err(|error| failure(&error))
    }
}

/// Whoever accepted it may have the device still.
fn deleted_too_late(whose: &str) -> Found {
    let what = format!(
        "{whose} accepted the invitation before it was deleted, and Tailscale does not tell programs whether the device is still shared with \
         them: look at *Share* of the device in its console"
    );
    Found::LeftAlone { what, is_on: true }
}

/// By its id; before that is known by its address, and by not having been there before we sent it.
fn ours<'a>(all: &'a [Invite], sent: &Sent, email: &str) -> Option<&'a Invite> {
    sent.at?;
    let is_ours = |one: &&Invite| match &sent.id {
        Some(id) => one.id == *id,
        None => one.is_to(email) && !sent.others.contains(&one.id),
    };
    all.iter().find(is_ours)
}
