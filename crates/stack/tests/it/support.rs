//! A launcher to run in a directory of its own, and eyes for what it leaves behind.
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use stack::process::{MARK_VARIABLE, marked};

/// A state directory that is removed at the end, and a mark by which all processes started for it can be found.
pub(crate) struct Place {
    pub(crate) state: PathBuf,
    pub(crate) mark: String,
}

impl Place {
    pub(crate) fn new(name: &str) -> Self {
        let mark = format!("{name}-{}", std::process::id());
        let state = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&mark);
        fs::create_dir_all(&state).unwrap();
        Self { state, mark }
    }

    /// The launcher with these arguments, and with nothing of a surrounding run but its mark.
    pub(crate) fn stack(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stack"));
        command.arg("--state-dir").arg(&self.state).args(arguments);
        for name in
            ["ALDIA_POSTGRES_URL", "ALDIA_REDIS_URL", "ALDIA_NATS_URL", "STACK_PORT_BASE", "STACK_STATE_DIR"]
        {
            command.env_remove(name);
        }
        let outer = std::env::var(MARK_VARIABLE).map(|outer| outer + ",").unwrap_or_default();
        command.env(MARK_VARIABLE, format!("{outer}{}", self.mark)).stdin(Stdio::null());
        command
    }

    /// Runs the launcher to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.stack(arguments).output().unwrap()
    }

    /// How many processes run that were started for this place.
    pub(crate) fn processes(&self) -> usize {
        marked(&self.mark).len()
    }

    /// Whether a directory of a test run lies in the state directory.
    pub(crate) fn has_leftovers(&self) -> bool {
        fs::read_dir(&self.state)
            .unwrap()
            .any(|entry| entry.unwrap().file_name().to_string_lossy().starts_with("test-"))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // A test that failed half way must not leave anything behind either, be it a launcher that is still at work.
        for _ in 0..100 {
            let left = marked(&self.mark);
            if left.is_empty() {
                break;
            }
            for process in left {
                process.signal(Signal::SIGKILL);
            }
        }
        let _ = self.run(&["down", "--data"]);
        let _ = fs::remove_dir_all(&self.state);
    }
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Waits for a condition; fails the test when it does not come true.
#[expect(clippy::disallowed_methods, reason = "a pause between two looks at another process, not a guess")]
pub(crate) fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < deadline, "never happened: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Somebody who listens on a port.
pub(crate) fn squatter() -> (TcpListener, u16) {
    // Below the ports that the system gives to outgoing connections: one of those on a neighbouring port would be what the
    // launcher finds taken first.
    let start = 20_000 + u16::try_from(std::process::id() % 5_000).unwrap() * 2;
    (start..32_000)
        .find_map(|port| Some((TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()?, port)))
        .unwrap()
}
