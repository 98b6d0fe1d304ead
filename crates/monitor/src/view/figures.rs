//! Figures as people read them.

use crate::quantile::Quantile;

const UNKNOWN: &str = "?";

/// Three digits or so, without a unit.
pub(super) fn figure(value: f64) -> String {
    if value == 0.0 {
        "0".to_owned()
    } else if value.abs() < 0.01 {
        format!("{value:.4}")
    } else if value.abs() < 10.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.0}")
    }
}

/// For each second.
pub(super) fn rate(value: Option<f64>) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), figure)
}

/// Whole things.
pub(super) fn number(value: Option<f64>) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), |value| format!("{value:.0}"))
}

/// A share of 1.
pub(super) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| UNKNOWN.to_owned(), |share| format!("{:.0}%", share * 100.0))
}

/// A length of time.
pub(super) fn age(seconds: Option<f64>) -> String {
    let Some(seconds) = seconds else { return UNKNOWN.to_owned() };
    match seconds {
        secs if secs < 0.001 => format!("{:.0}us", secs * 1e6),
        secs if secs < 1.0 => format!("{:.1}ms", secs * 1e3),
        secs if secs < 120.0 => format!("{secs:.1}s"),
        secs if secs < 7200.0 => format!("{:.0}min", secs / 60.0),
        secs if secs < 172_800.0 => format!("{:.0}h", secs / 3600.0),
        secs => format!("{:.0}d", secs / 86_400.0),
    }
}

/// A quantile; `>` where it lies beyond the last bound.
pub(super) fn duration(quantile: Option<Quantile>) -> String {
    let Some(quantile) = quantile else { return UNKNOWN.to_owned() };
    let beyond = if quantile.beyond { ">" } else { "" };
    format!("{beyond}{}", age(Some(quantile.seconds)))
}

/// Bytes in powers of 1024.
pub(super) fn bytes(value: Option<f64>) -> String {
    let Some(mut left) = value else { return UNKNOWN.to_owned() };
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if left < 1024.0 {
            return if unit == "B" { format!("{left:.0}B") } else { format!("{left:.1}{unit}") };
        }
        left /= 1024.0;
    }
    format!("{left:.1}TiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_never_a_nought() {
        assert_eq!(
            [rate(None), number(None), percent(None), age(None), duration(None), bytes(None)],
            ["?"; 6]
        );
        assert_eq!([rate(Some(0.0)), number(Some(0.0)), percent(Some(0.0))], ["0", "0", "0%"]);
    }

    #[test]
    fn a_quantile_beyond_the_last_bound_says_so() {
        assert_eq!(duration(Some(Quantile { seconds: 10.0, beyond: true })), ">10.0s");
        assert_eq!(duration(Some(Quantile { seconds: 0.0123, beyond: false })), "12.3ms");
    }

    #[test]
    fn bytes_have_the_unit_that_leaves_few_digits() {
        assert_eq!([bytes(Some(7.0)), bytes(Some(1536.0)), bytes(Some(3e12))], ["7B", "1.5KiB", "2.7TiB"]);
    }
}
