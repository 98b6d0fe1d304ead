//! How many connections clients may have, and what may pass on each.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::adjustable::Adjustable;
use crate::harness::{PATIENCE, catch_all, raw_upstream, read_head};

/// An upstream that answers `ok` to everything.
async fn service() -> String {
    let addr = raw_upstream(async |mut stream, _| {
        while !read_head(&mut stream).await.is_empty() {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
        }
    })
    .await;
    catch_all(addr, "")
}

/// One request and the head of its answer.
async fn ask(stream: &mut TcpStream) -> String {
    stream.write_all(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    let head = timeout(PATIENCE, read_head(stream)).await.unwrap();
    let mut body = [0; 2];
    if !head.is_empty() {
        timeout(PATIENCE, stream.read_exact(&mut body)).await.unwrap().unwrap();
    }
    head
}

async fn open(gateway: &Adjustable) -> TcpStream {
    let mut stream = TcpStream::connect(gateway.addr).await.unwrap();
    assert!(ask(&mut stream).await.starts_with("HTTP/1.1 200 "));
    stream
}

async fn is_closed(stream: &mut TcpStream) -> bool {
    let mut buffer = [0; 1];
    let read = timeout(PATIENCE, stream.read(&mut buffer)).await.unwrap();
    read.map_or(true, |read| read == 0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_too_many_is_closed_and_counted() {
    let gateway = Adjustable::with(&service().await, |edge| edge.max_connections = 2);
    let (first, _second) = (open(&gateway).await, open(&gateway).await);
    assert!(is_closed(&mut TcpStream::connect(gateway.addr).await.unwrap()).await);
    assert_eq!(gateway.metric("gateway_client_connections").await, 2);
    let rejected = "gateway_client_connections_rejected_total{reason=\"connections\"}";
    assert_eq!(gateway.metric(rejected).await, 1);
    drop(first);
    test_harness::wait_until("a place to be free", PATIENCE, async || {
        gateway.metric("gateway_client_connections").await == 1
    })
    .await;
    open(&gateway).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_has_no_more_than_its_share() {
    let gateway = Adjustable::with(&service().await, |edge| edge.max_connections_per_address = 1);
    let first = open(&gateway).await;
    assert!(is_closed(&mut TcpStream::connect(gateway.addr).await.unwrap()).await);
    let rejected = "gateway_client_connections_rejected_total{reason=\"address\"}";
    assert_eq!(gateway.metric(rejected).await, 1);
    drop(first);
    gateway.until_all_have_left().await;
    open(&gateway).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_ends_after_as_many_requests_as_it_may_have() {
    let gateway = Adjustable::with(&service().await, |edge| edge.max_requests_per_connection = 2);
    let mut stream = TcpStream::connect(gateway.addr).await.unwrap();
    let first = ask(&mut stream).await.to_ascii_lowercase();
    assert!(!first.contains("connection: close"), "{first}");
    let last = ask(&mut stream).await.to_ascii_lowercase();
    assert!(last.contains("connection: close\r\n"), "{last}");
    assert!(is_closed(&mut stream).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_are_none_are_counted_by_the_rule_they_break() {
    let gateway = Adjustable::start(&service().await);
    for (request, rule) in [
        ("GET / HTTP/1.1\r\n\r\n", "host_missing"),
        ("GET / HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n", "host_repeated"),
        ("GET / HTTP/1.1\r\nhost : a\r\n\r\n", "whitespace_before_colon"),
        ("GET / HTTP/1.1\nhost: a\n\n", "bare_line_feed"),
    ] {
        let line = format!("gateway_refused_messages_total{{reason={rule:?}}}");
        assert_eq!(gateway.metric(&line).await, 0);
        let mut stream = TcpStream::connect(gateway.addr).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        assert!(read_head(&mut stream).await.starts_with("HTTP/1.1 400 "), "{rule}");
        assert_eq!(gateway.metric(&line).await, 1, "{rule}");
    }
}
