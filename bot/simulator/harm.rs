//! What becomes of the bot's files while it is not running, and whether it notices.

use std::path::{Path, PathBuf};

use super::life::Mishap;
use super::places::{Place, is_attribute};
use super::plan::Harm;
use super::world::{Inner, World};
use crate::engine::Engine;
use crate::kernel::Key;
use crate::store::still::{damage, look};

/// A copy of the database.
pub struct Copied {
    folder: PathBuf,
    /// How long its log is.
    seen: i64,
}

const FILES: [&str; 2] = ["nightlatch.db", "nightlatch.db-wal"];
const SPOILT_REQUEST: &[&str] = &["update request set body = '{\"shape\":1000}' where state <> 'ended' and id =
    (select request_id from hold where phase in ('begun', 'held') order by until, request_id limit 1) returning id"];
const SPOILT_EFFECT: &[&str] = &[
    "update outbox set effect = '{\"shape\":1000,\"effect\":\"later\"}' where set_aside_at is null
         and seq = (select max(seq) from outbox) returning request_id",
    "insert into outbox (seq, request_id, slot, lane, ordered, due_at, attempts, effect, class, first)
         select max(outbox_seq, coalesce((select max(seq) from outbox), 0)) + 1000, '', '', 'later', 0, 0, 0, '{\"effect\":\"of a later version\"}', 0, 1 from head
         where not exists (select 1 from outbox where lane = 'later') returning ''",
];

/// The newest shapes of both only say more than those before, so that what does not say it is the same.
const OLDER: &[&str] = &[
    "update request set body = (
         select substr(request.body, 1, length(request.body) - 1) || ',\"ask\":' || substr(asked.body, 1, length(asked.body) - 1)
             || ',\"workflow\":' || workflow.body || '}}'
         from asked join workflow on workflow.digest = asked.workflow where asked.request_id = request.id)
     where id in (select request_id from asked) returning ''",
    "delete from asked returning ''",
    "update request set body = replace(body, '{\"shape\":' || json_extract(body, '$.shape') || ',',
         '{\"shape\":' || (json_extract(body, '$.shape') - 1) || ',') where json_extract(body, '$.shape') < 1000 returning ''",
    "update outbox set effect = replace(effect, '{\"shape\":' || json_extract(effect, '$.shape') || ',',
         '{\"shape\":' || (json_extract(effect, '$.shape') - 1) || ',') where json_extract(effect, '$.shape') < 1000 returning ''",
];

/// Something becomes of the files in `folder`.
pub fn befalls(inner: &mut Inner, folder: &Path, harm: Harm, copied: &mut Option<Copied>) -> Result<(), Mishap> {
    let database = folder.join("nightlatch.db");
    match harm {
        Harm::Copied => {
            let copy = folder.join("copy");
            std::fs::create_dir_all(&copy)?;
            for file in FILES {
                // What is not there leaves nothing behind.
                if std::fs::copy(folder.join(file), copy.join(file)).is_err() {
                    drop(std::fs::remove_file(copy.join(file)));
                }
            }
            inner.tell(|| "the database is copied".to_owned());
            *copied = Some(Copied { folder: copy, seen: inner.seen });
        }
        Harm::PutBack => {
            let Some(copied) = copied else { return Ok(()) };
            // Whoever has just taken the anchor away said that any copy is right.
            if copied.seen == inner.seen || !folder.join("nightlatch.anchor").exists() {
                return Ok(());
            }
            // Removed and not written over: whatever the dead bot left open writes into nothing.
            for file in ["nightlatch.db", "nightlatch.db-shm", "nightlatch.db-wal"] {
                drop(std::fs::remove_file(folder.join(file)));
            }
            for file in FILES.iter().filter(|file| copied.folder.join(file).exists()) {
                std::fs::copy(copied.folder.join(file), folder.join(file))?;
            }
            inner.put_back();
        }
        Harm::Request => {
            let spoilt = look(damage(&database, SPOILT_REQUEST))?;
            inner.spoil(spoilt);
        }
        Harm::Older => {
            look(damage(&database, OLDER))?;
            inner.tell(|| "the database is as a version before wrote it".to_owned());
        }
        Harm::Effect => {
            let spoilt = look(damage(&database, SPOILT_EFFECT))?;
            inner.spoil(spoilt);
        }
    }
    Ok(())
}

/// A bot that was started on an older database knows that at once.
pub fn is_noticed(world: &World, engine: &Engine) {
    let mut inner = world.lock();
    if !inner.is_put_back {
        return;
    }
    if engine.log_health().borrow().mismatch.is_none() {
        inner.wrong(|| "an older database was taken as if nothing were".to_owned());
    }
    let now = inner.now;
    let on: Vec<Place> =
        inner.places.all().filter(|place| is_attribute(place) && is_on(&inner, place, now)).cloned().collect();
    for place in on {
        let key = Key::from_stored(format!("tailscale.attribute {} {}", place.0, place.1));
        let is_known = look(engine.store().held(&key)).is_ok_and(|held| !held.ends.is_empty() || held.before.is_some());
        if !is_known {
            inner.unknown.push(place);
        }
    }
}

fn is_on(inner: &Inner, place: &Place, now: i64) -> bool {
    // What ends while it is looked through may be missed.
    let later = now.saturating_add(300_000);
    inner.places.is_on(place, now) && inner.places.is_on(place, later)
}
