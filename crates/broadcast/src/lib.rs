#![doc = include_str!("../README.md")]

mod config;
mod connection;
mod subscription;

pub use config::NatsConfig;
pub use connection::{Broadcast, BroadcastError};
pub use subscription::{Message, Subscription};
