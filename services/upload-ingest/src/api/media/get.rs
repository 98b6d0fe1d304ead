//! `GET` and `HEAD /media/…`: one statement, then the bytes from the store as the client takes them.

use std::ops::Range;
use std::time::SystemTime;

use actix_web::http::{Method, StatusCode, header};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use blob_store::ObjectKey;
use conditional::{EntityTag, ReadDecision, WriteRefusal};
use futures_util::TryStreamExt as _;
use header::HttpDate;
use problem::{Problem, registry};
use service_error::{ServiceError, not_found, refused};
use uuid::Uuid;

use super::admission::{Admission, admit};
use super::body::{Streamed, Untouched};
use super::headers;
use crate::api::assets::links;
use crate::domain::byte_range::{Asked, asked};
use crate::domain::media_path::MediaPath;
use crate::domain::negotiate::{PictureFormat, choose};
use crate::domain::{layout, media_path, playlist};
use crate::error::storage_failed;
use crate::state::AppState;
use crate::store::from_db;
use crate::store::media::{self, Media};

/// Media type of playlists, which name other files.
const PLAYLIST: &str = "application/vnd.apple.mpegurl";
/// Longest playlist that is rewritten for a link, in bytes.
const MAX_PLAYLIST: u64 = 1024 * 1024;

/// What is at an address, as it is to be sent.
struct Representation {
    asset_id: Uuid,
    media: Media,
    content_type: String,
    /// Set for originals.
    disposition: Option<String>,
    /// The address of its own, where it was negotiated.
    location: Option<String>,
    tag: EntityTag,
}

