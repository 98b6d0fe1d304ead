#![doc = include_str!("../README.md")]

mod config;
pub mod deadline;
mod init;
mod json_line;
pub mod late;
pub mod metrics;
pub mod propagation;
pub mod redact;
pub mod request;
pub mod span_stack;
mod tracestate;

pub use config::TelemetryConfig;
pub use init::{Telemetry, TelemetryError};
