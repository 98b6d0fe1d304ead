//! Where one HTTP/1.1 message ends and the next begins, decided before any parser sees the bytes.
//!
//! Two recipients that read the same bytes as different messages are what request smuggling lives on. The
//! [`Inspector`] therefore lets nothing pass that RFC 9112 leaves to a recipient's mercy: what it passes has one
//! reading, and what has two is refused, with the rule named. It performs no IO and keeps no bytes: it is shown what
//! the parser behind it has not seen and says how much of that may go on.
//!
//! It is stricter than the grammar where leniency buys nothing: no whitespace in a chunk line, no leading zero in a
//! length, no list of equal lengths, no percent-encoding in `Host`.

mod authority;
mod bytes;
mod chunked;
mod field;
mod head;
mod refusal;
mod request_line;
#[cfg(test)]
mod tests;
mod trailer;

pub use authority::check_authority;
pub use refusal::Refusal;
pub use trailer::is_forbidden_trailer;

use chunked::{Chunked, Progress};
use head::{Framing, HeadScan};

/// How much of a message's framing is accepted. Bodies have no bound here.
#[derive(Clone, Debug)]
pub(crate) struct FramingLimits {
    /// Bytes of a request target. At most 65,534, beyond which the parser's own bound answers first.
    pub(crate) target_bytes: usize,
    /// Bytes of a request line and all fields with their line ends. What feeds the inspector must be able to hold as
    /// many and one more.
    pub(crate) head_bytes: usize,
    /// Bytes of one field line without its CRLF.
    pub(crate) field_bytes: usize,
    /// Field lines in a head.
    pub(crate) fields: usize,
    /// Bytes of one chunk-size line with its extensions, without its CRLF.
    pub(crate) chunk_line_bytes: usize,
    /// Bytes of a trailer section with its line ends.
    pub(crate) trailer_bytes: usize,
    /// Field lines in a trailer section.
    pub(crate) trailers: usize,
}

/// What may be done with the bytes shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A valid request head of so many bytes may go on; what follows must be inspected again.
    Head(usize, HeadFacts),
    /// So many bytes may go on; they belong to the body. What follows must be inspected again.
    Body(usize),
    /// Nothing may go on before more has been read.
    Incomplete,
    /// Nothing more may go on: answer and close. Every later verdict is the same.
    Refuse(Refusal),
}

/// What a request head says of the message and the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HeadFacts {
    /// The client waits for 100 before it sends the body (RFC 9110 §10.1.1); never so in HTTP/1.0.
    pub(crate) expects_continue: bool,
    /// It offers to leave HTTP/1.1: an `Upgrade` field, named in `Connection` (RFC 9110 §7.8).
    pub(crate) upgrade: bool,
    /// HTTP/1.0 rather than 1.1.
    pub(crate) http10: bool,
    /// The client leaves the connection open for another request (RFC 9112 §9.3).
    pub(crate) keep_alive: bool,
    /// Body bytes follow: a length over zero, or chunks.
    pub(crate) has_body: bool,
}

/// The state of one client's connection, from its first byte on.
#[derive(Debug)]
pub(crate) struct Inspector {
    limits: FramingLimits,
    mode: Mode,
    head: HeadScan,
    plain: bool,
}

#[derive(Debug)]
enum Mode {
    Head,
    Sized(u64),
    Chunked(Chunked),
    Refused(Refusal),
}

impl Inspector {
    /// An inspector of a connection on which nothing has been read.
    pub(crate) fn new(limits: FramingLimits) -> Self {
        Inspector { limits, mode: Mode::Head, head: HeadScan::default(), plain: false }
    }

    /// Judges `unread`: all bytes read that no earlier verdict let pass. After [`Verdict::Incomplete`] the same bytes
    /// are to be shown again, with more behind them; what was scanned is not scanned again.
    ///
    /// Bytes that a body's fault follows pass first; the refusal is the next verdict.
    pub(crate) fn inspect(&mut self, unread: &[u8]) -> Verdict {
        match &mut self.mode {
            Mode::Refused(refusal) => Verdict::Refuse(*refusal),
            _ if unread.is_empty() => Verdict::Incomplete,
            Mode::Head => self.inspect_head(unread),
            Mode::Sized(remaining) => {
                let passed = u64::try_from(unread.len()).map_or(*remaining, |shown| shown.min(*remaining));
                *remaining -= passed;
                if *remaining == 0 {
                    self.mode = Mode::Head;
                }
                Verdict::Body(usize::try_from(passed).unwrap_or(unread.len()))
            }
            Mode::Chunked(chunked) => {
                let (passed, progress) = chunked.read(unread, &self.limits);
                match progress {
                    Progress::More => {}
                    Progress::Ended => self.mode = Mode::Head,
                    Progress::Refused(refusal) => self.mode = Mode::Refused(refusal),
                }
                match progress {
                    Progress::Refused(refusal) if passed == 0 => Verdict::Refuse(refusal),
                    _ => Verdict::Body(passed),
                }
            }
        }
    }

    fn inspect_head(&mut self, unread: &[u8]) -> Verdict {
        match self.head.read(unread, &self.limits) {
            Ok(None) => Verdict::Incomplete,
            Ok(Some(head)) => {
                self.head = HeadScan::default();
                self.plain = head.plain;
                self.mode = match head.framing {
                    Framing::Sized(0) => Mode::Head,
                    Framing::Sized(length) => Mode::Sized(length),
                    Framing::Chunked => Mode::Chunked(Chunked::default()),
                };
                Verdict::Head(head.length, head.facts)
            }
            Err(refusal) => {
                self.mode = Mode::Refused(refusal);
                Verdict::Refuse(refusal)
            }
        }
    }

    /// Whether the head that was let pass last is a GET or HEAD for a path of this server, without a body, in HTTP/1.1, that
    /// asks nothing of the connection but to stay open.
    pub(crate) fn was_plain(&self) -> bool {
        self.plain
    }

    /// No message is under way: the last one has ended and no byte of the next was shown.
    pub(crate) fn between_messages(&self) -> bool {
        matches!(self.mode, Mode::Head) && self.head.is_untouched()
    }
}
