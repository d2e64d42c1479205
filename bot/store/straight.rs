//! Calls to the database as they are made outside of simulations: straight. `still` is the same in a simulation.

use std::future::Future;

use sqlx::{SqliteConnection, SqlitePool};

/// A kind of call to the database.
#[derive(Clone, Copy, Debug)]
pub(super) enum StoreCall {
    /// A transaction begins.
    Begin,
    /// A transaction ends.
    Commit,
}

/// The pool for reading.
pub(super) type Reader = SqlitePool;

/// A connection within the write transaction.
pub(super) type Writing<'c> = &'c mut SqliteConnection;

/// Stands before and behind what holds a connection.
#[derive(Default)]
pub(super) struct Gate;

pub(super) fn reader(pool: SqlitePool) -> Reader {
    pool
}

pub(super) fn pool(reader: &Reader) -> &SqlitePool {
    reader
}

pub(super) fn writing(connection: &mut SqliteConnection) -> Writing<'_> {
    connection
}

impl Gate {
    pub(super) fn before() -> Self {
        Self
    }

    pub(super) fn behind() -> Self {
        Self
    }
}

pub(super) async fn limit_room(_: &mut SqliteConnection) {}

pub(super) fn still<T>(_: StoreCall, work: impl Future<Output = T>) -> impl Future<Output = T> {
    work
}
