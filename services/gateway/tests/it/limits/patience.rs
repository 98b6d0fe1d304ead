//! How long a client may keep the gateway waiting.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::adjustable::Adjustable;
use crate::harness::{PATIENCE, catch_all, raw_upstream, read_head};

/// Everything until the gateway closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    // A reset after the answer still leaves the answer.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut all)).await.unwrap();
    String::from_utf8_lossy(&all).into_owned()
}

async fn service() -> String {
    let addr = raw_upstream(async |mut stream, _| {
        while !read_head(&mut stream).await.is_empty() {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
        }
    })
    .await;
    catch_all(addr, "")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_comes_too_slowly_is_a_timeout() {
    let gateway = Adjustable::with(&service().await, |edge| edge.header_timeout_ms = 200);
    let mut stream = TcpStream::connect(gateway.addr).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: h\r\nx-slow: ").await.unwrap();
    let answer = rest(&mut stream).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let head = head.to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 408 "), "{head}");
    for field in ["content-type: application/problem+json", "connection: close"] {
        assert!(head.lines().any(|line| line == field), "{field} in {head}");
    }
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!((body["status"].as_u64(), body["code"].as_str()), (Some(408), Some("request_stalled")));
    assert_eq!(gateway.metric("gateway_refused_messages_total{reason=\"head_timeout\"}").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_asks_for_nothing_is_closed_in_silence() {
    let gateway = Adjustable::with(&service().await, |edge| edge.header_timeout_ms = 200);
    let mut stream = TcpStream::connect(gateway.addr).await.unwrap();
    assert_eq!(rest(&mut stream).await, "");
    gateway.until_all_have_left().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_is_closed_in_silence() {
    let gateway = Adjustable::with(&service().await, |edge| edge.keep_alive_secs = 1);
    let mut stream = TcpStream::connect(gateway.addr).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\nok"), "{answer}");
    gateway.until_all_have_left().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_nothing_is_cut_and_its_upstream_released() {
    let released = Arc::new(Notify::new());
    let told = Arc::clone(&released);
    let addr = raw_upstream(move |mut stream, _| {
        let told = Arc::clone(&told);
        async move {
            read_head(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            // Without end, until nobody takes it any more.
            while stream.write_all(&[b'x'; 16 * 1024]).await.is_ok() {}
            told.notify_one();
        }
    })
    .await;
    let gateway = Adjustable::with(&catch_all(addr, ""), |edge| edge.send_timeout_ms = 200);
    let mut stream = TcpStream::connect(gateway.addr).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    timeout(PATIENCE, released.notified()).await.unwrap();
    gateway.until_all_have_left().await;
    // The answer was chunked, and must not look complete.
    assert!(!rest(&mut stream).await.ends_with("0\r\n\r\n"));
}
