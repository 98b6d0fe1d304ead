#![doc = include_str!("../README.md")]

mod announce;
mod codec;
mod config;
mod domain;
mod edge;
mod error;
mod flight;
mod group;
mod guard;
mod local;
mod metrics;
mod purge;
mod redis;
mod registry;
mod sabotage;
mod service;
mod shared;
mod stats;
mod sweep;

use std::time::Duration;

pub use config::FreshnessConfig;
pub use domain::Domain;
pub use edge::{EdgeLease, EdgeObserver, JoinFailed, LeaseLost};
pub use error::{FreshnessError, WriteError};
pub use group::{Group, GroupError, Groups};
pub use guard::Written;
pub use purge::{purge, purge_all};
pub use registry::Registry;
pub use service::Freshness;
pub use shared::{Answer, Bypass, Loaded, Read, Source};
pub use stats::Stats;

/// How long an edge may answer from memory without being heard of.
pub const LEASE: Duration = Duration::from_millis(1000);
/// How often an edge renews its lease.
pub const RENEW_EVERY: Duration = Duration::from_millis(300);
/// By how much an edge's lease ends earlier at the edge than in Redis: more than two clocks drift apart within a lease.
pub const MARGIN: Duration = Duration::from_millis(100);
/// How long a writer waits for the confirmations of edges before it revokes the leases of the silent.
pub const ACK_PATIENCE: Duration = Duration::from_millis(200);
