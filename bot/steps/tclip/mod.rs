//! Step types that hold a paste. Where it stands, with us or at a tclip, is the keeper's business.

pub mod paste;
pub mod paste_check;

use futures_util::future::BoxFuture;

use super::Holder;
use crate::kernel::paste::Text;
use crate::kernel::request::Found;
use crate::kernel::{Failure, Key};

/// Keeps the one paste of a key. Both calls can be done again at any time, and what they return was read back.
pub trait Keeper: Send + Sync {
    /// The paste is there until the last of the holders lets go, and each of them was told where.
    fn keep<'a>(&'a self, key: &'a Key, text: Text, holders: &'a [Holder]) -> BoxFuture<'a, Result<Found, Failure>>;

    /// Nobody holds it any more: it is gone, or it is said why it is not.
    fn let_go<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Found, Failure>>;
}

/// Keeps nothing, for tests of lists.
#[cfg(test)]
pub(super) struct NoKeeper;

#[cfg(test)]
impl Keeper for NoKeeper {
    fn keep<'a>(&'a self, _: &'a Key, _: Text, _: &'a [Holder]) -> BoxFuture<'a, Result<Found, Failure>> {
        Box::pin(async { Ok(Found::OnBefore) })
    }

    fn let_go<'a>(&'a self, _: &'a Key) -> BoxFuture<'a, Result<Found, Failure>> {
        Box::pin(async { Ok(Found::Gone) })
    }
}
