//! Answers that lie ready, written past hyper.
//!
//! What a cache answers costs less than to read its request into a map, to hand it from task to task and to put the answer together
//! field by field. So the guard, which has read every byte of a head anyway, offers a plain one to the handler first; what the
//! handler does not answer goes to hyper as if nothing had happened.
//!
//! The guard has to be `Send`, since hyper asks that of what may become a tunnel, and a handler is not. They meet in the thread:
//! a worker's connections never leave it.

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::{Buf, Bytes};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use rustix::io::Errno;
use rustix::net::SendFlags;
use tokio::io::{AsyncWrite, Interest};
use tokio::net::TcpStream;

use crate::handler::Handler;
use crate::service::Origin;

/// Head and body up to so many bytes together are copied into one piece: that costs less than a vectored write.
pub(crate) const GATHERED: usize = 4 * 1024;
/// A buffer that has grown beyond is not kept for the next answer.
const MOST_KEPT: usize = 16 * 1024;

static GET: Method = Method::GET;
static HEAD: Method = Method::HEAD;

/// The head of a request that is nothing out of the ordinary: GET or HEAD of a path, HTTP/1.1, no body, nothing asked of the
/// connection but that it stays open. It has passed the framing rules.
#[derive(Debug)]
pub struct PlainHead<'a> {
    bytes: &'a [u8],
    method: &'static Method,
    target: &'a str,
    fields_at: usize,
    origin: Origin,
}

impl<'a> PlainHead<'a> {
    /// Takes a head apart that the inspector has found plain.
    pub(crate) fn read(bytes: &'a [u8], origin: Origin) -> Option<Self> {
        let (method, target_at) = match bytes.first() {
            Some(b'G') => (&GET, 4),
            _ => (&HEAD, 5),
        };
        let line_end = memchr::memchr(b'\r', bytes)?;
        let target = bytes.get(target_at..line_end)?.strip_suffix(b" HTTP/1.1")?;
        let target = std::str::from_utf8(target).ok()?;
        Some(Self { bytes, method, target, fields_at: line_end + 2, origin })
    }

    /// GET or HEAD.
    #[must_use]
    pub fn method(&self) -> &'static Method {
        self.method
    }

    /// Path and query, as they came.
    #[must_use]
    pub fn target(&self) -> &'a str {
        self.target
    }

    /// The address that the connection came from.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        self.origin.peer
    }

    /// Whether the connection is encrypted.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.origin.secure
    }

    /// Puts the fields into `map` in place of what is there, as a request has them that comes to [`Handler::handle`]. `None` where
    /// that cannot be.
    pub fn read_fields(&self, map: &mut HeaderMap) -> Option<()> {
        map.clear();
        // One copy, of which every value is a part.
        let text = Bytes::copy_from_slice(self.bytes.get(self.fields_at..)?);
        let mut at = 0;
        while let Some(line) = text.get(at..).and_then(|rest| rest.get(..memchr::memchr(b'\r', rest)?)) {
            if line.is_empty() {
                return Some(());
            }
            let colon = memchr::memchr(b':', line)?;
            let name = HeaderName::from_bytes(line.get(..colon)?).ok()?;
            let value = line.get(colon + 1..)?.trim_ascii();
            map.try_append(name, HeaderValue::from_maybe_shared(text.slice_ref(value)).ok()?).ok()?;
            at += line.len() + 2;
        }
        None
    }
}

/// An answer on its way past hyper: status line, fields, an empty line, a body.
///
/// Begun by [`begin`](Self::begin), which empties it. Who writes it owes what HTTP asks of a server: `Date`, `Content-Length` that is
/// the body's (or would be, to HEAD), no `Transfer-Encoding` and no `Connection`; [`end`](Self::end) comes last.
#[derive(Debug, Default)]
pub struct ReadyAnswer {
    /// The head, and a small body.
    text: Vec<u8>,
    body: Bytes,
    /// Bytes of `text` that are written.
    written: usize,
    /// The body again, as long as some of it is to be written.
    file: Option<BodyInFile>,
}

/// A body that lies in a file, too.
struct BodyInFile {
    file: Arc<dyn AsFd + Send + Sync>,
    length: usize,
}

impl fmt::Debug for BodyInFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyInFile").field("length", &self.length).finish_non_exhaustive()
    }
}

impl ReadyAnswer {
    /// Begins anew. A status without a phrase of its own cannot be written.
    pub fn begin(&mut self, status: StatusCode) -> Option<()> {
        self.text.clear();
        self.body = Bytes::new();
        self.written = 0;
        self.file = None;
        self.text.extend_from_slice(b"HTTP/1.1 ");
        self.text.extend_from_slice(status.as_str().as_bytes());
        self.text.push(b' ');
        self.text.extend_from_slice(status.canonical_reason()?.as_bytes());
        self.text.extend_from_slice(b"\r\n");
        Some(())
    }

    /// Adds a field.
    pub fn field(&mut self, name: &str, value: &[u8]) {
        self.text.extend_from_slice(name.as_bytes());
        self.text.extend_from_slice(b": ");
        self.text.extend_from_slice(value);
        self.text.extend_from_slice(b"\r\n");
    }

    /// Where lines of fields, each with its CRLF, are written at the end.
    pub fn lines(&mut self) -> &mut Vec<u8> {
        &mut self.text
    }

    /// Adds `Date` with the time of the day.
    pub fn date(&mut self) {
        DATE.with_borrow_mut(|date| self.field("date", date.now().as_bytes()));
    }

    /// Ends the head and adds the body.
    pub fn end(&mut self, body: &Bytes) {
        self.text.extend_from_slice(b"\r\n");
        if self.text.len() + body.len() <= GATHERED {
            self.text.extend_from_slice(body);
        } else {
            self.body = body.clone();
        }
    }

