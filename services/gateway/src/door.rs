//! The token check at the door. The service checks again: what comes through here is not trusted more for it.

use std::sync::Arc;

use http::HeaderMap;
use identity::{Principal, Verified, Verifier};
use problem::Problem;

use crate::config::AuthPolicy;

/// Lets a request in, or says why not.
///
/// # Errors
/// 401 when a token is needed and there is none, or when one that is looked at is not valid; 503 when the issuer's keys
/// cannot be had.
pub(crate) async fn admit(
    verifier: Option<&Verifier>,
    policy: AuthPolicy,
    headers: &HeaderMap,
) -> Result<Option<Principal>, Problem> {
    let Some(verifier) = verifier.filter(|_| policy != AuthPolicy::None) else { return Ok(None) };
    match identity::bearer_in(headers)? {
        Some(token) => verifier.verify(token).await.map(Some).map_err(|error| error.to_problem()),
        None if policy == AuthPolicy::Required => Err(identity::token_missing()),
        None => Ok(None),
    }
}

/// [`admit`] for a request that it would let in at once: without a token where none is needed, or with one that was checked a short
/// while ago. `None` where there is more to do, or to refuse.
pub(crate) fn recall(
    verifier: Option<&Verifier>,
    policy: AuthPolicy,
    headers: &HeaderMap,
) -> Option<Option<Arc<Verified>>> {
    let Some(verifier) = verifier.filter(|_| policy != AuthPolicy::None) else { return Some(None) };
    match identity::bearer_in(headers).ok()? {
        Some(token) => verifier.recall(token).map(Some),
        None => (policy != AuthPolicy::Required).then_some(None),
    }
}
