//! `GET` and `HEAD /v1/packages`: announced, here and gone, the newest first (P-A1 to P-A4). One statement for a page with all that it
//! shows, none where it is kept; what each costs is reckoned from tariffs in memory.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use freshness::Groups;
use pg_pool::{Connection, Position};
use request_parts::{Asked, Page};
use serde::Serialize;
use service_error::ServiceError;
use uuid::Uuid;

use super::headers::{self, Dated};
use super::query;
use super::view::PackageView;
use crate::api::{caller, consistency};
use crate::cache::packages::{Kept, Wanted, after};
use crate::cache::standing::Standing;
use crate::cache::{TTL, groups};
use crate::domain::fee::lifetime::valid_until;
use crate::domain::tariff::Tariff;
use crate::state::AppState;
use crate::store::package_list::{self, Filter, Place, Window};

/// What pages are kept as.
pub(crate) const FAMILY: &str = "package_list";

/// A page.
#[derive(Debug, Serialize)]
struct PackagePage {
    items: Vec<PackageView>,
    next: Option<String>,
    /// When the fees on it were reckoned.
    fee_at: DateTime<Utc>,
    /// The first instant at which the clock alone changes anything on it.
    fee_valid_until: Option<DateTime<Utc>>,
}

impl Dated for PackagePage {
    fn undate(&mut self) {
        self.fee_at = DateTime::UNIX_EPOCH;
        self.items.iter_mut().for_each(Dated::undate);
    }
}

/// A list that somebody may see, and asks a page of.
struct List<'a> {
    asked: &'a Asked,
    filter: &'a Filter,
    window: Window,
    /// Whose list it is, with its filters: what its cursors are good for.
    scope: String,
}

/// Packages, a page at a time.
pub(super) async fn list_packages(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let standing = caller::standing(&request, &state).await?;
    let (asked, mut filter) = query::read(&request)?;
    let conditions = request_parts::conditions(&request)?;
    let position = consistency::asked(&request)?;
    let shown = restrict(&standing, &mut filter);
    let groups = headers::groups_for(standing.user_id, &shown)?;

    let scope = format!("packages/{}/{filter:?}", if standing.sees_all() { "all" } else { "own" });
    let place = asked.after(&state.cursors, &scope)?;
    let window = Window { after: place, offset: asked.offset(), rows: asked.rows() };
    let list = List { asked: &asked, filter: &filter, window, scope };
    let kept = if standing.sees(filter.customer_id) {
        kept(&state, &list, &shown, position.as_ref()).await?
    } else {
        // Nobody's, or another customer's: nothing that this person could know of.
        list.page(&state, Vec::new(), &[], state.context.now(), None)?
    };
    headers::respond(&conditions, kept, &groups, state.context.now(), "list")
}

/// Lets nobody see more than is theirs, and says what changes what they see.
fn restrict(standing: &Standing, filter: &mut Filter) -> Vec<String> {
    if standing.sees_all() {
        return vec![groups::PACKAGES.to_owned()];
    }
    filter.customer_id = filter.customer_id.or(standing.customer_id);
    standing.customer_id.map(groups::customer_packages).into_iter().collect()
}

async fn kept(
    state: &AppState,
    list: &List<'_>,
    shown: &[String],
    position: Option<&Position>,
) -> Result<Kept, ServiceError> {
    let key = format!("1/{}/{:?}", list.scope, list.window);
    let groups = Groups::of(shown.iter().cloned())?;
    let wanted = Wanted { family: FAMILY, key: &key, groups: &groups, ttl: TTL, position };
    state.desk.kept(wanted, async |conn, now| list.load(state, conn, now).await).await
}

impl List<'_> {
    async fn load(
        &self,
        state: &AppState,
        conn: &mut Connection,
        now: DateTime<Utc>,
    ) -> Result<Kept, ServiceError> {
        // A list of what is overdue grows by the clock: by packages that are not on it.
        let next_overdue = match self.filter.or_overdue {
            true => package_list::next_hold_end(conn, now).await?.map(after),
            false => None,
        };
        let rows = package_list::page(conn, self.filter, self.window, now).await?;
        let tariff_ids: Vec<Uuid> = rows.iter().map(|(package, _)| package.tariff_id).collect();
        let known = state.tariffs.with(conn, tariff_ids).await?;
        self.page(state, rows, &known, now, next_overdue)
    }

    fn page(
        &self,
        state: &AppState,
        rows: Vec<package_list::Row>,
        known: &[Tariff],
        now: DateTime<Utc>,
        next_overdue: Option<DateTime<Utc>>,
    ) -> Result<Kept, ServiceError> {
        let place = |(package, _): &package_list::Row| Place(package.created_at, package.id);
        let view = |(package, parts)| PackageView::new(package, parts, known, now);
        let Page { items, next } = self.asked.page(&state.cursors, &self.scope, rows, place, view)?;
        let until = valid_until(items.iter().map(PackageView::changes_at).chain([next_overdue]));
        let page = PackagePage { items, next, fee_at: now, fee_valid_until: until };
        headers::write(page, None, None, until)
    }
}