    /// Ends the head and adds a body that lies in `file` as well, whole and from its beginning; where the connection allows it, the
    /// kernel sends it from there without copying it, and what the file does not give comes from `body`.
    pub fn end_with_file(&mut self, body: &Bytes, file: Arc<dyn AsFd + Send + Sync>) {
        self.end(body);
        // What was copied beside the head goes with it.
        self.file = (!self.body.is_empty()).then(|| BodyInFile { file, length: body.len() });
    }

    pub(crate) fn has_file(&self) -> bool {
        self.file.is_some()
    }

    pub(crate) fn is_written(&self) -> bool {
        self.written == self.text.len() && self.body.is_empty()
    }

    /// Writes on; how many bytes went.
    pub(crate) fn poll_write<IO: AsyncWrite + Unpin>(
        &mut self,
        io: &mut IO,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let rest = self.text.get(self.written..).unwrap_or_default();
        let polled = if self.body.is_empty() {
            Pin::new(io).poll_write(cx, rest)
        } else if rest.is_empty() {
            Pin::new(io).poll_write(cx, &self.body)
        } else {
            Pin::new(io).poll_write_vectored(cx, &[io::IoSlice::new(rest), io::IoSlice::new(&self.body)])
        };
        if let Poll::Ready(Ok(bytes)) = polled {
            let of_text = bytes.min(self.text.len() - self.written);
            self.written += of_text;
            self.body.advance((bytes - of_text).min(self.body.len()));
        }
        polled
    }

    /// Sends on, of the file at most `most` bytes; how many bytes went.
    pub(crate) fn poll_send(
        &mut self,
        socket: &TcpStream,
        most: usize,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(socket.poll_write_ready(cx))?;
            match socket.try_io(Interest::WRITABLE, || self.send(socket, most)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                sent => return Poll::Ready(sent),
            }
        }
    }

    fn send(&mut self, socket: &TcpStream, most: usize) -> io::Result<usize> {
        let head = self.text.get(self.written..).unwrap_or_default();
        let mut sent = 0;
        if !head.is_empty() {
            // What is not full waits for the body.
            sent = rustix::net::send(socket, head, SendFlags::MORE | SendFlags::NOSIGNAL)?;
            self.written += sent;
            if sent < head.len() {
                return Ok(sent);
            }
        }
        let Some(BodyInFile { file, length }) = &self.file else { return Ok(sent) };
        let mut offset = (length - self.body.len()) as u64;
        let bytes = match rustix::fs::sendfile(socket, file, Some(&mut offset), self.body.len().min(most)) {
            Ok(bytes @ 1..) => bytes,
            // The head went, so this was a write; the next finds out by itself.
            Err(Errno::AGAIN) if sent > 0 => return Ok(sent),
            Err(Errno::AGAIN) => return Err(io::ErrorKind::WouldBlock.into()),
            // Something is wrong with the file, and memory has the octets; or with the connection, which shows there, too.
            _ => {
                self.file = None;
                rustix::net::send(socket, &self.body, SendFlags::NOSIGNAL)
                    .or_else(|error| if error == Errno::AGAIN && sent > 0 { Ok(0) } else { Err(error) })?
            }
        };
        self.body.advance(bytes);
        Ok(sent + bytes)
    }
}

/// The time of the day as a field value, written anew once a second.
#[derive(Default)]
struct Date {
    second: u64,
    text: String,
}

impl Date {
    fn now(&mut self) -> &str {
        let now = SystemTime::now();
        let second = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        if second != self.second || self.text.is_empty() {
            self.second = second;
            self.text = httpdate::fmt_http_date(now);
        }
        &self.text
    }
}

thread_local! {
    static DESK: RefCell<Option<Desk>> = const { RefCell::new(None) };
    static DATE: RefCell<Date> = RefCell::default();
}

/// Where the guards of one worker ask its handler.
struct Desk {
    handler: Rc<dyn AtOnce>,
    /// The buffer of the answer before.
    spare: ReadyAnswer,
}

trait AtOnce {
    fn answer(&self, head: &PlainHead<'_>, answer: &mut ReadyAnswer) -> bool;
}

impl<H: Handler> AtOnce for H {
    fn answer(&self, head: &PlainHead<'_>, answer: &mut ReadyAnswer) -> bool {
        self.answer_at_once(head, answer)
    }
}

/// From now on the handler is asked on this thread.
pub(crate) fn install<H: Handler>(handler: Rc<H>) {
    DESK.set(Some(Desk { handler, spare: ReadyAnswer::default() }));
}

/// Nobody is asked on this thread any more.
pub(crate) fn remove() {
    DESK.set(None);
}

/// The handler's answer to a plain head, if it has one ready.
pub(crate) fn offer(bytes: &[u8], origin: Origin) -> Option<ReadyAnswer> {
    let head = PlainHead::read(bytes, origin)?;
    let taken = |desk: &mut Option<Desk>| {
        let desk = desk.as_mut()?;
        Some((Rc::clone(&desk.handler), std::mem::take(&mut desk.spare)))
    };
    // Nothing is borrowed while the handler runs: a panic in it leaves the desk as it is.
    let (handler, mut answer) = DESK.with_borrow_mut(taken)?;
    if handler.answer(&head, &mut answer) {
        return Some(answer);
    }
    give_back(answer);
    None
}

/// Keeps the buffer for the next answer.
pub(crate) fn give_back(mut answer: ReadyAnswer) {
    answer.body = Bytes::new();
    answer.file = None;
    if answer.text.capacity() <= MOST_KEPT {
        DESK.with_borrow_mut(|desk| {
            if let Some(desk) = desk {
                desk.spare = answer;
            }
        });
    }
}

#[cfg(test)]
#[path = "at_once/tests.rs"]
mod tests;
