//! What a caller may know of an asset, and do with it. What may not be known of is not found.

use problem::{Problem, registry};
use service_error::{ServiceError, not_found};

use crate::domain::access::Caller;
use crate::domain::kind::MediaKind;
use crate::store::assets::AssetRow;

/// The asset, if it is there, of the kind that was asked for, and the caller's to know of.
///
/// # Errors
/// `not_found`.
pub(crate) fn known(
    asset: Option<AssetRow>,
    kind: Option<MediaKind>,
    caller: &Caller,
) -> Result<AssetRow, ServiceError> {
    let asset = asset.filter(|asset| caller.may_read(&asset.owner)).ok_or_else(not_found)?;
    match kind {
        Some(kind) if asset.kind()? != kind => Err(not_found()),
        _ => Ok(asset),
    }
}

/// Whether the caller may change or delete it.
///
/// # Errors
/// `forbidden`.
pub(super) fn changeable(asset: &AssetRow, caller: &Caller) -> Result<(), ServiceError> {
    allowed(caller.may_change(&asset.owner), "only its owner and administrators may do this")
}

/// Whether the caller may hide it and show it again.
///
/// # Errors
/// `forbidden`.
pub(super) fn judged(caller: &Caller) -> Result<(), ServiceError> {
    allowed(caller.may_hide(), "only moderators may do this")
}

/// Whether the caller is an administrator.
///
/// # Errors
/// `forbidden`.
pub(crate) fn administrator(caller: &Caller) -> Result<(), ServiceError> {
    allowed(caller.is_administrator, "only administrators may do this")
}

fn allowed(is_allowed: bool, who: &str) -> Result<(), ServiceError> {
    if is_allowed { Ok(()) } else { Err(Problem::new(&registry::FORBIDDEN).detail(who).into()) }
}
