//! package-ledger over HTTP, with a real Postgres, Redis and NATS.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod announcements;
mod assets;
mod command;
mod custody;
mod demo;
mod authorization;
mod desk;
mod desk_days;
mod harness;
mod money;
mod people;
mod reads;
mod time;
mod steps;
