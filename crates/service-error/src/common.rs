//! Errors that every service answers with, made in one way.

use conditional::WriteRefusal;
use problem::{FieldError, Problem, registry};

use crate::ServiceError;

/// Most faults that one answer lists.
pub const MAX_FAULTS: usize = 100;

/// Faults of the parameters; at most [`MAX_FAULTS`] are told.
#[must_use]
pub fn parameters(mut errors: Vec<FieldError>) -> ServiceError {
    errors.truncate(MAX_FAULTS);
    Problem::new(&registry::INVALID_PARAMETER).errors(errors).into()
}

/// Faults of a body; at most [`MAX_FAULTS`] are told.
#[must_use]
pub fn validation(mut errors: Vec<FieldError>) -> ServiceError {
    errors.truncate(MAX_FAULTS);
    Problem::new(&registry::VALIDATION_FAILED).errors(errors).into()
}

/// One fault of a body.
#[must_use]
pub fn invalid(pointer: &str, code: &'static str, message: impl Into<String>) -> ServiceError {
    Problem::new(&registry::VALIDATION_FAILED).field(pointer, code, message).into()
}

/// Nobody has said who asks.
#[must_use]
pub fn unauthenticated() -> ServiceError {
    Problem::new(&registry::UNAUTHENTICATED).header("WWW-Authenticate", "Bearer").into()
}

/// Nothing is found under the id, or nothing that the caller may know of.
#[must_use]
pub fn not_found() -> ServiceError {
    Problem::new(&registry::NOT_FOUND).into()
}

/// The caller may know of it, and may not do this.
#[must_use]
pub fn forbidden(detail: &str) -> ServiceError {
    Problem::new(&registry::FORBIDDEN).detail(detail).into()
}

/// Why a change of `what`, as "story" or "record", is refused for its preconditions.
#[must_use]
pub fn refused(refusal: &WriteRefusal, what: &str) -> ServiceError {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_lists_no_more_faults_than_the_bound() {
        let fault = |at: usize| FieldError {
            pointer: format!("/{at}"),
            code: "required",
            message: "expected".to_owned(),
        };
        let faults: Vec<FieldError> = (0..MAX_FAULTS + 1).map(fault).collect();
        assert_eq!(validation(faults.clone()).problem().field_errors().len(), MAX_FAULTS);
        assert_eq!(parameters(faults).problem().field_errors().len(), MAX_FAULTS);
    }

    #[test]
    fn a_change_without_its_precondition_is_told_apart_from_one_that_lost() {
        let missing = refused(&WriteRefusal::Missing, "story");
        assert_eq!(missing.problem().kind().status, 428);
        assert_eq!(missing.problem().field_errors()[0].pointer, "If-Match");
        let failed = refused(&WriteRefusal::Failed, "story");
        assert_eq!(failed.problem().kind().status, 412);
        assert_eq!(
            failed.problem().detail_text(),
            Some("the story has changed since it was read; read it again")
        );
    }
}
