//! From a place to the functions there: also those that were inlined, which in an optimised program are most.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use addr2line::Loader;
use anyhow::Context as _;
use object::{Object as _, ObjectSegment as _, ObjectSymbol as _};

use super::names;
use super::script::Place;

/// A function that ran or waited.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Frame {
    pub(super) name: Rc<str>,
    pub(super) kernel: bool,
}

/// A stretch of a file and where it lies in memory.
#[derive(Clone, Copy, Debug)]
struct Segment {
    offset: u64,
    bytes: u64,
    address: u64,
}

/// The functions of one program; those of the kernel and of libraries have the names that perf found.
pub(super) struct Symbols {
    program: PathBuf,
    segments: Vec<Segment>,
    debug: Loader,
    known: HashMap<(Place, bool), Rc<[Frame]>>,
}

impl Symbols {
    /// # Errors
    /// Where the program cannot be read.
    pub(super) fn of(program: &Path) -> anyhow::Result<Self> {
        let name = || format!("cannot read {}", program.display());
        let bytes = std::fs::read(program).with_context(name)?;
        let file = object::File::parse(&*bytes).with_context(name)?;
        let segments = file.segments().map(|segment| {
            let (offset, bytes) = segment.file_range();
            Segment { offset, bytes, address: segment.address() }
        });
        let segments = segments.collect();
        let debug =
            Loader::new(program).map_err(|error| anyhow::anyhow!("{}: {error}", program.display()))?;
        Ok(Self { program: program.to_owned(), segments, debug, known: HashMap::new() })
    }

    /// The functions at a place, the innermost first. A place that a function is `called` from is that behind the call.
    pub(super) fn at(&mut self, place: &Place, calls: bool) -> Rc<[Frame]> {
        let key = (place.clone(), calls);
        if let Some(frames) = self.known.get(&key) {
            return Rc::clone(frames);
        }
        let frames: Rc<[Frame]> = self.look_up(place, calls).into();
        self.known.insert(key, Rc::clone(&frames));
        frames
    }

    fn look_up(&self, place: &Place, calls: bool) -> Vec<Frame> {
        let mut found = Vec::new();
        if Path::new(&place.file) == self.program
            && let Some(address) = self.address(place.at)
        {
            found = self.inlined(address.saturating_sub(u64::from(calls)));
            // The last of them is the function that has a symbol, which tells more of a name.
            found.pop();
        }
        let name = match &place.symbol {
            Some(symbol) => names::readable(symbol),
            None if place.is_kernel() => "[kernel]".to_owned(),
            // The file says at least whose code it is.
            None => {
                let file = Path::new(&place.file).file_name().map(|name| name.to_string_lossy().into_owned());
                format!("[{}]", file.unwrap_or_default().trim_matches(['[', ']']))
            }
        };
        found.push(Frame { name: name.into(), kernel: place.is_kernel() });
        found
    }

    fn address(&self, offset: u64) -> Option<u64> {
        self.segments.iter().find_map(|segment| {
            let into = offset.checked_sub(segment.offset).filter(|into| *into < segment.bytes)?;
            segment.address.checked_add(into)
        })
    }

    /// By what the compiler wrote down; none where it did not, as in dependencies of a debug build.
    fn inlined(&self, address: u64) -> Vec<Frame> {
        let mut found = Vec::new();
        let Ok(mut frames) = self.debug.find_frames(address) else { return found };
        while let Ok(Some(frame)) = frames.next() {
            let Some(function) = frame.function else { continue };
            if let Ok(name) = function.raw_name() {
                found.push(Frame { name: names::readable(&name).into(), kernel: false });
            }
        }
        found
    }
}

/// Where in a program's file these functions begin; those that it does not have are left out.
///
/// # Errors
/// Where the program cannot be read.
pub(super) fn offsets<'n>(program: &Path, names: &[&'n str]) -> anyhow::Result<Vec<(&'n str, u64)>> {
    let bytes = std::fs::read(program).with_context(|| format!("cannot read {}", program.display()))?;
    let file = object::File::parse(&*bytes)?;
    let mut found = Vec::new();
    for symbol in file.symbols().chain(file.dynamic_symbols()).filter(|symbol| symbol.is_definition()) {
        let Ok(symbol_name) = symbol.name() else { continue };
        let Some(name) = names.iter().find(|name| **name == symbol_name) else { continue };
        let offset = file.segments().find_map(|segment| {
            let into =
                symbol.address().checked_sub(segment.address()).filter(|into| *into < segment.size())?;
            segment.file_range().0.checked_add(into)
        });
        found.push((*name, offset.with_context(|| format!("{name} is nowhere in {}", program.display()))?));
    }
    Ok(found)
}
