//! `POST /v1/assets/{id}/hide` and `…/show`: what a moderator takes from view, whatever its owner wants, and lets be seen again.

use actix_web::{HttpRequest, HttpResponse};
use idempotency::StoredAnswer;
use pg_pool::Connection;
use service_error::ServiceError;

use super::access::{judged, known};
use super::change::answer;
use super::links::Links;
use super::perform::{Change, Sight, perform};
use crate::api::incoming;
use crate::domain::access::Caller;
use crate::domain::kind::MediaKind;
use crate::events::published;
use crate::state::AppState;
use crate::store::assets;

/// Nobody sees it any more but its owner, moderators and administrators. Links that were given out before open nothing.
pub(super) async fn hide_asset(
    state: &AppState,
    request: &HttpRequest,
    kind: Option<MediaKind>,
) -> Result<HttpResponse, ServiceError> {
    judge(state, request, kind, true).await
}

/// Those whom its visibility names see it again.
pub(super) async fn show_asset(
    state: &AppState,
    request: &HttpRequest,
    kind: Option<MediaKind>,
) -> Result<HttpResponse, ServiceError> {
    judge(state, request, kind, false).await
}

async fn judge(
    state: &AppState,
    request: &HttpRequest,
    kind: Option<MediaKind>,
    hide: bool,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(request, state)?;
    let id = request_parts::path_id(request, "id")?;
    request_parts::no_parameters(request)?;
    let keyed = request_parts::keyed(request, &state.fingerprints, &caller.subject, &[])?;
    let (name, sight) = if hide { ("hide_asset", Sight::MayShrink) } else { ("show_asset", Sight::Stays) };
    let change = Change { name, asset_id: id, sight, keyed };
    let shared = state.clone();
    perform(state, change, async move |conn| {
        let asset = known(assets::lock(conn, id).await?, kind, &caller)?;
        judged(&caller)?;
        write(conn, &shared, asset, &caller, hide).await
    })
    .await
}

/// What is hidden already stays as it is.
async fn write(
    conn: &mut Connection,
    state: &AppState,
    asset: assets::AssetRow,
    caller: &Caller,
    hide: bool,
) -> Result<StoredAnswer, ServiceError> {
    let now = (state.context.now)();
    let links = Links::at(state, now);
    if asset.hidden_at.is_some() == hide {
        return answer(conn, asset, &links).await;
    }
    let by = hide.then_some(caller.subject.as_str());
    let asset = assets::set_hidden(conn, asset.id, by, now).await?;
    let change = if hide { published::Change::Hidden } else { published::Change::Shown };
    let id = (state.context.new_id)();
    let event = published::asset_changed(id, &asset.about()?, change, hide, Some(&caller.subject), now);
    event_bus::enqueue(conn, &[event]).await?;
    answer(conn, asset, &links).await
}
