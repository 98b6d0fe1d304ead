//! The books of the demo desk: accounts are opened when they are first needed. Their totals are reckoned at the end, by the database.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::batch::Batch;
use super::chance::Chance;
use crate::domain::ledger::Transfer;
use crate::domain::ledger::account::AccountCode;
use crate::store::bulk::Table;

/// The accounts that are open.
#[derive(Debug, Default)]
pub(super) struct Books(HashMap<AccountCode, Uuid>);

impl Books {
    /// Posts transfers of one instant.
    pub(super) fn post(
        &mut self,
        batch: &mut Batch,
        transfers: &[Transfer],
        at: DateTime<Utc>,
        actor: Uuid,
        chance: &mut Chance,
    ) {
        for transfer in transfers {
            let debit = self.account(batch, &transfer.debit, &transfer.currency, at, chance);
            let credit = self.account(batch, &transfer.credit, &transfer.currency, at, chance);
            batch
                .row(Table::Transfer)
                .id(chance.id(at))
                .id(debit)
                .id(credit)
                .bigint(transfer.amount_minor)
                .text(&transfer.currency)
                .text(transfer.code.as_str())
                .maybe_id(transfer.package_id)
                .text(&transfer.idempotency_id)
                .id(actor)
                .at(at);
        }
    }

    fn account(
        &mut self,
        batch: &mut Batch,
        code: &AccountCode,
        currency: &str,
        at: DateTime<Utc>,
        chance: &mut Chance,
    ) -> Uuid {
        if let Some(id) = self.0.get(code) {
            return *id;
        }
        let id = chance.id(at);
        self.0.insert(code.clone(), id);
        batch
            .row(Table::Account)
            .id(id)
            .text(&code.to_string())
            .text(code.kind().as_str())
            .text(currency)
            .at(at);
        id
    }
}
