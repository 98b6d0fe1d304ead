//! Work that runs by the clock. One pass of each is one function that a test can call.

pub(crate) mod key_rotation;
pub(crate) mod purge;
