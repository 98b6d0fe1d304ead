//! `DELETE /v1/highlights/{id}`: its stories are only in their author's archive again, and purged in their time.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use conditional::Conditions;
use idempotency::StoredAnswer;
use pg_pool::Connection;
use request_parts::no_content;
use service_error::{ServiceError, refused};
use uuid::Uuid;

use super::access::owned;
use super::create::affected;
use crate::api::incoming;
use crate::api::perform::{Change, perform};
use crate::domain::people::Caller;
use crate::state::AppState;
use crate::store::highlights;

struct Deletion {
    caller: Caller,
    now: DateTime<Utc>,
    id: Uuid,
    conditions: Conditions,
}

/// Answers without a body.
pub(super) async fn delete_highlight(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(&request, &state)?;
    let id = request_parts::path_id(&request, "id")?;
    request_parts::no_parameters(&request)?;
    let conditions = request_parts::conditions(&request)?;
    let keyed = request_parts::keyed(&request, &state.fingerprints, caller.id, &[])?;
    let change =
        Change { name: "delete_highlight", affected: Some(affected(caller.id)), gyms: Vec::new(), keyed };
    let deletion = Deletion { caller, now: state.context.now(), id, conditions };
    perform(&state, change, async move |conn| deletion.run(conn).await).await
}

impl Deletion {
    async fn run(self, conn: &mut Connection) -> Result<StoredAnswer, ServiceError> {
        let highlight = highlights::lock(conn, self.id).await?;
        let shown = owned(conn, highlight, &self.caller, self.now).await?;
        self.conditions.check_write(Some(&shown.tag()?)).map_err(|refusal| refused(&refusal, "highlight"))?;
        highlights::delete(conn, self.id).await?;
        Ok(no_content())
    }
}
