//! Announcements whose parcel has not come: they expire, and their packages are cancelled.

use event_bus::Shutdown;
use pg_pool::Connection;
use serde_json::json;
use service_error::ServiceError;
use uuid::Uuid;

use super::meters::Meters;
use crate::cache::groups::{ANNOUNCEMENTS, Affected, customer_announcements};
use crate::domain::person::Role;
use crate::domain::status::{Action, Facts, Status};
use crate::state::AppState;
use crate::steps::scene::{Actor, Scene};
use crate::store::maintenance::{self, Expired};

/// Announcements looked for at once. Each is a transaction of its own.
const BATCH: i64 = 100;
/// Most announcements that expire in one pass; what is left is for the next one, after deadlines have had their turn.
const MOST_AT_ONCE: usize = 1000;
/// Announcements that failed in one pass, after which it ends: then it is not the announcements that are wrong.
const MOST_FAILURES: usize = 10;
/// The clock, which may cancel what it did not announce.
const CLOCK: Actor = Actor { id: None, role: Role::Admin };

/// Lets expire what is past its time. Returns how many announcements that were.
///
/// An announcement with which something is wrong holds up no other.
///
/// # Errors
/// Of the database and of the cache, the first of them; what was done before stays done.
pub(super) async fn pass(
    state: &AppState,
    meters: &Meters,
    stopped: &Shutdown,
) -> Result<usize, ServiceError> {
    let mut expired = 0;
    let mut failed: Vec<Uuid> = Vec::new();
    let mut first_error = None;
    let is_to_go_on = |expired: usize, failed: &[Uuid]| {
        expired < MOST_AT_ONCE && failed.len() < MOST_FAILURES && !*stopped.borrow()
    };
    while is_to_go_on(expired, &failed) {
        let found = {
            let mut conn = state.desk.read().await?;
            maintenance::expired(&mut conn, state.context.now(), &failed, BATCH).await?
        };
        let before = expired;
        for announcement in found {
            if !is_to_go_on(expired, &failed) {
                break;
            }
            let id = announcement.id;
            match expire(state, announcement).await {
                Ok(true) => {
                    expired += 1;
                    meters.expired();
                    (state.context.wake_relay)();
                }
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(cause = error.explain(), announcement = %id, "an announcement did not expire");
                    failed.push(id);
                    first_error = first_error.or(Some(error));
                }
            }
        }
        // Nothing of what was found: another replica is at it.
        if expired == before {
            break;
        }
    }
    first_error.map_or(Ok(expired), Err)
}

async fn expire(state: &AppState, announcement: Expired) -> Result<bool, ServiceError> {
    let customer_id = announcement.customer_id;
    let own = [ANNOUNCEMENTS.to_owned(), customer_announcements(customer_id)];
    let affected = match announcement.package_id {
        Some(package_id) => Affected::package(package_id, Some(customer_id)).and(own),
        None => Affected::of("announcements", own),
    };
    let inner = state.clone();
    let work = async move |conn: &mut Connection| in_transaction(conn, inner, announcement).await;
    state.desk.change("expire_announcement", &affected, work).await
}

async fn in_transaction(
    conn: &mut Connection,
    state: AppState,
    announcement: Expired,
) -> Result<bool, ServiceError> {
    let now = state.context.now();
    let Some(package_id) = announcement.package_id else {
        return Ok(maintenance::expire(conn, announcement.id, now).await?);
    };
    // Its package before itself: in the order in which a reception locks both.
    let mut scene = Scene::enter(conn, state, package_id, CLOCK).await?;
    if scene.before != Some(Status::Announced) || !maintenance::expire(conn, announcement.id, now).await? {
        return Ok(false);
    }
    scene.package.ended_at = Some(scene.now);
    scene.package.stopped_at = Some(scene.now);
    let facts = Facts { is_reason_given: true, ..Facts::of(CLOCK.role) };
    let data = json!({"reason": "expired", "announcement_id": announcement.id});
    scene.step(conn, Action::Cancel, &facts, data, Vec::new()).await?;
    scene.leave(conn).await?;
    Ok(true)
}
