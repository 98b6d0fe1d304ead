//! A client with a socket that costs next to nothing, so that one process has thousands: frames are read by hand (RFC 6455 §5.2),
//! and of a message no more is understood than what it is about.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context as _;
use http::HeaderValue;
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// Longest wait for a handshake and its hello.
const PATIENCE: Duration = Duration::from_secs(60);
/// Sockets that leave from one address: fewer than it has ports.
const PER_SOURCE: usize = 20_000;
const LONGEST_HEAD: usize = 8 * 1024;

/// What a server says.
#[derive(Debug)]
pub(super) enum Heard {
    /// A message.
    Message(Message),
    /// Its farewell: code and reason.
    Closed(u16, String),
}

/// A message as far as it matters here.
#[derive(Debug, Deserialize)]
pub(super) struct Message {
    pub(super) action: String,
    pub(super) position: String,
    pub(super) story_id: Option<String>,
    #[serde(default)]
    pub(super) recovered: bool,
}

/// A socket that is open.
pub(super) struct Socket {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Socket {
    /// Connects as the `number`th client and shakes hands; returns the hello too.
    pub(super) async fn open(
        door: SocketAddr,
        number: usize,
        path: &str,
        bearer: &HeaderValue,
    ) -> anyhow::Result<(Self, Message)> {
        timeout(PATIENCE, Self::attempt(door, number, path, bearer))
            .await
            .context("the handshake took too long")?
    }

    async fn attempt(
        door: SocketAddr,
        number: usize,
        path: &str,
        bearer: &HeaderValue,
    ) -> anyhow::Result<(Self, Message)> {
        let source = u8::try_from(1 + number / PER_SOURCE).context("more sockets than addresses")?;
        let socket = TcpSocket::new_v4()?;
        if source > 1 {
            socket.bind((Ipv4Addr::new(127, 0, 0, source), 0).into())?;
        }
        let mut stream = socket.connect(door).await.context("cannot connect")?;
        stream.set_nodelay(true)?;
        let bearer = bearer.to_str()?;
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {door}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nAuthorization: {bearer}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut socket = Self { stream, unread: Vec::new() };
        socket.head().await?;
        match socket.next().await? {
            Heard::Message(hello) if hello.action == "hello" => Ok((socket, hello)),
            other => anyhow::bail!("instead of a hello came {other:?}"),
        }
    }

    /// The head of the answer to the handshake.
    async fn head(&mut self) -> anyhow::Result<()> {
        let end = loop {
            if let Some(end) = memchr::memmem::find(&self.unread, b"\r\n\r\n") {
                break end + 4;
            }
            anyhow::ensure!(self.unread.len() < LONGEST_HEAD, "an answer without an end");
            self.read().await.context("no answer to the handshake")?;
        };
        let head = String::from_utf8_lossy(&self.unread).into_owned();
        anyhow::ensure!(head.starts_with("HTTP/1.1 101 "), "the handshake was answered with {head}");
        self.unread.drain(..end);
        Ok(())
    }

    /// The next message; pings are answered on the way.
    pub(super) async fn next(&mut self) -> anyhow::Result<Heard> {
        loop {
            let Some((opcode, payload)) = self.frame()? else {
                self.read().await?;
                continue;
            };
            match opcode {
                1 => return Ok(Heard::Message(serde_json::from_slice(&payload)?)),
                8 => {
                    let (code, reason) = payload.split_at_checked(2).unwrap_or_default();
                    let code = code.try_into().map(u16::from_be_bytes).unwrap_or_default();
                    return Ok(Heard::Closed(code, String::from_utf8_lossy(reason).into_owned()));
                }
                9 => self.pong(&payload).await?,
                _ => {}
            }
        }
    }

    /// The first frame of what is there, if it is there whole.
    fn frame(&mut self) -> anyhow::Result<Option<(u8, Vec<u8>)>> {
        let (Some(first), Some(second)) = (self.unread.first(), self.unread.get(1)) else { return Ok(None) };
        anyhow::ensure!(first & 0x80 != 0 && second & 0x80 == 0, "a frame that is masked or a part");
        let (begin, length) = match second {
            126 => match self.unread.get(2..4) {
                Some(digits) => (4, digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit))),
                None => return Ok(None),
            },
            127 => anyhow::bail!("a frame that is far too large"),
            length => (2, usize::from(*length)),
        };
        let opcode = first & 0x0f;
        let Some(payload) = self.unread.get(begin..begin + length) else { return Ok(None) };
        let payload = payload.to_vec();
        self.unread.drain(..begin + length);
        if self.unread.is_empty() {
            // Thousands of clients wait; none keeps what it needed for a moment.
            self.unread = Vec::new();
        }
        Ok(Some((opcode, payload)))
    }

    async fn read(&mut self) -> io::Result<()> {
        self.stream.readable().await?;
        self.unread.reserve(1024);
        match self.stream.read_buf(&mut self.unread).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// With a mask of zeros, which changes nothing.
    async fn pong(&mut self, payload: &[u8]) -> io::Result<()> {
        let length = u8::try_from(payload.len()).unwrap_or(125).min(125);
        let mut frame = vec![0x8a, 0x80 | length, 0, 0, 0, 0];
        frame.extend(payload.iter().take(length.into()));
        self.stream.write_all(&frame).await
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    async fn heard(frames: &[u8]) -> anyhow::Result<Heard> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let stream = TcpStream::connect(listener.local_addr()?).await?;
        let (mut server, _) = listener.accept().await?;
        let mut socket = Socket { stream, unread: Vec::new() };
        // In pieces, so that frames are cut.
        let speaking = async {
            for piece in frames.chunks(3) {
                server.write_all(piece).await?;
            }
            Ok::<_, io::Error>(())
        };
        let (said, heard) = tokio::join!(speaking, socket.next());
        said?;
        heard
    }

    #[tokio::test]
    async fn messages_and_farewells_are_understood_wherever_they_are_cut() {
        let text = format!(r#"{{"action":"refetch","position":"{}"}}"#, "1".repeat(120));
        let mut frames = vec![0x89, 2, b'h', b'i', 0x81, 126, 0, u8::try_from(text.len()).unwrap()];
        frames.extend(text.bytes());
        assert!(matches!(heard(&frames).await.unwrap(), Heard::Message(said) if said.action == "refetch"));
        let closed = heard(&[0x88, 5, 0x03, 0xf4, b'a', b':', b'1']).await.unwrap();
        assert!(matches!(closed, Heard::Closed(1012, reason) if reason == "a:1"));
    }
}
