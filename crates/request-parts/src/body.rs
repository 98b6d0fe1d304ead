//! A JSON body, with the spelling of it that idempotency keys are bound to.

use actix_web::web::Payload;
use actix_web::{FromRequest as _, HttpRequest};
use http_server::JsonBody;
use problem::{Problem, registry};
use serde::Serialize;
use serde::de::DeserializeOwned;
use service_error::ServiceError;

/// Reads the body as `T`. The bytes are those of what was understood: the same content has the same ones,
/// however it was written.
///
/// # Errors
/// `malformed_json`, `validation_failed`, `unsupported_media_type`, `payload_too_large`.
pub async fn read_json<T: DeserializeOwned + Serialize + 'static>(
    request: &HttpRequest,
    payload: Payload,
) -> Result<(T, Vec<u8>), ServiceError> {
    let JsonBody(body) = JsonBody::<T>::from_request(request, &mut payload.into_inner()).await?;
    let bytes = serde_json::to_vec(&body).map_err(|error| Problem::new(&registry::INTERNAL).cause(error))?;
    Ok((body, bytes))
}
