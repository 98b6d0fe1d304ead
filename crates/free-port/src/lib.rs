#![doc = include_str!("../README.md")]

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Mutex, PoisonError};

/// Below what Linux hands out by itself, from 32768 on: a port from there could become somebody's outgoing connection between
/// the choice and the start of the server, or while the server is away for a moment.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// Where a port is claimed: the same number at another address of the loopback interface, which nobody else uses. The system ends
/// the claim with the process that made it, however that ends.
const CLAIM: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 113);

/// A TCP port of 127.0.0.1 on which nobody listens, and that no other caller gets, in this process or another, as long as
/// this process lives.
///
/// # Errors
/// When there is none left ([`ErrorKind::AddrInUse`]).
pub fn free_port() -> io::Result<u16> {
    static CLAIMED: Mutex<Vec<TcpListener>> = Mutex::new(Vec::new());
    let free = PORTS.into_iter().find_map(|port| {
        let claim = TcpListener::bind((CLAIM, port)).ok()?;
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok().map(|_| (port, claim))
    });
    let (port, claim) =
        free.ok_or_else(|| io::Error::new(ErrorKind::AddrInUse, format!("no free port in {PORTS:?}")))?;
    CLAIMED.lock().unwrap_or_else(PoisonError::into_inner).push(claim);
    Ok(port)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_port_can_be_listened_on_and_is_claimed() {
        let port = free_port().unwrap();
        assert!(PORTS.contains(&port));
        assert!(TcpListener::bind((CLAIM, port)).is_err(), "another process passes it over");
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    }

    #[test]
    fn a_port_is_had_once_however_many_ask_at_once() {
        let ask = || [(); 8].map(|()| free_port().unwrap());
        let asked: Vec<_> = (0..8).map(|_| std::thread::spawn(ask)).collect();
        let had: Vec<u16> = asked.into_iter().flat_map(|asked| asked.join().unwrap()).collect();
        let different: HashSet<u16> = had.iter().copied().collect();
        assert_eq!(different.len(), had.len(), "{had:?}");
    }

    #[test]
    fn a_port_is_none_that_somebody_listens_on() {
        let next = free_port().unwrap() + 1;
        // Held by somebody else already, or by us from here on.
        let _held = TcpListener::bind((Ipv4Addr::LOCALHOST, next));
        assert!((0..4).all(|_| free_port().unwrap() != next));
    }
}
