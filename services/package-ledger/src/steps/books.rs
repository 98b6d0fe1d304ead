//! The books of a package: charges, waivers, payments, refunds, write-offs (P-D5).
//!
//! The books have one writer at a time, so whatever can be done before is done before: whoever hands something over keeps the
//! others from posting for no longer than it takes to write a receipt.

mod corrections;
mod receipts;

use pg_pool::Connection;
use problem::{Problem, registry};
use serde_json::{Value as Json, json};
use service_error::{ServiceError, invalid};
use uuid::Uuid;

use super::price::balance_minor;
use super::scene::Scene;
use crate::domain::fee::Fee;
use crate::domain::ledger::balance::owed_for;
use crate::domain::ledger::{LedgerError, Method, Subject, Transfer};
use crate::domain::money::Money;
use crate::domain::status::Status;
use crate::problems::PAYMENT_EXCEEDS_DUE;
use crate::store::ledger::{self, Posting};
use crate::store::packages::PackageRow;
use crate::store::payments::{self, NewPayment, PaymentRow};

pub(crate) use corrections::correct;

/// Payments that are given back at a time.
const PAYMENTS_AT_ONCE: i64 = 100;

/// Money that is offered for a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    /// How it comes.
    pub(crate) method: Method,
    /// How much; above zero.
    pub(crate) amount: Money,
    /// Of a bank transfer.
    pub(crate) reference: Option<String>,
}

/// Posts what a package costs in the end, with its waivers, keeps the total on it, and writes its receipt. To be done once.
///
/// # Errors
/// Of the database.
pub(crate) async fn charge(conn: &mut Connection, scene: &mut Scene, fee: &Fee) -> Result<(), ServiceError> {
    settle(conn, scene, fee, None).await
}

/// The same together with a payment that was taken for it.
///
/// # Errors
/// Of the database.
pub(crate) async fn settle(
    conn: &mut Connection,
    scene: &mut Scene,
    fee: &Fee,
    payment: Option<Transfer>,
) -> Result<(), ServiceError> {
    let (base, storage) = (fee.base.amount_minor, fee.storage.amount_minor);
    let subject = subject(&scene.package, fee.total);
    let mut transfers = subject.charges(base, storage, fee.waived.amount_minor).map_err(unbooked)?;
    transfers.extend(payment);
    post(conn, scene, &transfers, None).await?;
    scene.package.total_minor = Some(base.saturating_add(storage));
    // As posted: more may have been granted than there is to waive, where its tariff became a cheaper one.
    scene.package.waived_minor = fee.waived.amount_minor;
    receipts::write(conn, scene, fee).await
}

/// Gives up what is still owed for a package that was charged.
///
/// # Errors
/// Of the database.
pub(crate) async fn write_off(conn: &mut Connection, scene: &mut Scene) -> Result<(), ServiceError> {
    let posted = ledger::of_package(conn, scene.package.id).await?;
    let owed_minor = owed_for(scene.package.id, &posted).map_err(unbooked)?;
    let Some(currency) = posted.first().map(|transfer| transfer.currency.clone()) else { return Ok(()) };
    if owed_minor <= 0 {
        return Ok(());
    }
    let subject =
        Subject { package_id: scene.package.id, customer_id: scene.package.customer_id, currency: &currency };
    let transfer = subject.write_off(owed_minor).map_err(unbooked)?;
    post(conn, scene, &[transfer], None).await.map(|_| ())
}

/// What is to be paid for a package at the instant of a fee: by the fee until it was charged, by the books from then on; nothing
/// while it is lost. Below zero where more was paid.
///
/// # Errors
/// Of the database.
pub(crate) async fn due(
    conn: &mut Connection,
    package: &PackageRow,
    fee: &Fee,
) -> Result<Money, ServiceError> {
    let due_minor = if package.status()? == Status::Lost {
        // Nobody pays for what the desk cannot find; where it is found again, it is priced again.
        0
    } else if package.total_minor.is_some() {
        owed_for(package.id, &ledger::of_package(conn, package.id).await?).map_err(unbooked)?
    } else {
        balance_minor(package, fee)
    };
    Ok(Money::new(due_minor, fee.total.currency))
}

/// Refuses money that is not asked for. `place` is where the offer stands in the request.
///
/// # Errors
/// `payment_exceeds_due`, and `validation_failed` for another currency.
pub(crate) fn check_offer(offer: &Offer, due: Money, place: &str) -> Result<(), ServiceError> {
    if offer.amount.currency != due.currency {
        let message = format!("this package is paid in {}", due.currency);
        return Err(invalid(&format!("{place}/currency"), "invalid", message));
    }
    if offer.amount.amount_minor > due.amount_minor {
        let due = Money::new(due.amount_minor.max(0), due.currency);
        return Err(Problem::new(&PAYMENT_EXCEEDS_DUE)
            .detail(format!("{due} are due"))
            .member("due", json!(due))
            .into());
    }
    Ok(())
}

/// Takes money for a package: it gets its number, and counts. Its transfer is still to be posted.
///
/// # Errors
/// Of the database.
pub(crate) async fn take(
    conn: &mut Connection,
    scene: &mut Scene,
    offer: &Offer,
) -> Result<(PaymentRow, Transfer), ServiceError> {
    let received_by = scene.actor.id.ok_or_else(|| internal("a payment that nobody took"))?;
    let new = NewPayment {
        id: scene.state.context.new_id(),
        package_id: scene.package.id,
        customer_id: scene.package.customer_id,
        method: offer.method.as_str(),
        amount_minor: offer.amount.amount_minor,
        currency: offer.amount.currency.as_str(),
        reference: offer.reference.as_deref(),
        received_by,
        created_at: scene.now,
    };
    let row = payments::insert(conn, &new).await?;
    let transfer = subject(&scene.package, offer.amount)
        .payment(row.id, offer.method, row.amount_minor)
        .map_err(unbooked)?;
    scene.package.paid_minor = scene.package.paid_minor.saturating_add(row.amount_minor);
    Ok((row, transfer))
}

