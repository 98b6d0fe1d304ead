//! The shell as clients, operators and log readers see it.

mod answers;
mod health;
mod observed;
mod refusals;
mod stopping;
mod support;
