//! An upload as its row has it, for the protocol to decide about.

use actix_web::HttpRequest;
use service_error::ServiceError;
use upload_protocol::{Concat, Gone, State, UploadView};
use uuid::Uuid;

use super::COLLECTION;
use crate::domain::upload::UploadState;
use crate::state::AppState;
use crate::store::from_db;
use crate::store::uploads::UploadRow;

/// The upload as its clients may see it.
pub(super) fn of(state: &AppState, row: &UploadRow) -> Result<UploadView, ServiceError> {
    let stands = match row.state()? {
        UploadState::Created | UploadState::Receiving | UploadState::Paused => State::Receiving,
        UploadState::Received | UploadState::Verified | UploadState::Linked => State::Complete,
        UploadState::Rejected => State::Gone(Gone::Invalid),
        UploadState::Expired => State::Gone(Gone::Expired),
        UploadState::Cancelled => State::Gone(Gone::Cancelled),
    };
    Ok(UploadView {
        state: stands,
        offset: from_db(row.durable_bytes),
        declared: row.declared_bytes.map(from_db),
        // What became an asset does not expire.
        expires_at: row.asset_id.is_none().then_some(row.expires_at),
        metadata: row.metadata.clone(),
        concat: concat(row),
        limits: super::limits(state),
    })
}

fn concat(row: &UploadRow) -> Option<Concat> {
    match (row.concat.as_deref()?, &row.concat_parts) {
        ("partial", _) => Some(Concat::Partial),
        (_, parts) => Some(Concat::Final(parts.iter().flatten().map(|id| location(*id)).collect())),
    }
}

/// The address of an upload.
pub(super) fn location(id: Uuid) -> String {
    format!("{COLLECTION}/{id}")
}

/// The id in the path.
pub(super) fn id(request: &HttpRequest) -> Result<Uuid, ServiceError> {
    request_parts::path_id(request, "id")
}
