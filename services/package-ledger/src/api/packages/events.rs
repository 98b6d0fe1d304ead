//! `GET /v1/packages/{package}/events`: what happened to a package, in order.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use request_parts::{ListRules, answer_private};
use serde::Serialize;
use service_error::{ServiceError, not_found};
use uuid::Uuid;

use crate::api::caller;
use crate::domain::custody::{ActorRole, EventRecord};
use crate::domain::status::Status;
use crate::state::AppState;
use crate::store::{custody, packages};

const LIST: ListRules<'_> = ListRules::new(&[]);

/// What happened once.
#[derive(Debug, Serialize)]
struct EventView {
    seq: i32,
    kind: String,
    from: Option<Status>,
    to: Status,
    actor_id: Option<Uuid>,
    actor_role: ActorRole,
    at: Option<DateTime<Utc>>,
    data: serde_json::Value,
}

impl From<EventRecord> for EventView {
    fn from(event: EventRecord) -> Self {
        Self {
            seq: event.seq,
            kind: event.kind,
            from: event.from,
            to: event.to,
            actor_id: event.actor_id,
            actor_role: event.actor_role,
            at: DateTime::from_timestamp_micros(event.at),
            data: event.data,
        }
    }
}

/// The events, a page at a time.
pub(super) async fn list_package_events(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let standing = caller::standing(&request, &state).await?;
    let id = request_parts::path_id(&request, "package")?;
    let asked = LIST.read(&request)?;
    let scope = format!("package_events/{id}");
    let after = asked.after(&state.cursors, &scope)?.unwrap_or_default();
    let mut conn = state.desk.read().await?;
    let customer_id = packages::customer_of(&mut conn, id).await?.ok_or_else(not_found)?;
    caller::known(&standing, customer_id)?;
    let events = custody::chain(&mut conn, id, after, asked.rows()).await?;
    let view = |event| Ok(EventView::from(event));
    Ok(answer_private(&asked.page(&state.cursors, &scope, events, |event| event.seq, view)?))
}
