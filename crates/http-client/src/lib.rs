#![doc = include_str!("../README.md")]

mod breaker;
mod budget;
mod call;
mod client;
mod config;
mod error;

pub use call::{Answer, Call};
pub use client::Client;
pub use config::ClientConfig;
pub use error::HttpError;
pub use http::{HeaderMap, Method, StatusCode};
