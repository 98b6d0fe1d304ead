//! A body that begins right and goes on wrong is refused at the first header that shows it.

use content_inspect::{ContentType, Fault, Inspector, Refusal};

use crate::media::{ALL, a_box, ftyp, inspect, named, tiny};

/// A small film with `extra` between its type and its index.
fn film_with(extra: &[u8]) -> Vec<u8> {
    [&ftyp()[..], extra, &a_box(b"moov", b"index"), &a_box(b"mdat", b"pictures and sound")].concat()
}

fn fault(bytes: &[u8]) -> (Fault, u64) {
    match inspect(bytes) {
        Err(Refusal::Damaged { fault, at }) => (fault, at),
        other => panic!("{other:?}"),
    }
}

#[test]
fn boxes_of_the_standard_and_of_cameras_are_stepped_over() {
    let long = [&b"\0\0\0\x01uuid\0\0\0\0\0\0\0\x18"[..], b"abcdefgh"].concat();
    for extra in [vec![], a_box(b"free", b""), a_box(b"inst", &[0xff; 5000]), a_box(b"a-1 ", b""), long] {
        let inspected = inspect(&film_with(&extra)).unwrap();
        assert_eq!(inspected.content_type, ContentType::Mp4);
    }
}

#[test]
fn nonsense_after_the_first_box_is_found_in_the_next_header() {
    let at = ftyp().len() as u64;
    let nonsense: [(&[u8], Fault); 6] = [
        (b"#EXTM3U\nfile:///etc/passwd", Fault::Name),
        (b"<html><body>", Fault::Size),
        (b"\0\0\0\0\0\0\0\0", Fault::Name),
        (b"\0\0\0\x07free", Fault::Size),
        (b"\0\0\0\0free", Fault::Size),
        (b"\0\0\0\x01free\0\0\0\0\0\0\0\x0f", Fault::Size),
    ];
    for (extra, expected) in nonsense {
        assert_eq!(fault(&film_with(extra)), (expected, at), "{}", extra.escape_ascii());
    }
}

#[test]
fn sizes_at_the_limits_of_numbers_overflow_nothing() {
    let mut film = ftyp();
    film.extend(a_box(b"moov", b"index"));
    film.extend(b"\0\0\0\x01mdat\xff\xff\xff\xff\xff\xff\xff\xff");
    film.extend([7; 100]);
    let expected_at_least = u64::MAX;
    assert_eq!(inspect(&film), Err(Refusal::Truncated { bytes: film.len() as u64, expected_at_least }));
}

#[test]
fn the_content_may_go_to_the_end_of_the_body() {
    let film = [&ftyp()[..], &a_box(b"moov", b"index"), b"\0\0\0\0mdatwhatever follows"].concat();
    assert!(inspect(&film).is_ok());
}

#[test]
fn a_film_needs_its_index_and_its_content() {
    let no_index = [ftyp(), a_box(b"mdat", b"pictures")].concat();
    assert_eq!(fault(&no_index), (Fault::NoDescription, no_index.len() as u64));
    let no_content = [ftyp(), a_box(b"moov", b"index")].concat();
    assert_eq!(fault(&no_content), (Fault::NoContent, no_content.len() as u64));
}

#[test]
fn two_films_glued_together_are_refused() {
    let film = film_with(b"");
    assert_eq!(fault(&[&film[..], &film].concat()), (Fault::Repeated, film.len() as u64));
}

#[test]
fn a_film_of_countless_boxes_is_refused_and_nothing_grows() {
    let mut inspector = Inspector::new(ALL);
    inspector.update(&ftyp()).unwrap();
    let boxes = a_box(b"free", b"").repeat(1000);
    let refusal = loop {
        match inspector.update(&boxes) {
            Ok(()) => assert!(serde_json::to_string(&inspector.checkpoint()).unwrap().len() < 1_000),
            Err(refusal) => break refusal,
        }
    };
    assert_eq!(refusal, Refusal::Damaged { fault: Fault::TooManyParts, at: 24 + 65_535 * 8 });
    assert_eq!(refusal.code(), "damaged_content");
    assert_eq!(refusal.human(), "The file is damaged: too many parts.");
}

#[test]
fn bytes_after_the_end_are_refused() {
    for media in tiny() {
        let longer = [&media.bytes[..], b"\0\xff\0\xff\0\xff\0\xffgarbage"].concat();
        let (found, at) = fault(&longer);
        assert!(matches!(found, Fault::TrailingData | Fault::Name), "{}: {found:?}", media.name);
        assert_eq!(at, media.bytes.len() as u64, "{}", media.name);
    }
    let mut picture = named("chelsea.png").bytes;
    let end = picture.len() as u64;
    picture.push(0);
    assert_eq!(fault(&picture), (Fault::TrailingData, end));
}

#[test]
fn a_photograph_may_carry_up_to_16_mib_after_its_end() {
    let mut inspector = Inspector::new(ALL);
    let photograph = named("friends-9x16-derived.jpg").bytes;
    inspector.update(&photograph).unwrap();
    for _ in 0..16 {
        inspector.update(&[0xff; 1 << 20]).unwrap();
    }
    assert!(inspector.clone().finish().is_ok());
    let at = photograph.len() as u64 + (16 << 20);
    assert_eq!(inspector.update(&[0]), Err(Refusal::Damaged { fault: Fault::TrailingData, at }));
    let in_one_piece = [photograph, vec![0xff; (16 << 20) + 1000]].concat();
    assert_eq!(fault(&in_one_piece), (Fault::TrailingData, at));
}

