//! The tables of signing in: keys, sessions, and what of a user it takes.

pub(crate) mod keys;
pub(crate) mod schema;
pub(crate) mod sessions;
pub(crate) mod users;

pub(crate) use diesel::QueryResult;
