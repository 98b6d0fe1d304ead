//! The formats that go in and those that come out.

use std::fmt;

/// What a variant can be encoded to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Progressive, what every client can show. Transparent pixels become white.
    Jpeg,
    /// Lossy WebP, with transparency.
    Webp,
    /// Named here so that all formats have one type, but encoded elsewhere: hand the encoder
    /// [`Variant::to_png`](crate::Variant::to_png).
    Avif,
}

impl Format {
    /// The media type.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
            Self::Avif => "image/avif",
        }
    }

    /// The end of a file's name, without the dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Webp => "webp",
            Self::Avif => "avif",
        }
    }
}

/// What a picture can be decoded from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InputFormat {
    /// Baseline or progressive; grey, YCbCr, RGB, CMYK or YCCK.
    Jpeg,
    /// Every colour type and depth; of an animation the first picture.
    Png,
    /// Lossy or lossless; of an animation the first frame.
    Webp,
}

impl fmt::Display for InputFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::Webp => "WebP",
        })
    }
}

impl InputFormat {
    pub(crate) const fn rare_kind(self) -> &'static str {
        match self {
            Self::Jpeg => "a JPEG of a rare kind",
            Self::Png => "a PNG of a rare kind",
            Self::Webp => "a WebP of a rare kind",
        }
    }
}

/// How many bytes tell the format.
pub(crate) const SIGNATURE_BYTES: usize = 32;

/// What the first bytes of a file say. Names and declared media types are never asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signature {
    Read(InputFormat),
    /// A picture that is not read here.
    Other(&'static str),
    Unknown,
}

pub(crate) fn signature(head: &[u8]) -> Signature {
    let begins = |prefix: &[u8]| head.starts_with(prefix);
    let brand = head.get(4..12).unwrap_or_default();
    if begins(&[0xff, 0xd8, 0xff]) {
        Signature::Read(InputFormat::Jpeg)
    } else if begins(b"\x89PNG\r\n\x1a\n") {
        Signature::Read(InputFormat::Png)
    } else if begins(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
        Signature::Read(InputFormat::Webp)
    } else if begins(b"GIF87a") || begins(b"GIF89a") {
        Signature::Other("GIF")
    } else if matches!(brand, b"ftypavif" | b"ftypavis") {
        Signature::Other("AVIF")
    } else if matches!(brand, b"ftypheic" | b"ftypheix" | b"ftyphevc" | b"ftypmif1" | b"ftypmsf1") {
        Signature::Other("HEIC")
    } else if begins(b"II*\0") || begins(b"MM\0*") {
        Signature::Other("TIFF")
    } else if begins(b"\xff\x0a") || begins(b"\0\0\0\x0cJXL ") {
        Signature::Other("JPEG XL")
    } else if begins(b"BM") && head.get(6..10) == Some(&[0; 4]) {
        Signature::Other("BMP")
    } else if is_svg(head) {
        Signature::Other("SVG")
    } else {
        Signature::Unknown
    }
}

/// An SVG has no signature; an XML declaration may be something else, and is refused either way.
fn is_svg(head: &[u8]) -> bool {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    text.starts_with(b"<svg") || text.starts_with(b"<?xml") || text.starts_with(b"<!DOCTYPE svg")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_of_other_formats_are_called_by_their_name() {
        for (head, name) in [
            (&b"GIF89a\x01\0\x01\0"[..], "GIF"),
            (b"\0\0\0\x1cftypavif", "AVIF"),
            (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
            (b"II*\0\x08\0\0\0", "TIFF"),
            (b"BM\x9a\0\0\0\0\0\0\0", "BMP"),
            (b"  <svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
            (b"\xef\xbb\xbf<?xml version='1.0'?>", "SVG"),
        ] {
            assert_eq!(signature(head), Signature::Other(name));
        }
    }

    #[test]
    fn bytes_that_begin_like_nothing_known_are_unknown() {
        for head in [&b""[..], b"\xff\xd8", b"RIFF\0\0\0\0WAVE", b"BMW is a car", b"hello, world, hello!"] {
            assert_eq!(signature(head), Signature::Unknown, "{head:?}");
        }
    }
}
