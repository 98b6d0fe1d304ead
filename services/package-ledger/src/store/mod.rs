//! All SQL of the service. Access is decided elsewhere; time and ids are given.

pub(crate) mod announcements;
mod beginning;
pub(crate) mod books_audit;
pub(crate) mod bulk;
pub(crate) mod claims;
pub(crate) mod codes;
pub(crate) mod custody;
pub(crate) mod custody_export;
pub(crate) mod custody_proof;
pub(crate) mod customers;
pub(crate) mod deadlines;
pub(crate) mod dispatch;
pub(crate) mod ledger;
pub(crate) mod maintenance;
pub(crate) mod notifications;
pub(crate) mod operators;
pub(crate) mod package_list;
pub(crate) mod package_parts;
pub(crate) mod package_stats;
pub(crate) mod packages;
pub(crate) mod payments;
pub(crate) mod people;
pub(crate) mod receipts;
pub(crate) mod reception;
pub(crate) mod schema;
pub(crate) mod slots;
pub(crate) mod tariffs;

use diesel::result::Error;
use pg_pool::EmbeddedMigrations;

/// The schema of this service's database.
pub const MIGRATIONS: EmbeddedMigrations =
    diesel_migrations::embed_migrations!("../../migrations/package-ledger");

/// What stands in a column is not one of the names that its constraint allows: a schema newer than this program.
pub(crate) fn unknown(column: &'static str, value: &str) -> Error {
    Error::DeserializationError(format!("{column} holds {value:?}, which is not known here").into())
}
