#![doc = include_str!("../README.md")]

mod backoff;
pub mod capture;
mod clock;
mod config;
mod conn;
mod connect;
mod error;
mod explain;
mod lender;
mod migrate;
mod observe;
mod pool;
mod position;
mod prepared;
mod replica;
mod replica_measures;
mod replicas;
mod sql;
mod statements;
mod status;
mod tx;
mod wal;

pub use clock::now;
pub use config::PgConfig;
pub use conn::{Conn, Source};
pub use error::{PgError, is_timeout, is_unavailable, violated_constraint};
pub use pool::PgPool;
pub use position::{CONSISTENCY_TOKEN, Lsn, MalformedPosition, Position};
pub use prepared::{Prepare, Prepared};
pub use status::{PgPoolStatus, PoolStatus, ReplicaStatus};
pub use tx::TxError;

// Names for those who pass a connection or an error on without speaking SQL themselves.
pub use diesel::result::Error as QueryError;
pub use diesel_async::AsyncPgConnection as Connection;
pub use diesel_migrations::EmbeddedMigrations;
