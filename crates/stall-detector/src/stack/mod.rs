//! The stack of another thread of this process, taken while it stands still, by what the kernel shows of it in `/proc`.
//!
//! Nothing is stopped and no signal is sent. The kernel tells where a thread waits (`syscall`: program counter and stack pointer),
//! its stack is read like a file, and unwinding happens later, elsewhere, in the copy.

mod frozen;
mod modules;
mod symbols;
mod unwind;

pub(crate) use frozen::Frozen;
pub(crate) use unwind::Unwinder;
