//! What a body is, from its first bytes alone: never from a name or from what a client declares.
//!
//! Every matcher is steady: once it has said yes or no to some bytes, it says the same with more bytes behind them. So the
//! verdict is that of the shortest beginning that allows one, however the stream is cut.

use crate::content_type::ContentType;
use crate::format::{boxes, matroska};
use crate::refusal::Found;

/// How many bytes from the start are held at most, until it is known what they are.
pub const MAX_PREFIX: usize = 4096;

/// White space before text of any kind; more of it is no document that anybody wrote.
const MAX_BLANKS: usize = 256;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What one matcher says to the bytes so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Match {
    /// It is not this, whatever follows.
    No,
    /// It may be this.
    Maybe,
    /// It is.
    Is(Found),
}

/// Asked in this order; the first that does not say no decides.
const MATCHERS: [fn(&[u8]) -> Match; 7] = [iso_media, ebml, jpeg, riff, mpeg_ts, signatures, text];

/// Bytes at the very start, and what begins with them.
const SIGNATURES: [(&[u8], Found); 27] = [
    (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Found::Media(ContentType::Png)),
    (b"GIF89a", Found::Media(ContentType::Gif)),
    (b"GIF87a", Found::Media(ContentType::Gif)),
    (b"\0\0\x01\xba", Found::OtherVideo),
    (b"\0\0\x01\xb3", Found::OtherVideo),
    (b"FLV\x01", Found::OtherVideo),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", Found::OtherVideo),
    (b"ID3", Found::Audio),
    (b"OggS", Found::Audio),
    (b"fLaC", Found::Audio),
    (b"\xff\xfb", Found::Audio),
    (b"\xff\xf3", Found::Audio),
    (b"\xff\xf2", Found::Audio),
    (b"\xff\xf1", Found::Audio),
    (b"\xff\xf9", Found::Audio),
    (b"II*\0", Found::OtherImage),
    (b"MM\0*", Found::OtherImage),
    (b"BM", Found::OtherImage),
    (b"8BPS", Found::OtherImage),
    (b"\xff\x0a", Found::OtherImage),
    (b"%PDF-", Found::Pdf),
    (b"PK\x03\x04", Found::Archive),
    (b"\x1f\x8b\x08", Found::Archive),
    (b"7z\xbc\xaf\x27\x1c", Found::Archive),
    (b"Rar!\x1a\x07", Found::Archive),
    (b"BZh", Found::Archive),
    (b"\xfd7zXZ\0", Found::Archive),
];

/// What text begins with, after white space, in small letters.
const TEXTS: [(&[u8], Found); 5] = [
    (b"#extm3u", Found::Playlist),
    (b"ffconcat version", Found::Playlist),
    (b"[playlist]", Found::Playlist),
    (b"file '", Found::Playlist),
    (b"<", Found::Markup),
];

/// What `prefix` is the beginning of, or `None` while more bytes are needed to say. With [`MAX_PREFIX`] bytes it is known.
pub(crate) fn sniff(prefix: &[u8]) -> Option<Found> {
    for matches in MATCHERS {
        match matches(prefix) {
            Match::No => {}
            Match::Is(found) => return Some(found),
            Match::Maybe if prefix.len() < MAX_PREFIX => return None,
            Match::Maybe => return Some(Found::Unknown),
        }
    }
    Some(Found::Unknown)
}

/// `expected` at `offset`.
fn at(prefix: &[u8], offset: usize, expected: &[u8], found: Found) -> Match {
    let here = prefix.get(offset..).unwrap_or_default();
    if here.len() >= expected.len() {
        if here.starts_with(expected) { Match::Is(found) } else { Match::No }
    } else if expected.starts_with(here) {
        Match::Maybe
    } else {
        Match::No
    }
}

/// The first of several that is possible.
fn first_possible(candidates: impl IntoIterator<Item = Match>) -> Match {
    candidates.into_iter().find(|&candidate| candidate != Match::No).unwrap_or(Match::No)
}

/// MP4, QuickTime, HEIF: a `ftyp` box of sane size whose brands are known, or a box that old QuickTime begins with.
fn iso_media(prefix: &[u8]) -> Match {
    let Some(header) = prefix.first_chunk::<8>() else { return Match::Maybe };
    let [s0, s1, s2, s3, kind @ ..] = *header;
    let size = u32::from_be_bytes([s0, s1, s2, s3]);
    if kind != *b"ftyp" {
        let old = boxes::begins_old_quick_time(kind, size);
        return if old { Match::Is(Found::Media(ContentType::QuickTime)) } else { Match::No };
    }
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    if !(16..=MAX_PREFIX).contains(&size) || size % 4 != 0 {
        return Match::No;
    }
    match prefix.get(8..size) {
        None => Match::Maybe,
        Some(body) => boxes::by_brands(body).map_or(Match::No, Match::Is),
    }
}

/// WebM and Matroska: an EBML header whose document type is one of them.
fn ebml(prefix: &[u8]) -> Match {
    let found = match at(prefix, 0, &matroska::EBML, Found::Unknown) {
        Match::Is(found) => found,
        undecided => return undecided,
    };
    let header = match matroska::element(prefix) {
        Ok(Some(header)) => header,
        Ok(None) => return Match::Maybe,
        Err(_) => return Match::No,
    };
    let end =
        header.size.and_then(|size| usize::try_from(size).ok()).and_then(|s| s.checked_add(header.bytes));
    let Some(end) = end.filter(|&end| end <= MAX_PREFIX) else { return Match::Is(found) };
    match prefix.get(header.bytes..end).map(matroska::document_type) {
        None => Match::Maybe,
        Some(Some(b"webm")) => Match::Is(Found::Media(ContentType::WebM)),
        Some(Some(b"matroska")) => Match::Is(Found::Media(ContentType::Matroska)),
        Some(_) => Match::Is(found),
    }
}

