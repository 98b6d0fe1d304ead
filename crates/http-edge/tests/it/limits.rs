//! How many connections there may be.

use std::io::Read;
use std::sync::atomic::Ordering::SeqCst;

use http_edge::EdgeConfig;

use crate::harness::{Client, Edge, until};

fn is_closed_at_once(client: &mut Client) -> bool {
    let mut buffer = [0; 1];
    match client.stream.read(&mut buffer) {
        Ok(read) => read == 0,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

#[test]
fn a_connection_too_many_is_closed_at_once() {
    let edge = Edge::with(EdgeConfig { max_connections: 2, ..EdgeConfig::default() });
    let mut first = edge.connect();
    let mut second = edge.connect();
    first.get("/");
    second.get("/");
    assert!(is_closed_at_once(&mut edge.connect()));
    assert_eq!(*edge.probe.rejected.lock().unwrap(), ["connections"]);
    drop(first);
    until("a place is free", || edge.probe.closed.load(SeqCst) == 1);
    assert_eq!(edge.connect().get("/").body, "hello");
}

#[test]
fn one_address_cannot_take_more_than_its_share() {
    let edge = Edge::with(EdgeConfig { max_connections_per_address: 1, ..EdgeConfig::default() });
    let mut first = edge.connect();
    first.get("/");
    assert!(is_closed_at_once(&mut edge.connect()));
    assert_eq!(*edge.probe.rejected.lock().unwrap(), ["address"]);
    drop(first);
    until("a place is free", || edge.probe.closed.load(SeqCst) == 1);
    assert_eq!(edge.connect().get("/").body, "hello");
}

#[test]
fn idle_connections_make_room_when_nearly_all_are_taken() {
    let edge = Edge::with(EdgeConfig { max_connections: 10, keep_alive_secs: 3600, ..EdgeConfig::default() });
    let mut clients: Vec<_> = (0..10).map(|_| edge.connect()).collect();
    for client in &mut clients {
        client.get("/");
    }
    until("idle connections are closed", || edge.probe.closed.load(SeqCst) > 0);
}

#[test]
fn every_connection_is_counted_out() {
    let edge = Edge::start();
    for _ in 0..200 {
        drop(edge.connect());
    }
    until("all are gone", || edge.probe.opened.load(SeqCst) == 200 && edge.probe.closed.load(SeqCst) == 200);
}
