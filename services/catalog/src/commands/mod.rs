//! What the binary does beside serving.

pub(crate) mod dead_letters;
pub(crate) mod seed;
