//! `POST /v1/gyms/{gym}/highlights`: a member makes a highlight of its own stories.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use idempotency::StoredAnswer;
use pg_pool::Connection;
use problem::{FieldError, Problem, registry};
use serde::{Deserialize, Serialize};
use service_error::ServiceError;
use uuid::Uuid;

use super::access::known;
use crate::api::perform::{Change, perform};
use crate::api::{access, incoming};
use crate::cache::groups::{self, Affected};
use crate::domain::highlight;
use crate::domain::people::Caller;
use crate::state::AppState;
use crate::store::highlights;

/// A highlight to be.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct NewHighlight {
    /// 1 to 50 characters.
    title: String,
    /// Ids of stories in the order in which they are shown, 100 at most.
    #[serde(default)]
    items: Vec<Uuid>,
}

struct Creation {
    state: AppState,
    caller: Caller,
    id: Uuid,
    gym_id: Uuid,
    title: String,
    items: Vec<Uuid>,
}

/// Answers with the highlight.
pub(super) async fn post_highlight(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(&request, &state)?;
    let gym_id = request_parts::path_id(&request, "gym")?;
    request_parts::no_parameters(&request)?;
    let (new, bytes) = request_parts::read_json::<NewHighlight>(&request, payload).await?;
    let title = highlight::title(&new.title).map_err(|fault| faulty(vec![fault]))?;
    highlight::check_items(&new.items).map_err(faulty)?;
    let keyed = request_parts::keyed(&request, &state.fingerprints, caller.id, &bytes)?;
    let change =
        Change { name: "post_highlight", affected: Some(affected(caller.id)), gyms: Vec::new(), keyed };
    let id = (state.context.new_id)();
    let creation = Creation { state: state.as_ref().clone(), caller, id, gym_id, title, items: new.items };
    perform(&state, change, async move |conn| creation.run(conn).await).await
}

/// What changes with a highlight.
pub(super) fn affected(owner_id: Uuid) -> Affected {
    Affected::of("highlights", [groups::highlights(owner_id)])
}

/// The refusal of a body with these faults.
pub(super) fn faulty(faults: Vec<FieldError>) -> ServiceError {
    Problem::new(&registry::VALIDATION_FAILED).errors(faults).into()
}

/// Whether all of these stories may stand in a highlight of this owner.
///
/// # Errors
/// `validation_failed` that names each that may not.
pub(super) async fn check_usable(
    conn: &mut Connection,
    gym_id: Uuid,
    owner_id: Uuid,
    items: &[Uuid],
) -> Result<(), ServiceError> {
    let usable = highlights::usable(conn, gym_id, owner_id, items).await?;
    highlight::check_usable(items, &usable).map_err(faulty)
}

impl Creation {
    async fn run(self, conn: &mut Connection) -> Result<StoredAnswer, ServiceError> {
        access::member(conn, self.gym_id, &self.caller).await?;
        let owner_id = self.caller.id;
        check_usable(conn, self.gym_id, owner_id, &self.items).await?;
        let now = self.state.context.now();
        let row = highlights::insert(conn, self.id, (self.gym_id, owner_id), &self.title, now).await?;
        highlights::set_items(conn, self.id, &self.items).await?;
        let mut answer = known(conn, Some(row), &self.caller, now).await?.answer(201)?;
        answer.headers.push(("location".to_owned(), format!("/v1/highlights/{}", self.id)));
        Ok(answer)
    }
}
