//! Rows of devices: those that are somebody's own, and those that have tags.

use sqlx::{QueryBuilder, Sqlite};

use super::{WORDS_MAX, among, escaped};
use crate::store::{Store, StoreError, Tx};

/// Every column of a device.
const DEVICES: &str =
    "select node_id, owner, name, hostname, os, search, seen_at, tags, addresses from directory_device";

/// Which devices are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DevicesOf<'a> {
    /// Those of an owner, by login in lower case.
    Owner(&'a str),
    /// Those that carry one of these tags.
    Tags(&'a [String]),
}

impl DevicesOf<'_> {
    /// Only theirs; more conditions may follow.
    fn push(self, sql: &mut QueryBuilder<Sqlite>) {
        match self {
            Self::Owner(owner) => {
                sql.push(" where owner = ").push_bind(owner.to_owned()).push(" and tags = ''");
            }
            Self::Tags(tags) => {
                sql.push(" where tags <> '' and (1 = 0");
                for tag in tags {
                    sql.push(" or tags like ").push_bind(format!("% {} %", escaped(tag))).push(" escape '\\'");
                }
                sql.push(")");
            }
        }
    }
}

/// A device that is somebody's own, or has tags.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct DeviceRow {
    /// `n...CNTRL`.
    pub node_id: String,
    /// Login in lower case; empty if it has tags.
    pub owner: String,
    /// The first part of its DNS name.
    pub name: String,
    /// What the machine calls itself.
    pub hostname: String,
    /// As shown to people.
    pub os: String,
    /// What is searched, in lower case.
    pub search: String,
    /// When it was last seen; `i64::MAX`: connected; 0: never.
    pub seen_at: i64,
    /// Each with a blank before and behind it; empty: none.
    pub tags: String,
    /// With blanks between.
    pub addresses: String,
}

impl Tx {
    /// Keeps devices; those of the same id are replaced. At most `ROWS_MAX`.
    pub async fn put_devices(&mut self, rows: &[DeviceRow]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut query = QueryBuilder::new(
            "insert into directory_device (node_id, owner, name, hostname, os, search, seen_at, tags, addresses) ",
        );
        query.push_values(rows, |mut row, device| {
            row.push_bind(&device.node_id).push_bind(&device.owner).push_bind(&device.name);
            row.push_bind(&device.hostname).push_bind(&device.os).push_bind(&device.search);
            row.push_bind(device.seen_at).push_bind(&device.tags).push_bind(&device.addresses);
        });
        query.push(
            " on conflict (node_id) do update set owner = excluded.owner, name = excluded.name, hostname = excluded.hostname,
              os = excluded.os, search = excluded.search, seen_at = excluded.seen_at, tags = excluded.tags,
              addresses = excluded.addresses",
        );
        query.build().execute(self.connection()).await?;
        Ok(())
    }
}

impl Store {
    /// These devices, the newest seen first; only those that every word of `query` fits.
    pub async fn known_devices(
        &self,
        of: DevicesOf<'_>,
        query: &str,
        limit: i64,
    ) -> Result<Vec<DeviceRow>, StoreError> {
        let mut sql = QueryBuilder::<Sqlite>::new(DEVICES);
        of.push(&mut sql);
        for word in query.to_lowercase().split_whitespace().take(WORDS_MAX) {
            let word = escaped(word);
            sql.push(" and (search like ").push_bind(format!("%{word}%")).push(" escape '\\'");
            sql.push(" or node_id like ").push_bind(format!("{word}%")).push(" escape '\\')");
        }
        sql.push(" order by seen_at desc, name limit ").push_bind(limit);
        Ok(sql.build_query_as().fetch_all(&self.read).await?)
    }

    /// The one of these devices that has this id or name.
    pub async fn known_device(&self, of: DevicesOf<'_>, named: &str) -> Result<Option<DeviceRow>, StoreError> {
        let mut sql = QueryBuilder::<Sqlite>::new(DEVICES);
        of.push(&mut sql);
        sql.push(" and (node_id = ").push_bind(named).push(" or lower(name) = lower(").push_bind(named);
        sql.push(")) order by seen_at desc limit 1");
        Ok(sql.build_query_as().fetch_optional(&self.read).await?)
    }

    /// The device of that id, whoever's it is.
    pub async fn known_device_of(&self, node_id: &str) -> Result<Option<DeviceRow>, StoreError> {
        let mut sql = QueryBuilder::<Sqlite>::new(DEVICES);
        sql.push(" where node_id = ").push_bind(node_id);
        Ok(sql.build_query_as().fetch_optional(&self.read).await?)
    }

    /// Which of these rows are not stored as they are.
    pub async fn devices_to_put(&self, rows: Vec<DeviceRow>) -> Result<Vec<DeviceRow>, StoreError> {
        let begin = "select node_id, owner, name, hostname, os, search, seen_at, tags, addresses from directory_device
                     where node_id in (";
        let mut query = among(begin, rows.iter().map(|row| row.node_id.as_str()));
        let stored: Vec<DeviceRow> = query.build_query_as().fetch_all(&self.read).await?;
        Ok(rows.into_iter().filter(|row| !stored.contains(row)).collect())
    }
}
