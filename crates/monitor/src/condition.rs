//! The few expressions that conditions are made of, with the meaning they have in Prometheus.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::exposition::Labels;
use crate::quantile::{quantile, sum};
use crate::snapshot::{History, Window};

/// In `by`: the target itself, which Prometheus calls `instance`.
pub const TARGET: &str = "@target";

/// What a label must be.
#[derive(Clone, Copy, Debug)]
pub enum Is {
    /// One of these.
    In(&'static [&'static str]),
    /// Anything that begins so.
    Like(&'static str),
}

/// Series by name and labels.
#[derive(Clone, Copy, Debug)]
pub struct Select {
    /// The name; of a histogram without `_bucket`.
    pub metric: &'static str,
    /// The labels that matter.
    pub labels: &'static [(&'static str, Is)],
}

/// A value for each group.
#[derive(Clone, Copy, Debug)]
pub enum Expr {
    /// The largest of a gauge.
    Max(Select),
    /// All of a gauge added up.
    Sum(Select),
    /// How much counters grew within the window.
    Increase(Select),
    /// The same for each second.
    Rate(Select),
    /// This quantile of a histogram within the window.
    Quantile(f64, Select),
    /// One divided by the other; a numerator that is missing is nothing. Unknown where the other is nothing.
    Ratio(&'static Expr, &'static Expr),
    /// One less the other, which is nothing where it is missing.
    Less(&'static Expr, &'static Expr),
    /// Two added up; what is missing is nothing.
    Plus(&'static Expr, &'static Expr),
}

/// What must hold.
#[derive(Clone, Copy, Debug)]
pub enum Condition {
    /// The value is greater.
    Above(Expr, f64),
    /// The value is smaller.
    Below(Expr, f64),
    /// The value is exactly zero.
    Zero(Expr),
    /// No target tells this metric, although a target of that service is watched.
    Absent(Select, &'static str),
}

/// One target's scrapes.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The name it was given.
    pub target: &'a str,
    /// Its scrapes.
    pub history: &'a History,
}

/// What a value is of: the service, then the labels that were asked for.
pub type Group = Vec<(&'static str, String)>;
/// Values by group.
pub type Values = BTreeMap<Group, f64>;

/// Where and over how long expressions are evaluated.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// All targets.
    pub sources: &'a [Source<'a>],
    /// The labels to group by, beside the service.
    pub by: &'static [&'static str],
    /// How far back is looked.
    pub window: Duration,
}

impl Select {
    fn takes(&self, labels: &Labels) -> bool {
        self.labels.iter().all(|(name, is)| {
            let value = label(labels, name).unwrap_or_default();
            match is {
                Is::In(any) => any.contains(&value),
                Is::Like(start) => value.starts_with(start),
            }
        })
    }
}

impl Condition {
    /// The groups for which it holds, each with its value.
    #[must_use]
    pub fn holding(&self, scope: Scope<'_>) -> Values {
        let keep = |expr: &Expr, holds: &dyn Fn(f64) -> bool| {
            scope.values(expr).into_iter().filter(|(_, value)| holds(*value)).collect()
        };
        match self {
            Self::Above(expr, bound) => keep(expr, &|value| value > *bound),
            Self::Below(expr, bound) => keep(expr, &|value| value < *bound),
            Self::Zero(expr) => keep(expr, &|value| value == 0.0),
            Self::Absent(select, beside) => scope.absent(select, beside),
        }
    }

    /// What the value is compared with.
    #[must_use]
    pub fn threshold(&self) -> f64 {
        match self {
            Self::Above(_, bound) | Self::Below(_, bound) => *bound,
            Self::Zero(_) => 0.0,
            Self::Absent(..) => 1.0,
        }
    }
}

