//! The account against one that looks at every nanosecond.

use proptest::prelude::*;

use super::*;

const END: u64 = 120;

/// A part under way from one instant to another, which may be the same.
#[derive(Clone, Copy, Debug)]
struct Interval {
    part: Part,
    from: u64,
    to: u64,
}

fn interval() -> impl Strategy<Value = Interval> {
    (0..Part::ALL.len(), 0..END, 0..END).prop_map(|(part, one, other)| Interval {
        part: Part::ALL[part],
        from: one.min(other),
        to: one.max(other),
    })
}

/// The ledger after all of them, as they begin and end.
fn kept(intervals: &[Interval]) -> Ledger {
    let mut events: Vec<(u64, bool, Part)> = Vec::new();
    for Interval { part, from, to } in intervals {
        events.extend([(*from, false, *part), (*to, true, *part)]);
    }
    // A part that takes no time ends after it began.
    events.sort_by_key(|(at, ends, _)| (*at, *ends));
    let mut ledger = Ledger::default();
    for (at, ends, part) in events {
        if ends { ledger.leave(part, at) } else { ledger.enter(part, at) }
    }
    ledger
}

/// Whose each nanosecond is.
fn owners(intervals: &[Interval]) -> Vec<Option<Part>> {
    let owner = |at: u64| {
        let under_way = intervals.iter().filter(|one| one.from <= at && at < one.to);
        under_way.map(|one| one.part).min_by_key(|part| *part as usize)
    };
    (0..END).map(owner).collect()
}

fn nanos(spent: &Spent) -> Vec<(Part, u64)> {
    Part::ALL.map(|part| (part, u64::try_from(spent.on(part).as_nanos()).unwrap())).to_vec()
}

fn counted(owners: &[Option<Part>]) -> Vec<(Part, u64)> {
    Part::ALL.map(|part| (part, owners.iter().filter(|owner| **owner == Some(part)).count() as u64)).to_vec()
}

proptest! {
    #[test]
    fn every_instant_has_one_owner_and_the_sum_is_the_union(intervals in prop::collection::vec(interval(), 0..24)) {
        let spent = kept(&intervals).spent_by(END);
        let owners = owners(&intervals);
        prop_assert_eq!(nanos(&spent), counted(&owners));
        let union = owners.iter().filter(|owner| owner.is_some()).count() as u64;
        prop_assert_eq!(u64::try_from(spent.sum().as_nanos()).unwrap(), union);
        prop_assert!(union <= END);
    }

    #[test]
    fn what_is_claimed_afterwards_is_taken_from_what_ranks_below(
        intervals in prop::collection::vec(interval(), 0..3),
        part in 0..Part::ALL.len(),
        one in 0..END,
        other in 0..END,
    ) {
        let (from, to) = (one.min(other), one.max(other));
        let part = Part::ALL[part];
        let mut ledger = kept(&intervals);
        let mut owners = owners(&intervals);
        for owner in &mut owners[usize::try_from(from).unwrap()..usize::try_from(to).unwrap()] {
            if owner.is_none_or(|owner| owner as usize > part as usize) {
                *owner = Some(part);
            }
        }
        // Twice is as good as once: those who watch may stand one in the other.
        for _ in 0..2 {
            ledger.claim(part, from..to, END);
            prop_assert_eq!(nanos(&ledger.spent_by(END)), counted(&owners));
        }
    }

    #[test]
    fn claims_never_make_the_sum_more_than_the_time(
        intervals in prop::collection::vec(interval(), 0..24),
        claims in prop::collection::vec((0..Part::ALL.len(), 0..END, 0..END), 0..24),
    ) {
        let mut ledger = kept(&intervals);
        for (part, from, to) in claims {
            let before = ledger.spent_by(END).sum();
            ledger.claim(Part::ALL[part], from..to, END);
            let after = ledger.spent_by(END).sum();
            prop_assert!(before <= after && after.as_nanos() <= u128::from(END), "{:?} {:?}", before, after);
        }
    }
}

#[test]
fn what_is_under_way_counts_until_now() {
    let mut ledger = Ledger::default();
    ledger.enter(Part::Database, 10);
    assert_eq!(ledger.spent_by(30).on(Part::Database).as_nanos(), 20);
    ledger.leave(Part::Database, 40);
    assert_eq!(ledger.spent_by(90).on(Part::Database).as_nanos(), 30);
}

#[test]
fn clocks_that_were_read_in_another_order_take_nothing_back() {
    let mut ledger = Ledger::default();
    ledger.enter(Part::Database, 10);
    ledger.enter(Part::Redis, 30);
    ledger.leave(Part::Database, 25);
    ledger.leave(Part::Redis, 35);
    let spent = ledger.spent_by(35);
    assert_eq!((spent.on(Part::Database).as_nanos(), spent.on(Part::Redis).as_nanos()), (20, 5));
}
