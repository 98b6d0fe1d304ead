//! What uploads cost the processes that they pass: memory at its peak and processor time.

use std::time::Duration;

use crate::process::{cpu_time, forget_peak, peak_bytes};
use crate::stories::cpu::Snapshot;

/// A process that is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Watched {
    pub(crate) name: &'static str,
    pub(crate) pid: u32,
}

/// What one process has used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Use {
    pub(crate) name: &'static str,
    /// Largest resident memory, in bytes.
    pub(crate) peak: u64,
    /// User and system.
    pub(crate) cpu: Duration,
}

/// A measurement that has begun.
pub(crate) struct Gauge {
    watched: Vec<(Watched, Duration, Snapshot)>,
}

impl Gauge {
    pub(crate) fn begin(watched: &[Watched]) -> anyhow::Result<Self> {
        let begun = watched.iter().map(|process| {
            forget_peak(process.pid)?;
            Ok((process.clone(), cpu_time(process.pid)?, Snapshot::of(&[process.pid])))
        });
        Ok(Self { watched: begun.collect::<anyhow::Result<_>>()? })
    }

    pub(crate) fn end(self) -> anyhow::Result<Vec<Use>> {
        let uses = self.watched.into_iter().map(|(process, before, threads)| {
            // By the clock tick of all threads there were, and by the nanosecond of those that live: short rounds need the second.
            let all = cpu_time(process.pid)?.saturating_sub(before);
            let cpu = all.max(Snapshot::of(&[process.pid]).since(&threads));
            Ok(Use { name: process.name, peak: peak_bytes(process.pid)?, cpu })
        });
        uses.collect()
    }
}
