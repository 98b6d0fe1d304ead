//! All SQL of the service. Access is decided before; time and ids are given.

pub(crate) mod assets;
pub(crate) mod jobs;
pub(crate) mod link;
pub(crate) mod maintenance;
pub(crate) mod media;
pub(crate) mod objects;
pub(crate) mod renditions;
pub(crate) mod schema;
pub(crate) mod uploads;
pub(crate) mod usage;

use diesel::result::Error;
use pg_pool::EmbeddedMigrations;

/// The schema of this service's database.
pub const MIGRATIONS: EmbeddedMigrations =
    diesel_migrations::embed_migrations!("../../migrations/upload-ingest");

/// A number of bytes as the database keeps it. Limits keep every length within it.
pub(crate) fn to_db(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// A number of bytes as the database has it. Constraints keep it from being negative.
pub(crate) fn from_db(bytes: i64) -> u64 {
    u64::try_from(bytes).unwrap_or_default()
}

/// What stands in a column is not one of the names that its constraint allows: a schema newer than this program.
pub(crate) fn unknown(column: &'static str, value: &str) -> Error {
    Error::DeserializationError(format!("{column} holds {value:?}, which is not known here").into())
}
