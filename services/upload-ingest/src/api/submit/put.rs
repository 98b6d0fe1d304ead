//! `PUT /v1/videos`, `PUT /v1/images`: the body is the file.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use service_error::{ServiceError, parameters};
use upload_protocol::Fields;

use super::answer::{self, Received};
use crate::api::incoming;
use crate::api::uploads;
use crate::domain::asset::Visibility;
use crate::domain::kind::MediaKind;
use crate::domain::upload::Dialect;
use crate::ingest::{Body, Submission, refuse};
use crate::state::AppState;

/// `PUT /v1/videos`.
pub(crate) async fn put_video(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    put(MediaKind::Video, &state, &request, payload).await
}

/// `PUT /v1/images`.
pub(crate) async fn put_image(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    put(MediaKind::Image, &state, &request, payload).await
}

async fn put(
    kind: MediaKind,
    state: &AppState,
    request: &HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ServiceError> {
    let (body, waiting) = Body::of(payload, answer::limit(state, kind), state.ingest.config().stall());
    match prepare(kind, state, request) {
        Ok(received) => answer::received(state, kind, received, body, waiting).await,
        Err(error) => Err(refuse(body, error)),
    }
}

fn prepare(kind: MediaKind, state: &AppState, request: &HttpRequest) -> Result<Received, ServiceError> {
    let caller = incoming::caller(request, state)?;
    let (title, visibility) = parameters_of(request)?;
    let idempotent = incoming::idempotent(request, state, &caller)?;
    let announced = digests(&uploads::fields(request))?;
    answer::refuse_declared(request, answer::limit(state, kind))?;
    let correlation_id = incoming::correlation_id(request.headers(), state.context.new_id)?;
    let place = state.ingest.enter(&caller.subject)?;
    let submission = Submission {
        id: (state.context.new_id)(),
        kind: Some(kind),
        dialect: Dialect::Put,
        title,
        visibility,
        correlation_id,
        metadata: None,
        parts: None,
        owner: caller.subject,
    };
    Ok(Received { submission, announced, idempotent, place })
}

/// `?title=` and `?visibility=`.
fn parameters_of(request: &HttpRequest) -> Result<(Option<String>, Visibility), ServiceError> {
    let (mut title, mut visibility, mut faults) = (None, Visibility::Private, Vec::new());
    for (name, value) in http_server::query_pairs(request)? {
        let read = match name.as_str() {
            "title" => incoming::title(&value).map(|read| title = read),
            "visibility" => incoming::visibility(&value).map(|read| visibility = read),
            _ => Err(("unknown_parameter", "no such parameter here")),
        };
        if let Err((code, message)) = read {
            faults.push(request_parts::parameter_fault(&name, code, message));
        }
    }
    if faults.is_empty() { Ok((title, visibility)) } else { Err(parameters(faults)) }
}

/// `Content-Digest` and `Repr-Digest`, which are the same of a body that is neither encoded nor a part (RFC 9530).
fn digests(head: &Fields<'_>) -> Result<Vec<upload_protocol::Checksum>, ServiceError> {
    Ok(upload_protocol::digests(head).map_err(|refusal| refusal.problem(None))?)
}
