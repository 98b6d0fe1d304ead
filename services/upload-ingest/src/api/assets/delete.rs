//! `DELETE /v1/assets/{id}`: gone at once for everybody. Its objects are removed soon after by the reconciler; a worker that is at it finds
//! its claim void.

use actix_web::{HttpRequest, HttpResponse};
use conditional::{Conditions, WriteRefusal};
use idempotency::StoredAnswer;
use pg_pool::Connection;
use service_error::{ServiceError, refused};
use uuid::Uuid;

use super::access::{changeable, known};
use super::perform::{Change, Sight, perform};
use super::representation;
use crate::api::incoming;
use crate::domain::access::Caller;
use crate::domain::kind::MediaKind;
use crate::events::published;
use crate::state::AppState;
use crate::store::{assets, jobs, objects, renditions, usage};

struct Delete {
    state: AppState,
    caller: Caller,
    id: Uuid,
    kind: Option<MediaKind>,
    conditions: Conditions,
}

/// Answers without a body.
pub(super) async fn delete_asset(
    state: &AppState,
    request: &HttpRequest,
    kind: Option<MediaKind>,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(request, state)?;
    let id = request_parts::path_id(request, "id")?;
    request_parts::no_parameters(request)?;
    let conditions = representation::write_conditions(request)?;
    if conditions.is_empty() {
        return Err(refused(&WriteRefusal::Missing, "asset"));
    }
    let keyed = request_parts::keyed(request, &state.fingerprints, &caller.subject, &[])?;
    let change = Change { name: "delete_asset", asset_id: id, sight: Sight::MayShrink, keyed };
    let delete = Delete { state: state.clone(), caller, id, kind, conditions };
    perform(state, change, async move |conn| delete.run(conn).await).await
}

impl Delete {
    async fn run(self, conn: &mut Connection) -> Result<StoredAnswer, ServiceError> {
        let asset = known(assets::lock(conn, self.id).await?, self.kind, &self.caller)?;
        changeable(&asset, &self.caller)?;
        request_parts::check_version(&self.conditions, asset.version, "asset")?;
        let now = (self.state.context.now)();
        jobs::cancel_all(conn, self.id, now).await?;
        renditions::delete_of(conn, self.id).await?;
        objects::doom_all(conn, self.id).await?;
        usage::subtract(conn, &asset.owner, asset.bytes).await?;
        let deleted = assets::delete(conn, self.id, now).await?;
        let event = published::asset_changed(
            (self.state.context.new_id)(),
            &deleted.about()?,
            published::Change::Deleted,
            deleted.hidden_at.is_some(),
            Some(&self.caller.subject),
            now,
        );
        event_bus::enqueue(conn, &[event]).await?;
        Ok(request_parts::no_content())
    }
}
