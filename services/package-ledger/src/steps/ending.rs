//! How a package ends where nobody fetches it: returned, abandoned, cancelled.

use chrono::TimeDelta;
use pg_pool::Connection;
use serde_json::json;
use service_error::ServiceError;

use super::price::price;
use super::scene::{Scene, refused};
use super::{books, messages, shelf, timing};
use crate::cache::tariffs;
use crate::domain::fee::Fee;
use crate::domain::status::{Action, Facts, next};
use crate::domain::tariff::Tariff;
use crate::store::{custody, reception};

/// Gives a package back to its carrier or sender; what it costs is charged.
///
/// # Errors
/// `step_refused`, `forbidden`, and of the database.
pub(crate) async fn give_back(
    conn: &mut Connection,
    scene: &mut Scene,
    to: &str,
    reason: Option<&str>,
) -> Result<(), ServiceError> {
    let facts = Facts { is_reason_given: reason.is_some(), ..Facts::of(scene.actor.role) };
    check(scene, Action::Return, &facts)?;
    let fee = priced(conn, scene).await?;
    books::charge(conn, scene, &fee).await?;
    let slot = end(conn, scene).await?;
    let data = json!({"to": to, "reason": reason, "slot": slot, "total_minor": fee.total.amount_minor});
    scene.step(conn, Action::Return, &facts, data, Vec::new()).await?;
    messages::queue(conn, scene, "returned").await
}

/// Disposes of a package that its customer has not fetched: what is owed for it is charged, and given up.
///
/// # Errors
/// `step_refused` with all that its tariff still wants, `forbidden`, and of the database.
pub(crate) async fn abandon(
    conn: &mut Connection,
    scene: &mut Scene,
    disposal: &str,
) -> Result<(), ServiceError> {
    let (sms, calls) = messages::contacts(conn, scene.package.id).await?;
    let known = scene.state.tariffs.with(conn, [scene.package.tariff_id]).await?;
    let policy = &tariffs::one(&known, scene.package.tariff_id)?.policy;
    let facts = Facts {
        sms: sms.into(),
        calls: calls.into(),
        min_sms: policy.min_sms.into(),
        min_calls: policy.min_calls.into(),
        held_for: scene.package.received_at.map_or(TimeDelta::zero(), |received_at| scene.now - received_at),
        abandoned_after: TimeDelta::days(policy.abandon_days.into()),
        ..Facts::of(scene.actor.role)
    };
    check(scene, Action::Abandon, &facts)?;
    let fee = priced(conn, scene).await?;
    books::charge(conn, scene, &fee).await?;
    books::write_off(conn, scene).await?;
    let slot = end(conn, scene).await?;
    let data = json!({
        "disposal": disposal, "slot": slot, "total_minor": fee.total.amount_minor, "sms": sms, "calls": calls,
    });
    scene.step(conn, Action::Abandon, &facts, data, Vec::new()).await?;
    messages::queue(conn, scene, "abandoned").await
}

/// Takes an announcement or a reception back: it costs nothing, and what was paid is given back.
///
/// # Errors
/// `step_refused`, `forbidden`, and of the database.
pub(crate) async fn cancel(
    conn: &mut Connection,
    scene: &mut Scene,
    reason: Option<&str>,
) -> Result<(), ServiceError> {
    let facts = Facts { is_reason_given: reason.is_some(), ..Facts::of(scene.actor.role) };
    check(scene, Action::Cancel, &facts)?;
    let refunded_minor = scene.package.paid_minor;
    books::refund_all(conn, scene, reason.unwrap_or_default()).await?;
    if let Some(announcement_id) = scene.package.announcement_id {
        reception::cancel_announcement(conn, announcement_id, scene.now).await?;
    }
    end(conn, scene).await?;
    let data = json!({"reason": reason, "refunded_minor": refunded_minor});
    scene.step(conn, Action::Cancel, &facts, data, Vec::new()).await
}

/// Whether a step can be taken, before anything is done for it.
///
/// # Errors
/// `step_refused`, `balance_due`, `forbidden`.
pub(crate) fn check(scene: &Scene, action: Action, facts: &Facts) -> Result<(), ServiceError> {
    next(scene.before, action, facts).map(|_| ()).map_err(|refusal| refused(&refusal, facts))
}

/// What a package costs at this instant.
async fn priced(conn: &mut Connection, scene: &Scene) -> Result<Fee, ServiceError> {
    let tariff_id = scene.package.tariff_id;
    let known = scene.state.tariffs.with(conn, [tariff_id]).await?;
    let tariff: &Tariff = tariffs::one(&known, tariff_id)?;
    price(&scene.package, tariff, scene.now)
}

/// What every end has in common: the clock stops, the slot is free again, nothing is due any more, and files are kept for as long as
/// was promised. Says the code of the slot.
///
/// # Errors
/// Of the database.
pub(crate) async fn end(conn: &mut Connection, scene: &mut Scene) -> Result<Option<String>, ServiceError> {
    let now = scene.now;
    scene.package.stopped_at = scene.package.stopped_at.or(Some(now));
    scene.package.ended_at = Some(now);
    timing::cancel(conn, scene).await?;
    let kept_for = TimeDelta::days(scene.state.config.desk.file_retention_days.into());
    custody::retain(conn, scene.package.id, Some(now + kept_for)).await?;
    shelf::free(conn, scene).await
}
