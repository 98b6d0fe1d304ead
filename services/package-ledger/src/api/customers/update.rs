//! `PATCH /v1/customers/{customer}`: fenced by its version. A customer changes how it is reached, the desk everything, and an admin who
//! signs in as it.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use conditional::Conditions;
use idempotency::StoredAnswer;
use pg_pool::Connection;
use problem::{Problem, registry};
use request_parts::answer;
use service_error::{ServiceError, forbidden, not_found, validation};
use uuid::Uuid;

use super::view::CustomerView;
use crate::api::caller;
use crate::api::perform::{Change, perform};
use crate::cache::groups::{self, Affected};
use crate::cache::standing::Standing;
use crate::domain::customer::{CustomerDraft, CustomerPatch};
use crate::domain::person::{Permission, may};
use crate::state::AppState;
use crate::store::customers::{self, CustomerRow};

struct Update {
    state: AppState,
    id: Uuid,
    /// Who signed in as it a moment ago: what is declared to change depends on it.
    user_before: Option<Uuid>,
    conditions: Conditions,
    patch: CustomerPatch,
}

/// Answers with the customer as it is then.
pub(super) async fn patch_customer(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let standing = caller::permitted(&request, &state, Permission::EditOwn).await?;
    let id = request_parts::path_id(&request, "customer")?;
    request_parts::no_parameters(&request)?;
    let conditions = request_parts::conditions(&request)?;
    caller::known(&standing, Some(id))?;
    let (patch, bytes) = request_parts::read_json::<CustomerPatch>(&request, payload).await?;
    check_right(&standing, &patch)?;
    let keyed = request_parts::keyed(&request, &state.fingerprints, standing.user_id, &bytes)?;
    let before = customers::find(&mut *state.desk.read().await?, id).await?.ok_or_else(not_found)?;
    let affected = affected(id, before.user_id, &patch);
    let change = Change { name: "patch_customer", affected: Some(affected), keyed };
    let update = Update { state: state.as_ref().clone(), id, user_before: before.user_id, conditions, patch };
    perform(&state, change, async move |conn| update.run(conn).await).await
}

fn check_right(standing: &Standing, patch: &CustomerPatch) -> Result<(), ServiceError> {
    let for_the_desk = patch.for_the_desk();
    if !for_the_desk.is_empty() && !may(standing.role, Permission::ManageCustomers) {
        return Err(forbidden(&format!("the desk alone changes {}", for_the_desk.join(", "))));
    }
    if patch.user_id.is_some() && !may(standing.role, Permission::ManageOperators) {
        return Err(forbidden("an admin alone changes user_id"));
    }
    Ok(())
}

/// Lists of packages show the customer, and who signs in as it sees them.
fn affected(id: Uuid, user_before: Option<Uuid>, patch: &CustomerPatch) -> Affected {
    let shown = [groups::CUSTOMERS.to_owned(), groups::PACKAGES.to_owned(), groups::ANNOUNCEMENTS.to_owned()];
    let own = [groups::customer(id), groups::customer_packages(id), groups::customer_announcements(id)];
    let people = patch.user_id.map(|user_after| [user_before, user_after]).into_iter().flatten().flatten();
    Affected::of("customers", shown).and(own).and(people.map(groups::standing))
}

impl Update {
    async fn run(self, conn: &mut Connection) -> Result<StoredAnswer, ServiceError> {
        let row = customers::lock(conn, self.id).await?.ok_or_else(not_found)?;
        request_parts::check_version(&self.conditions, row.version, "customer")?;
        if row.user_id != self.user_before {
            let detail = "somebody else signs in as this customer now; try again";
            return Err(Problem::new(&registry::CONFLICT).detail(detail).into());
        }
        let user_id = self.patch.user_id.unwrap_or(row.user_id);
        let before = row.draft()?;
        let draft = self.patch.onto(before.clone()).map_err(validation)?;
        let row = if draft == before && user_id == row.user_id {
            row
        } else {
            changed(conn, row, user_id, draft, &self.state).await?
        };
        let version = row.version;
        answer(200, &CustomerView::of(row)?, Some(version))
    }
}

async fn changed(
    conn: &mut Connection,
    row: CustomerRow,
    user_id: Option<Uuid>,
    draft: CustomerDraft,
    state: &AppState,
) -> Result<CustomerRow, ServiceError> {
    let row = CustomerRow {
        version: row.version + 1,
        created_at: row.created_at,
        ..CustomerRow::new(row.id, user_id, draft, state.context.now())
    };
    customers::save(conn, &row).await.map_err(super::refused)?;
    Ok(row)
}
