//! What is made of a file, one kind a file.

pub(crate) mod avif;
pub(crate) mod hls;
pub(crate) mod poster;
pub(crate) mod rendition;
pub(crate) mod watermark;

use crate::error::MediaError;

/// Removes everything that a player does not need: places, names of devices, dates, and the encoder's own name.
const NO_METADATA: [&str; 6] = ["-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact"];

/// A fault of a spec.
fn bad(fault: &str) -> MediaError {
    MediaError::BadSpec { fault: fault.to_owned() }
}

/// Ends with the first fault.
fn check(conditions: &[(bool, &str)]) -> Result<(), MediaError> {
    conditions.iter().find(|(fine, _)| !fine).map_or(Ok(()), |(_, fault)| Err(bad(fault)))
}