/// JPEG: start of image, and then a marker that has a segment.
fn jpeg(prefix: &[u8]) -> Match {
    let Some([first, second, third, marker]) = prefix.first_chunk::<4>() else {
        return at(prefix, 0, b"\xff\xd8\xff\xe0", Found::Unknown);
    };
    let segment = matches!(marker, 0xc0..=0xcf | 0xda..=0xfe);
    if [*first, *second, *third] == [0xff, 0xd8, 0xff] && segment {
        Match::Is(Found::Media(ContentType::Jpeg))
    } else {
        Match::No
    }
}

/// WebP and its relatives: `RIFF`, four bytes of length, and what it is.
fn riff(prefix: &[u8]) -> Match {
    match at(prefix, 0, b"RIFF", Found::Unknown) {
        Match::Is(_) => first_possible([
            at(prefix, 8, b"WEBPVP8", Found::Media(ContentType::Webp)),
            at(prefix, 8, b"AVI ", Found::OtherVideo),
            at(prefix, 8, b"WAVE", Found::Audio),
        ]),
        undecided => undecided,
    }
}

/// An MPEG transport stream has a `G` at the start of each of its packets of 188 bytes.
fn mpeg_ts(prefix: &[u8]) -> Match {
    match at(prefix, 0, b"G", Found::OtherVideo) {
        Match::Is(found) => match at(prefix, 0, b"GIF8", found) {
            Match::No => at(prefix, 188, b"G", found),
            Match::Maybe => Match::Maybe,
            // Else a picture would have to wait for 188 bytes.
            Match::Is(_) => Match::No,
        },
        undecided => undecided,
    }
}

fn signatures(prefix: &[u8]) -> Match {
    first_possible(SIGNATURES.iter().map(|&(expected, found)| at(prefix, 0, expected, found)))
}

/// Text, after a byte order mark and white space, and in letters of any size.
fn text(prefix: &[u8]) -> Match {
    let unmarked = match at(prefix, 0, BYTE_ORDER_MARK, Found::Unknown) {
        Match::Maybe => return Match::Maybe,
        Match::Is(_) | Match::No => prefix.strip_prefix(BYTE_ORDER_MARK).unwrap_or(prefix),
    };
    let start = unmarked.trim_ascii_start();
    let blanks = unmarked.len() - start.len();
    if blanks > MAX_BLANKS {
        return Match::No;
    }
    let start: Vec<u8> = start.iter().take(32).map(u8::to_ascii_lowercase).collect();
    first_possible(TEXTS.iter().map(|&(expected, found)| at(&start, 0, expected, found)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Beginnings that matchers disagree about for a while.
    const BEGINNINGS: [&[u8]; 12] = [
        b"\0\0\0\x18ftypmp42\0\0\0\0isommp42",
        b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm",
        b"\xff\xd8\xff\xe0",
        b"RIFF\x40\x01\0\0WEBPVP8L",
        b"RIFF\x40\x01\0\0AVI LIST",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"GIF89a",
        b"GA\0\x10",
        b"\xef\xbb\xbf  <svg",
        b" \n#EXTM3U",
        b"\0\0\x01\xba",
        b"\0\0\0\x08wide\0\0\0\0mdat",
    ];

    fn beginning() -> impl Strategy<Value = Vec<u8>> {
        let tail = prop::collection::vec(any::<u8>(), 0..600);
        let change = (any::<prop::sample::Index>(), any::<u8>(), any::<bool>());
        (prop::sample::select(&BEGINNINGS[..]), tail, change).prop_map(
            |(known, tail, (at, value, changed))| {
                let mut bytes = known.to_vec();
                if changed {
                    let at = at.index(bytes.len());
                    bytes[at] = value;
                }
                bytes.extend(tail);
                bytes
            },
        )
    }

    proptest! {
        #[test]
        fn a_verdict_does_not_change_with_more_bytes(bytes in beginning()) {
            let verdicts: Vec<Option<Found>> = (0..=bytes.len()).map(|n| sniff(&bytes[..n])).collect();
            for pair in verdicts.windows(2) {
                prop_assert!(pair[0].is_none() || pair[0] == pair[1], "{:?} became {:?}", pair[0], pair[1]);
            }
        }

        #[test]
        fn a_full_prefix_always_has_a_verdict(mut bytes in beginning()) {
            bytes.resize(MAX_PREFIX, b' ');
            prop_assert!(sniff(&bytes).is_some());
        }
    }

    #[test]
    fn nothing_is_said_of_nothing() {
        assert_eq!(sniff(b""), None);
    }

    #[test]
    fn blanks_without_end_are_no_document() {
        assert_eq!(sniff(&[b' '; MAX_BLANKS]), None);
        assert_eq!(sniff(&[b' '; MAX_BLANKS + 1]), Some(Found::Unknown));
    }

    #[test]
    fn a_transport_stream_is_known_by_its_second_packet() {
        let mut packets = vec![0xff; 189];
        (packets[0], packets[188]) = (b'G', b'G');
        assert_eq!(sniff(&packets[..188]), None);
        assert_eq!(sniff(&packets), Some(Found::OtherVideo));
    }
}
