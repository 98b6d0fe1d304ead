//! Placeholders agree with their definitions, with what others made of them, and with the picture.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::{ExtendedColorType, RgbImage};

use crate::support::{decode, mean, media, photo, png_of, scene};

/// The part of a BlurHash that says the waves, and the mean it says.
fn waves_and_mean(hash: &str) -> (String, [u8; 3]) {
    let (head, rest) = hash.split_at(2);
    let (mean, tail) = rest.split_at(4);
    let waves = format!("{head}{tail}");
    let pixel = blurhash::decode(&format!("00{mean}"), 1, 1, 1.0).unwrap();
    (waves, [pixel[0], pixel[1], pixel[2]])
}

#[test]
fn a_blurhash_agrees_with_another_encoder() {
    // At most 100 pixels along a side, so that it is hashed as it is.
    for (width, height, across, down) in [(60, 40, 4, 3), (40, 60, 3, 4), (50, 50, 4, 3), (100, 7, 4, 3)] {
        let image = scene(width, height);
        let png = png_of(image.as_raw(), width, height, ExtendedColorType::Rgb8);
        let hash = decode(&png).unwrap().placeholders().unwrap().blurhash;
        let rgba = image::DynamicImage::ImageRgb8(image).to_rgba8();
        let (waves, [r, g, b]) = waves_and_mean(&hash);
        let other = blurhash::encode(across, down, width, height, &rgba).unwrap();
        let (other_waves, other_mean) = waves_and_mean(&other);
        // A sum that lies on a border may be rounded either way.
        let differing = waves.bytes().zip(other_waves.bytes()).filter(|(a, b)| a != b).count();
        assert!(waves.len() == other_waves.len() && differing <= 1, "{hash} {other}");
        // The other one rounds the mean up twice.
        for (ours, theirs) in [r, g, b].into_iter().zip(other_mean) {
            assert!(theirs.abs_diff(ours) <= 2, "{hash} {other}");
        }
    }
}

#[test]
fn one_colour_is_exactly_that_colour_in_its_blurhash() {
    for color in [[0, 0, 0], [255, 255, 255], [1, 128, 254], [200, 80, 60]] {
        let png = png_of(&color.repeat(40 * 30), 40, 30, ExtendedColorType::Rgb8);
        let hash = decode(&png).unwrap().placeholders().unwrap().blurhash;
        let mean =
            hash.bytes().skip(2).take(4).fold(0, |value, digit| {
                value * 83 + DIGITS.iter().position(|known| *known == digit).unwrap()
            });
        assert_eq!([mean >> 16, mean >> 8 & 255, mean & 255], color.map(usize::from), "{hash}");
    }
}

const DIGITS: &[u8; 83] =
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~";

#[test]
fn black_has_the_published_blurhash() {
    let png = png_of(&[0; 64 * 48 * 3], 64, 48, ExtendedColorType::Rgb8);
    let hash = decode(&png).unwrap().placeholders().unwrap().blurhash;
    assert_eq!(hash, "L00000fQfQfQfQfQfQfQfQfQfQfQ");
}

#[test]
fn a_decoded_blurhash_has_the_colours_of_the_photo() {
    for bytes in [photo(), media("chelsea.png")] {
        let original = image::load_from_memory(&bytes).unwrap().thumbnail_exact(32, 32).to_rgb8();
        let hash = decode(&bytes).unwrap().placeholders().unwrap().blurhash;
        let pixels = blurhash::decode(&hash, 32, 32, 1.0).unwrap();
        let pixels: Vec<u8> = pixels.as_chunks::<4>().0.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect();
        let blurred = RgbImage::from_raw(32, 32, pixels).unwrap();
        // Each quarter has about its mean, so the hash is neither turned nor mirrored.
        for (x, y) in [(0, 0), (16, 0), (0, 16), (16, 16)] {
            let quarter = |image: &RgbImage| mean(&image::imageops::crop_imm(image, x, y, 16, 16).to_image());
            for (a, b) in quarter(&original).iter().zip(quarter(&blurred)) {
                assert!((a - b).abs() < 30.0, "{hash} at {x} {y}: {a} {b}");
            }
        }
    }
}

