//! Incidents: a package was lost, damaged, or found again.

use pg_pool::Connection;
use serde_json::json;
use service_error::ServiceError;

use super::ending::{check, end};
use super::scene::{NewFile, Scene};
use super::{claims, shelf, stay, timing};
use crate::cache::tariffs;
use crate::domain::claim::ClaimKind;
use crate::domain::named::named;
use crate::domain::status::{Action, Facts};
use crate::store::custody;

named! {
    /// What happened to a package.
    Incident {
        /// It cannot be found.
        Lost = "lost",
        /// It was broken.
        Damaged = "damaged",
        /// It is there again.
        Found = "found",
    }
}

/// What is said of an incident.
#[derive(Debug)]
pub(crate) struct Report {
    /// What happened.
    pub(crate) incident: Incident,
    /// In somebody's words.
    pub(crate) description: Option<String>,
    /// Pictures of it.
    pub(crate) files: Vec<NewFile>,
    /// Of one that was found: where it is put; anywhere if left out.
    pub(crate) slot_code: Option<String>,
}

/// Records an incident. What is lost or damaged costs nothing more from then on, also when it was found again: nobody pays for time in
/// which the desk did not have it as it came.
///
/// # Errors
/// `step_refused`, `slots_full`, `slot_taken`, `forbidden`, and of the database.
pub(crate) async fn report(
    conn: &mut Connection,
    scene: &mut Scene,
    report: Report,
) -> Result<(), ServiceError> {
    let has_evidence = report.description.is_some() || !report.files.is_empty();
    let facts = Facts { has_evidence, holds_slot: true, ..Facts::of(scene.actor.role) };
    match report.incident {
        Incident::Lost => lost(conn, scene, &facts, report).await,
        Incident::Damaged => damaged(conn, scene, &facts, report).await,
        Incident::Found => found(conn, scene, &facts, report).await,
    }
}

async fn lost(
    conn: &mut Connection,
    scene: &mut Scene,
    facts: &Facts,
    report: Report,
) -> Result<(), ServiceError> {
    check(scene, Action::Lose, facts)?;
    let claim_id = claim(conn, scene, ClaimKind::Lost, report.description.as_deref()).await?;
    let slot = end(conn, scene).await?;
    let data = json!({"description": report.description, "slot": slot, "claim_id": claim_id});
    scene.step(conn, Action::Lose, facts, data, report.files).await
}

async fn damaged(
    conn: &mut Connection,
    scene: &mut Scene,
    facts: &Facts,
    report: Report,
) -> Result<(), ServiceError> {
    check(scene, Action::Damage, facts)?;
    let claim_id = claim(conn, scene, ClaimKind::Damaged, report.description.as_deref()).await?;
    scene.package.stopped_at = scene.package.stopped_at.or(Some(scene.now));
    timing::cancel(conn, scene).await?;
    let data = json!({"description": report.description, "claim_id": claim_id});
    scene.step(conn, Action::Damage, facts, data, report.files).await
}

async fn found(
    conn: &mut Connection,
    scene: &mut Scene,
    facts: &Facts,
    report: Report,
) -> Result<(), ServiceError> {
    check(scene, Action::Find, facts)?;
    let slot = shelf::take(conn, scene, report.slot_code.as_deref()).await?;
    scene.package.ended_at = None;
    scene.package.stored_at = scene.package.stored_at.or(Some(scene.now));
    custody::retain(conn, scene.package.id, None).await?;
    let tariff_id = scene.package.tariff_id;
    let known = scene.state.tariffs.with(conn, [tariff_id]).await?;
    timing::resume(conn, scene, tariffs::one(&known, tariff_id)?).await?;
    let data = json!({"description": report.description, "slot": slot});
    scene.step(conn, Action::Find, facts, data, report.files).await?;
    stay::tell(conn, scene).await
}

async fn claim(
    conn: &mut Connection,
    scene: &Scene,
    kind: ClaimKind,
    description: Option<&str>,
) -> Result<String, ServiceError> {
    let description = description.unwrap_or(kind.as_str()).to_owned();
    Ok(claims::open(conn, scene, kind, description).await?.id.to_string())
}
