#![doc = include_str!("../README.md")]

mod admission;
mod blurhash;
mod color;
mod decode;
mod error;
mod fit;
mod format;
mod header;
mod jpeg;
mod limits;
mod picture;
mod placeholders;
mod png;
mod raster;
mod resize;
mod variant;
mod webp;

pub use crate::admission::{Admitted, DecodeAdmission};
pub use crate::error::ImageError;
pub use crate::fit::{Fit, VARIANTS, VariantSpec};
pub use crate::format::{Format, InputFormat};
pub use crate::header::{Header, inspect};
pub use crate::limits::{Limits, PEAK_BYTES_PER_PIXEL, PEAK_FIXED_BYTES};
pub use crate::picture::{KEPT_PIXELS, Picture};
pub use crate::placeholders::Placeholders;
pub use crate::variant::Variant;
