//! What is found of polls that hold their thread, and what is not.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;
mod told;
mod watched;
