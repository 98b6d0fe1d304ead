//! `POST /v1/videos/upload`, `POST /v1/images`: `multipart/form-data` with the fields `title` and `visibility`, and then the
//! file in `file`. The file comes last: what is said of it must be known before its bytes are.

use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use futures_util::StreamExt as _;
use problem::{FieldError, Problem, registry};
use service_error::ServiceError;

use super::answer::{self, Received};
use crate::api::incoming;
use crate::domain::asset::Visibility;
use crate::domain::kind::MediaKind;
use crate::domain::upload::Dialect;
use crate::ingest::{Body, BodyEnd, Submission, refuse};
use crate::state::AppState;

/// Longest value of a field that is no file, in bytes.
const MAX_FIELD_BYTES: usize = 4096;
/// What boundaries and heads of parts may add to the body, in bytes.
const MAX_FRAME_BYTES: u64 = 64 * 1024;

/// `POST /v1/videos/upload`.
pub(crate) async fn upload_video(
    state: Data<AppState>,
    request: HttpRequest,
    parts: Multipart,
) -> Result<HttpResponse, ServiceError> {
    upload(MediaKind::Video, &state, &request, parts).await
}

/// `POST /v1/images`.
pub(crate) async fn upload_image(
    state: Data<AppState>,
    request: HttpRequest,
    parts: Multipart,
) -> Result<HttpResponse, ServiceError> {
    upload(MediaKind::Image, &state, &request, parts).await
}

async fn upload(
    kind: MediaKind,
    state: &AppState,
    request: &HttpRequest,
    mut parts: Multipart,
) -> Result<HttpResponse, ServiceError> {
    let stall = state.ingest.config().stall();
    match prepare(kind, state, request, &mut parts).await {
        Ok((received, file)) => {
            let pieces = file_then_end(file, parts);
            let (body, waiting) = Body::of_pieces(pieces, answer::limit(state, kind), stall);
            answer::received(state, kind, received, body, waiting).await
        }
        Err(error) => Err(refuse(Body::of_pieces(rest(parts), 0, stall).0, error)),
    }
}

async fn prepare(
    kind: MediaKind,
    state: &AppState,
    request: &HttpRequest,
    parts: &mut Multipart,
) -> Result<(Received, Field), ServiceError> {
    let caller = incoming::caller(request, state)?;
    request_parts::no_parameters(request)?;
    let idempotent = incoming::idempotent(request, state, &caller)?;
    answer::refuse_declared(request, answer::limit(state, kind).saturating_add(MAX_FRAME_BYTES))?;
    let correlation_id = incoming::correlation_id(request.headers(), state.context.new_id)?;
    let place = state.ingest.enter(&caller.subject)?;
    let (said, file) = fields_before_file(parts, state).await?;
    let submission = Submission {
        id: (state.context.new_id)(),
        owner: caller.subject,
        kind: Some(kind),
        dialect: Dialect::Multipart,
        title: said.title,
        visibility: said.visibility,
        correlation_id,
        metadata: None,
        parts: None,
    };
    Ok((Received { submission, announced: Vec::new(), idempotent, place }, file))
}

/// Everything that still comes, whatever it is: to be thrown away.
fn rest(parts: Multipart) -> impl futures_util::Stream<Item = Result<bytes::Bytes, BodyEnd>> {
    parts.filter_map(async |part| part.ok()).flatten().map(|piece| piece.map_err(|error| end(&error)))
}

/// What the fields before the file say.
#[derive(Debug)]
struct Said {
    title: Option<String>,
    visibility: Visibility,
}

async fn fields_before_file(parts: &mut Multipart, state: &AppState) -> Result<(Said, Field), ServiceError> {
    let mut said = Said { title: None, visibility: Visibility::Private };
    let mut faults: Vec<FieldError> = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    let stall = state.ingest.config().stall();
    loop {
        let next = tokio::time::timeout(stall, parts.next()).await;
        let Some(part) = next.map_err(|_| stalled())? else {
            faults.push(fault("file", "required", "a part named file is expected"));
            return Err(invalid(faults));
        };
        let mut part = part.map_err(malformed)?;
        let name = part.name().unwrap_or_default().to_owned();
        if name == "file" {
            return if faults.is_empty() { Ok((said, part)) } else { Err(invalid(faults)) };
        }
        if seen.contains(&name) {
            faults.push(fault(&name, "repeated", "may be given once"));
            return Err(invalid(faults));
        }
        let value = tokio::time::timeout(stall, text(&mut part)).await.map_err(|_| stalled())?;
        let read = value.and_then(|value| match name.as_str() {
            "title" => incoming::title(&value).map(|title| said.title = title),
            "visibility" => incoming::visibility(&value).map(|visibility| said.visibility = visibility),
            _ => Err(("unknown_field", "no such field; the fields are title, visibility and then file")),
        });
        if let Err((code, message)) = read {
            faults.push(fault(&name, code, message));
            // What else is sent does not matter any more, and might be large.
            return Err(invalid(faults));
        }
        seen.push(name);
    }
}

/// The value of a field.
async fn text(part: &mut Field) -> Result<String, (&'static str, &'static str)> {
    let mut value = Vec::new();
    while let Some(piece) = part.next().await {
        let piece = piece.map_err(|_| ("malformed", "the field could not be read"))?;
        if value.len() + piece.len() > MAX_FIELD_BYTES {
            return Err(("too_long", "at most 4096 bytes are read"));
        }
        value.extend_from_slice(&piece);
    }
    String::from_utf8(value).map_err(|_| ("invalid_format", "must be UTF-8"))
}

/// The file's bytes, then whether the body ended as it should: with nothing more behind the file.
fn file_then_end(
    file: Field,
    parts: Multipart,
) -> impl futures_util::Stream<Item = Result<bytes::Bytes, BodyEnd>> {
    let bytes = file.map(|piece| piece.map_err(|error| end(&error)));
    let rest = futures_util::stream::once(async move {
        let mut parts = parts;
        match parts.next().await {
            None => None,
            Some(Ok(_)) => Some(Err(BodyEnd::Trailing)),
            Some(Err(error)) => Some(Err(end(&error))),
        }
    });
    bytes.chain(rest.filter_map(std::future::ready))
}

fn end(error: &MultipartError) -> BodyEnd {
    match error {
        MultipartError::Incomplete | MultipartError::Payload(_) => BodyEnd::Cut,
        _ => BodyEnd::Malformed,
    }
}

fn fault(name: &str, code: &'static str, message: &'static str) -> FieldError {
    let pointer = format!("/{}", name.chars().take(80).collect::<String>());
    FieldError { pointer, code, message: message.to_owned() }
}

fn invalid(faults: Vec<FieldError>) -> ServiceError {
    Problem::new(&registry::VALIDATION_FAILED).errors(faults).into()
}

fn malformed(error: MultipartError) -> ServiceError {
    match error {
        MultipartError::ContentTypeMissing
        | MultipartError::ContentTypeParse
        | MultipartError::ContentTypeIncompatible => {
            Problem::new(&registry::UNSUPPORTED_MEDIA_TYPE).detail("send multipart/form-data").into()
        }
        other => Problem::new(&registry::MALFORMED_REQUEST)
            .detail("the body is not well-formed multipart/form-data")
            .cause(other.to_string())
            .into(),
    }
}

fn stalled() -> ServiceError {
    Problem::new(&crate::problems::UPLOAD_STALLED).into()
}
