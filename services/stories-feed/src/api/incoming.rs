//! Who asks.

use actix_web::{HttpMessage as _, HttpRequest};
use identity::Principal;
use service_error::{ServiceError, unauthenticated};

use crate::domain::people::Caller;
use crate::state::AppState;

/// Who asks. Every route of this service is for somebody.
///
/// # Errors
/// `unauthenticated`.
pub(crate) fn caller(request: &HttpRequest, state: &AppState) -> Result<Caller, ServiceError> {
    let extensions = request.extensions();
    let principal = extensions.get::<Principal>().ok_or_else(unauthenticated)?;
    Ok(Caller::of(principal, &state.config.access.own_issuer))
}
