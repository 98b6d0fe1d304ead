//! A disk that is soon full: a small file system in memory, for the store of objects.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context as _;
use tokio::process::Command;

/// Room of the disk; what uploads of a run take is a fraction of it.
const SIZE_BYTES: u64 = 64 * 1024 * 1024;
/// What the filler leaves, so that small things can still be written, as on a disk that others fill too.
const LEFT_BYTES: u64 = 64 * 1024;
const PIECE_BYTES: usize = 64 * 1024;
const FILLER: &str = "filler";

/// A mounted file system; it is unmounted when this is dropped.
pub(crate) struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    /// Mounts it at a folder; `None` where this program may not mount, and the folder stays one of the disk that it is on.
    pub(crate) async fn mount(path: &Path) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={SIZE_BYTES},mode=0755"), "aldia-drill"]).arg(path);
        let status = mount.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().await;
        status.is_ok_and(|status| status.success()).then(|| Self { path: path.to_owned() })
    }

    /// Fills it but for a little.
    pub(crate) fn fill(&self) -> anyhow::Result<()> {
        use std::io::Write as _;
        let name = self.path.join(FILLER);
        let mut filler =
            fs::File::create(&name).with_context(|| format!("cannot make {}", name.display()))?;
        let (piece, mut written) = (vec![0; PIECE_BYTES], 0u64);
        while filler.write_all(&piece).is_ok() {
            written += PIECE_BYTES as u64;
        }
        Ok(filler.set_len(written.saturating_sub(LEFT_BYTES))?)
    }

    /// Makes room again.
    pub(crate) fn clear(&self) -> anyhow::Result<()> {
        fs::remove_file(self.path.join(FILLER)).context("cannot remove the filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a process that is just being killed may still have a file open there.
        let mut umount = std::process::Command::new("umount");
        umount.arg("-l").arg(&self.path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let _ = umount.status();
    }
}
