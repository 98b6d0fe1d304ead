//! The books: every peso is debited to one account and credited to another (P-D5).
//!
//! What happens is planned here as transfers, and posted elsewhere in one transaction with the totals of the accounts. A transfer
//! is never changed: a mistake is taken back by another one (P-B6). Each says what it is posted for, so that planning the same
//! thing twice posts it once.
//!
//! | What | Debit | Credit |
//! |---|---|---|
//! | a charge | the customer | `revenue/base`, `revenue/storage` |
//! | a waiver | `waivers` | the customer |
//! | a payment | `cash` or `bank` | the customer |
//! | a refund | the customer | `cash` or `bank` |
//! | a write-off | `write_offs` | the customer |
//! | a claim | `claims` | `liability/claims` |
//! | a correction | what was credited | what was debited |

pub(crate) mod account;
pub(crate) mod balance;

use uuid::Uuid;

use account::AccountCode;

use super::named::named;

named! {
    /// What a transfer is for.
    TransferCode {
        /// Handling.
        ChargeBase = "charge_base",
        /// Storage.
        ChargeStorage = "charge_storage",
        /// The desk does not ask for it.
        Waive = "waive",
        /// Money came.
        Pay = "pay",
        /// Money went back.
        Refund = "refund",
        /// The desk does not expect it any more.
        WriteOff = "write_off",
        /// The desk answers for something.
        Claim = "claim",
        /// Another transfer was a mistake.
        Correct = "correct",
    }
}

named! {
    /// How money comes and goes.
    Method {
        /// In cash.
        Cash = "cash",
        /// Over a bank.
        Transfer = "transfer",
    }
}

impl Method {
    /// Where that money is.
    pub(crate) fn account(self) -> AccountCode {
        match self {
            Self::Cash => AccountCode::cash(),
            Self::Transfer => AccountCode::bank(),
        }
    }
}

/// An amount on its way from one account to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Transfer {
    /// The account debited.
    pub(crate) debit: AccountCode,
    /// The account credited; another one.
    pub(crate) credit: AccountCode,
    /// In minor units; above zero.
    pub(crate) amount_minor: i64,
    /// ISO 4217.
    pub(crate) currency: String,
    /// What for.
    pub(crate) code: TransferCode,
    /// The package that it is about.
    pub(crate) package_id: Option<Uuid>,
    /// The transfer that it takes back.
    pub(crate) corrects_id: Option<Uuid>,
    /// What it is posted for: there is one transfer with this.
    pub(crate) idempotency_id: String,
}

/// Why something cannot be posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LedgerError {
    /// Money does not go backwards: that is another transfer.
    #[error("the amount is not above zero")]
    NotPositive,
    /// A part of a fee is below zero.
    #[error("a part of the fee is below zero")]
    Negative,
    /// More is waived than is charged.
    #[error("more is waived than is charged")]
    WaivedTooMuch,
    /// A sum is larger than can be kept.
    #[error("an amount is too large")]
    Overflow,
}

/// Whose books something goes to: a package and who pays for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subject<'a> {
    /// The package.
    pub(crate) package_id: Uuid,
    /// Who pays for it; nobody known yet otherwise.
    pub(crate) customer_id: Option<Uuid>,
    /// ISO 4217.
    pub(crate) currency: &'a str,
}

