//! How much of the machine is free: where no processor is, everything is slow, and alerts that say so are right.

use std::fs;

use anyhow::Context as _;

/// Below this share of idle time the drill says that the machine is busy.
const BUSY: f64 = 0.2;

/// Clock ticks of all processors since the machine began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticks {
    all: u64,
    idle: u64,
}

impl Ticks {
    pub(crate) fn now() -> anyhow::Result<Self> {
        let text = fs::read_to_string("/proc/stat").context("cannot read /proc/stat")?;
        Self::parse(&text).context("/proc/stat has no processors")
    }

    /// The first line: user, nice, system, idle, waiting for disks, and others.
    fn parse(stat: &str) -> Option<Self> {
        let ticks = stat.lines().next()?.strip_prefix("cpu ")?;
        let ticks: Vec<u64> = ticks.split_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
        Some(Self { all: ticks.iter().take(8).sum(), idle: ticks.iter().skip(3).take(2).sum() })
    }

    /// The share of time in which processors had nothing to do since then.
    pub(crate) fn idle_since(self, before: Self) -> f64 {
        let all = self.all.saturating_sub(before.all).max(1);
        self.idle.saturating_sub(before.idle) as f64 / all as f64
    }
}

/// What is wrong with a machine that is idle for so little.
pub(crate) fn complaint(idle: f64) -> Option<String> {
    (idle < BUSY).then(|| {
        let percent = idle * 100.0;
        format!("the machine was idle for {percent:.0} % of the calm: whatever fires may be its work, not the faults'")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_is_what_processors_did_not_do() {
        let before = Ticks::parse("cpu  100 0 100 700 100 0 0 0 5 0\ncpu0 1 2 3\n").unwrap();
        let after = Ticks::parse("cpu  190 0 200 800 110 0 0 0 9 0\n").unwrap();
        assert_eq!((before.all, before.idle), (1_000, 800));
        assert!((after.idle_since(before) - 110.0 / 300.0).abs() < 1e-9);
        assert!(complaint(0.05).is_some() && complaint(0.5).is_none());
        assert!(Ticks::parse("intr 1").is_none());
    }
}
