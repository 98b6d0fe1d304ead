//! What is no picture, no whole picture or too much of one is refused, and in words.

use std::io::{self, BufRead, Cursor, Read, Seek, SeekFrom};
use std::sync::LazyLock;

use image::ExtendedColorType;
use image_variants::{ImageError, InputFormat, Limits, Picture, inspect};
use proptest::prelude::*;

use crate::support::{decode, jpeg_of, lossless_webp, png_of, scene};

fn code(bytes: &[u8]) -> &'static str {
    let error = decode(bytes).unwrap_err();
    assert!(error.is_final(), "{error}");
    assert!(error.human().ends_with('.') && !error.to_string().ends_with('.'));
    error.code()
}

/// A picture in each format, with enough in it that a cut goes through pixels.
fn samples() -> &'static [(InputFormat, Vec<u8>); 4] {
    static SAMPLES: LazyLock<[(InputFormat, Vec<u8>); 4]> = LazyLock::new(made_samples);
    &SAMPLES
}

fn made_samples() -> [(InputFormat, Vec<u8>); 4] {
    let image = scene(96, 64);
    let raw = image.as_raw();
    [
        (InputFormat::Jpeg, jpeg_of(raw, 96, 64, jpeg_encoder::ColorType::Rgb, false)),
        (InputFormat::Jpeg, jpeg_of(raw, 96, 64, jpeg_encoder::ColorType::Rgb, true)),
        (InputFormat::Png, png_of(raw, 96, 64, ExtendedColorType::Rgb8)),
        (InputFormat::Webp, lossless_webp(raw, 96, 64, ExtendedColorType::Rgb8)),
    ]
}

#[test]
fn what_is_no_picture_is_told_from_one_that_is_not_read_here() {
    assert_eq!(code(b""), "not_an_image");
    assert_eq!(code(b"twenty bytes of stuff"), "not_an_image");
    for other in [
        &b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"[..],
        b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>",
        b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00heicmif1",
    ] {
        assert_eq!(code(other), "unsupported_format");
        assert_eq!(inspect(Cursor::new(other)).unwrap_err().code(), "unsupported_format");
    }
}

#[test]
fn a_picture_that_ends_too_early_is_damaged_wherever_it_is_cut() {
    for &(format, ref bytes) in samples() {
        // A PNG has all its pixels before its last checksum and its closing chunk.
        let pixels_end = if format == InputFormat::Png { bytes.len() - 20 } else { bytes.len() - 1 };
        for length in (16..pixels_end).step_by(23).chain([pixels_end]) {
            assert_eq!(code(&bytes[..length]), "damaged", "{format} cut at {length} of {}", bytes.len());
        }
        decode(bytes).unwrap();
    }
}

#[test]
fn a_jpeg_of_a_rare_kind_is_not_called_damaged() {
    let (_, baseline) = &samples()[0];
    let frame = baseline.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    for (kind, name) in [(0xc3, "lossless"), (0xc9, "arithmetic")] {
        let mut bytes = baseline.clone();
        bytes[frame + 1] = kind;
        assert_eq!(code(&bytes), "unsupported_format", "{name}");
    }
}

fn crc(bytes: &[u8]) -> u32 {
    let shift =
        |crc: u32| (0..8).fold(crc, |crc, _| if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 });
    !bytes.iter().fold(!0, |crc, &byte| shift(crc ^ u32::from(byte)))
}

fn png_chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let body = [&kind[..], content].concat();
    [&u32::try_from(content.len()).unwrap().to_be_bytes()[..], &body, &crc(&body).to_be_bytes()].concat()
}

/// A few bytes that claim to be a picture of that size.
fn png_bomb(width: u32, height: u32) -> Vec<u8> {
    let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
    let header = png_chunk(b"IHDR", &[&size[..], &[8, 6, 0, 0, 0]].concat());
    let signature = b"\x89PNG\r\n\x1a\n".to_vec();
    [signature, header, png_chunk(b"IDAT", &[0x78, 0x9c, 0x01]), png_chunk(b"IEND", &[])].concat()
}

