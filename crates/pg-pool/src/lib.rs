#![doc = include_str!("../README.md")]

pub mod capture;
mod config;
mod connect;
mod error;
mod migrate;
mod observe;
mod pool;
mod sql;
mod statements;
mod tx;

pub use config::PgConfig;
pub use error::{PgError, is_timeout, is_unavailable};
pub use pool::{Conn, PgPool};
