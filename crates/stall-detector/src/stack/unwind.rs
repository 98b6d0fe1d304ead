//! From a copy of a stack to the functions on it.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use framehop::x86_64::{CacheX86_64, UnwindRegsX86_64, UnwinderX86_64};
use framehop::{FrameAddress, Unwinder as _};

use super::frozen::Frozen;
use super::modules::{self, Loaded};
use super::symbols;

/// Frames that are told of at most.
const MAX_FRAMES: usize = 48;
/// How far a return address is looked for where the way out of a frame is not known.
const MAX_FRAME_BYTES: u64 = 16 * 1024;
/// The longest form of a call.
const CALL_BYTES: usize = 7;

/// Unwinds copies of stacks. Making one reads tables of all that is loaded, megabytes of them.
pub(crate) struct Unwinder {
    loaded: Vec<Loaded>,
    rules: UnwinderX86_64<Vec<u8>>,
    cache: CacheX86_64,
    memory: Option<File>,
}

impl Unwinder {
    pub(crate) fn new() -> Self {
        let mut rules = UnwinderX86_64::new();
        let mut loaded = Vec::new();
        for (file, module) in modules::loaded() {
            loaded.push(file);
            rules.add_module(module);
        }
        Self { loaded, rules, cache: CacheX86_64::new(), memory: File::open("/proc/self/mem").ok() }
    }

    /// Whether the stack is of code that was loaded when this was made.
    pub(crate) fn knows(&self, frozen: &Frozen) -> bool {
        frozen.at.is_none_or(|(pc, _)| self.loaded.iter().any(|file| file.range.contains(&pc)))
    }

    /// The functions on the stack, innermost first, down to the poll.
    pub(crate) fn names(&mut self, frozen: &Frozen) -> Vec<String> {
        let kernel = frozen.waits_in.iter().map(|function| format!("[kernel] {function}"));
        let addresses = match frozen.at {
            Some((pc, sp)) => self.inward(frozen, pc, sp),
            None => self.outward(frozen),
        };
        kernel.chain(addresses.into_iter().flat_map(symbols::names)).take(MAX_FRAMES).collect()
    }

    /// Of a thread that waits: from where it waits to the poll.
    fn inward(&mut self, frozen: &Frozen, pc: u64, sp: u64) -> Vec<u64> {
        let mut registers = UnwindRegsX86_64::new(pc, sp, 0);
        let mut address = FrameAddress::from_instruction_pointer(pc);
        let mut found = Vec::new();
        while found.len() < MAX_FRAMES && registers.sp() <= frozen.frame {
            found.push(address.address_for_lookup());
            let (inside, below) = (address.address_for_lookup(), registers.sp());
            let mut read = |address| frozen.word(address).ok_or(());
            let next = self.rules.unwind_frame(address, &mut registers, &mut self.cache, &mut read);
            let next = match next {
                Ok(Some(next)) if self.is_after_call(next) => Some(next),
                _ => self.resume(frozen, inside, below).map(|found| {
                    registers = found;
                    registers.ip()
                }),
            };
            let Some(next) = next.and_then(FrameAddress::from_return_address) else { break };
            address = next;
        }
        found
    }

    /// Of a thread that runs: from the frame that polls to the innermost call that is known. Inward, each frame must lie exactly where
    /// unwinding leads from it to the one before; the last may have returned meanwhile.
    fn outward(&mut self, frozen: &Frozen) -> Vec<u64> {
        let mut found = Vec::new();
        let mut outer = self.below(frozen, frozen.frame, None, |leads_to| leads_to.slot >= frozen.frame);
        while let Some(Slot { slot, address }) = outer {
            found.push(address.saturating_sub(1));
            if found.len() >= MAX_FRAMES {
                break;
            }
            let called = match self.call_before(address) {
                Some(Call::Of(target)) => Some(target),
                _ => None,
            };
            outer = self.below(frozen, slot, called, |leads_to| leads_to == Slot { slot, address });
            if outer.is_none() {
                // It has called nothing yet, or nothing that can be told from what earlier calls left.
                found.extend(called);
            }
        }
        found.reverse();
        found
    }

    /// The nearest return address below `above` that is in the function at `start`, if that is known, and from which unwinding leads to
    /// what is `wanted`.
    fn below(
        &mut self,
        frozen: &Frozen,
        above: u64,
        start: Option<u64>,
        wanted: impl Fn(Slot) -> bool,
    ) -> Option<Slot> {
        let top = above.checked_sub(above % 8)?.checked_sub(8)?;
        let bottom = top.saturating_sub(MAX_FRAME_BYTES).max(frozen.from);
        let slots = (0..=top.checked_sub(bottom)? / 8).map(|down| top - 8 * down);
        slots.filter_map(|slot| Some(Slot { slot, address: frozen.word(slot)? })).find(|found| {
            let inside = || start.is_none_or(|start| self.start_of(found.address) == Some(start));
            inside()
                && self.is_after_call(found.address)
                && self.leads_to(frozen, *found).is_some_and(&wanted)
        })
    }

