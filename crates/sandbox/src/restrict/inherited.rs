//! Open files that came with the process. Rust opens everything close-on-exec; libraries and parents may not.

use std::io;

/// Closes everything but the three standard streams. To be called before this process has opened anything itself.
pub(crate) fn close() -> io::Result<()> {
    let mut open = Vec::new();
    for entry in std::fs::read_dir("/proc/self/fd")? {
        open.extend(entry?.file_name().to_str().and_then(|name| name.parse::<i32>().ok()));
    }
    for descriptor in open.into_iter().filter(|descriptor| *descriptor > 2) {
        // The directory that was just listed is among them and closed already.
        let _already_closed = nix::unistd::close(descriptor);
    }
    Ok(())
}
