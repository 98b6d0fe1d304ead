//! Capabilities: what a process may do that others may not.

use rustix::io::Errno;
use rustix::thread::{CapabilitySet, remove_capability_from_bounding_set};

use super::namespaces::Namespaces;

/// Makes sure that the program starts without any. True when that is so.
///
/// In a user namespace without users `exec` takes them all. Elsewhere root would get back at `exec` whatever is in the
/// bounding set, so that is emptied; an ordinary user has none and, without new privileges, gets none.
pub(crate) fn give_up(namespaces: &Namespaces) -> bool {
    let emptied = (0..u64::BITS).try_for_each(|bit| {
        match remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << bit)) {
            // The kernel knows fewer of them.
            Err(Errno::INVAL) | Ok(()) => Ok(()),
            Err(error) => Err(error),
        }
    });
    namespaces.user || emptied.is_ok() || !rustix::process::geteuid().is_root()
}
