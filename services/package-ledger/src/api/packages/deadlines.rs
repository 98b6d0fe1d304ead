//! `GET /v1/packages/{package}/deadlines`: what time alone will do to a package, and has done, for its customer to see beforehand.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use request_parts::{Page, answer_private, no_parameters, path_id};
use serde::Serialize;
use service_error::{ServiceError, not_found};

use crate::api::caller;
use crate::domain::deadlines::DeadlineKind;
use crate::domain::named::named;
use crate::state::AppState;
use crate::store::deadlines::DeadlineRow;
use crate::store::{deadlines, packages};

named! {
    /// Where a deadline stands.
    DeadlineStatus {
        /// It is still to fire.
        Pending = "pending",
        /// It has fired.
        Fired = "fired",
        /// Its package ended before it.
        Cancelled = "cancelled",
    }
}

/// A deadline, as it is shown.
#[derive(Debug, Serialize)]
struct DeadlineView {
    kind: DeadlineKind,
    ordinal: i32,
    status: DeadlineStatus,
    due_at: DateTime<Utc>,
    fired_at: Option<DateTime<Utc>>,
    cancelled_at: Option<DateTime<Utc>>,
}

impl DeadlineView {
    fn of((kind, row): (DeadlineKind, DeadlineRow)) -> Self {
        let DeadlineRow { ordinal, due_at, fired_at, cancelled_at, .. } = row;
        let status = match (fired_at, cancelled_at) {
            (Some(_), _) => DeadlineStatus::Fired,
            (None, Some(_)) => DeadlineStatus::Cancelled,
            (None, None) => DeadlineStatus::Pending,
        };
        Self { kind, ordinal, status, due_at, fired_at, cancelled_at }
    }
}

/// All of them, in the order in which they fire: a policy has some dozens at most.
pub(super) async fn list_package_deadlines(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let standing = caller::standing(&request, &state).await?;
    let id = path_id(&request, "package")?;
    no_parameters(&request)?;
    let mut conn = state.desk.read().await?;
    let customer_id = packages::customer_of(&mut conn, id).await?.ok_or_else(not_found)?;
    caller::known(&standing, customer_id)?;
    let rows = deadlines::of_package(&mut conn, id).await?;
    Ok(answer_private(&Page { items: rows.into_iter().map(DeadlineView::of).collect(), next: None }))
}
