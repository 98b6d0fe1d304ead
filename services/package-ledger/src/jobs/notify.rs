//! A package that lies ready is notified once word of it has reached its customer.

use event_bus::Shutdown;
use pg_pool::Connection;
use serde_json::json;
use service_error::ServiceError;

use crate::cache::groups::Affected;
use crate::domain::status::{Action, Facts, Status};
use crate::state::AppState;
use crate::steps::scene::{Actor, Scene};
use crate::store::dispatch::{self, Settled, Word};
use crate::store::notifications::NotificationRow;

/// Packages looked for at once. Each is a transaction of its own.
const BATCH: i64 = 100;
/// Packages that failed in one pass, after which it ends: then it is not the packages that are wrong.
const MOST_FAILURES: usize = 10;

/// Notifies packages whose message was settled without them. Returns how many there were.
///
/// A package with which something is wrong holds up no other.
///
/// # Errors
/// Of the database and of the cache, the first of them; what was done before stays done.
pub(super) async fn pass(state: &AppState, stopped: &Shutdown) -> Result<usize, ServiceError> {
    let words = {
        let mut conn = state.desk.read().await?;
        dispatch::unheeded(&mut conn, BATCH).await?
    };
    let (mut notified, mut failures, mut first_error) = (0, 0, None);
    for word in words {
        if *stopped.borrow() || failures == MOST_FAILURES {
            break;
        }
        let package_id = word.package_id;
        match change(state, word, async |_| Ok(true)).await {
            Ok(()) => notified += 1,
            Err(error) => {
                tracing::warn!(cause = error.explain(), %package_id, "a package was not notified");
                failures += 1;
                first_error = first_error.or(Some(error));
            }
        }
    }
    first_error.map_or(Ok(notified), Err)
}

/// Settles a message that was sent, and notifies its package in the same transaction.
///
/// # Errors
/// Of the database and of the cache: then neither has happened.
pub(super) async fn settled(
    state: &AppState,
    word: Word,
    row: &NotificationRow,
    settled: &Settled,
) -> Result<(), ServiceError> {
    let (row, settled, now) = (row.clone(), settled.clone(), state.context.now());
    let work = async move |conn: &mut Connection| Ok(dispatch::settle(conn, &row, &settled, now).await?);
    change(state, word, work).await
}

/// Locks the package before the message, as everybody does; nothing happens to it where `is_heeded` says so.
async fn change(
    state: &AppState,
    word: Word,
    is_heeded: impl AsyncFnOnce(&mut Connection) -> Result<bool, ServiceError>,
) -> Result<(), ServiceError> {
    let affected = Affected::package(word.package_id, Some(word.customer_id));
    let inner = state.clone();
    let work = async move |conn: &mut Connection| {
        let scene = Scene::enter(conn, inner, word.package_id, Actor::SYSTEM).await?;
        if is_heeded(conn).await? {
            notify(conn, scene, &word).await?;
        }
        Ok::<_, ServiceError>(())
    };
    state.desk.change("notify_package", &affected, work).await?;
    (state.context.wake_relay)();
    Ok(())
}

/// Takes the step, where the package still waits for it, and for the same customer.
async fn notify(conn: &mut Connection, mut scene: Scene, word: &Word) -> Result<(), ServiceError> {
    if scene.before != Some(Status::Stored) || scene.package.customer_id != Some(word.customer_id) {
        return Ok(());
    }
    let facts = Facts { is_identified: true, is_message_delivered: true, ..Facts::of(scene.actor.role) };
    scene.package.notified_at = scene.package.notified_at.or(Some(scene.now));
    let data = json!({"channel": word.channel, "notification_id": word.notification_id});
    scene.step(conn, Action::Notify, &facts, data, Vec::new()).await?;
    scene.leave(conn).await?;
    Ok(())
}
