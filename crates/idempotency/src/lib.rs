#![doc = include_str!("../README.md")]

mod answer;
mod claim;
mod fingerprint;
mod key;
mod once;
mod schema;
mod scope;

pub use answer::StoredAnswer;
pub use claim::{Claim, ClaimError, claim, purge_older_than, store};
pub use fingerprint::{FingerprintKey, fingerprint};
pub use key::IdempotencyKey;
pub use once::{Keyed, Once, once};
pub use scope::Scope;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};

/// The table `idempotency_key`, which every service with idempotent requests has in its own database.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");
