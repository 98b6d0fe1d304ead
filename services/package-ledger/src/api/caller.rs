//! Who asks, and what that person may do.

use actix_web::{HttpMessage as _, HttpRequest};
use identity::Principal;
use service_error::{ServiceError, forbidden, not_found, unauthenticated};
use uuid::Uuid;

use crate::cache::standing::Standing;
use crate::domain::person::{Permission, may, person_id};
use crate::state::AppState;

/// The role of a token that is an admin of every desk.
const ADMINISTRATOR: &str = "administrator";

/// Who asks, by its token. Every route of this service is for somebody.
///
/// # Errors
/// `unauthenticated`, and of the database.
pub(crate) async fn standing(request: &HttpRequest, state: &AppState) -> Result<Standing, ServiceError> {
    let (id, is_administrator) = {
        let extensions = request.extensions();
        let principal = extensions.get::<Principal>().ok_or_else(unauthenticated)?;
        (person_id(principal, &state.config.access.own_issuer), principal.has_role(ADMINISTRATOR))
    };
    state.desk.standing(id, is_administrator).await
}

/// The same, of somebody who may do this.
///
/// # Errors
/// As [`standing`], and `forbidden`.
pub(crate) async fn permitted(
    request: &HttpRequest,
    state: &AppState,
    permission: Permission,
) -> Result<Standing, ServiceError> {
    let standing = standing(request, state).await?;
    if may(standing.role, permission) {
        return Ok(standing);
    }
    Err(forbidden("your role at the desk does not allow this"))
}

/// Refuses to know of what is another customer's.
///
/// # Errors
/// `not_found`.
pub(crate) fn known(standing: &Standing, customer_id: Option<Uuid>) -> Result<(), ServiceError> {
    if standing.sees(customer_id) { Ok(()) } else { Err(not_found()) }
}
