//! What is collected and written together is what would have been written one after the other.

use proptest::prelude::*;

use crate::kernel::effect::{Due, Effect, Notice, Recipient};
use crate::kernel::event::Purpose;
use crate::kernel::request::Place;
use crate::kernel::{Key, RequestId, Subject, Wake};
use crate::store::{Class, Row, Store, Tx};

/// One thing that happens to the outbox.
#[derive(Clone, Debug)]
enum Change {
    Put { request: u8, effect: u8, at: i64 },
    Over { request: u8 },
    Empty { request: u8 },
    Postpone { seq: i64 },
    Hurry,
}

fn effect(kind: u8) -> Effect {
    let wake = |wake| Effect::Wake { wake };
    let person = Recipient::Person { slack_id: "U1".to_owned() };
    match kind % 9 {
        0 => Effect::Settle { key: Key::new("a", "x") },
        1 => Effect::Settle { key: Key::new("b", "y") },
        2 => wake(Wake::Expire),
        3 => wake(Wake::Alarm),
        4 => Effect::Show { place: Place::Channel("#access".to_owned()) },
        5 => Effect::Tell { to: person, notice: Notice::Ended },
        6 => Effect::Tell { to: Recipient::Thread, notice: Notice::Active },
        7 => {
            Effect::Identify { slack_id: "U1".to_owned(), purpose: Purpose::Press { number: u32::from(kind / 9 % 3) } }
        }
        _ => Effect::ExpirePaste { id: "p".to_owned() },
    }
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        8 => (0_u8..3, any::<u8>(), 0_i64..50).prop_map(|(request, effect, at)| Change::Put { request, effect, at }),
        1 => (0_u8..3).prop_map(|request| Change::Over { request }),
        1 => (0_u8..3).prop_map(|request| Change::Empty { request }),
        1 => (1_i64..30).prop_map(|seq| Change::Postpone { seq }),
        1 => Just(Change::Hurry),
    ]
}

async fn make(tx: &mut Tx, change: &Change) {
    let request = |number: &u8| RequestId(format!("r{number}"));
    match change {
        Change::Put { request: number, effect: kind, at } => {
            tx.enqueue(&Subject::Request(request(number)), &[Due { at: *at, effect: effect(*kind) }]).await.unwrap();
        }
        Change::Over { request: number } => tx.end_waits(&request(number)),
        Change::Empty { request: number } => tx.empty_slot(&Subject::Request(request(number)), "expire"),
        Change::Postpone { seq } => tx.postpone(*seq, 99, "not now"),
        Change::Hurry => tx.hurry_settling("a", 5),
    }
}

async fn opened() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&format!("sqlite://{}", folder.path().join("a.db").display())).await.unwrap();
    (folder, store)
}

type Stored = (i64, String, String, String, i64, i64, i64, i64, i64);

async fn rows(store: &Store) -> Vec<Stored> {
    let query = "select seq, request_id, slot, lane, ordered, due_at, attempts, class, first from outbox order by seq";
    sqlx::query_as(query).fetch_all(&store.read).await.unwrap()
}

/// Several transactions: in each some rows are performed first, as the writer does it.
async fn compared(batches: &[(Vec<i64>, Vec<Change>)]) {
    let ((_one, together), (_other, single)) = (opened().await, opened().await);
    for (done, changes) in batches {
        let mut tx = together.begin().await.unwrap();
        done.iter().for_each(|seq| tx.done(*seq));
        for change in changes {
            make(&mut tx, change).await;
        }
        tx.commit().await.unwrap();
        let mut tx = single.begin().await.unwrap();
        for seq in done {
            tx.done(*seq);
            tx.flush().await.unwrap();
        }
        for change in changes {
            // What is put off or hurried is what was there before; the writer never does either to what it just put in.
            if !matches!(change, Change::Postpone { .. } | Change::Hurry) {
                make(&mut tx, change).await;
                tx.flush().await.unwrap();
            }
        }
        for change in changes.iter().filter(|change| matches!(change, Change::Postpone { .. })) {
            make(&mut tx, change).await;
            tx.flush().await.unwrap();
        }
        for change in changes.iter().filter(|change| matches!(change, Change::Hurry)) {
            make(&mut tx, change).await;
            tx.flush().await.unwrap();
        }
        tx.commit().await.unwrap();
        assert_eq!(rows(&together).await, rows(&single).await, "{batches:?}");
    }
    for class in Class::ALL {
        for row in together.due(class, 1_000, 100).await.unwrap() {
            assert!(matches!(row, Row::Read(_)));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn together_it_is_as_one_after_the_other(
        batches in proptest::collection::vec((proptest::collection::vec(1_i64..30, 0..4), proptest::collection::vec(change(), 0..12)), 1..5),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(compared(&batches));
    }
}

#[tokio::test]
async fn what_is_done_and_put_in_again_for_later_waits_until_then() {
    let (_folder, store) = opened().await;
    let settle = |at| [Due { at, effect: Effect::Settle { key: Key::new("a", "x") } }];
    let key = Subject::from(&Key::new("a", "x"));
    let mut tx = store.begin().await.unwrap();
    tx.enqueue(&key, &settle(10)).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = store.begin().await.unwrap();
    tx.done(1);
    tx.enqueue(&key, &settle(500)).await.unwrap();
    tx.commit().await.unwrap();
    let due: Vec<(i64, i64)> = rows(&store).await.into_iter().map(|row| (row.0, row.5)).collect();
    assert_eq!(due, [(2, 500)], "a pause is a pause");
    // Whoever comes meanwhile and does not want to wait is settled for at once, and with them all.
    let mut tx = store.begin().await.unwrap();
    tx.enqueue(&key, &settle(20)).await.unwrap();
    tx.enqueue(&key, &settle(900)).await.unwrap();
    tx.commit().await.unwrap();
    let due: Vec<(i64, i64)> = rows(&store).await.into_iter().map(|row| (row.0, row.5)).collect();
    assert_eq!(due, [(4, 20)]);
}

#[tokio::test]
async fn a_row_that_nobody_counted_keeps_no_other_from_being_saved() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&format!("sqlite://{}", folder.path().join("n.db").display())).await.unwrap();
    let plant = "insert into outbox (seq, request_id, slot, lane, ordered, due_at, attempts, effect, class, first)
                 values (2, '', '', 'planted', 0, 0, 0, '{}', 0, 1), (9223372036854775807, '', '', 'far', 0, 0, 0, '{}', 0, 1)";
    sqlx::query(plant).execute(&store.write).await.unwrap();
    for number in 0..3 {
        let mut tx = store.begin().await.unwrap();
        make(&mut tx, &Change::Put { request: number, effect: 2, at: 5 }).await;
        make(&mut tx, &Change::Put { request: number, effect: 3, at: 5 }).await;
        tx.commit().await.unwrap();
    }
    assert_eq!(store.waiting().await.unwrap().len(), 6);
}
