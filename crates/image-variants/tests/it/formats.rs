//! Every kind of pixel becomes the same picture.

use std::io::Cursor;

use image::{ExtendedColorType, RgbImage};
use image_variants::{Format, InputFormat, VARIANTS, inspect};
use jpeg_encoder::ColorType;

use crate::support::{decode, jpeg_of, lossless_webp, media, photo, pixels, png_of, psnr, scene, whole};

fn wide(samples: impl IntoIterator<Item = u8>) -> Vec<u8> {
    samples.into_iter().flat_map(|sample| (u16::from(sample) * 257).to_ne_bytes()).collect()
}

fn with_alpha(image: &RgbImage, alpha: impl Fn(usize) -> u8) -> Vec<u8> {
    image
        .pixels()
        .enumerate()
        .flat_map(|(at, pixel)| [pixel.0[0], pixel.0[1], pixel.0[2], alpha(at)])
        .collect()
}

#[test]
fn a_png_of_every_colour_type_gives_exactly_its_pixels() {
    let image = scene(40, 30);
    let (w, h) = image.dimensions();
    let grey: Vec<u8> = image.pixels().map(|pixel| pixel.0[0]).collect();
    let grey_image = RgbImage::from_fn(w, h, |x, y| image::Rgb([image.get_pixel(x, y).0[0]; 3]));
    let opaque = with_alpha(&image, |_| 255);
    let grey_opaque: Vec<u8> = grey.iter().flat_map(|&sample| [sample, 255]).collect();
    for (png, expected) in [
        (png_of(image.as_raw(), w, h, ExtendedColorType::Rgb8), &image),
        (png_of(&opaque, w, h, ExtendedColorType::Rgba8), &image),
        (png_of(&wide(image.as_raw().clone()), w, h, ExtendedColorType::Rgb16), &image),
        (png_of(&wide(opaque), w, h, ExtendedColorType::Rgba16), &image),
        (png_of(&grey, w, h, ExtendedColorType::L8), &grey_image),
        (png_of(&wide(grey), w, h, ExtendedColorType::L16), &grey_image),
        (png_of(&grey_opaque, w, h, ExtendedColorType::La8), &grey_image),
        (png_of(&wide(grey_opaque), w, h, ExtendedColorType::La16), &grey_image),
    ] {
        assert_eq!(inspect(Cursor::new(&png)).unwrap().format, InputFormat::Png);
        let decoded = whole(&png);
        assert!(!decoded.color().has_alpha());
        assert_eq!(&decoded.to_rgb8(), expected);
    }
}

#[test]
fn a_palette_gives_its_colours_and_its_transparency() {
    let picture = decode(PALETTE_PNG).unwrap();
    assert!(picture.has_alpha());
    assert_eq!(inspect(Cursor::new(PALETTE_PNG)).unwrap().has_alpha, Some(true));
    assert_eq!(whole(PALETTE_PNG).to_rgba8().into_raw(), [255, 0, 0, 255, 0, 0, 255, 0]);
}

/// Two pixels of one bit: red, and a blue that the tRNS chunk makes transparent.
const PALETTE_PNG: &[u8] = include_bytes!("palette.png");

#[test]
fn transparency_stays_in_webp_and_becomes_white_in_jpeg() {
    let image = RgbImage::from_pixel(64, 64, image::Rgb([0, 160, 0]));
    let rgba = with_alpha(&image, |at| if at % 64 < 32 { 0 } else { 255 });
    for bytes in [
        png_of(&rgba, 64, 64, ExtendedColorType::Rgba8),
        lossless_webp(&rgba, 64, 64, ExtendedColorType::Rgba8),
    ] {
        assert_eq!(inspect(Cursor::new(&bytes)).unwrap().has_alpha, Some(true));
        let variant = decode(&bytes).unwrap().variant(&VARIANTS[2]).unwrap();
        let webp = image::load_from_memory(&variant.encode(Format::Webp).unwrap()).unwrap().to_rgba8();
        assert_eq!((webp.get_pixel(8, 8).0[3], webp.get_pixel(56, 8).0[3]), (0, 255));
        let jpeg = image::load_from_memory(&variant.encode(Format::Jpeg).unwrap()).unwrap().to_rgb8();
        assert!(jpeg.get_pixel(8, 8).0.iter().all(|&sample| sample > 250), "{:?}", jpeg.get_pixel(8, 8));
        let [r, g, b] = jpeg.get_pixel(56, 8).0;
        assert!(r < 12 && g.abs_diff(160) < 12 && b < 12, "{r} {g} {b}");
    }
}

