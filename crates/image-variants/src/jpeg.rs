//! The markers of a JPEG: its header, and whether it reaches its end.
//!
//! The decoder would need all bytes in memory to tell the size, and it fills what is missing with grey without a word.

use std::io::{self, BufRead, Read, Seek};

use image::metadata::Orientation;

use crate::error::ImageError;
use crate::format::InputFormat;
use crate::header::{Stored, orientation};

const RESTARTS: std::ops::RangeInclusive<u8> = 0xd0..=0xd7;
const START_OF_IMAGE: u8 = 0xd8;
const END_OF_IMAGE: u8 = 0xd9;
const START_OF_SCAN: u8 = 0xda;
const EXIF: u8 = 0xe1;
const STUFFED: u8 = 0x00;
const TEMPORARY: u8 = 0x01;

/// Reads up to the first scan. `source` stands at the beginning.
pub(crate) fn read_header(source: &mut impl BufRead) -> Result<Stored, ImageError> {
    let mut size = None;
    let mut turned = None;
    loop {
        match next_marker(source).map_err(read_error)? {
            None | Some(END_OF_IMAGE) => return Err(damaged("it ends before its pixels")),
            Some(START_OF_SCAN) => break,
            Some(marker) if stands_alone(marker) => {}
            Some(0xc0..=0xc2) => {
                let frame = segment(source).map_err(read_error)?;
                // A second frame could be larger than the one that was admitted.
                if size.replace(frame_size(&frame)?).is_some() {
                    return Err(damaged("it has two headers"));
                }
            }
            Some(0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf) => {
                return Err(ImageError::UnsupportedFormat(InputFormat::Jpeg.rare_kind()));
            }
            Some(EXIF) if turned.is_none() => {
                let block = segment(source).map_err(read_error)?;
                turned = block.starts_with(b"Exif\0\0").then(|| orientation(&block));
            }
            Some(_) => skip_segment(source).map_err(read_error)?,
        }
    }
    let (width, height) = size.ok_or_else(|| damaged("it says no size"))?;
    let orientation = turned.unwrap_or(Orientation::NoTransforms);
    Ok(Stored { format: InputFormat::Jpeg, width, height, has_alpha: false, orientation })
}

/// Fails when the data ends before the picture does. Reads all of it, and holds nothing.
pub(crate) fn check_reaches_end(source: &mut (impl BufRead + Seek)) -> Result<(), ImageError> {
    source.rewind().map_err(ImageError::Read)?;
    let mut scanned = false;
    loop {
        match next_marker(source).map_err(read_error)? {
            None => return Err(damaged("it ends too early")),
            Some(END_OF_IMAGE) if scanned => return Ok(()),
            Some(END_OF_IMAGE) => return Err(damaged("it ends before its pixels")),
            Some(marker) if stands_alone(marker) => {}
            Some(marker) => {
                scanned |= marker == START_OF_SCAN;
                skip_segment(source).map_err(read_error)?;
            }
        }
    }
}

/// The next byte after any number of 0xff; within pixels that may be a stuffed zero. `None` at the end of the data.
fn next_marker(source: &mut impl BufRead) -> io::Result<Option<u8>> {
    source.skip_until(0xff)?;
    loop {
        let mut byte = [0];
        match source.read(&mut byte)? {
            0 => return Ok(None),
            _ if byte == [0xff] => {}
            _ => return Ok(Some(byte[0])),
        }
    }
}

fn stands_alone(marker: u8) -> bool {
    RESTARTS.contains(&marker) || matches!(marker, STUFFED | TEMPORARY | START_OF_IMAGE)
}

fn segment_length(source: &mut impl BufRead) -> io::Result<u64> {
    let mut length = [0; 2];
    source.read_exact(&mut length)?;
    Ok(u64::from(u16::from_be_bytes(length)).saturating_sub(2))
}

fn segment(source: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let length = segment_length(source)?;
    let mut content = Vec::new();
    source.take(length).read_to_end(&mut content)?;
    Ok(content)
}

fn skip_segment(source: &mut impl BufRead) -> io::Result<()> {
    let length = segment_length(source)?;
    io::copy(&mut source.take(length), &mut io::sink())?;
    Ok(())
}

fn frame_size(frame: &[u8]) -> Result<(u32, u32), ImageError> {
    let Some(&[precision, h1, h0, w1, w0, _components]) = frame.first_chunk() else {
        return Err(damaged("its header is too short"));
    };
    if precision != 8 {
        return Err(ImageError::UnsupportedFormat(InputFormat::Jpeg.rare_kind()));
    }
    Ok((u32::from(u16::from_be_bytes([w1, w0])), u32::from(u16::from_be_bytes([h1, h0]))))
}

fn damaged(what: &'static str) -> ImageError {
    ImageError::damaged(InputFormat::Jpeg, what)
}

fn read_error(error: io::Error) -> ImageError {
    ImageError::read(InputFormat::Jpeg, error)
}
