#![doc = include_str!("../README.md")]
#![expect(
    clippy::panic,
    reason = "only tests use this crate: a set-up that fails has to fail the test, loudly"
)]

mod admin;
mod answer;
mod causes;
mod chaos_proxy;
mod clock;
mod closed_schema;
mod cluster;
mod contract;
mod cost;
mod database;
mod environment;
mod lines;
mod local_server;
mod migration_digest;
mod otlp_receiver;
mod path_template;
mod plan_tap;
mod port;
mod postgres_program;
mod process;
pub mod schema;
mod service;
mod span_tree;
mod stalls;
mod test_issuer;
mod timing;
mod wait;

pub use answer::Answer;
pub use causes::keep_causes;
pub use chaos_proxy::ChaosProxy;
pub use clock::TestClock;
pub use cluster::{Cluster, PostgresServer};
pub use contract::Contract;
pub use cost::{Budgets, Cost};
pub use database::{Database, connect};
pub use environment::{binary, nats_url, postgres_url, redis_url};
pub use lines::lines;
pub use otlp_receiver::{OtlpReceiver, SpanView};
pub use plan_tap::{Plan, PlanTap};
pub use port::free_port;
pub use process::Process;
pub use service::{install_crypto, merge_settings};
pub use stalls::assert_nothing_blocked;
pub use test_issuer::{TEST_AUDIENCE, TestIssuer};
pub use wait::wait_until;
