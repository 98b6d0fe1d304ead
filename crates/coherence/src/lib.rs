#![doc = include_str!("../README.md")]

pub mod clock;
mod groups;
#[cfg(all(test, loom))]
mod loom_model;
mod seal;
mod sync;
mod tracker;

pub use crate::seal::{Seal, Staleness};
pub use crate::tracker::{LeaseState, Moment, Tracker};