#[test]
fn an_end_inside_of_a_thumbnail_is_not_the_end_of_the_photograph() {
    // Start, an application segment that holds a whole small JPEG, and nothing else.
    let thumbnail = b"\xff\xd8\xff\xe1\0\x08\xff\xd8\xff\xd9xx";
    let truncated = Refusal::Truncated { bytes: 12, expected_at_least: 13 };
    assert_eq!(inspect(thumbnail), Err(truncated));
}

#[test]
fn a_jpeg_keeps_to_the_order_of_its_markers() {
    let frame = b"\xff\xc0\0\x02";
    let scan = b"\xff\xda\0\x02data\xff\0more\xff\xd0rest";
    let start = b"\xff\xd8\xff\xe0\0\x02";
    assert!(inspect(&[&start[..], frame, scan, b"\xff\xff\xff\xd9"].concat()).is_ok());
    assert_eq!(fault(&[&start[..], scan].concat()).0, Fault::NoDescription);
    assert_eq!(fault(&[&start[..], frame, b"\xff\xd9"].concat()).0, Fault::NoContent);
    assert_eq!(fault(&[&start[..], b"text"].concat()), (Fault::Name, 6));
    assert_eq!(fault(&[&start[..], b"\xff\xe1\0\x01"].concat()).0, Fault::Size);
    assert_eq!(fault(&[&start[..], frame, scan, b"\xff\xd8"].concat()).0, Fault::Name);
}

#[test]
fn a_png_keeps_to_the_order_of_its_chunks() {
    let start = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR0123456789012CRC_";
    let data = b"\0\0\0\x04IDATdataCRC_";
    let end = b"\0\0\0\0IEND\xae\x42\x60\x82";
    assert!(inspect(&[&start[..], data, end].concat()).is_ok());
    assert_eq!(fault(&[&start[..], end].concat()).0, Fault::NoContent);
    assert_eq!(fault(&[&start[..], &start[8..]].concat()).0, Fault::Repeated);
    assert_eq!(fault(&[&start[..], b"\0\0\0\x04ID?Tdata"].concat()).0, Fault::Name);
    assert_eq!(fault(&[&start[..], b"\xff\0\0\x04IDATdata"].concat()).0, Fault::Size);
    assert_eq!(fault(&[&start[..], data, b"\0\0\0\0IENDcrc?"].concat()).0, Fault::Size);
}

#[test]
fn the_length_of_a_webp_agrees_with_its_chunks() {
    let webp = |size: u8, chunks: &[u8]| [b"RIFF", &[size, 0, 0, 0][..], b"WEBP", chunks].concat();
    assert!(inspect(&webp(16, b"VP8 \x03\0\0\0abc\0")).is_ok());
    assert_eq!(fault(&webp(17, b"VP8 \x04\0\0\0abcd")).0, Fault::Size);
    assert_eq!(fault(&webp(16, b"VP8 \x05\0\0\0abcdef")).0, Fault::Overrun);
    assert_eq!(fault(&webp(16, b"VP8?\x04\0\0\0abcd")).0, Fault::NoDescription);
    assert_eq!(fault(&webp(16, b"VP8X\x04\0\0\0abcd")).0, Fault::NoContent);
    assert_eq!(fault(&webp(16, b"VP8 \x04\0\0\0abcd!")), (Fault::TrailingData, 24));
}

#[test]
fn elements_of_a_webm_stay_within_its_segment() {
    let webm = |segment: &[u8]| [b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm", segment].concat();
    let tracks = b"\x16\x54\xae\x6b\x81x";
    let cluster = b"\x1f\x43\xb6\x75\x82xy";
    let known = [b"\x18\x53\x80\x67\x8d", &tracks[..], cluster].concat();
    let unknown =
        [b"\x18\x53\x80\x67\xff", &tracks[..], b"\x1f\x43\xb6\x75\xff\xe7\x81\0\xa3\x82xy"].concat();
    assert_eq!(inspect(&webm(&known)).map(|inspected| inspected.content_type), Ok(ContentType::WebM));
    assert!(inspect(&webm(&unknown)).is_ok());
    assert_eq!(fault(&webm(b"\x18\x53\x80\x67\x86\x16\x54\xae\x6b\x82xy")).0, Fault::Overrun);
    assert_eq!(fault(&webm(b"\x18\x53\x80\x67\xff\xa3\x82xy")).0, Fault::Name);
    assert_eq!(fault(&webm(b"\x18\x53\x80\x67\xff\x16\x54\xae\x6b\xff")).0, Fault::Size);
    assert_eq!(fault(&webm(b"text")).0, Fault::Name);
    assert_eq!(fault(&webm(&[&b"\x18\x53\x80\x67\xff"[..], tracks].concat())).0, Fault::NoContent);
    assert_eq!(fault(&webm(&[&b"\x18\x53\x80\x67\xff"[..], cluster].concat())).0, Fault::NoDescription);
}

#[test]
fn blocks_stand_in_clusters_only() {
    let start = b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm\x18\x53\x80\x67\xff\x16\x54\xae\x6b\x81x";
    let (open, closed) = (b"\x1f\x43\xb6\x75\xff", b"\x1f\x43\xb6\x75\x82xy");
    let (block, cues) = (b"\xa3\x82xy", b"\x1c\x53\xbb\x6b\x80");
    assert!(inspect(&[&start[..], open, block, block, open, block, cues].concat()).is_ok());
    assert!(inspect(&[&start[..], open, block, closed].concat()).is_ok());
    // A cluster that does not say how long it is ends where something begins that cannot be in it.
    for ended in [&cues[..], closed] {
        assert_eq!(fault(&[&start[..], open, block, ended, block].concat()).0, Fault::Name);
    }
}
