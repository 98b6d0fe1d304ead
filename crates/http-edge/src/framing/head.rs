//! A request head, line by line as it arrives: each line is judged once, and the first that breaks a rule decides.
//! The limits are judged before what a line says, so that the verdict does not hang on how the bytes arrive.

use std::ops::Range;

use super::field::{self, Field};
use super::request_line::{self, Method};
use super::{FramingLimits, HeadFacts, Refusal};

/// How the end of a body is found.
#[derive(Debug)]
pub(super) enum Framing {
    /// By counting; 0 where there is none.
    Sized(u64),
    Chunked,
}

/// A head that has ended.
#[derive(Debug)]
pub(super) struct Head {
    /// Bytes with the empty line at the end, and an empty line before the request line if there was one.
    pub(super) length: usize,
    pub(super) facts: HeadFacts,
    pub(super) framing: Framing,
    /// A GET or HEAD in origin-form of HTTP/1.1, without a body and with no wish about the connection but that it stays.
    pub(super) plain: bool,
}

/// How far a head has been read, and what it said so far. Positions count from its first byte.
#[derive(Debug, Default)]
pub(super) struct HeadScan {
    /// Where the line that is being read begins.
    line_start: usize,
    /// No LF stands between `line_start` and here.
    searched: usize,
    has_request_line: bool,
    http10: bool,
    authority: Option<Range<usize>>,
    fields: usize,
    host: Option<Range<usize>>,
    content_length: Option<u64>,
    chunked: bool,
    expects_continue: bool,
    upgrade_field: bool,
    option_upgrade: bool,
    option_close: bool,
    option_keep_alive: bool,
    option_other: bool,
}

impl HeadScan {
    /// No byte has been read.
    pub(super) fn is_untouched(&self) -> bool {
        self.searched == 0
    }

    /// Reads on in `bytes`, which begin where the head does. `None` until the head has ended.
    pub(super) fn read(&mut self, bytes: &[u8], limits: &FramingLimits) -> Result<Option<Head>, Refusal> {
        if !self.has_request_line && !self.read_request_line(bytes, limits)? {
            return Ok(None);
        }
        loop {
            let start = self.line_start;
            let Some(line) = self.next_line(bytes, limits.field_bytes, Refusal::FieldTooLarge, limits)?
            else {
                return Ok(None);
            };
            if line.is_empty() {
                return self.end(bytes).map(Some);
            }
            self.fields += 1;
            if self.fields > limits.fields {
                return Err(Refusal::TooManyFields);
            }
            let field = field::parse(line, self.fields == 1)?;
            self.take_in(&field, start)?;
        }
    }

    /// Whether the request line has been read. One empty line before it is skipped (RFC 9112 §2.2).
    fn read_request_line(&mut self, bytes: &[u8], limits: &FramingLimits) -> Result<bool, Refusal> {
        loop {
            let method = match request_line::method(bytes.get(self.line_start..).unwrap_or_default())? {
                Method::Bytes(method) => method,
                Method::More => {
                    self.searched = bytes.len();
                    return Ok(false);
                }
                Method::EmptyLine if self.line_start == 0 => {
                    self.line_start = b"\r\n".len();
                    continue;
                }
                Method::EmptyLine => return Err(Refusal::RequestLineMalformed),
            };
            let start = self.line_start;
            let bound = request_line::bound(method, limits.target_bytes);
            let Some(line) = self.next_line(bytes, bound, Refusal::TargetTooLong, limits)? else {
                return Ok(false);
            };
            let parsed = request_line::parse(line, method, limits.target_bytes)?;
            self.http10 = parsed.http10;
            self.authority = parsed.authority.map(|at| at.start + start..at.end + start);
            self.has_request_line = true;
            return Ok(true);
        }
    }

