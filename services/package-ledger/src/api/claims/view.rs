//! A claim as JSON.

use chrono::{DateTime, Utc};
use serde::Serialize;
use service_error::ServiceError;
use uuid::Uuid;

use crate::domain::money::Money;
use crate::store::claims::ClaimRow;

/// A claim as it is sent. Its validator is its version.
#[derive(Debug, Serialize)]
pub(super) struct ClaimView {
    id: Uuid,
    package_id: Uuid,
    kind: String,
    status: String,
    description: String,
    answer: Option<String>,
    /// Most that the desk answers for.
    liability: Money,
    opened_by: Uuid,
    answer_due_at: DateTime<Utc>,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl ClaimView {
    /// Of a row.
    ///
    /// # Errors
    /// For a currency that is not known here.
    pub(super) fn of(claim: ClaimRow) -> Result<Self, ServiceError> {
        Ok(Self {
            liability: Money::new(claim.liability_minor, claim.currency()?),
            id: claim.id,
            package_id: claim.package_id,
            kind: claim.kind,
            status: claim.status,
            description: claim.description,
            answer: claim.answer,
            opened_by: claim.opened_by,
            answer_due_at: claim.answer_due_at,
            version: claim.version,
            created_at: claim.created_at,
            updated_at: claim.updated_at,
        })
    }
}
