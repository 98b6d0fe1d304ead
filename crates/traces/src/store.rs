//! Files that traces are kept in: segments that are only appended to, of which the oldest goes when there are too many.
//!
//! A record is the spans of one trace in one export, behind a head of fixed width by which most questions are answered
//! without reading further. A trace is therefore several records, in any segments. Whoever writes begins a segment of its own,
//! so that a record cut off by a killed process or a full disk is the last of its segment and is passed over.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::ids::TraceId;

mod read;

pub use read::Snapshot;

/// Segments that the bound is divided into: with the oldest, at most one in so many parts of what is kept is given up.
const SEGMENTS: u64 = 16;
const MAGIC: [u8; 4] = *b"ATR1";
const HEAD_BYTES: usize = 4 + 4 + 16 + 8 + 8 + 8 + 1;
const LOCK_FILE: &str = "lock";
const SUFFIX: &str = ".spans";

/// Why traces could not be kept or read.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Another collector writes there.
    #[error("another process keeps its traces in {0}; stop it, or give this one another --dir")]
    Taken(PathBuf),
    /// There is no store.
    #[error(
        "there is no trace store in {0}; `make up` starts one (not with STACK_TRACES=off), as does `aldia collect`. \
         --dir names another"
    )]
    Missing(PathBuf),
    /// The system refused.
    #[error("cannot {what} {path}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl StoreError {
    fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what, path: path.to_owned(), source }
    }
}

/// What is known of a record without its spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The trace.
    pub trace_id: TraceId,
    /// The earliest start, in nanoseconds since 1970.
    pub start_unix_nanos: u64,
    /// The latest end.
    pub end_unix_nanos: u64,
    /// The longest server span; 0 when there is none.
    pub served_nanos: u64,
    /// Whether a span failed.
    pub failed: bool,
}

impl Head {
    /// Of no spans yet.
    pub(crate) fn of(trace_id: TraceId) -> Self {
        Self { trace_id, start_unix_nanos: u64::MAX, end_unix_nanos: 0, served_nanos: 0, failed: false }
    }

    /// Of both records together.
    #[must_use]
    pub fn with(mut self, other: &Self) -> Self {
        self.start_unix_nanos = self.start_unix_nanos.min(other.start_unix_nanos);
        self.end_unix_nanos = self.end_unix_nanos.max(other.end_unix_nanos);
        self.served_nanos = self.served_nanos.max(other.served_nanos);
        self.failed |= other.failed;
        self
    }

    fn write(&self, body_bytes: u32, out: &mut Vec<u8>) {
        out.extend(MAGIC);
        out.extend(body_bytes.to_le_bytes());
        out.extend(self.trace_id.0);
        for number in [self.start_unix_nanos, self.end_unix_nanos, self.served_nanos] {
            out.extend(number.to_le_bytes());
        }
        out.push(u8::from(self.failed));
    }

    /// The head and the length of its body; `None` when there is no whole one.
    fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        let (magic, rest) = bytes.split_first_chunk::<4>()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (trace_id, rest) = rest.split_first_chunk()?;
        let (start, rest) = rest.split_first_chunk()?;
        let (end, rest) = rest.split_first_chunk()?;
        let (served, rest) = rest.split_first_chunk()?;
        let head = Self {
            trace_id: TraceId(*trace_id),
            start_unix_nanos: u64::from_le_bytes(*start),
            end_unix_nanos: u64::from_le_bytes(*end),
            served_nanos: u64::from_le_bytes(*served),
            failed: *rest.first()? != 0,
        };
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        (*magic == MAGIC).then_some((head, length))
    }
}

/// The spans of one trace in one export.
#[derive(Clone, Debug)]
pub struct Record {
    /// What is known without the spans.
    pub head: Head,
    /// They themselves, as an OTLP export.
    pub body: Vec<u8>,
}

/// The one who appends.
#[derive(Debug)]
pub struct Writer {
    directory: PathBuf,
    segment_bytes: u64,
    number: u64,
    file: File,
    written: u64,
    buffer: Vec<u8>,
    /// Held for as long as this lives.
    _lock: File,
}

impl Writer {
    /// Begins to keep at most `most_bytes` in `directory`, which is made when it is not there, for its owner only.
    ///
    /// # Errors
    /// When another process writes there, or the system refuses.
    pub fn open(directory: &Path, most_bytes: u64) -> Result<Self, StoreError> {
        make_private(directory).map_err(StoreError::io("make", directory))?;
        let path = directory.join(LOCK_FILE);
        let lock = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
        let lock = lock.map_err(StoreError::io("open", &path))?;
        lock.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => StoreError::Taken(directory.to_owned()),
            fs::TryLockError::Error(error) => StoreError::io("lock", &path)(error),
        })?;
        let number = segments(directory)?.last().map_or(1, |(number, _)| number + 1);
        let file = create(directory, number)?;
        let segment_bytes = (most_bytes / SEGMENTS).max(1);
        let mut writer = Self {
            directory: directory.to_owned(),
            segment_bytes,
            number,
            file,
            written: 0,
            buffer: Vec::new(),
            _lock: lock,
        };
        writer.remove_oldest()?;
        Ok(writer)
    }

    /// Appends records; those of one call are written at once. A segment ends with the call that fills it, so it may be longer
    /// than its share by one export.
    ///
    /// # Errors
    /// When the system refuses. The next call begins another segment, for this one may end in half a record.
    pub fn append(&mut self, records: &[Record]) -> Result<(), StoreError> {
        if self.written >= self.segment_bytes {
            self.number += 1;
            self.file = create(&self.directory, self.number)?;
            self.written = 0;
            self.remove_oldest()?;
        }
        self.buffer.clear();
        for record in records {
            // The receiver's bound is far below this.
            let Ok(length) = u32::try_from(record.body.len()) else { continue };
            record.head.write(length, &mut self.buffer);
            self.buffer.extend_from_slice(&record.body);
        }
        let path = segment(&self.directory, self.number);
        if let Err(error) = self.file.write_all(&self.buffer) {
            self.written = u64::MAX;
            return Err(StoreError::io("write", &path)(error));
        }
        self.written = self.written.saturating_add(u64::try_from(self.buffer.len()).unwrap_or(u64::MAX));
        Ok(())
    }

    fn remove_oldest(&mut self) -> Result<(), StoreError> {
        let mut known = segments(&self.directory)?;
        let keep = usize::try_from(SEGMENTS).unwrap_or(usize::MAX);
        known.truncate(known.len().saturating_sub(keep));
        known.iter().try_for_each(|(_, path)| fs::remove_file(path).map_err(StoreError::io("remove", path)))
    }
}

fn create(directory: &Path, number: u64) -> Result<File, StoreError> {
    let path = segment(directory, number);
    OpenOptions::new().append(true).create_new(true).open(&path).map_err(StoreError::io("make", &path))
}

fn segment(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number:012}{SUFFIX}"))
}

/// The segments by number, oldest first.
fn segments(directory: &Path) -> Result<Vec<(u64, PathBuf)>, StoreError> {
    let entries = fs::read_dir(directory).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => StoreError::Missing(directory.to_owned()),
        _ => StoreError::io("read", directory)(error),
    })?;
    let mut found: Vec<(u64, PathBuf)> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let name = entry.file_name();
            let number = name.to_str()?.strip_suffix(SUFFIX)?.parse().ok()?;
            Some((number, entry.path()))
        })
        .collect();
    found.sort();
    Ok(found)
}

fn make_private(directory: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    // What is traced is for whoever runs the system: paths, names, statements.
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

#[cfg(test)]
mod tests;
