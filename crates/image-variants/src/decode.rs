//! From bytes to pixels, within limits.

use std::io::{BufRead, Seek, SeekFrom};
use std::panic::{self, AssertUnwindSafe};

use image::ImageDecoder;
use image::codecs::jpeg::JpegDecoder;
use image::codecs::webp::WebPDecoder;

use crate::error::ImageError;
use crate::format::InputFormat;
use crate::header::{self, Stored};
use crate::limits::Limits;
use crate::raster::Raster;
use crate::{jpeg, png};

/// What is in a file: the pixels as they are stored, the header that says how they stand, and the colour profile.
pub(crate) struct Decoded {
    pub(crate) raster: Raster,
    pub(crate) stored: Stored,
    pub(crate) profile: Option<Vec<u8>>,
}

pub(crate) fn decode(source: &mut (impl BufRead + Seek), limits: &Limits) -> Result<Decoded, ImageError> {
    check_length(source, limits.max_bytes)?;
    let stored = header::read(source)?;
    limits.check(&stored.header())?;
    if stored.format == InputFormat::Jpeg {
        jpeg::check_reaches_end(source)?;
    }
    source.rewind().map_err(ImageError::Read)?;
    guarded(stored.format, || pixels(source, stored))
}

/// A decoder that panics has met a file its authors did not think of. Left alone the panic would look like a fault of the
/// process, and the file would be tried again for ever.
pub(crate) fn guarded<T>(
    format: InputFormat,
    decoder: impl FnOnce() -> Result<T, ImageError>,
) -> Result<T, ImageError> {
    panic::catch_unwind(AssertUnwindSafe(decoder))
        .unwrap_or_else(|_| Err(ImageError::damaged(format, "its decoder gave up")))
}

fn check_length(source: &mut impl Seek, max_bytes: u64) -> Result<(), ImageError> {
    let bytes = source.seek(SeekFrom::End(0)).map_err(ImageError::Read)?;
    if bytes > max_bytes { Err(ImageError::TooManyBytes { bytes }) } else { Ok(()) }
}

fn pixels(source: &mut (impl BufRead + Seek), stored: Stored) -> Result<Decoded, ImageError> {
    let failed = |error| ImageError::decoder(stored.format, error);
    match stored.format {
        InputFormat::Jpeg => read(JpegDecoder::new(source).map_err(failed)?, stored),
        InputFormat::Png => read(png::decoder(source)?, stored),
        InputFormat::Webp => read(WebPDecoder::new(source).map_err(failed)?, stored),
    }
}

fn read(mut decoder: impl ImageDecoder, stored: Stored) -> Result<Decoded, ImageError> {
    let failed = |error| ImageError::decoder(stored.format, error);
    // The header was read by other code than the pixels will be. What was admitted is what is decoded.
    if decoder.dimensions() != (stored.width, stored.height) {
        return Err(ImageError::damaged(stored.format, "it says two sizes"));
    }
    let mut limits = image::Limits::no_limits();
    limits.max_image_width = Some(stored.width);
    limits.max_image_height = Some(stored.height);
    decoder.set_limits(limits).map_err(failed)?;
    // A profile that cannot be read is as good as none.
    let profile = decoder.icc_profile().unwrap_or_default();
    let color = decoder.color_type();
    let length = usize::try_from(decoder.total_bytes())
        .map_err(|_| ImageError::TooManyPixels { width: stored.width, height: stored.height })?;
    let mut data = vec![0; length];
    decoder.read_image(&mut data).map_err(failed)?;
    let raster = Raster::decoded(stored.width, stored.height, color, data);
    Ok(Decoded { raster, stored, profile })
}
