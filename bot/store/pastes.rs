//! Rows of pastes and drafts. What may be done with them is decided in the kernel, before anything here is called.

use super::{Store, StoreError, Tx};
use crate::kernel::Subject;
use crate::kernel::effect::{Due, Effect};
use crate::kernel::kept::Unreadable;
use crate::kernel::paste::{Author, Draft, Paste, PasteId, PastePlace, Text};

/// When a paste is gone: the ledger says it of one that steps hold. tclip knows no end, so there it is when it was deleted.
macro_rules! end {
    () => {
        "case when key is null then expires_at when url is not null then null else (
             select coalesce(max(hold.until), 0) from hold where hold.key = paste.key and hold.phase in ('begun', 'held')
         ) end"
    };
}

/// `select` of everything but the text, followed by what the caller asks for.
macro_rules! select {
    ($($rest:expr),+) => {
        concat!(
            "select id, created_at, ", end!(), " as expires_at, slack_id, login, author, filename, language, url, key,
                 size_bytes from paste ",
            $($rest),+
        )
    };
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    created_at: i64,
    expires_at: Option<i64>,
    slack_id: Option<String>,
    login: Option<String>,
    author: String,
    filename: String,
    language: Option<String>,
    url: Option<String>,
    key: Option<String>,
    size_bytes: i64,
}

impl Row {
    fn read(self) -> Result<Paste, StoreError> {
        let id = PasteId::read(&self.id).ok_or_else(|| Unreadable::broken("paste", "its id is not one of a paste"))?;
        Ok(Paste {
            id,
            filename: self.filename,
            language: self.language,
            author: Author { slack_id: self.slack_id, login: self.login, name: self.author },
            size_bytes: usize::try_from(self.size_bytes).unwrap_or(0),
            created_at: self.created_at,
            expires_at: self.expires_at,
            place: self.url.map_or(PastePlace::Here, |url| PastePlace::Tclip { url }),
            key: self.key,
        })
    }
}

impl Tx {
    /// The paste as the transaction sees it.
    pub async fn paste(&mut self, id: &PasteId) -> Result<Option<Paste>, StoreError> {
        let row: Option<Row> =
            sqlx::query_as(select!("where id = $1")).bind(id.as_str()).fetch_optional(self.connection()).await?;
        row.map(Row::read).transpose()
    }

    /// The paste that a step's key made.
    pub async fn paste_of_key(&mut self, key: &str) -> Result<Option<Paste>, StoreError> {
        let row: Option<Row> =
            sqlx::query_as(select!("where key = $1")).bind(key).fetch_optional(self.connection()).await?;
        row.map(Row::read).transpose()
    }

    /// Keeps a paste, and if it ends by itself, the wake that removes it. `content` is empty for one that stands at a tclip.
    pub async fn insert_paste(&mut self, paste: &Paste, content: &str) -> Result<(), StoreError> {
        let ends_at = paste.expires_at.filter(|_| paste.key.is_none());
        let url = match &paste.place {
            PastePlace::Here => None,
            PastePlace::Tclip { url } => Some(url),
        };
        sqlx::query(
            "insert into paste (id, created_at, expires_at, slack_id, login, author, filename, language, url, key,
                 size_bytes, content)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(paste.id.as_str())
        .bind(paste.created_at)
        .bind(ends_at)
        .bind(&paste.author.slack_id)
        .bind(paste.author.login.as_ref().map(|login| login.to_lowercase()))
        .bind(&paste.author.name)
        .bind(&paste.filename)
        .bind(&paste.language)
        .bind(url)
        .bind(&paste.key)
        .bind(i64::try_from(paste.size_bytes).unwrap_or(i64::MAX))
        .bind(content)
        .execute(self.connection())
        .await?;
        self.wake_at_end(&paste.id, ends_at).await
    }

    /// Removes a paste or a draft with its text and its wake. Nothing there is fine.
    pub async fn delete_paste(&mut self, id: &PasteId) -> Result<(), StoreError> {
        sqlx::query("delete from paste where id = $1").bind(id.as_str()).execute(self.connection()).await?;
        sqlx::query("delete from paste_draft where id = $1").bind(id.as_str()).execute(self.connection()).await?;
        self.wake_at_end(id, None).await
    }

