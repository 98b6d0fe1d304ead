//! The tracker against a history that forgets nothing; and its memory.

use std::collections::HashMap;

use coherence::clock::Instant;
use coherence::{Moment, Seal, Tracker};
use proptest::prelude::*;

const NOW: Instant = Instant::from_nanos(1);
const UNTIL: Instant = Instant::from_nanos(10);
const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

#[derive(Clone, Debug)]
enum Event {
    Begin,
    Admit { fetch: prop::sample::Index, groups: Vec<usize> },
    Share { fetch: prop::sample::Index, joined: prop::sample::Index, groups: Vec<usize> },
    Drop(prop::sample::Index),
    Invalidate(Vec<usize>),
    InvalidateAll,
    Sweep,
    Lose,
    Grant,
    Extend,
}

fn event() -> impl Strategy<Value = Event> {
    let groups = || prop::collection::vec(0..NAMES.len(), 0..4);
    let index = any::<prop::sample::Index>;
    prop_oneof![
        4 => Just(Event::Begin),
        6 => (index(), groups()).prop_map(|(fetch, groups)| Event::Admit { fetch, groups }),
        2 => (index(), index(), groups()).prop_map(|(fetch, joined, groups)| Event::Share { fetch, joined, groups }),
        3 => index().prop_map(Event::Drop),
        4 => groups().prop_map(Event::Invalidate),
        1 => Just(Event::InvalidateAll),
        3 => Just(Event::Sweep),
        1 => Just(Event::Lose),
        2 => Just(Event::Grant),
        1 => Just(Event::Extend),
    ]
}

fn named(groups: &[usize]) -> Vec<&'static str> {
    groups.iter().map(|&group| NAMES[group]).collect()
}

/// Everything that happened, by the time at which it did.
#[derive(Default)]
struct History {
    time: u64,
    invalidated: HashMap<usize, u64>,
    floor: u64,
    leased: bool,
    fetches: Vec<(Moment, u64)>,
    seals: Vec<(Seal, u64, Vec<usize>)>,
    swept: u64,
}

impl History {
    fn changed_since(&self, time: u64, groups: &[usize]) -> bool {
        groups.iter().any(|group| self.invalidated.get(group).is_some_and(|&at| at > time))
    }

    fn apply(&mut self, tracker: &Tracker, event: &Event) {
        self.time += 1;
        match event {
            Event::Begin => {
                let begun = tracker.begin(NOW);
                assert_eq!(begun.is_some(), self.leased);
                self.fetches.extend(begun.map(|moment| (moment, self.time)));
            }
            Event::Admit { fetch, groups } if !self.fetches.is_empty() => self.admit(tracker, *fetch, groups),
            Event::Share { fetch, joined, groups } if !self.fetches.is_empty() => {
                let ((fetched, begun), (joined, came)) =
                    (*fetch.get(&self.fetches), *joined.get(&self.fetches));
                let changed = groups
                    .iter()
                    .any(|group| self.invalidated.get(group).is_some_and(|&at| at > begun && at <= came));
                let kept = self.leased && begun.min(came) > self.floor;
                assert!(!tracker.may_share(fetched, joined, &named(groups)) || (kept && !changed));
            }
            Event::Drop(seal) if !self.seals.is_empty() => {
                self.seals.swap_remove(seal.index(self.seals.len()));
            }
            Event::Invalidate(groups) => {
                let sealed =
                    groups.iter().filter(|group| self.seals.iter().any(|(_, _, of)| of.contains(group)));
                assert_eq!(tracker.invalidate(&named(groups)), sealed.count());
                self.invalidated.extend(groups.iter().map(|&group| (group, self.time)));
            }
            Event::InvalidateAll => {
                tracker.invalidate_all();
                self.floor = self.time;
            }
            Event::Sweep => {
                tracker.sweep();
                self.swept = self.time;
                let mut sealed: Vec<_> = self.seals.iter().flat_map(|(_, _, groups)| groups).collect();
                sealed.sort();
                sealed.dedup();
                assert_eq!(tracker.groups(), sealed.len());
            }
            Event::Lose => {
                tracker.lose();
                self.leased = false;
            }
            Event::Grant => {
                tracker.grant(UNTIL);
                (self.leased, self.floor) = (true, self.time);
            }
            Event::Extend => tracker.extend(UNTIL),
            Event::Admit { .. } | Event::Share { .. } | Event::Drop(_) => {}
        }
        self.check(tracker);
    }

    fn admit(&mut self, tracker: &Tracker, fetch: prop::sample::Index, groups: &[usize]) {
        let (fetched, begun) = *fetch.get(&self.fetches);
        let may = self.leased && begun > self.floor && !self.changed_since(begun, groups);
        match tracker.admit(fetched, &named(groups)) {
            Some(seal) => {
                assert!(may);
                assert_eq!(seal.groups().collect::<Vec<_>>(), named(groups));
                self.seals.push((seal, begun, groups.to_vec()));
            }
            // More than is needed is refused only across a sweep.
            None => assert!(!may || self.swept > begun),
        }
    }

    fn check(&self, tracker: &Tracker) {
        for (seal, begun, groups) in &self.seals {
            let current = self.leased && *begun > self.floor && !self.changed_since(*begun, groups);
            assert_eq!(seal.is_current(tracker, NOW), current);
            assert_eq!(seal.why_not(tracker, NOW).is_none(), current);
        }
    }
}

proptest! {
    #[test]
    fn a_seal_is_current_exactly_if_nothing_happened_to_it(events in prop::collection::vec(event(), 0..80)) {
        let tracker = Tracker::leased();
        let mut history = History::default();
        for event in [Event::Grant].iter().chain(&events) {
            history.apply(&tracker, event);
        }
    }
}

#[test]
fn a_million_groups_that_come_and_go_are_not_kept() {
    const LIVE: usize = 1000;
    const BOUND: usize = 64 * 256 + 2 * LIVE;
    let tracker = Tracker::unleased();
    let mut live: Vec<Option<Seal>> = vec![None; LIVE];
    for n in 0..1_000_000 {
        let name = format!("animals/{n}");
        let fetched = tracker.begin(NOW).unwrap();
        live[n % LIVE] = tracker.admit(fetched, &["animals", &name]);
        if n % 2 == 0 {
            tracker.invalidate(&[&name, &format!("foods/{n}")]);
        }
        assert!(n % 4096 != 0 || tracker.groups() <= BOUND, "{} groups", tracker.groups());
    }
    let current = live.iter().flatten().filter(|seal| seal.is_current(&tracker, NOW)).count();
    assert_eq!(current, LIVE / 2);
    tracker.sweep();
    assert_eq!(tracker.groups(), LIVE + 1);
    drop(live);
    tracker.sweep();
    assert_eq!(tracker.groups(), 0);
}
