//! What a handler knows of the connection that a request came by.

use std::net::SocketAddr;

use http::{HeaderMap, StatusCode};

use crate::informational::Informational;

/// The connection of one request, seen from its handler.
#[derive(Clone, Debug)]
pub struct ClientConnection {
    pub(crate) peer: SocketAddr,
    pub(crate) local: SocketAddr,
    pub(crate) secure: bool,
    pub(crate) http2: bool,
    pub(crate) informational: Informational,
}

impl ClientConnection {
    /// The address that the connection came from.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// The address that it was accepted on.
    #[must_use]
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Whether it is encrypted.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// Whether it speaks HTTP/2.
    #[must_use]
    pub fn http2(&self) -> bool {
        self.http2
    }

    /// Queues an informational answer; see [`Informational::send`] for when nothing is sent.
    pub fn send_informational(&self, status: StatusCode, headers: &HeaderMap) {
        self.informational.send(status, headers);
    }

    /// A handle for informational answers that may be kept in a `Send + Sync` callback.
    #[must_use]
    pub fn informational(&self) -> Informational {
        self.informational.clone()
    }
}
