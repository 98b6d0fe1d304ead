//! The receipt of a package: what it cost and what was paid, as it was told when it ended.

use pg_pool::Connection;
use serde_json::{Value as Json, json};
use service_error::ServiceError;

use crate::domain::fee::{Fee, outstanding};
use crate::domain::money::Money;
use crate::steps::scene::Scene;
use crate::store::payments::{self, PaymentRow, WaiverRow};
use crate::store::receipts;

/// Most payments and waivers that a receipt lists.
const MAX_LINES: i64 = 1000;

/// Writes it.
///
/// # Errors
/// Of the database.
pub(super) async fn write(conn: &mut Connection, scene: &Scene, fee: &Fee) -> Result<(), ServiceError> {
    let package = &scene.package;
    let (payments, waivers) = (
        payments::of_package(conn, package.id, None, MAX_LINES).await?,
        payments::waivers_of_package(conn, package.id, None, MAX_LINES).await?,
    );
    let currency = fee.total.currency;
    let paid = Money::new(package.paid_minor, currency);
    let due = outstanding(fee, paid).unwrap_or(fee.total);
    let body = json!({
        "package_id": package.id,
        "tracking_no": package.tracking_no,
        "customer_id": package.customer_id,
        "fee": fee,
        "waivers": waivers.iter().map(|row| waiver(row, fee)).collect::<Vec<_>>(),
        "payments": payments.iter().map(payment).collect::<Result<Vec<_>, _>>()?,
        "paid": paid,
        "due": due,
        "issued_at": scene.now,
    });
    Ok(receipts::insert(conn, package.id, &body, scene.now).await?)
}

fn waiver(row: &WaiverRow, fee: &Fee) -> Json {
    json!({
        "id": row.id,
        "amount": Money::new(row.amount_minor, fee.total.currency),
        "reason": row.reason,
        "created_at": row.created_at,
    })
}

fn payment(row: &PaymentRow) -> Result<Json, ServiceError> {
    let currency = row.currency()?;
    Ok(json!({
        "id": row.id,
        "receipt_no": row.receipt_no,
        "method": row.method,
        "amount": Money::new(row.amount_minor, currency),
        "refunded": Money::new(row.refunded_minor, currency),
        "created_at": row.created_at,
    }))
}
