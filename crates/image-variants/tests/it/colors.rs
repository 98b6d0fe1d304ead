//! A colour profile is heeded and then gone.

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder as _};
use image_variants::Format;
use jpeg_encoder::{ColorType, Encoder};
use moxcms::ColorProfile;

use crate::support::{WHOLE, decode, whole};

/// A red that is well inside of both, and a grey.
const SAMPLES: [u8; 6] = [200, 80, 60, 128, 128, 128];

fn png_with_profile(profile: Vec<u8>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = PngEncoder::new(&mut bytes);
    encoder.set_icc_profile(profile).unwrap();
    encoder.write_image(&SAMPLES, 2, 1, ExtendedColorType::Rgb8).unwrap();
    bytes
}

/// From the definition of both spaces: linear light, then P3 to sRGB for the same white.
fn p3_to_srgb([r, g, b]: [u8; 3]) -> [f64; 3] {
    let linear = |sample: u8| {
        let v = f64::from(sample) / 255.0;
        if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
    };
    let (r, g, b) = (linear(r), linear(g), linear(b));
    let mixed = [
        1.224_940_2 * r - 0.224_940_4 * g,
        -0.042_056_9 * r + 1.042_057_1 * g,
        -0.019_637_6 * r - 0.078_636_1 * g + 1.098_273_5 * b,
    ];
    mixed.map(|v| {
        let v = v.clamp(0.0, 1.0);
        255.0 * if v <= 0.003_130_8 { 12.92 * v } else { 1.055 * v.powf(1.0 / 2.4) - 0.055 }
    })
}

#[test]
fn the_colours_of_a_phones_profile_become_srgb() {
    let bytes = png_with_profile(ColorProfile::new_display_p3().encode().unwrap());
    let shown = whole(&bytes).to_rgb8();
    let expected = p3_to_srgb([200, 80, 60]);
    for (made, expected) in shown.get_pixel(0, 0).0.iter().zip(expected) {
        assert!((f64::from(*made) - expected).abs() <= 1.5, "{:?} {expected:?}", shown.get_pixel(0, 0));
    }
    assert!(shown.get_pixel(1, 0).0.iter().all(|sample| sample.abs_diff(128) <= 1), "grey stays grey");
}

#[test]
fn srgb_stays_what_it_is_and_a_broken_profile_changes_nothing() {
    for profile in [ColorProfile::new_srgb().encode().unwrap(), b"no profile at all".to_vec()] {
        let shown = whole(&png_with_profile(profile)).to_rgb8();
        for (made, sample) in shown.iter().zip(SAMPLES) {
            assert!(made.abs_diff(sample) <= 1, "{shown:?}");
        }
    }
}

#[test]
fn the_profile_of_a_jpeg_is_heeded_and_gone_afterwards() {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 95);
    encoder.add_icc_profile(&ColorProfile::new_display_p3().encode().unwrap()).unwrap();
    encoder.encode(&[200, 80, 60].repeat(256), 16, 16, ColorType::Rgb).unwrap();
    let red = whole(&bytes).to_rgb8().get_pixel(8, 8).0[0];
    assert!((f64::from(red) - p3_to_srgb([200, 80, 60])[0]).abs() < 4.0, "{red}");
    let made = decode(&bytes).unwrap().variant(&WHOLE).unwrap().encode(Format::Jpeg).unwrap();
    assert!(!made.windows(11).any(|bytes| bytes == b"ICC_PROFILE"));
}
