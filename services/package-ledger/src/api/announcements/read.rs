//! `GET` and `HEAD /v1/announcements/{announcement}`: an announcement, for the desk and for its customer.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use freshness::Groups;
use pg_pool::Connection;
use service_error::{ServiceError, not_found};
use uuid::Uuid;

use super::view::AnnouncementView;
use crate::api::packages::headers;
use crate::api::{caller, consistency};
use crate::cache::packages::{Kept, Wanted};
use crate::cache::{TTL, groups};
use crate::state::AppState;
use crate::store::announcements;

/// What announcements are kept as.
pub(crate) const FAMILY: &str = "announcement";

/// At most one statement.
pub(super) async fn get_announcement(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let standing = caller::standing(&request, &state).await?;
    let id = request_parts::path_id(&request, "announcement")?;
    request_parts::no_parameters(&request)?;
    let conditions = request_parts::conditions(&request)?;
    let position = consistency::asked(&request)?;
    // Whose it is, is known when it is read.
    let shown = [groups::ANNOUNCEMENTS, groups::PACKAGES, groups::CUSTOMERS].map(str::to_owned);
    let own = Groups::of(shown.iter().cloned())?;
    let key = format!("1/{id}");
    let wanted = Wanted { family: FAMILY, key: &key, groups: &own, ttl: TTL, position: position.as_ref() };
    let kept = state.desk.kept(wanted, async |conn, _| load(conn, id).await).await?;
    caller::known(&standing, kept.customer_id)?;
    let groups = headers::groups_for(standing.user_id, &shown)?;
    headers::respond(&conditions, kept, &groups, state.context.now(), "announcement")
}

async fn load(conn: &mut Connection, id: Uuid) -> Result<Kept, ServiceError> {
    let row = announcements::one(conn, id).await?.ok_or_else(not_found)?;
    let (version, customer_id) = (row.0.version, row.0.customer_id);
    headers::write(AnnouncementView::from(row), Some(version), Some(customer_id), None)
}
