#![doc = include_str!("../README.md")]

mod codecs;
mod config;
mod error;
mod failure;
mod find;
mod fit;
mod invocation;
mod make;
mod output;
mod probe;
mod progress;
mod source;

pub use config::FfmpegConfig;
pub use error::MediaError;
pub use find::{Ffmpeg, FindError};
pub use make::avif::AvifSpec;
pub use make::hls::{HlsSpec, Rung, Segments};
pub use make::rendition::{Fit, Preset, RenditionSpec};
pub use make::watermark::{Corner, Watermark};
pub use probe::{AudioStream, Probe, VideoStream};
