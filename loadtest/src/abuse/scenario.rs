//! The scenarios by name, and the process that plays one of them.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::{body, churn, fields, raw, reset, slow};

/// What an abuser does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// 2000 connections that send one byte of a request's head each second.
    Slowloris,
    /// Requests with 100000 header fields.
    Fields,
    /// Bodies of 1 GiB against a limit of 1 MiB, with an announced length.
    SizedBody,
    /// The same in chunks, passed on while they come.
    ChunkedBody,
    /// The same in chunks, where a body is complete before an upstream is asked.
    HeldBody,
    /// HTTP/2 streams that are reset as soon as they are opened.
    RapidReset,
    /// 100000 connections, opened and closed.
    Churn,
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value();
        f.write_str(value.as_ref().map_or("", clap::builder::PossibleValue::get_name))
    }
}

impl Scenario {
    pub(super) const ALL: [Self; 7] = [
        Self::Slowloris,
        Self::Fields,
        Self::SizedBody,
        Self::ChunkedBody,
        Self::HeldBody,
        Self::RapidReset,
        Self::Churn,
    ];

    /// What the abuser should and should not have got.
    pub(super) fn judge(self, got: &Got, header_timeout: Duration) -> Vec<(String, bool)> {
        let refused = |status: &str| {
            vec![
                (format!("answered {status}, never 2xx"), got.count(status) > 0 && got.count("200") == 0),
                ("nothing left hanging".to_owned(), got.count("hanging") == 0),
            ]
        };
        match self {
            Self::Slowloris => {
                let longest = header_timeout + Duration::from_secs(3);
                let held = Duration::from_millis(
                    got.largest.get(slow::LONGEST_HELD_MS).copied().unwrap_or_default(),
                );
                let what = format!("no connection held longer than {} s ({held:?})", longest.as_secs());
                vec![(what, held > Duration::ZERO && held <= longest)]
            }
            Self::Fields => refused("431"),
            Self::SizedBody | Self::ChunkedBody | Self::HeldBody => refused("413"),
            Self::RapidReset => {
                vec![("connections are ended with GOAWAY".to_owned(), got.count(reset::GOAWAY_CALM) > 0)]
            }
            Self::Churn => {
                let opened = got.count(churn::OPENED);
                vec![(format!("all {} connections accepted ({opened})", churn::CONNECTIONS), {
                    opened == u64::from(churn::CONNECTIONS)
                })]
            }
        }
    }
}

#[derive(clap::Args)]
pub(crate) struct AbuserArgs {
    #[arg(long)]
    target: SocketAddr,
    #[arg(long, value_enum)]
    scenario: Scenario,
    #[arg(long)]
    seconds: u64,
}

/// What an abuser got.
#[derive(Default, Deserialize, Serialize)]
pub(super) struct Got {
    /// How often what happened.
    pub(super) counts: BTreeMap<String, u64>,
    /// The most of something, with its unit.
    pub(super) largest: BTreeMap<String, u64>,
}

impl Got {
    fn count(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or_default()
    }
}

/// What the connections of an abuser have in common.
pub(super) struct Abuser {
    pub(super) target: SocketAddr,
    pub(super) start: Instant,
    pub(super) length: Duration,
    got: Mutex<Got>,
}

impl Abuser {
    pub(super) fn is_over(&self) -> bool {
        self.start.elapsed() >= self.length
    }

    pub(super) fn count(&self, what: &str) {
        self.add(what, 1);
    }

    pub(super) fn add(&self, what: &str, count: u64) {
        *self.lock().counts.entry(what.to_owned()).or_default() += count;
    }

    /// Keeps the largest.
    pub(super) fn at_least(&self, what: &str, value: u64) {
        let mut got = self.lock();
        let largest = got.largest.entry(what.to_owned()).or_default();
        *largest = value.max(*largest);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Got> {
        self.got.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Plays the scenario and prints the counts.
pub(crate) async fn abuser(args: AbuserArgs) -> anyhow::Result<()> {
    let abuser = Arc::new(Abuser {
        target: args.target,
        start: Instant::now(),
        length: Duration::from_secs(args.seconds),
        got: Mutex::new(Got::default()),
    });
    match args.scenario {
        Scenario::Slowloris => slow::run(&abuser).await,
        Scenario::Fields => fields::run(&abuser).await,
        Scenario::SizedBody => body::run(&abuser, body::Framing::Sized, raw::WORK).await,
        Scenario::ChunkedBody => body::run(&abuser, body::Framing::Chunked, raw::WORK).await,
        Scenario::HeldBody => body::run(&abuser, body::Framing::Chunked, body::HELD).await,
        Scenario::RapidReset => reset::run(&abuser).await,
        Scenario::Churn => churn::run(&abuser).await,
    }
    println!("{}", serde_json::to_string(&*abuser.lock())?);
    Ok(())
}
