#![doc = include_str!("../README.md")]

mod common;
mod guarded;

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use conditional::ConditionError;
use freshness::{FreshnessError, GroupError};
use idempotency::ClaimError;
use pg_pool::PgError;
use problem::{Problem, ProblemType};

pub use common::{
    MAX_FAULTS, forbidden, invalid, not_found, parameters, refused, unauthenticated, validation,
};
pub use guarded::guarded;

/// The error of every handler: a problem, ready to be sent.
#[derive(Debug)]
pub struct ServiceError(Box<Problem>);

impl ServiceError {
    /// The problem itself.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.0
    }

    /// Its stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.kind().code
    }

    /// Whether it is of one of these types.
    #[must_use]
    pub fn is_one_of(&self, kinds: &[&'static ProblemType]) -> bool {
        kinds.iter().any(|known| known.code == self.code())
    }

    /// The same error, said somewhat differently.
    #[must_use]
    pub fn map(self, change: impl FnOnce(Problem) -> Problem) -> Self {
        Self(Box::new(change(*self.0)))
    }

    /// All that is known, for logs and for a person at a terminal: code, faults and causes in one line.
    #[must_use]
    pub fn explain(&self) -> String {
        let faults =
            self.0.field_errors().iter().map(|fault| format!("; {}: {}", fault.pointer, fault.message));
        let causes = self.0.cause_chain().into_iter().map(|cause| format!(": {cause}"));
        std::iter::once(self.code().to_owned()).chain(faults).chain(causes).collect()
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
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

#[cfg(test)]
mod tests {
    use problem::registry;

    use super::*;

    #[test]
    fn faults_and_causes_are_explained_in_one_line_and_displayed_never() {
        let error: ServiceError = Problem::new(&registry::VALIDATION_FAILED)
            .field("/name", "required", "a name is expected")
            .cause("the parser said so")
            .into();
        assert_eq!(error.explain(), "validation_failed; /name: a name is expected: the parser said so");
        assert_eq!(error.to_string(), "validation_failed");
    }

    #[test]
    fn an_error_is_told_apart_by_its_type_and_keeps_it_when_said_differently() {
        let error = not_found().map(|problem| problem.detail("there is no such gym"));
        assert!(error.is_one_of(&[&registry::FORBIDDEN, &registry::NOT_FOUND]));
        assert!(!error.is_one_of(&[&registry::FORBIDDEN]));
        assert_eq!(error.problem().detail_text(), Some("there is no such gym"));
        assert_eq!(error.status_code(), StatusCode::NOT_FOUND);
    }
}
