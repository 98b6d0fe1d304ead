//! A slot as JSON.

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use crate::store::slots::SlotRow;

/// A slot as it is sent. The validator of a change is its version, which rises with changes by hand alone.
#[derive(Debug, Serialize)]
pub(super) struct SlotView {
    id: Uuid,
    code: String,
    size_class: String,
    status: String,
    blocked_reason: Option<String>,
    /// What lies there.
    package_id: Option<Uuid>,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl SlotView {
    /// A slot and what lies there.
    pub(super) fn of(slot: SlotRow, package_id: Option<Uuid>) -> Self {
        Self {
            id: slot.id,
            code: slot.code,
            size_class: slot.size_class,
            status: slot.status,
            blocked_reason: slot.blocked_reason,
            package_id,
            version: slot.version,
            created_at: slot.created_at,
            updated_at: slot.updated_at,
        }
    }
}
