//! `PUT` and `DELETE /v1/me/avatar`: the picture that is shown beside one's name, in every gym that one belongs to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::web::{self, Data, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use idempotency::{Keyed, StoredAnswer};
use pg_pool::Connection;
use problem::{Problem, registry};
use request_parts::no_content;
use serde::{Deserialize, Serialize};
use service_error::{ServiceError, not_found};
use uuid::Uuid;

use super::incoming;
use super::perform::{Change, perform};
use crate::cache::groups::{self, Affected};
use crate::domain::media::MediaState;
use crate::domain::story::Kind;
use crate::problems::ASSET_UNUSABLE;
use crate::state::AppState;
use crate::store::media::{self, MediaRow};
use crate::store::{gyms, members, people, presence};
use crate::uploads;

/// How often a change begins anew because its person joined a gym meanwhile.
const MAX_ATTEMPTS: u32 = 3;

/// Which picture.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Avatar {
    /// A public picture of the caller's own, ready to be shown.
    asset_id: Uuid,
}

/// A picture that may be one.
enum Picture {
    /// Known here.
    Known(Uuid),
    /// As upload-ingest has just described it.
    Told(Box<MediaRow>),
}

/// A picture to be, or none.
struct Choice {
    state: AppState,
    caller_id: Uuid,
    /// A refusal is answered only where the request is not a repeated one, which needs nothing of it.
    picture: Option<Result<Picture, ServiceError>>,
    /// The gyms that were declared to change.
    gyms: Vec<Uuid>,
    /// Set where the person has joined another one since.
    has_joined: Arc<AtomicBool>,
}

/// Registers it.
pub(crate) fn configure(app: &mut ServiceConfig) {
    app.service(
        web::resource("/v1/me/avatar")
            .route(web::put().to(put_avatar))
            .route(web::delete().to(delete_avatar)),
    );
}

/// Answers without a body.
async fn put_avatar(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(&request, &state)?;
    request_parts::no_parameters(&request)?;
    let (Avatar { asset_id }, bytes) = request_parts::read_json(&request, payload).await?;
    let keyed = request_parts::keyed(&request, &state.fingerprints, caller.id, &bytes)?;
    change("put_avatar", &state, &request, caller.id, Some(asset_id), keyed).await
}

/// Answers without a body, whether or not there was one.
async fn delete_avatar(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, ServiceError> {
    let caller = incoming::caller(&request, &state)?;
    request_parts::no_parameters(&request)?;
    let keyed = request_parts::keyed(&request, &state.fingerprints, caller.id, &[])?;
    change("delete_avatar", &state, &request, caller.id, None, keyed).await
}

async fn change(
    name: &'static str,
    state: &AppState,
    request: &HttpRequest,
    caller_id: Uuid,
    asset_id: Option<Uuid>,
    keyed: Option<Keyed>,
) -> Result<HttpResponse, ServiceError> {
    let mut attempt = 1;
    loop {
        let picture = match asset_id {
            Some(asset_id) => Some(look_up(state, request, caller_id, asset_id).await),
            None => None,
        };
        let gyms = members::gyms_of(&mut *state.stories.read().await?, caller_id).await?;
        let has_joined = Arc::new(AtomicBool::new(false));
        let change = Change { name, affected: affected(&gyms), gyms: gyms.clone(), keyed: keyed.clone() };
        let choice =
            Choice { state: state.clone(), caller_id, picture, gyms, has_joined: Arc::clone(&has_joined) };
        let performed = perform(state, change, async move |conn| choice.run(conn).await).await;
        if attempt >= MAX_ATTEMPTS || !has_joined.load(Ordering::Relaxed) {
            return performed;
        }
        attempt += 1;
    }
}

/// The picture as it is known here; where it is not known to be one, as upload-ingest describes it.
async fn look_up(
    state: &AppState,
    request: &HttpRequest,
    caller_id: Uuid,
    asset_id: Uuid,
) -> Result<Picture, ServiceError> {
    let known = media::of(&mut *state.stories.read().await?, asset_id).await?;
    if known.is_some_and(|known| is_picture_of(&known, caller_id)) {
        return Ok(Picture::Known(asset_id));
    }
    let asset = state.uploads.look_up(uploads::bearer(request).as_ref(), asset_id).await?;
    let told = asset.shown_by(caller_id, Kind::Image, &state.config.uploads)?;
    Ok(Picture::Told(Box::new(told)))
}

/// What shows a person's picture.
fn affected(gyms: &[Uuid]) -> Option<Affected> {
    let names = gyms.iter().flat_map(|gym| [groups::gym_stories(*gym), groups::gym_members(*gym)]);
    (!gyms.is_empty()).then(|| Affected::of("people", names))
}

fn is_picture_of(media: &MediaRow, owner_id: Uuid) -> bool {
    let is_ready = media.state == MediaState::Ready.as_str() && media.kind == Kind::Image.as_str();
    is_ready && media.owner_id == owner_id
}

impl Choice {
    async fn run(mut self, conn: &mut Connection) -> Result<StoredAnswer, ServiceError> {
        people::hold(conn, &[self.caller_id]).await?;
        let gyms = members::gyms_of(conn, self.caller_id).await?;
        if gyms.iter().any(|gym| !self.gyms.contains(gym)) {
            self.has_joined.store(true, Ordering::Relaxed);
            return Err(Problem::new(&registry::UNAVAILABLE).cause("joined a gym meanwhile").into());
        }
        let asset_id = self.usable(conn).await?;
        gyms::hold(conn, &gyms).await?;
        // Of somebody of whom the catalog has not told, nothing is shown.
        let before = people::avatar(conn, self.caller_id).await?.ok_or_else(not_found)?;
        if before != asset_id {
            people::set_avatar(conn, self.caller_id, asset_id).await?;
            let now = self.state.context.now();
            for gym in gyms {
                presence::changed(conn, gym, self.caller_id, now).await?;
            }
        }
        Ok(no_content())
    }

    /// The picture's asset, if it may be shown by all that is known of it now.
    async fn usable(&mut self, conn: &mut Connection) -> Result<Option<Uuid>, ServiceError> {
        let Some(picture) = self.picture.take() else { return Ok(None) };
        let known = match picture? {
            Picture::Known(asset_id) => media::lock(conn, asset_id).await?,
            Picture::Told(told) => Some(media::upsert(conn, &told).await?),
        };
        let Some(known) = known.filter(|known| is_picture_of(known, self.caller_id)) else {
            let message = "it is still being processed, or not public any more";
            return Err(Problem::new(&ASSET_UNUSABLE).field("/asset_id", "not_ready", message).into());
        };
        Ok(Some(known.asset_id))
    }
}