    /// Keeps a draft, and the wake that forgets it.
    pub async fn insert_draft(&mut self, draft: &Draft) -> Result<(), StoreError> {
        sqlx::query(
            "insert into paste_draft (id, slack_id, expires_at, filename, language, content)
             values ($1, $2, $3, $4, $5, $6)",
        )
        .bind(draft.id.as_str())
        .bind(&draft.slack_id)
        .bind(draft.expires_at)
        .bind(&draft.text.filename)
        .bind(&draft.text.language)
        .bind(&draft.text.content)
        .execute(self.connection())
        .await?;
        self.wake_at_end(&draft.id, Some(draft.expires_at)).await
    }

    /// Gives a draft another end.
    pub async fn keep_draft(&mut self, id: &PasteId, until: i64) -> Result<(), StoreError> {
        sqlx::query("update paste_draft set expires_at = $2 where id = $1")
            .bind(id.as_str())
            .bind(until)
            .execute(self.connection())
            .await?;
        self.wake_at_end(id, Some(until)).await
    }

    /// When a draft ends, if there is one.
    pub async fn draft_end(&mut self, id: &PasteId) -> Result<Option<i64>, StoreError> {
        let end = sqlx::query_scalar("select expires_at from paste_draft where id = $1")
            .bind(id.as_str())
            .fetch_optional(self.connection())
            .await?;
        Ok(end)
    }

    async fn wake_at_end(&mut self, id: &PasteId, expires_at: Option<i64>) -> Result<(), StoreError> {
        let subject = Subject::from(id);
        let Some(at) = expires_at else {
            self.empty_slot(&subject, "expire");
            return Ok(());
        };
        let effect = Effect::ExpirePaste { id: id.to_string() };
        self.enqueue(&subject, &[Due { at, effect }]).await
    }
}

impl Store {
    /// The paste of that id, without its text. It may be expired.
    pub async fn paste(&self, id: &PasteId) -> Result<Option<Paste>, StoreError> {
        let row: Option<Row> =
            sqlx::query_as(select!("where id = $1")).bind(id.as_str()).fetch_optional(&self.read).await?;
        row.map(Row::read).transpose()
    }

    /// The paste that a step's key made.
    pub async fn paste_of_key(&self, key: &str) -> Result<Option<Paste>, StoreError> {
        let row: Option<Row> = sqlx::query_as(select!("where key = $1")).bind(key).fetch_optional(&self.read).await?;
        row.map(Row::read).transpose()
    }

    /// The text of a paste; none if there is no such paste.
    pub async fn paste_content(&self, id: &PasteId) -> Result<Option<String>, StoreError> {
        let content = sqlx::query_scalar("select content from paste where id = $1")
            .bind(id.as_str())
            .fetch_optional(&self.read)
            .await?;
        Ok(content)
    }

    /// The first characters of these pastes' texts.
    pub async fn paste_begins(&self, ids: &[&PasteId]) -> Result<Vec<(PasteId, String)>, StoreError> {
        let mut query = sqlx::QueryBuilder::new("select id, substr(content, 1, 400) from paste where id in (");
        let mut list = query.separated(", ");
        for id in ids {
            list.push_bind(id.as_str().to_owned());
        }
        query.push(")");
        let rows: Vec<(String, String)> = query.build_query_as().fetch_all(&self.read).await?;
        Ok(rows.into_iter().filter_map(|(id, begin)| Some((PasteId::read(&id)?, begin))).collect())
    }

