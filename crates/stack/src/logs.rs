//! Logs of started processes: appended to, put aside when long, quoted when something fails.
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::{Context, Result};

/// A log longer than this is put aside when its process is started again.
const LOG_LIMIT_BYTES: u64 = 16 * 1024 * 1024;

/// The last `count` lines written after `offset`, indented.
pub(crate) fn tail(log: &Path, offset: u64, count: usize) -> String {
    let mut bytes = Vec::new();
    let read = File::open(log).and_then(|mut file| {
        file.seek(SeekFrom::Start(offset))?;
        file.read_to_end(&mut bytes)
    });
    if let Err(error) = read {
        return format!("  (cannot be read: {error})");
    }
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let skipped = lines.len().saturating_sub(count);
    if lines.is_empty() {
        return "  (it wrote nothing)".to_owned();
    }
    lines.iter().skip(skipped).map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

/// Opens a log for appending, after putting a long one aside, and says where new text will begin.
pub(crate) fn open_log(path: &Path) -> Result<(File, u64)> {
    if fs::metadata(path).is_ok_and(|metadata| metadata.len() > LOG_LIMIT_BYTES) {
        fs::rename(path, path.with_added_extension("1"))?;
    }
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    let offset = file.metadata()?.len();
    Ok((file, offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_lines_of_this_start_are_quoted() {
        let log = std::env::temp_dir().join(format!("stack-tail-{}.log", std::process::id()));
        fs::write(&log, "of an earlier start\n").unwrap();
        let (mut file, offset) = open_log(&log).unwrap();
        assert_eq!(tail(&log, offset, 2), "  (it wrote nothing)");
        std::io::Write::write_all(&mut file, b"one\ntwo\nthree\n").unwrap();
        assert_eq!(tail(&log, offset, 2), "  two\n  three");
        fs::remove_file(&log).unwrap();
    }
}
