//! `POST /v1/packages/{package}/claims`: the customer of a package, or the desk on its behalf, opens a claim.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use idempotency::StoredAnswer;
use pg_pool::Connection;
use problem::{Problem, registry};
use request_parts::answer;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service_error::{ServiceError, invalid, validation};

use super::view::ClaimView;
use crate::api::caller;
use crate::api::packages::act::{Act, act};
use crate::domain::claim::{ClaimKind, check_window};
use crate::domain::parcel::text;
use crate::domain::person::Permission;
use crate::domain::status::Status;
use crate::problems::CLAIM_TOO_LATE;
use crate::state::AppState;
use crate::steps::claims::open;
use crate::steps::scene::Scene;
use crate::store::claims::has_open;

const MAX_DESCRIPTION_CHARS: usize = 2000;

/// A claim to be.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct NewClaim {
    kind: ClaimKind,
    description: String,
}

/// Answers with the claim.
pub(super) async fn post_claim(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let standing = caller::permitted(&request, &state, Permission::OpenClaims).await?;
    let package_id = request_parts::path_id(&request, "package")?;
    request_parts::no_parameters(&request)?;
    let (new, bytes) = request_parts::read_json::<NewClaim>(&request, payload).await?;
    let mut faults = Vec::new();
    let description = text("/description", Some(&new.description), MAX_DESCRIPTION_CHARS, &mut faults);
    if !faults.is_empty() {
        return Err(validation(faults));
    }
    let description =
        description.ok_or_else(|| invalid("/description", "required", "what happened is expected"))?;
    let keyed = request_parts::keyed(&request, &state.fingerprints, standing.user_id, &bytes)?;
    let step = Act { name: "post_claim", package_id, standing, keyed, more: Vec::new() };
    act(&state, step, async move |conn, scene| opened(conn, scene, new.kind, description).await).await
}

async fn opened(
    conn: &mut Connection,
    scene: &mut Scene,
    kind: ClaimKind,
    description: String,
) -> Result<StoredAnswer, ServiceError> {
    check(scene)?;
    if has_open(conn, scene.package.id, kind.as_str()).await? {
        let detail = "a claim of this kind is open for this package already";
        return Err(Problem::new(&registry::CONFLICT).detail(detail).into());
    }
    let claim = open(conn, scene, kind, description).await?;
    scene.record(conn, "claim", json!({"claim_id": claim.id, "kind": claim.kind}), Vec::new()).await?;
    let (id, version) = (claim.id, claim.version);
    let mut answer = answer(201, &ClaimView::of(claim)?, Some(version))?;
    answer.headers.push(("location".to_owned(), format!("/v1/claims/{id}")));
    Ok(answer)
}

/// Whether a claim is still taken for the package, or taken at all.
fn check(scene: &Scene) -> Result<(), ServiceError> {
    let status = scene.status()?;
    if matches!(status, Status::Announced | Status::Cancelled) {
        let detail = "the desk does not answer for a package that it has not taken";
        return Err(Problem::new(&registry::CONFLICT).detail(detail).into());
    }
    let handed_over_at = scene.package.ended_at.filter(|_| status.is_terminal());
    check_window(handed_over_at, scene.now).map_err(|late| {
        Problem::new(&CLAIM_TOO_LATE)
            .detail(late.to_string())
            .member("closed_at", late.closed_at.to_rfc3339())
            .into()
    })
}
