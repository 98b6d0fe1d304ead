//! A copy of a stack.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// What is read of a stack at most. Beyond are the frames around the poll, which are the same every time.
const MAX_BYTES: usize = 256 * 1024;
/// Read beyond the address in the frame that polls, for it is not known where in the frame it lies.
const MARGIN: usize = 8 * 1024;
/// Read below that address where the kernel does not tell how deep the stack is; the less, if there is not so much of it.
const BELOW: [usize; 3] = [128 * 1024, 32 * 1024, 8 * 1024];

/// A piece of a thread's stack.
#[derive(Clone, Debug)]
pub(crate) struct Frozen {
    /// Program counter and stack pointer; the kernel has none of a thread that runs.
    pub(crate) at: Option<(u64, u64)>,
    /// Address of the first byte.
    pub(crate) from: u64,
    pub(crate) bytes: Vec<u8>,
    /// An address in the frame that polls.
    pub(crate) frame: u64,
    /// The function of the kernel that it waits in.
    pub(crate) waits_in: Option<String>,
}

impl Frozen {
    /// Of the thread with this directory in `/proc`, which polls in this frame. `None` when it cannot be had, or the thread
    /// went on meanwhile.
    pub(crate) fn of(directory: &Path, frame: usize) -> Option<Self> {
        let syscall = || fs::read_to_string(directory.join("syscall")).ok();
        let before = syscall()?;
        let memory = File::open("/proc/self/mem").ok()?;
        let at = registers(&before);
        let waits_in = at.and_then(|_| fs::read_to_string(directory.join("wchan")).ok());
        let waits_in = waits_in.filter(|name| name != "0" && !name.is_empty());
        let end = frame.checked_add(MARGIN)?;
        let (from, bytes) = match at {
            Some((_, sp)) => read(&memory, usize::try_from(sp).ok()?, end),
            None => BELOW.into_iter().find_map(|below| read(&memory, frame.checked_sub(below)?, end)),
        }?;
        // One that still waits in the same place has not touched its stack.
        (at.is_none() || syscall()? == before).then_some(())?;
        Some(Self { at, from, bytes, frame: u64::try_from(frame).ok()?, waits_in })
    }

    /// The word at this address.
    pub(crate) fn word(&self, address: u64) -> Option<u64> {
        let start = usize::try_from(address.checked_sub(self.from)?).ok()?;
        let word = self.bytes.get(start..start.checked_add(8)?)?;
        Some(u64::from_ne_bytes(word.try_into().ok()?))
    }

    /// The first address beyond.
    pub(crate) fn end(&self) -> u64 {
        self.from.saturating_add(u64::try_from(self.bytes.len()).unwrap_or(u64::MAX))
    }
}

/// What there is between these addresses. The end may lie beyond the stack, the beginning may not.
fn read(memory: &File, from: usize, end: usize) -> Option<(u64, Vec<u8>)> {
    let mut bytes = vec![0; end.checked_sub(from)?.min(MAX_BYTES)];
    let from = u64::try_from(from).ok()?;
    let length = memory.read_at(&mut bytes, from).ok()?;
    bytes.truncate(length);
    Some((from, bytes))
}

/// Program counter and stack pointer, the last two of the words that `/proc/…/syscall` has of a thread that waits.
fn registers(syscall: &str) -> Option<(u64, u64)> {
    let mut words = syscall.split_ascii_whitespace().rev();
    let mut next = || u64::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok();
    let (pc, sp) = (next()?, next()?);
    Some((pc, sp))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_are_stack_and_program() {
        let waiting = "230 0x1 0x0 0x7f4aa6d55858 0x7f4aa6d55858 0x0 0x1 0x7f4aa6d55820 0x7f4aa6e49545\n";
        assert_eq!(registers(waiting), Some((0x7f4a_a6e4_9545, 0x7f4a_a6d5_5820)));
        assert_eq!(registers("-1 0x7ffe0 0x55d0\n"), Some((0x55d0, 0x7_ffe0)));
        assert_eq!(registers("running\n"), None);
    }
}
