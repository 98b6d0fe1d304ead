#![doc = include_str!("../README.md")]

mod config;
pub mod deadline;
mod init;
mod json_line;
pub mod metrics;
pub mod propagation;
pub mod request;
mod tracestate;

pub use config::TelemetryConfig;
pub use init::{Telemetry, TelemetryError};
