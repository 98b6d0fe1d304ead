//! From ratios of rounds to a ratio with an interval: Student's t on logarithms, so that twice and half are equally far from one.

use serde::{Deserialize, Serialize};

/// How sure an interval is: of twenty, one may miss what it is for.
pub(super) const SURE: f64 = 0.95;
/// How sure the gate is. It looks at many figures at once, so that one in twenty would fail some run of two.
pub(super) const GATE_SURE: f64 = 0.99;

/// The reach of an interval of which nothing is known, as a logarithm: a million times either way. JSON has no infinity.
const UNKNOWN: f64 = 13.8;

/// Mean and spread of some logarithms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Logs {
    /// How many there were.
    pub(super) count: usize,
    pub(super) mean: f64,
    /// Standard deviation of one, with n − 1.
    pub(super) deviation: f64,
}

/// A ratio, and between what it lies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Interval {
    /// Geometric mean.
    pub(super) ratio: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Logs {
    /// Of positive, finite values; none when there is none.
    pub(super) fn of(values: &[f64]) -> Option<Self> {
        let logs: Vec<f64> = values
            .iter()
            .filter(|value| **value > 0.0 && value.is_finite())
            .map(|value| value.ln())
            .collect();
        if logs.is_empty() {
            return None;
        }
        let count = logs.len();
        let mean = logs.iter().sum::<f64>() / count as f64;
        let squares: f64 = logs.iter().map(|log| (log - mean).powi(2)).sum();
        let deviation = if count > 1 { (squares / (count - 1) as f64).sqrt() } else { 0.0 };
        Some(Self { count, mean, deviation })
    }

    /// Square of the standard error of the mean.
    fn error_squared(&self) -> f64 {
        self.deviation.powi(2) / self.count.max(1) as f64
    }

    /// The interval of the mean, so sure. Of a single value nothing is known: it reaches a million times either way.
    pub(super) fn interval(&self, sure: f64) -> Interval {
        let reach = if self.count > 1 {
            t_quantile((1.0 + sure) / 2.0, (self.count - 1) as f64) * self.error_squared().sqrt()
        } else {
            UNKNOWN
        };
        Interval::around(self.mean, reach)
    }

    /// How the later mean stands to the earlier one: Welch's interval of the difference, for two spreads need not be alike.
    pub(super) fn change_since(&self, earlier: &Self, sure: f64) -> Interval {
        let difference = self.mean - earlier.mean;
        if self.count < 2 || earlier.count < 2 {
            return Interval::around(difference, UNKNOWN);
        }
        let (one, other) = (self.error_squared(), earlier.error_squared());
        let squares = one.powi(2) / (self.count - 1) as f64 + other.powi(2) / (earlier.count - 1) as f64;
        if squares <= 0.0 {
            return Interval::around(difference, 0.0);
        }
        let freedom = (one + other).powi(2) / squares;
        Interval::around(difference, t_quantile((1.0 + sure) / 2.0, freedom) * (one + other).sqrt())
    }
}

impl Interval {
    fn around(log: f64, reach: f64) -> Self {
        let reach = reach.min(UNKNOWN);
        Self { ratio: log.exp(), low: (log - reach).exp(), high: (log + reach).exp() }
    }
}

/// The value that Student's t with so much freedom does not exceed with this probability, which is one half at least.
pub(super) fn t_quantile(probability: f64, freedom: f64) -> f64 {
    let wanted = probability.clamp(0.5, 1.0 - 1e-9);
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    while t_cumulative(high, freedom) < wanted && high < 1e12 {
        high *= 2.0;
    }
    // A hundred halvings are more than a double has digits.
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if t_cumulative(middle, freedom) < wanted {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// Probability that Student's t does not exceed `value`, which is not negative.
fn t_cumulative(value: f64, freedom: f64) -> f64 {
    1.0 - 0.5 * incomplete_beta(freedom / 2.0, 0.5, freedom / (freedom + value.powi(2)))
}

/// The regularised incomplete beta function, by its continued fraction (Abramowitz and Stegun, 26.5.8), with Lentz's method.
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    let front = (log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * x.ln() + b * (1.0 - x).ln()).exp();
    // It converges fast on this side only; the other is its mirror.
    if x < (a + 1.0) / (a + b + 2.0) {
        front * fraction(a, b, x) / a
    } else {
        1.0 - front * fraction(b, a, 1.0 - x) / b
    }
}

fn fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away(1.0 - (a + b) * x / (a + 1.0));
    let mut sum = d;
    for step in 1..500 {
        let m = f64::from(step);
        for numerator in [
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0)),
        ] {
            d = 1.0 / away(1.0 + numerator * d);
            c = away(1.0 + numerator / c);
            sum *= d * c;
        }
        if (d * c - 1.0).abs() < 1e-14 {
            break;
        }
    }
    sum
}

