//! How much one client may have of the gateway, and how long it may keep it waiting.

mod config;
mod connections;
mod patience;
mod quotas;
mod requests;
