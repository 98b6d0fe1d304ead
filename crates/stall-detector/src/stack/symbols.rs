//! Addresses as people read them.

use std::path::Path;

/// Frames that only pass on a call.
const NOISE: [&str; 4] = ["core::", "<core::", "alloc::", "<alloc::"];

/// The functions that an address lies in, innermost first: more than one where calls were inlined. With file and line where
/// the program has them.
pub(super) fn names(address: u64) -> Vec<String> {
    let mut names = Vec::new();
    // It is taken for a return address, and looked up one before.
    let Ok(address) = usize::try_from(address.saturating_add(1)) else { return names };
    backtrace::resolve(std::ptr::without_provenance_mut(address), |symbol| {
        let Some(name) = symbol.name() else { return };
        let name = format!("{name:#}");
        if NOISE.iter().any(|noise| name.starts_with(noise)) {
            return;
        }
        let file = symbol.filename().and_then(Path::file_name).map(|file| file.to_string_lossy());
        match (file, symbol.lineno()) {
            (Some(file), Some(line)) => names.push(format!("{name} ({file}:{line})")),
            _ => names.push(name),
        }
    });
    names
}
