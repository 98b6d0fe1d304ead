#![doc = include_str!("../README.md")]

mod accepted;
mod checkpoint;
mod checksum;
mod content_type;
mod encoded;
mod format;
mod hash;
mod inspector;
mod refusal;
mod sniff;
mod walker;

pub use accepted::Accepted;
pub use checkpoint::{Checkpoint, CheckpointError};
pub use checksum::{Algorithm, Mismatch, Verifier, repr_digest};
pub use content_type::{ContentType, Kind};
pub use inspector::{Inspected, Inspector};
pub use refusal::{Fault, Found, Refusal};
pub use sniff::MAX_PREFIX;
