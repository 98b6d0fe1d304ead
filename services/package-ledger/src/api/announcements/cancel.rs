//! `POST /v1/announcements/{announcement}/cancel`: its customer, or the desk, does not wait for the parcel any more.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use problem::{Problem, registry};
use request_parts::answer;
use serde::{Deserialize, Serialize};
use service_error::{ServiceError, not_found, validation};

use super::view;
use crate::api::caller;
use crate::api::packages::act::{Act, act};
use crate::cache::groups;
use crate::domain::parcel::text;
use crate::domain::person::Permission;
use crate::state::AppState;
use crate::steps::announcing::withdraw;
use crate::store::announcements;

const MAX_REASON_CHARS: usize = 500;

/// Why.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Withdrawal {
    #[serde(default)]
    reason: Option<String>,
}

/// Answers with the announcement as it is then.
pub(super) async fn cancel_announcement(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let standing = caller::permitted(&request, &state, Permission::Announce).await?;
    let id = request_parts::path_id(&request, "announcement")?;
    request_parts::no_parameters(&request)?;
    let (body, bytes) = request_parts::read_json::<Withdrawal>(&request, payload).await?;
    let mut faults = Vec::new();
    let reason = text("/reason", body.reason.as_deref(), MAX_REASON_CHARS, &mut faults);
    if !faults.is_empty() {
        return Err(validation(faults));
    }
    let keyed = request_parts::keyed(&request, &state.fingerprints, standing.user_id, &bytes)?;
    let (row, parts) = announcements::one(&mut *state.desk.read().await?, id).await?.ok_or_else(not_found)?;
    caller::known(&standing, Some(row.customer_id))?;
    let Some(package_id) = parts.package_id else {
        let detail = "nothing stands for this announcement";
        return Err(Problem::new(&registry::CONFLICT).detail(detail).into());
    };
    let more = vec![groups::ANNOUNCEMENTS.to_owned(), groups::customer_announcements(row.customer_id)];
    let step = Act { name: "cancel_announcement", package_id, standing, keyed, more };
    act(&state, step, async move |conn, scene| {
        withdraw(conn, scene, id, reason.as_deref()).await?;
        let shown = view::of(conn, id).await?.with(&scene.package);
        answer(200, &shown, None)
    })
    .await
}
