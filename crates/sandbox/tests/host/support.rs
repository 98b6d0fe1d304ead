//! What several checks need.

use std::path::Path;
use std::time::{Duration, Instant};

use sandbox::{Finished, Launcher, Policy, SandboxError};

/// Longest time that anything is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A policy under which this executable misbehaves as `arguments` say, with nothing but a directory to be in.
pub(crate) fn policy(directory: &Path, arguments: &[&str]) -> Policy {
    let arguments = std::iter::once("misbehave").chain(arguments.iter().copied());
    Policy {
        program: std::env::current_exe().unwrap(),
        arguments: arguments.map(str::to_owned).collect(),
        working_directory: directory.to_owned(),
        read: Vec::new(),
        write: Vec::new(),
        cpu_secs: 20,
        memory_bytes: 512 << 20,
        file_bytes: 1 << 20,
        open_files: 32,
        threads: 16,
        wall: Duration::from_secs(30),
        max_stdout_bytes: 64 << 10,
        max_stderr_bytes: 4 << 10,
    }
}

pub(crate) async fn run(policy: &Policy) -> Result<Finished, SandboxError> {
    Launcher::current_exe().run(policy, |_| ()).await
}

/// What it printed when it misbehaved so, with a fresh directory that it may write to.
pub(crate) async fn printed(arguments: &[&str]) -> String {
    let directory = tempfile::tempdir().unwrap();
    let policy = Policy { write: vec![directory.path().to_owned()], ..policy(directory.path(), arguments) };
    run(&policy).await.unwrap().stdout.trim_end().to_owned()
}

pub(crate) fn exists(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

/// Waits until the process is gone, and fails the check if it stays.
pub(crate) async fn until_gone(pid: u32) {
    let began = Instant::now();
    while exists(pid) {
        assert!(began.elapsed() < PATIENCE, "process {pid} is still there");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
