//! The connection between two parts: a TCP proxy that can be cut, slowed and made silent while it is used.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// Most that is taken at once; what waits behind it waits in the kernel's buffers, as on a real slow line.
const PIECE_BYTES: usize = 32 * 1024;

/// What the line does to everything on it, in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Open,
    /// Each piece arrives so much later.
    Slow(Duration),
    /// Connections live and can be made, and nothing comes through.
    Silent,
    /// Every connection is reset, new ones at once.
    Cut,
}

/// A line to one server. It starts open; dropping it cuts it.
pub(crate) struct Link {
    addr: SocketAddr,
    line: watch::Sender<Line>,
    accepting: JoinHandle<()>,
}

impl Link {
    pub(crate) async fn to(server: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no port for a link")?;
        let addr = listener.local_addr()?;
        let line = watch::Sender::new(Line::Open);
        let accepting = tokio::spawn(accept(listener, server, line.clone()));
        Ok(Self { addr, line, accepting })
    }

    /// Where to connect to instead of the server.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) fn set(&self, line: Line) {
        self.line.send_replace(line);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.line.send_replace(Line::Cut);
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, line: watch::Sender<Line>) {
    loop {
        match listener.accept().await {
            // Not kept: a connection ends with either of its ends, or with the line.
            Ok((client, _)) => drop(tokio::spawn(serve(client, server, line.subscribe()))),
            // Out of descriptors, for instance; others may close theirs.
            Err(_) => sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn serve(mut client: TcpStream, server: SocketAddr, mut line: watch::Receiver<Line>) {
    let gate = line.clone();
    let cut = tokio::select! {
        _ = line.wait_for(|line| *line == Line::Cut) => true,
        () = forward(&mut client, server, gate) => false,
    };
    if cut {
        // A reset, not a polite end, is what a cut looks like; an end that is gone needs neither.
        let _ = client.set_zero_linger();
    }
}

async fn forward(client: &mut TcpStream, server: SocketAddr, mut gate: watch::Receiver<Line>) {
    if gate.wait_for(|line| *line != Line::Silent).await.is_err() {
        return;
    }
    let Ok(mut server) = TcpStream::connect(server).await else { return };
    if server.set_nodelay(true).and(client.set_nodelay(true)).is_err() {
        return;
    }
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    // Either end that goes takes the other with it, as a process that dies does.
    tokio::select! {
        () = pump(from_client, to_server, gate.clone()) => {}
        () = pump(from_server, to_client, gate) => {}
    }
}

async fn pump(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, mut gate: watch::Receiver<Line>) {
    let mut buffer = vec![0; PIECE_BYTES];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let Some(piece) = buffer.get(..length) else { return };
        let now = *gate.borrow();
        if let Line::Slow(delay) = now {
            sleep(delay).await;
        }
        // Asked after the wait: a line that has fallen silent meanwhile keeps the piece.
        if gate.wait_for(|line| *line != Line::Silent).await.is_err() || to.write_all(piece).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use tokio::time::timeout;

    use super::*;

    /// A server that sends back what it gets.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut peer, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = peer.split();
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        addr
    }

    async fn round_trip(stream: &mut TcpStream) -> std::io::Result<()> {
        stream.write_all(b"ping").await?;
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).await.map(|_| ())
    }

    #[tokio::test]
    async fn a_silent_line_keeps_what_was_sent_and_delivers_it_when_it_opens() {
        let link = Link::to(echo().await).await.unwrap();
        let mut stream = TcpStream::connect(link.addr()).await.unwrap();
        round_trip(&mut stream).await.unwrap();
        link.set(Line::Silent);
        let mut waiting = Box::pin(round_trip(&mut stream));
        assert!(timeout(Duration::from_millis(50), &mut waiting).await.is_err());
        link.set(Line::Open);
        waiting.await.unwrap();
    }

    #[tokio::test]
    async fn a_cut_resets_old_and_new_connections_until_the_line_is_open_again() {
        let link = Link::to(echo().await).await.unwrap();
        let mut stream = TcpStream::connect(link.addr()).await.unwrap();
        round_trip(&mut stream).await.unwrap();
        link.set(Line::Cut);
        assert!(round_trip(&mut stream).await.is_err());
        let mut new = TcpStream::connect(link.addr()).await.unwrap();
        assert!(round_trip(&mut new).await.is_err());
        link.set(Line::Open);
        round_trip(&mut TcpStream::connect(link.addr()).await.unwrap()).await.unwrap();
    }

    #[tokio::test]
    async fn a_slow_line_delays_each_direction() {
        let link = Link::to(echo().await).await.unwrap();
        link.set(Line::Slow(Duration::from_millis(20)));
        let mut stream = TcpStream::connect(link.addr()).await.unwrap();
        let start = Instant::now();
        round_trip(&mut stream).await.unwrap();
        assert!(start.elapsed() >= Duration::from_millis(40));
    }
}
