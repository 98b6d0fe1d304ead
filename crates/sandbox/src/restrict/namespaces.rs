//! Namespaces of its own: a network in which there is nothing, not even a loopback that is up.

use nix::sched::{CloneFlags, unshare};

/// What was entered.
#[derive(Debug, Default)]
pub(crate) struct Namespaces {
    pub(crate) user: bool,
    pub(crate) network: bool,
}

/// Enters as many as are allowed. An ordinary user needs a user namespace for the others, which some systems forbid;
/// root does without it then.
///
/// Nobody is mapped into the user namespace. So the program is no user there, and root's rights do not come back when
/// root executes a file.
pub(crate) fn enter() -> Namespaces {
    let others = CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWIPC | CloneFlags::CLONE_NEWUTS;
    if unshare(CloneFlags::CLONE_NEWUSER | others).is_ok() {
        return Namespaces { user: true, network: true };
    }
    Namespaces { user: false, network: unshare(others).is_ok() }
}
