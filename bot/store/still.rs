//! Simulated time stands still while the database works: in a simulation whoever waits for it keeps the only thread, so that a run is the
//! same every time, and every call can be the last one.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Duration;

use super::Store;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use sqlx::error::{DatabaseError, ErrorKind};
use sqlx::sqlite::{SqliteQueryResult, SqliteRow, SqliteStatement, SqliteTypeInfo};
use sqlx::{
    ConnectOptions, Connection, Describe, Either, Error, Execute, Executor, SqlStr, Sqlite, SqliteConnection,
    SqlitePool,
};
use tokio::runtime::{EnterGuard, Handle};

/// A kind of call to the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreCall {
    /// Outside of a transaction.
    Read,
    /// A transaction begins.
    Begin,
    /// Within one.
    Statement,
    /// A transaction ends.
    Commit,
}

/// What becomes of whoever calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Goes on.
    Go,
    /// Is killed here: never goes on.
    Die,
    /// Hears that reading or writing the file failed.
    Fail,
    /// Hears that another process has the file locked.
    Wait,
    /// Hears that there is no memory for it.
    Starve,
}

/// Decides about every call, before it is made (false) and after it was (true).
pub type Watch = Arc<dyn Fn(StoreCall, bool) -> Fate + Send + Sync>;

/// How long connections have to close, in real time; who is not back by then is left alone.
const ABANDON_LIMIT: Duration = Duration::from_millis(300);

thread_local! {
    static IS_FULL: Cell<bool> = const { Cell::new(false) };
    static WAS_FULL: Cell<bool> = const { Cell::new(false) };
    static WATCH: RefCell<Option<Watch>> = const { RefCell::new(None) };
}

/// From now on calls on this thread keep it, and `watch` is asked about each. None: as in real life.
pub fn simulate(watch: Option<Watch>) {
    WATCH.with_borrow_mut(|place| *place = watch);
}

fn watch() -> Option<Watch> {
    WATCH.with_borrow(Clone::clone)
}

/// What sqlx leaves behind (giving connections back, its own limits of time) runs on another thread, in real time. Each simulating thread
/// has one beside it, on the same processor.
fn helper() -> Option<&'static Handle> {
    thread_local! {
        static HELPER: Option<&'static Handle> = {
            let builder = || tokio::runtime::Builder::new_multi_thread();
            let made = builder().worker_threads(1).thread_name("still").enable_all().build().ok();
            // Few threads ever simulate, each for as long as the process lives.
            made.map(|runtime| Box::leak(Box::new(runtime)).handle())
        };
    }
    HELPER.with(|helper| *helper)
}

struct Parked(Thread);

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs what asks the database to its end, here and now.
fn block_on<T>(work: impl Future<Output = T>) -> T {
    let _elsewhere = helper().map(Handle::enter);
    finish(work)
}

fn finish<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(tokio::task::unconstrained(work));
    let waker = Waker::from(Arc::new(Parked(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(answer) = work.as_mut().poll(&mut context) {
            return answer;
        }
        std::thread::park();
    }
}

/// From now on the disk is full for whoever writes on this thread, or it has room again.
pub fn fill_disk(is_full: bool) {
    IS_FULL.set(is_full);
}

/// Lets SQLite find out that there is no room, or that there is again.
pub(super) async fn limit_room(connection: &mut SqliteConnection) {
    if watch().is_some() && (IS_FULL.get() || WAS_FULL.get()) {
        let pragma = if IS_FULL.get() { "pragma max_page_count = 1" } else { "pragma max_page_count = 1073741823" };
        WAS_FULL.set(IS_FULL.get());
        drop(still(StoreCall::Statement, sqlx::query(pragma).execute(connection)).await);
    }
}

impl Store {
    /// Lets go of everything, as a process does that is killed: whatever of it is left in memory keeps no file.
    pub fn abandon(&self) {
        drop(look(async { tokio::time::timeout(ABANDON_LIMIT, self.close()).await }));
        self.file.unlock();
    }
}

impl Store {
    /// How many effects that can be read were due some minutes ago and are still there.
    pub async fn left_behind(&self, now: i64) -> Result<i64, super::StoreError> {
        let count = sqlx::query_scalar("select count(*) from outbox where set_aside_at is null and due_at < $1");
        Ok(count.bind(now.saturating_sub(600_000)).fetch_one(&self.read).await?)
    }

    /// How many pastes there are that a request holds.
    pub async fn held_pastes(&self) -> Result<i64, super::StoreError> {
        Ok(sqlx::query_scalar("select count(*) from paste where key is not null").fetch_one(&self.read).await?)
    }

    /// How often a request was saved.
    pub async fn version_of(&self, id: &str) -> Result<i64, super::StoreError> {
        let version = sqlx::query_scalar("select cast(version as bigint) from request where id = $1").bind(id);
        Ok(version.fetch_one(&self.read).await?)
    }
}

/// Does something to the rows of a file that no process has open. Returns the first column of what each statement returns.
pub async fn damage(file: &std::path::Path, statements: &[&'static str]) -> Result<Vec<String>, Error> {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
    let mut connection = options.connect().await?;
    let mut touched = Vec::new();
    for statement in statements {
        touched.extend(sqlx::query_scalar::<_, String>(*statement).fetch_all(&mut connection).await?);
    }
    connection.close().await?;
    Ok(touched)
}

/// The same for whoever looks on from outside: nobody is asked about these calls.
pub fn look<T>(work: impl Future<Output = T>) -> T {
    let watch = WATCH.take();
    let answer = block_on(work);
    WATCH.set(watch);
    answer
}

/// The same for what also looks at the time: it sees simulated time, since only its calls to the database run elsewhere.
pub fn look_in_time<T>(work: impl Future<Output = T>) -> T {
    let watch = WATCH.replace(Some(Arc::new(|_, _| Fate::Go)));
    let answer = finish(work);
    WATCH.set(watch);
    answer
}

/// One call. What fails after it was made was made all the same, and nobody knows.
pub(super) async fn still<T>(call: StoreCall, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let Some(watch) = watch() else { return work.await };
    match watch(call, false) {
        Fate::Go => {}
        Fate::Die => return std::future::pending().await,
        Fate::Fail => return Err(Said::IO.into()),
        Fate::Wait => return Err(Said::BUSY.into()),
        Fate::Starve => return Err(Said::MEMORY.into()),
    }
    let answer = block_on(work);
    match watch(call, true) {
        Fate::Go => answer,
        Fate::Die => std::future::pending().await,
        Fate::Fail => Err(Said::IO.into()),
        Fate::Wait => Err(Said::BUSY.into()),
        Fate::Starve => Err(Said::MEMORY.into()),
    }
}

/// What SQLite says when a call fails: its code and its words.
#[derive(Clone, Copy, Debug)]
struct Said(&'static str, &'static str);

impl Said {
    const IO: Self = Self("266", "disk I/O error");
    const BUSY: Self = Self("5", "database is locked");
    const MEMORY: Self = Self("7", "out of memory");
}

impl std::fmt::Display for Said {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "(code: {}) {}", self.0, self.1)
    }
}