/// Serves one object, or a part of it.
pub(super) async fn get_media(
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, ServiceError> {
    let (asset_id, path) = address(&request)?;
    let capability = links::capability(&request)?;
    let conditions = request_parts::conditions(&request)?;
    let found = find(&state, &request, asset_id).await?;
    let media = found.as_ref().map(|found| &found.media);
    let admission = admit(&state, &request, &path, capability.as_ref(), media)?;
    let found = found.ok_or_else(not_found)?;
    if found.content_type == PLAYLIST && matches!(admission, Admission::Link(_)) {
        return linked_playlist(&state, &request, &found, admission).await;
    }
    let modified = SystemTime::from(found.media.object.created_at);
    match conditions.check_dated_read(&found.tag, Some(modified)) {
        ReadDecision::Failed => Err(refused(&WriteRefusal::Failed, "asset")),
        ReadDecision::NotModified => {
            let mut response = HttpResponse::NotModified();
            found.describe(&mut response, admission)?;
            Ok(response.finish())
        }
        ReadDecision::Send => send(&state, &request, &found, admission).await,
    }
}

/// The asset and the whole path. There is one spelling of each address: others would be kept as other things.
fn address(request: &HttpRequest) -> Result<(Uuid, String), ServiceError> {
    let asset_id = request_parts::path_id(request, "id")?;
    let name = request.match_info().get("name").ok_or_else(not_found)?;
    let path = match piece(request) {
        None => format!("/media/{asset_id}/{name}"),
        Some(file) => format!("/media/{asset_id}/{name}/{file}"),
    };
    if request.path() == path { Ok((asset_id, path)) } else { Err(not_found()) }
}

/// The piece of a playlist that is asked for, in its folder.
fn piece(request: &HttpRequest) -> Option<String> {
    let part = |name| request.match_info().get(name);
    let file = part("file")?;
    Some(part("rung").map_or_else(|| file.to_owned(), |rung| format!("{rung}/{file}")))
}

/// What is at the address, whoever asks.
async fn find(
    state: &AppState,
    request: &HttpRequest,
    asset_id: Uuid,
) -> Result<Option<Representation>, ServiceError> {
    let name = request.match_info().get("name").unwrap_or_default();
    let file = piece(request);
    let Some(place) = media_path::parse(asset_id, name, file.as_deref()) else {
        return Ok(None);
    };
    match place {
        MediaPath::Original { digest, extension } => {
            let key = layout::original_key(asset_id);
            let found = media::find(&mut *state.pool.read().await?, asset_id, &key).await?;
            Ok(found.and_then(|media| Representation::of_original(asset_id, media, digest, extension)))
        }
        MediaPath::Object { key } => {
            let found = media::find(&mut *state.pool.read().await?, asset_id, &key).await?;
            Ok(found.map(|media| Representation::of_rendition(asset_id, media)))
        }
        MediaPath::Negotiated { name } => {
            let found = media::named(&mut *state.pool.read().await?, asset_id, name).await?;
            Ok(negotiated(request, found).map(|media| Representation::negotiated(asset_id, media)))
        }
    }
}

/// The one that the client reads; what there is in one format only, in that. Playlists have no negotiated address: what they
/// name would be looked for in the wrong place.
fn negotiated(request: &HttpRequest, found: Vec<Media>) -> Option<Media> {
    let lines = request.headers().get_all(header::ACCEPT).filter_map(|line| line.to_str().ok());
    let format_of =
        |media: &Media| media.rendition.as_ref().map(|(format, _)| format.clone()).unwrap_or_default();
    let lines: Vec<&str> = lines.collect();
    let is_there = |format: PictureFormat| found.iter().any(|media| format_of(media) == format.extension());
    match choose(lines.iter().copied(), is_there) {
        Some(format) => found.iter().find(|media| format_of(media) == format.extension()).cloned(),
        None => found.into_iter().find(|media| format_of(media) != layout::PLAYLIST_FORMAT),
    }
}

impl Representation {
    fn of_original(asset_id: Uuid, media: Media, digest: &str, extension: &str) -> Option<Self> {
        let content_type = media.owner.content_type.clone();
        if layout::short_digest(&media.object.sha256) != digest
            || media_path::extension(&content_type) != extension
        {
            return None;
        }
        let disposition = Some(headers::disposition(media.owner.title.as_deref(), extension));
        Some(Self { disposition, ..Self::new(asset_id, media, content_type) })
    }

    fn of_rendition(asset_id: Uuid, media: Media) -> Self {
        let content_type = match &media.rendition {
            Some((_, content_type)) => content_type.clone(),
            None => media_path::content_type_of_piece(&media.object.key).to_owned(),
        };
        Self::new(asset_id, media, content_type)
    }

    fn negotiated(asset_id: Uuid, media: Media) -> Self {
        let location = Some(layout::media_path(&media.object.key));
        Self { location, ..Self::of_rendition(asset_id, media) }
    }

    fn new(asset_id: Uuid, media: Media, content_type: String) -> Self {
        let tag = EntityTag::strong(&layout::short_digest(&media.object.sha256));
        Self { asset_id, media, content_type, disposition: None, location: None, tag }
    }

    fn len(&self) -> u64 {
        from_db(self.media.object.bytes)
    }

    fn modified(&self) -> HttpDate {
        HttpDate::from(SystemTime::from(self.media.object.created_at))
    }

    /// Everything that is the same for 200, 206, 304 and 416.
    fn describe(&self, response: &mut HttpResponseBuilder, admission: Admission) -> Result<(), ServiceError> {
        headers::keeping(response, admission, self.asset_id, self.location.is_some())?;
        headers::harmless(response);
        response
            .insert_header((header::ETAG, self.tag.to_string()))
            .insert_header((header::LAST_MODIFIED, self.modified()))
            .insert_header((header::ACCEPT_RANGES, "bytes"));
        if let Some(location) = &self.location {
            response
                .append_header((header::VARY, "Accept"))
                .insert_header((header::CONTENT_LOCATION, location.as_str()));
        }
        if let Some(disposition) = &self.disposition {
            response.insert_header((header::CONTENT_DISPOSITION, disposition.as_str()));
        }
        Ok(())
    }
}

async fn send(
    state: &AppState,
    request: &HttpRequest,
    found: &Representation,
    admission: Admission,
) -> Result<HttpResponse, ServiceError> {
    let len = found.len();
    let mut response = HttpResponse::Ok();
    found.describe(&mut response, admission)?;
    response.content_type(found.content_type.as_str());
    if request.method() == Method::HEAD {
        return Ok(response.body(Untouched(len)));
    }
    let part = match part_asked(request, found) {
        Asked::Whole => None,
        Asked::Part(part) => Some(part),
        Asked::Unsatisfiable => {
            response.status(StatusCode::RANGE_NOT_SATISFIABLE);
            response.insert_header((header::CONTENT_RANGE, format!("bytes */{len}")));
            headers::kept_by_nobody(&mut response);
            return Ok(response.finish());
        }
    };
    if let Some(Range { start, end }) = &part {
        response.status(StatusCode::PARTIAL_CONTENT);
        let last = end.saturating_sub(1);
        response.insert_header((header::CONTENT_RANGE, format!("bytes {start}-{last}/{len}")));
    }
    let key = object_key(found)?;
    Ok(response.body(Streamed(state.blobs.read(&key, part).await.map_err(storage_failed)?)))
}

/// What is asked for; the whole where the client's part is of something else (`If-Range`, RFC 9110 §13.1.5).
fn part_asked(request: &HttpRequest, found: &Representation) -> Asked {
    let field = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let is_of_this = match field(header::IF_RANGE) {
        None => true,
        Some(text) => match EntityTag::parse(text) {
            Ok(tag) => tag.strong_eq(&found.tag),
            Err(_) => text == found.modified().to_string(),
        },
    };
    if is_of_this { asked(field(header::RANGE), found.len()) } else { Asked::Whole }
}

/// A playlist for who came by a link: what it names becomes links of the same kind. It is small, and made anew for each.
async fn linked_playlist(
    state: &AppState,
    request: &HttpRequest,
    found: &Representation,
    admission: Admission,
) -> Result<HttpResponse, ServiceError> {
    if found.len() > MAX_PLAYLIST {
        return Err(Problem::new(&registry::INTERNAL)
            .cause("a playlist is too large to be rewritten")
            .into());
    }
    let key = object_key(found)?;
    let chunks: Vec<bytes::Bytes> = state
        .blobs
        .read(&key, None)
        .await
        .map_err(storage_failed)?
        .try_collect()
        .await
        .map_err(storage_failed)?;
    let text = playlist::with_links(&String::from_utf8_lossy(&chunks.concat()), request.query_string());
    let mut response = HttpResponse::Ok();
    headers::keeping(&mut response, admission, found.asset_id, false)?;
    headers::harmless(&mut response);
    Ok(response.content_type(PLAYLIST).body(text))
}

fn object_key(found: &Representation) -> Result<ObjectKey, ServiceError> {
    ObjectKey::new(found.media.object.key.clone())
        .map_err(|error| Problem::new(&registry::INTERNAL).cause(error).into())
}
