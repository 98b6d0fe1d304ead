//! The HTTP interface. Handlers read the request, ask the domain, run one use case or read, and answer.

pub(crate) mod auth;
pub(crate) mod bulk;
pub(crate) mod cache_stats;
pub(crate) mod delta;
pub(crate) mod export;
pub(crate) mod herd;
pub(crate) mod includes;
pub(crate) mod incoming;
pub(crate) mod metadata;
pub(crate) mod openapi;
pub(crate) mod read;
pub(crate) mod representation;
pub(crate) mod strict_json;
pub(crate) mod write;
