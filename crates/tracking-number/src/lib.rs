#![doc = include_str!("../README.md")]

mod barcodes;
mod carrier;
mod check;
mod number;
mod ocr;
mod recognise;
mod shapes;
#[cfg(test)]
mod tests;

pub use carrier::Carrier;
pub use check::CheckDigit;
pub use number::{MAX_INPUT_BYTES, MAX_NUMBER_CHARS, MIN_NUMBER_CHARS, TrackingNumber, TrackingNumberError};
pub use ocr::{MAX_CHANGES, MAX_READINGS, Reading, Readings, readings};
pub use recognise::{Ambiguity, Candidate, Found, Recognition, recognise};
pub use shapes::Kind;
