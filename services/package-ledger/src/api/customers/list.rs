//! `GET` and `HEAD /v1/customers`: for the desk; those whose name or phone number begins as asked for, or all, the newest first.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use request_parts::{ListRules, refuse_parameter};
use service_error::ServiceError;

use super::view::CustomerView;
use crate::api::caller;
use crate::domain::customer::{COLOMBIA, Wanted};
use crate::domain::person::Permission;
use crate::domain::search::{MAX_CHARS, MIN_CHARS};
use crate::state::AppState;
use crate::store::customers::{self, CustomerRow, Place, Window};

const LIST: ListRules<'_> = ListRules::new(&["q"]).numbered_pages();

/// One statement.
pub(super) async fn list_customers(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    caller::permitted(&request, &state, Permission::ReadAll).await?;
    let asked = LIST.read(&request)?;
    let wanted = asked.filter("q").map(wanted).transpose()?;
    let scope = format!("customers\n{wanted:?}");
    let after: Option<Place> = asked.after(&state.cursors, &scope)?;
    let window = Window { after, offset: asked.offset(), rows: asked.rows() };
    let rows = customers::page(&mut *state.desk.read().await?, wanted.as_ref(), &window).await?;
    let place = |row: &CustomerRow| Place::of(row, wanted.as_ref());
    Ok(request_parts::answer_private(&asked.page(&state.cursors, &scope, rows, place, CustomerView::of)?))
}

fn wanted(typed: &str) -> Result<Wanted, ServiceError> {
    Wanted::read(typed, &COLOMBIA).ok_or_else(|| {
        let message = format!(
            "must be at least {MIN_CHARS} characters of the beginning of a name or phone number, and at most {MAX_CHARS}"
        );
        refuse_parameter("q", "out_of_range", message)
    })
}
