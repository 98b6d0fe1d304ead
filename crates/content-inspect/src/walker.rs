//! Goes through a body from header to header and steps over what lies between, in pieces of any size.
//!
//! Which header follows which is for a [`Format`] to say; this holds the bytes of one header, and numbers.

use serde::{Deserialize, Serialize};

use crate::format::{Ending, Format, Step};
use crate::refusal::{Fault, Refusal};

/// Where the walk through one body stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Walker {
    format: Format,
    /// Bytes behind it.
    at: u64,
    /// What lies before the next header.
    between: Between,
    /// The part of the next header that is there: the last bytes behind `at`.
    held: Vec<u8>,
    /// How long it has to be before the format is asked.
    need: usize,
}

/// What lies before the next header.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Between {
    /// So many bytes; zero while the header itself is being read.
    Bytes(u64),
    /// Everything before the next byte of this value.
    Until(u8),
    /// No header comes any more, and at most so many bytes.
    Rest(u64),
}

impl Walker {
    pub(crate) fn new(format: Format) -> Self {
        Self { format, at: 0, between: Between::Bytes(0), held: Vec::new(), need: 1 }
    }

    /// Goes on through `piece`.
    ///
    /// # Errors
    /// [`Refusal::Damaged`] at the first header that breaks a rule of the format.
    pub(crate) fn update(&mut self, mut piece: &[u8]) -> Result<(), Refusal> {
        while self.reach(&mut piece)? && self.collect(&mut piece) {
            let start = self.at.saturating_sub(bytes(&self.held));
            let step = self.format.step(&self.held, start);
            self.between = match step.map_err(|fault| Refusal::Damaged { fault, at: start })? {
                Step::Need(need) => {
                    self.need = need;
                    continue;
                }
                Step::Over(count) => Between::Bytes(count),
                Step::Until(value) => Between::Until(value),
                Step::Rest { at_most } => Between::Rest(at_most),
            };
            self.held.clear();
            self.need = 1;
        }
        Ok(())
    }

    /// Whether the body may end here.
    ///
    /// # Errors
    /// [`Refusal::Truncated`] inside of a part; else what the format says.
    pub(crate) fn finish(&self) -> Result<(), Refusal> {
        let missing = match self.between {
            Between::Bytes(0) if !self.held.is_empty() => self.need.saturating_sub(self.held.len()) as u64,
            Between::Bytes(count) => count,
            Between::Until(_) | Between::Rest(_) => 0,
        };
        if missing > 0 {
            return Err(self.truncated(self.at.saturating_add(missing)));
        }
        self.format.end(self.at).map_err(|ending| match ending {
            Ending::Early { expected_at_least } => self.truncated(expected_at_least),
            Ending::Without(fault) => Refusal::Damaged { fault, at: self.at },
        })
    }

    /// Steps over what lies before the next header. False if `piece` is used up before.
    fn reach(&mut self, piece: &mut &[u8]) -> Result<bool, Refusal> {
        let (over, left) = match self.between {
            Between::Bytes(count) => {
                let over = piece.len().min(usize::try_from(count).unwrap_or(usize::MAX));
                (over, Between::Bytes(count.saturating_sub(over as u64)))
            }
            Between::Until(value) => match memchr::memchr(value, piece) {
                Some(over) => (over, Between::Bytes(0)),
                None => (piece.len(), self.between),
            },
            Between::Rest(at_most) => match at_most.checked_sub(bytes(piece)) {
                Some(left) => (piece.len(), Between::Rest(left)),
                None => {
                    let at = self.at.saturating_add(at_most);
                    return Err(Refusal::Damaged { fault: Fault::TrailingData, at });
                }
            },
        };
        self.take(piece, over);
        self.between = left;
        Ok(matches!(left, Between::Bytes(0)))
    }

    /// Collects the next header. False if `piece` is used up before.
    fn collect(&mut self, piece: &mut &[u8]) -> bool {
        let missing = self.need.saturating_sub(self.held.len());
        let taken = self.take(piece, missing);
        self.held.extend_from_slice(taken);
        self.held.len() >= self.need
    }

    /// Takes up to `count` bytes off `piece`.
    fn take<'a>(&mut self, piece: &mut &'a [u8], count: usize) -> &'a [u8] {
        let (taken, rest) = piece.split_at_checked(count).unwrap_or((piece, &[]));
        *piece = rest;
        self.at = self.at.saturating_add(bytes(taken));
        taken
    }

    fn truncated(&self, expected_at_least: u64) -> Refusal {
        Refusal::Truncated { bytes: self.at, expected_at_least }
    }
}

fn bytes(piece: &[u8]) -> u64 {
    piece.len() as u64
}
