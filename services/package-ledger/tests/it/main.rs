//! package-ledger over HTTP, with a real Postgres, Redis and NATS.

mod assets;
mod desk;
mod harness;
mod money;
mod reads;
mod time;
mod steps;
