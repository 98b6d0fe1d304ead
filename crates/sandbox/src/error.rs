//! Why a run gave nothing, said so that the caller knows whose fault it was.

use std::io;
use std::time::Duration;

/// Why a program did not end well. Whatever it is, the program no longer runs.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The program was not run, because something essential cannot be enforced here. An operator has to act.
    #[error("the program cannot be restricted: {what}")]
    NotRestricted {
        /// What is missing.
        what: String,
    },
    /// The program could not be started at all: not there, no memory, too many processes.
    #[error("the program could not be started")]
    Spawn {
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It ran longer than it may. A busy machine can be the reason.
    #[error("the program was ended after {limit:?}")]
    WallTime {
        /// The bound.
        limit: Duration,
        /// The end of what it said.
        stderr: String,
    },
    /// It used up its processor time.
    #[error("the program used up {limit_secs} s of processor time")]
    CpuTime {
        /// The bound, in seconds.
        limit_secs: u64,
        /// The end of what it said.
        stderr: String,
    },
    /// It failed for want of memory. Only the program knows: this is said when its last words are those of the C library
    /// or of the language's runtime about that.
    #[error("the program needs more than {limit_bytes} bytes of memory")]
    Memory {
        /// The bound, in bytes.
        limit_bytes: u64,
        /// The end of what it said.
        stderr: String,
    },
    /// It wrote a file longer than it may.
    #[error("the program wrote a file of more than {limit_bytes} bytes")]
    FileSize {
        /// The bound, in bytes.
        limit_bytes: u64,
        /// The end of what it said.
        stderr: String,
    },
    /// It printed more than it may.
    #[error("the program printed more than {limit_bytes} bytes")]
    Output {
        /// The bound, in bytes.
        limit_bytes: usize,
        /// The end of what it said on standard error.
        stderr: String,
    },
    /// It ended by itself and says that it failed.
    #[error("the program ended with status {code}")]
    Exit {
        /// Its status, not 0.
        code: i32,
        /// The end of what it said.
        stderr: String,
    },
    /// A signal ended it that is not about a bound: a crash, or someone's kill.
    #[error("the program was ended by signal {signal}")]
    Signal {
        /// The signal's number.
        signal: i32,
        /// The end of what it said.
        stderr: String,
    },
}

impl SandboxError {
    /// The end of what the program said on standard error; empty when it never ran.
    #[must_use]
    pub fn stderr(&self) -> &str {
        match self {
            Self::NotRestricted { .. } | Self::Spawn { .. } => "",
            Self::WallTime { stderr, .. }
            | Self::CpuTime { stderr, .. }
            | Self::Memory { stderr, .. }
            | Self::FileSize { stderr, .. }
            | Self::Output { stderr, .. }
            | Self::Exit { stderr, .. }
            | Self::Signal { stderr, .. } => stderr,
        }
    }

    /// Whether a bound of the policy ended it.
    #[must_use]
    pub fn is_limit(&self) -> bool {
        match self {
            Self::WallTime { .. }
            | Self::CpuTime { .. }
            | Self::Memory { .. }
            | Self::FileSize { .. }
            | Self::Output { .. } => true,
            Self::NotRestricted { .. } | Self::Spawn { .. } | Self::Exit { .. } | Self::Signal { .. } => {
                false
            }
        }
    }
}
