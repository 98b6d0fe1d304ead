//! Views as clients report them, and how they merge: in any order, and any number of times, to the same (S-D3).
//!
//! What is kept of a viewer and a story is the least upper bound of all that was reported: the earliest instant with its device (of
//! equals the first by name, and one that is not named last), and the longest time watched.

use std::collections::BTreeMap;

use chrono::{DateTime, SubsecRound as _, Utc};
use problem::FieldError;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::draft::{self, Faults};

/// Most views in one batch.
pub(crate) const MAX_VIEWS: usize = 500;
/// Longest time watched that is believed, in milliseconds: a day.
const MAX_WATCH_MS: i64 = 86_400_000;
/// Longest name of a device, in characters.
const MAX_DEVICE_CHARS: usize = 40;

/// A batch as the client sends it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Batch {
    /// What was seen, in any order.
    pub(crate) views: Vec<Reported>,
}

/// A story that was seen.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reported {
    /// Which.
    pub(crate) story_id: Uuid,
    /// When, by the client's clock.
    pub(crate) seen_at: DateTime<Utc>,
    /// For how long.
    #[serde(default)]
    pub(crate) watch_ms: i64,
    /// On what.
    #[serde(default)]
    pub(crate) device: Option<String>,
}

/// What is kept of a viewer and a story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct View {
    /// The earliest instant, as exact as the database keeps it.
    pub(crate) first_seen_at: DateTime<Utc>,
    /// The longest time, in milliseconds.
    pub(crate) max_watch_ms: i32,
    /// Device of the earliest.
    pub(crate) device: Option<String>,
}

impl Batch {
    /// The same with names as they are stored.
    ///
    /// # Errors
    /// All that is wrong with it, by place.
    pub(crate) fn checked(mut self) -> Result<Self, Faults> {
        if self.views.len() > MAX_VIEWS {
            let message = format!("at most {MAX_VIEWS} views are taken at once");
            return Err(vec![FieldError { pointer: "/views".to_owned(), code: "too_long", message }]);
        }
        let mut faults = Faults::new();
        for (index, view) in self.views.iter_mut().enumerate() {
            if !(0..=MAX_WATCH_MS).contains(&view.watch_ms) {
                let message = format!("must be from 0 to {MAX_WATCH_MS}");
                draft::fault(&format!("/views/{index}/watch_ms"), "out_of_range", message, &mut faults);
            }
            let pointer = format!("/views/{index}/device");
            view.device = view
                .device
                .take()
                .and_then(|name| draft::line(&pointer, &name, MAX_DEVICE_CHARS, &mut faults));
        }
        if faults.is_empty() { Ok(self) } else { Err(faults) }
    }
}

impl Reported {
    /// What it says of a story that is shown since `published_at`: nobody saw it before that, nor later than now.
    pub(crate) fn view(&self, published_at: DateTime<Utc>, now: DateTime<Utc>) -> View {
        // A story published by a clock that is ahead was seen when it was published.
        let latest = now.max(published_at);
        View {
            first_seen_at: self.seen_at.trunc_subsecs(6).clamp(published_at, latest),
            max_watch_ms: i32::try_from(self.watch_ms).unwrap_or(i32::MAX),
            device: self.device.clone(),
        }
    }
}

impl View {
    /// Both in one; the database merges by the same rule.
    #[must_use]
    pub(crate) fn merged(self, other: Self) -> Self {
        let max_watch_ms = self.max_watch_ms.max(other.max_watch_ms);
        // One that is not named comes after all names.
        let rank = |view: &Self| (view.first_seen_at, view.device.is_none(), view.device.clone());
        let earliest = if rank(&other) < rank(&self) { other } else { self };
        Self { max_watch_ms, ..earliest }
    }
}

