//! What is decoded at all, and what decoding costs at most.

use crate::error::ImageError;
use crate::header::Header;

/// Bytes of memory for each pixel of a picture while it is decoded, at most. That is an animated WebP (frame, canvas and
/// result); a baseline JPEG takes 3, a progressive one up to 9, a PNG 1 to 8.
pub const PEAK_BYTES_PER_PIXEL: u64 = 12;

/// Bytes of memory that come on top for each picture under way, whatever its size: the pixels that are kept after
/// decoding, and what resizing and encoding them takes. The encoded bytes themselves count beside it.
pub const PEAK_FIXED_BYTES: u64 = 96 << 20;

/// What is refused from the header, before any pixel has a place in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Pixels in all. Higher: one picture takes up to [`PEAK_BYTES_PER_PIXEL`] for each. Lower: photos of good cameras are
    /// refused.
    pub max_pixels: u64,
    /// Pixels along the longer side.
    pub max_side: u32,
    /// Length of the encoded picture in bytes. A JPEG is held in memory while it is decoded.
    pub max_bytes: u64,
}

impl Default for Limits {
    /// 50 megapixels, 32 768 pixels along a side, 64 MiB.
    fn default() -> Self {
        Self { max_pixels: 50_000_000, max_side: 32_768, max_bytes: 64 << 20 }
    }
}

impl Limits {
    /// Whether a picture with this header may be decoded.
    ///
    /// # Errors
    /// [`ImageError::TooManyPixels`].
    pub fn check(&self, header: &Header) -> Result<(), ImageError> {
        let &Header { width, height, .. } = header;
        if header.pixels() > self.max_pixels || width.max(height) > self.max_side {
            return Err(ImageError::TooManyPixels { width, height });
        }
        Ok(())
    }
}
