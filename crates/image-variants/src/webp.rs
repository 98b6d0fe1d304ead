//! The chunks of a WebP: its header, and whether everything in it stays within what the header says.
//!
//! The decoder makes room for a frame before it compares the frame's size with the canvas, and for a chunk before it
//! knows that there are so many bytes. A file that says little in front and much behind would pass every limit.

use std::io::{self, BufRead, Read, Seek, SeekFrom};

use image::metadata::Orientation;

use crate::error::ImageError;
use crate::format::InputFormat;
use crate::header::{EXIF_BYTES, Stored, orientation};

/// The bytes in front of the first chunk.
const RIFF_HEADER: u64 = 12;
/// The bytes in front of a chunk's content.
const CHUNK_HEADER: u64 = 8;
/// The bytes of an animation frame in front of its own chunks.
const FRAME_HEADER: u64 = 16;

#[derive(Clone, Copy)]
struct Chunk {
    kind: [u8; 4],
    start: u64,
    end: u64,
}

impl Chunk {
    /// Chunks begin at even distances.
    fn next(&self) -> u64 {
        self.end + (self.end - self.start) % 2
    }
}

/// Size and transparency, of the canvas or of one frame.
#[derive(Clone, Copy)]
struct Extent {
    width: u32,
    height: u32,
    has_alpha: bool,
}

/// Reads all chunk headers. `source` stands anywhere.
pub(crate) fn read_header(source: &mut (impl BufRead + Seek)) -> Result<Stored, ImageError> {
    let end = source.seek(SeekFrom::End(0)).map_err(read_error)?;
    let first = chunk_at(source, RIFF_HEADER, end)?.ok_or_else(|| damaged("it has no content"))?;
    let canvas = match &first.kind {
        b"VP8X" => canvas(source)?,
        _ => frame(source, &first)?.ok_or_else(|| damaged("it begins with an unknown chunk"))?,
    };
    let mut turned = None;
    let mut at = first.next();
    while &first.kind == b"VP8X" && at < end {
        let Some(chunk) = chunk_at(source, at, end)? else { break };
        match &chunk.kind {
            b"EXIF" if turned.is_none() => turned = Some(exif(source, &chunk)?),
            b"ANMF" => check_animation_frame(source, &chunk, canvas)?,
            _ => check_frame(frame(source, &chunk)?, canvas)?,
        }
        at = chunk.next();
    }
    Ok(Stored {
        format: InputFormat::Webp,
        width: canvas.width,
        height: canvas.height,
        has_alpha: canvas.has_alpha,
        orientation: turned.unwrap_or(Orientation::NoTransforms),
    })
}

/// The chunk at this place, and the source at its content. `None` where too few bytes are left for one.
fn chunk_at(source: &mut (impl Read + Seek), at: u64, end: u64) -> Result<Option<Chunk>, ImageError> {
    if end < at + CHUNK_HEADER {
        return Ok(None);
    }
    source.seek(SeekFrom::Start(at)).map_err(read_error)?;
    let kind = bytes(source)?;
    let length = u64::from(u32::from_le_bytes(bytes(source)?));
    let start = at + CHUNK_HEADER;
    if end - start < length {
        return Err(damaged("it ends too early"));
    }
    Ok(Some(Chunk { kind, start, end: start + length }))
}

/// The size and flags that stand first in an extended file.
fn canvas(source: &mut impl Read) -> Result<Extent, ImageError> {
    let [flags, _, _, _, w0, w1, w2, h0, h1, h2]: [u8; 10] = bytes(source)?;
    Ok(Extent {
        width: u32::from_le_bytes([w0, w1, w2, 0]) + 1,
        height: u32::from_le_bytes([h0, h1, h2, 0]) + 1,
        has_alpha: flags & 0x10 != 0,
    })
}

/// The size that stands in pixel data; `None` when the chunk is something else.
fn frame(source: &mut impl Read, chunk: &Chunk) -> Result<Option<Extent>, ImageError> {
    match &chunk.kind {
        b"VP8 " => {
            let [_, _, _, _, _, _, w0, w1, h0, h1]: [u8; 10] = bytes(source)?;
            let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
            Ok(Some(Extent { width: side(w0, w1), height: side(h0, h1), has_alpha: false }))
        }
        b"VP8L" => {
            let [_, b0, b1, b2, b3]: [u8; 5] = bytes(source)?;
            let packed = u32::from_le_bytes([b0, b1, b2, b3]);
            Ok(Some(Extent {
                width: (packed & 0x3fff) + 1,
                height: (packed >> 14 & 0x3fff) + 1,
                has_alpha: packed >> 28 & 1 == 1,
            }))
        }
        _ => Ok(None),
    }
}

fn check_animation_frame(
    source: &mut (impl Read + Seek),
    animation: &Chunk,
    canvas: Extent,
) -> Result<(), ImageError> {
    let mut at = animation.start + FRAME_HEADER;
    while let Some(chunk) = chunk_at(source, at, animation.end)? {
        check_frame(frame(source, &chunk)?, canvas)?;
        at = chunk.next();
    }
    Ok(())
}

fn check_frame(frame: Option<Extent>, canvas: Extent) -> Result<(), ImageError> {
    match frame {
        Some(frame) if frame.width > canvas.width || frame.height > canvas.height => {
            Err(damaged("a frame is larger than its canvas"))
        }
        _ => Ok(()),
    }
}

fn exif(source: &mut impl Read, chunk: &Chunk) -> Result<Orientation, ImageError> {
    let mut block = Vec::new();
    let length = (chunk.end - chunk.start).min(EXIF_BYTES);
    source.take(length).read_to_end(&mut block).map_err(read_error)?;
    Ok(orientation(&block))
}

fn bytes<const N: usize>(source: &mut impl Read) -> Result<[u8; N], ImageError> {
    let mut bytes = [0; N];
    source.read_exact(&mut bytes).map_err(read_error)?;
    Ok(bytes)
}

fn damaged(what: &'static str) -> ImageError {
    ImageError::damaged(InputFormat::Webp, what)
}

fn read_error(error: io::Error) -> ImageError {
    ImageError::read(InputFormat::Webp, error)
}
