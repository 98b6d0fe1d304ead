//! The real binary, run for one command.

use std::time::Duration;

use tempfile::TempDir;
use test_harness::Process;

/// A directory for what commands read and write.
pub(crate) struct Command(TempDir);

impl Command {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// A path in it.
    pub(crate) fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    /// Writes a file into it.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    /// Runs a command with this configuration: whether it ended well, and all that it wrote.
    pub(crate) async fn run(&self, name: &str, config: &str, args: &[&str]) -> (bool, String) {
        self.run_of(&[name], config, args).await
    }

    /// The same for a command within a command.
    pub(crate) async fn run_of(&self, names: &[&str], config: &str, args: &[&str]) -> (bool, String) {
        let file = self.write("config.toml", config);
        run(&[names, &["--config", &file], args].concat(), &[]).await
    }

    /// Exports all chains of a desk into `name`, and fails the test unless that works.
    pub(crate) async fn export(&self, config: &str, name: &str) -> String {
        let out = self.path(name);
        let (ok, logs) = self.run_of(&["custody", "export"], config, &["--out", &out]).await;
        assert!(ok, "{logs}");
        out
    }

    /// Fails the test unless the chains of a desk are whole, and as many as this.
    pub(crate) async fn assert_custody_whole(&self, config: &str, packages: u64) {
        let out = self.export(config, "whole").await;
        let (ok, logs) = verify(&out).await;
        assert!(ok && logs.contains(&format!("{packages} packages, ")), "{logs}");
    }
}

/// Checks an export: without configuration, and without a database.
pub(crate) async fn verify(out: &str) -> (bool, String) {
    run(&["custody", "verify", out], &[]).await
}

/// Runs the binary to its end.
pub(crate) async fn run(args: &[&str], env: &[(&str, &str)]) -> (bool, String) {
    let mut process = Process::spawn("package-ledger", args, env);
    let status = process.wait(Duration::from_secs(180)).await;
    (status.success(), process.logs())
}

/// Nothing of it is left.
pub(crate) fn ended(mut process: Process) {
    assert!(!process.is_running());
}
