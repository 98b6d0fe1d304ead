#![doc = include_str!("../README.md")]

mod balancer;
mod budget;
mod carry;
mod choose;
mod clock;
mod config;
mod health;
mod instance;
mod outlier;
mod pick;
mod snapshot;

pub use crate::balancer::Balancer;
pub use crate::budget::RetryPermit;
pub use crate::config::{BalanceConfig, HealthConfig, OutlierConfig, Policy};
pub use crate::pick::{NoInstance, Outcome, Pick};
pub use crate::snapshot::{InstanceSnapshot, Load, State, Transition};
