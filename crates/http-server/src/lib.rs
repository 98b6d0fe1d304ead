#![doc = include_str!("../README.md")]

mod config;
mod exchange;
mod health;
mod incoming;
mod json_body;
mod middleware;
mod outcome;
mod query;
mod refusal;
mod request_metrics;
mod route;
mod server;
mod slow;
mod uncut;

pub use config::HttpConfig;
pub use exchange::{accepted_request_id, final_account};
pub use health::{ReadinessCheck, check};
pub use json_body::{JsonBody, parse_json};
pub use outcome::Outcome;
pub use query::query_pairs;
pub use refusal::method_not_allowed;
pub use request_metrics::{RequestMetrics, RequestSeries, method_label};
pub use route::name_route;
pub use server::{Handle, Running, ServerError, Shell};
pub use slow::SlowRequest;
pub use uncut::uncut;
