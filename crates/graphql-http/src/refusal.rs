//! Why a request is not executed.

use async_graphql::{ErrorExtensionValues, Pos, ServerError};
use problem::{ProblemType, registry};

use crate::{Kind, problems};

/// A request that is answered without being executed.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// What became of it.
    pub kind: Kind,
    /// What is wrong with it: never empty.
    pub errors: Vec<ServerError>,
}

impl Refusal {
    /// Of one fault that has no place in the document.
    #[must_use]
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, errors: vec![coded(kind.problem(), message, None)] }
    }

    pub(crate) fn media_type(message: &str) -> Self {
        Self::new(Kind::UnsupportedMediaType, message)
    }

    /// Of a document that exceeds a bound.
    pub(crate) fn beyond(message: String) -> Self {
        Self { kind: Kind::Invalid, errors: vec![coded(&problems::GRAPHQL_LIMIT_EXCEEDED, message, None)] }
    }
}

impl Kind {
    /// The problem type whose code errors of it carry, where nothing more exact is known.
    #[must_use]
    pub fn problem(self) -> &'static ProblemType {
        match self {
            Self::MethodNotAllowed | Self::MutationOverGet => &registry::METHOD_NOT_ALLOWED,
            Self::UriTooLong => &registry::URI_TOO_LONG,
            Self::BodyTooLarge => &registry::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => &registry::UNSUPPORTED_MEDIA_TYPE,
            Self::MalformedJson => &registry::MALFORMED_JSON,
            Self::NotWellFormed => &problems::GRAPHQL_NOT_WELL_FORMED,
            Self::Unparsable => &problems::GRAPHQL_UNPARSABLE,
            Self::Invalid => &problems::GRAPHQL_INVALID,
            Self::OperationUndetermined => &problems::GRAPHQL_OPERATION_UNDETERMINED,
            Self::VariablesInvalid => &problems::GRAPHQL_VARIABLES_INVALID,
            Self::Done | Self::Partial | Self::NoData => &registry::INTERNAL,
        }
    }
}

/// An error with the code of a problem type in its extensions.
#[must_use]
pub fn coded(kind: &'static ProblemType, message: impl Into<String>, position: Option<Pos>) -> ServerError {
    let mut error = ServerError::new(message, position);
    set_code(&mut error, kind);
    error
}

/// Gives an error a code, unless it has one.
pub(crate) fn set_code(error: &mut ServerError, kind: &'static ProblemType) {
    if !has_code(error) {
        error.extensions.get_or_insert_with(ErrorExtensionValues::default).set("code", kind.code);
    }
}

/// Whether somebody has given it a code.
pub(crate) fn has_code(error: &ServerError) -> bool {
    error.extensions.as_ref().is_some_and(|values| values.get("code").is_some())
}
