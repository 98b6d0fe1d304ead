//! `GET /v1/packages/{package}/notifications`: what its customer was told, and what became of it. A customer sees its own messages,
//! without what they cost and why one failed.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use problem::{Problem, registry};
use request_parts::{ListRules, answer, answer_private, keyed, no_parameters, path_id};
use serde::Serialize;
use service_error::{ServiceError, not_found};
use uuid::Uuid;

use crate::api::caller;
use crate::api::perform::{Change, perform};
use crate::domain::person::Permission;
use crate::state::AppState;
use crate::store::notifications::NotificationRow;
use crate::store::{notifications, packages};

const LIST: ListRules<'_> = ListRules::new(&[]);

/// A message, as it is shown.
#[derive(Debug, Serialize)]
struct NotificationView {
    id: Uuid,
    channel: String,
    template: String,
    language: String,
    recipient: String,
    status: String,
    attempts: i32,
    created_at: DateTime<Utc>,
    next_attempt_at: Option<DateTime<Utc>>,
    sent_at: Option<DateTime<Utc>>,
    delivered_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    for_staff: Option<StaffView>,
}

/// What only those at the desk see of it.
#[derive(Debug, Serialize)]
struct StaffView {
    customer_id: Option<Uuid>,
    created_by: Option<Uuid>,
    provider_id: Option<String>,
    cost_minor: Option<i64>,
    error_code: Option<String>,
    note: Option<String>,
}

impl NotificationView {
    fn of(row: NotificationRow, is_for_staff: bool) -> Self {
        let note = row.data.get("note").and_then(|note| note.as_str()).map(str::to_owned);
        let for_staff = is_for_staff.then_some(StaffView {
            customer_id: row.customer_id,
            created_by: row.created_by,
            provider_id: row.provider_id,
            cost_minor: row.cost_minor,
            error_code: row.error_code,
            note,
        });
        Self {
            id: row.id,
            channel: row.channel,
            template: row.template,
            language: row.language,
            recipient: row.recipient,
            status: row.status,
            attempts: row.attempts,
            created_at: row.created_at,
            next_attempt_at: row.next_attempt_at,
            sent_at: row.sent_at,
            delivered_at: row.delivered_at,
            for_staff,
        }
    }
}

/// The messages, a page at a time.
pub(super) async fn list_package_notifications(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let standing = caller::standing(&request, &state).await?;
    let id = path_id(&request, "package")?;
    let asked = LIST.read(&request)?;
    let scope = format!("package_notifications/{id}");
    let after = asked.after(&state.cursors, &scope)?;
    let mut conn = state.desk.read().await?;
    let customer_id = packages::customer_of(&mut conn, id).await?.ok_or_else(not_found)?;
    caller::known(&standing, customer_id)?;
    let is_for_staff = standing.sees_all();
    // Those to a customer whom the package was taken from are none of the next one's business.
    let whose = if is_for_staff { None } else { standing.customer_id };
    let rows = notifications::of_package(&mut conn, id, whose, after, asked.rows()).await?;
    let view = |row| Ok(NotificationView::of(row, is_for_staff));
    Ok(answer_private(&asked.page(&state.cursors, &scope, rows, |row| row.id, view)?))
}

/// `POST /v1/notifications/{notification}/delivered`: a message has reached its customer. No copy shows messages.
pub(super) async fn post_notification_delivered(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let standing = caller::permitted(&request, &state, Permission::MovePackages).await?;
    let id = path_id(&request, "notification")?;
    no_parameters(&request)?;
    let keyed = keyed(&request, &state.fingerprints, standing.user_id, &[])?;
    let now = state.context.now();
    let change = Change { name: "post_notification_delivered", affected: None, keyed };
    perform(&state, change, async move |conn| {
        let row = notifications::delivered(conn, id, now).await?.ok_or_else(not_found)?;
        if row.status != "delivered" {
            let detail = "a message that was not sent cannot have arrived";
            return Err(Problem::new(&registry::CONFLICT).detail(detail).into());
        }
        answer(200, &NotificationView::of(row, true), None)
    })
    .await
}
