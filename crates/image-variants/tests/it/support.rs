//! Pictures to test with, and how far two of them are apart.

use std::io::Cursor;
use std::path::PathBuf;

use image::{DynamicImage, ExtendedColorType, ImageEncoder as _, Rgb, RgbImage};
use image_variants::{Fit, ImageError, Limits, Picture, Variant, VariantSpec};
use jpeg_encoder::{ColorType, Encoder};

/// Everything, in its own size.
pub(crate) const WHOLE: VariantSpec =
    VariantSpec { name: "whole", width: 16_000, height: 16_000, fit: Fit::Inside, quality: 90 };

/// A file of the demo's media.
pub(crate) fn media(name: &str) -> Vec<u8> {
    std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../data/media").join(name)).unwrap()
}

/// A portrait photo of mountains.
pub(crate) fn photo() -> Vec<u8> {
    media("picosdeeuropa-9x16-derived.jpg")
}

/// No two corners and no two edges of it are alike.
pub(crate) fn scene(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let (right, down) = (x * 255 / width, y * 255 / height);
        let corner = if x * 3 < width && y * 3 < height { 200 } else { 40 };
        Rgb([right, down, corner].map(|sample| u8::try_from(sample).unwrap()))
    })
}

pub(crate) fn jpeg(image: &RgbImage) -> Vec<u8> {
    jpeg_of(image.as_raw(), image.width(), image.height(), ColorType::Rgb, false)
}

pub(crate) fn jpeg_of(data: &[u8], width: u32, height: u32, color: ColorType, progressive: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 95);
    encoder.set_progressive(progressive);
    encoder.encode(data, u16::try_from(width).unwrap(), u16::try_from(height).unwrap(), color).unwrap();
    bytes
}

pub(crate) fn png_of(data: &[u8], width: u32, height: u32, color: ExtendedColorType) -> Vec<u8> {
    let mut bytes = Vec::new();
    image::codecs::png::PngEncoder::new(&mut bytes).write_image(data, width, height, color).unwrap();
    bytes
}

pub(crate) fn lossless_webp(data: &[u8], width: u32, height: u32, color: ExtendedColorType) -> Vec<u8> {
    let mut bytes = Vec::new();
    image::codecs::webp::WebPEncoder::new_lossless(&mut bytes).encode(data, width, height, color).unwrap();
    bytes
}

pub(crate) fn decode(bytes: &[u8]) -> Result<Picture, ImageError> {
    Picture::decode(Cursor::new(bytes), &Limits::default())
}

/// The pixels of a variant, as they were resized.
pub(crate) fn pixels(variant: &Variant) -> DynamicImage {
    let mut png = Vec::new();
    variant.to_png(&mut png).unwrap();
    image::load_from_memory(&png).unwrap()
}

/// All pixels of a picture that is small enough to be kept as it is.
pub(crate) fn whole(bytes: &[u8]) -> DynamicImage {
    pixels(&decode(bytes).unwrap().variant(&WHOLE).unwrap())
}

/// How alike two pictures are, in decibels: 30 is a visible difference, 40 hardly one.
pub(crate) fn psnr(a: &RgbImage, b: &RgbImage) -> f64 {
    assert_eq!(a.dimensions(), b.dimensions());
    let squares: f64 = a.iter().zip(b.iter()).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2)).sum();
    let mean = squares / (f64::from(a.width()) * f64::from(a.height()) * 3.0);
    if mean == 0.0 { f64::INFINITY } else { 10.0 * (255.0 * 255.0 / mean).log10() }
}

/// The mean of all pixels.
pub(crate) fn mean(image: &RgbImage) -> [f64; 3] {
    let count = f64::from(image.width()) * f64::from(image.height());
    [0, 1, 2].map(|c| image.pixels().map(|pixel| f64::from(pixel.0[c])).sum::<f64>() / count)
}
