//! `POST /v1/customers`: the desk adds a customer, or somebody becomes one.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use idempotency::StoredAnswer;
use pg_pool::Connection;
use request_parts::answer;
use service_error::{ServiceError, invalid, validation};

use super::view::CustomerView;
use crate::api::caller;
use crate::api::perform::{Change, perform};
use crate::cache::groups::{self, Affected};
use crate::cache::standing::Standing;
use crate::domain::customer::CustomerDraft;
use crate::domain::person::{Permission, may};
use crate::state::AppState;
use crate::store::customers::{self, CustomerRow};

/// Answers with the customer. Whoever does not work at the desk becomes it, once.
pub(super) async fn post_customer(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let standing = caller::permitted(&request, &state, Permission::EditOwn).await?;
    request_parts::no_parameters(&request)?;
    let (draft, bytes) = request_parts::read_json::<CustomerDraft>(&request, payload).await?;
    let draft = draft.checked().map_err(validation)?;
    let keyed = request_parts::keyed(&request, &state.fingerprints, standing.user_id, &bytes)?;
    let row = new_customer(&state, &standing, draft)?;
    let affected = Affected::of("customers", [groups::CUSTOMERS.to_owned(), groups::customer(row.id)])
        .and(row.user_id.map(groups::standing));
    let change = Change { name: "post_customer", affected: Some(affected), keyed };
    perform(&state, change, async move |conn| add(conn, row).await).await
}

fn new_customer(
    state: &AppState,
    standing: &Standing,
    draft: CustomerDraft,
) -> Result<CustomerRow, ServiceError> {
    let is_for_others = may(standing.role, Permission::ManageCustomers);
    if !is_for_others && !draft.is_active {
        return Err(invalid("/is_active", "not_allowed", "the desk alone says who announces nothing"));
    }
    let user_id = (!is_for_others).then_some(standing.user_id);
    Ok(CustomerRow::new(state.context.new_id(), user_id, draft, state.context.now()))
}

async fn add(conn: &mut Connection, row: CustomerRow) -> Result<StoredAnswer, ServiceError> {
    customers::insert(conn, &row).await.map_err(super::refused)?;
    let (id, version) = (row.id, row.version);
    let mut answer = answer(201, &CustomerView::of(row)?, Some(version))?;
    answer.headers.push(("location".to_owned(), format!("/v1/customers/{id}")));
    Ok(answer)
}
