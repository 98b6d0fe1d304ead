//! `GET` and `HEAD /v1/announcements`: the newest first. One statement for a page with customers and packages (P-A4), none where it is
//! kept.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use freshness::Groups;
use problem::FieldError;
use request_parts::{Asked, ListRules, Page, parameter_fault};
use serde::Serialize;
use service_error::{ServiceError, parameters};
use uuid::Uuid;

use super::view::AnnouncementView;
use crate::api::packages::headers::{self, Dated};
use crate::api::{caller, consistency};
use crate::cache::packages::{Kept, Wanted};
use crate::cache::standing::Standing;
use crate::cache::{TTL, groups};
use crate::domain::announcement::AnnouncementStatus;
use crate::domain::search::{MAX_CHARS, MIN_CHARS, Search};
use crate::state::AppState;
use crate::store::announcements::{self, Filter, Place, Row, Window};

/// What pages are kept as.
pub(crate) const FAMILY: &str = "announcement_list";
const LIST: ListRules<'_> = ListRules::new(&["status", "customer_id", "q"]).numbered_pages();

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct AnnouncementPage(Page<AnnouncementView>);

impl Dated for AnnouncementPage {
    /// The clock alone changes nothing of it.
    fn undate(&mut self) {}
}

/// Announcements, a page at a time.
pub(super) async fn list_announcements(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let standing = caller::standing(&request, &state).await?;
    let asked = LIST.read(&request)?;
    let mut filter = filter(&asked)?;
    let conditions = request_parts::conditions(&request)?;
    let position = consistency::asked(&request)?;
    let shown = restrict(&standing, &mut filter);
    let groups = headers::groups_for(standing.user_id, &shown)?;
    let scope = format!("announcements/{}/{filter:?}", if standing.sees_all() { "all" } else { "own" });
    let after: Option<Place> = asked.after(&state.cursors, &scope)?;
    let window = Window { after, offset: asked.offset(), rows: asked.rows() };
    let kept = if standing.sees(filter.customer_id) {
        let key = format!("1/{scope}/{window:?}");
        let own = Groups::of(shown.iter().cloned())?;
        let wanted =
            Wanted { family: FAMILY, key: &key, groups: &own, ttl: TTL, position: position.as_ref() };
        let load = async |conn: &mut _, _| {
            page(&state, &asked, &scope, announcements::page(conn, &filter, window).await?)
        };
        state.desk.kept(wanted, load).await?
    } else {
        // Nobody's, or another customer's: nothing that this person could know of.
        page(&state, &asked, &scope, Vec::new())?
    };
    headers::respond(&conditions, kept, &groups, state.context.now(), "list")
}

fn page(state: &AppState, asked: &Asked, scope: &str, rows: Vec<Row>) -> Result<Kept, ServiceError> {
    let place = |(row, _): &Row| Place(row.created_at, row.id);
    let page = asked.page(&state.cursors, scope, rows, place, |row| Ok(AnnouncementView::from(row)))?;
    headers::write(AnnouncementPage(page), None, None, None)
}

/// Lets nobody see more than is theirs, and says what changes what they see.
fn restrict(standing: &Standing, filter: &mut Filter) -> Vec<String> {
    if standing.sees_all() {
        return [groups::ANNOUNCEMENTS, groups::PACKAGES, groups::CUSTOMERS].map(str::to_owned).to_vec();
    }
    filter.customer_id = filter.customer_id.or(standing.customer_id);
    standing.customer_id.map(of_customer).unwrap_or_default()
}

/// What changes announcements of a customer, as they are shown.
pub(super) fn of_customer(id: Uuid) -> Vec<String> {
    vec![groups::customer_announcements(id), groups::customer_packages(id), groups::customer(id)]
}

fn filter(asked: &Asked) -> Result<Filter, ServiceError> {
    let mut faults: Vec<FieldError> = Vec::new();
    let mut fault = |name: &str, code: &'static str, message: String| {
        faults.push(parameter_fault(name, code, message));
    };
    let mut filter = Filter::default();
    if let Some(name) = asked.filter("status") {
        filter.status = AnnouncementStatus::parse(name);
        if filter.status.is_none() {
            let names: Vec<&str> = AnnouncementStatus::ALL.iter().map(|status| status.as_str()).collect();
            fault("status", "not_a_choice", format!("must be one of {}", names.join(", ")));
        }
    }
    if let Some(id) = asked.filter("customer_id") {
        filter.customer_id = Uuid::parse_str(id).ok();
        if filter.customer_id.is_none() {
            fault("customer_id", "malformed", "must be a UUID".to_owned());
        }
    }
    if let Some(typed) = asked.filter("q") {
        filter.search = Search::read(typed);
        if filter.search.is_none() {
            let message = format!(
                "must be at least {MIN_CHARS} letters or digits of the beginning of a number or name, and at most {MAX_CHARS} characters"
            );
            fault("q", "out_of_range", message);
        }
    }
    if faults.is_empty() { Ok(filter) } else { Err(parameters(faults)) }
}
