//! A port for a server that cannot pick its own.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Mutex, PoisonError};

/// Below what Linux hands out by itself, from 32768 on: a port from there could become somebody's outgoing connection between
/// the choice and the start of the server.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// Where a port is claimed: the same number at another address of the loopback interface, which nobody else uses. The system ends
/// the claim with the process that made it, however that ends.
const CLAIM: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 113);

/// A TCP port of 127.0.0.1 on which nobody listens, and that no other caller gets, in this test process or another, as long as
/// this process lives.
///
/// # Panics
/// When there is none left.
#[must_use]
pub fn free_port() -> u16 {
    static CLAIMED: Mutex<Vec<TcpListener>> = Mutex::new(Vec::new());
    let free = PORTS.into_iter().find_map(|port| {
        let claim = TcpListener::bind((CLAIM, port)).ok()?;
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok().map(|_| (port, claim))
    });
    let (port, claim) = free.unwrap_or_else(|| panic!("no free port in {PORTS:?}"));
    CLAIMED.lock().unwrap_or_else(PoisonError::into_inner).push(claim);
    port
}
