//! The network: open, stalled, cut, restored.

use std::time::Duration;

use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use test_harness::ChaosProxy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const SOON: Duration = Duration::from_secs(5);

/// Answers every byte with itself, and an end with an end.
async fn echo() -> std::net::SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let addr = listener.local_addr().unwrap();
    // Ends with the test's runtime.
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
                let _ = to.shutdown().await;
            });
        }
    });
    addr
}

async fn ask(stream: &mut TcpStream, text: &[u8]) -> std::io::Result<Vec<u8>> {
    stream.write_all(text).await?;
    let mut answer = vec![0; text.len()];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn an_open_proxy_passes_everything_and_the_end() {
    let proxy = ChaosProxy::to(echo().await);
    let mut stream = TcpStream::connect(proxy.addr()).await.unwrap();
    let (mut from, mut to) = stream.split();
    let sent: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let mut received = Vec::new();
    let (written, read) = tokio::join!(
        async {
            to.write_all(&sent).await?;
            to.shutdown().await
        },
        from.read_to_end(&mut received)
    );
    assert!(written.is_ok() && read.is_ok());
    assert!(received == sent);
}

#[tokio::test]
async fn a_cut_resets_live_and_new_connections_until_restored() {
    let proxy = ChaosProxy::to(echo().await);
    let mut live = TcpStream::connect(proxy.addr()).await.unwrap();
    assert_eq!(ask(&mut live, b"a").await.unwrap(), b"a");
    proxy.cut();
    assert!(ask(&mut live, b"b").await.is_err());
    let new = async { ask(&mut TcpStream::connect(proxy.addr()).await?, b"c").await };
    assert!(new.await.is_err());
    proxy.restore();
    let mut again = TcpStream::connect(proxy.addr()).await.unwrap();
    assert_eq!(ask(&mut again, b"d").await.unwrap(), b"d");
}

#[tokio::test]
async fn a_stalled_connection_is_silent_and_goes_on_when_restored() {
    let proxy = ChaosProxy::to(echo().await);
    let mut stream = TcpStream::connect(proxy.addr()).await.unwrap();
    ask(&mut stream, b"a").await.unwrap();
    proxy.stall();
    stream.write_all(b"b").await.unwrap();
    let mut answer = [0; 1];
    let silent = tokio::time::timeout(Duration::from_millis(50), stream.read_exact(&mut answer)).await;
    assert!(silent.is_err(), "something came through");
    proxy.restore();
    tokio::time::timeout(SOON, stream.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(&answer, b"b");
}

#[tokio::test]
async fn a_database_session_breaks_at_the_cut() {
    let url = test_harness::postgres_url();
    let proxy = ChaosProxy::to_url(&url);
    let mut conn = AsyncPgConnection::establish(&proxy.rewrite(&url)).await.unwrap();
    conn.batch_execute("SELECT 1").await.unwrap();
    proxy.cut();
    assert!(conn.batch_execute("SELECT 1").await.is_err());
    assert!(AsyncPgConnection::establish(&proxy.rewrite(&url)).await.is_err());
}