impl std::error::Error for Said {}

impl DatabaseError for Said {
    fn message(&self) -> &str {
        self.1
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some(self.0.into())
    }

    fn as_error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn std::error::Error + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn std::error::Error + Send + Sync + 'static> {
        self
    }

    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

thread_local! {
    static GATE: RefCell<Option<EnterGuard<'static>>> = const { RefCell::new(None) };
}

/// Stands before and behind what holds a connection: between the two sqlx can give it back.
pub(super) struct Gate {
    opens: bool,
}

impl Gate {
    pub(super) fn before() -> Self {
        Self { opens: true }
    }

    pub(super) fn behind() -> Self {
        Self { opens: false }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        let next = watch().filter(|_| self.opens).and_then(|_| helper()).map(Handle::enter);
        drop(GATE.replace(next));
    }
}

/// The pool for reading.
#[derive(Clone, Debug)]
pub(super) struct Reader(SqlitePool);

/// A connection within the write transaction.
#[derive(Debug)]
pub(super) struct Writing<'c>(&'c mut SqliteConnection);

pub(super) fn reader(pool: SqlitePool) -> Reader {
    Reader(pool)
}

pub(super) fn pool(reader: &Reader) -> &SqlitePool {
    &reader.0
}

pub(super) fn writing(connection: &mut SqliteConnection) -> Writing<'_> {
    Writing(connection)
}

type Step = Either<SqliteQueryResult, SqliteRow>;

/// All rows in one call.
fn all<'e>(call: StoreCall, rows: BoxStream<'e, Result<Step, Error>>) -> BoxStream<'e, Result<Step, Error>> {
    if watch().is_none() {
        return rows;
    }
    let collected = still(call, rows.try_collect::<Vec<Step>>());
    let rows = async move {
        match collected.await {
            Ok(rows) => futures_util::stream::iter(rows.into_iter().map(Ok)).boxed(),
            Err(error) => futures_util::stream::iter([Err(error)]).boxed(),
        }
    };
    rows.flatten_stream().boxed()
}

macro_rules! still_executor {
    ($executor:ty, $call:expr, |$it:ident| $inner:expr) => {
        impl<'c> Executor<'c> for $executor {
            type Database = Sqlite;

            fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Step, Error>>
            where
                'c: 'e,
                E: 'q + Execute<'q, Sqlite>,
            {
                let $it = self;
                all($call, $inner.fetch_many(query))
            }

            fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<SqliteRow>, Error>>
            where
                'c: 'e,
                E: 'q + Execute<'q, Sqlite>,
            {
                let $it = self;
                still($call, $inner.fetch_optional(query)).boxed()
            }

            fn prepare_with<'e>(
                self,
                sql: SqlStr,
                parameters: &'e [SqliteTypeInfo],
            ) -> BoxFuture<'e, Result<SqliteStatement, Error>>
            where
                'c: 'e,
            {
                let $it = self;
                still($call, $inner.prepare_with(sql, parameters)).boxed()
            }

            fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Sqlite>, Error>>
            where
                'c: 'e,
            {
                let $it = self;
                still($call, $inner.describe(sql)).boxed()
            }
        }
    };
}

still_executor!(&'c Reader, StoreCall::Read, |it| (&it.0));
still_executor!(Writing<'c>, StoreCall::Statement, |it| it.0);
