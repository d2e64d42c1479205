//! Rows of the directory: people, groups and devices as they were last told. A cache: nothing in it decides anything.

mod devices;

use std::collections::HashSet;

use sqlx::{QueryBuilder, Sqlite};

use super::{Store, StoreError, Tx};
pub use devices::{DeviceRow, DevicesOf};

/// Rows of one statement; each has at most nine values, and SQLite takes 32,766.
pub const ROWS_MAX: usize = 200;
/// Words of a search that are looked at.
const WORDS_MAX: usize = 8;

/// Somebody of the workspace.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct PersonRow {
    /// `U...` or `W...`.
    pub slack_id: String,
    /// In lower case.
    pub email: Option<String>,
    /// For people to read.
    pub name: String,
    /// `member` or `guest`.
    pub standing: String,
}

/// A user of the tailnet.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct UserRow {
    /// In lower case.
    pub login: String,
    /// As the tailnet spells it.
    pub spelled: String,
    /// `u...CNTRL`.
    pub user_id: String,
    /// Nothing shuts them out.
    pub may_act: bool,
}

/// Where a group is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupKind {
    /// A user group of the workspace.
    Slack,
    /// A group of the policy file.
    Tailnet,
}

impl GroupKind {
    fn word(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::Tailnet => "tailnet",
        }
    }
}

/// When a list was read.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ListRow {
    /// Which.
    pub list: String,
    /// When the reading began.
    pub read_at: i64,
    /// How long it took.
    pub took_ms: i64,
}

/// A table whose rows are told as a whole list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListedRows {
    /// `directory_person`
    People,
    /// `directory_user`
    Users,
    /// `directory_device`
    Devices,
}

impl ListedRows {
    fn next_ids(self) -> &'static str {
        match self {
            Self::People => "select slack_id from directory_person where slack_id > $1 order by slack_id limit $2",
            Self::Users => "select login from directory_user where login > $1 order by login limit $2",
            Self::Devices => "select node_id from directory_device where node_id > $1 order by node_id limit $2",
        }
    }

    fn delete(self) -> &'static str {
        match self {
            Self::People => "delete from directory_person where slack_id in (",
            Self::Users => "delete from directory_user where login in (",
            Self::Devices => "delete from directory_device where node_id in (",
        }
    }
}

fn among<'q>(begin: &'q str, ids: impl Iterator<Item = &'q str>) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(begin);
    let mut list = query.separated(", ");
    for id in ids {
        list.push_bind(id.to_owned());
    }
    query.push(")");
    query
}

