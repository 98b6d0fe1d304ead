//! An inspection put away, to be taken up at the same offset by another process.

use serde::{Deserialize, Serialize};

/// Changes with the meaning or shape of anything that is put away: formats' states, `sha2`'s state, limits.
pub(crate) const VERSION: u32 = 1;

/// The whole state of an inspection at one offset: some hundred bytes of JSON, and never more than 7 KiB. It is only good
/// together with the same bytes before that offset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    pub(crate) version: u32,
    pub(crate) offset: u64,
    /// Left unread until the version is known, so that a checkpoint of another release can still be deserialised.
    pub(crate) state: serde_json::Value,
}

/// Why a checkpoint cannot be used. The caller inspects the body anew from its start.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// Another release wrote it.
    #[error("checkpoint has version {found}, not {VERSION}")]
    OtherVersion {
        /// Its version.
        found: u32,
    },
    /// It is not what was put away.
    #[error("checkpoint cannot be read")]
    Malformed(#[source] serde_json::Error),
}

impl Checkpoint {
    /// How many bytes had been inspected.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }
}
