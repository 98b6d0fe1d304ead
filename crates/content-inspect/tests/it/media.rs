//! Bodies to look at: photographs and films of the demo data, and tiny ones of the other formats.

use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use content_inspect::{Accepted, ContentType, Inspected, Inspector, Refusal};

/// Everything is taken.
pub(crate) const ALL: Accepted = Accepted::of(&ContentType::ALL);

/// One body.
#[derive(Clone, Debug)]
pub(crate) struct Media {
    pub(crate) name: &'static str,
    pub(crate) content_type: ContentType,
    pub(crate) bytes: Vec<u8>,
}

/// Of the demo data; up to 1.5 MB.
const REAL: [(&str, ContentType); 6] = [
    ("bigbuckbunny.mp4", ContentType::Mp4),
    ("bigbuckbunny-9x16-derived.mp4", ContentType::Mp4),
    ("chelsea.png", ContentType::Png),
    ("friends-9x16-derived.jpg", ContentType::Jpeg),
    ("picosdeeuropa-9x16-derived.jpg", ContentType::Jpeg),
    ("seeding_by_Clements_Engelhardt.jpg", ContentType::Jpeg),
];

/// Test cards that ffmpeg and libwebp encoded; up to 4 KB. The clusters of `live.mkv` do not say how long they are.
const TINY: [(&str, ContentType); 10] = [
    ("extended.webp", ContentType::Webp),
    ("fragments.mp4", ContentType::Mp4),
    ("live.mkv", ContentType::Matroska),
    ("tiny.3gp", ContentType::Mp4),
    ("tiny.avif", ContentType::Avif),
    ("tiny.gif", ContentType::Gif),
    ("tiny.mkv", ContentType::Matroska),
    ("tiny.mov", ContentType::QuickTime),
    ("tiny.webm", ContentType::WebM),
    ("tiny.webp", ContentType::Webp),
];

pub(crate) fn real() -> Vec<Media> {
    load("../../data/media", &REAL)
}

pub(crate) fn tiny() -> Vec<Media> {
    load("tests/files", &TINY)
}

pub(crate) fn named(name: &str) -> Media {
    real().into_iter().chain(tiny()).find(|media| media.name == name).expect("a file of this name")
}

fn load(folder: &str, files: &[(&'static str, ContentType)]) -> Vec<Media> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let load = |&(name, content_type): &(&'static str, ContentType)| {
        let bytes = std::fs::read(folder.join(name)).expect(name);
        Media { name, content_type, bytes }
    };
    files.iter().map(load).collect()
}

impl Media {
    /// What an inspection has to find, by another implementation of the hash.
    pub(crate) fn expected(&self) -> Inspected {
        let sha256 = digest(&SHA256, &self.bytes).as_ref().try_into().expect("32 bytes");
        Inspected { content_type: self.content_type, sha256, bytes: self.bytes.len() as u64 }
    }
}

/// Inspects `bytes` in one piece.
pub(crate) fn inspect(bytes: &[u8]) -> Result<Inspected, Refusal> {
    let mut inspector = Inspector::new(ALL);
    inspector.update(bytes)?;
    inspector.finish()
}

/// A box of ISO media around `content`.
pub(crate) fn a_box(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let size = u32::try_from(content.len() + 8).expect("a small box");
    [&size.to_be_bytes(), &kind[..], content].concat()
}

/// The box that an MP4 begins with.
pub(crate) fn ftyp() -> Vec<u8> {
    a_box(b"ftyp", b"mp42\0\0\0\0isommp42")
}
