//! `POST /v1/packages/{package}/store`: a received package is put into a slot.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use service_error::ServiceError;

use super::act::act;
use super::asked::read;
use super::view;
use crate::cache::groups;
use crate::domain::person::Permission;
use crate::state::AppState;
use crate::steps::stay;

/// Where it is put.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Storing {
    /// Into any that it fits into if left out.
    #[serde(default)]
    slot_code: Option<String>,
}

/// Answers with the package as it is then.
pub(super) async fn store_package(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let asked = read::<Storing>(&state, &request, payload, Permission::MovePackages).await?;
    let (step, body) = asked.act("store_package", vec![groups::SLOTS.to_owned()]);
    act(&state, step, async move |conn, scene| {
        stay::store(conn, scene, body.slot_code.as_deref()).await?;
        view::answer(conn, scene, 200).await
    })
    .await
}
