//! The rules of each format: which header may follow which, how far the next one is away, and where a body may end.

pub(crate) mod boxes;
mod gif;
mod jpeg;
pub(crate) mod matroska;
mod png;
mod webp;

use serde::{Deserialize, Serialize};

use self::boxes::Boxes;
use self::gif::Gif;
use self::jpeg::Jpeg;
use self::matroska::Matroska;
use self::png::Png;
use self::webp::Webp;
use crate::content_type::ContentType;
use crate::refusal::Fault;

/// Where the walk through a body stands, in terms of its format. None of them holds more than numbers and flags.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Format {
    /// MP4, QuickTime, HEIF.
    Boxes(Boxes),
    /// WebM and Matroska.
    Matroska(Matroska),
    Jpeg(Jpeg),
    Png(Png),
    Webp(Webp),
    Gif(Gif),
}

/// What follows from a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It is longer: so many bytes of it are needed, more than there were.
    Need(usize),
    /// The next header begins so many bytes after this one.
    Over(u64),
    /// The next header begins with the next byte of this value.
    Until(u8),
    /// No header follows, and at most so many bytes.
    Rest {
        /// How many.
        at_most: u64,
    },
}

/// Why a body may not end between two headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// More has to come.
    Early {
        /// How many bytes the whole has, at least.
        expected_at_least: u64,
    },
    /// It is complete, and lacks a part without which it is of no use.
    Without(Fault),
}

impl Format {
    pub(crate) fn of(content_type: ContentType) -> Self {
        match content_type {
            ContentType::Mp4 | ContentType::QuickTime => Self::Boxes(Boxes::film()),
            ContentType::Heic | ContentType::Avif => Self::Boxes(Boxes::picture()),
            ContentType::WebM | ContentType::Matroska => Self::Matroska(Matroska::default()),
            ContentType::Jpeg => Self::Jpeg(Jpeg::default()),
            ContentType::Png => Self::Png(Png::default()),
            ContentType::Webp => Self::Webp(Webp::default()),
            ContentType::Gif => Self::Gif(Gif::default()),
        }
    }

    /// What follows from `header`, which begins at `start` and is as long as was asked for.
    pub(crate) fn step(&mut self, header: &[u8], start: u64) -> Result<Step, Fault> {
        match self {
            Self::Boxes(boxes) => boxes.step(header, start),
            Self::Matroska(matroska) => matroska.step(header, start),
            Self::Jpeg(jpeg) => jpeg.step(header),
            Self::Png(png) => png.step(header, start),
            Self::Webp(webp) => webp.step(header, start),
            Self::Gif(gif) => gif.step(header),
        }
    }

    /// Whether the body may end at `at`, before another header.
    pub(crate) fn end(&self, at: u64) -> Result<(), Ending> {
        match self {
            Self::Boxes(boxes) => boxes.end(),
            Self::Matroska(matroska) => matroska.end(at),
            Self::Jpeg(jpeg) => jpeg.end(at),
            Self::Png(png) => png.end(at),
            Self::Webp(webp) => webp.end(at),
            Self::Gif(gif) => gif.end(at),
        }
    }
}
