#![doc = include_str!("../README.md")]

mod account;
mod blocked;
mod detector;
mod poll_times;
mod reporter;
mod runtime;
mod stack;
mod stall;
pub mod strict;
mod thread;
mod watchdog;

pub use account::Spent;
pub use detector::{StallDetector, Watched, held_until, name_route};
pub use stall::{Kind, Stall, Task};
