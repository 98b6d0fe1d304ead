//! `GET`, `HEAD` and `POST /v1/packages/{package}/waivers`: what the desk does without, decided by an admin.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use idempotency::StoredAnswer;
use pg_pool::Connection;
use problem::Problem;
use request_parts::{ListRules, answer_private, path_id};
use serde::{Deserialize, Serialize};
use serde_json::json;
use service_error::{ServiceError, forbidden};
use uuid::Uuid;

use super::act::act;
use super::asked::{peek, read, sound};
use super::money::{above_zero, fee_now, not_now, reason};
use crate::api::caller;
use crate::cache::tariffs;
use crate::domain::money::{Currency, Money};
use crate::domain::person::Permission;
use crate::domain::status::Missing;
use crate::problems::PAYMENT_EXCEEDS_DUE;
use crate::state::AppState;
use crate::steps::books;
use crate::steps::scene::Scene;
use crate::store::payments::{self, WaiverRow};

/// A waiver to be.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct NewWaiver {
    amount_minor: i64,
    reason: String,
}

/// A waiver as it is sent.
#[derive(Debug, Serialize)]
struct WaiverView {
    id: Uuid,
    package_id: Uuid,
    amount: Money,
    reason: String,
    granted_by: Uuid,
    created_at: DateTime<Utc>,
}

impl WaiverView {
    fn new(row: WaiverRow, currency: Currency) -> Self {
        Self {
            id: row.id,
            package_id: row.package_id,
            amount: Money::new(row.amount_minor, currency),
            reason: row.reason,
            granted_by: row.granted_by,
            created_at: row.created_at,
        }
    }
}

/// In the order in which they were granted.
pub(super) async fn list_waivers(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let standing = caller::standing(&request, &state).await?;
    let package_id = path_id(&request, "package")?;
    let asked = ListRules::new(&[]).read(&request)?;
    let scope = format!("waivers\n{package_id}");
    let after = asked.after(&state.cursors, &scope)?;
    let package = peek(&state, &standing, package_id).await?;
    let mut conn = state.desk.read().await?;
    let rows = payments::waivers_of_package(&mut conn, package_id, after, asked.rows()).await?;
    let known = state.tariffs.with(&mut conn, [package.tariff_id]).await?;
    drop(conn);
    let currency = tariffs::one(&known, package.tariff_id)?.currency;
    let view = |row| Ok(WaiverView::new(row, currency));
    Ok(answer_private(&asked.page(&state.cursors, &scope, rows, |row| row.id, view)?))
}

/// As long as the package is here, for it is booked with the charges; and no more than is due.
pub(super) async fn post_waiver(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let asked = read::<NewWaiver>(&state, &request, payload, Permission::Waive).await?;
    let (step, body) = asked.act("grant_waiver", Vec::new());
    let mut faults = Vec::new();
    above_zero("/amount_minor", body.amount_minor, &mut faults);
    let reason = reason(&body.reason, &mut faults);
    let reason = sound(reason, faults)?;
    act(&state, step, async move |conn, scene| grant(conn, scene, body.amount_minor, reason).await).await
}

async fn grant(
    conn: &mut Connection,
    scene: &mut Scene,
    amount_minor: i64,
    reason: String,
) -> Result<StoredAnswer, ServiceError> {
    if !scene.status()?.in_custody() {
        return Err(not_now(scene, Missing::Transition, "fees are waived as long as the package is here"));
    }
    let granted_by = scene.actor.id.ok_or_else(|| forbidden("a waiver is granted by somebody"))?;
    let fee = fee_now(conn, scene).await?;
    let due = books::due(conn, &scene.package, &fee).await?;
    if amount_minor > due.amount_minor {
        let due = Money::new(due.amount_minor.max(0), due.currency);
        return Err(Problem::new(&PAYMENT_EXCEEDS_DUE)
            .detail(format!("{due} are due, and no more can be waived"))
            .member("due", json!(due))
            .into());
    }
    let row = WaiverRow {
        id: scene.state.context.new_id(),
        package_id: scene.package.id,
        amount_minor,
        reason,
        granted_by,
        created_at: scene.now,
    };
    payments::insert_waiver(conn, &row).await?;
    scene.package.waived_minor = scene.package.waived_minor.saturating_add(amount_minor);
    let data = json!({
        "waiver_id": row.id, "amount_minor": amount_minor, "currency": due.currency, "reason": row.reason,
    });
    scene.record(conn, "waive", data, Vec::new()).await?;
    request_parts::answer(201, &WaiverView::new(row, due.currency), None)
}
