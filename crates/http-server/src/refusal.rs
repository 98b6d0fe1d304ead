//! Everything actix would refuse in its own words, said as a problem.

use actix_web::body::{BodySize, BoxBody, MessageBody as _};
use actix_web::dev::ServiceResponse;
use actix_web::error::{JsonPayloadError, PathError, PayloadError, QueryPayloadError, UrlencodedError};
use actix_web::http::header;
use actix_web::web::{self, FormConfig, JsonConfig, PathConfig, PayloadConfig, QueryConfig, ServiceConfig};
use actix_web::{Error, HttpResponse, Route};
use problem::{Problem, Reported, registry};

use crate::json_body::refusal;

/// Makes the extractors of actix answer with problems and read at most `max_body_bytes`.
pub(crate) fn configure(app: &mut ServiceConfig, max_body_bytes: usize) {
    app.app_data(PayloadConfig::new(max_body_bytes))
        .app_data(JsonConfig::default().limit(max_body_bytes).error_handler(|error, _| json(error).into()))
        .app_data(FormConfig::default().limit(max_body_bytes).error_handler(|error, _| form(error).into()))
        .app_data(QueryConfig::default().error_handler(|error, _| query(error).into()))
        .app_data(PathConfig::default().error_handler(|error, _| path(error).into()));
}

/// A default service for a `web::resource`, when `Allow` must name methods actix cannot see, such as those of a
/// guard. A resource without one answers 405 with the methods of its routes by itself.
pub fn method_not_allowed(allowed: &'static [&'static str]) -> Route {
    let allow = allowed.join(", ");
    web::to(move || {
        let problem = Problem::new(&registry::METHOD_NOT_ALLOWED).header("Allow", allow.clone());
        async move { Err::<HttpResponse, Problem>(problem) }
    })
}

/// The answer for a path nobody registered.
pub(crate) async fn not_found() -> Result<HttpResponse, Problem> {
    Err(Problem::new(&registry::NOT_FOUND).detail("there is no resource at this path"))
}

/// The response for an error that no handler turned into one.
pub(crate) fn response_of(error: &Error) -> HttpResponse {
    let response = error.as_response_error().error_response();
    match missing_problem(&response, Some(error)) {
        Some(problem) => with_allow(&problem, &response),
        None => response,
    }
}

/// Replaces error answers that actix made by itself; what a handler wrote, or passes through, stays untouched.
pub(crate) fn ensure_problem(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let inner = response.response();
    match missing_problem(inner, inner.error()) {
        Some(problem) => {
            let replaced = with_allow(&problem, inner);
            response.into_response(replaced)
        }
        None => response,
    }
}

fn missing_problem(response: &HttpResponse, error: Option<&Error>) -> Option<Problem> {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error())
        || response.extensions().get::<Reported>().is_some()
    {
        return None;
    }
    let problem = Problem::new(registry::for_status(status.as_u16()));
    match error {
        Some(error) => Some(problem.cause(error.to_string())),
        None => is_bare(response).then_some(problem),
    }
}

/// An error answer nobody wrote a body for.
fn is_bare(response: &HttpResponse) -> bool {
    matches!(response.body().size(), BodySize::None | BodySize::Sized(0))
        && !response.headers().contains_key(header::CONTENT_TYPE)
}

fn with_allow(problem: &Problem, original: &HttpResponse) -> HttpResponse {
    let mut response = problem.to_response();
    for allow in original.headers().get_all(header::ALLOW) {
        response.headers_mut().append(header::ALLOW, allow.clone());
    }
    response
}

fn json(error: JsonPayloadError) -> Problem {
    match error {
        JsonPayloadError::OverflowKnownLength { limit, .. } | JsonPayloadError::Overflow { limit } => {
            too_large(limit)
        }
        JsonPayloadError::ContentType => not_json(),
        JsonPayloadError::Deserialize(error) => refusal(&error, String::new()),
        JsonPayloadError::Payload(error) => payload(error),
        other => Problem::new(&registry::MALFORMED_REQUEST).cause(other.to_string()),
    }
}

fn form(error: UrlencodedError) -> Problem {
    match error {
        UrlencodedError::Overflow { limit, .. } => too_large(limit),
        UrlencodedError::ContentType => Problem::new(&registry::UNSUPPORTED_MEDIA_TYPE)
            .detail("this operation reads application/x-www-form-urlencoded"),
        UrlencodedError::Payload(error) => payload(error),
        other => Problem::new(&registry::VALIDATION_FAILED).field("", "invalid", other.to_string()),
    }
}

fn payload(error: PayloadError) -> Problem {
    match error {
        PayloadError::Overflow => Problem::new(&registry::PAYLOAD_TOO_LARGE),
        other => Problem::new(&registry::MALFORMED_REQUEST)
            .detail("the body ended early or could not be decoded")
            .cause(other.to_string()),
    }
}

fn query(error: QueryPayloadError) -> Problem {
    let reason = match error {
        QueryPayloadError::Deserialize(error) => error.to_string(),
        other => other.to_string(),
    };
    Problem::new(&registry::INVALID_PARAMETER).field(query_pointer(&reason), "invalid", reason)
}

/// serde names the parameter only in its text, between backquotes, and only for unknown, missing and repeated ones.
fn query_pointer(reason: &str) -> String {
    format!("?{}", reason.split('`').nth(1).unwrap_or_default())
}

fn path(error: PathError) -> Problem {
    let reason = match error {
        PathError::Deserialize(error) => error.to_string(),
        other => other.to_string(),
    };
    Problem::new(&registry::INVALID_PARAMETER).detail("a segment of the path is not valid").cause(reason)
}

fn too_large(limit: usize) -> Problem {
    Problem::new(&registry::PAYLOAD_TOO_LARGE).detail(format!("the limit is {limit} bytes"))
}

pub(crate) fn not_json() -> Problem {
    Problem::new(&registry::UNSUPPORTED_MEDIA_TYPE).detail("this operation reads application/json")
}
