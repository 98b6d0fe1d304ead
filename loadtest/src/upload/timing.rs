//! `Server-Timing`: what the service says that a request took, and what of it was what.

use std::collections::BTreeMap;
use std::time::Duration;

use http::HeaderMap;

/// Parts by their names.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Timing(BTreeMap<String, Duration>);

impl Timing {
    /// Of the service. A gateway adds a field of its own, which has no part of receiving.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let fields = headers.get_all("server-timing").iter().filter_map(|value| value.to_str().ok());
        let read = fields.map(parse);
        read.into_iter().find(|parts| parts.contains_key("recv")).map(Self).unwrap_or_default()
    }

    /// Zero where there is none.
    pub(crate) fn part(&self, name: &str) -> Duration {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// The whole; none where the server said nothing.
    pub(crate) fn total(&self) -> Option<Duration> {
        self.0.get("total").copied()
    }
}

fn parse(field: &str) -> BTreeMap<String, Duration> {
    field
        .split(',')
        .filter_map(|metric| {
            let mut words = metric.split(';').map(str::trim);
            let name = words.next()?.to_owned();
            let millis: f64 = words.find_map(|word| word.strip_prefix("dur="))?.parse().ok()?;
            Some((name, Duration::try_from_secs_f64(millis / 1000.0).ok()?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_services_own_field_is_read_and_the_gateways_is_not() {
        let mut headers = HeaderMap::new();
        headers.append("server-timing", HeaderValue::from_static("total;dur=9.0, upstream;dur=8.0"));
        let own = "total;dur=7.5, db;dur=2.25;desc=\"4 statements\", recv;dur=1.000, app;dur=x";
        headers.append("server-timing", HeaderValue::from_static(own));
        let timing = Timing::of(&headers);
        assert_eq!(timing.total(), Some(Duration::from_micros(7_500)));
        assert_eq!(timing.part("db"), Duration::from_micros(2_250));
        assert_eq!(timing.part("app"), Duration::ZERO);
        assert_eq!(Timing::of(&HeaderMap::new()).total(), None);
    }
}