impl Subject<'_> {
    /// Where it is kept what the package owes.
    pub(crate) fn receivable(&self) -> AccountCode {
        self.customer_id.map_or_else(AccountCode::unidentified, AccountCode::customer)
    }

    /// What a package costs in the end, and what of it nobody has to pay; parts that are nothing are left out. There is one end.
    ///
    /// # Errors
    /// [`LedgerError`] if a part is below zero, or the waiver is above the fee.
    pub(crate) fn charges(
        &self,
        base_minor: i64,
        storage_minor: i64,
        waived_minor: i64,
    ) -> Result<Vec<Transfer>, LedgerError> {
        if base_minor < 0 || storage_minor < 0 || waived_minor < 0 {
            return Err(LedgerError::Negative);
        }
        let total_minor = base_minor.checked_add(storage_minor).ok_or(LedgerError::Overflow)?;
        if waived_minor > total_minor {
            return Err(LedgerError::WaivedTooMuch);
        }
        let owed = self.receivable();
        let parts = [
            (TransferCode::ChargeBase, owed.clone(), AccountCode::revenue_base(), base_minor),
            (TransferCode::ChargeStorage, owed.clone(), AccountCode::revenue_storage(), storage_minor),
            (TransferCode::Waive, AccountCode::waivers(), owed, waived_minor),
        ];
        parts
            .into_iter()
            .filter(|(.., amount_minor)| *amount_minor > 0)
            .map(|(code, debit, credit, amount_minor)| {
                self.transfer(code, debit, credit, amount_minor, "end")
            })
            .collect()
    }

    /// Money that came for it.
    ///
    /// # Errors
    /// [`LedgerError::NotPositive`] if it is none.
    pub(crate) fn payment(
        &self,
        payment_id: Uuid,
        method: Method,
        amount_minor: i64,
    ) -> Result<Transfer, LedgerError> {
        let reference = payment_id.to_string();
        self.transfer(TransferCode::Pay, method.account(), self.receivable(), amount_minor, &reference)
    }

    /// Money that went back; each refund has its own id, for a payment may go back in parts.
    ///
    /// # Errors
    /// [`LedgerError::NotPositive`] if it is none.
    pub(crate) fn refund(
        &self,
        refund_id: Uuid,
        method: Method,
        amount_minor: i64,
    ) -> Result<Transfer, LedgerError> {
        let reference = refund_id.to_string();
        self.transfer(TransferCode::Refund, self.receivable(), method.account(), amount_minor, &reference)
    }

    /// What is not expected any more, once, when the package has ended.
    ///
    /// # Errors
    /// [`LedgerError::NotPositive`] if it is nothing.
    pub(crate) fn write_off(&self, amount_minor: i64) -> Result<Transfer, LedgerError> {
        let (debit, credit) = (AccountCode::write_offs(), self.receivable());
        self.transfer(TransferCode::WriteOff, debit, credit, amount_minor, "end")
    }

    /// What the desk answers for.
    ///
    /// # Errors
    /// [`LedgerError::NotPositive`] if it is nothing.
    pub(crate) fn claim(&self, claim_id: Uuid, amount_minor: i64) -> Result<Transfer, LedgerError> {
        let (debit, credit) = (AccountCode::claims(), AccountCode::liability_claims());
        self.transfer(TransferCode::Claim, debit, credit, amount_minor, &claim_id.to_string())
    }

    fn transfer(
        &self,
        code: TransferCode,
        debit: AccountCode,
        credit: AccountCode,
        amount_minor: i64,
        reference: &str,
    ) -> Result<Transfer, LedgerError> {
        if amount_minor <= 0 {
            return Err(LedgerError::NotPositive);
        }
        let package_id = self.package_id;
        let idempotency_id = format!("{}/{package_id}/{reference}", code.as_str());
        let currency = self.currency.to_owned();
        Ok(Transfer {
            debit,
            credit,
            amount_minor,
            currency,
            code,
            package_id: Some(package_id),
            corrects_id: None,
            idempotency_id,
        })
    }
}

/// Takes a posted transfer back, which can be done once; taking that back in turn is another correction.
pub(crate) fn correct(original_id: Uuid, original: &Transfer) -> Transfer {
    Transfer {
        debit: original.credit.clone(),
        credit: original.debit.clone(),
        code: TransferCode::Correct,
        corrects_id: Some(original_id),
        idempotency_id: format!("{}/{original_id}", TransferCode::Correct.as_str()),
        ..original.clone()
    }
}

#[cfg(test)]
mod tests;
