//! upload-ingest, asked on behalf of whoever adds a photo or a paper: what is this asset?
//!
//! It is asked once, when the file is added, with the token of whoever adds it: upload-ingest decides who may know of an asset. Its
//! digest goes into the chain of custody.

use std::time::Duration;

use actix_web::HttpRequest;
use http_client::{Client, ClientConfig, HttpError, Method, StatusCode};
use problem::{Problem, registry};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use service_error::{ServiceError, unauthenticated};
use uuid::Uuid;

use crate::config::UploadsConfig;
use crate::domain::custody::export::unhex;
use crate::problems::FILE_UNUSABLE;

/// Largest answer that is read: an asset has some dozens of renditions.
const MAX_ANSWER_BYTES: usize = 1 << 20;

/// The way to upload-ingest. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Uploads {
    client: Client,
    config: UploadsConfig,
}

/// An asset, as upload-ingest has just described it to somebody who may know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asset {
    /// Its id there.
    pub(crate) id: Uuid,
    /// SHA-256 of the original.
    pub(crate) sha256: [u8; 32],
    /// Media type of the original.
    pub(crate) content_type: String,
    /// Size of the original.
    pub(crate) size_bytes: i64,
    /// Path of the original below the gateway, without what a signed link adds.
    pub(crate) url: String,
    /// Whether it is a picture.
    pub(crate) is_image: bool,
}

/// The token that the request came with, to be shown to upload-ingest and to nobody else.
pub(crate) fn bearer(request: &HttpRequest) -> Option<SecretString> {
    // One that cannot be read was refused before any handler saw the request.
    identity::bearer(request.headers()).ok().flatten().map(SecretString::from)
}

#[derive(Debug, Deserialize)]
struct AssetView {
    id: Uuid,
    kind: String,
    sha256: String,
    content_type: String,
    bytes: i64,
    original_url: String,
}

impl Uploads {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// Where TLS cannot be set up.
    pub(crate) fn new(config: &UploadsConfig) -> Result<Self, HttpError> {
        let client = Client::new(ClientConfig {
            timeout_ms: config.timeout_ms,
            max_answer_bytes: MAX_ANSWER_BYTES,
            ..ClientConfig::default()
        })?;
        Ok(Self { client, config: config.clone() })
    }

    /// Asks for an asset; `pointer` is where it stands in the request.
    ///
    /// # Errors
    /// `file_unusable` for one that the token's holder may not know of, `unauthenticated` where the token is not good any more, and
    /// `unavailable` where upload-ingest is away.
    pub(crate) async fn look_up(
        &self,
        token: Option<&SecretString>,
        asset_id: Uuid,
        pointer: &str,
    ) -> Result<Asset, ServiceError> {
        let url = format!("{}/v1/assets/{asset_id}", self.config.url.trim_end_matches('/'));
        let mut call = self
            .client
            .request(Method::GET, url)
            .timeout(Duration::from_millis(self.config.timeout_ms))
            .idempotent();
        if let Some(token) = token {
            call = call.header(http::header::AUTHORIZATION, &format!("Bearer {}", token.expose_secret()));
        }
        let answer = call.send().await.map_err(unavailable)?;
        match answer.status {
            StatusCode::UNAUTHORIZED => return Err(unauthenticated()),
            StatusCode::NOT_FOUND | StatusCode::FORBIDDEN => {
                return Err(unusable(pointer, "not_found", "no asset that you may use has this id"));
            }
            _ => {}
        }
        let view: AssetView = answer.success().and_then(|answer| answer.json()).map_err(unavailable)?;
        let sha256 = unhex(&view.sha256).ok_or_else(|| {
            let cause = "upload-ingest gave a digest that is none";
            ServiceError::from(Problem::new(&registry::UNAVAILABLE).cause(cause))
        })?;
        let path = view.original_url.split('?').next().unwrap_or_default().to_owned();
        Ok(Asset {
            id: view.id,
            sha256,
            content_type: view.content_type,
            size_bytes: view.bytes,
            url: path,
            is_image: view.kind == "image",
        })
    }
}

/// Refuses an asset.
pub(crate) fn unusable(pointer: &str, code: &'static str, message: &str) -> ServiceError {
    Problem::new(&FILE_UNUSABLE).field(pointer, code, message).into()
}

fn unavailable(error: HttpError) -> ServiceError {
    Problem::new(&registry::UNAVAILABLE).detail("files cannot be looked up at the moment").cause(error).into()
}
