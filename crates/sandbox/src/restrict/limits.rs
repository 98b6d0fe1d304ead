//! Limits on what a process may use up.

use nix::sys::resource::{Resource, setrlimit};

use crate::policy::Policy;
use crate::report::Enforced;

/// Between the signal that the time is up and the kill, in seconds: a program may catch the first.
const CPU_GRACE_SECS: u64 = 1;

/// Sets all of them. It comes last: they hold for the process that sets them, too.
pub(crate) fn set(policy: &Policy, enforced: &Enforced) -> nix::Result<()> {
    both(Resource::RLIMIT_CORE, 0)?;
    both(Resource::RLIMIT_FSIZE, policy.file_bytes)?;
    both(Resource::RLIMIT_NOFILE, policy.open_files)?;
    setrlimit(Resource::RLIMIT_CPU, policy.cpu_secs, policy.cpu_secs.saturating_add(CPU_GRACE_SECS))?;
    // Without a namespace of its own this would count what all other processes of the user have.
    if enforced.user_namespace {
        both(Resource::RLIMIT_NPROC, policy.threads)?;
    }
    both(Resource::RLIMIT_AS, policy.memory_bytes)
}

fn both(resource: Resource, limit: u64) -> nix::Result<()> {
    setrlimit(resource, limit, limit)
}
