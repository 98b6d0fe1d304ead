//! What a program prints: bounded, whatever it prints.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::report::Report;

/// Bytes read at once.
const CHUNK: usize = 16 * 1024;

/// Longest first line of standard error that is taken for a report, in bytes.
const MAX_REPORT: usize = 4096;

/// Why reading ended early.
#[derive(Debug)]
pub(crate) enum Cut {
    /// More than may be printed.
    TooMuch,
    /// The first line is not the one that was agreed on.
    NoReport,
    Read(io::Error),
}

/// Standard output: all of it up to a bound, and each line as it comes.
pub(crate) struct Stdout<F> {
    kept: Vec<u8>,
    limit: usize,
    /// Where the line begins that has not ended yet.
    line_start: usize,
    on_line: F,
}

impl<F: FnMut(&str)> Stdout<F> {
    pub(crate) fn new(limit: usize, on_line: F) -> Self {
        Self { kept: Vec::new(), limit, line_start: 0, on_line }
    }

    /// Reads to the end.
    pub(crate) async fn read(&mut self, from: &mut (impl AsyncRead + Unpin)) -> Result<(), Cut> {
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = from.read(&mut chunk).await.map_err(Cut::Read)?;
            let Some(bytes) = chunk.get(..read).filter(|bytes| !bytes.is_empty()) else {
                self.tell_last_line();
                return Ok(());
            };
            self.take(bytes)?;
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Cut> {
        if self.kept.len() + bytes.len() > self.limit {
            return Err(Cut::TooMuch);
        }
        self.kept.extend_from_slice(bytes);
        while let Some(rest) = self.kept.get(self.line_start..)
            && let Some(length) = rest.iter().position(|byte| *byte == b'\n')
        {
            let line = rest.get(..length).unwrap_or_default();
            (self.on_line)(&String::from_utf8_lossy(line));
            self.line_start += length + 1;
        }
        Ok(())
    }

    fn tell_last_line(&mut self) {
        let rest = self.kept.get(self.line_start..).unwrap_or_default();
        if !rest.is_empty() {
            (self.on_line)(&String::from_utf8_lossy(rest));
        }
        self.line_start = self.kept.len();
    }

    pub(crate) fn into_text(self) -> String {
        String::from_utf8_lossy(&self.kept).into_owned()
    }
}

/// Standard error: first the report, then the end of what the program says.
pub(crate) struct Stderr {
    report: Option<Report>,
    kept: Vec<u8>,
    limit: usize,
}

impl Stderr {
    pub(crate) fn new(limit: usize) -> Self {
        Self { report: None, kept: Vec::new(), limit }
    }

    /// Reads to the end.
    pub(crate) async fn read(&mut self, from: &mut (impl AsyncRead + Unpin)) -> Result<(), Cut> {
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = from.read(&mut chunk).await.map_err(Cut::Read)?;
            match chunk.get(..read).filter(|bytes| !bytes.is_empty()) {
                Some(bytes) => self.take(bytes)?,
                None if self.report.is_some() => return Ok(()),
                None => return Err(Cut::NoReport),
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Cut> {
        self.kept.extend_from_slice(bytes);
        if self.report.is_none() {
            self.take_report()?;
        }
        // Twice the bound before anything is moved, so that a flood costs no more than its bytes.
        if self.report.is_some() && self.kept.len() > self.limit.saturating_mul(2) {
            self.cut();
        }
        Ok(())
    }

    fn take_report(&mut self) -> Result<(), Cut> {
        let Some(length) = self.kept.iter().position(|byte| *byte == b'\n') else {
            return if self.kept.len() > MAX_REPORT { Err(Cut::NoReport) } else { Ok(()) };
        };
        let line = self.kept.get(..length).unwrap_or_default();
        self.report = Some(serde_json::from_slice(line).map_err(|_| Cut::NoReport)?);
        self.kept.drain(..=length);
        Ok(())
    }

    fn cut(&mut self) {
        let excess = self.kept.len().saturating_sub(self.limit);
        self.kept.drain(..excess);
    }

    /// The report, and the end of what the program said after it.
    pub(crate) fn into_parts(mut self) -> (Option<Report>, String) {
        self.cut();
        (self.report, String::from_utf8_lossy(&self.kept).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Enforced;

    #[test]
    fn lines_are_told_once_however_they_are_cut() {
        let mut lines = Vec::new();
        let mut stdout = Stdout::new(100, |line: &str| lines.push(line.to_owned()));
        for part in ["on", "e\ntw", "o\n\nthr", "ee"] {
            stdout.take(part.as_bytes()).unwrap();
        }
        stdout.tell_last_line();
        assert_eq!(stdout.into_text(), "one\ntwo\n\nthree");
        assert_eq!(lines, ["one", "two", "", "three"]);
    }

    #[test]
    fn one_byte_more_than_may_be_printed_is_too_much() {
        let mut stdout = Stdout::new(4, |_: &str| ());
        stdout.take(b"1234").unwrap();
        assert!(matches!(stdout.take(b"5"), Err(Cut::TooMuch)));
    }

    #[test]
    fn after_the_report_the_end_is_kept() {
        let report = Report::Restricted(Enforced::default());
        let mut stderr = Stderr::new(4);
        stderr.take(serde_json::to_string(&report).unwrap().as_bytes()).unwrap();
        stderr.take(b"\nabcdefghij").unwrap();
        stderr.take(b"kl").unwrap();
        assert_eq!(stderr.into_parts(), (Some(report), "ijkl".to_owned()));
    }

    #[test]
    fn anything_else_in_the_first_line_is_no_report() {
        assert!(matches!(Stderr::new(4).take(b"usage: x\n"), Err(Cut::NoReport)));
        assert!(matches!(Stderr::new(4).take(&[b'x'; MAX_REPORT + 1]), Err(Cut::NoReport)));
    }
}
