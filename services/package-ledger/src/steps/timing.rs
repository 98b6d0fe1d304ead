//! Deadlines of a package: set by the policy of its tariff when it is received, cancelled when it ends.

use pg_pool::Connection;
use service_error::ServiceError;

use super::scene::Scene;
use crate::domain::deadlines::deadlines;
use crate::domain::tariff::Tariff;
use crate::store;

/// Sets the deadlines of a package that has been received, or whose tariff is another one now: then they take the place of those that
/// have not fired.
///
/// # Errors
/// Of the database.
pub(crate) async fn schedule(
    conn: &mut Connection,
    scene: &mut Scene,
    tariff: &Tariff,
) -> Result<(), ServiceError> {
    let Some(received_at) = scene.package.received_at else { return Ok(()) };
    let all = deadlines(&tariff.policy, received_at, scene.package.notified_at);
    Ok(store::deadlines::set(conn, scene.package.id, &all).await?)
}

/// Sets those of a package that was found again which are still ahead: what came due while it was lost is not made up for.
///
/// # Errors
/// Of the database.
pub(crate) async fn resume(
    conn: &mut Connection,
    scene: &Scene,
    tariff: &Tariff,
) -> Result<(), ServiceError> {
    let Some(received_at) = scene.package.received_at else { return Ok(()) };
    let mut ahead = deadlines(&tariff.policy, received_at, None);
    ahead.retain(|deadline| deadline.due_at > scene.now);
    Ok(store::deadlines::set(conn, scene.package.id, &ahead).await?)
}

/// Cancels those that have not fired.
///
/// # Errors
/// Of the database.
pub(crate) async fn cancel(conn: &mut Connection, scene: &Scene) -> Result<(), ServiceError> {
    Ok(store::deadlines::cancel(conn, scene.package.id, scene.now).await?)
}
