//! What accounts hold, by the transfers that went through them.

use uuid::Uuid;

use super::account::Side;
use super::{LedgerError, Transfer};

/// What went through an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Balance {
    /// Sum of all that debits it.
    pub(crate) debits_minor: i64,
    /// Sum of all that credits it.
    pub(crate) credits_minor: i64,
}

impl Balance {
    /// What is in an account of that side; below zero where it is on the other.
    ///
    /// # Errors
    /// [`LedgerError::Overflow`] if that cannot be told.
    pub(crate) fn on(self, side: Side) -> Result<i64, LedgerError> {
        let (plus, minus) = match side {
            Side::Debit => (self.debits_minor, self.credits_minor),
            Side::Credit => (self.credits_minor, self.debits_minor),
        };
        plus.checked_sub(minus).ok_or(LedgerError::Overflow)
    }

    /// Debits it by this amount.
    ///
    /// # Errors
    /// [`LedgerError::Overflow`] if the sum is too large.
    pub(super) fn debit(&mut self, amount_minor: i64) -> Result<(), LedgerError> {
        self.debits_minor = self.debits_minor.checked_add(amount_minor).ok_or(LedgerError::Overflow)?;
        Ok(())
    }

    /// Credits it by this amount.
    ///
    /// # Errors
    /// [`LedgerError::Overflow`] if the sum is too large.
    pub(super) fn credit(&mut self, amount_minor: i64) -> Result<(), LedgerError> {
        self.credits_minor = self.credits_minor.checked_add(amount_minor).ok_or(LedgerError::Overflow)?;
        Ok(())
    }
}

/// What is owed for a package by its transfers: above zero something is due, below zero there is a credit, at zero it is settled.
/// All of a package is in one currency.
///
/// # Errors
/// [`LedgerError::Overflow`] if a sum is too large.
pub(crate) fn owed_for<'a>(
    package_id: Uuid,
    transfers: impl IntoIterator<Item = &'a Transfer>,
) -> Result<i64, LedgerError> {
    let mut owed = Balance::default();
    for transfer in transfers.into_iter().filter(|transfer| transfer.package_id == Some(package_id)) {
        if transfer.debit.is_receivable() {
            owed.debit(transfer.amount_minor)?;
        }
        if transfer.credit.is_receivable() {
            owed.credit(transfer.amount_minor)?;
        }
    }
    owed.on(Side::Debit)
}
