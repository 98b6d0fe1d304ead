//! What can go wrong in a request, and the problem that it becomes.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use conditional::{ConditionError, WriteRefusal};
use freshness::{FreshnessError, GroupError};
use idempotency::ClaimError;
use pg_pool::PgError;
use problem::{FieldError, Problem, registry};

use crate::domain::access::Denial;

/// The error of every handler: a problem, ready to be sent.
#[derive(Debug)]
pub(crate) struct ServiceError(Box<Problem>);

impl ServiceError {
    /// All that is known, for a person at a terminal: code, faults and cause.
    pub(crate) fn explain(&self) -> String {
        let faults =
            self.0.field_errors().iter().map(|fault| format!("\n{}: {}", fault.pointer, fault.message));
        let causes = self.0.cause_chain().into_iter().map(|cause| format!("\n{cause}"));
        std::iter::once(self.0.kind().code.to_owned()).chain(faults).chain(causes).collect()
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

impl From<Denial> for ServiceError {
    fn from(denial: Denial) -> Self {
        match denial {
            Denial::Unauthenticated => {
                Problem::new(&registry::UNAUTHENTICATED).header("WWW-Authenticate", "Bearer").into()
            }
            Denial::Role(role) => {
                Problem::new(&registry::FORBIDDEN).detail(format!("the role {role} is needed")).into()
            }
            Denial::Owner => Problem::new(&registry::FORBIDDEN)
                .detail("only its owner or an administrator may do this")
                .into(),
        }
    }
}

impl From<WriteRefusal> for ServiceError {
    fn from(refusal: WriteRefusal) -> Self {
        match refusal {
            WriteRefusal::Missing => Problem::new(&registry::PRECONDITION_REQUIRED)
                .detail("send the ETag of the record that you read in If-Match")
                .field("If-Match", "required", "the record's entity tag is expected")
                .into(),
            WriteRefusal::Failed => Problem::new(&registry::PRECONDITION_FAILED)
                .detail("the record has changed since it was read; read it again")
                .into(),
        }
    }
}

/// Most faults that one answer lists.
const MAX_FAULTS: usize = 100;

/// Faults of a body.
pub(crate) fn validation(mut errors: Vec<FieldError>) -> ServiceError {
    errors.truncate(MAX_FAULTS);
    Problem::new(&registry::VALIDATION_FAILED).errors(errors).into()
}

/// Faults of the parameters.
pub(crate) fn parameters(mut errors: Vec<FieldError>) -> ServiceError {
    errors.truncate(MAX_FAULTS);
    Problem::new(&registry::INVALID_PARAMETER).errors(errors).into()
}

/// Nothing is found under the id.
pub(crate) fn not_found() -> ServiceError {
    Problem::new(&registry::NOT_FOUND).into()
}
