#![doc = include_str!("../README.md")]

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::ops::RangeInclusive;

use socket2::{Domain, Protocol, Socket, Type};

/// What a socket's buffer may be set to. Less costs throughput even on one machine; more is no bound.
pub const BUFFER_BYTES: RangeInclusive<usize> = 16 * 1024..=64 * 1024 * 1024;

/// Connections that the system has accepted and the server not yet; the system may allow fewer (`net.core.somaxconn`).
const BACKLOG: i32 = 4096;

/// Listens with `SO_REUSEADDR`, without blocking. `receive_buffer_bytes` is what a client may send ahead of what was read (`SO_RCVBUF`,
/// tcp(7)); `None`: as much as the system sees fit.
///
/// # Errors
/// What the system says: the address is taken, or not ours to take.
pub fn listen(addr: SocketAddr, receive_buffer_bytes: Option<usize>) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    // Before connections come: what may be sent ahead is agreed on with the first segment.
    if let Some(bytes) = receive_buffer_bytes {
        socket.set_recv_buffer_size(bytes)?;
    }
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Write as _};
    use std::net::TcpStream;

    use super::*;

    /// How much a client can send to a server that reads nothing.
    fn sent_ahead(receive_buffer_bytes: Option<usize>) -> usize {
        let listener = listen(([127, 0, 0, 1], 0).into(), receive_buffer_bytes).unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        socket2::SockRef::from(&client).set_send_buffer_size(4096).unwrap();
        client.set_nonblocking(true).unwrap();
        let mut sent = 0;
        loop {
            match client.write(&[0; 4096]) {
                Ok(bytes) => sent += bytes,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return sent,
                Err(error) => panic!("{error}"),
            }
        }
    }

    #[test]
    fn a_client_can_send_ahead_about_what_it_may() {
        let (little, much) = (sent_ahead(Some(16 * 1024)), sent_ahead(Some(128 * 1024)));
        assert!(little < 64 * 1024, "{little}");
        assert!(much > little, "{much} and {little}");
        assert!(much < 512 * 1024, "{much}");
    }

    #[test]
    fn a_taken_address_is_refused() {
        let listener = listen(([127, 0, 0, 1], 0).into(), None).unwrap();
        let again = listen(listener.local_addr().unwrap(), None);
        assert_eq!(again.unwrap_err().kind(), ErrorKind::AddrInUse);
    }
}
