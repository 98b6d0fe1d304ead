#![doc = include_str!("../README.md")]

pub mod app;
mod compress;
pub mod config;
mod docs;
mod door;
mod explain;
mod forward;
mod metrics;
pub mod problems;
mod route;
pub mod routing;
mod upstream;

pub use explain::explain;
