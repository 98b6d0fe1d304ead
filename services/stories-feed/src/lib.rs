#![doc = include_str!("../README.md")]

mod api;
pub mod app;
mod cache;
pub mod cli;
pub mod config;
mod demo;
mod domain;
mod events;
mod jobs;
mod live;
pub mod problems;
mod routes;
mod state;
mod store;
mod sync;
mod uploads;

pub use store::MIGRATIONS;
