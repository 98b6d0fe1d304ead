//! upload-ingest, asked on behalf of an author: may a story show this asset, and what is there of it?
//!
//! It is asked once, when something is posted, with the author's own token: upload-ingest decides who may know of an asset. What
//! happens to the asset later is told by events.

use std::time::Duration;

use actix_web::HttpRequest;
use chrono::{DateTime, Utc};
use http_client::{Answer, Client, ClientConfig, HttpError, Method, StatusCode};
use problem::{Problem, registry};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use service_error::ServiceError;
use uuid::Uuid;

use crate::config::UploadsConfig;
use crate::domain::media::{self, MediaState, Progress};
use crate::domain::people::owner_id;
use crate::domain::story::Kind;
use crate::problems::ASSET_UNUSABLE;
use crate::store::media::MediaRow;

/// Largest answer that is read: an asset has some dozens of renditions.
const MAX_ANSWER_BYTES: usize = 1 << 20;

/// The way to upload-ingest. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Uploads {
    client: Client,
    config: UploadsConfig,
    own_issuer: String,
}

/// An asset, as upload-ingest has just described it to somebody who may know of it.
#[derive(Clone, Debug)]
pub(crate) struct Asset {
    media: MediaRow,
    is_public: bool,
    bytes: u64,
}

/// The token that the request came with, to be shown to upload-ingest and to nobody else.
pub(crate) fn bearer(request: &HttpRequest) -> Option<SecretString> {
    // One that cannot be read was refused before any handler saw the request.
    identity::bearer(request.headers()).ok().flatten().map(SecretString::from)
}

impl Uploads {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// Where TLS cannot be set up.
    pub(crate) fn new(config: &UploadsConfig, own_issuer: &str) -> Result<Self, HttpError> {
        let client = Client::new(ClientConfig {
            timeout_ms: config.timeout_ms,
            max_answer_bytes: MAX_ANSWER_BYTES,
            ..ClientConfig::default()
        })?;
        Ok(Self { client, config: config.clone(), own_issuer: own_issuer.to_owned() })
    }

    /// Asks for an asset. It has still to be [`Asset::shown_by`] a story.
    ///
    /// # Errors
    /// `asset_unusable` for one that the token's holder may not know of, `unauthenticated` where the token is not good any more, and
    /// `unavailable` where upload-ingest is away.
    pub(crate) async fn look_up(
        &self,
        token: Option<&SecretString>,
        asset_id: Uuid,
    ) -> Result<Asset, ServiceError> {
        let path = format!("/v1/assets/{asset_id}");
        let view: AssetView = self.ask(Method::GET, &path, token).await?;
        self.read(view, pg_pool::now())
    }

    /// Asks that whatever was given up of an asset's processing is tried again, and returns the asset as it is then: of one whose
    /// processing was not given up, nothing is asked.
    ///
    /// # Errors
    /// As [`Uploads::look_up`].
    pub(crate) async fn try_again(
        &self,
        token: Option<&SecretString>,
        asset_id: Uuid,
    ) -> Result<Asset, ServiceError> {
        let timeline: Timeline =
            self.ask(Method::GET, &format!("/v1/assets/{asset_id}/timeline"), token).await?;
        for stage in timeline.stages.iter().filter(|stage| stage.required && stage.retryable) {
            let path = format!("/v1/assets/{asset_id}/stages/{}/retry", stage.stage);
            let call = self.call(Method::POST, &path, token);
            // A conflict says that somebody else has had it tried again meanwhile.
            let answer = call.send().await.map_err(unavailable)?;
            if answer.status != StatusCode::CONFLICT {
                accepted(answer)?;
            }
        }
        self.look_up(token, asset_id).await
    }

