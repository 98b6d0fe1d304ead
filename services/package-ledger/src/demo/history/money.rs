//! What a package costs, and who pays it.

use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};

use super::Life;
use crate::domain::fee::{Fee, StorageClock, fee, outstanding};
use crate::domain::ledger::{Method, Subject, Transfer};
use crate::domain::money::Money;
use crate::domain::status::{Action, Status};
use crate::store::bulk::Table;

/// What is waived for somebody who complains: a day of storage.
const WAIVED_MINOR: i64 = 100_000;

impl Life<'_> {
    /// What it costs at an instant.
    ///
    /// # Errors
    /// Of the tariff.
    pub(super) fn fee(&self, at: DateTime<Utc>) -> anyhow::Result<Fee> {
        let tariff = &self.scenery.tariff;
        let clock =
            StorageClock { received_at: self.package.received_at, stopped_at: self.package.stopped_at };
        let waived = Money::new(self.package.waived_minor, tariff.currency);
        Ok(fee(&tariff.rates(self.parcel.size_class), clock, &[waived], at)?)
    }

    fn subject(&self) -> Subject<'static> {
        Subject {
            package_id: self.package.id,
            customer_id: self.package.customer_id,
            currency: self.scenery.tariff.currency.as_str(),
        }
    }

    /// Forgoes a part of what it costs, where storage costs something.
    pub(super) fn waive(&mut self, at: DateTime<Utc>) -> anyhow::Result<()> {
        let fee = self.fee(at)?;
        if fee.storage.amount_minor < WAIVED_MINOR {
            return Ok(());
        }
        let (id, reason) = (self.chance.id(at), "the message came late");
        self.batch
            .row(Table::Waiver)
            .id(id)
            .id(self.package.id)
            .bigint(WAIVED_MINOR)
            .text(reason)
            .id(self.scenery.cast.admin)
            .at(at);
        self.package.waived_minor = WAIVED_MINOR;
        let data = json!({
            "waiver_id": id, "amount_minor": WAIVED_MINOR, "currency": fee.total.currency, "reason": reason,
        });
        self.record("waive", Status::Notified, at, self.admin(), data, Vec::new())?;
        self.waiver = Some(json!({
            "id": id, "amount": Money::new(WAIVED_MINOR, fee.total.currency), "reason": reason, "created_at": at,
        }));
        Ok(())
    }

    /// Handed over, and paid for.
    pub(super) fn deliver(&mut self, at: DateTime<Utc>) -> anyhow::Result<()> {
        let fee = self.fee(at)?;
        let (transfer, payment) = self.pay(at, &fee)?;
        let name = self.customer.map(|customer| customer.name.as_str()).unwrap_or_default();
        let data = json!({
            "proof": if self.is_fetched_by_code() { "code" } else { "identity" },
            "recipient_name": name, "slot": self.slot_code(),
            "total_minor": fee.total.amount_minor, "currency": fee.total.currency,
            "payment": {
                "payment_id": payment.get("id"), "method": payment.get("method"),
                "amount_minor": fee.total.amount_minor, "receipt_no": payment.get("receipt_no"),
            },
        });
        self.record(Action::Deliver.as_str(), Status::Delivered, at, self.operator(), data, Vec::new())?;
        self.charge(at, &fee, vec![transfer], Some(payment))
    }

    fn pay(&mut self, at: DateTime<Utc>, fee: &Fee) -> anyhow::Result<(Transfer, Json)> {
        let (id, amount) = (self.chance.id(at), fee.total);
        let method = if self.chance.permille(620) { Method::Cash } else { Method::Transfer };
        let reference = (method == Method::Transfer).then(|| format!("NEQ{}", self.chance.digits(9)));
        let receipt_no = self.plan.receipt_no.unwrap_or_default();
        self.batch
            .row(Table::Payment)
            .id(id)
            .id(self.package.id)
            .maybe_id(self.package.customer_id)
            .text(method.as_str())
            .bigint(amount.amount_minor)
            .text(amount.currency.as_str())
            .bigint(receipt_no)
            .maybe_text(reference.as_deref())
            .id(self.scenery.cast.operator)
            .at(at);
        self.package.paid_minor = amount.amount_minor;
        let transfer = self.subject().payment(id, method, amount.amount_minor)?;
        let told = json!({
            "id": id, "receipt_no": receipt_no, "method": method, "amount": amount,
            "refunded": Money::zero(amount.currency), "created_at": at,
        });
        Ok((transfer, told))
    }

    /// Given back to the carrier; what it costs stays owed.
    pub(super) fn give_back(&mut self, at: DateTime<Utc>) -> anyhow::Result<()> {
        let fee = self.fee(at)?;
        self.charge(at, &fee, Vec::new(), None)?;
        let data = json!({
            "to": "carrier", "reason": "not fetched", "slot": self.slot_code(), "total_minor": fee.total.amount_minor,
        });
        self.record(Action::Return.as_str(), Status::Returned, at, self.operator(), data, Vec::new())
    }

    /// Disposed of; what it costs is given up.
    pub(super) fn abandon(&mut self, at: DateTime<Utc>) -> anyhow::Result<()> {
        let fee = self.fee(at)?;
        let write_off = self.subject().write_off(fee.total.amount_minor)?;
        self.charge(at, &fee, vec![write_off], None)?;
        let data = json!({
            "disposal": "given to charity", "slot": self.slot_code(), "total_minor": fee.total.amount_minor,
            "sms": self.sms, "calls": self.calls,
        });
        self.record(Action::Abandon.as_str(), Status::Abandoned, at, self.operator(), data, Vec::new())
    }

    fn charge(
        &mut self,
        at: DateTime<Utc>,
        fee: &Fee,
        more: Vec<Transfer>,
        payment: Option<Json>,
    ) -> anyhow::Result<()> {
        let (base, storage) = (fee.base.amount_minor, fee.storage.amount_minor);
        let mut transfers = self.subject().charges(base, storage, fee.waived.amount_minor)?;
        transfers.extend(more);
        self.books.post(self.batch, &transfers, at, self.scenery.cast.operator, &mut self.chance);
        self.package.total_minor = Some(base.saturating_add(storage));
        let paid = Money::new(self.package.paid_minor, fee.total.currency);
        let body = json!({
            "package_id": self.package.id,
            "tracking_no": self.package.tracking_no,
            "customer_id": self.package.customer_id,
            "fee": fee,
            "waivers": self.waiver.iter().collect::<Vec<_>>(),
            "payments": payment.iter().collect::<Vec<_>>(),
            "paid": paid,
            "due": outstanding(fee, paid)?,
            "issued_at": at,
        });
        self.batch.row(Table::Receipt).id(self.package.id).json(&serde_json::to_string(&body)?).at(at);
        Ok(())
    }
}
