//! What is looked up: the same for every request that has the same answer.

use chrono::{DateTime, Utc};
use freshness::Groups;

use super::audience::Audience;
use crate::model::Model;

/// A read whose answer may be known already.
#[derive(Clone, Debug)]
pub(crate) struct Lookup {
    /// The model that it is about; its policy says how long the answer is kept.
    pub(crate) model: &'static Model,
    /// What is asked: the path below `/v1/` and its canonical parameters. The method is no part of it.
    pub(crate) target: String,
    /// Who shares the answer.
    pub(crate) audience: Audience,
    /// What changes it.
    pub(crate) groups: Groups,
    /// When time changes it, if nobody does.
    pub(crate) until: Option<DateTime<Utc>>,
}

impl Lookup {
    /// The key of its answer among those of this `variant` of the service.
    pub(super) fn key(&self, variant: &str) -> String {
        format!("{variant}:{}:{}", self.audience.segment(), self.target)
    }

    /// How long its answer may be kept from now on, in seconds.
    pub(crate) fn lifetime_secs(&self, now: DateTime<Utc>) -> u32 {
        let left = self.until.map_or(i64::MAX, |until| (until - now).num_seconds().max(0));
        u32::try_from(left).unwrap_or(u32::MAX).min(self.model.cache.ttl_secs)
    }
}

/// The parameters in the order and spelling that stand for all others: links in the answer are made of them, too.
pub(crate) fn canonical(mut pairs: Vec<(String, String)>) -> Vec<(String, String)> {
    pairs.retain(|(name, _)| name != "cache_bust");
    pairs.sort();
    pairs
}

/// The end of the day (UTC) in which `now` lies.
pub(crate) fn next_midnight(now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    now.date_naive().succ_opt().and_then(|day| day.and_hms_opt(0, 0, 0)).map(|midnight| midnight.and_utc())
}

#[cfg(test)]
mod tests {
    use freshness::Groups;

    use super::*;
    use crate::model::registry::Registry;

    fn lookup(target: &str, audience: Audience) -> Lookup {
        let registry = Registry::default();
        let model = registry.model("species").expect("a declared model");
        let groups = Groups::of(["species"]).expect("a name");
        Lookup { model, target: target.to_owned(), audience, groups, until: None }
    }

    #[test]
    fn order_and_busters_make_no_other_question() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let one = canonical(vec![pair("limit", "3"), pair("cache_bust", "17"), pair("fields", "id")]);
        assert_eq!(one, canonical(vec![pair("fields", "id"), pair("limit", "3")]));
    }

    #[test]
    fn no_audience_has_the_key_of_another() {
        let audiences =
            [Audience::Everyone, Audience::SignedIn, Audience::Principal("user:7:apprentice".to_owned())];
        let mut keys: Vec<String> =
            audiences.iter().map(|audience| lookup("species", audience.clone()).key("1")).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), audiences.len());
    }

    #[test]
    fn nothing_is_kept_beyond_the_instant_at_which_time_changes_it() {
        let now: DateTime<Utc> = "2026-03-01T23:59:50Z".parse().expect("an instant");
        let mut lookup = lookup("species", Audience::Everyone);
        assert_eq!(lookup.lifetime_secs(now), lookup.model.cache.ttl_secs);
        lookup.until = next_midnight(now);
        assert_eq!(lookup.lifetime_secs(now), 10);
        assert_eq!(lookup.lifetime_secs(now + chrono::TimeDelta::seconds(60)), 0);
    }
}
