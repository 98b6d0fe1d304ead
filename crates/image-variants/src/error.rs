//! What can be wrong with a picture, in words for the person who sent it.

use std::io;

use crate::format::InputFormat;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why there is no picture. [`code`](Self::code) is for programs, [`human`](Self::human) for the uploader; `Display` and
/// the source are for the log.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The bytes begin like no picture that is known here.
    #[error("the bytes are no picture")]
    NotAnImage,
    /// A picture, but of a kind that is not read here: another format, or a rare kind of a known one.
    #[error("{0} is not read here")]
    UnsupportedFormat(&'static str),
    /// The bytes begin like a picture of this format, and then break its rules or end too early.
    #[error("the {format} is damaged: {what}")]
    Damaged {
        /// What the bytes claim to be.
        format: InputFormat,
        /// Where it breaks.
        what: &'static str,
        /// What the decoder said, if it was the decoder who found it.
        #[source]
        source: Option<Cause>,
    },
    /// More pixels than are decoded here, in all or along one side. Found in the header, before anything is allocated.
    #[error("{width} x {height} pixels are too many")]
    TooManyPixels {
        /// Pixels from left to right.
        width: u32,
        /// Pixels from top to bottom.
        height: u32,
    },
    /// The encoded picture is longer than is read here.
    #[error("{bytes} bytes are too many")]
    TooManyBytes {
        /// The length of the source.
        bytes: u64,
    },
    /// The source could not be read. The picture may be fine: try again.
    #[error("the source of the picture could not be read")]
    Read(#[source] io::Error),
    /// The process is about to stop and decodes nothing more: try again elsewhere.
    #[error("no more pictures are decoded")]
    Closed,
    /// A decoded picture could not be resized or encoded. A fault of this program or of its caller, not of the picture.
    #[error("the picture could not be {0}")]
    Output(&'static str, #[source] Option<Cause>),
}

impl ImageError {
    /// A name that never changes, for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAnImage => "not_an_image",
            Self::UnsupportedFormat(_) => "unsupported_format",
            Self::Damaged { .. } => "damaged",
            Self::TooManyPixels { .. } => "too_many_pixels",
            Self::TooManyBytes { .. } => "too_many_bytes",
            Self::Read(_) => "not_readable",
            Self::Closed => "closed",
            Self::Output(..) => "not_processed",
        }
    }

    /// One sentence for the person who sent the picture.
    #[must_use]
    pub fn human(&self) -> &'static str {
        match self {
            Self::NotAnImage => "This file is not a picture.",
            Self::UnsupportedFormat(_) => "Pictures of this kind cannot be used; send a JPEG, PNG or WebP.",
            Self::Damaged { .. } => "This picture is damaged or incomplete; please send it again.",
            Self::TooManyPixels { .. } => "This picture has too many pixels; please send a smaller one.",
            Self::TooManyBytes { .. } => "This file is too large; please send a smaller one.",
            Self::Read(_) | Self::Closed => "The picture could not be processed just now.",
            Self::Output(..) => "The picture could not be processed.",
        }
    }

    /// Whether the same bytes will fail again, whenever they are tried. What is not final is worth another try.
    #[must_use]
    pub fn is_final(&self) -> bool {
        !matches!(self, Self::Read(_) | Self::Closed)
    }

    pub(crate) fn damaged(format: InputFormat, what: &'static str) -> Self {
        Self::Damaged { format, what, source: None }
    }

    /// An end that comes too early is the picture's fault, everything else the source's.
    pub(crate) fn read(format: InputFormat, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::damaged(format, "it ends too early"),
            _ => Self::Read(error),
        }
    }

    pub(crate) fn decoder(format: InputFormat, error: image::ImageError) -> Self {
        match error {
            image::ImageError::IoError(error) => Self::read(format, error),
            image::ImageError::Unsupported(_) => Self::UnsupportedFormat(format.rare_kind()),
            other => Self::Damaged { format, what: "it cannot be decoded", source: Some(Box::new(other)) },
        }
    }

    pub(crate) fn output(what: &'static str, error: impl Into<Cause>) -> Self {
        Self::Output(what, Some(error.into()))
    }
}
