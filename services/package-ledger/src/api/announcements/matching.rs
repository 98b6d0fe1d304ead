//! `POST /v1/announcements/match`: what was scanned is compared with the announcements that are open (P-D6). A question that is too
//! large for a query: it changes nothing, and takes no idempotency key.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use service_error::{ServiceError, validation};
use tracking_number::{TrackingNumber, recognise};
use uuid::Uuid;

use crate::api::caller;
use crate::api::packages::candidates::{CandidateView, Code, Label, compare_code};
use crate::domain::parcel::{fault, text};
use crate::domain::person::Permission;
use crate::state::AppState;

const MAX_SCANNED_CHARS: usize = 200;
const MAX_NAME_CHARS: usize = 200;
const MAX_PHONE_CHARS: usize = 40;
const MAX_CARRIER_CHARS: usize = 50;

/// What was read from a parcel.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Scan {
    scanned: String,
    #[serde(default)]
    carrier: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    phone: Option<String>,
}

/// What it may be.
#[derive(Serialize)]
struct Outcome {
    decision: &'static str,
    /// The announcement that it is, where nobody has to look.
    announcement_id: Option<Uuid>,
    candidates: Vec<CandidateView>,
}

/// Two statements.
pub(super) async fn match_announcements(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    caller::permitted(&request, &state, Permission::MovePackages).await?;
    request_parts::no_parameters(&request)?;
    let (scan, _) = request_parts::read_json::<Scan>(&request, payload).await?;
    let mut faults = Vec::new();
    let scanned = text("/scanned", Some(&scan.scanned), MAX_SCANNED_CHARS, &mut faults);
    let carrier = text("/carrier", scan.carrier.as_deref(), MAX_CARRIER_CHARS, &mut faults);
    let name = text("/name", scan.name.as_deref(), MAX_NAME_CHARS, &mut faults);
    let phone = text("/phone", scan.phone.as_deref(), MAX_PHONE_CHARS, &mut faults);
    if scanned.is_none() && faults.is_empty() {
        fault("/scanned", "required", "what was scanned or typed is expected", &mut faults);
    }
    if !faults.is_empty() {
        return Err(validation(faults));
    }
    let inner_numbers = scanned.as_deref().map(inner_numbers).unwrap_or_default();
    let code =
        Code { number: scanned.as_deref(), inner_numbers: &inner_numbers, carrier: carrier.as_deref() };
    let label = Label { name: name.as_deref(), phone: phone.as_deref() };
    let mut conn = state.desk.read().await?;
    let compared = compare_code(&mut conn, code, label, None, state.context.now()).await?;
    drop(conn);
    Ok(request_parts::answer_private(&Outcome {
        decision: if compared.matched.is_some() { "match" } else { "ask_human" },
        announcement_id: compared.matched,
        candidates: compared.candidates,
    }))
}

/// Numbers that a barcode holds.
fn inner_numbers(scanned: &str) -> Vec<String> {
    let Ok(number) = TrackingNumber::normalise(scanned) else { return Vec::new() };
    recognise(&number).plausible().map(|candidate| candidate.number.as_str().to_owned()).collect()
}