/// Views by story, each story once, in the order of their ids.
pub(crate) fn folded(views: impl IntoIterator<Item = (Uuid, View)>) -> BTreeMap<Uuid, View> {
    let mut folded: BTreeMap<Uuid, View> = BTreeMap::new();
    for (story_id, view) in views {
        let merged = match folded.remove(&story_id) {
            Some(known) => known.merged(view),
            None => view,
        };
        folded.insert(story_id, merged);
    }
    folded
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    fn at(secs: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + secs, 0).unwrap()
    }

    fn reported(secs: i64, watch_ms: i64, device: Option<&str>) -> Reported {
        let device = device.map(ToOwned::to_owned);
        Reported { story_id: Uuid::nil(), seen_at: at(secs), watch_ms, device }
    }

    fn any_view() -> impl Strategy<Value = (Uuid, View)> {
        let device = prop::option::of(prop::sample::select(vec!["phone", "tablet", "web", "Z"]));
        (0..4_u128, 0..6_i64, 0..5_000_i64, device).prop_map(|(story, secs, watch_ms, device)| {
            (Uuid::from_u128(story), reported(secs, watch_ms, device).view(at(2), at(4)))
        })
    }

    proptest! {
        #[test]
        fn any_order_and_any_number_of_times_comes_to_the_same(
            views in prop::collection::vec(any_view(), 0..20),
            shuffled in prop::collection::vec(any::<prop::sample::Index>(), 0..60),
        ) {
            let expected = folded(views.clone());
            prop_assert_eq!(&folded(views.iter().rev().cloned()), &expected);
            // Some of them any number of times in any order, and then all: what came before does not matter.
            let again = shuffled.iter().filter(|_| !views.is_empty()).map(|index| index.get(&views).clone());
            prop_assert_eq!(&folded(again.chain(views.iter().cloned())), &expected);
            // Batches that merge by themselves first.
            let (left, right) = views.split_at(views.len() / 2);
            let parts = folded(left.to_vec()).into_iter().chain(folded(right.to_vec()));
            prop_assert_eq!(folded(parts), expected);
        }
    }

    #[test]
    fn nobody_saw_a_story_before_it_was_there_or_later_than_now() {
        let seen = |secs| reported(secs, 0, None).view(at(10), at(20)).first_seen_at;
        assert_eq!([seen(0), seen(15), seen(99)], [at(10), at(15), at(20)]);
        let ahead = reported(0, 0, None).view(at(30), at(20));
        assert_eq!(ahead.first_seen_at, at(30));
        let exact = Reported { seen_at: at(15) + TimeDelta::nanoseconds(1_999), ..reported(0, 0, None) };
        assert_eq!(exact.view(at(10), at(20)).first_seen_at, at(15) + TimeDelta::microseconds(1));
    }

    #[test]
    fn the_earliest_brings_its_device_and_the_longest_its_time() {
        let view = |secs, watch_ms, device| reported(secs, watch_ms, device).view(at(0), at(9));
        let both = view(2, 700, Some("web")).merged(view(1, 30, None));
        assert_eq!(both, view(1, 700, None));
        assert_eq!(view(1, 0, None).merged(view(1, 0, Some("web"))), view(1, 0, Some("web")));
        assert_eq!(view(1, 0, Some("web")).merged(view(1, 0, Some("phone"))), view(1, 0, Some("phone")));
    }

    #[test]
    fn what_is_out_of_bounds_is_told_with_its_place() {
        let batch = Batch {
            views: vec![reported(0, 0, Some(" web ")), reported(0, -1, None), reported(0, 0, Some("a\nb"))],
        };
        let places: Vec<_> = batch.checked().unwrap_err().into_iter().map(|fault| fault.pointer).collect();
        assert_eq!(places, ["/views/1/watch_ms", "/views/2/device"]);
        let many = Batch { views: vec![reported(0, 0, None); MAX_VIEWS + 1] };
        assert_eq!(many.checked().unwrap_err().first().unwrap().pointer, "/views");
        let clean = Batch { views: vec![reported(0, 0, Some(" web "))] }.checked().unwrap();
        assert_eq!(clean.views.first().unwrap().device.as_deref(), Some("web"));
    }
}
