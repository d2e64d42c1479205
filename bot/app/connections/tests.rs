//! Idle connections, slow heads and a stop in the middle, over real sockets.

use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::*;

const PATIENCE: Duration = Duration::from_secs(20);
const ASKED: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

struct Open {
    address: std::net::SocketAddr,
    stop: CancellationToken,
    served: JoinHandle<()>,
    /// Lets `/slow` answer.
    gate: Arc<Notify>,
}

async fn open(most: usize, head: Duration) -> Open {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let gate = Arc::new(Notify::new());
    let waits = gate.clone();
    let slow = get(move || {
        let waits = waits.clone();
        async move {
            waits.notified().await;
            "slow"
        }
    });
    let router = Router::new().route("/", get(|| async { "quick" })).route("/slow", slow);
    let stop = CancellationToken::new();
    let served = tokio::spawn(serve(listener, router, Limits { most, head }, stop.clone()));
    Open { address, stop, served, gate }
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it happens soon")
}

async fn ask(connection: &mut TcpStream, request: &[u8]) -> String {
    connection.write_all(request).await.unwrap();
    let mut said = [0; 1024];
    let count = soon(connection.read(&mut said)).await.unwrap();
    String::from_utf8_lossy(&said[..count]).into_owned()
}

/// Until the other end has closed.
async fn is_closed(connection: &mut TcpStream) {
    let mut rest = Vec::new();
    drop(soon(connection.read_to_end(&mut rest)).await);
    assert_eq!(rest, Vec::<u8>::new());
}

#[tokio::test]
async fn whoever_only_holds_a_connection_loses_it_to_whoever_asks() {
    let open = open(4, PATIENCE).await;
    let mut asking = TcpStream::connect(open.address).await.unwrap();
    asking.write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut idle = Vec::new();
    for number in 0..100 {
        let mut connection = TcpStream::connect(open.address).await.unwrap();
        // Some say nothing at all, some begin and never end.
        if number % 2 == 0 {
            connection.write_all(b"GET / HTTP/1.1\r\nx").await.unwrap();
        }
        idle.push(connection);
    }
    let mut late = TcpStream::connect(open.address).await.unwrap();
    assert!(ask(&mut late, ASKED).await.ends_with("quick"));
    open.gate.notify_one();
    let mut said = [0; 1024];
    let count = soon(asking.read(&mut said)).await.unwrap();
    assert!(said[..count].ends_with(b"slow"), "what was being answered kept its place");
    is_closed(&mut idle[1]).await;
    assert!(ask(&mut late, ASKED).await.ends_with("quick"), "and the connection is good for more");
    open.stop.cancel();
    soon(open.served).await.unwrap();
}

#[tokio::test]
async fn a_head_that_does_not_come_ends_the_connection_also_between_two() {
    let open = open(100, Duration::from_millis(50)).await;
    let mut silent = TcpStream::connect(open.address).await.unwrap();
    let mut slow = TcpStream::connect(open.address).await.unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n").await.unwrap();
    let mut kept = TcpStream::connect(open.address).await.unwrap();
    assert!(ask(&mut kept, ASKED).await.ends_with("quick"));
    for connection in [&mut silent, &mut slow, &mut kept] {
        is_closed(connection).await;
    }
    open.stop.cancel();
    soon(open.served).await.unwrap();
}

#[tokio::test]
async fn a_stop_finishes_what_is_being_answered_and_waits_for_nobody_else() {
    let open = open(100, PATIENCE * 10).await;
    let mut silent = TcpStream::connect(open.address).await.unwrap();
    let mut kept = TcpStream::connect(open.address).await.unwrap();
    assert!(ask(&mut kept, ASKED).await.ends_with("quick"));
    let mut asking = TcpStream::connect(open.address).await.unwrap();
    asking.write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut other = TcpStream::connect(open.address).await.unwrap();
    assert!(ask(&mut other, ASKED).await.ends_with("quick"), "all before it were taken");
    open.stop.cancel();
    is_closed(&mut silent).await;
    is_closed(&mut kept).await;
    open.gate.notify_one();
    let mut said = Vec::new();
    soon(asking.read_to_end(&mut said)).await.unwrap();
    let said = String::from_utf8_lossy(&said);
    assert!(said.contains("slow") && !said.contains("quick"), "{said}");
    soon(open.served).await.unwrap();
}

#[tokio::test]
async fn over_a_unix_socket_it_is_known_whose_process_asks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let reached = get(|request: Request| async move { format!("{:?}", request.extensions().get::<Reached>()) });
    let stop = CancellationToken::new();
    let limits = Limits { most: 4, head: PATIENCE };
    let listener = UnixListener::bind(&path).unwrap();
    let served = tokio::spawn(serve(listener, Router::new().route("/", reached), limits, stop.clone()));
    let mut connection = tokio::net::UnixStream::connect(&path).await.unwrap();
    connection.write_all(ASKED).await.unwrap();
    let mut said = [0; 1024];
    let count = soon(connection.read(&mut said)).await.unwrap();
    let said = String::from_utf8_lossy(&said[..count]).into_owned();
    let own = rustix::process::geteuid().as_raw();
    assert!(said.ends_with(&format!("Some(Unix(Some({own})))")), "{said}");
    stop.cancel();
    soon(served).await.unwrap();
}
