//! What can go wrong, and which of it may pass by itself.

use std::time::Duration;

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error as DieselError};
use problem::{Problem, registry};

/// A failed call to the database.
#[derive(Debug, thiserror::Error)]
pub enum PgError {
    /// The settings do not describe a usable pool.
    #[error("the database settings are wrong: {0}")]
    Config(String),
    /// No connection could be opened.
    #[error("no database connection could be opened")]
    Acquire(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// All connections stayed busy for the whole wait.
    #[error("no database connection was free within {0:?}")]
    Timeout(Duration),
    /// A statement failed.
    #[error("a statement failed")]
    Query(#[from] DieselError),
    /// The schema could not be brought up to date.
    #[error("the migrations did not run")]
    Migration(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl PgError {
    /// Whether a later attempt may succeed without anybody changing anything: answer 503.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Acquire(_) | Self::Timeout(_) => true,
            Self::Query(error) => is_unavailable(error),
            Self::Config(_) | Self::Migration(_) => false,
        }
    }

    /// Whether a statement ran into its time limit or its wait for a lock did.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Query(error) if is_timeout(error))
    }
}

/// What may pass by itself, a time limit included, is 503; all else is 500.
impl From<PgError> for Problem {
    fn from(error: PgError) -> Self {
        let passes = error.is_unavailable() || error.is_timeout();
        Self::new(if passes { &registry::UNAVAILABLE } else { &registry::INTERNAL }).cause(error)
    }
}

/// Whether not the statement is at fault but the database or the moment: connection lost, server shutting down, starting or
/// read-only, too many connections; or the transaction was picked to give way to another (deadlock, serialization failure)
/// and would succeed the next time.
///
/// diesel-async keeps no SQLSTATE for most of these, so the server's English message decides (SQLSTATE 57P01 to 57P05,
/// 25P03, 53300, 40P01); a server that speaks another language is still recognised by the closed connection that follows.
pub fn is_unavailable(error: &DieselError) -> bool {
    match error {
        DieselError::DatabaseError(kind, info) => match kind {
            DatabaseErrorKind::ClosedConnection
            | DatabaseErrorKind::ReadOnlyTransaction
            | DatabaseErrorKind::SerializationFailure => true,
            DatabaseErrorKind::UnableToSendCommand => !is_client_side(info.message()),
            DatabaseErrorKind::Unknown => is_going_away(info.message()) || info.message() == DEADLOCK,
            _ => false,
        },
        DieselError::RollbackErrorOnCommit { rollback_error, commit_error } => {
            is_unavailable(commit_error) || is_unavailable(rollback_error)
        }
        _ => false,
    }
}

/// Whether a statement was cancelled by `statement_timeout` (57014) or `lock_timeout` (55P03).
pub fn is_timeout(error: &DieselError) -> bool {
    let DieselError::DatabaseError(DatabaseErrorKind::Unknown, info) = error else { return false };
    ["canceling statement due to statement timeout", "canceling statement due to lock timeout"]
        .contains(&info.message())
}

/// The name of the constraint a statement ran into (unique, foreign key, check, exclusion); `None` for other faults.
pub fn violated_constraint(error: &DieselError) -> Option<&str> {
    match error {
        DieselError::DatabaseError(_, info) => info.constraint_name(),
        _ => None,
    }
}

/// diesel-async reports every fault that carries no SQLSTATE as "unable to send"; these are the driver's complaints about
/// the statement itself, which no later attempt mends.
fn is_client_side(message: &str) -> bool {
    const COMPLAINTS: [&str; 6] = [
        "error serializing parameter",
        "error deserializing column",
        "error encoding message",
        "invalid column",
        "expected ",
        "query returned an unexpected",
    ];
    COMPLAINTS.iter().any(|complaint| message.starts_with(complaint))
}

/// SQLSTATE 40P01.
const DEADLOCK: &str = "deadlock detected";

fn is_going_away(message: &str) -> bool {
    const FAREWELLS: [&str; 6] = [
        "terminating connection",
        "the database system is",
        "sorry, too many clients already",
        "too many connections for",
        "remaining connection slots are reserved",
        "server closed the connection",
    ];
    FAREWELLS.iter().any(|farewell| message.starts_with(farewell))
}

/// The fault's class, for spans: few values, no data.
pub(crate) fn class(error: &DieselError) -> &'static str {
    match error {
        DieselError::NotFound => "not_found",
        DieselError::DatabaseError(kind, info) => database_class(kind, &**info, error),
        DieselError::SerializationError(_) => "serialization",
        DieselError::DeserializationError(_) => "deserialization",
        DieselError::RollbackTransaction => "rollback",
        DieselError::BrokenTransactionManager | DieselError::RollbackErrorOnCommit { .. } => {
            "broken_transaction"
        }
        _ => "other",
    }
}

fn database_class(
    kind: &DatabaseErrorKind,
    info: &(dyn DatabaseErrorInformation + Send + Sync),
    error: &DieselError,
) -> &'static str {
    match kind {
        DatabaseErrorKind::UniqueViolation => "unique_violation",
        DatabaseErrorKind::ForeignKeyViolation => "foreign_key_violation",
        DatabaseErrorKind::NotNullViolation => "not_null_violation",
        DatabaseErrorKind::CheckViolation => "check_violation",
        DatabaseErrorKind::ExclusionViolation => "exclusion_violation",
        DatabaseErrorKind::RestrictViolation => "restrict_violation",
        DatabaseErrorKind::SerializationFailure => "serialization_failure",
        DatabaseErrorKind::ReadOnlyTransaction => "read_only",
        _ if info.message() == DEADLOCK => "deadlock",
        _ if is_unavailable(error) => "unavailable",
        _ if is_timeout(error) => "timeout",
        _ => "database",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database(kind: DatabaseErrorKind, message: &str) -> DieselError {
        DieselError::DatabaseError(kind, Box::new(message.to_owned()))
    }

    #[test]
    fn a_lost_connection_is_unavailable() {
        for message in ["connection closed", "error communicating with the server", "channel closed"] {
            assert!(is_unavailable(&database(DatabaseErrorKind::UnableToSendCommand, message)), "{message}");
        }
    }

    #[test]
    fn a_server_that_goes_away_is_unavailable() {
        for message in [
            "terminating connection due to administrator command",
            "the database system is starting up",
            "sorry, too many clients already",
        ] {
            assert!(is_unavailable(&database(DatabaseErrorKind::Unknown, message)), "{message}");
        }
        assert!(is_unavailable(&database(
            DatabaseErrorKind::ReadOnlyTransaction,
            "cannot execute INSERT in a read-only transaction"
        )));
    }

    #[test]
    fn giving_way_to_another_transaction_may_pass_by_itself() {
        let deadlock = database(DatabaseErrorKind::Unknown, "deadlock detected");
        let serialization = database(
            DatabaseErrorKind::SerializationFailure,
            "could not serialize access due to concurrent update",
        );
        assert!(is_unavailable(&deadlock) && is_unavailable(&serialization));
        assert_eq!((class(&deadlock), class(&serialization)), ("deadlock", "serialization_failure"));
    }

    #[test]
    fn a_wrong_statement_is_no_outage() {
        assert!(!is_unavailable(&database(
            DatabaseErrorKind::UnableToSendCommand,
            "error serializing parameter 0"
        )));
        assert!(!is_unavailable(&database(DatabaseErrorKind::Unknown, "relation \"x\" does not exist")));
        assert!(!is_unavailable(&database(DatabaseErrorKind::UniqueViolation, "duplicate key")));
        assert!(!is_unavailable(&DieselError::NotFound));
    }
}
