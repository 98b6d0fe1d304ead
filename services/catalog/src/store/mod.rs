//! The only place with SQL. Statements are built from the models' declarations: names come from them, values are bound.

pub(crate) mod auth;
pub(crate) mod clock;
pub(crate) mod ddl;
pub(crate) mod delta;
pub(crate) mod herd;
pub(crate) mod item;
pub(crate) mod list;
pub(crate) mod maintenance;
pub(crate) mod references;
pub(crate) mod row;
pub(crate) mod statement;
pub(crate) mod write;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};

/// The catalog's own tables; the outbox and the idempotency keys come with their crates.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/catalog");
