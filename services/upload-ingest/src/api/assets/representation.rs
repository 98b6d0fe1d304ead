//! An asset as JSON, and its validators.
//!
//! The validator is the version and the stretch of time that the signed links were made in: otherwise a client that
//! revalidates would be told to go on with links that have expired. Preconditions of changes look at the version alone.

use std::collections::HashMap;

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use conditional::{Conditions, EntityTag};
use serde::Serialize;
use service_error::ServiceError;
use uuid::Uuid;

use super::links::Links;
use crate::domain::timeline::Fault;
use crate::domain::{layout, media_path};
use crate::state::AppState;
use crate::store::assets::AssetRow;
use crate::store::link::NewAsset;
use crate::store::renditions::RenditionRow;

/// An asset as it is sent.
#[derive(Debug, Serialize)]
pub(crate) struct AssetView {
    id: Uuid,
    kind: &'static str,
    owner_id: String,
    title: Option<String>,
    status: &'static str,
    visibility: &'static str,
    hidden: bool,
    content_type: String,
    bytes: i64,
    sha256: String,
    duration_ms: Option<i64>,
    width: Option<i32>,
    height: Option<i32>,
    codec: Option<String>,
    blurhash: Option<String>,
    thumbhash: Option<String>,
    dominant_color: Option<String>,
    correlation_id: Uuid,
    error: Option<Fault>,
    original_url: String,
    renditions: Vec<RenditionView>,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// What was made of it.
#[derive(Debug, Serialize)]
struct RenditionView {
    name: String,
    format: String,
    content_type: String,
    bytes: i64,
    width: Option<i32>,
    height: Option<i32>,
    url: String,
}

/// The view of an asset with its renditions.
///
/// # Errors
/// For names in the database that are not known here.
pub(crate) fn view(
    asset: AssetRow,
    renditions: Vec<RenditionRow>,
    links: &Links,
) -> Result<AssetView, ServiceError> {
    let (is_public, is_hidden) = (asset.is_public(), asset.hidden_at.is_some());
    let link = |path| links.media(path, is_public, is_hidden);
    let original = media_path::of_original(asset.id, &asset.sha256, &asset.content_type);
    Ok(AssetView {
        id: asset.id,
        kind: asset.kind()?.as_str(),
        status: asset.status()?.as_str(),
        visibility: asset.visibility()?.as_str(),
        hidden: is_hidden,
        owner_id: asset.owner,
        title: asset.title,
        content_type: asset.content_type,
        bytes: asset.bytes,
        sha256: media_path::hex(&asset.sha256),
        duration_ms: asset.duration_ms,
        width: asset.width,
        height: asset.height,
        codec: asset.codec,
        blurhash: asset.blurhash,
        thumbhash: asset.thumbhash.map(|hash| STANDARD.encode(hash)),
        dominant_color: asset.dominant_color,
        correlation_id: asset.correlation_id,
        error: Fault::of(asset.error_code, asset.error_text),
        original_url: links.media(original, false, is_hidden),
        renditions: renditions.into_iter().map(|made| rendition(made, link)).collect(),
        version: asset.version,
        created_at: asset.created_at,
        updated_at: asset.updated_at,
    })
}

fn rendition(made: RenditionRow, link: impl Fn(String) -> String) -> RenditionView {
    RenditionView {
        url: link(layout::media_path(&made.object_key)),
        name: made.name,
        format: made.format,
        content_type: made.content_type,
        bytes: made.bytes,
        width: made.width,
        height: made.height,
    }
}

/// The views of a page's assets.
///
/// # Errors
/// As [`view`].
pub(crate) fn views(
    assets: Vec<AssetRow>,
    renditions: Vec<RenditionRow>,
    links: &Links,
) -> Result<Vec<AssetView>, ServiceError> {
    let mut made: HashMap<Uuid, Vec<RenditionRow>> = HashMap::new();
    for rendition in renditions {
        made.entry(rendition.asset_id).or_default().push(rendition);
    }
    assets
        .into_iter()
        .map(|asset| {
            let renditions = made.remove(&asset.id).unwrap_or_default();
            view(asset, renditions, links)
        })
        .collect()
}

/// The body of the answer that makes an asset: nothing has been made of it yet, and only its owner sees it.
pub(crate) fn of_new(state: &AppState, asset: &NewAsset) -> Vec<u8> {
    let links = Links::at(state, asset.created_at);
    let original = media_path::of_original(asset.id, &asset.sha256, asset.content_type);
    let view = AssetView {
        id: asset.id,
        kind: asset.kind,
        owner_id: asset.owner.clone(),
        title: asset.title.clone(),
        status: asset.status,
        visibility: asset.visibility,
        hidden: false,
        content_type: asset.content_type.to_owned(),
        bytes: asset.bytes,
        sha256: media_path::hex(&asset.sha256),
        duration_ms: None,
        width: None,
        height: None,
        codec: None,
        blurhash: None,
        thumbhash: None,
        dominant_color: None,
        correlation_id: asset.correlation_id,
        error: None,
        original_url: links.media(original, false, false),
        renditions: Vec::new(),
        version: 1,
        created_at: asset.created_at,
        updated_at: asset.updated_at,
    };
    // Texts and numbers can always be written as JSON.
    serde_json::to_vec(&view).unwrap_or_default()
}

/// The validator of an asset as it is shown now.
pub(crate) fn tag(asset: &AssetRow, links: &Links) -> EntityTag {
    EntityTag::strong(&format!("{}-{}", asset.version, links.window()))
}

/// Preconditions of a change, with tags brought down to versions.
///
/// # Errors
/// `invalid_parameter` that names the field.
pub(crate) fn write_conditions(request: &HttpRequest) -> Result<Conditions, ServiceError> {
    let mut headers = HeaderMap::new();
    for name in [header::IF_MATCH, header::IF_NONE_MATCH] {
        for value in request.headers().get_all(&name) {
            let versions =
                value.to_str().ok().and_then(|text| HeaderValue::from_str(&without_windows(text)).ok());
            headers.append(name.clone(), versions.unwrap_or_else(|| value.clone()));
        }
    }
    Ok(Conditions::from_headers(&headers)?)
}

/// `"7-943200"` → `"7"`, in a list of tags.
fn without_windows(tags: &str) -> String {
    let quoted =
        |(index, part): (usize, &str)| if index % 2 == 1 { version_of(part) } else { part.to_owned() };
    tags.split('"').enumerate().map(quoted).collect::<Vec<_>>().join("\"")
}

fn version_of(tag: &str) -> String {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // A content coding stands behind a semicolon.
    let (own, coding) = tag.find(';').map_or((tag, ""), |at| tag.split_at(at));
    match own.split_once('-') {
        Some((version, window)) if is_number(version) && is_number(window) => format!("{version}{coding}"),
        _ => tag.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_precondition_names_a_version_whenever_it_was_read() {
        for (given, expected) in [
            ("\"7\"", "\"7\""),
            ("\"7-943200\"", "\"7\""),
            ("W/\"7-943200\", \"8-1\"", "W/\"7\", \"8\""),
            ("\"7-943200;zstd\"", "\"7;zstd\""),
            ("*", "*"),
            ("\"a-b\"", "\"a-b\""),
            ("\"7-\"", "\"7-\""),
            ("7-1", "7-1"),
            ("\"7-1", "\"7"),
        ] {
            assert_eq!(without_windows(given), expected, "{given}");
        }
    }
}
