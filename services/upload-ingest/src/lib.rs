#![doc = include_str!("../README.md")]

mod api;
pub mod app;
mod cache;
pub mod cli;
pub mod config;
mod domain;
mod error;
mod events;
mod ingest;
mod jobs;
pub mod problems;
mod routes;
mod state;
mod store;
pub mod worker;

pub use store::MIGRATIONS;
