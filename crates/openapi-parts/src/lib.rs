#![doc = include_str!("../README.md")]

mod check;
mod document;
mod operation;
pub mod schemas;
mod usual;

pub use check::{faults, operations};
pub use document::{About, document};
pub use operation::{Operation, content, header, id, idempotency_key, if_match, query, schema, variable};
pub use usual::{LISTED, READ, WITH_BODY, WITHOUT_BODY, cursor, list, paged, patch};
