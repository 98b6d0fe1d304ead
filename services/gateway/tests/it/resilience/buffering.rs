//! Bodies taken in first, or passed on as they come.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::stream;
use test_harness::wait_until;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::instance::{Instance, ask, balanced, gateway_to_all, metric_of, read_head};
use super::process::Wire;
use crate::harness::{Gateway, PATIENCE, gateway, gateway_listening, gateway_to, problem_code, raw_upstream};

/// Bytes that show a piece that is missing, doubled or in the wrong place.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from((at / 7 + at / 1021) % 251).unwrap()).collect()
}

/// The chunked form.
fn in_chunks(content: &[u8]) -> Vec<u8> {
    let mut chunked = Vec::new();
    for piece in content.chunks(10_000) {
        chunked.extend(format!("{:x}\r\n", piece.len()).into_bytes());
        chunked.extend([piece, b"\r\n"].concat());
    }
    chunked.extend(b"0\r\n\r\n");
    chunked
}

/// A body whose length is not announced.
fn unannounced(content: Vec<u8>) -> reqwest::Body {
    reqwest::Body::wrap_stream(stream::iter([Ok::<_, std::io::Error>(content)]))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buffered_request_is_sent_when_all_of_it_is_there() {
    let instance = Instance::start("a").await;
    let other = Instance::start("other").await;
    let config = format!(
        "{}[upstream.other]\nurl = \"http://{}\"\n\
         [[route]]\nname = \"other\"\npath = \"/other\"\nupstream = \"other\"\nauth = \"none\"\n",
        balanced(&[instance.addr], "", "buffering = \"request\""),
        other.addr
    );
    let gateway = gateway(&config);
    let mut wire = Wire::to(gateway.addr).await;
    wire.send("POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 10\r\n\r\nfirst").await;
    // The gateway has one worker: when these are answered it has seen the piece before them.
    for _ in 0..5 {
        assert_eq!(gateway.get("/other").send().await.unwrap().text().await.unwrap(), "other");
    }
    assert_eq!((instance.count(), instance.open()), (0, 0));
    wire.send("+rest").await;
    assert_eq!(wire.answer().await.unwrap().status, 200);
    assert_eq!(instance.seen()[0].body, b"first+rest");
}

#[tokio::test(flavor = "multi_thread")]
async fn buffered_requests_of_any_size_arrive_whole_with_their_length() {
    let instance = Instance::start("a").await;
    let gateway = gateway_to_all(&[instance.addr], "", "buffering = \"request\"\nbody_limit_bytes = 0");
    let mut wire = Wire::to(gateway.addr).await;
    for length in [0, 10, 64 * 1024, 64 * 1024 + 1, 70 * 1024, 3 * 1024 * 1024] {
        let content = pattern(length);
        for chunked in [false, true] {
            let before = instance.count();
            if chunked {
                wire.send("POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n").await;
                wire.send(in_chunks(&content)).await;
            } else {
                wire.send(format!("POST / HTTP/1.1\r\nhost: h\r\ncontent-length: {length}\r\n\r\n")).await;
                wire.send(&content).await;
            }
            let answer = wire.answer().await.unwrap();
            assert_eq!((answer.status, answer.closes()), (200, false), "{length} bytes, chunked: {chunked}");
            let seen = &instance.seen()[before];
            assert!(seen.body == content, "{length} bytes, chunked: {chunked}");
            assert!(seen.head.contains(&format!("\r\ncontent-length: {length}\r\n")), "{}", seen.head);
            assert!(!seen.head.contains("\r\ntransfer-encoding:"), "{}", seen.head);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buffered_request_beyond_its_limit_never_reaches_an_upstream() {
    let instance = Instance::start("a").await;
    let gateway = gateway_to_all(&[instance.addr], "", "buffering = \"request\"\nbody_limit_bytes = 100000");
    for chunked in [false, true] {
        let content = pattern(100_001);
        let body = if chunked { unannounced(content) } else { content.into() };
        let refused = gateway.post("/").body(body).send().await.unwrap();
        assert_eq!(problem_code(refused).await, (413, "payload_too_large".to_owned()), "{chunked}");
    }
    assert_eq!((instance.count(), instance.open()), (0, 0));
    assert_eq!(gateway.post("/").body(unannounced(pattern(100_000))).send().await.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_before_its_buffered_request_is_whole_is_not_heard_of() {
    let instance = Instance::start("a").await;
    let gateway = gateway_to_all(&[instance.addr], "", "buffering = \"request\"");
    let mut wire = Wire::to(gateway.addr).await;
    wire.send("POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 10\r\n\r\nhalf").await;
    drop(wire);
    assert_eq!(ask(&gateway).await, "a");
    assert!(instance.seen().iter().all(|seen| seen.head.starts_with("GET ")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buffered_request_that_stops_arriving_is_refused() {
    let instance = Instance::start("a").await;
    let gateway = gateway_to_all(&[instance.addr], "", "buffering = \"request\"\ntimeout_ms = 150");
    let answer = gateway.raw("POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 10\r\n\r\nabc").await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("request_stalled"), "{answer}");
    assert_eq!((instance.count(), instance.open()), (0, 0));
}

/// Answers with a body of `length` bytes; says on which connection each request came.
async fn generous(length: usize) -> (SocketAddr, mpsc::UnboundedReceiver<usize>) {
    let (sender, asked) = mpsc::unbounded_channel();
    let addr = raw_upstream(move |stream: TcpStream, number| {
        let sender = sender.clone();
        async move {
            let mut stream = BufStream::new(stream);
            while let Some(head) = read_head(&mut stream).await {
                sender.send(number).unwrap();
                let length = if head.starts_with("GET /small ") { 0 } else { length };
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.write_all(&pattern(length)).await;
                let _ = stream.flush().await;
            }
        }
    })
    .await;
    (addr, asked)
}

/// A connection of a client whose kernel takes little for it.
async fn slow_reader(gateway: &Gateway) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(gateway.addr).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buffered_answer_frees_its_upstream_though_the_client_reads_nothing() {
    let length = 900 * 1024;
    let (addr, mut asked) = generous(length).await;
    let gateway = gateway_to(addr, "buffering = \"response\"");
    let mut slow = slow_reader(&gateway).await;
    assert_eq!(asked.recv().await, Some(0));
    wait_until("the connection to be free", PATIENCE, async || {
        let name = "gateway_upstream_connections";
        metric_of(&gateway, name, "upstream=\"u\",state=\"idle\"").await == 1
    })
    .await;
    assert_eq!(gateway.get("/small").send().await.unwrap().status(), 200);
    assert_eq!(asked.recv().await, Some(0));
    let mut answer = Vec::new();
    slow.read_to_end(&mut answer).await.unwrap();
    assert!(answer.ends_with(&pattern(length)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_buffered_answer_arrives_whole() {
    let length = 5 * 1024 * 1024;
    let (addr, _asked) = generous(length).await;
    let gateway = gateway_to(addr, "buffering = \"both\"");
    let mut slow = slow_reader(&gateway).await;
    let mut answer = Vec::new();
    slow.read_to_end(&mut answer).await.unwrap();
    let head = answer.len() - length;
    assert!(answer[..head].ends_with(b"\r\n\r\n"));
    assert!(answer[head..] == pattern(length));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unbuffered_answer_waits_for_its_client() {
    let length = 32 * 1024 * 1024;
    let (addr, mut asked) = generous(length).await;
    let gateway = gateway_to(addr, "");
    let mut slow = slow_reader(&gateway).await;
    assert_eq!(asked.recv().await, Some(0));
    assert_eq!(gateway.get("/small").send().await.unwrap().status(), 200);
    assert_eq!(asked.recv().await, Some(1));
    let mut answer = Vec::new();
    slow.read_to_end(&mut answer).await.unwrap();
    assert!(answer.ends_with(&pattern(length)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_nobody_takes_waits_with_its_client() {
    let listener = TcpSocket::new_v4().unwrap();
    listener.set_recv_buffer_size(16 * 1024).unwrap();
    listener.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let listener = listener.listen(1).unwrap();
    let upstream =
        balanced(&[listener.local_addr().unwrap()], "send_buffer_bytes = 16384", "body_limit_bytes = 0");
    let gateway = gateway_listening("receive_buffer_bytes = 16384", &upstream);
    let client = TcpSocket::new_v4().unwrap();
    client.set_send_buffer_size(16 * 1024).unwrap();
    let mut client = client.connect(gateway.addr).await.unwrap();
    let length = 64 * 1024 * 1024;
    let head = format!("POST / HTTP/1.1\r\nhost: h\r\ncontent-length: {length}\r\n\r\n");
    client.write_all(head.as_bytes()).await.unwrap();
    // Accepts, and takes nothing.
    let (_instance, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
    let mut sent = 0;
    while let Ok(written) = timeout(Duration::from_millis(300), client.write(&[0; 16 * 1024])).await {
        sent += written.unwrap();
    }
    // What the systems keep at three places, and the gateway's own two buffers.
    assert!(sent < 1024 * 1024, "{sent} bytes went ahead");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_buffering_both_bodies_pass_piece_by_piece() {
    // Says each byte back as it comes.
    let addr = raw_upstream(async |stream: TcpStream, _| {
        let mut stream = BufStream::new(stream);
        read_head(&mut stream).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n").await.unwrap();
        stream.flush().await.unwrap();
        for _ in 0..5 {
            let byte = stream.read_u8().await.unwrap();
            stream.write_u8(byte).await.unwrap();
            stream.flush().await.unwrap();
        }
    })
    .await;
    let gateway = gateway_to(addr, "");
    let mut wire = Wire::to(gateway.addr).await;
    wire.send("POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\n").await;
    assert!(wire.head().await.unwrap().starts_with("HTTP/1.1 200 "));
    for byte in b"bytes" {
        wire.send([*byte]).await;
        assert_eq!(wire.exactly(1).await.unwrap(), [*byte]);
    }
}