/// Logarithm of the gamma function of a positive number: Stirling's series, after the argument is brought where that is exact.
fn log_gamma(x: f64) -> f64 {
    let (mut x, mut product) = (x, 1.0);
    while x < 15.0 {
        product *= x;
        x += 1.0;
    }
    let square = x * x;
    let series =
        (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1_260.0 - 1.0 / (1_680.0 * square)) / square) / square) / x;
    (x - 0.5) * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI).ln() + series - product.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, wanted: f64, by: f64) {
        assert!((found - wanted).abs() <= by, "{found} is not {wanted}");
    }

    #[test]
    fn students_t_is_that_of_the_tables() {
        // Two-sided 95 % and 99 %, from the tables that every textbook has.
        for (freedom, at_95, at_99) in [
            (1.0, 12.706, 63.657),
            (2.0, 4.303, 9.925),
            (4.0, 2.776, 4.604),
            (9.0, 2.262, 3.250),
            (30.0, 2.042, 2.750),
            (1e6, 1.960, 2.576),
        ] {
            near(t_quantile(0.975, freedom), at_95, 0.0006);
            near(t_quantile(0.995, freedom), at_99, 0.0006);
        }
    }

    #[test]
    fn an_interval_is_that_of_known_data() {
        // Logarithms 1, 2, 3, 4, 5: mean 3, deviation √2.5, so 3 ± 2.776 · 0.7071.
        let values: Vec<f64> = (1..=5).map(|log| f64::from(log).exp()).collect();
        let logs = Logs::of(&values).unwrap();
        near(logs.mean, 3.0, 1e-9);
        near(logs.deviation, 2.5_f64.sqrt(), 1e-9);
        let interval = logs.interval(SURE);
        near(interval.low.ln(), 3.0 - 1.963, 0.001);
        near(interval.high.ln(), 3.0 + 1.963, 0.001);
    }

    #[test]
    fn a_change_has_welchs_interval() {
        // Means 1 and 0, squared errors 0.01 and 0.02 of 5 each: freedom (0.03)² / (0.0001/4 + 0.0004/4) = 7.2, t = 2.3517.
        let later = Logs { count: 5, mean: 1.0, deviation: 0.05_f64.sqrt() };
        let earlier = Logs { count: 5, mean: 0.0, deviation: 0.1_f64.sqrt() };
        let change = later.change_since(&earlier, SURE);
        near(change.ratio.ln(), 1.0, 1e-9);
        near(change.high.ln() - 1.0, 2.3517 * 0.03_f64.sqrt(), 0.001);
    }

    #[test]
    fn of_a_single_round_nothing_is_known() {
        let interval = Logs::of(&[2.0]).unwrap().interval(SURE);
        near(interval.ratio, 2.0, 1e-9);
        assert!(interval.low < 1e-5 && interval.high > 1e6);
        assert_eq!(Logs::of(&[0.0, f64::NAN]), None);
    }

    #[test]
    fn nineteen_of_twenty_intervals_hold_the_truth() {
        let mut dice = crate::freshness::dice::Dice::new(3, "intervals", 0);
        // Sums of twelve even numbers are normal enough.
        let mut normal = || (0..12).map(|_| dice.below(1_000_000) as f64 / 1e6).sum::<f64>() - 6.0;
        let holds = (0..2_000)
            .filter(|_| {
                let values: Vec<f64> = (0..5).map(|_| (0.7 + 0.2 * normal()).exp()).collect();
                let found = Logs::of(&values).unwrap().interval(SURE);
                found.low.ln() <= 0.7 && 0.7 <= found.high.ln()
            })
            .count();
        assert!((1_870..=1_930).contains(&holds), "{holds} of 2000");
    }
}
