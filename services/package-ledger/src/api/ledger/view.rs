//! Accounts and transfers as JSON.

use chrono::{DateTime, Utc};
use serde::Serialize;
use service_error::ServiceError;
use uuid::Uuid;

use crate::domain::ledger::TransferCode;
use crate::domain::ledger::account::{AccountKind, Side};
use crate::domain::money::{Currency, Money};
use crate::store::ledger::{AccountRow, TransferRow};
use crate::store::unknown;

/// An account as it is sent.
#[derive(Debug, Serialize)]
pub(super) struct AccountView {
    id: Uuid,
    code: String,
    kind: AccountKind,
    debits: Money,
    credits: Money,
    /// What is in it, on the side on which it grows.
    balance: Money,
    created_at: DateTime<Utc>,
}

impl TryFrom<AccountRow> for AccountView {
    type Error = ServiceError;

    fn try_from(row: AccountRow) -> Result<Self, ServiceError> {
        let (kind, currency) = (row.kind()?, currency(&row.currency)?);
        let money = |amount_minor| Money::new(amount_minor, currency);
        let (plus, minus) = match kind.normal_side() {
            Side::Debit => (row.debits_minor, row.credits_minor),
            Side::Credit => (row.credits_minor, row.debits_minor),
        };
        Ok(Self {
            id: row.id,
            code: row.code,
            kind,
            debits: money(row.debits_minor),
            credits: money(row.credits_minor),
            balance: money(plus.saturating_sub(minus)),
            created_at: row.created_at,
        })
    }
}

/// A transfer as it is sent.
#[derive(Debug, Serialize)]
pub(super) struct TransferView {
    id: Uuid,
    code: TransferCode,
    debit: String,
    credit: String,
    amount: Money,
    package_id: Option<Uuid>,
    corrects_id: Option<Uuid>,
    reason: Option<String>,
    actor_id: Option<Uuid>,
    created_at: DateTime<Utc>,
}

impl TryFrom<TransferRow> for TransferView {
    type Error = ServiceError;

    fn try_from(row: TransferRow) -> Result<Self, ServiceError> {
        Ok(Self {
            id: row.id,
            code: TransferCode::parse(&row.code).ok_or_else(|| unknown("ledger_transfer.code", &row.code))?,
            amount: Money::new(row.amount_minor, currency(&row.currency)?),
            debit: row.debit,
            credit: row.credit,
            package_id: row.package_id,
            corrects_id: row.corrects_id,
            reason: row.reason,
            actor_id: row.actor_id,
            created_at: row.created_at,
        })
    }
}

/// The currency of this code.
///
/// # Errors
/// For one that is not known here.
pub(super) fn currency(code: &str) -> Result<Currency, ServiceError> {
    Ok(Currency::parse(code).ok_or_else(|| unknown("ledger_account.currency", code))?)
}
