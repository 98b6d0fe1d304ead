//! The harness against the real servers of the run.

mod chaos_proxy;
mod database;
mod process;
