//! What a run found, as it is written to a file: every figure with what it takes to judge and to repeat it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::arrivals::Kind;
use super::gate::Judgement;
use super::interval::{Interval, Logs};

/// Of the form of the file. Raised when something is renamed, removed or means something else; not when something is added.
pub(super) const SCHEMA: u32 = 1;

/// A whole run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Run {
    pub(super) schema: u32,
    /// RFC 3339.
    pub(super) began_at: String,
    pub(super) took_secs: f64,
    pub(super) verdict: Verdict,
    pub(super) machine: Machine,
    pub(super) plan: Plan,
    /// Peers, stores and tools, with what they say of themselves.
    pub(super) versions: BTreeMap<String, String>,
    /// What was not measured, and why.
    pub(super) left_out: Vec<LeftOut>,
    pub(super) measured: Vec<Measured>,
    pub(super) ratios: Vec<Ratio>,
    /// Figures that are no load of requests: of the crowd of sockets.
    pub(super) facts: Vec<Fact>,
    /// Expectations of drills that did not hold, in words.
    pub(super) broken: Vec<String>,
    /// How it stands to a baseline, where it was held against one.
    pub(super) judgement: Option<Judgement>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    /// Measured, and held against nothing.
    Analysed,
    Passed,
    Failed,
    /// Nothing failed, but some intervals are wider than the gate.
    Inconclusive,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Machine {
    pub(super) git_sha: String,
    /// Whether files differ from that commit.
    pub(super) is_dirty: bool,
    pub(super) host: String,
    pub(super) kernel: String,
    pub(super) processor: String,
    pub(super) cores: usize,
    pub(super) memory_bytes: u64,
    /// Of the programs under test: the folder that they were built in.
    pub(super) build: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) secs: f64,
    pub(super) rounds: usize,
    pub(super) seed: u64,
    pub(super) is_quick: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LeftOut {
    pub(super) what: String,
    pub(super) why: String,
}

/// Whose figures they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Role {
    Ours,
    /// What a user would take instead, or what ours replaces.
    Peer,
    /// What cannot be gone below: an answer that is constant.
    Ceiling,
}

/// One side of one scenario in one kind, all rounds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Measured {
    pub(super) scenario: String,
    pub(super) kind: Kind,
    pub(super) side: String,
    pub(super) role: Role,
    /// What decides the figure, in a word or two.
    pub(super) limit: String,
    /// Medians of the rounds; errors are sums, `max_us` is the greatest.
    pub(super) figures: Figures,
    pub(super) rounds: Vec<Figures>,
    /// All latencies of all rounds: microseconds at most, and how many. Exact to a hundredth, and two can be added.
    pub(super) histogram: Vec<(u64, u64)>,
    pub(super) seconds: Vec<Second>,
}

/// Figures of one round, or of all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Figures {
    pub(super) requests: u64,
    /// Answered as they should be.
    pub(super) good: u64,
    pub(super) errors: BTreeMap<String, u64>,
    pub(super) asked_per_sec: f64,
    /// Good answers a second, from the first that was due to the last that came.
    pub(super) achieved_per_sec: f64,
    /// Processor seconds for 10,000 requests: of the programs themselves, and of the stores behind them.
    pub(super) app_cpu_10k: f64,
    pub(super) stores_cpu_10k: f64,
    /// From the instant a request was due to the last byte of its answer.
    pub(super) p50_us: u64,
    pub(super) p95_us: u64,
    pub(super) p99_us: u64,
    pub(super) max_us: u64,
    /// Of the largest body.
    pub(super) bytes: u64,
    /// Part of the machine that neither the side nor the generator used, from 0 to 1.
    pub(super) others_busy: f64,
    /// Writes that went on meanwhile.
    pub(super) writes: u64,
}

impl Figures {
    /// All processor time for 10,000 requests.
    pub(super) fn cpu_10k(&self) -> f64 {
        self.app_cpu_10k + self.stores_cpu_10k
    }

    /// Part of the requests that were not answered as they should be.
    pub(super) fn error_share(&self) -> f64 {
        self.requests.saturating_sub(self.good) as f64 / self.requests.max(1) as f64
    }
}

/// Latencies of one second of a measurement, all rounds together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Second {
    pub(super) second: u64,
    pub(super) good: u64,
    pub(super) p50_us: u64,
    pub(super) p99_us: u64,
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Metric {
    /// Processor time of program and stores together.
    Cpu,
    P50,
    P95,
}

impl Metric {
    pub(super) const ALL: [Self; 3] = [Self::Cpu, Self::P50, Self::P95];

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Cpu => "CPU",
            Self::P50 => "p50",
            Self::P95 => "p95",
        }
    }

    pub(super) fn of(self, figures: &Figures) -> f64 {
        match self {
            Self::Cpu => figures.cpu_10k(),
            Self::P50 => figures.p50_us as f64,
            Self::P95 => figures.p95_us as f64,
        }
    }
}

/// What names a ratio.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct Key {
    pub(super) scenario: String,
    pub(super) kind: Kind,
    pub(super) metric: Metric,
    pub(super) side: String,
    pub(super) reference: String,
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { scenario, kind, metric, side, reference } = self;
        write!(f, "{scenario}, {}, {}: {side} to {reference}", kind.label(), metric.label())
    }
}

/// One side to another in the same rounds. Less is better.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Ratio {
    #[serde(flatten)]
    pub(super) key: Key,
    pub(super) rounds: Vec<f64>,
    /// Of the rounds.
    pub(super) median: f64,
    pub(super) logs: Logs,
    /// 95 %.
    pub(super) interval: Interval,
}

/// A figure by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Fact {
    pub(super) scenario: String,
    pub(super) what: String,
    pub(super) value: String,
}
