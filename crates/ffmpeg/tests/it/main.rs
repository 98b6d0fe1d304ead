//! ffmpeg and ffprobe in the sandbox, run for real on real files, made ones and malicious ones.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in a test a panic is the report"
)]

mod avif;
mod hls;
mod limits;
mod malice;
mod poster;
mod probe;
mod rendition;
mod support;
