#![doc = include_str!("../README.md")]

mod command;
mod load;
mod sections;

pub use command::{ConfigFile, exit, print, print_applied};
pub use load::{InvalidSettings, Settings, from_toml, load};
pub use sections::{RedisConfig, secret_fault};
