#![doc = include_str!("../README.md")]

mod kind;
mod problem;
pub mod registry;

pub use kind::ProblemType;
pub use problem::{FieldError, Problem, Reported};

/// Media type of every problem.
pub const CONTENT_TYPE: &str = "application/problem+json";