/// For `like ... escape '\'`.
fn escaped(word: &str) -> String {
    word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

impl Tx {
    /// Keeps people; those of the same id are replaced. At most `ROWS_MAX`.
    pub async fn put_people(&mut self, rows: &[PersonRow]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut query = QueryBuilder::new("insert into directory_person (slack_id, email, name, standing) ");
        query.push_values(rows, |mut row, person| {
            row.push_bind(&person.slack_id).push_bind(&person.email);
            row.push_bind(&person.name).push_bind(&person.standing);
        });
        query.push(
            " on conflict (slack_id) do update set email = excluded.email, name = excluded.name, standing = excluded.standing",
        );
        query.build().execute(self.connection()).await?;
        Ok(())
    }

    /// Keeps users; those of the same login are replaced. At most `ROWS_MAX`.
    pub async fn put_users(&mut self, rows: &[UserRow]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut query = QueryBuilder::new("insert into directory_user (login, spelled, user_id, may_act) ");
        query.push_values(rows, |mut row, user| {
            row.push_bind(&user.login).push_bind(&user.spelled);
            row.push_bind(&user.user_id).push_bind(i64::from(user.may_act));
        });
        query.push(
            " on conflict (login) do update set spelled = excluded.spelled, user_id = excluded.user_id, may_act = excluded.may_act",
        );
        query.build().execute(self.connection()).await?;
        Ok(())
    }

    /// Forgets rows of a list. At most `ROWS_MAX`.
    pub async fn forget_listed(&mut self, rows: ListedRows, ids: &[String]) -> Result<(), StoreError> {
        if !ids.is_empty() {
            among(rows.delete(), ids.iter().map(String::as_str)).build().execute(self.connection()).await?;
        }
        Ok(())
    }

    /// Keeps a group.
    pub async fn put_group(&mut self, kind: GroupKind, name: &str, group_id: &str) -> Result<(), StoreError> {
        sqlx::query(
            "insert into directory_group (kind, name, group_id) values ($1, $2, $3)
             on conflict (kind, name) do update set group_id = excluded.group_id",
        )
        .bind(kind.word())
        .bind(name)
        .bind(group_id)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Adds members of a group. At most `ROWS_MAX`.
    pub async fn add_members(&mut self, kind: GroupKind, name: &str, members: &[String]) -> Result<(), StoreError> {
        if members.is_empty() {
            return Ok(());
        }
        let mut query = QueryBuilder::new("insert into directory_member (kind, name, member) ");
        query.push_values(members, |mut row, member| {
            row.push_bind(kind.word()).push_bind(name).push_bind(member);
        });
        query.push(" on conflict do nothing");
        query.build().execute(self.connection()).await?;
        Ok(())
    }

    /// Removes members of a group. At most `ROWS_MAX`.
    pub async fn remove_members(&mut self, kind: GroupKind, name: &str, members: &[String]) -> Result<(), StoreError> {
        if members.is_empty() {
            return Ok(());
        }
        let mut query = QueryBuilder::new("delete from directory_member where kind = ");
        query.push_bind(kind.word()).push(" and name = ").push_bind(name).push(" and member in (");
        let mut list = query.separated(", ");
        for member in members {
            list.push_bind(member);
        }
        query.push(")");
        query.build().execute(self.connection()).await?;
        Ok(())
    }

    /// Forgets a group and its members.
    pub async fn forget_group(&mut self, kind: GroupKind, name: &str) -> Result<(), StoreError> {
        for statement in [
            "delete from directory_member where kind = $1 and name = $2",
            "delete from directory_group where kind = $1 and name = $2",
        ] {
            sqlx::query(statement).bind(kind.word()).bind(name).execute(self.connection()).await?;
        }
        Ok(())
    }

    /// Notes that a list was read.
    pub async fn note_list(&mut self, row: &ListRow) -> Result<(), StoreError> {
        sqlx::query(
            "insert into directory_list (list, read_at, took_ms) values ($1, $2, $3)
             on conflict (list) do update set read_at = excluded.read_at, took_ms = excluded.took_ms",
        )
        .bind(&row.list)
        .bind(row.read_at)
        .bind(row.took_ms)
        .execute(self.connection())
        .await?;
        Ok(())
    }
}

impl Store {
    /// Somebody of the workspace, if they are known.
    pub async fn known_person(&self, slack_id: &str) -> Result<Option<PersonRow>, StoreError> {
        let sql = "select slack_id, email, name, standing from directory_person where slack_id = $1";
        Ok(sqlx::query_as(sql).bind(slack_id).fetch_optional(&self.read).await?)
    }

    /// Slack ids of full members, at most `limit`.
    pub async fn known_people(&self, limit: i64) -> Result<Vec<String>, StoreError> {
        let sql = "select slack_id from directory_person where standing = 'member' order by slack_id limit $1";
        Ok(sqlx::query_scalar(sql).bind(limit).fetch_all(&self.read).await?)
    }

    /// Slack ids of full members with this address.
    pub async fn known_ids_of(&self, email: &str) -> Result<Vec<String>, StoreError> {
        let sql = "select slack_id from directory_person where email = $1 and standing = 'member' limit 2";
        Ok(sqlx::query_scalar(sql).bind(email).fetch_all(&self.read).await?)
    }

    /// A user of the tailnet by login in lower case, if they are known.
    pub async fn known_user(&self, login: &str) -> Result<Option<UserRow>, StoreError> {
        let sql = "select login, spelled, user_id, may_act from directory_user where login = $1";
        Ok(sqlx::query_as(sql).bind(login).fetch_optional(&self.read).await?)
    }

    /// Logins in lower case, at most `limit`; of those who may act, or of all.
    pub async fn known_logins(&self, only_active: bool, limit: i64) -> Result<Vec<String>, StoreError> {
        let sql = "select login from directory_user where may_act >= $1 order by login limit $2";
        Ok(sqlx::query_scalar(sql).bind(i64::from(only_active)).bind(limit).fetch_all(&self.read).await?)
    }

    /// The id of a group, if it is known.
    pub async fn known_group(&self, kind: GroupKind, name: &str) -> Result<Option<String>, StoreError> {
        let sql = "select group_id from directory_group where kind = $1 and name = $2";
        Ok(sqlx::query_scalar(sql).bind(kind.word()).bind(name).fetch_optional(&self.read).await?)
    }

    /// Every group that is known.
    pub async fn known_groups(&self, kind: GroupKind) -> Result<Vec<String>, StoreError> {
        let sql = "select name from directory_group where kind = $1";
        Ok(sqlx::query_scalar(sql).bind(kind.word()).fetch_all(&self.read).await?)
    }

    /// Whether somebody is in a group, as far as it is known.
    pub async fn is_known_member(&self, kind: GroupKind, name: &str, member: &str) -> Result<bool, StoreError> {
        let sql = "select count(*) from directory_member where kind = $1 and name = $2 and member = $3";
        let count: i64 =
            sqlx::query_scalar(sql).bind(kind.word()).bind(name).bind(member).fetch_one(&self.read).await?;
        Ok(count > 0)
    }

    /// Members of a group, at most `limit`.
    pub async fn known_members(&self, kind: GroupKind, name: &str, limit: i64) -> Result<Vec<String>, StoreError> {
        let sql = "select member from directory_member where kind = $1 and name = $2 order by member limit $3";
        Ok(sqlx::query_scalar(sql).bind(kind.word()).bind(name).bind(limit).fetch_all(&self.read).await?)
    }

    /// When the lists were read.
    pub async fn known_lists(&self) -> Result<Vec<ListRow>, StoreError> {
        Ok(sqlx::query_as("select list, read_at, took_ms from directory_list").fetch_all(&self.read).await?)
    }

    /// Which of these rows are not stored as they are.
    pub async fn people_to_put(&self, rows: Vec<PersonRow>) -> Result<Vec<PersonRow>, StoreError> {
        let begin = "select slack_id, email, name, standing from directory_person where slack_id in (";
        let mut query = among(begin, rows.iter().map(|row| row.slack_id.as_str()));
        let stored: Vec<PersonRow> = query.build_query_as().fetch_all(&self.read).await?;
        Ok(rows.into_iter().filter(|row| !stored.contains(row)).collect())
    }

    /// Which of these rows are not stored as they are.
    pub async fn users_to_put(&self, rows: Vec<UserRow>) -> Result<Vec<UserRow>, StoreError> {
        let begin = "select login, spelled, user_id, may_act from directory_user where login in (";
        let mut query = among(begin, rows.iter().map(|row| row.login.as_str()));
        let stored: Vec<UserRow> = query.build_query_as().fetch_all(&self.read).await?;
        Ok(rows.into_iter().filter(|row| !stored.contains(row)).collect())
    }

    /// Ids of rows that a list does not name any more, in the order of the ids after `after`; and the last id that was looked at, if
    /// there are more.
    pub async fn unlisted(
        &self,
        rows: ListedRows,
        listed: &HashSet<String>,
        after: &str,
    ) -> Result<(Vec<String>, Option<String>), StoreError> {
        let limit = i64::try_from(ROWS_MAX).unwrap_or(i64::MAX);
        let ids: Vec<String> =
            sqlx::query_scalar(rows.next_ids()).bind(after).bind(limit).fetch_all(&self.read).await?;
        let last = ids.last().filter(|_| ids.len() >= ROWS_MAX).cloned();
        Ok((ids.into_iter().filter(|id| !listed.contains(id)).collect(), last))
    }
}
