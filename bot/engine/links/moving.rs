//! Moving links from and to golink by its snapshot, one JSON object a line. The bot does not run meanwhile.

use crate::kernel::Actor;
use crate::kernel::link::snapshot::Line;
use crate::kernel::link::{Link, LinkEvent, LinkId, NAME_MAX, check_destination};
use crate::store::{Store, StoreError};

/// At most so many links share a commit.
const BATCH_MAX: usize = 500;

/// What came of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Links that are there now and were not before.
    pub new: usize,
    /// Links that were there already, leading to the same place.
    pub kept: usize,
    /// Links whose name was there already and leads elsewhere: number of the line, and what leads where. They are as they were,
    /// as golink does it.
    pub different: Vec<(usize, String)>,
    /// Links that are there now and lead nowhere, as they did before: number of the line, and why.
    pub leads_nowhere: Vec<(usize, String)>,
    /// Lines that are no link: number and why.
    pub wrong: Vec<(usize, String)>,
}

impl Imported {
    /// The link of this line was not there.
    pub fn is_new(&mut self, number: usize, link: &Link) {
        self.new += 1;
        if let Err(why) = check_destination(&link.long) {
            self.leads_nowhere.push((number, format!("go/{} is taken over, but {why}", link.short)));
        }
    }

    /// A link of this name was there and leads to `long`.
    pub fn is_there(&mut self, number: usize, link: &Link, long: &str) {
        if link.long.trim() == long.trim() {
            self.kept += 1;
        } else {
            let what = format!("go/{} stays as it is here: it leads to {long}, and not to {}", link.short, link.long);
            self.different.push((number, what));
        }
    }
}

/// Something with the number of its line.
type Numbered<T> = (usize, T);

/// The links of a snapshot, with the numbers of their lines; and the lines that are none.
pub fn read(snapshot: &str, now: i64) -> (Vec<Numbered<Link>>, Vec<Numbered<String>>) {
    let (mut links, mut wrong) = (Vec::new(), Vec::new());
    for (number, line) in (1..).zip(snapshot.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        match serde_json::from_str::<Line>(line) {
            Err(error) => wrong.push((number, error.to_string())),
            Ok(line) => match unusable(&line.short) {
                Some(why) => wrong.push((number, why.to_owned())),
                None => links.push((number, line.into_link(now))),
            },
        }
    }
    (links, wrong)
}

/// Names that golink may have kept from older days are kept here too, unless nobody could follow them.
fn unusable(short: &str) -> Option<&'static str> {
    if LinkId::of(short).as_str().is_empty() {
        return Some("the name is empty");
    }
    if short.contains('/') || short.starts_with('.') || short.chars().any(char::is_control) {
        return Some("nobody can follow a link with this name");
    }
    (short.len() > NAME_MAX).then_some("the name is too long")
}

/// Puts the links of a snapshot into a database that no bot has open. `now`: milliseconds since the Unix epoch.
///
/// # Errors
/// The database failed; links of earlier batches are there, and importing again goes on.
pub async fn import(store: &Store, snapshot: &str, now: i64) -> Result<Imported, StoreError> {
    let (links, wrong) = read(snapshot, now);
    let mut imported = Imported { wrong, ..Imported::default() };
    for batch in links.chunks(BATCH_MAX) {
        let mut tx = store.begin().await?;
        for (number, link) in batch {
            let id = link.id();
            if let Some(there) = tx.link(&id).await? {
                imported.is_there(*number, link, &there.long);
                continue;
            }
            tx.put_link(link).await?;
            let event = LinkEvent::LinkSaved { editor: None, before: None, after: link.clone() };
            tx.note(&(&id).into(), &Actor::Operator { by: None }, &event, "imported", now).await?;
            imported.is_new(*number, link);
        }
        tx.commit().await?;
    }
    Ok(imported)
}

/// The snapshot of a database, by name.
///
/// # Errors
/// The database failed.
pub async fn export(store: &Store) -> Result<String, StoreError> {
    Ok(store.links().await?.iter().map(|link| Line::of(link).to_text() + "\n").collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_snapshot_goes_in_once_and_comes_out_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let address = format!("sqlite://{}", folder.path().join("nightlatch.db").display());
        let store = Store::open(&address).await.unwrap();
        let good = "{\"Short\":\"Go\",\"Long\":\"http://go\",\"Created\":\"2022-05-31T20:04:44Z\",\"LastEdit\":\"2022-06-01T00:00:00Z\",\
                    \"Owner\":\"amelie@example.com\"}\n{\"Short\":\"odd name\",\"Long\":\"\",\"Created\":\"0001-01-01T00:00:00Z\",\
                    \"LastEdit\":\"0001-01-01T00:00:00Z\",\"Owner\":\"\"}\n";
        let snapshot = format!(
            "{good}\nnot a link\n{{\"Short\":\"a/b\"}}\n{{\"Short\":\"\"}}\n{{\"Short\":\"g-O\",\"Long\":\"x\"}}\n"
        );
        let imported = import(&store, &snapshot, 0).await.unwrap();
        assert_eq!((imported.new, imported.kept), (2, 0));
        let told = |lines: &[(usize, String)]| lines.iter().map(|(n, what)| format!("{n}: {what}")).collect::<Vec<_>>();
        assert_eq!(told(&imported.different), ["7: go/g-O stays as it is here: it leads to http://go, and not to x"]);
        assert_eq!(told(&imported.leads_nowhere), ["2: go/odd name is taken over, but a destination is missing"]);
        assert_eq!(imported.wrong.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [4, 5, 6]);
        assert_eq!(export(&store).await.unwrap(), good);
        let again = import(&store, good, 0).await.unwrap();
        assert_eq!((again.new, again.kept, again.wrong.len()), (0, 2, 0));
        assert!(store.verify_audit().await.unwrap().is_ok());
    }
}
