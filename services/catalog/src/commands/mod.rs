//! What the binary does beside serving.

pub(crate) mod create_user;
pub(crate) mod dead_letters;
pub(crate) mod seed;
