//! A port for a server that cannot pick its own.

use std::net::TcpListener;

/// A TCP port of the loopback interface that was free a moment ago.
///
/// The port is released before it is returned, so another process can take it first. Prefer a server that binds port 0
/// and prints its address ([`Process::wait_for_log`](crate::Process::wait_for_log)); this is for those that cannot.
///
/// # Panics
/// When the machine has no port left.
#[must_use]
pub fn free_port() -> u16 {
    let bound = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    bound.unwrap_or_else(|error| panic!("no free port: {error}")).port()
}
