//! What may be called, tried with sockets of this machine.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// Answers every connection with this, and says how many came.
async fn server(answer: &'static str) -> (SocketAddr, Arc<Mutex<usize>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::new(Mutex::new(0));
    let counted = count.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            *counted.lock().unwrap() += 1;
            let mut buffer = [0; 1024];
            drop(stream.read(&mut buffer).await);
            drop(stream.write_all(answer.as_bytes()).await);
        }
    });
    (address, count)
}

async fn called(url: &str, allow: &[&str]) -> Result<u16, GuardedError> {
    let call = Call {
        method: Method::GET,
        url: Url::parse(url).unwrap(),
        headers: HeaderMap::new(),
        body: None,
        allow: Allow::read(allow.iter().copied()).unwrap(),
    };
    Guarded::new(Net::wire()).call(call).await.map(|answer| answer.status)
}

#[tokio::test]
async fn only_what_is_allowed_is_connected_to() {
    let (address, count) = server("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
    let port = address.port();
    for (url, allow) in [
        (format!("http://127.0.0.1:{port}/"), vec![]),
        (format!("http://127.1:{port}/"), vec!["10.0.0.0/8"]),
        (format!("http://0x7f000001:{port}/"), vec!["localhost"]),
        (format!("http://[::ffff:127.0.0.1]:{port}/"), vec!["::1"]),
        (format!("https://127.0.0.1:{port}/"), vec![]),
        (format!("https://localhost:{port}/"), vec![]),
        (format!("https://localhost:{port}/"), vec!["10.0.0.0/8"]),
        ("http://169.254.169.254/latest/meta-data".to_owned(), vec!["169.254.0.0/16", "169.254.169.254"]),
        (format!("http://0.0.0.0:{port}/"), vec!["0.0.0.0/0"]),
    ] {
        let answer = called(&url, &allow).await;
        assert!(matches!(answer, Err(GuardedError::Refused(_) | GuardedError::NotReached(_))), "{url}: {answer:?}");
    }
    assert_eq!(*count.lock().unwrap(), 0, "something was connected to");
    assert_eq!(called(&format!("http://127.0.0.1:{port}/"), &["127.0.0.1"]).await, Ok(204));
    assert_eq!(called(&format!("http://localhost:{port}/"), &["localhost"]).await, Ok(204));
    // A name that is allowed to be looked up at all, and stands for an allowed address only by its range.
    assert!(called(&format!("http://localhost:{port}/"), &["127.0.0.0/8"]).await.is_err(), "plain http needs a name");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_nothing_more() {
    let (elsewhere, count) = server("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n").await;
    let answer = format!(
        "HTTP/1.1 302 Found\r\nLocation: http://{elsewhere}/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    let (address, _) = server(answer.leak()).await;
    assert_eq!(called(&format!("http://{address}/"), &["127.0.0.1"]).await, Ok(302));
    assert_eq!(*count.lock().unwrap(), 0);
}

#[tokio::test]
async fn a_connection_that_breaks_may_have_done_it_and_one_that_never_was_did_nothing() {
    let (address, _) = server("").await;
    assert!(matches!(called(&format!("http://{address}/"), &["127.0.0.1"]).await, Err(GuardedError::Lost(_))));
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert!(matches!(called(&format!("http://{gone}/"), &["127.0.0.1"]).await, Err(GuardedError::NotReached(_))));
}
