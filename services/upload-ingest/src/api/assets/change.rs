//! `PATCH /v1/assets/{id}`: title and visibility, fenced by the version. From public to private, it takes media from view.

use actix_web::web::Payload;
use actix_web::{FromRequest as _, HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use conditional::{Conditions, WriteRefusal};
use http_server::JsonBody;
use idempotency::StoredAnswer;
use pg_pool::Connection;
use problem::{Problem, registry};
use service_error::{ServiceError, refused};
use uuid::Uuid;

use super::access::{changeable, known};
use super::links::Links;
use super::perform::{Change, Sight, perform};
use super::representation;
use crate::api::incoming;
use crate::domain::access::Caller;
use crate::domain::asset::Visibility;
use crate::domain::kind::MediaKind;
use crate::domain::patch::AssetPatch;
use crate::events::published;
use crate::state::AppState;
use crate::store::assets::{self, AssetRow};
use crate::store::renditions;

struct Update {
    state: AppState,
    caller: Caller,
    id: Uuid,
    kind: Option<MediaKind>,
    conditions: Conditions,
    patch: AssetPatch,
}

/// Answers with the asset as it stands then.
pub(super) async fn update_asset(
    state: &AppState,
    request: &HttpRequest,
    body: Payload,
    kind: Option<MediaKind>,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(request, state)?;
    let id = request_parts::path_id(request, "id")?;
    request_parts::no_parameters(request)?;
    let conditions = representation::write_conditions(request)?;
    if conditions.is_empty() {
        return Err(refused(&WriteRefusal::Missing, "asset"));
    }
    let JsonBody(patch) = JsonBody::<AssetPatch>::from_request(request, &mut body.into_inner()).await?;
    let patch = with_checked_title(patch)?;
    // What decides what the request does, in one spelling.
    let body = serde_json::to_vec(&patch).unwrap_or_default();
    let keyed = request_parts::keyed(request, &state.fingerprints, &caller.subject, &body)?;
    let sight = if patch.may_take_from_view() { Sight::MayShrink } else { Sight::Stays };
    let change = Change { name: "update_asset", asset_id: id, sight, keyed };
    let update = Update { state: state.clone(), caller, id, kind, conditions, patch };
    perform(state, change, async move |conn| update.run(conn).await).await
}

fn with_checked_title(mut patch: AssetPatch) -> Result<AssetPatch, ServiceError> {
    if let Some(Some(title)) = &patch.title {
        let title = incoming::title(title).map_err(|(code, message)| {
            Problem::new(&registry::VALIDATION_FAILED).field("/title", code, message)
        })?;
        patch.title = Some(title);
    }
    Ok(patch)
}

impl Update {
    async fn run(self, conn: &mut Connection) -> Result<StoredAnswer, ServiceError> {
        let asset = known(assets::lock(conn, self.id).await?, self.kind, &self.caller)?;
        changeable(&asset, &self.caller)?;
        request_parts::check_version(&self.conditions, asset.version, "asset")?;
        let now = (self.state.context.now)();
        let asset = self.write(conn, asset, now).await?;
        answer(conn, asset, &Links::at(&self.state, now)).await
    }

    async fn write(
        &self,
        conn: &mut Connection,
        asset: AssetRow,
        now: DateTime<Utc>,
    ) -> Result<AssetRow, ServiceError> {
        let title = self.patch.title.clone().unwrap_or_else(|| asset.title.clone());
        let before = asset.visibility()?;
        let visibility = self.patch.visibility.map_or(before, Visibility::from);
        if title == asset.title && visibility == before {
            return Ok(asset);
        }
        let status = asset.status()?.with(visibility);
        let changed = assets::update(conn, self.id, title.as_deref(), visibility, status, now).await?;
        if visibility != before {
            let event = published::asset_changed(
                (self.state.context.new_id)(),
                &changed.about()?,
                published::Change::Visibility,
                changed.hidden_at.is_some(),
                Some(&self.caller.subject),
                now,
            );
            event_bus::enqueue(conn, &[event]).await?;
        }
        Ok(changed)
    }
}

/// The asset as it stands, with its validator.
///
/// # Errors
/// Of the database.
pub(super) async fn answer(
    conn: &mut Connection,
    asset: AssetRow,
    links: &Links,
) -> Result<StoredAnswer, ServiceError> {
    let made = renditions::of(conn, &[asset.id]).await?;
    let tag = representation::tag(&asset, links).to_string();
    let view = representation::view(asset, made, links)?;
    let body = serde_json::to_vec(&view).map_err(|error| Problem::new(&registry::INTERNAL).cause(error))?;
    let headers = [("content-type", "application/json".to_owned()), ("etag", tag)];
    let headers = headers.map(|(name, value)| (name.to_owned(), value)).to_vec();
    Ok(StoredAnswer { status: 200, headers, body })
}
