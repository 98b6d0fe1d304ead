//! Quantiles of a histogram, as Prometheus's `histogram_quantile` gives them.

use serde::Serialize;

/// An estimate: the true value lies in the same bucket.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Quantile {
    /// The value, interpolated within its bucket.
    pub seconds: f64,
    /// The value lies beyond the last bound, which `seconds` is: it may be any amount longer.
    pub beyond: bool,
}

/// The value that a share `q` of observations does not exceed. `buckets` are bounds, ascending, with cumulative counts; the last
/// bound is infinite. `None` when nothing was observed or that bound is missing.
#[must_use]
pub fn quantile(q: f64, buckets: &[(f64, f64)]) -> Option<Quantile> {
    let (last_bound, total) = *buckets.last()?;
    if last_bound != f64::INFINITY || total.is_nan() || total <= 0.0 {
        return None;
    }
    let rank = q.clamp(0.0, 1.0) * total;
    let (mut lower, mut below) = (0.0_f64, 0.0_f64);
    for (bound, cumulative) in buckets {
        let reached = cumulative.max(below);
        if reached >= rank && reached > below {
            if bound.is_infinite() {
                return Some(Quantile { seconds: lower, beyond: true });
            }
            let start = if *bound <= 0.0 { *bound } else { lower };
            let seconds = start + (bound - start) * ((rank - below).max(0.0) / (reached - below));
            return Some(Quantile { seconds, beyond: false });
        }
        (lower, below) = (*bound, reached);
    }
    None
}

/// Adds histograms up bound by bound. Those with other bounds than the first are left out, and `false` says that some were.
#[must_use]
pub fn sum<'a>(histograms: impl IntoIterator<Item = &'a [(f64, f64)]>) -> (Vec<(f64, f64)>, bool) {
    let mut total: Vec<(f64, f64)> = Vec::new();
    let mut whole = true;
    for buckets in histograms {
        if total.is_empty() {
            total = buckets.to_vec();
        } else if total.len() == buckets.len()
            && total.iter().zip(buckets).all(|(one, other)| one.0 == other.0)
        {
            total.iter_mut().zip(buckets).for_each(|(sum, one)| sum.1 += one.1);
        } else {
            whole = false;
        }
    }
    (total, whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BOUNDS: [f64; 6] = [0.001, 0.01, 0.1, 1.0, 10.0, f64::INFINITY];

    fn observed(values: &[f64]) -> Vec<(f64, f64)> {
        let upto = |bound: f64| values.iter().filter(|value| **value <= bound).count();
        BOUNDS.iter().map(|bound| (*bound, f64::from(u32::try_from(upto(*bound)).unwrap()))).collect()
    }

    #[test]
    fn nothing_observed_is_unknown_and_not_zero() {
        assert_eq!(quantile(0.95, &observed(&[])), None);
        assert_eq!(quantile(0.95, &[]), None);
        assert_eq!(quantile(0.95, &[(1.0, 5.0)]), None);
        assert_eq!(quantile(0.95, &[(f64::INFINITY, f64::NAN)]), None);
    }

    #[test]
    fn it_interpolates_as_prometheus_does() {
        let buckets = [(0.25, 10.0), (0.5, 30.0), (f64::INFINITY, 40.0)];
        assert_eq!(quantile(0.5, &buckets).unwrap().seconds, 0.375);
        assert_eq!(quantile(0.9, &buckets).unwrap(), Quantile { seconds: 0.5, beyond: true });
    }

    #[test]
    fn histograms_with_other_bounds_are_not_mixed() {
        let (one, other) = ([(1.0, 2.0), (f64::INFINITY, 3.0)], [(2.0, 2.0), (f64::INFINITY, 3.0)]);
        assert_eq!(sum([&one[..], &one[..]]), (vec![(1.0, 4.0), (f64::INFINITY, 6.0)], true));
        assert_eq!(sum([&one[..], &other[..]]), (one.to_vec(), false));
    }

    proptest! {
        #[test]
        fn the_exact_value_lies_in_the_same_bucket(
            mut values in prop::collection::vec(0.0001_f64..30.0, 1..300),
            percent in 1_u32..=100,
        ) {
            let count = u32::try_from(values.len()).unwrap();
            values.sort_by(f64::total_cmp);
            let index = (percent * count).div_ceil(100).max(1) - 1;
            let exact = values[usize::try_from(index).unwrap()];
            // Half of a hundredth of an observation less, so that rounding never crosses to the next one.
            let q = (f64::from(percent) - 0.005 / f64::from(count)) / 100.0;
            let found = quantile(q, &observed(&values)).unwrap();
            let upper = BOUNDS.iter().copied().find(|bound| exact <= *bound).unwrap();
            let lower = BOUNDS.iter().copied().filter(|bound| *bound < upper).fold(0.0, f64::max);
            prop_assert_eq!(found.beyond, upper.is_infinite());
            prop_assert!(found.seconds >= lower && found.seconds <= upper, "{:?} {} {}", found, exact, upper);
        }

        #[test]
        fn a_higher_share_never_has_a_lower_value(values in prop::collection::vec(0.0001_f64..30.0, 1..100)) {
            let buckets = observed(&values);
            let found: Vec<f64> =
                (0..=20).map(|step| quantile(f64::from(step) / 20.0, &buckets).unwrap().seconds).collect();
            prop_assert!(found.windows(2).all(|two| two[0] <= two[1]), "{:?}", found);
        }
    }
}
