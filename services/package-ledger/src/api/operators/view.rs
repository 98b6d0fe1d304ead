//! Somebody who works at the desk, as JSON.

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use crate::store::operators::OperatorRow;

/// As it is sent.
#[derive(Debug, Serialize)]
pub(super) struct OperatorView {
    user_id: Uuid,
    role: String,
    name: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<OperatorRow> for OperatorView {
    fn from(row: OperatorRow) -> Self {
        Self {
            user_id: row.user_id,
            role: row.role,
            name: row.name,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}
