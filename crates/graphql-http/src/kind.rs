//! What became of a request, and the status and media type that it is answered with.

use crate::{Edition, Format};

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Neither GET, HEAD nor POST.
    MethodNotAllowed,
    /// A mutation, by a method that changes nothing.
    MutationOverGet,
    /// The query of the address is too long.
    UriTooLong,
    /// The body is too long.
    BodyTooLarge,
    /// The body is not of a media type or charset that is read.
    UnsupportedMediaType,
    /// The body is no JSON.
    MalformedJson,
    /// It can be read, and is no GraphQL-over-HTTP request: a parameter is missing or of the wrong type.
    NotWellFormed,
    /// The document does not follow the grammar.
    Unparsable,
    /// The document does not pass validation, or exceeds a bound.
    Invalid,
    /// The document does not hold the operation that is to be executed.
    OperationUndetermined,
    /// A variable is missing or does not fit its type.
    VariablesInvalid,
    /// Executed without errors.
    Done,
    /// Executed with errors, and there are data.
    Partial,
    /// Executed with errors, and an error took all data away.
    NoData,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::MethodNotAllowed,
        Self::MutationOverGet,
        Self::UriTooLong,
        Self::BodyTooLarge,
        Self::UnsupportedMediaType,
        Self::MalformedJson,
        Self::NotWellFormed,
        Self::Unparsable,
        Self::Invalid,
        Self::OperationUndetermined,
        Self::VariablesInvalid,
        Self::Done,
        Self::Partial,
        Self::NoData,
    ];

    /// Whether the operation was executed: then, and only then, has the answer a `data` entry.
    #[must_use]
    pub fn is_executed(self) -> bool {
        matches!(self, Self::Done | Self::Partial | Self::NoData)
    }

    /// The status that it is answered with.
    #[must_use]
    pub fn status(self, edition: Edition, format: Format) -> u16 {
        let published = edition == Edition::September2026;
        match self {
            Self::MethodNotAllowed | Self::MutationOverGet => 405,
            Self::UriTooLong => 414,
            Self::BodyTooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::MalformedJson => 400,
            Self::NotWellFormed if published => 422,
            Self::NotWellFormed => 400,
            Self::Unparsable if published => 400,
            Self::Invalid | Self::OperationUndetermined | Self::VariablesInvalid if published => 422,
            // Of a status other than 200, a client that takes plain JSON cannot tell who it is from.
            Self::Unparsable | Self::Invalid | Self::OperationUndetermined | Self::VariablesInvalid => {
                match format {
                    Format::GraphqlResponse => 400,
                    Format::Json => 200,
                }
            }
            Self::Done => 200,
            Self::Partial | Self::NoData if published => 294,
            Self::Partial | Self::NoData => 200,
        }
    }

    /// The media type that it is answered in, of a client that takes `format`.
    #[must_use]
    pub fn answered_in(self, edition: Edition, format: Format) -> Format {
        match edition {
            Edition::Draft => format,
            Edition::September2026 if self.is_executed() => format,
            Edition::September2026 => Format::GraphqlResponse,
        }
    }
}
