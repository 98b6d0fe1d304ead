//! From a transaction that failed to what the guard of writes has to know of it.

use freshness::WriteError;
use pg_pool::TxError;

/// Keeps whether the transaction certainly left nothing behind, which decides what `Freshness::write` does with
/// its mark.
#[must_use]
pub fn guarded<E>(failed: TxError<E>) -> WriteError<E> {
    match failed {
        TxError::RolledBack(error) => WriteError::RolledBack(error),
        TxError::InDoubt(error) => WriteError::InDoubt(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_in_doubt_stays_in_doubt() {
        assert!(matches!(guarded(TxError::InDoubt(7)), WriteError::InDoubt(7)));
        assert!(matches!(guarded(TxError::RolledBack(7)), WriteError::RolledBack(7)));
    }
}
