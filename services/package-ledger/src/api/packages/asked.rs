//! What every step has in common: who asks, which package, under which key, and a body without faults.

use actix_web::HttpRequest;
use actix_web::web::Payload;
use idempotency::Keyed;
use problem::FieldError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use service_error::{ServiceError, not_found, validation};
use uuid::Uuid;

use super::act::Act;
use crate::api::caller;
use crate::cache::groups;
use crate::cache::standing::Standing;
use crate::domain::person::Permission;
use crate::state::AppState;
use crate::store::packages::{self, PackageRow};

/// A step that somebody who may take such steps asks for.
pub(super) struct Asked<T> {
    /// Who.
    pub(super) standing: Standing,
    /// Of which package.
    pub(super) package_id: Uuid,
    /// What is said of it.
    pub(super) body: T,
    /// The request's idempotency key.
    pub(super) keyed: Option<Keyed>,
}

impl<T> Asked<T> {
    /// As it is acted on, with what it changes beside the package.
    pub(super) fn act(self, name: &'static str, more: Vec<String>) -> (Act, T) {
        let Self { standing, package_id, body, keyed } = self;
        (Act { name, package_id, standing, keyed, more }, body)
    }
}

/// Reads a step below `/v1/packages/{package}`.
///
/// # Errors
/// `forbidden`, `not_found`, and those of the body.
pub(super) async fn read<T: DeserializeOwned + Serialize + 'static>(
    state: &AppState,
    request: &HttpRequest,
    payload: Payload,
    permission: Permission,
) -> Result<Asked<T>, ServiceError> {
    let standing = caller::permitted(request, state, permission).await?;
    let package_id = request_parts::path_id(request, "package")?;
    request_parts::no_parameters(request)?;
    let (body, bytes) = request_parts::read_json::<T>(request, payload).await?;
    let keyed = request_parts::keyed(request, &state.fingerprints, standing.user_id, &bytes)?;
    Ok(Asked { standing, package_id, body, keyed })
}

/// The package as it is now, if whoever asks may know of it.
///
/// # Errors
/// `not_found`, and of the database.
pub(super) async fn peek(
    state: &AppState,
    standing: &Standing,
    package_id: Uuid,
) -> Result<PackageRow, ServiceError> {
    let package = packages::find(&mut *state.desk.read().await?, package_id).await?.ok_or_else(not_found)?;
    caller::known(standing, package.customer_id)?;
    Ok(package)
}

/// The groups of announcements that change with one of this customer.
pub(super) fn announcements_of(customer_id: Option<Uuid>) -> Vec<String> {
    let own = customer_id.map(groups::customer_announcements);
    std::iter::once(groups::ANNOUNCEMENTS.to_owned()).chain(own).collect()
}

/// Refuses a body with faults.
///
/// # Errors
/// `validation_failed` with all of them.
pub(super) fn sound<T>(value: T, faults: Vec<FieldError>) -> Result<T, ServiceError> {
    if faults.is_empty() { Ok(value) } else { Err(validation(faults)) }
}
