//! `POST /v1/ledger/corrections`: a transfer is taken back by another one, once.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use request_parts::{keyed, no_parameters, read_json};
use serde::{Deserialize, Serialize};
use service_error::{ServiceError, invalid, not_found, validation};
use uuid::Uuid;

use super::view::TransferView;
use crate::api::caller;
use crate::api::packages::act::{Act, act};
use crate::api::packages::money::reason;
use crate::domain::person::Permission;
use crate::state::AppState;
use crate::steps::books;
use crate::store::ledger;

/// A correction to be.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Correction {
    transfer_id: Uuid,
    reason: String,
}

/// Answers with the transfer that takes the other one back.
pub(super) async fn post_correction(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let standing = caller::permitted(&request, &state, Permission::Correct).await?;
    no_parameters(&request)?;
    let (body, bytes) = read_json::<Correction>(&request, payload).await?;
    let keyed = keyed(&request, &state.fingerprints, standing.user_id, &bytes)?;
    let mut faults = Vec::new();
    let reason = reason(&body.reason, &mut faults);
    if !faults.is_empty() {
        return Err(validation(faults));
    }
    // It never changes: what is read here is what is taken back.
    let original = ledger::find_transfer(&mut *state.desk.read().await?, body.transfer_id).await?;
    let unknown = || invalid("/transfer_id", "not_found", "there is no transfer of this id");
    let original = original.ok_or_else(unknown)?;
    let package_id = original.package_id.ok_or_else(unknown)?;
    let step = Act { name: "correct_transfer", package_id, standing, keyed, more: Vec::new() };
    act(&state, step, async move |conn, scene| {
        let id = books::correct(conn, scene, original, &reason).await?;
        let row = ledger::find_transfer(conn, id).await?.ok_or_else(not_found)?;
        request_parts::answer(201, &TransferView::try_from(row)?, None)
    })
    .await
}
