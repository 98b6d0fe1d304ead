//! A customer as JSON.

use chrono::{DateTime, Utc};
use serde::Serialize;
use service_error::ServiceError;
use uuid::Uuid;

use crate::domain::customer::{Address, Consents, CustomerDraft, Document, Language};
use crate::store::customers::CustomerRow;

/// A customer as it is sent. Its validator is its version.
#[derive(Debug, Serialize)]
pub(crate) struct CustomerView {
    id: Uuid,
    user_id: Option<Uuid>,
    name: String,
    phone: String,
    email: Option<String>,
    document: Option<Document>,
    address: Address,
    language: Language,
    consents: Consents,
    is_active: bool,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl CustomerView {
    /// Of a row.
    ///
    /// # Errors
    /// For names that are not known here.
    pub(crate) fn of(row: CustomerRow) -> Result<Self, ServiceError> {
        let CustomerDraft { name, phone, email, document, address, language, consents, is_active } =
            row.draft()?;
        Ok(Self {
            id: row.id,
            user_id: row.user_id,
            name,
            phone,
            email,
            document,
            address,
            language,
            consents,
            is_active,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}
