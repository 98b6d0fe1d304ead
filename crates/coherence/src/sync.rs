//! What threads share: the standard library's, or loom's, which tries every interleaving of them.

#[cfg(not(loom))]
pub(crate) use std::sync::{Arc, Mutex, atomic::AtomicU64};

#[cfg(loom)]
pub(crate) use loom::sync::{Arc, Mutex, atomic::AtomicU64};