/// The first fields of a ThumbHash: mean lightness, yellow against blue and red against green in six bits each, then the
/// flag for transparency.
fn thumbhash_head(image: &RgbImage) -> [i64; 3] {
    let [r, g, b] = mean(image).map(|v| v / 255.0);
    #[expect(clippy::cast_possible_truncation, reason = "at most 63")]
    let whole = |v: f64| v.round() as i64;
    let (l, p, q) = ((r + g + b) / 3.0, (r + g) / 2.0 - b, r - g);
    [whole(63.0 * l), whole(31.5 + 31.5 * p), whole(31.5 + 31.5 * q)]
}

#[test]
fn a_thumbhash_says_mean_shape_and_transparency_as_the_definition_does() {
    for (width, height) in [(60, 40), (40, 60), (100, 100)] {
        let image = scene(width, height);
        let png = png_of(image.as_raw(), width, height, ExtendedColorType::Rgb8);
        let hash = decode(&png).unwrap().placeholders().unwrap().thumbhash;
        let head = i64::from(hash[0]) | i64::from(hash[1]) << 8 | i64::from(hash[2]) << 16;
        for (place, expected) in thumbhash_head(&image).into_iter().enumerate() {
            assert!(((head >> (6 * place) & 63) - expected).abs() <= 1, "{width} x {height}, field {place}");
        }
        assert_eq!(head >> 23, 0, "nothing is transparent");
        assert_eq!(hash[4] >> 7 == 1, width > height, "landscape or not");
        let ratio = thumbhash::thumb_hash_to_approximate_aspect_ratio(&hash).unwrap();
        assert!((f64::from(ratio) - f64::from(width) / f64::from(height)).abs() < 0.15, "{ratio}");
    }
    let glass = png_of(&[10, 200, 90, 100].repeat(900), 30, 30, ExtendedColorType::Rgba8);
    let hash = decode(&glass).unwrap().placeholders().unwrap().thumbhash;
    assert_eq!(hash[2] >> 7, 1, "something is transparent");
    let (r, g, b, a) = thumbhash::thumb_hash_to_average_rgba(&hash).unwrap();
    for (sample, expected) in [r, g, b, a].into_iter().zip([10.0, 200.0, 90.0, 100.0]) {
        assert!((sample * 255.0 - expected).abs() < 10.0, "{r} {g} {b} {a}");
    }
}

#[test]
fn published_thumbhashes_come_back_from_what_they_show() {
    for published in
        ["1QcSHQRnh493V4dIh4eXh1h4kJUI", "3OcRJYB4d3h/iIeHeEh3eIhw+j3A", "HBkSHYSIeHiPiHh8eJd4eTN0EEQG"]
    {
        let hash = STANDARD.decode(published).unwrap();
        let (width, height, rgba) = thumbhash::thumb_hash_to_rgba(&hash).unwrap();
        let (width, height) = (u32::try_from(width).unwrap(), u32::try_from(height).unwrap());
        let png = png_of(&rgba, width, height, ExtendedColorType::Rgba8);
        let again = decode(&png).unwrap().placeholders().unwrap();
        assert_eq!(again.thumbhash.len(), hash.len());
        assert_eq!(again.thumbhash[3] & 7, hash[3] & 7, "the shape");
        let (first, second) = (u32::from(hash[0]) & 63, u32::from(again.thumbhash[0]) & 63);
        assert!(first.abs_diff(second) <= 1, "the lightness of {published}");
        let lightness = |hash: &[u8]| {
            hash[5..].iter().flat_map(|byte| [byte & 15, byte >> 4]).take(10).collect::<Vec<_>>()
        };
        for (a, b) in lightness(&hash).into_iter().zip(lightness(&again.thumbhash)) {
            assert!(a.abs_diff(b) <= 2, "{published}: {a} {b}");
        }
    }
}

#[test]
fn a_decoded_thumbhash_has_the_mean_of_the_photo() {
    let original = image::load_from_memory(&photo()).unwrap().to_rgb8();
    let placeholders = decode(&photo()).unwrap().placeholders().unwrap();
    assert!(placeholders.thumbhash.len() <= 25);
    assert_eq!(STANDARD.decode(placeholders.thumbhash_base64()).unwrap(), placeholders.thumbhash);
    let (r, g, b, a) = thumbhash::thumb_hash_to_average_rgba(&placeholders.thumbhash).unwrap();
    assert!((a - 1.0).abs() < f32::EPSILON);
    for (a, b) in mean(&original).into_iter().zip([r, g, b]) {
        assert!((a - f64::from(b) * 255.0).abs() < 8.0, "{a} {}", b * 255.0);
    }
}
