//! What stands in a picture's place until it has come.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::blurhash;
use crate::raster::Raster;

/// The longer side of what the placeholders are computed from; ThumbHash takes no more.
pub(crate) const SIDE: u32 = 100;

/// Shorthands for one picture, all from one small copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placeholders {
    /// BlurHash with four components along the longer side and three along the other. Knows no transparency: such pixels
    /// are white.
    pub blurhash: String,
    /// ThumbHash, up to 25 bytes. Knows the shape of the picture and its transparency.
    pub thumbhash: Vec<u8>,
    /// Red, green and blue of the colour that covers most of the picture.
    pub dominant_color: [u8; 3],
}

impl Placeholders {
    /// The ThumbHash as its readers in browsers take it: base64 with padding.
    #[must_use]
    pub fn thumbhash_base64(&self) -> String {
        STANDARD.encode(&self.thumbhash)
    }

    /// The dominant colour as in a style sheet, for instance `#1f9ac0`.
    #[must_use]
    pub fn dominant_color_hex(&self) -> String {
        let [red, green, blue] = self.dominant_color;
        format!("#{red:02x}{green:02x}{blue:02x}")
    }
}

/// `small` has at most [`SIDE`] pixels along each side, in RGB or RGBA.
pub(crate) fn describe(small: &Raster) -> Placeholders {
    let (across, down) = if small.height > small.width { (3, 4) } else { (4, 3) };
    let blurhash = blurhash::encode(&small.on_white(), small.width, small.height, across, down);
    let rgba = small.rgba();
    let thumbhash = thumbhash::rgba_to_thumb_hash(small.width as usize, small.height as usize, &rgba);
    Placeholders { blurhash, thumbhash, dominant_color: dominant_color(&rgba) }
}

/// Colours are sorted into 8 × 8 × 8 boxes; the answer is the mean of the fullest one. A plain mean of a picture is a
/// colour that often stands nowhere in it. White when nothing can be seen.
fn dominant_color(rgba: &[u8]) -> [u8; 3] {
    let mut boxes = [Sum::default(); 512];
    for &[r, g, b, alpha] in rgba.as_chunks().0 {
        let index = usize::from(r >> 5) << 6 | usize::from(g >> 5) << 3 | usize::from(b >> 5);
        if let Some(sum) = boxes.get_mut(index) {
            sum.add([r, g, b], alpha);
        }
    }
    boxes.iter().max_by_key(|sum| sum.weight).map_or([u8::MAX; 3], Sum::mean)
}

/// Colours weighted by their opacity.
#[derive(Clone, Copy, Default)]
struct Sum {
    samples: [u64; 3],
    weight: u64,
}

impl Sum {
    fn add(&mut self, color: [u8; 3], alpha: u8) {
        self.weight += u64::from(alpha);
        for (sum, sample) in self.samples.iter_mut().zip(color) {
            *sum += u64::from(sample) * u64::from(alpha);
        }
    }

    fn mean(&self) -> [u8; 3] {
        let mean = |sum: u64| (sum + self.weight / 2).checked_div(self.weight);
        self.samples.map(|sum| mean(sum).and_then(|mean| u8::try_from(mean).ok()).unwrap_or(u8::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_colour_that_covers_most_wins_over_the_mean() {
        let mut rgba = [200, 30, 30, 255].repeat(60);
        rgba.extend([20, 20, 240, 255].repeat(40));
        assert_eq!(dominant_color(&rgba), [200, 30, 30]);
    }

    #[test]
    fn what_cannot_be_seen_does_not_count() {
        let mut rgba = [200, 30, 30, 0].repeat(90);
        rgba.extend([20, 20, 240, 255].repeat(10));
        assert_eq!(dominant_color(&rgba), [20, 20, 240]);
        assert_eq!(dominant_color(&[0, 0, 0, 0]), [255, 255, 255]);
    }

    #[test]
    fn a_colour_is_written_as_in_a_style_sheet() {
        let blurhash = String::new();
        let placeholders =
            Placeholders { blurhash, thumbhash: vec![0xfb, 0xff], dominant_color: [0, 10, 255] };
        assert_eq!(placeholders.dominant_color_hex(), "#000aff");
        assert_eq!(placeholders.thumbhash_base64(), "+/8=");
    }
}
