//! A real Prometheus with the rules of `deploy/prometheus`, unchanged, and what it says of them.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use nix::unistd::geteuid;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::process::Command;

use crate::freshness::pool::Pool;
use crate::freshness::server::{Ready, Server, command};
use crate::freshness::stores;
use crate::port;

const RULES: &str = "deploy/prometheus";
/// Between two scrapes, and between two evaluations of a rule. Every rule of `deploy` looks over half a minute at least.
const EVERY: &str = "2s";
const PATIENCE: Duration = Duration::from_secs(10);

/// A running Prometheus.
pub(crate) struct Prometheus {
    server: Server,
    pool: Pool,
    addr: SocketAddr,
}

/// An alert that is pending or firing.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Alert {
    pub(crate) labels: std::collections::BTreeMap<String, String>,
    pub(crate) state: String,
}

impl Alert {
    pub(crate) fn name(&self) -> &str {
        self.labels.get("alertname").map_or("", String::as_str)
    }

    pub(crate) fn is_firing(&self) -> bool {
        self.state == "firing"
    }
}

/// A rule that is an alert.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Rule {
    pub(crate) name: String,
    query: String,
    /// Seconds for which the condition has to hold; absent for rules that record.
    #[serde(default)]
    duration: f64,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    health: String,
    #[serde(default, rename = "lastError")]
    last_error: String,
}

impl Rule {
    /// How long the condition has to hold.
    pub(crate) fn holds(&self) -> Duration {
        Duration::from_secs_f64(self.duration.max(0.0))
    }

    /// How far back it looks: the longest range in it.
    pub(crate) fn window(&self) -> Duration {
        longest_range(&self.query)
    }
}

#[derive(Deserialize)]
struct Answer<T> {
    data: T,
}

#[derive(Deserialize)]
struct Alerts {
    alerts: Vec<Alert>,
}

#[derive(Deserialize)]
struct Groups {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    rules: Vec<Rule>,
}

impl Prometheus {
    /// Starts one that scrapes these addresses.
    pub(crate) async fn start(folder: &Path, targets: &[SocketAddr]) -> anyhow::Result<Self> {
        let program = program().await?;
        let rules = Path::new(RULES)
            .canonicalize()
            .with_context(|| format!("{RULES} is read from the repository's folder"))?;
        let addresses: Vec<String> = targets.iter().map(|addr| format!("\"{addr}\"")).collect();
        let file = folder.join("prometheus.yml");
        fs::write(
            &file,
            format!(
                "global: {{ scrape_interval: {EVERY}, scrape_timeout: {EVERY}, evaluation_interval: {EVERY} }}\n\
                 rule_files: [\"{}/*.rules.yml\"]\n\
                 scrape_configs: [{{ job_name: aldia, static_configs: [{{ targets: [{}] }}] }}]\n",
                rules.display(),
                addresses.join(", "),
            ),
        )?;
        let (addr, data) = (port::free()?, folder.join("prometheus"));
        let ready = Ready::Speaks(addr, "GET /-/ready HTTP/1.0\r\n\r\n", "HTTP/1.0 200");
        let log = folder.join("prometheus.log");
        let server = Server::start("prometheus", log, ready, move || {
            let mut command = command(&program, None);
            command.arg(format!("--config.file={}", file.display()));
            command.arg(format!("--storage.tsdb.path={}", data.display()));
            command.arg(format!("--web.listen-address={addr}"));
            command
        })
        .await?;
        Ok(Self { server, pool: Pool::new(addr), addr })
    }

    /// The alerts that are pending or firing now.
    pub(crate) async fn alerts(&self) -> anyhow::Result<Vec<Alert>> {
        let Alerts { alerts } = self.ask("/api/v1/alerts").await?;
        Ok(alerts)
    }

    /// All alerts that there are; fails when a rule of any kind cannot be evaluated.
    pub(crate) async fn rules(&self) -> anyhow::Result<Vec<Rule>> {
        let Groups { groups } = self.ask("/api/v1/rules").await?;
        let rules: Vec<Rule> = groups.into_iter().flat_map(|group| group.rules).collect();
        let broken = rules.iter().find(|rule| rule.health == "err");
        if let Some(rule) = broken {
            anyhow::bail!("the rule {} cannot be evaluated: {}", rule.name, rule.last_error);
        }
        Ok(rules.into_iter().filter(|rule| rule.kind == "alerting").collect())
    }

    async fn ask<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let request =
            Request::get(path).header("host", self.addr.to_string()).body(Full::<Bytes>::default())?;
        let reply = self.pool.exchange(request, PATIENCE).await;
        let reply = reply.map_err(|failure| anyhow::anyhow!("prometheus: {path} {}", failure.label()))?;
        let answer: Answer<T> = serde_json::from_slice(&reply.body)
            .with_context(|| format!("prometheus: {path} is {} and no JSON of ours", reply.status))?;
        Ok(answer.data)
    }

    pub(crate) async fn stop(&mut self) -> anyhow::Result<()> {
        self.server.kill().await
    }
}

/// Finds Prometheus, or installs it where this program may.
async fn program() -> anyhow::Result<PathBuf> {
    if let Ok(found) = stores::program("prometheus") {
        return Ok(found);
    }
    anyhow::ensure!(
        geteuid().is_root(),
        "prometheus is not installed; run: sudo apt-get install --yes --no-install-recommends prometheus"
    );
    eprintln!("prometheus is missing; installing it");
    for words in [&["update"][..], &["install", "--yes", "--no-install-recommends", "prometheus"]] {
        let mut apt = Command::new("apt-get");
        // Without systemd a package's script does not start its server then.
        apt.args(["-q"]).args(words).env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1");
        let status =
            apt.stdin(Stdio::null()).stdout(Stdio::null()).status().await.context("cannot run apt-get")?;
        anyhow::ensure!(status.success(), "apt-get {} failed ({status})", words.join(" "));
    }
    stores::program("prometheus")
}

/// The longest `[5m]` of an expression.
fn longest_range(query: &str) -> Duration {
    let ranges = query.split('[').skip(1).filter_map(|rest| rest.split(']').next());
    ranges.filter_map(span).max().unwrap_or_default()
}

/// `1h30m`, as Prometheus writes it.
fn span(text: &str) -> Option<Duration> {
    let (mut total, mut digits) = (0, String::new());
    for letter in text.chars() {
        if letter.is_ascii_digit() {
            digits.push(letter);
            continue;
        }
        let seconds = match letter {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return None,
        };
        total += digits.parse::<u64>().ok()? * seconds;
        digits.clear();
    }
    digits.is_empty().then_some(Duration::from_secs(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_range_of_an_expression_is_its_window() {
        let query = "rate(a_total{b=\"c\"}[5m]) > 0.1 and increase(a_total[1h30m]) > 10 and max_over_time(d[30s]) > 0";
        assert_eq!(longest_range(query), Duration::from_secs(5_400));
        assert_eq!(longest_range("up == 0"), Duration::ZERO);
    }
}
