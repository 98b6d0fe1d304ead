#![doc = include_str!("../README.md")]

mod accounts;
mod api;
mod progress;

pub use accounts::{Account, SignedIn, accounts};
pub use api::Api;
pub use progress::Progress;