#[test]
fn a_bomb_is_refused_by_its_header() {
    let bomb = png_bomb(50_000, 50_000);
    let header = inspect(Cursor::new(&bomb)).unwrap();
    assert_eq!((header.width, header.height), (50_000, 50_000));
    assert_eq!(Limits::default().check(&header).unwrap_err().code(), "too_many_pixels");
    assert_eq!(code(&bomb), "too_many_pixels");
    assert_eq!(code(&png_bomb(40_000, 1)), "too_many_pixels");
}

#[test]
fn a_jpeg_with_a_second_larger_header_is_refused() {
    let (_, bytes) = &samples()[0];
    let frame = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    let length = usize::from(u16::from_be_bytes([bytes[frame + 2], bytes[frame + 3]])) + 2;
    let mut second = bytes[frame..frame + length].to_vec();
    second[5..9].copy_from_slice(&[0xff, 0xff, 0xff, 0xff]);
    let both = [&bytes[..frame + length], &second, &bytes[frame + length..]].concat();
    assert_eq!(code(&both), "damaged");
}

#[test]
fn a_webp_whose_frame_is_larger_than_its_canvas_is_refused() {
    let image = scene(96, 64);
    let frame = lossless_webp(image.as_raw(), 96, 64, ExtendedColorType::Rgb8);
    let canvas = b"VP8X\x0a\x00\x00\x00\x00\x00\x00\x00\x0f\x00\x00\x0f\x00\x00";
    let body = [b"WEBP", &canvas[..], &frame[12..]].concat();
    let bytes = [b"RIFF", &u32::try_from(body.len()).unwrap().to_le_bytes()[..], &body].concat();
    let error = inspect(Cursor::new(&bytes)).unwrap_err();
    assert_eq!(error.to_string(), "the WebP is damaged: a frame is larger than its canvas");
    assert_eq!(code(&bytes), "damaged");
}

#[test]
fn a_file_that_is_too_long_is_refused_unread() {
    let (_, bytes) = &samples()[2];
    let limits = Limits { max_bytes: bytes.len() as u64 - 1, ..Limits::default() };
    let error = Picture::decode(Cursor::new(bytes), &limits).unwrap_err();
    assert_eq!(error.code(), "too_many_bytes");
}

/// A disk that fails in the middle.
struct Failing(Cursor<Vec<u8>>);

impl Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0.position() >= 1000 {
            Err(io::Error::other("the disk is gone"))
        } else {
            self.0.read(buffer)
        }
    }
}

impl BufRead for Failing {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.0.position() >= 1000 { Err(io::Error::other("the disk is gone")) } else { self.0.fill_buf() }
    }

    fn consume(&mut self, amount: usize) {
        self.0.consume(amount.min(1000));
    }
}

impl Seek for Failing {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

#[test]
fn a_source_that_fails_is_worth_another_try() {
    for (format, bytes) in samples() {
        if bytes.len() > 1100 {
            let error = Picture::decode(Failing(Cursor::new(bytes.clone())), &Limits::default()).unwrap_err();
            assert!(matches!(error, ImageError::Read(_)) && !error.is_final(), "{format}: {error:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever a bit flip does, the answer is a picture of the size in the header, or a refusal that is final.
    #[test]
    fn no_garbled_picture_takes_the_program_down(
        which in 0usize..4, places in prop::collection::vec((0usize..100_000, any::<u8>()), 1..6),
    ) {
        let (_, mut bytes) = samples()[which].clone();
        let length = bytes.len();
        for (place, byte) in places {
            bytes[place % length] = byte;
        }
        match (inspect(Cursor::new(&bytes)), decode(&bytes)) {
            (Ok(header), Ok(picture)) => {
                prop_assert_eq!((picture.width(), picture.height()), (header.width, header.height));
            }
            (Err(_), Ok(_)) => prop_assert!(false, "decoded without a header"),
            (_, Err(error)) => prop_assert!(error.is_final()),
        }
    }
}
