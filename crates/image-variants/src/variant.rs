//! One size of a picture, and its encodings.

use std::io::Write;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder as _};
use jpeg_encoder::{ColorType, Encoder as JpegEncoder};
use webp::{Encoder as WebpEncoder, PixelLayout, WebPConfig};

use crate::error::ImageError;
use crate::fit::VariantSpec;
use crate::format::Format;
use crate::raster::Raster;

/// How hard libwebp tries, 0 to 6: from 4 to 6 takes half as long again for one or two per cent.
const WEBP_METHOD: i32 = 4;

/// The pixels of one size.
#[derive(Clone, Debug)]
pub struct Variant {
    name: &'static str,
    quality: u8,
    pixels: Raster,
}

impl Variant {
    pub(crate) fn new(spec: &VariantSpec, pixels: Raster) -> Self {
        Self { name: spec.name, quality: spec.quality.clamp(1, 100), pixels }
    }

    /// The name from its [`VariantSpec`].
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Pixels from left to right.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.pixels.width
    }

    /// Pixels from top to bottom.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.pixels.height
    }

    /// The encoded picture, with nothing in it but pixels. Blocks on the processor.
    ///
    /// # Errors
    /// [`ImageError::Output`]: for [`Format::Avif`], which is encoded elsewhere, and for sizes a format cannot have, which
    /// those of [`VARIANTS`](crate::VARIANTS) are not.
    pub fn encode(&self, format: Format) -> Result<Vec<u8>, ImageError> {
        match format {
            Format::Jpeg => self.encode_jpeg(),
            Format::Webp => self.encode_webp(),
            Format::Avif => Err(ImageError::Output("encoded to AVIF here", None)),
        }
    }

    /// Writes the pixels as they are, with transparency, for an encoder that is another program.
    ///
    /// # Errors
    /// [`ImageError::Output`] when the writer fails.
    pub fn to_png(&self, writer: impl Write) -> Result<(), ImageError> {
        let color = if self.pixels.has_alpha() { ExtendedColorType::Rgba8 } else { ExtendedColorType::Rgb8 };
        PngEncoder::new_with_quality(writer, CompressionType::Fast, FilterType::Sub)
            .write_image(&self.pixels.data, self.width(), self.height(), color)
            .map_err(|error| ImageError::output("written as PNG", error))
    }

    /// Progressive with tables of its own: a tenth smaller than baseline, and there at once in a coarse form.
    fn encode_jpeg(&self) -> Result<Vec<u8>, ImageError> {
        let side = |pixels| u16::try_from(pixels).map_err(|_| ImageError::Output("so large as a JPEG", None));
        let (width, height) = (side(self.width())?, side(self.height())?);
        let mut encoded = Vec::new();
        let mut encoder = JpegEncoder::new(&mut encoded, self.quality);
        encoder.set_progressive(true);
        encoder.set_optimized_huffman_tables(true);
        encoder
            .encode(&self.pixels.on_white(), width, height, ColorType::Rgb)
            .map_err(|error| ImageError::output("encoded to JPEG", error))?;
        Ok(encoded)
    }

    fn encode_webp(&self) -> Result<Vec<u8>, ImageError> {
        let mut config = WebPConfig::new().map_err(|()| ImageError::Output("encoded to WebP", None))?;
        config.quality = f32::from(self.quality);
        config.method = WEBP_METHOD;
        let layout = if self.pixels.has_alpha() { PixelLayout::Rgba } else { PixelLayout::Rgb };
        let encoder = WebpEncoder::new(&self.pixels.data, layout, self.width(), self.height());
        let encoded = encoder
            .encode_advanced(&config)
            .map_err(|error| ImageError::output("encoded to WebP", format!("{error:?}")))?;
        Ok(encoded.to_vec())
    }
}
