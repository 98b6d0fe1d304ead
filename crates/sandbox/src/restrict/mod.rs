//! What is taken from the process, one kind a file. All of it holds across `exec` and cannot be taken back.

pub(crate) mod capabilities;
pub(crate) mod files;
pub(crate) mod inherited;
pub(crate) mod limits;
pub(crate) mod namespaces;
pub(crate) mod syscalls;
