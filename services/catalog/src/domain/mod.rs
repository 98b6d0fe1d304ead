//! Pure rules of the catalog: no input or output, no clock, nothing asynchronous.

pub(crate) mod access;
pub(crate) mod change;
pub(crate) mod credential;
pub(crate) mod digest;
pub(crate) mod draft;
pub(crate) mod herd;
pub(crate) mod inbreeding;
pub(crate) mod pedigree;
pub(crate) mod query;
pub(crate) mod record;
pub(crate) mod session;
pub(crate) mod value;
pub(crate) mod withdrawal;
