//! The header of a PNG.

use std::io::{BufRead, Seek};

use image::codecs::png::PngDecoder;
use image::{ImageDecoder as _, Limits};

use crate::error::ImageError;
use crate::format::InputFormat;
use crate::header::{EXIF_BYTES, Stored, orientation};

/// Bytes for one row and for what stands in front of the pixels: a compressed colour profile can be a bomb of its own.
const DECODER_BYTES: u64 = 8 << 20;

/// A decoder that has read everything up to the first pixel.
pub(crate) fn decoder<R: BufRead + Seek>(source: R) -> Result<PngDecoder<R>, ImageError> {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(DECODER_BYTES);
    PngDecoder::with_limits(source, limits).map_err(|error| ImageError::decoder(InputFormat::Png, error))
}

pub(crate) fn read_header(source: &mut (impl BufRead + Seek)) -> Result<Stored, ImageError> {
    let mut decoder = decoder(source)?;
    let (width, height) = decoder.dimensions();
    let exif = decoder.exif_metadata().map_err(|error| ImageError::decoder(InputFormat::Png, error))?;
    let exif = exif.filter(|exif| exif.len() as u64 <= EXIF_BYTES).unwrap_or_default();
    Ok(Stored {
        format: InputFormat::Png,
        width,
        height,
        has_alpha: decoder.color_type().has_alpha(),
        orientation: orientation(&exif),
    })
}
