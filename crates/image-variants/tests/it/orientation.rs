//! A photo stands upright whichever way the camera was held.

use std::io::Cursor;

use image::RgbImage;
use image_variants::{Format, VARIANTS, inspect};

use crate::support::{decode, jpeg, lossless_webp, pixels, psnr, scene, whole};

/// What a camera would store so that this picture is shown: by the definition of each value, where the first row and the
/// first column of what is stored stand in what is shown.
fn stored_for(shown: &RgbImage, orientation: u8) -> RgbImage {
    let (right, bottom) = (shown.width() - 1, shown.height() - 1);
    let place = |x: u32, y: u32| match orientation {
        1 => (x, y),
        2 => (right - x, y),
        3 => (right - x, bottom - y),
        4 => (x, bottom - y),
        5 => (y, x),
        6 => (right - y, x),
        7 => (right - y, bottom - x),
        8 => (y, bottom - x),
        other => unreachable!("{other} is no orientation"),
    };
    let (width, height) = shown.dimensions();
    let (width, height) = if orientation < 5 { (width, height) } else { (height, width) };
    RgbImage::from_fn(width, height, |x, y| {
        let (x, y) = place(x, y);
        *shown.get_pixel(x, y)
    })
}

/// A minimal Exif block: one directory with one entry, in either byte order, and a place as a phone would note it.
fn exif(orientation: u8, big_endian: bool) -> Vec<u8> {
    let short = |value: u16| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
    let long = |value: u32| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
    let mut block = if big_endian { b"MM".to_vec() } else { b"II".to_vec() };
    block.extend(short(42));
    block.extend(long(8));
    block.extend(short(1));
    block.extend([short(0x112), short(3)].concat());
    block.extend(long(1));
    block.extend([short(u16::from(orientation)), short(0)].concat());
    block.extend(long(0));
    block.extend(b"GPS 52.5200N 13.4050E");
    block
}

/// The JPEG with that block behind its first marker.
fn with_exif(jpeg: &[u8], block: &[u8]) -> Vec<u8> {
    let content = [b"Exif\0\0", block].concat();
    let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, &content, &jpeg[2..]].concat()
}

/// The same picture as an extended WebP with an Exif chunk.
fn webp_with_exif(image: &RgbImage, block: &[u8]) -> Vec<u8> {
    let simple = lossless_webp(image.as_raw(), image.width(), image.height(), image::ExtendedColorType::Rgb8);
    let side = |pixels: u32| (pixels - 1).to_le_bytes()[..3].to_vec();
    let mut body = b"WEBPVP8X".to_vec();
    body.extend(10u32.to_le_bytes());
    body.extend([0x08, 0, 0, 0]);
    body.extend([side(image.width()), side(image.height())].concat());
    body.extend(&simple[12..]);
    body.extend(b"EXIF");
    body.extend(u32::try_from(block.len()).unwrap().to_le_bytes());
    body.extend(block);
    body.extend(std::iter::repeat_n(0, block.len() % 2));
    [b"RIFF", &u32::try_from(body.len()).unwrap().to_le_bytes()[..], &body].concat()
}

#[test]
fn every_orientation_is_shown_upright() {
    let shown = scene(48, 32);
    for orientation in 1..=8 {
        for big_endian in [false, true] {
            let stored = stored_for(&shown, orientation);
            let bytes = with_exif(&jpeg(&stored), &exif(orientation, big_endian));
            let header = inspect(Cursor::new(&bytes)).unwrap();
            assert_eq!((header.width, header.height), (48, 32), "orientation {orientation}");
            let db = psnr(&whole(&bytes).to_rgb8(), &shown);
            assert!(db > 30.0, "orientation {orientation}: {db} dB");
        }
    }
}

#[test]
fn a_webp_is_turned_like_a_jpeg() {
    let shown = scene(48, 32);
    for orientation in 1..=8 {
        let bytes = webp_with_exif(&stored_for(&shown, orientation), &exif(orientation, false));
        let header = inspect(Cursor::new(&bytes)).unwrap();
        assert_eq!((header.width, header.height), (48, 32), "orientation {orientation}");
        assert_eq!(whole(&bytes).to_rgb8(), shown, "orientation {orientation}");
    }
}

#[test]
fn a_photo_that_is_reduced_while_it_is_decoded_is_turned_too() {
    let shown = scene(3600, 2700);
    let bytes = with_exif(&jpeg(&stored_for(&shown, 6)), &exif(6, true));
    let picture = decode(&bytes).unwrap();
    assert_eq!((picture.width(), picture.height()), (3600, 2700));
    let full = pixels(&picture.variant(&VARIANTS[3]).unwrap()).to_rgb8();
    let expected = scene(1080, 810);
    let db = psnr(&full, &expected);
    assert!(db > 30.0, "{db} dB");
}

#[test]
fn an_orientation_that_makes_no_sense_is_none() {
    let shown = scene(48, 32);
    for block in [exif(0, true), exif(9, false), b"II*\0garbage".to_vec(), Vec::new()] {
        let bytes = with_exif(&jpeg(&shown), &block);
        assert!(psnr(&whole(&bytes).to_rgb8(), &shown) > 30.0);
    }
}

#[test]
fn neither_exif_nor_a_place_is_left_in_what_is_made() {
    let bytes = with_exif(&jpeg(&scene(300, 200)), &exif(6, true));
    let picture = decode(&bytes).unwrap();
    for spec in &VARIANTS {
        let variant = picture.variant(spec).unwrap();
        let mut png = Vec::new();
        variant.to_png(&mut png).unwrap();
        for made in [variant.encode(Format::Jpeg).unwrap(), variant.encode(Format::Webp).unwrap(), png] {
            for traitor in
                [&b"Exif"[..], b"EXIF", b"eXIf", b"GPS", b"XMP", b"xpacket", b"ICCP", b"ICC_PROFILE"]
            {
                assert!(!made.windows(traitor.len()).any(|bytes| bytes == traitor), "{}", spec.name);
            }
        }
    }
}
