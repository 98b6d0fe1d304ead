//! Files that are replaced whole.

use std::fs;
use std::path::Path;

use anyhow::Context as _;

/// Writes beside it and renames, so that a file is never half of one and half of another.
pub(super) fn replace(file: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let mut part = file.as_os_str().to_owned();
    part.push(".part");
    fs::write(&part, text).with_context(|| format!("cannot write {}", file.display()))?;
    fs::rename(&part, file).with_context(|| format!("cannot write {}", file.display()))
}
