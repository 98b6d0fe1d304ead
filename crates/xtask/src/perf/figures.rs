//! Figures as they are written.

/// A number without the noise of binary fractions.
pub(super) fn decimal(number: f64) -> String {
    let text = format!("{number:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Seconds for people.
pub(super) fn seconds(seconds: f64) -> String {
    if seconds < 1.0 {
        format!("{} ms", decimal(seconds * 1000.0))
    } else {
        format!("{} s", decimal(seconds))
    }
}

/// Bytes for people.
pub(super) fn bytes(bytes: u64) -> String {
    const UNITS: [(u64, &str); 2] = [(1 << 20, "MiB"), (1 << 10, "KiB")];
    let unit = UNITS.into_iter().find(|(size, _)| bytes >= *size && bytes.is_multiple_of(*size));
    unit.map_or_else(|| format!("{bytes} B"), |(size, unit)| format!("{} {unit}", bytes / size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short_and_exact() {
        assert_eq!((decimal(14.4 * (100.0 - 99.9) / 100.0), decimal(1.0)), ("0.0144".into(), "1".into()));
        assert_eq!((seconds(0.0025), seconds(2.5)), ("2.5 ms".into(), "2.5 s".into()));
        assert_eq!(
            (bytes(65536), bytes(1 << 20), bytes(1500)),
            ("64 KiB".into(), "1 MiB".into(), "1500 B".into())
        );
    }
}
