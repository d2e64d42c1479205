//! What happens in the world when its time has come: calls arrive, hands are at work, something breaks or heals.

use super::company;
use super::network::{Spoilt, UNDER_WAY_MAX_MS};
use super::places::Attribute;
use super::plan::{Act, Trouble};
use super::tailnet_settings::{key_expiry_of, role_of};
use super::world::{Happening, Inner, Next};
use crate::outside::net::NetError;

/// Calls are paced for so long after they were limited: the pace grows with every call that is taken, and few are made.
const PACED_MS: i64 = 600_000;

impl Inner {
    /// The next thing that is due now happens.
    pub fn happen(&mut self) -> Option<Next> {
        let first = self.queue.first_entry().filter(|first| first.key().0 <= self.now)?;
        Some(match first.remove() {
            Happening::Plan(act) => {
                self.tell(|| format!("{act:?}"));
                self.play(act)
            }
            Happening::Heal(trouble) => {
                self.tell(|| format!("no longer {trouble:?}"));
                if let Some(index) = self.troubles.iter().position(|one| *one == trouble) {
                    self.troubles.remove(index);
                }
                self.set_troubles();
                self.calm_since = self.now;
                if trouble.keeps_ends() {
                    self.clear_since = self.now;
                }
                Next::Done
            }
            Happening::Arrive(mut call) => {
                let answered = self.arrive(&call);
                let spoilt = match call.spoilt {
                    None => Some(answered),
                    Some(Spoilt::Broken) => Some(Err(NetError::Broken)),
                    Some(Spoilt::Failed) => {
                        let body = b"{\"message\":\"internal server error\"}".to_vec();
                        Some(http::Response::builder().status(503).body(body).map_err(|_| NetError::Broken))
                    }
                    Some(Spoilt::Lost) => Some(Err(NetError::NoAnswer)),
                };
                if let Some(answered) = spoilt {
                    let at = if matches!(call.spoilt, Some(Spoilt::Lost)) {
                        self.now.saturating_add(UNDER_WAY_MAX_MS)
                    } else {
                        self.under_way(&mut call.dice)
                    };
                    self.put(at, Happening::Answer(call.answer, answered));
                }
                Next::Done
            }
            Happening::Answer(to, answered) => {
                let _ = to.send(answered);
                Next::Done
            }
        })
    }

    fn play(&mut self, act: Act) -> Next {
        match act {
            Act::Break { trouble, for_ms } => {
                self.troubles.push(trouble);
                self.set_troubles();
                self.put(self.now.saturating_add(for_ms), Happening::Heal(trouble));
            }
            Act::Hand { person, device, attribute, sets, for_ms } => {
                self.hand(person, device, attribute, (sets, for_ms))
            }
            Act::Leave { person, device } => {
                if let Some(device) = company::devices(person).get(device) {
                    self.tailnet.leaves(device, &mut self.places, self.now);
                }
            }
            Act::Pass { person, device, to } => {
                if let Some(device) = company::devices(person).get(device).filter(|_| to != person) {
                    self.tailnet.passes(device, to);
                    self.passed.entry(device.clone()).or_insert(self.now);
                }
            }
            Act::Dismiss { person } => {
                self.tailnet.policy.dismiss(person, self.now);
                self.slack.dismissed.push(person);
                self.cannot_decide(person);
            }
            Act::Quit { person, keeps_login } => {
                if !keeps_login {
                    self.tailnet.quit.push(person);
                }
                self.slack.quit.push(person);
                self.quit.insert(person, self.now);
                self.cannot_decide(person);
            }
            Act::WrongAtStart { by_ms, for_ms } => self.wrong_at_start = Some((by_ms, for_ms)),
            Act::Revoke => self.tailnet.revoke_tokens(),
            act => return Next::Act(act),
        }
        Next::Done
    }

    fn cannot_decide(&mut self, person: usize) {
        let by = company::slack_id(person);
        self.deals.expect_nothing_of(&by);
        self.dismissed.entry(by).or_insert(self.now);
    }

    fn hand(&mut self, person: usize, device: usize, attribute: usize, (sets, for_ms): (Option<bool>, Option<i64>)) {
        let devices = company::devices(person);
        let name = company::ATTRIBUTES.get(attribute);
        let slack_id = || company::slack_id(person);
        // After the attributes come a group, the policy file, a channel, a role, and a device's key.
        let place = match attribute.checked_sub(company::ATTRIBUTES.len()) {
            Some(0) => Some((company::USERS_HANDLE.to_owned(), slack_id())),
            Some(2) => Some((company::ROOM.1.to_owned(), slack_id())),
            Some(3) => Some(role_of(person)),
            Some(4) => devices.get(device).filter(|device| self.tailnet.has(device)).map(|one| key_expiry_of(one)),
            _ => None,
        };
        if let Some(place) = place {
            if person != company::ALWAYS && self.places.is_on(&place, self.now) != (sets == Some(true)) {
                self.places.switch(&place, sets == Some(true), self.now, true);
            }
            return;
        }
        let (Some(device), Some(name)) = (devices.get(device), name) else { return self.tailnet.policy.edit(self.now) };
        let until =
            for_ms.map(|for_ms| self.now.saturating_add(for_ms).div_euclid(1_000).saturating_mul(1_000) + 1_000);
        let attribute = sets.map(|value| Attribute { value: value.into(), until });
        if self.tailnet.has(device) {
            self.places.write(&(device.clone(), (*name).to_owned()), attribute, self.now, true);
        }
    }

    fn set_troubles(&mut self) {
        crate::store::still::fill_disk(self.is_broken(Trouble::DiskFull));
        self.tailnet.is_forbidden = self.is_broken(Trouble::Forbidden);
        self.tailnet.drops_ends = self.is_broken(Trouble::DropsEnds);
        self.tailnet.lag_ms = if self.is_broken(Trouble::Lagging) { 2_000 } else { 0 };
    }

    /// Whether anything is broken now; then calm begins later.
    pub fn note_calm(&mut self) {
        if !self.troubles.is_empty() {
            self.calm_since = self.now;
        }
        if self.is_broken(Trouble::Limited) {
            self.paced_until = self.now.saturating_add(PACED_MS);
        }
        let is_paced = self.now < self.paced_until;
        if is_paced || self.troubles.iter().any(|trouble| trouble.keeps_ends()) {
            self.clear_since = self.now;
        }
        if self.troubles.iter().any(|trouble| trouble.keeps_words()) {
            self.heard_since = self.now;
        }
    }

    /// Something happened that upsets everything for a while.
    pub fn disturbed(&mut self) {
        self.calm_since = self.now;
        self.clear_since = self.now;
        self.heard_since = self.now;
    }
}
