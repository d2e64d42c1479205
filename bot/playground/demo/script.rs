//! The story as text.

use super::{Lodger, Worlds};

/// When the story begins: Monday, 5 January 2026, 12:00 in Berlin.
pub const BEGINS_AT_MS: i64 = 1_767_610_800_000;

/// Tells it.
///
/// # Errors
/// What did not come out as told.
pub async fn tell(_worlds: &Worlds, _lodger: &dyn Lodger, _say: &mut (dyn FnMut(&str) + Send)) -> Result<(), String> {
    Err("not written yet".to_owned())
}
