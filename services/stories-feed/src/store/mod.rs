//! All SQL of the service. Access is decided elsewhere; time and ids are given.

pub(crate) mod archive;
pub(crate) mod clock;
pub(crate) mod demo;
pub(crate) mod feed;
pub(crate) mod gyms;
pub(crate) mod highlights;
pub(crate) mod log;
pub(crate) mod maintenance;
pub(crate) mod media;
pub(crate) mod members;
pub(crate) mod moderation;
pub(crate) mod people;
pub(crate) mod presence;
pub(crate) mod projection;
pub(crate) mod reactions;
pub(crate) mod relations;
pub(crate) mod replies;
pub(crate) mod reports;
pub(crate) mod schema;
pub(crate) mod stories;
pub(crate) mod views;

use diesel::result::Error;
use pg_pool::EmbeddedMigrations;

/// The schema of this service's database.
pub const MIGRATIONS: EmbeddedMigrations =
    diesel_migrations::embed_migrations!("../../migrations/stories-feed");

/// What stands in a column is not one of the names that its constraint allows: a schema newer than this program.
pub(crate) fn unknown(column: &'static str, value: &str) -> Error {
    Error::DeserializationError(format!("{column} holds {value:?}, which is not known here").into())
}
