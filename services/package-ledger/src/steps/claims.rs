//! Claims: opened when something went wrong with a package.

use chrono::{DateTime, FixedOffset, Offset as _, Utc};
use pg_pool::Connection;
use problem::{Problem, registry};
use service_error::{ServiceError, forbidden};

use super::price::price;
use super::scene::Scene;
use crate::cache::tariffs;
use crate::domain::claim::{ClaimKind, ClaimStatus, answer_due_at, liability};
use crate::domain::money::{Money, MoneyError};
use crate::store::claims::{self, ClaimRow};

/// Where the desk is, in seconds west of Greenwich: Bogotá.
const DESK_WEST_SECS: i32 = 5 * 3_600;

/// Opens a claim; what the desk answers for is reckoned from the fee at this instant.
///
/// # Errors
/// `forbidden` for the clock, which claims nothing, and of the database.
pub(crate) async fn open(
    conn: &mut Connection,
    scene: &Scene,
    kind: ClaimKind,
    description: String,
) -> Result<ClaimRow, ServiceError> {
    let opened_by = scene.actor.id.ok_or_else(|| forbidden("a claim is opened by somebody"))?;
    let liability = most(conn, scene).await?;
    let row = ClaimRow {
        id: scene.state.context.new_id(),
        package_id: scene.package.id,
        kind: kind.as_str().to_owned(),
        status: ClaimStatus::Open.as_str().to_owned(),
        description,
        answer: None,
        liability_minor: liability.amount_minor,
        currency: liability.currency.as_str().to_owned(),
        opened_by,
        answer_due_at: due_at(scene.now),
        version: 1,
        created_at: scene.now,
        updated_at: scene.now,
    };
    claims::insert(conn, &row).await?;
    Ok(row)
}

/// Of what the package costs without waivers: a favour does not lessen what the desk answers for.
async fn most(conn: &mut Connection, scene: &Scene) -> Result<Money, ServiceError> {
    let tariff_id = scene.package.tariff_id;
    let known = scene.state.tariffs.with(conn, [tariff_id]).await?;
    let fee = price(&scene.package, tariffs::one(&known, tariff_id)?, scene.now)?;
    fee.base.checked_add(fee.storage).and_then(liability).map_err(unreckoned)
}

fn due_at(opened_at: DateTime<Utc>) -> DateTime<Utc> {
    answer_due_at(opened_at, FixedOffset::west_opt(DESK_WEST_SECS).unwrap_or(Utc.fix()))
}

fn unreckoned(error: MoneyError) -> ServiceError {
    Problem::new(&registry::INTERNAL).cause(error).into()
}
