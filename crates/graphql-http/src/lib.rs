#![doc = include_str!("../README.md")]

mod document;
mod edition;
mod endpoint;
mod field;
mod format;
mod kind;
mod limits;
mod nulls;
mod outcome;
mod parameters;
pub mod problems;
mod refusal;
mod usage;
mod variables;

pub use edition::Edition;
pub use endpoint::Endpoint;
pub use format::Format;
pub use kind::Kind;
pub use limits::Limits;
pub use outcome::{Answer, Outcome};
pub use parameters::{METHODS, Parameters, Source};
pub use problems::GRAPHQL_PROBLEMS;
pub use refusal::{Refusal, coded};
