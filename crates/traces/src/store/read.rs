//! What is in the store now.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;

use super::{HEAD_BYTES, Head, StoreError, segments};
use crate::ids::TraceId;
use crate::span::Span;

/// The segments of a store as they were when it was last looked at, in memory: at most what the store is bounded to.
#[derive(Debug)]
pub struct Snapshot {
    directory: PathBuf,
    segments: BTreeMap<u64, Vec<u8>>,
}

impl Snapshot {
    /// Reads the store.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        let mut snapshot = Self { directory: directory.to_owned(), segments: BTreeMap::new() };
        snapshot.refresh()?;
        Ok(snapshot)
    }

    /// Where it is.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Reads what has come since.
    ///
    /// # Errors
    /// As [`Snapshot::open`].
    pub fn refresh(&mut self) -> Result<(), StoreError> {
        let found = segments(&self.directory)?;
        self.segments.retain(|number, _| found.iter().any(|(known, _)| known == number));
        for (number, path) in found {
            let bytes = self.segments.entry(number).or_default();
            match read_rest(&path, bytes) {
                Ok(()) => {}
                // The collector has just given it up.
                Err(error) if error.kind() == io::ErrorKind::NotFound => drop(self.segments.remove(&number)),
                Err(error) => return Err(StoreError::io("read", &path)(error)),
            }
        }
        Ok(())
    }

    /// All records, those that came last first.
    fn records(&self) -> impl Iterator<Item = (Head, &[u8])> {
        self.segments.values().rev().flat_map(|bytes| {
            let mut rest = bytes.as_slice();
            let mut records = Vec::new();
            // Whatever is not a whole record is the end of its segment.
            while let Some((head, length)) = Head::read(rest) {
                let end = HEAD_BYTES + length;
                let (Some(body), Some(after)) = (rest.get(HEAD_BYTES..end), rest.get(end..)) else { break };
                records.push((head, body));
                rest = after;
            }
            records.into_iter().rev()
        })
    }

    /// What is known of each trace without its spans; those that ended last first.
    #[must_use]
    pub fn traces(&self) -> Vec<Head> {
        let mut traces: HashMap<TraceId, Head> = HashMap::new();
        for (head, _) in self.records() {
            traces.entry(head.trace_id).and_modify(|known| *known = known.with(&head)).or_insert(head);
        }
        let mut traces: Vec<Head> = traces.into_values().collect();
        traces.sort_by_key(|head| (std::cmp::Reverse(head.end_unix_nanos), head.trace_id));
        traces
    }

    /// The spans of a trace, by their start; each once, however often it was exported.
    #[must_use]
    pub fn spans(&self, trace: TraceId) -> Vec<Span> {
        let mut spans: BTreeMap<_, Span> = BTreeMap::new();
        for (head, body) in self.records() {
            if head.trace_id == trace {
                spans.extend(decoded(body).map(|span| (span.span_id, span)));
            }
        }
        let mut spans: Vec<Span> = spans.into_values().collect();
        spans.sort_by_key(|span| (span.start_unix_nanos, span.span_id));
        spans
    }

    /// The traces with a span that `is_wanted`; those that came last first. Only records that hold `text`, which such a span
    /// has somewhere, are taken apart.
    #[must_use]
    pub fn traces_with(&self, text: &str, is_wanted: impl Fn(&Span) -> bool) -> Vec<TraceId> {
        let finder = memchr::memmem::Finder::new(text);
        let (mut found, mut known) = (Vec::new(), HashSet::new());
        for (head, body) in self.records() {
            let is_new = !known.contains(&head.trace_id);
            if is_new && finder.find(body).is_some() && decoded(body).any(|span| is_wanted(&span)) {
                known.insert(head.trace_id);
                found.push(head.trace_id);
            }
        }
        found
    }
}

fn decoded(body: &[u8]) -> impl Iterator<Item = Span> {
    // The collector has read it before; what is damaged since is as good as gone.
    Span::all_of(ExportTraceServiceRequest::decode(body).unwrap_or_default())
}

/// Segments only grow.
fn read_rest(path: &Path, bytes: &mut Vec<u8>) -> io::Result<()> {
    let mut file = File::open(path)?;
    let known = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if file.metadata()?.len() > known {
        file.seek(SeekFrom::Start(known))?;
        file.read_to_end(bytes)?;
    }
    Ok(())
}
