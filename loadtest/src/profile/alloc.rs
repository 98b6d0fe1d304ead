//! What is allocated and by whom: probes at the entries of the allocator, which the kernel sets in a program that runs.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;

use super::fold::{Folded, Stack};
use super::names;
use super::perf::{self, Often, Recipe, Recording};
use super::script::Kind;
use super::symbols;
use super::{Subject, Told};

/// Where the kernel is told of probes.
const PROBES: &str = "/sys/kernel/tracing/uprobe_events";
/// What groups of probes are named by, before the number of the process that set them.
const GROUP: &str = "aldia_";
/// How often, and how long in between, it is tried to take a probe out.
const LOOKS: u32 = 100;
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
/// Of so many allocations one is looked at. A prime, so that it does not fall in step with what a request does.
const ONE_IN: u32 = 53;
/// The entries of the allocator that a program may have of its own, and the size that each is asked for.
const MIMALLOC: [(&str, Size); 3] = [
    ("mi_malloc_aligned", Size::Argument(0)),
    ("mi_zalloc_aligned", Size::Argument(0)),
    ("mi_realloc_aligned", Size::Argument(1)),
];
/// Those of the C library, whose C code asks by them, too.
const GLIBC: [(&str, Size); 5] = [
    ("malloc", Size::Argument(0)),
    ("calloc", Size::Product(0, 1)),
    ("realloc", Size::Argument(1)),
    ("posix_memalign", Size::Argument(2)),
    ("aligned_alloc", Size::Argument(1)),
];

#[derive(Clone, Copy, Debug)]
enum Size {
    Argument(usize),
    Product(usize, usize),
}

impl Size {
    /// As the kernel is asked for it.
    fn fields(self) -> String {
        match self {
            Self::Argument(number) => format!("size={}:u64", register(number)),
            Self::Product(one, other) => format!("size={}:u64 times={}:u64", register(one), register(other)),
        }
    }
}

/// The register that an argument is in.
fn register(argument: usize) -> &'static str {
    let registers = if cfg!(target_arch = "aarch64") { ["%x0", "%x1", "%x2"] } else { ["%di", "%si", "%dx"] };
    registers.get(argument).copied().unwrap_or_default()
}

/// Probes in a program; they are taken out when this is dropped.
struct Probes {
    group: String,
    names: Vec<&'static str>,
}

impl Probes {
    /// At the program's own allocator, or else at that of the C library that the process has loaded.
    fn set(pid: u32, program: &Path) -> anyhow::Result<Self> {
        if let Some(own) = Self::at(program, &MIMALLOC)? {
            return Ok(own);
        }
        let maps = fs::read_to_string(format!("/proc/{pid}/maps"))?;
        let library = maps
            .lines()
            .filter_map(|line| line.split_whitespace().nth(5))
            .find(|path| path.contains("/libc.so"));
        let library = library.context("the process has neither mimalloc nor a C library")?;
        Self::at(Path::new(library), &GLIBC)?.with_context(|| format!("{library} does not allocate"))
    }

