//! Step types that hold a paste. Where it stands, with us or at a tclip, is the keeper's business.

pub mod paste;

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
