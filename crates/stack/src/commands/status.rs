//! `stack status`.
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use crate::run::{Record, Run, uptime_secs};
use crate::services::services;
use crate::site::Site;
use crate::ui::elapsed;

/// One line of the status.
#[derive(Debug, Serialize)]
struct Part {
    name: String,
    state: State,
    /// `None` for a server somebody else runs.
    pid: Option<i32>,
    port: Option<u16>,
    uptime_secs: Option<u64>,
    /// Why it is not ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    log: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Ready,
    NotReady,
    Dead,
    NotStarted,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::NotReady => "not ready",
            Self::Dead => "dead",
            Self::NotStarted => "not started",
        }
    }
}

/// Shows every part; success only when all are ready.
pub(crate) async fn status(site: &Site, json: bool) -> Result<ExitCode> {
    let parts = parts(site).await?;
    let ready = parts.iter().all(|part| part.state == State::Ready);
    if json {
        println!("{}", serde_json::to_string_pretty(&serde_json::json!({ "ready": ready, "parts": parts }))?);
    } else {
        println!("{:<14} {:<12} {:>8} {:>6}  {:<12} log", "part", "state", "pid", "port", "up for");
        for part in &parts {
            println!("{}", line(part));
        }
    }
    Ok(if ready { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn line(part: &Part) -> String {
    let dash = || "-".to_owned();
    let number = |value: Option<String>| value.unwrap_or_else(dash);
    let uptime = part.uptime_secs.map(|secs| elapsed(Duration::from_secs(secs)));
    let mut line = format!(
        "{:<14} {:<12} {:>8} {:>6}  {:<12} {}",
        part.name,
        part.state.as_str(),
        number(part.pid.map(|pid| pid.to_string())),
        number(part.port.map(|port| port.to_string())),
        uptime.unwrap_or_else(dash),
        part.log.clone().unwrap_or_else(dash),
    );
    if let Some(reason) = &part.reason {
        line.push_str(&format!("\n               {reason}"));
    }
    line
}

async fn parts(site: &Site) -> Result<Vec<Part>> {
    let (records, completed) = match Run::load(site.run_dir(), site.logs())? {
        Some(run) => (run.records()?, run.completed()?),
        None => (Vec::new(), None),
    };
    let mut parts = Vec::new();
    for record in &records {
        parts.push(look(site, record).await);
    }
    let services = services(completed.is_none_or(|completed| completed.traces));
    let expected =
        ["postgres", "redis", "nats"].into_iter().chain(services.iter().map(|service| service.name));
    for name in expected {
        if !parts.iter().any(|part| part.name == name) {
            parts.push(not_started(name));
        }
    }
    Ok(parts)
}

fn not_started(name: &str) -> Part {
    Part {
        name: name.to_owned(),
        state: State::NotStarted,
        pid: None,
        port: None,
        uptime_secs: None,
        reason: None,
        log: None,
    }
}

async fn look(site: &Site, record: &Record) -> Part {
    let (state, reason) = if !record.is_alive() {
        (State::Dead, None)
    } else {
        match record.probe.check().await {
            Ok(()) => (State::Ready, None),
            Err(error) => (State::NotReady, Some(format!("{error:#}"))),
        }
    };
    let alive = state != State::Dead;
    Part {
        name: record.name.clone(),
        state,
        pid: record.process.as_ref().filter(|_| alive).map(|process| process.pid),
        port: record.port,
        uptime_secs: (alive && record.process.is_some()).then(|| uptime_secs(record)),
        reason,
        log: record.log.as_ref().map(|log| site.shown(log)),
    }
}
