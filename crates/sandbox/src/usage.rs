//! What a program used, read from what the kernel keeps of it until it is waited for.

use std::time::Duration;

/// What a program used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Time on the clock.
    pub wall: Duration,
    /// Processor time of all its threads, to a hundredth of a second. `None` where the kernel does not tell.
    pub cpu: Option<Duration>,
}

/// Processor time of the process `pid`, which may have ended but must not have been waited for.
pub(crate) fn cpu_time(pid: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    parse(&stat, rustix::param::clock_ticks_per_second())
}

/// `utime` and `stime` are the 14th and 15th field. The second is the program's name, which may contain anything, so
/// counting begins after the last parenthesis.
fn parse(stat: &str, ticks_per_second: u64) -> Option<Duration> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    let ticks = user.checked_add(system)?;
    Some(Duration::from_millis(ticks.checked_mul(1000)?.checked_div(ticks_per_second)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_blanks_and_parentheses_does_not_shift_the_fields() {
        let stat = "42 (a) 9 (b c)) Z 1 42 42 0 -1 4 100 0 0 0 250 50 0 0 20 0 1 0 123 0 0";
        assert_eq!(parse(stat, 100), Some(Duration::from_secs(3)));
    }

    #[test]
    fn what_is_no_such_line_gives_nothing() {
        assert_eq!(parse("", 100), None);
        assert_eq!(parse("42 (a) Z 1 42", 100), None);
        assert_eq!(parse("42 (a) Z 1 42 42 0 -1 4 100 0 0 0 250 50 0", 0), None);
    }
}
