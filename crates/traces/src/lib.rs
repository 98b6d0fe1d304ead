#![doc = include_str!("../README.md")]

pub mod cli;
pub mod collect;
mod critical;
mod export;
pub mod ids;
pub mod search;
pub mod span;
pub mod store;
pub mod tree;
pub mod view;