    /// Somebody's pastes that are there at `now`, newest first: whose they are is told as `Author::is_same` tells it.
    pub async fn pastes_of(&self, who: &Author, now: i64, limit: i64) -> Result<Vec<Paste>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(select!(
            "where id in (
                 select id from paste where slack_id = $1
                 union select id from paste where login = $2 and (slack_id is null or $1 is null))
             and coalesce(",
            end!(),
            ", $3 + 1) > $3 order by created_at desc, id desc limit $4"
        ))
        .bind(&who.slack_id)
        .bind(who.login.as_ref().map(|login| login.to_lowercase()))
        .bind(now)
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        rows.into_iter().map(Row::read).collect()
    }

    /// How many pastes of theirs stand here, and how many bytes those have. What a grant holds is not counted.
    pub async fn pasted_by(&self, who: &Author, now: i64) -> Result<(u64, u64), StoreError> {
        let (count, bytes): (i64, i64) = sqlx::query_as(
            "select count(*), coalesce(sum(size_bytes), 0) from paste
             where id in (
                 select id from paste where slack_id = $1
                 union select id from paste where login = $2 and (slack_id is null or $1 is null))
             and url is null and key is null and (expires_at is null or expires_at > $3)",
        )
        .bind(&who.slack_id)
        .bind(who.login.as_ref().map(|login| login.to_lowercase()))
        .bind(now)
        .fetch_one(&self.read)
        .await?;
        Ok((u64::try_from(count).unwrap_or(0), u64::try_from(bytes).unwrap_or(0)))
    }

    /// How many texts of theirs wait for a second click.
    pub async fn drafts_of(&self, slack_id: &str, now: i64) -> Result<u64, StoreError> {
        let count: i64 = sqlx::query_scalar("select count(*) from paste_draft where slack_id = $1 and expires_at > $2")
            .bind(slack_id)
            .bind(now)
            .fetch_one(&self.read)
            .await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Everybody's pastes that stand here and are there at `now`, newest first, for the page that lists them. What lives
    /// for a grant is not in it.
    pub async fn pastes_page(&self, now: i64, limit: i64, offset: i64) -> Result<Vec<Paste>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(select!(
            "where url is null and key is null and (expires_at is null or expires_at > $1)
             order by created_at desc, id desc limit $2 offset $3"
        ))
        .bind(now)
        .bind(limit)
        .bind(offset)
        .fetch_all(&self.read)
        .await?;
        rows.into_iter().map(Row::read).collect()
    }

    /// Every paste that stands here and is there at `now`, oldest first, at most `limit` after (time, id); to export.
    pub async fn pastes_after(&self, after: (i64, &str), now: i64, limit: i64) -> Result<Vec<Paste>, StoreError> {
        let (at, id) = after;
        let rows: Vec<Row> = sqlx::query_as(select!(
            "where url is null and (created_at > $1 or (created_at = $1 and id > $2))
             and coalesce(",
            end!(),
            ", $3 + 1) > $3 order by created_at, id limit $4"
        ))
        .bind(at)
        .bind(id)
        .bind(now)
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        rows.into_iter().map(Row::read).collect()
    }

    /// The draft of that id. It may be expired.
    pub async fn draft(&self, id: &PasteId) -> Result<Option<Draft>, StoreError> {
        let row: Option<(String, i64, String, Option<String>, String)> =
            sqlx::query_as("select slack_id, expires_at, filename, language, content from paste_draft where id = $1")
                .bind(id.as_str())
                .fetch_optional(&self.read)
                .await?;
        Ok(row.map(|(slack_id, expires_at, filename, language, content)| Draft {
            id: id.clone(),
            slack_id,
            expires_at,
            text: Text { filename, language, content },
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_text_that_was_thrown_away_is_not_in_the_file_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite://{}", folder.path().join("a.db").display())).await.unwrap();
        let id = PasteId::read("0b9b23d8-5b1c-4a1e-9c43-7d6d2c1f0e5a").unwrap();
        for length in [40, 40_000] {
            let content = format!("{}canary-in-a-draft", "x".repeat(length));
            let text = Text { filename: "a".to_owned(), language: None, content };
            let draft = Draft { id: id.clone(), slack_id: "U1".to_owned(), text, expires_at: 1 };
            let mut tx = store.begin().await.unwrap();
            tx.insert_draft(&draft).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(store.draft(&id).await.unwrap(), Some(draft));
            let mut tx = store.begin().await.unwrap();
            tx.delete_paste(&id).await.unwrap();
            tx.commit().await.unwrap();
        }
        store.close().await;
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            assert!(!String::from_utf8_lossy(&bytes).contains("canary-in-a-draft"));
        }
    }
}
