//! Server-sent events: each is with the client before the next is made.

use std::net::SocketAddr;

use tokio::io::AsyncWriteExt;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::adjustable::Adjustable;
use crate::harness::{PATIENCE, catch_all, raw_upstream, read_head};

/// An upstream that sends event number `n` when `released` says `n`.
pub(super) async fn source(released: &mut watch::Receiver<usize>) -> SocketAddr {
    let released = released.clone();
    raw_upstream(move |mut stream, _| {
        let mut released = released.clone();
        async move {
            read_head(&mut stream).await;
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n\
                        transfer-encoding: chunked\r\n\r\n";
            stream.write_all(head.as_bytes()).await.unwrap();
            for number in 1.. {
                if released.wait_for(|released| *released >= number).await.is_err() {
                    return;
                }
                let event = format!("data: {number}\n\n");
                let chunk = format!("{:x}\r\n{event}\r\n", event.len());
                if stream.write_all(chunk.as_bytes()).await.is_err() {
                    return;
                }
            }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn events_arrive_as_they_are_sent() {
    for (route, codings) in [
        ("compress = true", "gzip, br, zstd"),
        ("compress = true", "identity"),
        ("compress = false", "gzip, br, zstd"),
        ("buffering = \"response\"", "gzip, br, zstd"),
    ] {
        let (release, mut released) = watch::channel(0);
        let gateway = Adjustable::start(&catch_all(source(&mut released).await, route));
        let asked =
            gateway.get("/events").header("accept", "text/event-stream").header("accept-encoding", codings);
        // The head is there before the first event is.
        let mut answer = timeout(PATIENCE, asked.send()).await.unwrap().unwrap();
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        assert!(!answer.headers().contains_key("content-encoding"), "{route}");
        for number in 1..=5 {
            release.send_replace(number);
            let event = timeout(PATIENCE, answer.chunk()).await.unwrap().unwrap().unwrap();
            assert_eq!(event, format!("data: {number}\n\n"), "{route}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_leaves_ends_the_stream_of_the_upstream() {
    let (ended, mut end) = watch::channel(false);
    let addr = raw_upstream(move |mut stream, _| {
        let ended = ended.clone();
        async move {
            read_head(&mut stream).await;
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: 1\n\n")
                .await
                .unwrap();
            // Nothing more comes from the gateway, until it closes.
            read_head(&mut stream).await;
            ended.send_replace(true);
        }
    })
    .await;
    let gateway = Adjustable::start(&catch_all(addr, ""));
    let mut answer = gateway.get("/events").send().await.unwrap();
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "data: 1\n\n");
    drop(answer);
    timeout(PATIENCE, end.wait_for(|ended| *ended)).await.unwrap().unwrap();
}
