//! ISO base media (ISO/IEC 14496-12) and QuickTime: boxes, of which only the outermost are looked at.

use serde::{Deserialize, Serialize};

use super::{Ending, Step};
use crate::content_type::ContentType;
use crate::refusal::{Fault, Found};

/// More boxes than this are no film: one of six hours in fragments of a second has fewer.
const MAX_BOXES: u32 = 65_536;

/// Cameras add boxes of their own, of some megabytes. Text that is read as a box's header says at least 512 MiB.
const MAX_UNKNOWN_BYTES: u64 = 256 << 20;

/// Types that may stand outermost, by the standards and in QuickTime.
const KNOWN: [[u8; 4]; 20] = [
    *b"ftyp", *b"styp", *b"pdin", *b"moov", *b"moof", *b"mfra", *b"mdat", *b"imda", *b"free", *b"skip",
    *b"wide", *b"meta", *b"meco", *b"sidx", *b"ssix", *b"prft", *b"uuid", *b"udta", *b"pnot", *b"emsg",
];

/// Where the walk through the boxes stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Boxes {
    /// A picture is described by `meta`, or like a film by `moov`.
    picture: bool,
    count: u32,
    description: bool,
    content: bool,
}

impl Boxes {
    pub(crate) const fn film() -> Self {
        Self { picture: false, count: 0, description: false, content: false }
    }

    pub(crate) const fn picture() -> Self {
        Self { picture: true, ..Self::film() }
    }

    pub(super) fn step(&mut self, header: &[u8], start: u64) -> Result<Step, Fault> {
        let Some(&[s0, s1, s2, s3, ref kind @ ..]) = header.first_chunk::<8>() else {
            return Ok(Step::Need(8));
        };
        let step = match u32::from_be_bytes([s0, s1, s2, s3]) {
            // To the end of the body, which only the content of a film may do.
            0 if kind == b"mdat" => Step::Rest { at_most: u64::MAX },
            1 => match header.first_chunk::<16>() {
                None => return Ok(Step::Need(16)),
                Some([.., a, b, c, d, e, f, g, h]) => {
                    over(*kind, u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]), 16)?
                }
            },
            size => over(*kind, u64::from(size), 8)?,
        };
        self.note(*kind, start)?;
        Ok(step)
    }

    pub(super) fn end(&self) -> Result<(), Ending> {
        if !self.description {
            return Err(Ending::Without(Fault::NoDescription));
        }
        if self.content { Ok(()) } else { Err(Ending::Without(Fault::NoContent)) }
    }

    fn note(&mut self, kind: [u8; 4], start: u64) -> Result<(), Fault> {
        self.count = self.count.saturating_add(1);
        if self.count > MAX_BOXES {
            return Err(Fault::TooManyParts);
        }
        match &kind {
            b"ftyp" if start > 0 => return Err(Fault::Repeated),
            b"moov" => self.description = true,
            b"meta" if self.picture => self.description = true,
            b"mdat" | b"imda" => self.content = true,
            _ => {}
        }
        Ok(())
    }
}

/// To the end of a box of `size` bytes, of which `header` have been read.
fn over(kind: [u8; 4], size: u64, header: u64) -> Result<Step, Fault> {
    let known = KNOWN.contains(&kind);
    if !known && !kind.iter().all(|&byte| byte == b' ' || byte.is_ascii_graphic()) {
        return Err(Fault::Name);
    }
    let content = size.checked_sub(header).ok_or(Fault::Size)?;
    if known || size <= MAX_UNKNOWN_BYTES { Ok(Step::Over(content)) } else { Err(Fault::Size) }
}

/// Whether a film of QuickTime from before there was `ftyp` begins with such a box.
pub(crate) fn begins_old_quick_time(kind: [u8; 4], size: u32) -> bool {
    match &kind {
        b"mdat" => size <= 1 || size >= 8,
        b"moov" | b"free" | b"skip" | b"wide" | b"pnot" => size >= 8,
        _ => false,
    }
}

/// What a `ftyp` box without its header says: its own brand first, and if that is not known, the first one that is among
/// those it is compatible with.
pub(crate) fn by_brands(body: &[u8]) -> Option<Found> {
    let brands: Vec<[u8; 4]> = body.as_chunks::<4>().0.to_vec();
    let (major, rest) = brands.split_first()?;
    // The version stands between them.
    let compatible = rest.get(1..).unwrap_or_default();
    if matches!(major, b"mif1" | b"msf1") {
        // Says only that it is HEIF, not what is inside.
        let avif = compatible.iter().any(|brand| matches!(brand, b"avif" | b"avis"));
        return Some(Found::Media(if avif { ContentType::Avif } else { ContentType::Heic }));
    }
    std::iter::once(major).chain(compatible).find_map(by_brand)
}

fn by_brand(brand: &[u8; 4]) -> Option<Found> {
    let content_type = match brand {
        b"qt  " => ContentType::QuickTime,
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"hevm" | b"hevs" => ContentType::Heic,
        b"avif" | b"avis" => ContentType::Avif,
        b"M4A " | b"M4B " | b"M4P " => return Some(Found::Audio),
        b"mp41" | b"mp42" | b"mp71" | b"avc1" | b"hvc1" | b"dash" | b"msdh" | b"MSNV" | b"mmp4" | b"XAVC" => {
            ContentType::Mp4
        }
        [b'i', b's', b'o', version] if version.is_ascii_alphanumeric() => ContentType::Mp4,
        [b'M' | b'm', b'4' | b'p', b'V' | b'v', _] | [b'F' | b'f', b'4', b'v' | b'V', _] => ContentType::Mp4,
        [b'3', b'g', b'p' | b'2' | b'r' | b's' | b'g', _] | [b'c', b'm', b'f', _] => ContentType::Mp4,
        _ => return None,
    };
    Some(Found::Media(content_type))
}