    /// None where the file has no such functions.
    fn at(file: &Path, entries: &[(&'static str, Size)]) -> anyhow::Result<Option<Self>> {
        let names: Vec<&str> = entries.iter().map(|(name, _)| *name).collect();
        let found = symbols::offsets(file, &names)?;
        let mut probes = Self { group: format!("{GROUP}{}", std::process::id()), names: Vec::new() };
        for (name, size) in entries {
            let Some((_, offset)) = found.iter().find(|(found, _)| found == name) else { continue };
            tell(&format!("p:{}/{name} {}:{offset:#x} {}", probes.group, file.display(), size.fields()))?;
            probes.names.push(*name);
        }
        Ok((!probes.names.is_empty()).then_some(probes))
    }
}

impl Drop for Probes {
    fn drop(&mut self) {
        for name in &self.names {
            let line = format!("-:{}/{name}", self.group);
            // A perf that was killed with this run lets go of a probe when it is gone, which nothing tells of here.
            let mut removed = tell(&line);
            for _ in 0..LOOKS {
                if removed.is_ok() {
                    break;
                }
                std::thread::park_timeout(BETWEEN_LOOKS);
                removed = tell(&line);
            }
            if let Err(error) = removed {
                eprintln!("loadtest: a probe is left behind until the next run: {error:#}");
            }
        }
    }
}

/// Takes out what runs that were killed have left behind.
fn sweep() {
    for line in fs::read_to_string(PROBES).unwrap_or_default().lines() {
        if let Some((pid, event)) = left_behind(line)
            && !Path::new(&format!("/proc/{pid}")).exists()
            && let Err(error) = tell(&format!("-:{event}"))
        {
            eprintln!("loadtest: {error:#}");
        }
    }
}

/// The process that set a probe, and the probe's name, if it is one of ours: `p:aldia_17/malloc FILE:OFFSET …`.
fn left_behind(line: &str) -> Option<(u32, &str)> {
    let event = line.strip_prefix("p:")?.split_whitespace().next()?;
    let (group, _) = event.split_once('/')?;
    Some((group.strip_prefix(GROUP)?.parse().ok()?, event))
}

/// One line for the kernel.
fn tell(line: &str) -> anyhow::Result<()> {
    let file = OpenOptions::new().append(true).open(PROBES);
    let mut file = file.with_context(|| format!("cannot open {PROBES}; only root sets probes"))?;
    file.write_all(format!("{line}\n").as_bytes()).with_context(|| format!("the kernel refuses `{line}`"))
}

/// What was found of a process.
pub(super) struct Taken {
    calls: Recording,
}

/// Looks at each so-many-th allocation.
pub(super) async fn take(subject: &mut Subject, folder: &Path) -> anyhow::Result<Taken> {
    sweep();
    let probes = Probes::set(subject.pid, &subject.program)?;
    let recipe = Recipe {
        event: format!("{}:*", probes.group),
        often: Often::OneIn(ONE_IN),
        switches: false,
        stacks: subject.stacks,
        stack_bytes: perf::WHOLE_STACK_BYTES,
        stretch: subject.stretch,
    };
    let file: PathBuf = folder.join("alloc.data");
    Ok(Taken { calls: perf::record(subject.pid, &recipe, &mut subject.drive, file).await? })
}

impl Taken {
    /// Draws the allocations and says what they say.
    pub(super) async fn tell(&self, subject: &Subject, folder: &Path) -> anyhow::Result<Told> {
        let (mut by_bytes, mut by_calls) = (Folded::default(), Folded::default());
        let (mut bytes, mut calls, mut symbols) = (subject.tally(), subject.tally(), subject.symbols()?);
        let each = u64::from(ONE_IN);
        let read = self.calls.read(|event| {
            let Kind::Asked(fields) = &event.kind else { return };
            let size = size(fields).unwrap_or_default() * each;
            let mut stack = Stack::of(&event, &mut symbols);
            without_the_allocator(&mut stack);
            by_bytes.add(&stack, size);
            by_calls.add(&stack, each);
            bytes.add(&stack, size);
            calls.add(&stack, each);
        });
        let read = read.await?;
        if by_calls.is_empty() {
            let text = "\n## Allocations\n\nNone were seen.\n".to_owned();
            return Ok(Told { text, requests: read.requests });
        }
        by_bytes.write(folder, "alloc", &format!("{}: allocated", subject.label), "bytes", &subject.ours)?;
        by_calls.write(
            folder,
            "alloc-calls",
            &format!("{}: allocations", subject.label),
            "allocations",
            &subject.ours,
        )?;
        let (parts, unit) = read.parts();
        let figure = |sum: u64| format!("{:.1}", sum as f64 / parts);
        let mut text = format!(
            "\n## Allocations\n\n`alloc.svg` by bytes, `alloc-calls.svg` by number. One of {ONE_IN} was looked at in {}\
             {} allocations and {} bytes{unit}; growing counts as anew.\n",
            read.meanwhile(),
            figure(calls.all()),
            figure(bytes.all()),
        );
        text.push_str(&calls.tables("Allocations", unit, figure));
        text.push_str(&bytes.tables("Bytes allocated", unit, figure));
        Ok(Told { text, requests: read.requests })
    }
}

/// `(55d0c0ffee) size=48`, or with `times=2`.
fn size(fields: &str) -> Option<u64> {
    let field =
        |name| fields.split_whitespace().find_map(|field| field.strip_prefix(name)?.parse::<u64>().ok());
    Some(field("size=")?.saturating_mul(field("times=").unwrap_or(1)))
}

/// Who asked the allocator is of interest; what of the language led there, a string that grows for instance, is not.
fn without_the_allocator(stack: &mut Stack) {
    while let Some(last) = stack.frames.last() {
        // A name without a path is that of the allocator, or of something inlined in a container.
        let own = ["alloc", "core", "std", "mimalloc", ""].contains(&names::crate_of(&last.name));
        // Somebody has to be left.
        if !own || stack.frames.len() == 1 {
            return;
        }
        stack.frames.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::super::symbols::Frame;
    use super::*;

    #[test]
    fn a_probe_that_was_left_behind_is_known_by_its_name() {
        let ours = "p:aldia_17/malloc /usr/lib/libc.so.6:0x0000000000095640 size=%di:u64";
        assert_eq!(left_behind(ours), Some((17, "aldia_17/malloc")));
        assert_eq!(left_behind("p:probe_libc/malloc /usr/lib/libc.so.6:0x95640"), None);
    }

    #[test]
    fn the_size_is_read_and_the_one_who_asks_is_named() {
        assert_eq!(size("(55d0c0ffee) size=48"), Some(48));
        assert_eq!(size("(55d0c0ffee) size=48 times=3"), Some(144));
        assert_eq!(size("(55d0c0ffee)"), None);
        let frame = |name: &str| Frame { name: name.into(), kernel: false };
        let names =
            ["gateway::cache::keep", "alloc::vec::Vec::push", "alloc::raw_vec::grow", "mi_malloc_aligned"];
        let mut stack =
            Stack { thread: "edge".to_owned(), frames: names.iter().map(|name| frame(name)).collect() };
        without_the_allocator(&mut stack);
        assert_eq!(stack.frames, [frame("gateway::cache::keep")]);
    }
}
