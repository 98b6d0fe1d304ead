//! Why a request is refused, and how that is told in the dialect of its client.

use problem::{Problem, ProblemType, registry};

use crate::answer::{ACCEPT_PATCH, ACCEPT_PATCH_VALUE};
use crate::command::Target;
use crate::dialect::{Dialect, TUS_VERSION};
use crate::fields::{TUS_RESUMABLE, UPLOAD_OFFSET};
use crate::{Limits, problems};

/// Why an upload is there no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// Its time ran out.
    Expired,
    /// A client gave it up.
    Cancelled,
    /// It got more bytes than its length, or the server lost a part of its state.
    Invalid,
}

/// A request that is refused. Each says what its client can do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Speak [`TUS_VERSION`].
    #[error("the version of tus is not supported")]
    Version,
    /// Use one of the methods there are.
    #[error("the method is not allowed on {0:?}")]
    Method(Target),
    /// Say how the upload is to be made.
    #[error("the request begins no resumable upload")]
    NotResumable,
    /// Repair this field.
    #[error("{name} is {code}")]
    Field {
        /// The field, in lower case.
        name: &'static str,
        /// The rule it breaks, in snake case.
        code: &'static str,
        /// For people.
        message: &'static str,
    },
    /// Send content under a media type that can be appended.
    #[error("the media type cannot be appended")]
    MediaType,
    /// Continue at another offset.
    #[error("the upload stands at {expected}, not at {provided}")]
    Offset {
        /// The offset of the upload, in bytes.
        expected: u64,
        /// That of the request.
        provided: u64,
    },
    /// Keep to the length.
    #[error("lengths contradict each other")]
    Length,
    /// Nothing: all is there.
    #[error("the upload is complete")]
    Completed,
    /// Send less, within these limits.
    #[error("the upload or this part of it is too large")]
    TooLarge(Limits),
    /// Send more at once, within these limits.
    #[error("this part of the upload is too small")]
    TooSmall(Limits),
    /// Begin anew.
    #[error("the upload is gone: {0:?}")]
    Gone(Gone),
    /// Nothing: it takes no content.
    #[error("a final upload cannot be appended to")]
    FinalUpload,
    /// Name partial uploads only.
    #[error("the upload was not begun as a part")]
    NotPartial,
    /// Finish the parts first.
    #[error("a part is not complete")]
    Unfinished,
    /// Send the content again.
    #[error("the checksum of the content does not match")]
    Checksum,
    /// Begin anew.
    #[error("the digest of the upload does not match")]
    Representation,
}

impl Refusal {
    pub(crate) const fn field(name: &'static str, code: &'static str, message: &'static str) -> Self {
        Self::Field { name, code, message }
    }

    /// Its entry in the registry.
    #[must_use]
    pub fn kind(&self) -> &'static ProblemType {
        match self {
            Self::Version => &problems::TUS_VERSION_UNSUPPORTED,
            Self::Method(_) => &registry::METHOD_NOT_ALLOWED,
            Self::NotResumable => &problems::NOT_RESUMABLE,
            Self::Field { .. } => &registry::INVALID_PARAMETER,
            Self::MediaType => &registry::UNSUPPORTED_MEDIA_TYPE,
            Self::Offset { .. } => &problems::MISMATCHING_UPLOAD_OFFSET,
            Self::Length => &problems::INCONSISTENT_UPLOAD_LENGTH,
            Self::Completed => &problems::COMPLETED_UPLOAD,
            Self::TooLarge(_) => &problems::UPLOAD_TOO_LARGE,
            Self::TooSmall(_) => &problems::UPLOAD_PART_TOO_SMALL,
            Self::Gone(_) => &problems::UPLOAD_GONE,
            Self::FinalUpload => &problems::FINAL_UPLOAD,
            Self::NotPartial => &problems::NOT_A_PARTIAL_UPLOAD,
            Self::Unfinished => &problems::UPLOAD_PART_UNFINISHED,
            Self::Checksum => &problems::CHECKSUM_MISMATCH,
            Self::Representation => &problems::REPRESENTATION_MISMATCH,
        }
    }

    /// The answer to a request in `dialect`, with every field that the dialect demands.
    #[must_use]
    pub fn problem(&self, dialect: Option<Dialect>) -> Problem {
        let problem = Problem::new(self.kind());
        let problem = match self {
            // Who gets the version wrong still speaks tus.
            Self::Version => {
                return mark(problem.header("tus-version", TUS_VERSION), Some(Dialect::Tus));
            }
            Self::Method(target) => problem.header("allow", target.allow()),
            Self::Field { name, code, message } => problem.field(canonical(name), code, *message),
            Self::MediaType => problem.header(ACCEPT_PATCH, ACCEPT_PATCH_VALUE),
            Self::Offset { expected, provided } => problem
                .header(UPLOAD_OFFSET, expected.to_string())
                .member("expected-offset", *expected)
                .member("provided-offset", *provided),
            Self::TooLarge(limits) | Self::TooSmall(limits) => {
                problem.header("upload-limit", limits.field(None))
            }
            Self::Gone(Gone::Expired) => problem.detail("the upload has expired"),
            Self::Gone(Gone::Cancelled) => problem.detail("the upload was cancelled"),
            Self::Gone(Gone::Invalid) => problem.detail("the upload became invalid"),
            _ => problem,
        };
        mark(problem, dialect)
    }
}

/// Adds to any problem what every answer in `dialect` must have: `Tus-Resumable` in tus.
#[must_use]
pub fn mark(problem: Problem, dialect: Option<Dialect>) -> Problem {
    if dialect == Some(Dialect::Tus) { problem.header(TUS_RESUMABLE, TUS_VERSION) } else { problem }
}

/// A field's name as it is usually written: `Upload-Offset`.
fn canonical(name: &str) -> String {
    let mut begins = true;
    let capitalised = |character: char| {
        let written = if begins { character.to_ascii_uppercase() } else { character };
        begins = character == '-';
        written
    };
    name.chars().map(capitalised).collect()
}
