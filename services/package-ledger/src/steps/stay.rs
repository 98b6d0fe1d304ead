//! A package waits on the shelf, and its customer is told of it.

use pg_pool::Connection;
use serde_json::json;
use service_error::ServiceError;

use super::ending::check;
use super::scene::Scene;
use super::{codes, messages, shelf};
use crate::domain::status::{Action, Facts, Status};

/// What its customer is told when a package can be fetched.
const READY: &str = "ready";
/// And when it has been told so before.
const REMINDER: &str = "storage_reminder";

/// Puts a package into a slot: the one of this code, or any that it fits into. Its customer, if known, gets a code and a message.
///
/// # Errors
/// `step_refused`, `slots_full`, `slot_taken`, `forbidden`, and of the database.
pub(crate) async fn store(
    conn: &mut Connection,
    scene: &mut Scene,
    slot_code: Option<&str>,
) -> Result<(), ServiceError> {
    let facts = Facts { holds_slot: true, ..Facts::of(scene.actor.role) };
    check(scene, Action::Store, &facts)?;
    let slot = shelf::take(conn, scene, slot_code).await?;
    scene.package.stored_at = scene.package.stored_at.or(Some(scene.now));
    scene.step(conn, Action::Store, &facts, json!({"slot": slot}), Vec::new()).await?;
    tell(conn, scene).await
}

/// Gives the customer of a package that lies here a new code, and word of it.
///
/// # Errors
/// Of the database.
pub(crate) async fn tell(conn: &mut Connection, scene: &Scene) -> Result<(), ServiceError> {
    if scene.package.customer_id.is_none() {
        return Ok(());
    }
    codes::issue(conn, scene).await?;
    messages::queue(conn, scene, READY).await
}

/// Records that somebody at the desk has called the customer: the customer knows of the package then.
///
/// # Errors
/// `step_refused`, `forbidden`, and of the database.
pub(crate) async fn called(
    conn: &mut Connection,
    scene: &mut Scene,
    note: Option<&str>,
) -> Result<(), ServiceError> {
    let facts = Facts {
        is_identified: scene.package.customer_id.is_some(),
        is_message_delivered: true,
        ..Facts::of(scene.actor.role)
    };
    let data = json!({"channel": "call", "note": note});
    if scene.before == Some(Status::Notified) {
        messages::log_call(conn, scene, note).await?;
        return scene.record(conn, "call", data, Vec::new()).await;
    }
    check(scene, Action::Notify, &facts)?;
    messages::log_call(conn, scene, note).await?;
    scene.package.notified_at = scene.package.notified_at.or(Some(scene.now));
    scene.step(conn, Action::Notify, &facts, data, Vec::new()).await
}

/// Writes a message to the customer on this channel. The package counts as notified when it has arrived.
///
/// # Errors
/// `step_refused`, `forbidden`, `validation_failed` where the customer is not reached so, and of the database.
pub(crate) async fn write(
    conn: &mut Connection,
    scene: &mut Scene,
    channel: &'static str,
    note: Option<&str>,
) -> Result<(), ServiceError> {
    let is_reminder = scene.before == Some(Status::Notified);
    let facts = Facts {
        is_identified: scene.package.customer_id.is_some(),
        is_message_delivered: true,
        ..Facts::of(scene.actor.role)
    };
    if !is_reminder {
        check(scene, Action::Notify, &facts)?;
    }
    let template = if is_reminder { REMINDER } else { READY };
    messages::queue_on(conn, scene, template, channel).await?;
    let data = json!({"channel": channel, "template": template, "note": note});
    scene.record(conn, "message", data, Vec::new()).await
}