    async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        token: Option<&SecretString>,
    ) -> Result<T, ServiceError> {
        let answer = self.call(method, path, token).send().await.map_err(unavailable)?;
        accepted(answer)?.json().map_err(unavailable)
    }

    fn call(&self, method: Method, path: &str, token: Option<&SecretString>) -> http_client::Call<'_> {
        let url = format!("{}{path}", self.config.url.trim_end_matches('/'));
        let call = self
            .client
            .request(method, url)
            .timeout(Duration::from_millis(self.config.timeout_ms))
            .idempotent();
        match token {
            Some(token) => {
                call.header(http::header::AUTHORIZATION, &format!("Bearer {}", token.expose_secret()))
            }
            None => call,
        }
    }

    fn read(&self, view: AssetView, now: DateTime<Utc>) -> Result<Asset, ServiceError> {
        let kind = media::kind(&view.kind)
            .ok_or_else(|| unusable("wrong_kind", "neither a picture nor a video".to_owned()))?;
        let progress = match view.status.as_str() {
            "processed" | "published" => Progress::Done,
            "failed" => Progress::Failed,
            _ => Progress::Under,
        };
        let is_public = view.visibility == "public" && !view.hidden;
        let state = MediaState::of(progress, is_public);
        let error = view.error.filter(|_| state == MediaState::Failed);
        let (error_code, error_text) = match (state, error) {
            (MediaState::Failed, Some(error)) => (Some(error.code), Some(error.message)),
            (MediaState::Failed, None) => {
                (Some("unknown".to_owned()), Some("It could not be processed.".to_owned()))
            }
            _ => (None, None),
        };
        Ok(Asset {
            bytes: view.bytes,
            is_public,
            media: MediaRow {
                asset_id: view.id,
                owner_id: owner_id(&view.owner_id, &self.own_issuer),
                kind: kind.as_str().to_owned(),
                state: state.as_str().to_owned(),
                asset_version: view.version,
                is_hidden: view.hidden,
                width: view.width,
                height: view.height,
                duration_ms: view.duration_ms,
                blurhash: view.blurhash,
                thumbhash: view.thumbhash,
                dominant_color: view.dominant_color,
                renditions: renditions(view.renditions),
                error_code,
                error_text,
                updated_at: now,
            },
        })
    }
}

impl Asset {
    /// The asset as it is to be stored ([`crate::store::media::upsert`]), if `author` may show it in a story of this kind. It may not
    /// be ready yet.
    ///
    /// # Errors
    /// `asset_unusable`, with what is wrong with it.
    pub(crate) fn shown_by(
        self,
        author: Uuid,
        kind: Kind,
        config: &UploadsConfig,
    ) -> Result<MediaRow, ServiceError> {
        let fault = |code, message: &str| Err(unusable(code, message.to_owned()));
        if self.media.owner_id != author {
            // A moderator of upload-ingest may know of it all the same.
            return fault("not_found", "no asset of yours has this id");
        }
        if self.media.kind()? != kind {
            return fault("wrong_kind", "it is of another kind than the story");
        }
        let limit = if kind == Kind::Video { config.max_video_bytes } else { config.max_image_bytes };
        if self.bytes > limit {
            return Err(unusable("too_large", format!("at most {limit} bytes may be shown in a story")));
        }
        if self.media.state()? == MediaState::Failed {
            return fault("failed", "its processing has failed; have it tried again at /v1/assets");
        }
        if !self.is_public {
            return fault("not_public", "it must be public, and in sight");
        }
        Ok(self.media)
    }
}

/// An asset as upload-ingest shows it; what it says beside this is not needed.
#[derive(Debug, Deserialize)]
struct AssetView {
    id: Uuid,
    kind: String,
    owner_id: String,
    status: String,
    visibility: String,
    hidden: bool,
    bytes: u64,
    duration_ms: Option<i64>,
    width: Option<i32>,
    height: Option<i32>,
    blurhash: Option<String>,
    thumbhash: Option<String>,
    dominant_color: Option<String>,
    error: Option<FaultView>,
    renditions: Vec<Rendition>,
    version: i64,
}

#[derive(Debug, Deserialize)]
struct FaultView {
    code: String,
    message: String,
}

#[derive(Debug, Deserialize)]
struct Timeline {
    stages: Vec<StageView>,
}

#[derive(Debug, Deserialize)]
struct StageView {
    stage: String,
    required: bool,
    retryable: bool,
}

/// Something made of an asset, as it is told by upload-ingest.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Rendition {
    /// What it is for.
    pub(crate) name: String,
    /// File extension of its format.
    pub(crate) format: String,
    /// Its media type.
    pub(crate) content_type: String,
    /// Its path below the gateway.
    pub(crate) url: String,
    /// Its size.
    pub(crate) bytes: i64,
    /// In pixels.
    pub(crate) width: Option<i32>,
    /// In pixels.
    pub(crate) height: Option<i32>,
}

