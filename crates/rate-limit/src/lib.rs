#![doc = include_str!("../README.md")]

mod charge;
mod config;
mod fields;
mod key;
mod limiter;
mod quota;
mod table;

pub use charge::{Charge, Outcome, Refused, charge_all};
pub use config::{Partition, PolicyConfig};
pub use key::{AddressKey, Key};
pub use limiter::{InvalidPolicy, Limiter};
pub use quota::Decision;
