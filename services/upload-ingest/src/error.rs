//! What can go wrong in a request, and the problem that it becomes.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use blob_store::StorageError;
use conditional::{ConditionError, WriteRefusal};
use freshness::{FreshnessError, GroupError};
use idempotency::ClaimError;
use pg_pool::PgError;
use problem::{FieldError, Problem, ProblemType, registry};

use crate::problems;

/// The error of every handler: a problem, ready to be sent.
#[derive(Debug)]
pub(crate) struct ServiceError(Box<Problem>);

impl ServiceError {
    /// All that is known, for a person at a terminal: code and cause.
    pub(crate) fn explain(&self) -> String {
        let causes = self.0.cause_chain().into_iter().map(|cause| format!("\n{cause}"));
        std::iter::once(self.0.kind().code.to_owned()).chain(causes).collect()
    }

    /// The same error, said somewhat differently.
    pub(crate) fn map(self, change: impl FnOnce(Problem) -> Problem) -> Self {
        Self(Box::new(change(*self.0)))
    }

    /// What the owner is told: the detail, or else the title.
    pub(crate) fn human(&self) -> String {
        self.0.detail_text().unwrap_or(self.0.kind().title).to_owned()
    }

    /// Whether it is about what the bytes are.
    pub(crate) fn is_content(&self) -> bool {
        self.is_one_of(&[&problems::CONTENT_REFUSED, &problems::CONTENT_DAMAGED])
    }

    /// Whether the store has no room.
    pub(crate) fn is_full(&self) -> bool {
        self.is_one_of(&[&problems::STORAGE_FULL])
    }

    /// Whether it is a defect, as far as anybody knows.
    pub(crate) fn is_internal(&self) -> bool {
        self.is_one_of(&[&registry::INTERNAL])
    }

    /// Whether the same content would be refused again, so that nothing of it need be kept.
    pub(crate) fn is_final(&self) -> bool {
        self.is_one_of(&[
            &problems::CONTENT_REFUSED,
            &problems::CONTENT_DAMAGED,
            &problems::DIGEST_MISMATCH,
            &problems::QUOTA_EXCEEDED,
            &registry::PAYLOAD_TOO_LARGE,
            &upload_protocol::problems::UPLOAD_GONE,
        ])
    }

    fn is_one_of(&self, kinds: &[&'static ProblemType]) -> bool {
        kinds.iter().any(|known| std::ptr::eq(*known, self.0.kind()))
    }

    /// The stable code.
    pub(crate) fn code(&self) -> &'static str {
        self.0.kind().code
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

impl From<StorageError> for ServiceError {
    fn from(error: StorageError) -> Self {
        let kind = match &error {
            StorageError::Full { .. } => &problems::STORAGE_FULL,
            error if error.is_unavailable() => &registry::UNAVAILABLE,
            _ => &registry::INTERNAL,
        };
        Problem::new(kind).cause(error).into()
    }
}

impl From<content_inspect::Refusal> for ServiceError {
    fn from(refusal: content_inspect::Refusal) -> Self {
        let kind = match &refusal {
            content_inspect::Refusal::WrongType { .. } => &problems::CONTENT_REFUSED,
            _ => &problems::CONTENT_DAMAGED,
        };
        Problem::new(kind).detail(refusal.human()).into()
    }
}

impl From<WriteRefusal> for ServiceError {
    fn from(refusal: WriteRefusal) -> Self {
        match refusal {
            WriteRefusal::Missing => Problem::new(&registry::PRECONDITION_REQUIRED)
                .detail("send the ETag of the asset that you read in If-Match")
                .field("If-Match", "required", "the asset's entity tag is expected")
                .into(),
            WriteRefusal::Failed => Problem::new(&registry::PRECONDITION_FAILED)
                .detail("the asset has changed since it was read; read it again")
                .into(),
        }
    }
}

/// Faults of the parameters.
pub(crate) fn parameters(errors: Vec<FieldError>) -> ServiceError {
    Problem::new(&registry::INVALID_PARAMETER).errors(errors).into()
}

/// Nothing is found under the id, or nothing that the caller may know of.
pub(crate) fn not_found() -> ServiceError {
    Problem::new(&registry::NOT_FOUND).into()
}