#[test]
fn a_jpeg_of_every_colour_type_gives_nearly_its_pixels() {
    let image = scene(64, 48);
    let (w, h) = image.dimensions();
    let ink: Vec<u8> = image.pixels().flat_map(|p| [255 - p.0[0], 255 - p.0[1], 255 - p.0[2], 0]).collect();
    for (name, bytes) in [
        ("baseline", jpeg_of(image.as_raw(), w, h, ColorType::Rgb, false)),
        ("progressive", jpeg_of(image.as_raw(), w, h, ColorType::Rgb, true)),
        ("CMYK", jpeg_of(&ink, w, h, ColorType::Cmyk, false)),
        ("progressive CMYK", jpeg_of(&ink, w, h, ColorType::Cmyk, true)),
        ("YCCK", jpeg_of(&ink, w, h, ColorType::CmykAsYcck, false)),
    ] {
        assert_eq!(inspect(Cursor::new(&bytes)).unwrap().has_alpha, Some(false));
        let db = psnr(&whole(&bytes).to_rgb8(), &image);
        assert!(db > 30.0, "{name}: {db} dB");
    }
    let grey: Vec<u8> = image.pixels().map(|pixel| pixel.0[1]).collect();
    let grey_image = RgbImage::from_fn(w, h, |x, y| image::Rgb([image.get_pixel(x, y).0[1]; 3]));
    let bytes = jpeg_of(&grey, w, h, ColorType::Luma, false);
    assert!(psnr(&whole(&bytes).to_rgb8(), &grey_image) > 35.0);
}

#[test]
fn of_an_animation_the_first_picture_is_taken() {
    let frame = |shade: u8| vec![shade; 32 * 32 * 3];
    let mut encoder = webp::AnimEncoder::new(32, 32, Box::leak(Box::new(webp::WebPConfig::new().unwrap())));
    let (dark, light) = (frame(20), frame(230));
    encoder.add_frame(webp::AnimFrame::from_rgb(&dark, 32, 32, 0));
    encoder.add_frame(webp::AnimFrame::from_rgb(&light, 32, 32, 100));
    let bytes = encoder.encode().to_vec();
    assert!(bytes.windows(4).filter(|chunk| chunk == b"ANMF").count() == 2, "it is an animation");
    let shade = whole(&bytes).to_rgb8().get_pixel(16, 16).0[0];
    assert!(shade.abs_diff(20) < 6, "{shade}");
}

#[test]
fn real_photos_decode_like_another_decoder_does() {
    for (name, bytes) in [("mountains", photo()), ("cat", media("chelsea.png"))] {
        let header = inspect(Cursor::new(&bytes)).unwrap();
        let picture = decode(&bytes).unwrap();
        assert_eq!((picture.width(), picture.height()), (header.width, header.height));
        let spec = &VARIANTS[2];
        let made = pixels(&picture.variant(spec).unwrap()).to_rgb8();
        let (width, height) = spec.size_of(header.width, header.height);
        let expected = image::load_from_memory(&bytes)
            .unwrap()
            .resize_exact(width, height, image::imageops::FilterType::Lanczos3)
            .to_rgb8();
        let db = psnr(&made, &expected);
        assert!(db > 40.0, "{name}: {db} dB");
    }
}
