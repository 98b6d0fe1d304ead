//! Why a body is not taken, for programs and for the person who sent it.

use serde::{Deserialize, Serialize};

use crate::accepted::Accepted;
use crate::content_type::ContentType;

/// Why a body is not taken. The uploader has to send another one: trying again with the same bytes gives the same answer,
/// except for [`Truncated`](Self::Truncated), where the rest of them may help.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// Not one byte came.
    #[error("content is empty")]
    Empty,
    /// It is something else than what is taken here.
    #[error("content looks like {}, accepted is {accepted}", found.description())]
    WrongType {
        /// What it looks like.
        found: Found,
        /// What would have been taken.
        accepted: Accepted,
    },
    /// It begins as a type that is taken, and then breaks that type's rules.
    #[error("content is damaged at byte {at}: {fault}")]
    Damaged {
        /// Which rule.
        fault: Fault,
        /// Offset in bytes of the header that breaks it.
        at: u64,
    },
    /// It ends before it is complete. Said by `finish` only.
    #[error("content ends after {bytes} bytes, at least {expected_at_least} were expected")]
    Truncated {
        /// How many bytes came.
        bytes: u64,
        /// A lower bound of how many bytes it would have.
        expected_at_least: u64,
    },
}

/// What a refused body looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// A type that is taken elsewhere.
    Media(ContentType),
    /// Sound without a picture.
    Audio,
    /// AVI, Flash video, MPEG transport or program stream: films of a kind that is never taken.
    OtherVideo,
    /// TIFF, BMP, Photoshop: pictures of a kind that is never taken.
    OtherImage,
    /// A playlist: text that names other files (U-C9).
    Playlist,
    /// HTML, SVG or XML.
    Markup,
    /// A PDF document.
    Pdf,
    /// A ZIP, gzip, 7z or RAR archive; office documents are ZIP archives too.
    Archive,
    /// None that is known.
    Unknown,
}

/// A rule of a format that a body breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The name of a box, chunk, marker or element is none that may stand there.
    #[error("no part of this name may stand here")]
    Name,
    /// A part says that it is smaller than its own header, or larger than it can be.
    #[error("a part cannot have this size")]
    Size,
    /// A part reaches beyond the end of the part that holds it.
    #[error("a part reaches beyond its container")]
    Overrun,
    /// More parts than any real film has.
    #[error("too many parts")]
    TooManyParts,
    /// A part that may be there once comes again: two files glued together look so.
    #[error("a part that may be there once comes again")]
    Repeated,
    /// Without this part it cannot be shown: the index of a film, the header of a picture.
    #[error("the part that describes the content is missing")]
    NoDescription,
    /// It has a description and nothing that is described.
    #[error("the content itself is missing")]
    NoContent,
    /// Bytes follow where the content has ended.
    #[error("bytes follow after the end")]
    TrailingData,
}

impl Refusal {
    /// A stable code, for answers and metrics.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty_content",
            Self::WrongType { .. } => "wrong_type",
            Self::Damaged { .. } => "damaged_content",
            Self::Truncated { .. } => "truncated_content",
        }
    }

    /// One sentence for the person who sent it.
    #[must_use]
    pub fn human(&self) -> String {
        match self {
            Self::Empty => "The file is empty.".to_owned(),
            Self::WrongType { found, accepted } => {
                format!("This looks like {}; what can be uploaded here is {accepted}.", found.description())
            }
            Self::Damaged { fault, .. } => format!("The file is damaged: {fault}."),
            Self::Truncated { bytes, expected_at_least } => {
                let missing = expected_at_least.saturating_sub(*bytes).max(1);
                let unit = if missing == 1 { "byte" } else { "bytes" };
                format!("The file is incomplete: at least {missing} {unit} of it did not arrive.")
            }
        }
    }
}

impl Found {
    /// With an article, for a sentence: `a GIF image`.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Media(ContentType::Mp4) => "an MP4 video",
            Self::Media(ContentType::QuickTime) => "a QuickTime video",
            Self::Media(ContentType::WebM) => "a WebM video",
            Self::Media(ContentType::Matroska) => "a Matroska video",
            Self::Media(ContentType::Jpeg) => "a JPEG image",
            Self::Media(ContentType::Png) => "a PNG image",
            Self::Media(ContentType::Webp) => "a WebP image",
            Self::Media(ContentType::Gif) => "a GIF image",
            Self::Media(ContentType::Heic) => "a HEIC image",
            Self::Media(ContentType::Avif) => "an AVIF image",
            Self::Audio => "a sound recording",
            Self::OtherVideo => "a video of another kind",
            Self::OtherImage => "an image of another kind",
            Self::Playlist => "a playlist",
            Self::Markup => "a web page or another text document",
            Self::Pdf => "a PDF document",
            Self::Archive => "an archive or an office document",
            Self::Unknown => "an unknown kind of file",
        }
    }
}
