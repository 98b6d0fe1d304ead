//! Pixels in memory: rows of 8 bit samples without gaps.

use image::metadata::Orientation;
use image::{ColorType, DynamicImage, RgbImage, RgbaImage};

use crate::error::ImageError;

/// One to four samples for each pixel: grey, grey and alpha, RGB, RGBA. Alpha is not multiplied into the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Raster {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) channels: u8,
    pub(crate) data: Vec<u8>,
}

impl Raster {
    /// What a decoder wrote. Sixteen bit samples become eight in place, so that there is never a second copy.
    pub(crate) fn decoded(width: u32, height: u32, color: ColorType, mut data: Vec<u8>) -> Self {
        if color.bytes_per_pixel() > color.channel_count() {
            narrow(&mut data);
        }
        Self { width, height, channels: color.channel_count(), data }
    }

    pub(crate) fn has_alpha(&self) -> bool {
        matches!(self.channels, 2 | 4)
    }

    pub(crate) fn row_bytes(&self) -> usize {
        self.width as usize * usize::from(self.channels)
    }

    /// Every picture as RGB or RGBA: grey is spread, and alpha that hides nothing is dropped.
    pub(crate) fn into_color(self) -> Self {
        let keeps_alpha = self.has_alpha() && !self.is_opaque();
        let data = match (self.channels, keeps_alpha) {
            (3, _) | (4, true) => return self,
            (1, _) => self.data.iter().flat_map(|&grey| [grey; 3]).collect(),
            (2, true) => {
                self.data.as_chunks().0.iter().flat_map(|&[grey, alpha]| [grey, grey, grey, alpha]).collect()
            }
            (2, false) => self.data.as_chunks().0.iter().flat_map(|&[grey, _]| [grey; 3]).collect(),
            _ => self.data.as_chunks().0.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect(),
        };
        Self { channels: if keeps_alpha { 4 } else { 3 }, data, ..self }
    }

    fn is_opaque(&self) -> bool {
        self.data.chunks(usize::from(self.channels)).all(|pixel| pixel.last() == Some(&u8::MAX))
    }

    /// Turned and mirrored so that it stands as it is shown. For RGB and RGBA.
    pub(crate) fn upright(self, orientation: Orientation) -> Result<Self, ImageError> {
        if orientation == Orientation::NoTransforms {
            return Ok(self);
        }
        let Self { width, height, channels, data } = self;
        let image = match channels {
            4 => RgbaImage::from_raw(width, height, data).map(DynamicImage::ImageRgba8),
            _ => RgbImage::from_raw(width, height, data).map(DynamicImage::ImageRgb8),
        };
        let mut image = image.ok_or(ImageError::Output("turned", None))?;
        image.apply_orientation(orientation);
        Ok(Self { width: image.width(), height: image.height(), channels, data: image.into_bytes() })
    }

    /// The pixels as RGBA, opaque where there is no alpha.
    pub(crate) fn rgba(&self) -> Vec<u8> {
        match self.channels {
            4 => self.data.clone(),
            _ => self.data.as_chunks().0.iter().flat_map(|&[r, g, b]| [r, g, b, u8::MAX]).collect(),
        }
    }

    /// The pixels as RGB, on white where they are transparent.
    pub(crate) fn on_white(&self) -> Vec<u8> {
        match self.channels {
            4 => self
                .data
                .as_chunks()
                .0
                .iter()
                .flat_map(|&[r, g, b, alpha]| [r, g, b].map(|sample| over_white(sample, alpha)))
                .collect(),
            _ => self.data.clone(),
        }
    }
}

/// What is left of white behind a sample of this opacity, rounded to the nearest.
fn over_white(sample: u8, alpha: u8) -> u8 {
    let mixed = (u16::from(sample) * u16::from(alpha) + 255 * (255 - u16::from(alpha)) + 127) / 255;
    u8::try_from(mixed).unwrap_or(u8::MAX)
}

/// From sixteen bits to eight, to the nearest.
fn narrow(data: &mut Vec<u8>) {
    for at in 0..data.len() / 2 {
        let wide = data.get(2 * at..).and_then(|rest| rest.first_chunk().copied());
        if let (Some(wide), Some(slot)) = (wide, data.get_mut(at)) {
            let rounded = (u32::from(u16::from_ne_bytes(wide)) * 255 + 32_767) / 65_535;
            *slot = u8::try_from(rounded).unwrap_or(u8::MAX);
        }
    }
    data.truncate(data.len() / 2);
    data.shrink_to_fit();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raster(channels: u8, data: &[u8]) -> Raster {
        let width = u32::try_from(data.len()).unwrap() / u32::from(channels);
        Raster { width, height: 1, channels, data: data.to_vec() }
    }

    #[test]
    fn sixteen_bits_become_eight_to_the_nearest() {
        let wide: Vec<u8> = [0u16, 128, 129, 65_535, 32_896].iter().flat_map(|v| v.to_ne_bytes()).collect();
        assert_eq!(Raster::decoded(5, 1, ColorType::L16, wide).data, [0, 0, 1, 255, 128]);
    }

    #[test]
    fn grey_is_spread_and_alpha_that_hides_nothing_is_dropped() {
        assert_eq!(raster(1, &[7, 9]).into_color().data, [7, 7, 7, 9, 9, 9]);
        assert_eq!(raster(2, &[7, 255]).into_color(), raster(3, &[7, 7, 7]));
        assert_eq!(raster(2, &[7, 254]).into_color(), raster(4, &[7, 7, 7, 254]));
        assert_eq!(raster(4, &[1, 2, 3, 255]).into_color(), raster(3, &[1, 2, 3]));
        assert_eq!(raster(4, &[1, 2, 3, 0]).into_color(), raster(4, &[1, 2, 3, 0]));
    }

    #[test]
    fn what_is_transparent_becomes_white() {
        assert_eq!(
            raster(4, &[0, 0, 0, 0, 0, 255, 0, 255, 0, 0, 0, 127]).on_white()[..6],
            [255, 255, 255, 0, 255, 0]
        );
        assert_eq!(raster(4, &[0, 0, 0, 127]).on_white(), [128, 128, 128]);
    }
}
