//! Slots: taken by a package, and given back (P-D8).

use pg_pool::Connection;
use problem::{Problem, ProblemType};
use serde_json::json;
use service_error::{ServiceError, invalid};

use super::scene::Scene;
use crate::domain::shelf::{SlotStatus, fitting, is_code, takes};
use crate::domain::tariff::SizeClass;
use crate::problems::{SLOT_TAKEN, SLOTS_FULL};
use crate::store::slots::{self, FreeSlot, TakenSlot};
use crate::store::unknown;

/// Takes a free slot that the package fits into, or the one of this code; says its code. A package that lies in one keeps it.
///
/// # Errors
/// `slots_full`, `slot_taken`, `validation_failed` for a code that is none, and of the database.
pub(crate) async fn take(
    conn: &mut Connection,
    scene: &mut Scene,
    code: Option<&str>,
) -> Result<String, ServiceError> {
    // One that was not received has no size, and takes no slot by the rules either.
    let size = scene.package.size_class()?.unwrap_or(SizeClass::Extra);
    let taken = match code {
        Some(code) => named(conn, scene, code, size).await?,
        None => any(conn, scene, size).await?,
    };
    scene.package.slot_id = Some(taken.id);
    Ok(taken.code)
}

async fn any(conn: &mut Connection, scene: &Scene, size: SizeClass) -> Result<TakenSlot, ServiceError> {
    if let Some(taken) = slots::take_any(conn, fitting(size), scene.now).await? {
        return Ok(taken);
    }
    // Some that are too small are free: whoever stands there knows whether the package goes in all the same.
    let others: Vec<&str> =
        SizeClass::ALL.iter().filter(|other| !takes(**other, size)).map(|other| other.as_str()).collect();
    let alternatives = slots::some_free(conn, &others).await?;
    let detail = format!("no slot that takes a package of size {} is free", size.as_str());
    Err(refused(&SLOTS_FULL, detail, &alternatives))
}

async fn named(
    conn: &mut Connection,
    scene: &Scene,
    code: &str,
    size: SizeClass,
) -> Result<TakenSlot, ServiceError> {
    let unknown_code = || invalid("/slot_code", "unknown", "no slot has this code");
    // The database is not asked for what it would not take.
    if !is_code(code) {
        return Err(unknown_code());
    }
    if let Some(taken) = slots::take_named(conn, code, fitting(size), scene.now).await? {
        return Ok(taken);
    }
    let Some(slot) = slots::by_code(conn, code).await? else { return Err(unknown_code()) };
    let slot_size =
        SizeClass::parse(&slot.size_class).ok_or_else(|| unknown("slot.size_class", &slot.size_class))?;
    let reason = match slot.status()? {
        _ if !takes(slot_size, size) => format!("too small for a package of size {}", size.as_str()),
        SlotStatus::Blocked => "blocked".to_owned(),
        SlotStatus::Free | SlotStatus::Held => "held for another package".to_owned(),
    };
    let alternatives = slots::some_free(conn, fitting(size)).await?;
    Err(refused(&SLOT_TAKEN, format!("slot {code} is {reason}"), &alternatives))
}

/// Refuses a slot, and names others.
pub(crate) fn refused(kind: &'static ProblemType, detail: String, alternatives: &[FreeSlot]) -> ServiceError {
    Problem::new(kind).detail(detail).member("alternatives", json!(alternatives)).into()
}

/// Gives back the slot in which a package lies, if it lies in one; says its code.
///
/// # Errors
/// Of the database.
pub(crate) async fn free(conn: &mut Connection, scene: &mut Scene) -> Result<Option<String>, ServiceError> {
    let Some(slot_id) = scene.package.slot_id.take() else { return Ok(None) };
    Ok(slots::free(conn, slot_id, scene.now).await?)
}
