//! Upstreams that die, pause, break off or are replaced: which request goes where, which is sent again, and which is not.

mod budgets;
mod buffering;
mod checks;
mod connections;
mod ejection;
mod instance;
mod instances;
mod process;
mod reloads;
mod retries;
mod stopping;
mod timeouts;
