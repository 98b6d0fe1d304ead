//! `PATCH /v1/highlights/{id}`: another title, other stories or another order, fenced by the validator.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use conditional::Conditions;
use idempotency::StoredAnswer;
use pg_pool::Connection;
use serde::{Deserialize, Serialize};
use service_error::{ServiceError, not_found, refused};
use uuid::Uuid;

use super::access::{known, owned};
use super::create::{affected, check_usable, faulty};
use crate::api::incoming;
use crate::api::perform::{Change, perform};
use crate::domain::highlight;
use crate::domain::people::Caller;
use crate::state::AppState;
use crate::store::highlights;

/// A change as the client sends it (RFC 7396): what is left out stays as it is.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct HighlightPatch {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    /// All of them, in their order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    items: Option<Vec<Uuid>>,
}

struct Update {
    state: AppState,
    caller: Caller,
    id: Uuid,
    conditions: Conditions,
    patch: HighlightPatch,
}

/// Answers with the highlight as it stands then.
pub(super) async fn patch_highlight(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(&request, &state)?;
    let id = request_parts::path_id(&request, "id")?;
    request_parts::no_parameters(&request)?;
    let conditions = request_parts::conditions(&request)?;
    let (mut patch, bytes) = request_parts::read_json::<HighlightPatch>(&request, payload).await?;
    if let Some(title) = &patch.title {
        patch.title = Some(highlight::title(title).map_err(|fault| faulty(vec![fault]))?);
    }
    if let Some(items) = &patch.items {
        highlight::check_items(items).map_err(faulty)?;
    }
    let keyed = request_parts::keyed(&request, &state.fingerprints, caller.id, &bytes)?;
    let change =
        Change { name: "patch_highlight", affected: Some(affected(caller.id)), gyms: Vec::new(), keyed };
    let update = Update { state: state.as_ref().clone(), caller, id, conditions, patch };
    perform(&state, change, async move |conn| update.run(conn).await).await
}

impl Update {
    async fn run(self, conn: &mut Connection) -> Result<StoredAnswer, ServiceError> {
        let before = highlights::lock(conn, self.id).await?.ok_or_else(not_found)?;
        let now = self.state.context.now();
        let shown = owned(conn, Some(before.clone()), &self.caller, now).await?;
        self.conditions.check_write(Some(&shown.tag()?)).map_err(|refusal| refused(&refusal, "highlight"))?;
        if let Some(items) = &self.patch.items {
            check_usable(conn, before.gym_id, before.owner_id, items).await?;
            highlights::set_items(conn, self.id, items).await?;
        }
        let title = self.patch.title.as_deref().unwrap_or(shown.title());
        let row = if title == shown.title() && self.patch.items.is_none() {
            before
        } else {
            highlights::update(conn, self.id, title, now).await?
        };
        known(conn, Some(row), &self.caller, now).await?.answer(200)
    }
}
