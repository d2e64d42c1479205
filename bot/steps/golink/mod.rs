//! Step types that hold a go link. Where links stand, with us or at a golink, is the keeper's business.

pub mod link;

use futures_util::future::BoxFuture;

use crate::kernel::Failure;
use crate::kernel::link::Link;

/// What makes, changes and deletes links for steps.
pub trait Keeper: Send + Sync {
    /// Whether links stand at a golink, which lets only its own page delete them.
    fn cannot_delete(&self) -> bool;

    /// Where people follow a link of this name.
    fn address(&self, short: &str) -> String;

    /// The link as it is now.
    fn read<'a>(&'a self, short: &'a str) -> BoxFuture<'a, Result<Option<Link>, Failure>>;

    /// Makes or changes a link (its name, and where it leads), which is to belong to `login`, if it is as it was when it was looked at.
    fn save<'a>(
        &'a self,
        link: (&'a str, &'a str),
        login: &'a str,
        was: Option<&'a Link>,
    ) -> BoxFuture<'a, Result<(), Failure>>;

    /// Deletes this link of ours.
    fn delete<'a>(&'a self, link: &'a Link) -> BoxFuture<'a, Result<(), Failure>>;
}
