//! What is not taken is refused by its first bytes (U-D2, U-C9).

use content_inspect::{Accepted, ContentType, Found, Inspector, MAX_PREFIX, Refusal};
use proptest::prelude::*;

use crate::media::{ALL, a_box, named, real, tiny};

const FILMS: Accepted = Accepted::of(&[ContentType::Mp4, ContentType::QuickTime, ContentType::WebM]);

/// What a refused body looks like, and how many bytes it took to see that.
fn refused(accepted: Accepted, bytes: &[u8]) -> Option<(Found, usize)> {
    let mut inspector = Inspector::new(accepted);
    for (index, byte) in bytes.iter().enumerate() {
        match inspector.update(&[*byte]) {
            Ok(()) => {}
            Err(Refusal::WrongType { found, .. }) => return Some((found, index + 1)),
            Err(other) => panic!("{other}"),
        }
    }
    None
}

#[test]
fn bodies_of_other_kinds_are_named_within_200_bytes() {
    let bodies: [(&[u8], Found); 19] = [
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:10\nfile:///etc/passwd\n", Found::Playlist),
        (b"\xef\xbb\xbf\r\n#extm3u", Found::Playlist),
        (b"ffconcat version 1.0\nfile '/etc/passwd'\n", Found::Playlist),
        (b"file '/etc/passwd'\nfile 'b'\n", Found::Playlist),
        (b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>", Found::Markup),
        (b"  <!DOCTYPE html><script>alert(1)</script>", Found::Markup),
        (b"<?xml version=\"1.0\"?><MPD></MPD>", Found::Markup),
        (b"PK\x03\x04\x14\0\0\0\x08\0[Content_Types].xml", Found::Archive),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\x03data", Found::Archive),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", Found::Pdf),
        (b"GIF89a\x40\0\x24\0\xf7\0\0", Found::Media(ContentType::Gif)),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\xc3", Found::Media(ContentType::Png)),
        (b"RIFF\x40\x01\0\0AVI LIST", Found::OtherVideo),
        (b"RIFF\x40\x01\0\0WAVEfmt ", Found::Audio),
        (b"ID3\x04\0\0\0\0\0\0TALB", Found::Audio),
        (b"II*\0\x08\0\0\0", Found::OtherImage),
        (b"\x7fELF\x02\x01\x01\0\0\0\0\0", Found::Unknown),
        (b"just a text that somebody wrote", Found::Unknown),
        (&[0; 32], Found::Unknown),
    ];
    for (body, expected) in bodies {
        let padded = [body, &[b'.'; 300]].concat();
        let (found, after) = refused(FILMS, &padded).expect("a refusal");
        assert_eq!(found, expected, "{}", body.escape_ascii());
        assert!(after <= 200, "{after} bytes of {}", body.escape_ascii());
    }
}

#[test]
fn a_type_that_is_taken_elsewhere_is_named() {
    for media in real().into_iter().chain(tiny()) {
        let others: Vec<ContentType> =
            ContentType::ALL.into_iter().filter(|&other| other != media.content_type).collect();
        let (found, after) = refused(Accepted::of(&others), &media.bytes).expect(media.name);
        assert_eq!(found, Found::Media(media.content_type), "{}", media.name);
        assert!(after <= 64, "{after} bytes of {}", media.name);
    }
}

#[test]
fn brands_decide_which_of_the_relatives_it_is() {
    let brands: [(&[u8], Found); 10] = [
        (b"isom\0\0\x02\0isomavc1", Found::Media(ContentType::Mp4)),
        (b"qt  \0\0\0\0qt  ", Found::Media(ContentType::QuickTime)),
        (b"3gp4\0\0\0\0isom3gp4", Found::Media(ContentType::Mp4)),
        (b"M4V \0\0\0\x01M4V mp42", Found::Media(ContentType::Mp4)),
        (b"heic\0\0\0\0mif1heic", Found::Media(ContentType::Heic)),
        (b"mif1\0\0\0\0mif1heic", Found::Media(ContentType::Heic)),
        (b"mif1\0\0\0\0mif1avif", Found::Media(ContentType::Avif)),
        (b"M4A \0\0\0\0M4A mp42", Found::Audio),
        // Cameras have brands of their own and say with what they are compatible.
        (b"caqv\0\0\0\0caqvmp42", Found::Media(ContentType::Mp4)),
        (b"????\0\0\0\0!!!!", Found::Unknown),
    ];
    for (body, expected) in brands {
        let (found, _) = refused(Accepted::of(&[]), &a_box(b"ftyp", body)).expect("a refusal");
        assert_eq!(found, expected, "{}", body.escape_ascii());
    }
}

#[test]
fn a_type_box_of_no_sane_size_is_no_film() {
    for size in [0_u32, 1, 7, 8, 15, 17, 5_000, u32::MAX] {
        let mut bytes = size.to_be_bytes().to_vec();
        bytes.extend(b"ftypisom\0\0\x02\0isomavc1");
        assert_eq!(refused(FILMS, &bytes), Some((Found::Unknown, 8)), "size {size}");
    }
}

#[test]
fn quicktime_from_before_there_were_brands_is_known_by_its_first_box() {
    for first in [&b"\0\0\0\x08wide"[..], b"\0\0\x10\0moov", b"\0\0\0\x01mdat", b"\0\0\0\x08free"] {
        let mut inspector = Inspector::new(FILMS);
        inspector.update(first).unwrap();
        assert_eq!(inspector.content_type(), Some(ContentType::QuickTime), "{}", first.escape_ascii());
    }
}

#[test]
fn a_refusal_says_to_the_uploader_what_it_is_and_what_is_taken() {
    let mut inspector = Inspector::new(FILMS);
    let refusal = inspector.update(&named("tiny.gif").bytes).unwrap_err();
    assert_eq!(refusal.code(), "wrong_type");
    assert_eq!(
        refusal.human(),
        "This looks like a GIF image; what can be uploaded here is MP4, QuickTime or WebM."
    );
    assert_eq!(refusal.to_string(), "content looks like a GIF image, accepted is MP4, QuickTime or WebM");
}

proptest! {
    #[test]
    fn after_the_longest_prefix_it_is_known_or_refused(
        start in prop::sample::select(real().into_iter().chain(tiny()).map(|media| media.bytes[..24].to_vec()).collect::<Vec<_>>()),
        kept in 0..24_usize,
        rest in prop::collection::vec(any::<u8>(), MAX_PREFIX),
    ) {
        let bytes = [&start[..kept], &rest].concat();
        let mut inspector = Inspector::new(ALL);
        let refused = bytes.chunks(512).take(MAX_PREFIX / 512).any(|piece| inspector.update(piece).is_err());
        prop_assert!(refused || inspector.content_type().is_some());
    }
}
