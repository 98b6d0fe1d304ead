//! `PATCH /v1/claims/{claim}`: the desk reads, answers and closes a claim, fenced by its version.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use pg_pool::Connection;
use problem::{Problem, registry};
use request_parts::answer;
use serde::{Deserialize, Serialize};
use service_error::{ServiceError, invalid, not_found, validation};

use super::view::ClaimView;
use crate::api::caller;
use crate::api::perform::{Change, perform};
use crate::domain::claim::ClaimStatus;
use crate::domain::ledger::Subject;
use crate::domain::parcel::text;
use crate::domain::person::Permission;
use crate::state::AppState;
use crate::store::claims::{self, ClaimRow};
use crate::store::ledger::{self, Posting};

const MAX_ANSWER_CHARS: usize = 2000;

/// A change (RFC 7396).
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ClaimPatch {
    status: ClaimStatus,
    /// What the desk says; needed before a claim counts as answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<String>,
    /// What the desk answers for, with its first answer; nothing if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    accepted_minor: Option<i64>,
}

/// Answers with the claim as it is then.
pub(super) async fn patch_claim(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let standing = caller::permitted(&request, &state, Permission::AnswerClaims).await?;
    let id = request_parts::path_id(&request, "claim")?;
    request_parts::no_parameters(&request)?;
    let conditions = request_parts::conditions(&request)?;
    let (patch, bytes) = request_parts::read_json::<ClaimPatch>(&request, payload).await?;
    let mut faults = Vec::new();
    let words = text("/answer", patch.answer.as_deref(), MAX_ANSWER_CHARS, &mut faults);
    if !faults.is_empty() {
        return Err(validation(faults));
    }
    let keyed = request_parts::keyed(&request, &state.fingerprints, standing.user_id, &bytes)?;
    let context = state.context.clone();
    // No copy shows claims.
    perform(&state, Change { name: "patch_claim", affected: None, keyed }, async move |conn| {
        let claim = claims::lock(conn, id).await?.ok_or_else(not_found)?;
        request_parts::check_version(&conditions, claim.version, "claim")?;
        check(&claim, &patch, words.as_deref())?;
        if let Some(accepted_minor) = patch.accepted_minor {
            let posting = Posting {
                new_id: context.new_id,
                now: context.now(),
                actor_id: Some(standing.user_id),
                reason: None,
            };
            accept(conn, &claim, accepted_minor, &posting).await?;
        }
        let claim = claims::update(conn, id, patch.status, words.as_deref(), context.now()).await?;
        let version = claim.version;
        answer(200, &ClaimView::of(claim)?, Some(version))
    })
    .await
}

fn check(claim: &ClaimRow, patch: &ClaimPatch, words: Option<&str>) -> Result<(), ServiceError> {
    let (from, to) = (claim.status()?, patch.status);
    if to <= from {
        let detail = format!("a claim that is {} does not become {}", from.as_str(), to.as_str());
        return Err(Problem::new(&registry::CONFLICT).detail(detail).into());
    }
    if to == ClaimStatus::Read && words.is_some() {
        return Err(invalid("/answer", "unexpected", "a claim with an answer is answered"));
    }
    if to >= ClaimStatus::Answered && words.is_none() && claim.answer.is_none() {
        return Err(invalid("/answer", "required", "an answer is expected"));
    }
    let Some(accepted_minor) = patch.accepted_minor else { return Ok(()) };
    if to == ClaimStatus::Read || claim.answer.is_some() {
        return Err(invalid("/accepted_minor", "unexpected", "an amount goes with the first answer"));
    }
    if !(1..=claim.liability_minor).contains(&accepted_minor) {
        let message = format!("a whole number from 1 to {} is expected", claim.liability_minor);
        return Err(invalid("/accepted_minor", "out_of_range", message));
    }
    Ok(())
}

/// Books what the desk owes from now on. Whose package it is makes no difference to these accounts.
async fn accept(
    conn: &mut Connection,
    claim: &ClaimRow,
    accepted_minor: i64,
    posting: &Posting<'_>,
) -> Result<(), ServiceError> {
    let subject = Subject { package_id: claim.package_id, customer_id: None, currency: &claim.currency };
    let unbooked = |error| Problem::new(&registry::INTERNAL).cause(error);
    let transfer = subject.claim(claim.id, accepted_minor).map_err(unbooked)?;
    ledger::post(conn, &[transfer], posting).await?;
    Ok(())
}
