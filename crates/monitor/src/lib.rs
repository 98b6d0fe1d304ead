#![doc = include_str!("../README.md")]

mod cli;
pub mod condition;
pub mod database;
pub mod exposition;
pub mod host;
mod postgres;
pub mod problem;
pub mod quantile;
pub mod redis;
pub mod report;
mod rules;
mod scrape;
pub mod service;
pub mod snapshot;
mod targets;
pub mod view;
mod watch;

pub use cli::run;