/// Renditions as they are stored, the smallest first.
pub(crate) fn renditions(mut made: Vec<Rendition>) -> Json {
    made.sort_by(|one, other| one.bytes.cmp(&other.bytes).then_with(|| one.url.cmp(&other.url)));
    made.into_iter()
        .map(|made| {
            json!({
                "name": made.name,
                "format": made.format,
                "content_type": made.content_type,
                "url": made.url,
                "bytes": made.bytes,
                "width": made.width,
                "height": made.height,
            })
        })
        .collect()
}

/// The answer, if it is one that says yes.
fn accepted(answer: Answer) -> Result<Answer, ServiceError> {
    match answer.status {
        status if status.is_success() => Ok(answer),
        StatusCode::UNAUTHORIZED => Err(Problem::new(&registry::UNAUTHENTICATED).into()),
        StatusCode::NOT_FOUND | StatusCode::FORBIDDEN => {
            Err(unusable("not_found", "no asset of yours has this id".to_owned()))
        }
        _ => match answer.success() {
            Ok(answer) => Ok(answer),
            Err(error) => Err(unavailable(error)),
        },
    }
}

fn unusable(code: &'static str, message: String) -> ServiceError {
    Problem::new(&ASSET_UNUSABLE).field("/asset_id", code, message).into()
}

fn unavailable(error: HttpError) -> ServiceError {
    Problem::new(&registry::UNAVAILABLE).detail("media cannot be looked up at the moment").cause(error).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const AUTHOR: Uuid = Uuid::from_u128(7);

    fn view(changed: Json) -> AssetView {
        let mut view = json!({
            "id": Uuid::from_u128(1), "kind": "image", "owner_id": AUTHOR.to_string(), "status": "published",
            "visibility": "public", "hidden": false, "bytes": 1000, "duration_ms": null, "width": 3, "height": 4,
            "blurhash": "L", "thumbhash": null, "dominant_color": "#102030", "error": null, "version": 4,
            "renditions": [
                {"name": "full", "format": "webp", "content_type": "image/webp", "url": "/media/b", "bytes": 9,
                 "width": 3, "height": 4},
                {"name": "thumb", "format": "webp", "content_type": "image/webp", "url": "/media/a", "bytes": 2,
                 "width": 1, "height": 1},
            ],
        });
        for (name, value) in changed.as_object().unwrap() {
            view[name] = value.clone();
        }
        serde_json::from_value(view).unwrap()
    }

    fn shown(changed: Json) -> Result<MediaRow, String> {
        let uploads = Uploads::new(&UploadsConfig::default(), "ours").unwrap();
        uploads
            .read(view(changed), DateTime::UNIX_EPOCH)
            .and_then(|asset| asset.shown_by(AUTHOR, Kind::Image, &UploadsConfig::default()))
            .map_err(|error| error.problem().field_errors().iter().map(|fault| fault.code).collect())
    }

    #[test]
    fn a_public_picture_of_the_authors_own_is_shown_with_its_renditions_the_smallest_first() {
        let media = shown(json!({})).unwrap();
        assert_eq!((media.state.as_str(), media.asset_version), ("ready", 4));
        assert_eq!(media.renditions[0]["name"], "thumb");
        let waiting = shown(json!({"status": "processing", "renditions": []})).unwrap();
        assert_eq!(waiting.state, "processing");
    }

    #[test]
    fn what_may_not_be_shown_is_refused_with_the_reason() {
        for (changed, code) in [
            (json!({"owner_id": Uuid::from_u128(8).to_string()}), "not_found"),
            (json!({"owner_id": format!("https://other#{AUTHOR}")}), "not_found"),
            (json!({"kind": "video"}), "wrong_kind"),
            (json!({"kind": "hologram"}), "wrong_kind"),
            (json!({"bytes": (10 << 20) + 1}), "too_large"),
            (json!({"status": "failed", "error": {"code": "x", "message": "y"}}), "failed"),
            (json!({"visibility": "private", "status": "processed"}), "not_public"),
            (json!({"hidden": true}), "not_public"),
        ] {
            assert_eq!(shown(changed.clone()).unwrap_err(), code, "{changed}");
        }
    }
}
