//! What can go wrong in a request, and the problem that it becomes.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use conditional::{ConditionError, WriteRefusal};
use freshness::{FreshnessError, GroupError};
use idempotency::ClaimError;
use pg_pool::PgError;
use problem::{FieldError, Problem, registry};

/// The error of every handler: a problem, ready to be sent.
#[derive(Debug)]
pub(crate) struct ServiceError(Box<Problem>);

impl ServiceError {
    /// The problem itself.
    pub(crate) fn problem(&self) -> &Problem {
        &self.0
    }

    /// All that is known, for logs: code and cause.
    pub(crate) fn explain(&self) -> String {
        let causes = self.0.cause_chain().into_iter().map(|cause| format!(": {cause}"));
        std::iter::once(self.0.kind().code.to_owned()).chain(causes).collect()
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.kind().code)
    }
}

impl ResponseError for ServiceError {
    fn status_code(&self) -> StatusCode {
        self.0.status_code()
    }

    fn error_response(&self) -> HttpResponse {
        self.0.to_response()
    }
}

/// An error that says itself which problem it becomes.
trait Known: Into<Problem> {}

impl Known for Problem {}
impl Known for ClaimError {}
impl Known for ConditionError {}
impl Known for FreshnessError {}
impl Known for GroupError {}
impl Known for PgError {}

impl<E: Known> From<E> for ServiceError {
    fn from(error: E) -> Self {
        Self(Box::new(error.into()))
    }
}

impl From<pg_pool::QueryError> for ServiceError {
    fn from(error: pg_pool::QueryError) -> Self {
        PgError::from(error).into()
    }
}

/// Faults of the parameters.
pub(crate) fn parameters(errors: Vec<FieldError>) -> ServiceError {
    Problem::new(&registry::INVALID_PARAMETER).errors(errors).into()
}

/// A fault of the body that needs no parser to be found.
pub(crate) fn invalid(pointer: &str, code: &'static str, message: impl Into<String>) -> ServiceError {
    Problem::new(&registry::VALIDATION_FAILED).field(pointer, code, message).into()
}

/// Nothing is found under the id, or nothing that the caller may know of.
pub(crate) fn not_found() -> ServiceError {
    Problem::new(&registry::NOT_FOUND).into()
}

/// The caller may know of it, and may not do this.
pub(crate) fn forbidden(detail: &str) -> ServiceError {
    Problem::new(&registry::FORBIDDEN).detail(detail).into()
}

/// Why a change is refused for its preconditions.
pub(crate) fn refused(refusal: &WriteRefusal, what: &str) -> ServiceError {
    match refusal {
        WriteRefusal::Missing => Problem::new(&registry::PRECONDITION_REQUIRED)
            .detail(format!("send the ETag of the {what} that you read in If-Match"))
            .field("If-Match", "required", "an entity tag is expected")
            .into(),
        WriteRefusal::Failed => Problem::new(&registry::PRECONDITION_FAILED)
            .detail(format!("the {what} has changed since it was read; read it again"))
            .into(),
    }
}
