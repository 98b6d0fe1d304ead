//! The one pass: type, structure, hash.

use std::mem;

use serde::de::Error as _;
use serde::{Deserialize, Serialize};

use crate::accepted::Accepted;
use crate::checkpoint::{Checkpoint, CheckpointError, VERSION};
use crate::content_type::ContentType;
use crate::encoded;
use crate::format::Format;
use crate::hash::Hash;
use crate::refusal::{Found, Refusal};
use crate::sniff::{MAX_PREFIX, sniff};
use crate::walker::Walker;

/// Looks at one body while it passes. However the body is cut into pieces, the result is the same.
#[derive(Clone, Debug)]
pub struct Inspector {
    state: State,
}

/// What a complete and well-formed body turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inspected {
    /// By its content.
    pub content_type: ContentType,
    /// Of the whole body.
    pub sha256: [u8; 32],
    /// Its length.
    pub bytes: u64,
}

/// All there is to put away.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct State {
    accepted: Accepted,
    offset: u64,
    hash: Hash,
    stage: Stage,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stage {
    /// Not known yet what it is.
    Sniffing {
        #[serde(with = "encoded")]
        prefix: Vec<u8>,
    },
    Walking {
        content_type: ContentType,
        walker: Walker,
    },
    Refused(Refusal),
}

impl Inspector {
    /// Of a body of which nothing has come yet.
    #[must_use]
    pub fn new(accepted: Accepted) -> Self {
        let stage = Stage::Sniffing { prefix: Vec::new() };
        Self { state: State { accepted, offset: 0, hash: Hash::default(), stage } }
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// What cannot become right any more is refused at once; a wrong type within [`MAX_PREFIX`] bytes. The piece that was
    /// refused does not count into [`offset`](Self::offset), and every later call repeats the refusal.
    pub fn update(&mut self, piece: &[u8]) -> Result<(), Refusal> {
        let state = &mut self.state;
        // Before the hash, which is the dear part: of a wrong type not a byte is hashed in vain.
        if let Err(refusal) = state.stage.advance(state.accepted, piece) {
            state.stage = Stage::Refused(refusal.clone());
            return Err(refusal);
        }
        state.hash.update(piece);
        state.offset = state.offset.saturating_add(piece.len() as u64);
        Ok(())
    }

    /// How many bytes were taken.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.state.offset
    }

    /// What it is, once enough of it has come to say; `None` again when it was refused.
    #[must_use]
    pub fn content_type(&self) -> Option<ContentType> {
        match &self.state.stage {
            Stage::Walking { content_type, .. } => Some(*content_type),
            Stage::Sniffing { .. } | Stage::Refused(_) => None,
        }
    }

    /// Puts the whole state away (U-D3).
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
        // JSON can express all of it. If it could not, `restore` would say so, and the body would be read again.
        let state = serde_json::to_value(&self.state).unwrap_or_default();
        Checkpoint { version: VERSION, offset: self.state.offset, state }
    }

    /// Takes an inspection up where it was put away. The next piece has to begin at [`Checkpoint::offset`].
    ///
    /// # Errors
    /// [`CheckpointError`] when it is of another release or not whole: then the body has to be inspected from its start.
    pub fn restore(checkpoint: &Checkpoint) -> Result<Self, CheckpointError> {
        if checkpoint.version != VERSION {
            return Err(CheckpointError::OtherVersion { found: checkpoint.version });
        }
        let state = State::deserialize(&checkpoint.state).map_err(CheckpointError::Malformed)?;
        if state.offset != checkpoint.offset {
            return Err(CheckpointError::Malformed(serde_json::Error::custom("two offsets")));
        }
        Ok(Self { state })
    }

    /// Says what the body was, after its last byte.
    ///
    /// # Errors
    /// [`Refusal::Empty`], [`Refusal::Truncated`], or [`Refusal::Damaged`] when a part is missing without which it is of no
    /// use; and any refusal from before.
    pub fn finish(self) -> Result<Inspected, Refusal> {
        let State { offset: bytes, hash, stage, .. } = self.state;
        match stage {
            Stage::Sniffing { .. } if bytes == 0 => Err(Refusal::Empty),
            Stage::Sniffing { .. } => {
                Err(Refusal::Truncated { bytes, expected_at_least: bytes.saturating_add(1) })
            }
            Stage::Walking { content_type, walker } => {
                walker.finish()?;
                Ok(Inspected { content_type, sha256: hash.finish(), bytes })
            }
            Stage::Refused(refusal) => Err(refusal),
        }
    }
}

impl Stage {
    fn advance(&mut self, accepted: Accepted, piece: &[u8]) -> Result<(), Refusal> {
        match self {
            Self::Refused(refusal) => Err(refusal.clone()),
            Self::Walking { walker, .. } => walker.update(piece),
            Self::Sniffing { prefix } => {
                let room = MAX_PREFIX.saturating_sub(prefix.len());
                let (held, rest) = piece.split_at_checked(room).unwrap_or((piece, &[]));
                prefix.extend_from_slice(held);
                let Some(found) = sniff(prefix) else { return Ok(()) };
                let prefix = mem::take(prefix);
                *self = Self::known(accepted, found)?;
                self.advance(accepted, &prefix)?;
                self.advance(accepted, rest)
            }
        }
    }

    fn known(accepted: Accepted, found: Found) -> Result<Self, Refusal> {
        match found {
            Found::Media(content_type) if accepted.contains(content_type) => {
                Ok(Self::Walking { content_type, walker: Walker::new(Format::of(content_type)) })
            }
            _ => Err(Refusal::WrongType { found, accepted }),
        }
    }
}
