#![doc = include_str!("../README.md")]

pub mod admin;
pub mod app;
mod at_once;
mod cache;
mod compress;
pub mod config;
mod cors;
mod docs;
mod door;
mod explain;
mod formats;
mod forward;
mod gateway;
mod limits;
mod metrics;
mod observe;
pub mod problems;
mod route;
pub mod routing;
mod upstream;
mod worker;

pub use explain::explain;
pub use gateway::Gateway;
