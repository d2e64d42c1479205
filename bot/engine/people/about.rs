//! Whom names mean that hang on a request: its requester's manager, and whoever owns its device.

use std::borrow::Cow;

use super::tailscale_failure;
use crate::engine::Engine;
use crate::kernel::{Ask, Failure, Person, Who};
use crate::outside::tailscale::TailscaleError;

/// What a request says about such names. Without a request they mean nobody.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// By e-mail address or login.
    manager: Option<String>,
    /// By login; why it is not known, if it could not be read.
    owner: Option<Result<String, Failure>>,
}

impl About {
    /// Whom this rule names in this request, as a rule of its own; nothing if nobody is known to be that.
    ///
    /// # Errors
    /// It could not be read.
    pub(super) fn meant<'r>(&self, rule: &'r Who) -> Result<Option<Cow<'r, Who>>, Failure> {
        let named = |name: &String| Cow::Owned(Who::Email(name.to_lowercase()));
        match (rule, &self.owner) {
            (Who::Manager, _) => Ok(self.manager.as_ref().map(named)),
            (Who::DeviceOwner, Some(owner)) => owner.as_ref().map(|login| Some(named(login))).map_err(Clone::clone),
            (Who::DeviceOwner, None) => Ok(None),
            _ => Ok(Some(Cow::Borrowed(rule))),
        }
    }

    /// These rules with somebody named in place of names that hang on the request. What could not be read names nobody here.
    pub(in crate::engine) fn named(&self, rules: &[Who]) -> Vec<Who> {
        rules.iter().filter_map(|rule| Some(self.meant(rule).ok()??.into_owned())).collect()
    }

    /// Whether nobody is known to be the manager of whoever it is for.
    pub(in crate::engine) fn has_no_manager(&self) -> bool {
        self.manager.is_none()
    }
}

impl Engine {
    /// What somebody's request would say whose device is their own.
    pub(in crate::engine) fn about_own(&self, requester: &Person) -> About {
        let owner = requester.login.clone().map(Ok);
        About { manager: self.manager_of(requester), owner }
    }

    /// What this ask says, as far as one of these rules asks for it: the owner of a device is read afresh.
    pub(in crate::engine) async fn about(&self, ask: &Ask, rules: &[Who]) -> About {
        let owner = match &ask.device {
            Some(device) if rules.contains(&Who::DeviceOwner) => self.owner_of(&device.node_id).await.transpose(),
            _ => None,
        };
        About { manager: self.manager_of(&ask.requester), owner }
    }

    fn manager_of(&self, person: &Person) -> Option<String> {
        self.catalog().staff().manager_of(person).map(str::to_owned)
    }

    /// The login of whoever owns a device; nobody owns one with tags.
    async fn owner_of(&self, node_id: &str) -> Result<Option<String>, Failure> {
        match self.inner.tailscale.device(node_id).await {
            Ok(device) => Ok(Some(device.user).filter(|user| device.tags.is_empty() && !user.is_empty())),
            Err(TailscaleError::NotFound(_)) => Ok(None),
            Err(error) => Err(tailscale_failure(&error)),
        }
    }
}
