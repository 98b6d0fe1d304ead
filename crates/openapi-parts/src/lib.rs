#![doc = include_str!("../README.md")]

mod check;
mod operation;
pub mod schemas;

pub use check::{faults, operations};
pub use operation::{Operation, content, header, id, idempotency_key, if_match, query, schema, variable};
