//! Addresses for the servers that drills start.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context as _;

/// An address of this machine for one server, as long as this process lives.
pub(crate) fn free() -> anyhow::Result<SocketAddr> {
    let port = free_port::free_port().context("no port for a server")?;
    Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}
