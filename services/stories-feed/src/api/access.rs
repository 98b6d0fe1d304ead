//! What a caller may know of a gym, and do in it. What may not be known of is not found.

use pg_pool::Connection;
use service_error::{ServiceError, forbidden, not_found};
use uuid::Uuid;

use crate::domain::gym::Standing;
use crate::domain::people::{Caller, Role};
use crate::store::gyms::GymRow;
use crate::store::{gyms, members};

/// The caller's role in a gym, for what only members have to do with.
///
/// # Errors
/// `not_found` where the caller is no member.
pub(crate) async fn member(
    conn: &mut Connection,
    gym_id: Uuid,
    caller: &Caller,
) -> Result<Role, ServiceError> {
    members::role_of(conn, gym_id, caller.id).await?.ok_or_else(not_found)
}

/// How the caller stands in a gym that there is: its members and administrators.
///
/// # Errors
/// `not_found`.
pub(crate) async fn standing(
    conn: &mut Connection,
    gym_id: Uuid,
    caller: &Caller,
) -> Result<Standing, ServiceError> {
    let role = members::role_of(conn, gym_id, caller.id).await?;
    let standing = Standing::of(caller, role).ok_or_else(not_found)?;
    // A member's gym is there; an administrator may have asked for any id.
    if role.is_none() && gyms::find(conn, gym_id).await?.is_none() {
        return Err(not_found());
    }
    Ok(standing)
}

/// As [`standing`], of a gym that was read already.
///
/// # Errors
/// `not_found`.
pub(crate) async fn known(
    conn: &mut Connection,
    gym: Option<GymRow>,
    caller: &Caller,
) -> Result<(GymRow, Standing), ServiceError> {
    let gym = gym.ok_or_else(not_found)?;
    let role = members::role_of(conn, gym.id, caller.id).await?;
    let standing = Standing::of(caller, role).ok_or_else(not_found)?;
    Ok((gym, standing))
}

/// Whether the caller decides on members and policy.
///
/// # Errors
/// `forbidden`.
pub(crate) fn manages(standing: Standing) -> Result<(), ServiceError> {
    allowed(standing.may_manage(), "only owners of the gym and administrators may do this")
}

/// Whether the caller judges reports.
///
/// # Errors
/// `forbidden`.
pub(crate) fn judges(standing: Standing) -> Result<(), ServiceError> {
    allowed(standing.may_judge(), "only moderators and owners of the gym and administrators may do this")
}

/// Whether the caller may open gyms.
///
/// # Errors
/// `forbidden`.
pub(crate) fn administers(caller: &Caller) -> Result<(), ServiceError> {
    allowed(caller.is_administrator, "only administrators may do this")
}

fn allowed(is_allowed: bool, who: &str) -> Result<(), ServiceError> {
    if is_allowed { Ok(()) } else { Err(forbidden(who)) }
}
