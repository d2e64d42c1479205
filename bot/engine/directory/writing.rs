//! What the directory has the writer write: pieces small enough to keep nobody else waiting.

use crate::store::{DeviceRow, GroupKind, ListRow, ListedRows, PersonRow, StoreError, Tx, UserRow};

/// One piece; at most `store::ROWS_MAX` rows of each kind.
pub(in crate::engine) enum DirectoryWork {
    /// People as they are now.
    People(Vec<PersonRow>),
    /// Users as they are now.
    Users(Vec<UserRow>),
    /// Devices as they are now.
    Devices(Vec<DeviceRow>),
    /// Rows that a list does not name any more.
    Gone(ListedRows, Vec<String>),
    /// A group and whom it got and lost.
    Members { kind: GroupKind, name: String, group_id: String, added: Vec<String>, removed: Vec<String> },
    /// A group that is no more, or that cannot be told from another.
    GroupGone(GroupKind, String),
    /// A list was read.
    Read(ListRow),
}

pub(in crate::engine) async fn write(tx: &mut Tx, work: &DirectoryWork) -> Result<(), StoreError> {
    match work {
        DirectoryWork::People(rows) => tx.put_people(rows).await,
        DirectoryWork::Users(rows) => tx.put_users(rows).await,
        DirectoryWork::Devices(rows) => tx.put_devices(rows).await,
        DirectoryWork::Gone(rows, ids) => tx.forget_listed(*rows, ids).await,
        DirectoryWork::Members { kind, name, group_id, added, removed } => {
            tx.put_group(*kind, name, group_id).await?;
            tx.remove_members(*kind, name, removed).await?;
            tx.add_members(*kind, name, added).await
        }
        DirectoryWork::GroupGone(kind, name) => tx.forget_group(*kind, name).await,
        DirectoryWork::Read(row) => tx.note_list(row).await,
    }
}
