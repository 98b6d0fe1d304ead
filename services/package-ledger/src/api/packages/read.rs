//! `GET` and `HEAD /v1/packages/{package}`.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use freshness::Groups;
use pg_pool::Connection;
use service_error::{ServiceError, not_found};
use uuid::Uuid;

use super::headers;
use super::view::PackageView;
use crate::api::{caller, consistency};
use crate::cache::packages::{Kept, Wanted};
use crate::cache::{TTL, groups};
use crate::state::AppState;
use crate::store::package_list;

/// What packages are kept as.
pub(crate) const FAMILY: &str = "package";

/// One package, for whoever may know of it.
pub(super) async fn get_package(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let standing = caller::standing(&request, &state).await?;
    let id = request_parts::path_id(&request, "package")?;
    request_parts::no_parameters(&request)?;
    let conditions = request_parts::conditions(&request)?;
    let position = consistency::asked(&request)?;
    let shown = [groups::package(id), groups::CUSTOMERS.to_owned()];
    let own = Groups::of(shown.iter().cloned())?;
    let key = format!("1/{id}");
    let wanted = Wanted { family: FAMILY, key: &key, groups: &own, ttl: TTL, position: position.as_ref() };
    let kept = state.desk.kept(wanted, async |conn, now| load(&state, conn, id, now).await).await?;
    caller::known(&standing, kept.customer_id)?;
    let groups = headers::groups_for(standing.user_id, &shown)?;
    headers::respond(&conditions, kept, &groups, state.context.now(), "package")
}

async fn load(
    state: &AppState,
    conn: &mut Connection,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<Kept, ServiceError> {
    let (package, parts) = package_list::one(conn, id).await?.ok_or_else(not_found)?;
    let known = state.tariffs.with(conn, [package.tariff_id]).await?;
    let customer_id = package.customer_id;
    let view = PackageView::new(package, parts, &known, now)?;
    let (version, until) = (view.version, view.changes_at());
    headers::write(view, Some(version), customer_id, until)
}
