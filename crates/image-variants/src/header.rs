//! What a picture says of itself before a pixel is decoded.

use std::io::{BufRead, Read, Seek, SeekFrom};

use image::metadata::Orientation;

use crate::error::ImageError;
use crate::format::{InputFormat, SIGNATURE_BYTES, Signature, signature};
use crate::{jpeg, png, webp};

/// Exif blocks that are longer are not looked into. The orientation stands near the beginning; a JPEG cannot hold more.
pub(crate) const EXIF_BYTES: u64 = 64 << 10;

/// The header of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Pixels from left to right as the picture is shown, that is, after its Exif orientation.
    pub width: u32,
    /// Pixels from top to bottom as the picture is shown.
    pub height: u32,
    /// What the bytes are; names and declared media types are never asked.
    pub format: InputFormat,
    /// Whether pixels can be transparent, where the header says so.
    pub has_alpha: Option<bool>,
}

impl Header {
    /// How many pixels there are.
    #[must_use]
    pub fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }
}

/// Reads the header of a picture from the beginning of `source`. Cheap: skips what it does not need, holds a few
/// kilobytes and decodes nothing, so it may come before any admission. It does block on the source.
///
/// # Errors
/// When the bytes are no picture, one of a format that is not read here, or damaged this early.
pub fn inspect(mut source: impl BufRead + Seek) -> Result<Header, ImageError> {
    Ok(read(&mut source)?.header())
}

/// A header as it stands in the file: stored size and orientation apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) format: InputFormat,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) has_alpha: bool,
    pub(crate) orientation: Orientation,
}

impl Stored {
    pub(crate) fn header(&self) -> Header {
        let sideways = matches!(
            self.orientation,
            Orientation::Rotate90
                | Orientation::Rotate270
                | Orientation::Rotate90FlipH
                | Orientation::Rotate270FlipH
        );
        let (width, height) = if sideways { (self.height, self.width) } else { (self.width, self.height) };
        Header { width, height, format: self.format, has_alpha: Some(self.has_alpha) }
    }
}

/// Reads the header and leaves `source` somewhere behind it.
pub(crate) fn read(source: &mut (impl BufRead + Seek)) -> Result<Stored, ImageError> {
    let format = recognise(source)?;
    let stored = match format {
        InputFormat::Jpeg => jpeg::read_header(source)?,
        InputFormat::Png => png::read_header(source)?,
        InputFormat::Webp => webp::read_header(source)?,
    };
    if stored.width == 0 || stored.height == 0 {
        return Err(ImageError::damaged(format, "it has no pixels"));
    }
    Ok(stored)
}

fn recognise(source: &mut (impl BufRead + Seek)) -> Result<InputFormat, ImageError> {
    let mut head = Vec::with_capacity(SIGNATURE_BYTES);
    source.rewind().map_err(ImageError::Read)?;
    source.take(SIGNATURE_BYTES as u64).read_to_end(&mut head).map_err(ImageError::Read)?;
    source.seek(SeekFrom::Start(0)).map_err(ImageError::Read)?;
    match signature(&head) {
        Signature::Read(format) => Ok(format),
        Signature::Other(name) => Err(ImageError::UnsupportedFormat(name)),
        Signature::Unknown => Err(ImageError::NotAnImage),
    }
}

/// An orientation that is missing or makes no sense is none: many programs write such blocks.
pub(crate) fn orientation(exif: &[u8]) -> Orientation {
    let tiff = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    Orientation::from_exif_chunk(tiff).unwrap_or(Orientation::NoTransforms)
}
