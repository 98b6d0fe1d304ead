//! `Consistency-Token`: what a client has seen happen, so that a read replica that has not is not asked (P-D10).

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use pg_pool::{CONSISTENCY_TOKEN, Position};
use problem::Problem;
use service_error::ServiceError;

/// What the request wants to see at least; nothing where it does not say.
///
/// # Errors
/// `malformed_request` for what was never given out.
pub(crate) fn asked(request: &HttpRequest) -> Result<Option<Position>, ServiceError> {
    let Some(value) = request.headers().get(CONSISTENCY_TOKEN) else { return Ok(None) };
    let token = value.to_str().unwrap_or_default();
    token.parse().map(Some).map_err(|error: pg_pool::MalformedPosition| Problem::from(error).into())
}

/// Says in an answer what whoever reads next has to see at least.
pub(crate) fn tell(response: &mut HttpResponse, position: &Position) {
    let name = HeaderName::from_bytes(CONSISTENCY_TOKEN.as_bytes());
    // A token is made of letters, digits, dashes and underscores.
    if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(&position.to_string())) {
        response.headers_mut().insert(name, value);
    }
}
