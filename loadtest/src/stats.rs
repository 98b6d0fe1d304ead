//! Percentiles, and medians of windows.

use std::time::{Duration, Instant};

use crate::load::Sample;

/// The value that `percent` of the sorted values do not exceed; zero when there are none.
pub(crate) fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(rank).copied().unwrap_or_default()
}

/// The middle one; the lower of the two when there is an even number.
pub(crate) fn median<T: Copy + PartialOrd + Default>(values: &mut [T]) -> T {
    values.sort_by(|one, other| one.partial_cmp(other).unwrap_or(std::cmp::Ordering::Equal));
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}

/// Latencies of one stretch of time, as medians over windows of a second, so that one stall of the machine does not
/// decide.
pub(crate) struct Latency {
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    /// Of the whole stretch; not a median.
    pub(crate) max: Duration,
}

impl Latency {
    /// Over the samples scheduled from `start` to before `end`.
    pub(crate) fn of(samples: &[Sample], start: Instant, end: Instant) -> Self {
        let window = Duration::from_secs(1);
        let (mut p50, mut p99, mut max) = (Vec::new(), Vec::new(), Duration::ZERO);
        let mut from = start;
        while from + window <= end {
            let mut latencies: Vec<Duration> = samples
                .iter()
                .filter(|sample| sample.scheduled >= from && sample.scheduled < from + window)
                .map(|sample| sample.latency)
                .collect();
            latencies.sort();
            p50.push(percentile(&latencies, 50));
            p99.push(percentile(&latencies, 99));
            max = max.max(latencies.last().copied().unwrap_or_default());
            from += window;
        }
        Self { p50: median(&mut p50), p99: median(&mut p99), max }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_smallest_value_that_enough_values_do_not_exceed() {
        let hundred: Vec<Duration> = (1..=100).map(Duration::from_millis).collect();
        assert_eq!(percentile(&hundred, 50), Duration::from_millis(50));
        assert_eq!(percentile(&hundred, 99), Duration::from_millis(99));
        assert_eq!(percentile(&[Duration::from_millis(7)], 99), Duration::from_millis(7));
        assert_eq!(percentile(&[], 99), Duration::ZERO);
    }

    #[test]
    fn the_median_of_an_even_number_is_the_lower_middle() {
        assert_eq!(median(&mut [4, 1, 3, 2]), 2);
        assert_eq!(median(&mut [9, 1, 5]), 5);
        assert_eq!(median::<u64>(&mut []), 0);
    }
}
