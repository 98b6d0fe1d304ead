//! What the command is at.

use std::time::Instant;

/// Tells how far a command is. Progress goes to standard error: standard output holds the result alone.
#[derive(Clone, Copy, Debug)]
pub struct Progress(Instant);

impl Progress {
    /// From now on.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Something is done.
    #[expect(clippy::print_stderr, reason = "that is where whoever runs the command looks")]
    pub fn tell(&self, line: &str) {
        eprintln!("{:>6.1} s  {line}", self.0.elapsed().as_secs_f64());
    }
}
