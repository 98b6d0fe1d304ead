//! What one run may do, and what a host insists on.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// One run of a program: what it is, what it may reach, and where it ends. Everything that is not named is refused.
///
/// There is no default: each bound is a decision of whoever knows the program. Paths and arguments have to be UTF-8.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Policy {
    /// The program's file, absolute. It is the only file that may be executed, beside the system's loader.
    pub program: PathBuf,
    /// Its arguments, without its name.
    pub arguments: Vec<String>,
    /// Where it runs; being there gives no right to read anything.
    pub working_directory: PathBuf,
    /// Files and directories (with all below them) that it may read. All must exist.
    pub read: Vec<PathBuf>,
    /// Files and directories (with all below them) that it may read and write. All must exist: to let it make one file
    /// only, make that file before.
    pub write: Vec<PathBuf>,
    /// Processor time over all threads, in seconds.
    pub cpu_secs: u64,
    /// Address space, in bytes: the program's code, its libraries and its threads' stacks count too.
    pub memory_bytes: u64,
    /// Size of any file that it writes, in bytes.
    pub file_bytes: u64,
    /// Files open at once.
    pub open_files: u64,
    /// Threads at once. It is enforced where [`Enforced::user_namespace`](crate::Enforced) is, and not for root, whom the
    /// kernel does not count; there only memory bounds them. Processes are always one: it can start no other.
    pub threads: u64,
    /// Time on the clock from the start to the end.
    pub wall: Duration,
    /// What it may print on standard output, in bytes. One byte more ends it.
    pub max_stdout_bytes: usize,
    /// How much of standard error is kept, in bytes. Of more, the end is kept.
    pub max_stderr_bytes: usize,
}

/// What must be enforced for a program to be run at all. Both by default.
///
/// Giving one up is for a kernel that cannot do it, where something else (a container without network, say) does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Essentials {
    /// No program is run with the host's files in its reach. Default true.
    pub files: bool,
    /// No program is run with a network in its reach. Default true.
    pub network: bool,
}

impl Default for Essentials {
    fn default() -> Self {
        Self { files: true, network: true }
    }
}
