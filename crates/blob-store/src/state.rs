//! What is durable of an unfinished upload, for the caller's database.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::config::Backend;
use crate::error::StorageError;

/// What is on stable storage of an upload. Whoever has it can go on from [`PartialState::offset`].
///
/// Store it in the transaction that acknowledges the bytes, under a check of the epoch. What it names stays as it is until
/// the upload is completed or discarded, whatever older writers still do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartialState {
    pub(crate) backend: Backend,
    /// The epoch of the writer that made this state.
    pub(crate) epoch: i64,
    /// Without gaps from 0.
    pub(crate) segments: Vec<Segment>,
    /// What an earlier state named and this one does not. Nobody needs it once this state is stored: who resumes from it
    /// may delete these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) superseded: Vec<Segment>,
}

/// Bytes that one writer wrote: a file, or an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Segment {
    /// The epoch of its writer.
    pub(crate) epoch: i64,
    /// Where in the upload it begins.
    pub(crate) start: u64,
    /// Drawn for each writer, so that no two ever write to one name.
    pub(crate) nonce: Uuid,
    /// How many of its bytes count.
    pub(crate) bytes: u64,
}

impl Segment {
    pub(crate) fn name(&self) -> String {
        format!("{}-{}-{}", self.epoch, self.start, self.nonce.simple())
    }

    pub(crate) fn end(&self) -> u64 {
        self.start.saturating_add(self.bytes)
    }
}

impl PartialState {
    /// How many bytes, from the first, are on stable storage.
    pub fn offset(&self) -> u64 {
        self.segments.last().map_or(0, Segment::end)
    }

    /// The segments that have content.
    pub(crate) fn filled(&self) -> impl Iterator<Item = &Segment> {
        self.segments.iter().filter(|segment| segment.bytes > 0)
    }

    /// Refuses a state of the other backend, and one that no writer made.
    pub(crate) fn check(&self, backend: Backend) -> Result<(), StorageError> {
        if self.backend != backend {
            let detail = format!("the upload lies on {}, the store on {backend}", self.backend);
            return Err(StorageError::Corrupt { detail });
        }
        let mut offset = 0;
        for segment in &self.segments {
            if segment.start != offset {
                return Err(StorageError::corrupt(format!("the state has a gap at {offset}")));
            }
            offset = segment.end();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(start: u64, bytes: u64) -> Segment {
        Segment { epoch: 1, start, nonce: Uuid::from_u128(7), bytes }
    }

    fn state(segments: Vec<Segment>) -> PartialState {
        PartialState { backend: Backend::Local, epoch: 1, segments, superseded: Vec::new() }
    }

    #[test]
    fn a_state_survives_a_database() {
        let state = state(vec![segment(0, 5), segment(5, u64::MAX - 5)]);
        let text = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<PartialState>(&text).unwrap(), state);
        assert_eq!(state.offset(), u64::MAX);
    }

    #[test]
    fn a_state_with_a_gap_or_of_another_backend_is_refused() {
        assert!(state(vec![segment(0, 5), segment(5, 0), segment(5, 1)]).check(Backend::Local).is_ok());
        for bad in [state(vec![segment(1, 5)]), state(vec![segment(0, 5), segment(6, 1)])] {
            assert!(matches!(bad.check(Backend::Local), Err(StorageError::Corrupt { .. })));
        }
        assert!(matches!(state(Vec::new()).check(Backend::S3), Err(StorageError::Corrupt { .. })));
    }
}
