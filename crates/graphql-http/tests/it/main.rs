//! `docs/GRAPHQL.md` says which requirement each of these tests holds.

mod bounds;
mod junk;
mod negotiation;
mod requests;
mod results;
mod statuses;
mod statuses_2026;
mod support;
mod table;
mod variables;
