//! `POST /v1/packages/{package}/incidents`: a package was lost, damaged, or found again.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use service_error::ServiceError;
use uuid::Uuid;

use super::act::act;
use super::asked::{peek, read, sound};
use super::{evidence, view};
use crate::cache::groups;
use crate::domain::parcel::{fault, text};
use crate::domain::person::Permission;
use crate::state::AppState;
use crate::steps::incidents::{Incident, Report, report};

/// Longest description, in characters; that of a claim has the same bound.
pub(super) const MAX_DESCRIPTION_CHARS: usize = 2000;

/// What happened.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct NewIncident {
    kind: Incident,
    /// This or pictures are needed.
    #[serde(default)]
    description: Option<String>,
    /// Assets.
    #[serde(default)]
    evidence: Vec<Uuid>,
    /// Where one that was found is put; anywhere if left out.
    #[serde(default)]
    slot_code: Option<String>,
}

/// Answers with the package as it is then.
pub(super) async fn post_incident(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let asked = read::<NewIncident>(&state, &request, payload, Permission::MovePackages).await?;
    let mut faults = Vec::new();
    let told = asked.body.description.as_deref();
    let description = text("/description", told, MAX_DESCRIPTION_CHARS, &mut faults);
    let wanted = evidence::wanted("photo", "evidence", &asked.body.evidence, &mut faults);
    evidence::distinct(&wanted, &mut faults);
    if asked.body.slot_code.is_some() && asked.body.kind != Incident::Found {
        fault("/slot_code", "unexpected", "only what was found is put into a slot", &mut faults);
    }
    sound((), faults)?;
    peek(&state, &asked.standing, asked.package_id).await?;
    let files = evidence::look_up(&state, &request, wanted).await;
    let (step, body) = asked.act("post_incident", vec![groups::SLOTS.to_owned()]);
    act(&state, step, async move |conn, scene| {
        let told = Report { incident: body.kind, description, files: files?, slot_code: body.slot_code };
        report(conn, scene, told).await?;
        view::answer(conn, scene, 200).await
    })
    .await
}
