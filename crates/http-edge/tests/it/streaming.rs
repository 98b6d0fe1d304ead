//! Bodies that are larger than any buffer.

use std::io::{Read, Write};
use std::sync::atomic::Ordering::SeqCst;

use http_edge::EdgeConfig;

use crate::harness::{Edge, until};

/// More than the buffers of hyper and of both sockets.
const LARGE: usize = 64 * 1024 * 1024;

#[test]
fn a_body_streams_both_ways() {
    let edge = Edge::start();
    let mut client = edge.connect();
    client.send(format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {LARGE}\r\n\r\n"));
    let mut writer = client.stream.try_clone().unwrap();
    let sending = std::thread::spawn(move || {
        let chunk = [b'x'; 64 * 1024];
        for _ in 0..LARGE / chunk.len() {
            writer.write_all(&chunk).unwrap();
        }
    });
    let head = String::from_utf8(client.until(b"\r\n\r\n")).unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(head.contains(&format!("content-length: {LARGE}\r\n")), "{head}");
    client.skip(LARGE);
    sending.join().unwrap();
}

#[test]
fn an_answer_is_produced_no_faster_than_it_is_taken() {
    let edge = Edge::start();
    let mut client = edge.connect();
    client.send("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut taken = 0;
    let mut buffer = vec![0; 256 * 1024];
    while taken < LARGE {
        taken += client.stream.read(&mut buffer).unwrap();
        let ahead = edge.probe.produced.load(SeqCst).saturating_sub(taken);
        // hyper's buffer, and what the system keeps for both sockets (at most tcp_wmem and tcp_rmem).
        assert!(ahead < 16 * 1024 * 1024, "{ahead} bytes ahead");
    }
    drop(client);
    until("the body is dropped", || edge.probe.closed.load(SeqCst) == 1);
}

#[test]
fn a_body_that_comes_without_end_leaves_others_their_turns() {
    let edge = Edge::with(EdgeConfig { workers: 1, ..EdgeConfig::default() });
    let mut other = edge.connect();
    other.get("/ready/1");

    let mut large = edge.connect();
    large.send(format!("POST /gulp HTTP/1.1\r\nHost: a\r\nContent-Length: {LARGE}\r\n\r\n"));
    let mut writer = large.stream.try_clone().unwrap();
    let sending = std::thread::spawn(move || writer.write_all(&vec![b'x'; LARGE]));
    // The only worker has begun with the body and looks for nothing else until the other request is there, too.
    edge.probe.first_gulp.wait();
    other.send("GET /gulped HTTP/1.1\r\nHost: a\r\n\r\n");
    edge.probe.first_gulp.wait();
    let gulped: usize = other.answer().body.parse().unwrap();
    assert!(gulped < 128 * 1024, "{gulped} bytes of one body were read first");

    sending.join().unwrap().unwrap();
    assert_eq!(large.answer().body, "all");
}
