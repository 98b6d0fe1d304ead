//! What becomes of errors that only this service meets, and what it asks of an error before it decides what is kept.

use blob_store::StorageError;
use problem::{Problem, registry};
use service_error::ServiceError;

use crate::problems;

/// What is to be known of an error beyond its code.
pub(crate) trait Judged {
    /// What the owner is told: the detail, or else the title.
    fn human(&self) -> String;
    /// Whether it is about what the bytes are.
    fn is_content(&self) -> bool;
    /// Whether the store has no room.
    fn is_full(&self) -> bool;
    /// Whether it is a defect, as far as anybody knows.
    fn is_internal(&self) -> bool;
    /// Whether the same content would be refused again, so that nothing of it need be kept.
    fn is_final(&self) -> bool;
}

impl Judged for ServiceError {
    fn human(&self) -> String {
        let problem = self.problem();
        problem.detail_text().unwrap_or(problem.kind().title).to_owned()
    }

    fn is_content(&self) -> bool {
        self.is_one_of(&[&problems::CONTENT_REFUSED, &problems::CONTENT_DAMAGED])
    }

    fn is_full(&self) -> bool {
        self.is_one_of(&[&problems::STORAGE_FULL])
    }

    fn is_internal(&self) -> bool {
        self.is_one_of(&[&registry::INTERNAL])
    }

    fn is_final(&self) -> bool {
        self.is_one_of(&[
            &problems::CONTENT_REFUSED,
            &problems::CONTENT_DAMAGED,
            &problems::DIGEST_MISMATCH,
            &problems::QUOTA_EXCEEDED,
            &registry::PAYLOAD_TOO_LARGE,
            &upload_protocol::problems::UPLOAD_GONE,
        ])
    }
}

/// The store did not do what it was told.
pub(crate) fn storage_failed(error: StorageError) -> ServiceError {
    let kind = match &error {
        StorageError::Full { .. } => &problems::STORAGE_FULL,
        error if error.is_unavailable() => &registry::UNAVAILABLE,
        _ => &registry::INTERNAL,
    };
    Problem::new(kind).cause(error).into()
}

/// The bytes are not what they have to be.
pub(crate) fn content_refused(refusal: content_inspect::Refusal) -> ServiceError {
    let kind = match &refusal {
        content_inspect::Refusal::WrongType { .. } => &problems::CONTENT_REFUSED,
        _ => &problems::CONTENT_DAMAGED,
    };
    Problem::new(kind).detail(refusal.human()).into()
}