impl Scope<'_> {
    /// The values of an expression.
    #[must_use]
    pub fn values(&self, expr: &Expr) -> Values {
        match expr {
            Expr::Max(select) => self.gauges(select, f64::max),
            Expr::Sum(select) => self.gauges(select, |one, other| one + other),
            Expr::Increase(select) => self.counters(select, |_| 1.0),
            Expr::Rate(select) => self.counters(select, |window| 1.0 / window.seconds()),
            Expr::Quantile(q, select) => self.quantiles(*q, select),
            Expr::Ratio(one, other) => {
                let above = self.values(one);
                let divided = self.values(other).into_iter().filter(|(_, below)| *below != 0.0);
                divided
                    .map(|(group, below)| {
                        let ratio = above.get(&group).copied().unwrap_or(0.0) / below;
                        (group, ratio)
                    })
                    .collect()
            }
            Expr::Less(one, other) => {
                let less = self.values(other);
                let mut values = self.values(one);
                values
                    .iter_mut()
                    .for_each(|(group, value)| *value -= less.get(group).copied().unwrap_or(0.0));
                values
            }
            Expr::Plus(one, other) => {
                let mut values = self.values(one);
                self.values(other)
                    .into_iter()
                    .for_each(|(group, value)| *values.entry(group).or_default() += value);
                values
            }
        }
    }

    fn gauges(&self, select: &Select, join: fn(f64, f64) -> f64) -> Values {
        let mut values = Values::new();
        for source in self.sources {
            let Some(newest) = source.history.newest() else { continue };
            for (labels, value) in newest.series(select.metric).filter(|(labels, _)| select.takes(labels)) {
                let group = self.group(source, labels);
                values.entry(group).and_modify(|known| *known = join(*known, value)).or_insert(value);
            }
        }
        values
    }

    fn counters(&self, select: &Select, factor: impl Fn(&Window<'_>) -> f64) -> Values {
        let mut values = Values::new();
        for source in self.sources {
            let Some(window) = source.history.window(self.window) else { continue };
            for (labels, grown) in window.increases(select.metric).filter(|(labels, _)| select.takes(labels))
            {
                *values.entry(self.group(source, labels)).or_default() += grown * factor(&window);
            }
        }
        values
    }

    fn quantiles(&self, q: f64, select: &Select) -> Values {
        let mut groups: BTreeMap<Group, Vec<Vec<(f64, f64)>>> = BTreeMap::new();
        for source in self.sources {
            let Some(window) = source.history.window(self.window) else { continue };
            for (labels, buckets) in window.histograms(select.metric) {
                if select.takes(&labels) {
                    groups.entry(self.group(source, &labels)).or_default().push(buckets);
                }
            }
        }
        let found = groups.into_iter().filter_map(|(group, histograms)| {
            let (total, whole) = sum(histograms.iter().map(Vec::as_slice));
            quantile(q, &total).filter(|_| whole).map(|quantile| (group, quantile.seconds))
        });
        found.collect()
    }

    fn absent(&self, select: &Select, beside: &str) -> Values {
        let newest = || self.sources.iter().filter_map(|source| source.history.newest());
        let told = newest().any(|snapshot| snapshot.has(select.metric));
        let watched = newest().any(|snapshot| {
            snapshot
                .series("http_server_active_requests")
                .any(|(labels, _)| label(labels, "service") == Some(beside))
        });
        let group = vec![("service", beside.to_owned())];
        if watched && !told { Values::from([(group, 0.0)]) } else { Values::new() }
    }

    fn group(&self, source: &Source<'_>, labels: &Labels) -> Group {
        let service = ("service", label(labels, "service").unwrap_or(source.target).to_owned());
        let others = self.by.iter().map(|name| match *name {
            TARGET => (TARGET, source.target.to_owned()),
            name => (name, label(labels, name).unwrap_or_default().to_owned()),
        });
        std::iter::once(service).chain(others).collect()
    }
}

/// The value of a label.
#[must_use]
pub fn label<'a>(labels: &'a Labels, name: &str) -> Option<&'a str> {
    labels.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition::{Format, parse};
    use crate::snapshot::Snapshot;

    const HITS: Select =
        Select { metric: "reads_total", labels: &[("source", Is::In(&["local", "shared"]))] };
    const READS: Select = Select { metric: "reads_total", labels: &[] };
    const RATE: Expr = Expr::Ratio(&Expr::Rate(HITS), &Expr::Rate(READS));

    fn history(before: &str, now: &str) -> History {
        let mut history = History::default();
        for (secs, text) in [(0, before), (10, now)] {
            history.push(Snapshot::new(Duration::from_secs(secs), parse(text, Format::Prometheus).unwrap()));
        }
        history
    }

    fn values(expr: &Expr, by: &'static [&'static str], histories: &[History]) -> Vec<(String, f64)> {
        let sources: Vec<Source<'_>> = histories
            .iter()
            .zip(["one", "two"])
            .map(|(history, target)| Source { target, history })
            .collect();
        let scope = Scope { sources: &sources, by, window: Duration::from_secs(60) };
        let text = |group: Group| group.into_iter().map(|(_, value)| value).collect::<Vec<_>>().join(" ");
        scope.values(expr).into_iter().map(|(group, value)| (text(group), value)).collect()
    }

    #[test]
    fn a_hit_rate_is_of_now_and_not_of_a_life() {
        let before = "reads_total{source=\"local\"} 1000000\nreads_total{source=\"loaded\"} 0";
        let now = "reads_total{source=\"local\"} 1000001\nreads_total{source=\"loaded\"} 3";
        assert_eq!(values(&RATE, &[], &[history(before, now)]), [("one".to_owned(), 0.25)]);
    }

    #[test]
    fn without_reads_there_is_no_hit_rate() {
        let same = "reads_total{source=\"local\"} 5";
        assert!(values(&RATE, &[], &[history(same, same)]).is_empty());
    }

    #[test]
    fn replicas_of_a_service_count_together_unless_asked_apart() {
        let replica = || history("reads_total{service=\"s\"} 0", "reads_total{service=\"s\"} 20");
        let two = [replica(), replica()];
        assert_eq!(values(&Expr::Rate(READS), &[], &two), [("s".to_owned(), 4.0)]);
        let apart = [("s one".to_owned(), 2.0), ("s two".to_owned(), 2.0)];
        assert_eq!(values(&Expr::Rate(READS), &[TARGET], &two), apart);
    }
}
