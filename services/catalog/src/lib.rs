#![doc = include_str!("../README.md")]

mod api;
pub mod app;
mod cache;
pub mod cli;
mod commands;
pub mod config;
mod demo;
mod domain;
mod error;
mod events;
mod jobs;
pub mod model;
mod operations;
pub mod problems;
mod routes;
mod state;
mod store;

pub use api::metadata::{digest_leaf, digest_of};
pub use commands::create_user::create_user;
pub use store::MIGRATIONS;
pub use store::ddl::create_table;
