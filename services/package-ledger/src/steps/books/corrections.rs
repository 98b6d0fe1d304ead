//! Transfers that are taken back.
//!
//! | What was posted | What taking it back does to its package |
//! |---|---|
//! | `charge_base`, `charge_storage` | counts as waived, where it was not waived or written off before |
//! | `waive` | is not waived any more |
//! | `pay` | was not paid, and cannot be given back; none of it may have been |
//! | `write_off` | is owed again |
//!
//! Anything else has its own way back: a refund is made good by another payment, a claim is answered anew, and what was taken back
//! by mistake is charged or paid again.

use pg_pool::Connection;
use problem::Problem;
use serde_json::json;
use service_error::{ServiceError, invalid};
use uuid::Uuid;

use super::{internal, post, unbooked};
use crate::domain::ledger::balance::owed_for;
use crate::domain::ledger::{Transfer, TransferCode, correct as taken_back};
use crate::problems::TRANSFER_CONFLICT;
use crate::steps::scene::Scene;
use crate::store::ledger::{self, TransferRow};
use crate::store::payments;

/// Takes a transfer about the package of a scene back; returns the id of the transfer that does.
///
/// # Errors
/// `transfer_conflict` where it was taken back before, `validation_failed` where it cannot be, and of the database.
pub(crate) async fn correct(
    conn: &mut Connection,
    scene: &mut Scene,
    original: TransferRow,
    reason: &str,
) -> Result<Uuid, ServiceError> {
    let id = original.id;
    let transfer = Transfer::try_from(original)?;
    adjust(conn, scene, &transfer).await?;
    let data = json!({
        "transfer_id": id, "code": transfer.code.as_str(), "amount_minor": transfer.amount_minor,
        "currency": transfer.currency, "reason": reason,
    });
    scene.record(conn, "correct", data, Vec::new()).await?;
    let posted = post(conn, scene, &[taken_back(id, &transfer)], Some(reason)).await?;
    posted
        .first()
        .copied()
        .ok_or_else(|| Problem::new(&TRANSFER_CONFLICT).detail("this transfer was taken back already").into())
}

/// Keeps what stands on the package in step with the books. All of it is rolled back where the transfer was taken back before.
async fn adjust(conn: &mut Connection, scene: &mut Scene, transfer: &Transfer) -> Result<(), ServiceError> {
    let amount_minor = transfer.amount_minor;
    let package = &mut scene.package;
    match transfer.code {
        TransferCode::ChargeBase | TransferCode::ChargeStorage => {
            let posted = ledger::of_package(conn, package.id).await?;
            let owed_minor = owed_for(package.id, &posted).map_err(unbooked)?;
            // What was neither waived nor written off: whoever pays is never owed more than was paid.
            if amount_minor > owed_minor.saturating_add(package.paid_minor) {
                return Err(refused("a part of this charge was waived, written off or taken back already"));
            }
            package.waived_minor = package.waived_minor.saturating_add(amount_minor);
        }
        TransferCode::Waive => {
            if amount_minor > package.waived_minor {
                return Err(refused("this waiver was taken back already"));
            }
            package.waived_minor = package.waived_minor.saturating_sub(amount_minor);
        }
        TransferCode::Pay => {
            let payment = match payment_id(transfer) {
                Some(id) => payments::find(conn, id).await?,
                None => None,
            };
            let payment = payment.ok_or_else(|| internal("a transfer of a payment that is not there"))?;
            if payment.refunded_minor > 0 {
                return Err(refused("a part of this payment was given back, or it was taken back already"));
            }
            package.paid_minor = package.paid_minor.saturating_sub(amount_minor);
            payments::give_back(conn, payment.id, amount_minor).await?;
        }
        TransferCode::WriteOff => {}
        TransferCode::Refund | TransferCode::Claim | TransferCode::Correct => {
            let message = "charges, waivers, payments and write-offs can be taken back";
            return Err(invalid("/transfer_id", "not_correctable", message));
        }
    }
    Ok(())
}

/// The payment that a transfer was posted for.
fn payment_id(transfer: &Transfer) -> Option<Uuid> {
    transfer.idempotency_id.rsplit('/').next().and_then(|id| Uuid::parse_str(id).ok())
}

fn refused(detail: &str) -> ServiceError {
    Problem::new(&TRANSFER_CONFLICT).detail(detail).into()
}
