//! A decoded picture, from which everything else is made.

use std::io::{BufRead, Seek};

use crate::color;
use crate::decode::{Decoded, decode, guarded};
use crate::error::ImageError;
use crate::fit::{Fit, VariantSpec, inside, scaled};
use crate::limits::Limits;
use crate::placeholders::{self, Placeholders};
use crate::raster::Raster;
use crate::resize::{reduce, resize_to_cover, resize_whole};
use crate::variant::Variant;

/// How many pixels of a picture are kept after decoding: four times what the largest of [`VARIANTS`](crate::VARIANTS) has,
/// so that a second reduction from them cannot be told from one out of the original.
pub const KEPT_PIXELS: u64 = 2160 * 3840;

/// A long, thin picture keeps at least this many along its shorter side, so that it still fills a thumb.
const KEPT_SIDE: u32 = 400;

/// A decoded picture: upright, in 8 bit sRGB with or without alpha, and without any metadata.
///
/// A large one is reduced to about [`KEPT_PIXELS`] as part of decoding, and the memory of its own pixels is given back then.
#[derive(Clone, Debug)]
pub struct Picture {
    width: u32,
    height: u32,
    kept: Raster,
}

impl Picture {
    /// Decodes the picture that `source` holds from its beginning. Of an animation this is the first picture. The
    /// colours of an RGB profile are brought to sRGB; without one they are taken for sRGB.
    ///
    /// Blocks, on the source and on the processor: about 10 ms for each megapixel, 40 ms when the JPEG is progressive. Call
    /// it where that may be, and hold an [`Admitted`](crate::Admitted) meanwhile.
    ///
    /// # Errors
    /// When the bytes are no picture that is read here, are damaged or end too early, or are beyond `limits`, which the
    /// header tells.
    pub fn decode(mut source: impl BufRead + Seek, limits: &Limits) -> Result<Self, ImageError> {
        let Decoded { raster, stored, profile } = decode(&mut source, limits)?;
        let kept = match kept_size(raster.width, raster.height) {
            Some((width, height)) => {
                let reduced = reduce(&raster, width, height)?;
                // Here the memory of the whole picture is given back.
                drop(raster);
                reduced
            }
            None => raster,
        };
        let mut kept = kept.into_color().upright(stored.orientation)?;
        if let Some(profile) = profile {
            guarded(stored.format, || {
                color::to_srgb(&mut kept, &profile);
                Ok(())
            })?;
        }
        let shown = stored.header();
        Ok(Self { width: shown.width, height: shown.height, kept })
    }

    /// Pixels from left to right of the original, as it is shown.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Pixels from top to bottom of the original, as it is shown.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Whether any pixel is transparent.
    #[must_use]
    pub fn has_alpha(&self) -> bool {
        self.kept.has_alpha()
    }

    /// What can be shown before any variant has come. Blocks on the processor for up to 50 ms.
    ///
    /// # Errors
    /// [`ImageError::Output`], which is a fault of this program.
    pub fn placeholders(&self) -> Result<Placeholders, ImageError> {
        let (width, height) = inside(self.width, self.height, placeholders::SIDE, placeholders::SIDE);
        Ok(placeholders::describe(&resize_whole(&self.kept, width, height)?))
    }

    /// The picture in one size, resized once for all formats. Blocks on the processor.
    ///
    /// A size beyond the kept pixels is brought down to them; those of [`VARIANTS`](crate::VARIANTS) never are.
    ///
    /// # Errors
    /// [`ImageError::Output`], which is a fault of this program.
    pub fn variant(&self, spec: &VariantSpec) -> Result<Variant, ImageError> {
        let (width, height) = spec.size_of(self.width, self.height);
        let (width, height) = inside(width, height, self.kept.width, self.kept.height);
        let pixels = match spec.fit {
            Fit::Cover => resize_to_cover(&self.kept, width, height)?,
            Fit::Inside => resize_whole(&self.kept, width, height)?,
        };
        Ok(Variant::new(spec, pixels))
    }
}

/// The size in which a picture is kept; `None` when it may stay as it is.
fn kept_size(width: u32, height: u32) -> Option<(u32, u32)> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels <= KEPT_PIXELS {
        return None;
    }
    let (long, short) = (width.max(height), width.min(height));
    let by_area = (u64::from(short) * KEPT_PIXELS / u64::from(long.max(1))).isqrt();
    let kept_short = u32::try_from(by_area).unwrap_or(short).max(KEPT_SIDE).min(short);
    let kept_long = scaled(long, kept_short, short);
    Some(if width >= height { (kept_long, kept_short) } else { (kept_short, kept_long) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_of_the_kept_size_stays_as_it_is() {
        assert_eq!(kept_size(2160, 3840), None);
        assert_eq!(kept_size(3840, 2160), None);
    }

    #[test]
    fn a_large_picture_keeps_four_times_the_largest_variant() {
        assert_eq!(kept_size(4320, 7680), Some((2160, 3840)));
        let (width, height) = kept_size(7071, 7071).unwrap();
        assert_eq!((width, height), (2880, 2880));
    }

    #[test]
    fn a_thin_picture_still_fills_a_thumb() {
        let (width, height) = kept_size(500, 32_768).unwrap();
        assert_eq!(width, 400);
        assert!(u64::from(width) * u64::from(height) < 2 * KEPT_PIXELS);
    }
}
