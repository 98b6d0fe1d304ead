//! Reads requests, writes answers.

pub(crate) mod announcements;
pub(crate) mod caller;
pub(crate) mod claims;
pub(crate) mod consistency;
pub(crate) mod customers;
pub(crate) mod debug;
pub(crate) mod ledger;
pub(crate) mod me;
pub(crate) mod openapi;
pub(crate) mod operators;
pub(crate) mod packages;
pub(crate) mod payments;
pub(crate) mod perform;
pub(crate) mod slots;
pub(crate) mod tariffs;
