//! Slots, given out in the order of time.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use chrono::{DateTime, Utc};

use super::Plan;
use crate::demo::slots;
use crate::domain::tariff::SizeClass;

/// Gives every package that was stored a slot that it fits into and that nobody else has at that time. Returns how many there are.
pub(super) fn give_slots(all: &mut [Plan]) -> usize {
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.retain(|place| all.get(*place).is_some_and(|plan| plan.stored_at.is_some()));
    order.sort_by_key(|place| all.get(*place).and_then(|plan| plan.stored_at));
    let mut shelf = Shelf::new(slots::COUNT);
    for place in order {
        let Some(plan) = all.get_mut(place) else { continue };
        let stored_at = plan.stored_at.unwrap_or_default();
        plan.slot = Some(shelf.take(plan.size, stored_at, plan.end_at()));
    }
    shelf.count
}

struct Shelf {
    count: usize,
    free: [BTreeSet<usize>; 2],
    held: BinaryHeap<Reverse<(DateTime<Utc>, usize)>>,
}

impl Shelf {
    fn new(count: usize) -> Self {
        let mut shelf = Self { count: 0, free: [BTreeSet::new(), BTreeSet::new()], held: BinaryHeap::new() };
        shelf.put_up(count);
        shelf
    }

    fn put_up(&mut self, more: usize) {
        for slot in self.count..self.count + more {
            self.free_of(slots::size(slot)).insert(slot);
        }
        self.count += more;
    }

    fn free_of(&mut self, size: SizeClass) -> &mut BTreeSet<usize> {
        let [small, extra] = &mut self.free;
        match size {
            SizeClass::Small => small,
            SizeClass::Extra => extra,
        }
    }

    fn take(&mut self, size: SizeClass, at: DateTime<Utc>, until: Option<DateTime<Utc>>) -> usize {
        while let Some(Reverse((_, slot))) =
            self.held.peek().copied().filter(|Reverse((until, _))| *until < at)
        {
            self.held.pop();
            self.free_of(slots::size(slot)).insert(slot);
        }
        let slot = loop {
            let own = self.free_of(size).pop_first();
            if let Some(slot) = own.or_else(|| self.free_of(SizeClass::Extra).pop_first()) {
                break slot;
            }
            self.put_up(slots::PER_AISLE);
        };
        if let Some(until) = until {
            self.held.push(Reverse((until, slot)));
        }
        slot
    }
}
