//! The launcher and the services' own commands, as somebody at a terminal has them.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context as _;
use serde_json::{Value, json};
use tokio::process::Command;

/// Of the demo accounts of a run.
const PASSWORD: &str = "back-to-where-it-was";

/// One state directory, and the programs that work on it.
pub(crate) struct Launcher {
    pub(crate) programs: PathBuf,
    pub(crate) state: PathBuf,
    pub(crate) port_base: u16,
}

/// How a command ended.
pub(crate) struct Ended {
    pub(crate) success: bool,
    pub(crate) said: String,
}

impl Launcher {
    /// Runs `stack` with these words, and must succeed.
    pub(crate) async fn stack(&self, words: &[&str]) -> anyhow::Result<()> {
        let ended = self.try_stack(words).await?;
        anyhow::ensure!(ended.success, "stack {} failed:\n{}", words.join(" "), ended.said);
        Ok(())
    }

    /// Runs `stack` with these words.
    pub(crate) async fn try_stack(&self, words: &[&str]) -> anyhow::Result<Ended> {
        eprintln!("stack {}", words.join(" "));
        let mut command = Command::new(self.programs.join("stack"));
        command
            .arg("--state-dir")
            .arg(&self.state)
            .arg("--port-base")
            .arg(self.port_base.to_string())
            .args(words);
        for name in
            ["ALDIA_POSTGRES_URL", "ALDIA_REDIS_URL", "ALDIA_NATS_URL", "STACK_PORT_BASE", "STACK_STATE_DIR"]
        {
            command.env_remove(name);
        }
        let output =
            command.stdin(Stdio::null()).kill_on_drop(true).output().await.context("cannot run stack")?;
        let said = [output.stdout, output.stderr].concat();
        Ok(Ended { success: output.status.success(), said: String::from_utf8_lossy(&said).into_owned() })
    }

    /// Starts everything without demo data.
    pub(crate) async fn up(&self) -> anyhow::Result<()> {
        let programs = self.programs.display().to_string();
        self.stack(&["up", "--bin-dir", &programs, "--no-demo-data", "--traces", "off"]).await
    }

    /// Demo data of all four services: people and herds, photos and clips, stories, a desk of this size.
    pub(crate) async fn seed(&self, packages: u32) -> anyhow::Result<()> {
        let base_url = self.base_url();
        let mut accounts = self.seed_one("catalog", &["--data", "data"]).await?;
        self.write_accounts(&accounts)?;
        let file = self.accounts().display().to_string();
        let through = ["--data", "data", "--base-url", &base_url, "--accounts", &file];
        accounts.extend(self.seed_one("stories-feed", &through).await?);
        self.write_accounts(&accounts)?;
        let (customers, packages) = ((packages / 10).max(10).to_string(), packages.to_string());
        let sizes = ["--customers", &customers, "--packages", &packages];
        accounts.extend(self.seed_one("package-ledger", &[&through[..], &sizes].concat()).await?);
        self.write_accounts(&accounts)
    }

    async fn seed_one(&self, service: &str, words: &[&str]) -> anyhow::Result<Vec<Value>> {
        let said = self.service(service, &[&["seed"][..], words].concat()).await?;
        let last = said.lines().last().unwrap_or_default();
        let answer: Value =
            serde_json::from_str(last).with_context(|| format!("{service} seed printed {last}"))?;
        answer
            .get("accounts")
            .and_then(Value::as_array)
            .cloned()
            .with_context(|| format!("{service} seed names no accounts"))
    }

    /// Runs a command of a service with its configuration; what it printed.
    pub(crate) async fn service(&self, service: &str, words: &[&str]) -> anyhow::Result<String> {
        eprintln!("{service} {}", words.join(" "));
        let mut command = Command::new(self.programs.join(service));
        command.args(words).arg("--config").arg(self.state.join("config").join(format!("{service}.toml")));
        command.env("ALDIA_DEMO_PASSWORD", PASSWORD).stdin(Stdio::null()).kill_on_drop(true);
        let output = command.output().await.with_context(|| format!("cannot run {service}"))?;
        anyhow::ensure!(
            output.status.success(),
            "{service} {}: {}\n{}",
            words.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn accounts(&self) -> PathBuf {
        self.state.join("demo.json")
    }

    fn write_accounts(&self, accounts: &[Value]) -> anyhow::Result<()> {
        let known = json!({"base_url": self.base_url(), "accounts": accounts});
        std::fs::write(self.accounts(), known.to_string()).context("the accounts cannot be written")
    }

    /// Name and password of somebody with a role.
    pub(crate) fn account(&self, role: &str) -> anyhow::Result<(String, String)> {
        let known: Value = serde_json::from_slice(&std::fs::read(self.accounts())?)?;
        let accounts = known.get("accounts").and_then(Value::as_array).context("there are no accounts")?;
        let has_role = |account: &&Value| {
            let roles = account.get("roles").and_then(Value::as_array);
            roles.is_some_and(|roles| roles.iter().any(|one| one.as_str() == Some(role)))
        };
        let account = accounts.iter().find(has_role).with_context(|| format!("there is no {role}"))?;
        let text = |name: &str| account.get(name).and_then(Value::as_str).map(str::to_owned);
        text("username").zip(text("password")).context("an account without a password")
    }

    fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port_base)
    }
}

/// A path as an argument.
pub(crate) fn shown(path: &Path) -> String {
    path.display().to_string()
}