/// Takes money for a package, books it, and records that.
///
/// # Errors
/// Of the database.
pub(crate) async fn pay(
    conn: &mut Connection,
    scene: &mut Scene,
    offer: &Offer,
) -> Result<PaymentRow, ServiceError> {
    let (row, transfer) = take(conn, scene, offer).await?;
    let data = json!({
        "payment_id": row.id, "method": row.method, "amount_minor": row.amount_minor, "currency": row.currency,
        "receipt_no": row.receipt_no,
    });
    scene.record(conn, "pay", data, Vec::new()).await?;
    post(conn, scene, &[transfer], None).await?;
    Ok(row)
}

/// Gives a part of a payment back. What the package costs stays owed: where it should not be, it is waived before, or the charge is
/// taken back.
///
/// # Errors
/// `validation_failed` where less is left of it, and of the database.
pub(crate) async fn refund(
    conn: &mut Connection,
    scene: &mut Scene,
    payment: &PaymentRow,
    amount_minor: i64,
    reason: &str,
) -> Result<PaymentRow, ServiceError> {
    let left_minor = payment.amount_minor.saturating_sub(payment.refunded_minor);
    if amount_minor > left_minor {
        let left = Money::new(left_minor, payment.currency()?);
        return Err(invalid("/amount_minor", "out_of_range", format!("{left} are left of this payment")));
    }
    let (transfer, data) = given_back(scene, payment, amount_minor, reason)?;
    let row = payments::give_back(conn, payment.id, amount_minor).await?;
    scene.package.paid_minor = scene.package.paid_minor.saturating_sub(amount_minor);
    scene.record(conn, "refund", data, Vec::new()).await?;
    post(conn, scene, &[transfer], Some(reason)).await?;
    Ok(row)
}

/// Gives back all that was paid for a package: some statements for each hundred payments, however many of them there are.
///
/// # Errors
/// Of the database.
pub(crate) async fn refund_all(
    conn: &mut Connection,
    scene: &mut Scene,
    reason: &str,
) -> Result<(), ServiceError> {
    let mut after = None;
    loop {
        let some = payments::of_package(conn, scene.package.id, after, PAYMENTS_AT_ONCE).await?;
        let Some(last) = some.last() else { return Ok(()) };
        after = Some(last.id);
        let (mut ids, mut transfers, mut refunds, mut sum_minor) =
            (Vec::new(), Vec::new(), Vec::new(), 0_i64);
        for payment in &some {
            let left_minor = payment.amount_minor.saturating_sub(payment.refunded_minor);
            if left_minor > 0 {
                let (transfer, data) = given_back(scene, payment, left_minor, reason)?;
                ids.push(payment.id);
                transfers.push(transfer);
                refunds.push(data);
                sum_minor = sum_minor.saturating_add(left_minor);
            }
        }
        if !ids.is_empty() {
            payments::give_back_whole(conn, &ids).await?;
            scene.package.paid_minor = scene.package.paid_minor.saturating_sub(sum_minor);
            scene.record(conn, "refund", json!({"refunds": refunds}), Vec::new()).await?;
            post(conn, scene, &transfers, Some(reason)).await?;
        }
        if some.len() < usize::try_from(PAYMENTS_AT_ONCE).unwrap_or(usize::MAX) {
            return Ok(());
        }
    }
}

/// What is posted and recorded of money that is given back, on the account that it was booked on.
fn given_back(
    scene: &Scene,
    payment: &PaymentRow,
    amount_minor: i64,
    reason: &str,
) -> Result<(Transfer, Json), ServiceError> {
    let refund_id = scene.state.context.new_id();
    let subject = Subject {
        package_id: payment.package_id,
        customer_id: payment.customer_id,
        currency: &payment.currency,
    };
    let transfer = subject.refund(refund_id, payment.method()?, amount_minor).map_err(unbooked)?;
    let data = json!({
        "payment_id": payment.id, "refund_id": refund_id, "amount_minor": amount_minor,
        "currency": payment.currency, "reason": reason,
    });
    Ok((transfer, data))
}

/// Posts transfers as whoever acts in a scene; returns the ids of those that were new.
///
/// # Errors
/// Of the database.
pub(crate) async fn post(
    conn: &mut Connection,
    scene: &Scene,
    transfers: &[Transfer],
    reason: Option<&str>,
) -> Result<Vec<Uuid>, ServiceError> {
    let context = &scene.state.context;
    let posting = Posting { new_id: context.new_id, now: scene.now, actor_id: scene.actor.id, reason };
    Ok(ledger::post(conn, transfers, &posting).await?)
}

fn subject(package: &PackageRow, amount: Money) -> Subject<'static> {
    Subject { package_id: package.id, customer_id: package.customer_id, currency: amount.currency.as_str() }
}

fn unbooked(error: LedgerError) -> ServiceError {
    Problem::new(&registry::INTERNAL).cause(error).into()
}

fn internal(cause: &'static str) -> ServiceError {
    Problem::new(&registry::INTERNAL).cause(cause).into()
}
