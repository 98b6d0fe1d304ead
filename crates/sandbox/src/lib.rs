#![doc = include_str!("../README.md")]

mod ended;
mod error;
mod launcher;
mod output;
mod policy;
mod report;
mod restrict;
mod spawner;
mod stage;
mod usage;

pub use error::SandboxError;
pub use launcher::{Finished, Launcher};
pub use policy::{Essentials, Policy};
pub use report::Enforced;
pub use stage::intercept;
pub use usage::Usage;
