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
mod messages;
mod metrics;
pub mod problems;
mod routes;
mod state;
mod steps;
mod store;
mod uploads;

pub use store::MIGRATIONS;
