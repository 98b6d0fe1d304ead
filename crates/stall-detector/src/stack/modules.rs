//! The program and the libraries it has loaded, with what they say of unwinding.

use std::fs::{self, File};
use std::io::BufReader;
use std::ops::Range;

use framehop::{ExplicitModuleSectionInfo, Module};
use object::{Object as _, ObjectSection as _, ObjectSegment as _, ReadCache};

/// What is loaded of one file.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) range: Range<u64>,
    /// Where its functions begin, in order.
    starts: Vec<u64>,
}

impl Loaded {
    /// The start of the function that this address lies in.
    pub(super) fn start_of(&self, address: u64) -> Option<u64> {
        let after = self.starts.partition_point(|start| *start <= address);
        self.starts.get(after.checked_sub(1)?).copied()
    }
}

/// Every file that this process has loaded code from.
pub(super) fn loaded() -> Vec<(Loaded, Module<Vec<u8>>)> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    files(&maps).into_iter().filter_map(|(path, range)| load(path, range)).collect()
}

/// The files of a `/proc/…/maps`, each with the range of addresses that it takes.
fn files(maps: &str) -> Vec<(&str, Range<u64>)> {
    let mut files: Vec<(&str, Range<u64>)> = Vec::new();
    for line in maps.lines() {
        let mut words = line.split_ascii_whitespace();
        let range = words.next().and_then(|range| {
            let (from, to) = range.split_once('-')?;
            Some(u64::from_str_radix(from, 16).ok()?..u64::from_str_radix(to, 16).ok()?)
        });
        let path = words.nth(4).filter(|path| path.starts_with('/'));
        let (Some(range), Some(path)) = (range, path) else { continue };
        match files.last_mut() {
            Some((known, all)) if *known == path => all.end = range.end,
            _ => files.push((path, range)),
        }
    }
    files
}

fn load(path: &str, range: Range<u64>) -> Option<(Loaded, Module<Vec<u8>>)> {
    // A file that was replaced since (`… (deleted)`) is not what is in memory; the program itself can still be read.
    let file = File::open(path).or_else(|_| File::open("/proc/self/exe")).ok()?;
    let cache = ReadCache::new(BufReader::new(file));
    let object = object::File::parse(&cache).ok()?;
    let base = object.segments().map(|segment| segment.address()).min()?;
    let section = |name: &str| {
        let section = object.section_by_name(name)?;
        Some((
            section.address()..section.address().checked_add(section.size())?,
            section.data().ok()?.to_vec(),
        ))
    };
    let addresses = |name: &str| {
        let section = object.section_by_name(name)?;
        Some(section.address()..section.address().checked_add(section.size())?)
    };
    let (frames_at, frames) = section(".eh_frame")?;
    let (index_at, index) = section(".eh_frame_hdr")?;
    let starts =
        starts(&index, index_at.start.checked_sub(base)?.checked_add(range.start)?).unwrap_or_default();
    let sections = ExplicitModuleSectionInfo {
        base_svma: base,
        text_svma: addresses(".text"),
        got_svma: addresses(".got"),
        eh_frame_svma: Some(frames_at),
        eh_frame: Some(frames),
        eh_frame_hdr_svma: Some(index_at),
        eh_frame_hdr: Some(index),
        ..ExplicitModuleSectionInfo::default()
    };
    let module = Module::new(path.to_owned(), range.clone(), range.start, sections);
    Some((Loaded { range, starts }, module))
}

/// The functions of an index of frames (Linux Standard Base, "Exception Frame Header"), in the only form that linkers write: four
/// bytes for each address, relative to the index itself.
fn starts(index: &[u8], at: u64) -> Option<Vec<u64>> {
    let (head, table) = index.split_at_checked(12)?;
    if head.first_chunk() != Some(&[1, 0x1b, 0x03, 0x3b]) {
        return None;
    }
    let start = |entry: &[u8]| {
        let offset = i32::from_le_bytes(*entry.first_chunk()?);
        at.checked_add_signed(i64::from(offset))
    };
    Some(table.chunks_exact(8).filter_map(start).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_takes_all_that_is_mapped_of_it() {
        let maps = "\
            1000-2000 r--p 00000000 00:00 1  /bin/a\n\
            2000-5000 r-xp 00001000 00:00 1  /bin/a\n\
            5000-6000 rw-p 00000000 00:00 0  [heap]\n\
            7000-8000 r-xp 00000000 00:00 2  /lib/b\n\
            8000-9000 rw-p 00000000 00:00 0\n";
        assert_eq!(files(maps), [("/bin/a", 0x1000..0x5000), ("/lib/b", 0x7000..0x8000)]);
    }

    #[test]
    fn the_program_knows_its_own_functions() {
        let address =
            u64::try_from((the_program_knows_its_own_functions as fn() as *const ()).addr()).unwrap();
        let all = loaded();
        let own = all.iter().find(|(loaded, _)| loaded.range.contains(&address)).unwrap();
        assert_eq!(own.0.start_of(address + 4), Some(address));
    }
}
