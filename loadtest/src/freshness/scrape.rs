//! Figures that the services give of themselves: how long an invalidation takes, what leases do.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;

use super::pool::Pool;
use super::system::System;

/// Words in the names of what is kept.
const WORDS: [&str; 5] = ["fresh", "cache", "lease", "invalidat", "guard"];
const PATIENCE: Duration = Duration::from_secs(2);

/// Samples of one scrape: series and value.
type Samples = BTreeMap<String, f64>;

/// The last figures of each life of each service: a process that was killed takes its own with it.
#[derive(Default)]
pub(crate) struct Metrics(BTreeMap<(String, u32), Samples>);

impl Metrics {
    pub(crate) async fn scrape(&mut self, system: &System) {
        for (name, addr, life) in system.services() {
            let request =
                Request::get("/metrics").header("host", addr.to_string()).body(Full::<Bytes>::default());
            let Ok(request) = request else { continue };
            if let Ok(reply) = Pool::new(addr).exchange(request, PATIENCE).await
                && reply.status.is_success()
            {
                self.0.insert((name.to_owned(), life), parse(&String::from_utf8_lossy(&reply.body)));
            }
        }
    }

    /// Everything added up over all processes, without what tells processes apart.
    pub(crate) fn sums(&self) -> Samples {
        let mut sums = Samples::new();
        for (series, value) in self.0.values().flatten() {
            *sums.entry(series.clone()).or_default() += value;
        }
        sums
    }

    /// What was counted, by name and labels, all models together.
    pub(crate) fn counters(&self) -> Samples {
        let mut counters = Samples::new();
        for (series, value) in self.sums() {
            let (name, labels) = series.split_once('{').unwrap_or((&series, ""));
            if name.ends_with("_total") && value > 0.0 {
                let labels = labels.trim_end_matches('}').split(',');
                let kept: Vec<&str> = labels
                    .filter(|label| !label.starts_with("family=") && !label.starts_with("service="))
                    .collect();
                *counters.entry(format!("{name} {}", kept.join(",")).trim_end().to_owned()).or_default() +=
                    value;
            }
        }
        counters
    }

    /// Histograms by name and labels: how many values, and what half and 99 % of them do not exceed.
    pub(crate) fn histograms(&self) -> Vec<Distribution> {
        let mut buckets: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
        for (series, count) in self.sums() {
            if let Some((name, bound)) = bucket(&series) {
                buckets.entry(name).or_default().push((bound, count));
            }
        }
        let mut found = Vec::new();
        for (name, mut buckets) in buckets {
            buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
            let count = buckets.last().map_or(0.0, |(_, count)| *count);
            let within = |share: f64| {
                buckets
                    .iter()
                    .find(|(_, below)| *below >= share * count)
                    .map_or(f64::INFINITY, |(bound, _)| *bound)
            };
            if count > 0.0 {
                found.push(Distribution { p50: within(0.5), p99: within(0.99), name, count });
            }
        }
        found
    }
}

/// A histogram in short.
pub(crate) struct Distribution {
    pub(crate) name: String,
    pub(crate) count: f64,
    /// Upper ends of buckets.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

fn parse(text: &str) -> Samples {
    text.lines()
        .filter(|line| !line.starts_with('#') && WORDS.iter().any(|word| line.contains(word)))
        .filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            Some((series.to_owned(), value.parse().ok()?))
        })
        .collect()
}

/// The name and the upper end of a bucket: `a_bucket{x="y",le="0.1"}` is `a{x="y"}` up to 0.1.
fn bucket(series: &str) -> Option<(String, f64)> {
    let (name, labels) = series.split_once("_bucket{")?;
    let labels = labels.strip_suffix('}')?;
    let mut bound = None;
    let kept: Vec<&str> = labels
        .split(',')
        .filter(|label| match label.strip_prefix("le=\"") {
            Some(text) => {
                bound = text.trim_end_matches('"').parse().ok();
                false
            }
            None => true,
        })
        .collect();
    let name = if kept.is_empty() { name.to_owned() } else { format!("{name}{{{}}}", kept.join(",")) };
    Some((name, bound?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_of_several_processes_make_one_distribution() {
        let text = "# HELP x\nlease_lag_bucket{le=\"0.001\"} 90\nlease_lag_bucket{le=\"0.1\"} 99\n\
                    lease_lag_bucket{le=\"+Inf\"} 100\nother 5\n";
        let mut metrics = Metrics::default();
        metrics.0.insert(("gateway 0".to_owned(), 1), parse(text));
        metrics.0.insert(("gateway 0".to_owned(), 2), parse(text));
        let found = metrics.histograms();
        assert_eq!(found.len(), 1);
        let lag = &found[0];
        assert_eq!((lag.name.as_str(), lag.count, lag.p50, lag.p99), ("lease_lag", 200.0, 0.001, 0.1));
        assert!(!metrics.sums().contains_key("other"));
    }
}
