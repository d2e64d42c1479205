//! What is collected of the ledger and written together is what would have been written one after the other, and how far a hold is can be
//! asked in between.

use proptest::prelude::*;
use serde_json::{Map, json};

use crate::kernel::{Holding, Key, Ledger, RequestId};
use crate::store::{Store, Tx};

#[derive(Clone, Debug)]
enum Change {
    Hold { until: i64 },
    Confirm { until: Option<i64> },
    Release,
    Leave,
    Remember { before: i64, again: bool },
    Forget,
    Ask,
}

type Step = (u8, u8, Change);

fn change() -> impl Strategy<Value = Step> {
    let change = prop_oneof![
        3 => (1_i64..5).prop_map(|until| Change::Hold { until }),
        2 => proptest::option::of(1_i64..5).prop_map(|until| Change::Confirm { until }),
        3 => Just(Change::Release),
        3 => Just(Change::Leave),
        2 => (1_i64..5, any::<bool>()).prop_map(|(before, again)| Change::Remember { before, again }),
        2 => Just(Change::Forget),
        1 => Just(Change::Ask),
    ];
    (0_u8..2, 0_u8..3, change)
}

async fn make(tx: &mut Tx, (key, id, change): &Step) -> Option<crate::store::HoldPhase> {
    let (key, id) = (Key::new("a", &format!("k{key}")), RequestId(format!("r{id}")));
    let holding = |until| Holding {
        until,
        login: "alice".to_owned(),
        with: Map::new(),
        comment: format!("until {until}"),
        used_by: Default::default(),
    };
    let entry = match change {
        Change::Hold { until } => Ledger::Hold { key, holding: holding(*until) },
        Change::Confirm { until } => Ledger::Confirm { key, until: *until },
        Change::Release => Ledger::Release { key },
        Change::Leave => Ledger::Leave { key },
        Change::Remember { before, again } => Ledger::Remember { key, before: json!(before), again: *again },
        Change::Forget => {
            tx.forget(&key).await.unwrap();
            return None;
        }
        Change::Ask => return tx.phase(&key, &id).await.unwrap(),
    };
    tx.write_ledger(&id, &entry).await.unwrap();
    None
}

async fn rows(
    store: &Store,
) -> (Vec<(String, String, i64, String, i64, Option<i64>)>, Vec<(String, i64)>, Vec<(String, i64, String)>) {
    let holds = "select key, request_id, until, phase, waits, confirmed_until from hold order by 1, 2";
    let ends = "select key, until from told_end order by 1, 2";
    let keys = "select key, confirmed, before from held_key order by 1";
    (
        sqlx::query_as(holds).fetch_all(&store.read).await.unwrap(),
        sqlx::query_as(ends).fetch_all(&store.read).await.unwrap(),
        sqlx::query_as(keys).fetch_all(&store.read).await.unwrap(),
    )
}

async fn opened() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&format!("sqlite://{}", folder.path().join("a.db").display())).await.unwrap();
    (folder, store)
}

async fn compared(batches: &[Vec<Step>]) {
    let ((_one, together), (_other, single)) = (opened().await, opened().await);
    for steps in batches {
        let mut first = together.begin().await.unwrap();
        let mut second = single.begin().await.unwrap();
        for step in steps {
            let said = make(&mut first, step).await;
            assert_eq!(said, make(&mut second, step).await, "{batches:?}");
            second.flush().await.unwrap();
        }
        first.commit().await.unwrap();
        second.commit().await.unwrap();
        assert_eq!(rows(&together).await, rows(&single).await, "{batches:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn together_it_is_as_one_after_the_other(
        batches in proptest::collection::vec(proptest::collection::vec(change(), 0..12), 1..5),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(compared(&batches));
    }
}

#[tokio::test]
async fn however_many_hold_a_key_only_those_who_matter_are_read() {
    let (_folder, store) = opened().await;
    let key = Key::new("a", "k");
    let holding = |until| Holding {
        until,
        login: "alice".to_owned(),
        with: Map::new(),
        comment: String::new(),
        used_by: Default::default(),
    };
    let mut tx = store.begin().await.unwrap();
    for number in 0..200_i64 {
        let id = RequestId(format!("r{number:03}"));
        let hold = Ledger::Hold { key: key.clone(), holding: holding(1_000 + number % 150) };
        tx.write_ledger(&id, &hold).await.unwrap();
        tx.write_ledger(&id, &Ledger::Confirm { key: key.clone(), until: Some(2_000) }).await.unwrap();
    }
    tx.release(&key, &RequestId("r007".to_owned())).await.unwrap();
    let new = Ledger::Hold { key: key.clone(), holding: holding(500) };
    tx.write_ledger(&RequestId("r999".to_owned()), &new).await.unwrap();
    tx.commit().await.unwrap();
    let names =
        |held: &crate::store::Held| held.holders.iter().map(|row| row.request_id.to_string()).collect::<Vec<_>>();
    let other = Key::new("a", "nobody's");
    let held = store.held_many(&[&other, &key]).await.unwrap();
    assert_eq!(held[0], crate::store::Held::default());
    // Who lets go, who holds it for longest, and who is new.
    assert_eq!(names(&held[1]), ["r007", "r149", "r999"]);
    assert_eq!(names(&store.held_by_all(&key).await.unwrap()).len(), 201);
}
