//! package-ledger over HTTP, with a real Postgres, Redis and NATS.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod announcements;
mod assets;
mod authorization;
mod command;
mod custody;
mod demands;
mod demo;
mod desk;
mod desk_days;
mod harness;
mod money;
mod people;
mod reads;
mod schema;
mod steps;
mod time;
mod timing;