    /// The next line without its CRLF, once it has ended; `bound` is the most bytes it may have.
    fn next_line<'a>(
        &mut self,
        bytes: &'a [u8],
        bound: usize,
        too_long: Refusal,
        limits: &FramingLimits,
    ) -> Result<Option<&'a [u8]>, Refusal> {
        let start = self.line_start;
        let from = self.searched.max(start);
        let found = memchr::memchr(b'\n', bytes.get(from..).unwrap_or_default()).map(|at| from + at + 1);
        let end = found.unwrap_or(bytes.len());
        let line_bound = start.saturating_add(bound).saturating_add(b"\r\n".len());
        if end > line_bound.min(limits.head_bytes) {
            return Err(if line_bound <= limits.head_bytes { too_long } else { Refusal::HeadTooLarge });
        }
        self.searched = end;
        if found.is_none() {
            return Ok(None);
        }
        self.line_start = end;
        let line = bytes.get(start..end).unwrap_or_default();
        line.strip_suffix(b"\r\n").map(Some).ok_or(Refusal::BareLineFeed)
    }

    /// Takes in what a field says of the framing and the connection; `line_start` is where its line begins.
    fn take_in(&mut self, field: &Field<'_>, line_start: usize) -> Result<(), Refusal> {
        let name = field.name;
        let is = |wanted: &[u8]| name.eq_ignore_ascii_case(wanted);
        match name.len() {
            4 if is(b"host") => {
                if self.host.is_some() {
                    return Err(Refusal::HostRepeated);
                }
                if !super::check_authority(field.value) {
                    return Err(Refusal::HostMalformed);
                }
                self.host = Some(field.value_at.start + line_start..field.value_at.end + line_start);
            }
            6 if is(b"expect") => {
                if !field.value.eq_ignore_ascii_case(b"100-continue") {
                    return Err(Refusal::ExpectationUnsupported);
                }
                self.expects_continue = true;
            }
            7 if is(b"upgrade") => self.upgrade_field = true,
            10 if is(b"connection") => self.take_in_options(field.value),
            14 if is(b"content-length") => {
                if self.content_length.is_some() {
                    return Err(Refusal::ContentLengthRepeated);
                }
                self.content_length = Some(field::content_length(field.value)?);
            }
            17 if is(b"transfer-encoding") => {
                if self.http10 {
                    return Err(Refusal::TransferEncodingInHttp10);
                }
                if self.chunked {
                    return Err(Refusal::TransferEncodingMalformed);
                }
                field::transfer_encoding(field.value)?;
                self.chunked = true;
            }
            14 if field::is_lookalike(name, b"content-length") => return Err(Refusal::FieldNameAmbiguous),
            17 if field::is_lookalike(name, b"transfer-encoding") => return Err(Refusal::FieldNameAmbiguous),
            _ => {}
        }
        Ok(())
    }

    fn take_in_options(&mut self, value: &[u8]) {
        for option in value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
            self.option_close |= option.eq_ignore_ascii_case(b"close");
            self.option_keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
            self.option_upgrade |= option.eq_ignore_ascii_case(b"upgrade");
            self.option_other |= !option.is_empty() && !option.eq_ignore_ascii_case(b"keep-alive");
        }
    }

    /// Judges what only all fields together show.
    fn end(&self, bytes: &[u8]) -> Result<Head, Refusal> {
        if let (Some(authority), Some(host)) = (&self.authority, &self.host) {
            let at = |range: &Range<usize>| bytes.get(range.clone()).unwrap_or_default();
            if !at(authority).eq_ignore_ascii_case(at(host)) {
                return Err(Refusal::HostDisagrees);
            }
        }
        if self.host.is_none() && !self.http10 {
            return Err(Refusal::HostMissing);
        }
        let framing = match (self.chunked, self.content_length) {
            (true, Some(_)) => return Err(Refusal::LengthAndTransferEncoding),
            (true, None) => Framing::Chunked,
            (false, length) => Framing::Sized(length.unwrap_or(0)),
        };
        let facts = HeadFacts {
            expects_continue: self.expects_continue && !self.http10,
            upgrade: self.upgrade_field && self.option_upgrade && !self.http10,
            http10: self.http10,
            keep_alive: !self.option_close && (!self.http10 || self.option_keep_alive),
            has_body: !matches!(framing, Framing::Sized(0)),
        };
        Ok(Head { length: self.line_start, facts, framing, plain: self.is_plain(bytes) })
    }

    fn is_plain(&self, bytes: &[u8]) -> bool {
        let reads = bytes.starts_with(b"GET /") || bytes.starts_with(b"HEAD /");
        let framed = self.chunked || self.content_length.is_some() || self.expects_continue;
        reads && !self.http10 && !framed && !self.upgrade_field && !self.option_other
    }
}