    /// Where the function that is returned to would return to.
    fn leads_to(&mut self, frozen: &Frozen, from: Slot) -> Option<Slot> {
        let sp = from.slot.checked_add(8)?;
        let mut registers = UnwindRegsX86_64::new(from.address, sp, 0);
        let address = FrameAddress::from_return_address(from.address)?;
        let mut read = |address| frozen.word(address).ok_or(());
        let next = self.rules.unwind_frame(address, &mut registers, &mut self.cache, &mut read).ok()??;
        let slot = registers.sp().checked_sub(8)?;
        (slot > from.slot && self.is_after_call(next)).then_some(Slot { slot, address: next })
    }

    /// Where a function saves its caller's frame pointer and finds its own frame by it, the way out is in a register that the
    /// kernel does not tell. But above its frame lie the saved pointer and the return address, which is behind a call of this very
    /// function, or of one that only the caller knew.
    fn resume(&self, frozen: &Frozen, inside: u64, below: u64) -> Option<UnwindRegsX86_64> {
        let start = self.start_of(inside);
        let end = below.saturating_add(MAX_FRAME_BYTES).min(frozen.end());
        let slots = (below..end).step_by(8);
        let candidates = slots.filter_map(|slot| Some((slot, frozen.word(slot.checked_add(8)?)?)));
        let mut indirect = None;
        for (slot, address) in candidates {
            match self.call_before(address) {
                Some(Call::Of(target)) if Some(target) == start => return registers(frozen, slot, address),
                Some(Call::Indirect) if indirect.is_none() => indirect = Some((slot, address)),
                _ => {}
            }
        }
        let (slot, address) = indirect?;
        registers(frozen, slot, address)
    }

    fn start_of(&self, address: u64) -> Option<u64> {
        self.loaded.iter().find(|file| file.range.contains(&address))?.start_of(address)
    }

    fn is_after_call(&self, address: u64) -> bool {
        self.call_before(address).is_some()
    }

    /// The call that returns to this address.
    fn call_before(&self, address: u64) -> Option<Call> {
        if !self.loaded.iter().any(|file| file.range.contains(&address)) {
            return None;
        }
        let mut code = [0; CALL_BYTES];
        let from = address.checked_sub(u64::try_from(CALL_BYTES).ok()?)?;
        self.memory.as_ref()?.read_exact_at(&mut code, from).ok()?;
        Call::at_end_of(&code, address)
    }
}

/// A place in the stack, and the return address there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slot {
    slot: u64,
    address: u64,
}

fn registers(frozen: &Frozen, slot: u64, address: u64) -> Option<UnwindRegsX86_64> {
    Some(UnwindRegsX86_64::new(address, slot.checked_add(16)?, frozen.word(slot)?))
}

/// A call instruction of x86-64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    /// Of this function.
    Of(u64),
    /// Of one whose address was in a register or in memory.
    Indirect,
}

impl Call {
    /// What ends at `address`, whose last bytes are these. Other instructions may end in the same bytes; that is rare.
    fn at_end_of(code: &[u8; CALL_BYTES], address: u64) -> Option<Self> {
        let [a, b, c, d, e, f, g] = *code;
        if c == 0xe8 {
            let offset = i32::from_le_bytes([d, e, f, g]);
            return Some(Self::Of(address.wrapping_add_signed(i64::from(offset))));
        }
        // FF /2 with no displacement, with one byte of it, and with four; some have one byte more for their addressing.
        let forms = [(f, g, 0), (e, f, 0), (e, f, 1), (d, e, 1), (b, c, 4), (a, b, 4)];
        let is_call = |(opcode, operand, displacement): (u8, u8, u8)| {
            let (form, reads) = (operand >> 6, operand >> 3 & 7);
            let shown = match form {
                0 if operand & 7 == 5 => 4,
                1 => 1,
                2 => 4,
                _ => 0,
            };
            opcode == 0xff && reads == 2 && shown == displacement
        };
        forms.into_iter().any(is_call).then_some(Self::Indirect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_told_from_other_instructions() {
        let at = |code: [u8; 7]| Call::at_end_of(&code, 0x1000);
        assert_eq!(at([0, 0, 0xe8, 0xfb, 0xff, 0xff, 0xff]), Some(Call::Of(0xffb)));
        // call *%rax; call *0x18(%rax); call *0x0(%rip); call *0x8(%r12).
        assert_eq!(at([0x90, 0x90, 0x90, 0x90, 0x90, 0xff, 0xd0]), Some(Call::Indirect));
        assert_eq!(at([0x90, 0x90, 0x90, 0x90, 0xff, 0x50, 0x18]), Some(Call::Indirect));
        assert_eq!(at([0x90, 0xff, 0x15, 1, 2, 3, 4]), Some(Call::Indirect));
        assert_eq!(at([0x90, 0x90, 0x41, 0xff, 0x54, 0x24, 0x08]), Some(Call::Indirect));
        // nop; jmp *%rax; push.
        assert_eq!(at([0x90; 7]), None);
        assert_eq!(at([0x90, 0x90, 0x90, 0x90, 0x90, 0xff, 0xe0]), None);
        assert_eq!(at([0x90, 0x90, 0x90, 0x90, 0x90, 0x41, 0x57]), None);
    }
}
