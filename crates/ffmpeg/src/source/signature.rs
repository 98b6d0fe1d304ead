//! First bytes. Pure.

use super::Container;
use crate::error::MediaError;

/// Boxes with which an MP4 or MOV file begins.
const FIRST_BOXES: [&[u8]; 7] = [b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"];

/// Brands of pictures, which are in the same boxes.
const PICTURES: [&[u8]; 7] = [b"avif", b"avis", b"heic", b"heix", b"hevc", b"mif1", b"msf1"];

const EBML: &[u8] = &[0x1a, 0x45, 0xdf, 0xa3];

/// Kinds of video that are known and not taken: where their mark is, the mark, and their name.
const OTHERS: [(usize, &[u8], &str); 6] = [
    (8, b"AVI ", "AVI"),
    (0, b"FLV\x01", "FLV"),
    (0, b"OggS", "Ogg"),
    (0, &[0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11], "WMV"),
    (0, &[0x00, 0x00, 0x01, 0xba], "MPEG"),
    (188, &[0x47], "MPEG-TS"),
];

/// What begins like this.
pub(super) fn container(head: &[u8]) -> Result<Container, MediaError> {
    if head.is_empty() {
        return Err(MediaError::Empty);
    }
    if head.starts_with(EBML) {
        return Ok(Container::Matroska);
    }
    if head.get(4..8).is_some_and(|kind| FIRST_BOXES.contains(&kind)) {
        let is_picture =
            begins_with(head, 4, b"ftyp") && PICTURES.iter().any(|brand| begins_with(head, 8, brand));
        return if is_picture { Err(MediaError::NotAVideo) } else { Ok(Container::Mp4) };
    }
    // One byte is a weak mark, so a transport stream has to begin with it, too.
    let other = OTHERS
        .iter()
        .find(|(at, mark, _)| begins_with(head, *at, mark) && (*at != 188 || head.starts_with(mark)));
    match other {
        Some((_, _, format)) => Err(MediaError::UnsupportedFormat { format }),
        None => Err(MediaError::NotAVideo),
    }
}

fn begins_with(head: &[u8], at: usize, mark: &[u8]) -> bool {
    head.get(at..).is_some_and(|rest| rest.starts_with(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(head: &[u8]) -> &'static str {
        container(head).map_or_else(|error| error.code(), Container::name)
    }

    #[test]
    fn what_is_taken_is_known_by_its_first_bytes() {
        assert_eq!(code(b"\0\0\0\x20ftypisom"), "mp4");
        assert_eq!(code(b"\0\0\0\x08wide\0\0\0\0mdat"), "mp4");
        assert_eq!(code(b"\x1a\x45\xdf\xa3\x01"), "matroska");
    }

    #[test]
    fn pictures_playlists_and_texts_are_no_videos() {
        for head in [
            &b"\xff\xd8\xff\xe0\0\x10JFIF"[..],
            b"\0\0\0\x1cftypavif",
            b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1/",
            b"ffconcat version 1.0\nfile /etc/passwd",
            b"<svg xmlns=\"http://www.w3.org/2000/svg\">",
            b"v=0\r\no=- 0 0 IN IP4 127.0.0.1",
            b"<?xml version=\"1.0\"?><MPD>",
            b"x",
        ] {
            assert_eq!(code(head), "not_a_video", "{}", String::from_utf8_lossy(head));
        }
    }

    #[test]
    fn other_kinds_of_video_are_named() {
        assert_eq!(code(b"RIFF\0\0\0\0AVI LIST"), "unsupported_format");
        assert_eq!(code(b"FLV\x01"), "unsupported_format");
        let mut stream = vec![0; 200];
        stream[188] = 0x47;
        assert_eq!(code(&stream), "not_a_video");
        stream[0] = 0x47;
        assert_eq!(code(&stream), "unsupported_format");
    }

    #[test]
    fn nothing_is_empty() {
        assert_eq!(code(b""), "empty_file");
    }
}
