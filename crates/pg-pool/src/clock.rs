//! The time, as exact as Postgres keeps it.

use chrono::{DateTime, Utc};

/// The time of this machine, cut to microseconds as Postgres keeps it: what is answered equals what is stored.
#[must_use]
pub fn now() -> DateTime<Utc> {
    let now = Utc::now();
    DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_is_left_below_a_microsecond() {
        assert_eq!(super::now().timestamp_subsec_nanos() % 1000, 0);
    }
}
