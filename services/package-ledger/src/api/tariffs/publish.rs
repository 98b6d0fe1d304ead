//! `POST /v1/tariffs`: an admin publishes the next version, with the notice that the one in force promises.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use idempotency::StoredAnswer;
use pg_pool::Connection;
use problem::Problem;
use request_parts::{keyed, no_parameters, read_json};
use serde_json::json;
use service_error::{ServiceError, invalid, validation};
use uuid::Uuid;

use crate::api::caller;
use crate::api::perform::{Change, perform};
use crate::cache::groups::{Affected, PACKAGES, TARIFFS};
use crate::domain::person::Permission;
use crate::domain::tariff::draft::{MAX_AHEAD_DAYS, NewTariff};
use crate::domain::tariff::{Tariff, check_notice, in_force};
use crate::problems::TARIFF_NOTICE_TOO_SHORT;
use crate::state::AppState;
use crate::store::tariffs;

/// Answers with the version.
pub(super) async fn post_tariff(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let standing = caller::permitted(&request, &state, Permission::ManageTariffs).await?;
    no_parameters(&request)?;
    let (body, bytes) = read_json::<NewTariff>(&request, payload).await?;
    let keyed = keyed(&request, &state.fingerprints, standing.user_id, &bytes)?;
    let mut draft = body.checked().map_err(validation)?;
    // As exact as the database keeps it.
    draft.effective_from = draft.effective_from.trunc_subsecs(6);
    let affected = Some(Affected::of("tariffs", [TARIFFS, PACKAGES]));
    let change = Change { name: "publish_tariff", affected, keyed };
    let inner = state.as_ref().clone();
    perform(&state, change, async move |conn| publish(conn, &inner, draft, standing.user_id).await).await
}

async fn publish(
    conn: &mut Connection,
    state: &AppState,
    draft: NewTariff,
    published_by: Uuid,
) -> Result<StoredAnswer, ServiceError> {
    let now = state.context.now();
    tariffs::lock(conn).await?;
    let before = tariffs::all(conn).await?;
    check(&before, &draft, now)?;
    let tariff = Tariff {
        id: state.context.new_id(),
        version: before.iter().map(|tariff| tariff.version).max().unwrap_or_default().saturating_add(1),
        currency: draft.currency,
        valid_from: draft.effective_from,
        valid_to: None,
        notice_days: draft.notice_days,
        lines: draft.lines,
        policy: draft.policy,
    };
    tariffs::insert(conn, &tariff, published_by, now).await?;
    let mut answer = request_parts::answer(201, &tariff, None)?;
    answer.headers.push(("location".to_owned(), format!("/v1/tariffs/{}", tariff.id)));
    Ok(answer)
}

fn check(before: &[Tariff], draft: &NewTariff, now: DateTime<Utc>) -> Result<(), ServiceError> {
    if let Some(current) = in_force(before, now) {
        if draft.currency != current.currency {
            // An account is in one currency.
            let message = format!("the books are kept in {}", current.currency);
            return Err(invalid("/currency", "invalid", message));
        }
        check_notice(draft.effective_from, now, current.notice_days).map_err(|refusal| {
            Problem::new(&TARIFF_NOTICE_TOO_SHORT)
                .detail(refusal.to_string())
                .member("earliest", json!(refusal.earliest))
        })?;
    }
    let latest = now + TimeDelta::days(MAX_AHEAD_DAYS);
    if draft.effective_from > latest {
        return Err(invalid("/effective_from", "out_of_range", format!("must be {latest} at the latest")));
    }
    match before.last() {
        Some(last) if draft.effective_from <= last.valid_from => {
            let message = format!("must be later than that of version {}, {}", last.version, last.valid_from);
            Err(invalid("/effective_from", "out_of_range", message))
        }
        _ => Ok(()),
    }
}
