#![doc = include_str!("../README.md")]

pub mod capture;
mod clock;
mod config;
mod connect;
mod error;
mod migrate;
mod observe;
mod pool;
mod sql;
mod statements;
mod tx;

pub use clock::now;
pub use config::PgConfig;
pub use error::{PgError, is_timeout, is_unavailable, violated_constraint};
pub use pool::{Conn, PgPool};
pub use tx::TxError;

// Names for those who pass a connection or an error on without speaking SQL themselves.
pub use diesel::result::Error as QueryError;
pub use diesel_async::AsyncPgConnection as Connection;
pub use diesel_migrations::EmbeddedMigrations;
