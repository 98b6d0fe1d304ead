//! Who may have what is at an address, and who may keep it.

use actix_web::HttpRequest;
use service_error::{ServiceError, not_found};

use crate::api::assets::links;
use crate::api::incoming;
use crate::domain::capability::Capability;
use crate::state::AppState;
use crate::store::media::Media;

/// Why somebody may have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// Anybody may, and anybody may keep it.
    Public,
    /// A link opens it for so many seconds more.
    Link(u32),
    /// It is the caller's own, or the caller's to judge.
    Caller,
}

/// Decides for what was found at `path`. A link that is not good is refused whatever there is: what it names is not told. Of
/// what is hidden no link is good.
///
/// # Errors
/// `link_expired`; `not_found` for what is not there, and for what the caller may not know of.
pub(super) fn admit(
    state: &AppState,
    request: &HttpRequest,
    path: &str,
    capability: Option<&Capability>,
    found: Option<&Media>,
) -> Result<Admission, ServiceError> {
    let rest = capability.map(|capability| links::opened(state, path, capability)).transpose()?;
    let media = found.ok_or_else(not_found)?;
    if let Some(rest) = rest {
        links::not_hidden(media.owner.hidden_at.is_some())?;
        return Ok(Admission::Link(rest));
    }
    if media.is_public() {
        return Ok(Admission::Public);
    }
    match incoming::maybe_caller(request, state) {
        Some(caller) if caller.may_read(&media.owner.owner) => Ok(Admission::Caller),
        _ => Err(not_found()),
    }
}
