//! Which sizes there are, and how large a picture becomes in each.

/// How a picture goes into the size of a variant. Neither way ever enlarges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// Fills the size; what is too much is cut off on both sides alike. A picture that is too small gives the largest part
    /// of that shape.
    Cover,
    /// Stays within the size and keeps its shape.
    Inside,
}

/// One size of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VariantSpec {
    /// Its name, for addresses and file names.
    pub name: &'static str,
    /// Pixels from left to right, at most.
    pub width: u32,
    /// Pixels from top to bottom, at most.
    pub height: u32,
    /// How the picture goes in.
    pub fit: Fit,
    /// From 1 to 100, for JPEG and WebP. 80 looks like the original at arm's length.
    pub quality: u8,
}

/// The sizes of every picture, in the order in which a page shows them. The original is the upload itself.
pub const VARIANTS: [VariantSpec; 4] = [
    VariantSpec { name: "placeholder", width: 20, height: 20, fit: Fit::Inside, quality: 60 },
    VariantSpec { name: "thumb", width: 200, height: 200, fit: Fit::Cover, quality: 75 },
    VariantSpec { name: "preview", width: 640, height: 640, fit: Fit::Inside, quality: 80 },
    VariantSpec { name: "full", width: 1080, height: 1920, fit: Fit::Inside, quality: 80 },
];

impl VariantSpec {
    /// Width and height of this variant of a picture of that size.
    #[must_use]
    pub fn size_of(&self, width: u32, height: u32) -> (u32, u32) {
        match self.fit {
            Fit::Inside => inside(width, height, self.width, self.height),
            Fit::Cover => inside(self.width, self.height, width, height),
        }
    }
}

/// The largest size of the shape `width` × `height` that is within both it and the bounds. To cover is the same the other
/// way round: the largest part of the picture that has the variant's shape.
pub(crate) fn inside(width: u32, height: u32, max_width: u32, max_height: u32) -> (u32, u32) {
    if width <= max_width && height <= max_height {
        return (width.max(1), height.max(1));
    }
    if u64::from(width) * u64::from(max_height) >= u64::from(height) * u64::from(max_width) {
        (max_width.max(1), scaled(height, max_width, width))
    } else {
        (scaled(width, max_height, height), max_height.max(1))
    }
}

/// `side` × `to` / `from` to the nearest, and at least 1.
pub(crate) fn scaled(side: u32, to: u32, from: u32) -> u32 {
    let from = u64::from(from.max(1));
    let scaled = (u64::from(side) * u64::from(to) + from / 2) / from;
    u32::try_from(scaled).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spec(width: u32, height: u32, fit: Fit) -> VariantSpec {
        VariantSpec { name: "t", width, height, fit, quality: 80 }
    }

    #[test]
    fn every_variant_of_a_phones_photo_has_its_size() {
        let sizes = VARIANTS.map(|spec| spec.size_of(3024, 4032));
        assert_eq!(sizes, [(15, 20), (200, 200), (480, 640), (1080, 1440)]);
    }

    #[test]
    fn a_picture_that_is_too_small_is_cropped_but_never_enlarged() {
        assert_eq!(spec(200, 200, Fit::Cover).size_of(150, 300), (150, 150));
        assert_eq!(spec(200, 100, Fit::Cover).size_of(150, 300), (150, 75));
        assert_eq!(spec(640, 640, Fit::Inside).size_of(64, 3), (64, 3));
    }

    proptest! {
        #[test]
        fn a_size_is_never_empty_never_enlarged_and_keeps_its_shape(
            width in 1u32..70_000, height in 1u32..70_000, w in 1u32..5_000, h in 1u32..5_000,
        ) {
            let (iw, ih) = spec(w, h, Fit::Inside).size_of(width, height);
            prop_assert!((1..=w.min(width)).contains(&iw) && (1..=h.min(height)).contains(&ih));
            // One side touches the bound, or nothing was scaled.
            prop_assert!(iw == w || ih == h || (iw, ih) == (width, height));
            // The other is at most half a pixel off.
            let exact = f64::from(width) * f64::from(ih) / f64::from(height);
            let off = if ih == h { (f64::from(iw) - exact).abs() } else { 0.0 };
            prop_assert!(off <= 0.5 || iw == 1, "{off}");
            let (cw, ch) = spec(w, h, Fit::Cover).size_of(width, height);
            prop_assert!((1..=w.min(width)).contains(&cw) && (1..=h.min(height)).contains(&ch));
            prop_assert!(width < w || height < h || (cw, ch) == (w, h));
        }
    }
}
