//! What becomes of each package, and when: drawn before anything is written, so that slots and receipts can be given out in the order
//! of time.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::calendar::{self, Occasion, instant, local_day, next_open};
use super::chance::Chance;
use super::parcels::parcel;
use super::slots;
use crate::domain::status::Status;
use crate::domain::tariff::SizeClass;

/// How long an announced parcel is waited for.
pub(super) const WAITED_DAYS: i64 = 60;
/// Days from an announcement to the parcel, as likely as they weigh.
const LEAD_DAYS: [u32; 9] = [0, 18, 22, 20, 14, 10, 7, 5, 4];
/// Days from reception to pickup: up to these, so many of a thousand.
const PICKUP_DAYS: [(u32, u32, u32); 7] =
    [(0, 0, 470), (1, 1, 270), (2, 2, 110), (3, 3, 60), (4, 7, 60), (8, 20, 25), (21, 44, 5)];
/// Packages that the customer with an account has: on the shelf, still to come, and fetched.
const OWN: [(Status, usize); 3] = [(Status::Notified, 4), (Status::Announced, 2), (Status::Delivered, 8)];

/// How a life ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Fetched.
    Delivered,
    /// Given back to the carrier.
    Returned,
    /// Disposed of.
    Abandoned,
    /// Taken back before it came, or when it had just come.
    Cancelled,
    /// Not waited for any longer.
    Expired,
    /// Cannot be found.
    Lost,
}

/// The life of one package. What would come after the end of the demo data has not happened.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// Which: all else is drawn by it.
    pub(super) number: u32,
    /// Whose it is, by place; nobody's as far as the desk knows.
    pub(super) customer: Option<usize>,
    /// How large it is.
    pub(super) size: SizeClass,
    /// When it was announced.
    pub(super) announced_at: Option<DateTime<Utc>>,
    /// When it came.
    pub(super) received_at: Option<DateTime<Utc>>,
    /// When it was put into its slot.
    pub(super) stored_at: Option<DateTime<Utc>>,
    /// When its customer was told.
    pub(super) notified_at: Option<DateTime<Utc>>,
    /// When it was broken.
    pub(super) damaged_at: Option<DateTime<Utc>>,
    /// How and when it ended.
    pub(super) end: Option<(Ending, DateTime<Utc>)>,
    /// The slot in which it lies or lay, by place.
    pub(super) slot: Option<usize>,
    /// Of its payment.
    pub(super) receipt_no: Option<i64>,
}

impl Plan {
    /// When it was first known.
    pub(super) fn created_at(&self) -> DateTime<Utc> {
        self.announced_at.or(self.received_at).unwrap_or_default()
    }

    /// Where it stands in the end.
    pub(super) fn status(&self) -> Status {
        match self.end {
            Some((Ending::Delivered, _)) => Status::Delivered,
            Some((Ending::Returned, _)) => Status::Returned,
            Some((Ending::Abandoned, _)) => Status::Abandoned,
            Some((Ending::Cancelled | Ending::Expired, _)) => Status::Cancelled,
            Some((Ending::Lost, _)) => Status::Lost,
            None if self.damaged_at.is_some() => Status::Damaged,
            None if self.notified_at.is_some() => Status::Notified,
            None if self.stored_at.is_some() => Status::Stored,
            None if self.received_at.is_some() => Status::Received,
            None => Status::Announced,
        }
    }

    /// Whether it lies in its slot.
    pub(super) fn is_on_shelf(&self) -> bool {
        self.end.is_none() && self.stored_at.is_some()
    }

    fn end_at(&self) -> Option<DateTime<Utc>> {
        self.end.map(|(_, at)| at)
    }
}

/// The lives of all packages, the oldest first, and how many slots they need.
#[derive(Debug)]
pub(super) struct Plans {
    /// In the order in which they became known.
    pub(super) all: Vec<Plan>,
    /// How many slots there are.
    pub(super) slots: usize,
    /// Payments that were taken.
    pub(super) payments: i64,
}

/// So many packages of so many customers, until this instant.
pub(super) fn plans(packages: u32, customers: u32, end: DateTime<Utc>) -> Plans {
    let mut all = Vec::new();
    for (day, count) in per_day(packages, end) {
        for _ in 0..count {
            let number = u32::try_from(all.len()).unwrap_or(u32::MAX);
            all.push(Draw::new(number, customers, end).plan(day));
        }
    }
    all.sort_by_key(|plan: &Plan| (plan.created_at(), plan.number));
    give_some_to_the_first(&mut all);
    let slots = give_slots(&mut all);
    let payments = number_receipts(&mut all);
    Plans { all, slots, payments }
}

/// How many packages become known on each day.
fn per_day(packages: u32, end: DateTime<Utc>) -> Vec<(NaiveDate, u32)> {
    let today = local_day(end);
    let days: Vec<(NaiveDate, u64)> = (0..calendar::DAYS)
        .rev()
        .map(|days_ago| {
            let day = today - TimeDelta::days(days_ago);
            (day, calendar::weight(day, days_ago).into())
        })
        .collect();
    let total: u64 = days.iter().map(|(_, weight)| weight).sum();
    let (mut weighed, mut given) = (0, 0);
    let mut counts = Vec::new();
    for (day, weight) in days {
        weighed += weight;
        let until = u32::try_from(u64::from(packages) * weighed / total.max(1)).unwrap_or(packages);
        counts.push((day, until - given));
        given = until;
    }
    counts
}

struct Draw {
    chance: Chance,
    end: DateTime<Utc>,
    plan: Plan,
}

impl Draw {
    fn new(number: u32, customers: u32, end: DateTime<Utc>) -> Self {
        let mut chance = Chance::of("package", number.into());
        // Some people get many parcels, most get few.
        let customer = chance.below(customers).min(chance.below(customers));
        let plan = Plan {
            number,
            customer: usize::try_from(customer).ok(),
            size: parcel(number).size_class,
            announced_at: None,
            received_at: None,
            stored_at: None,
            notified_at: None,
            damaged_at: None,
            end: None,
            slot: None,
            receipt_no: None,
        };
        Self { chance, end, plan }
    }

    fn plan(mut self, day: NaiveDate) -> Plan {
        if self.chance.permille(720) {
            let at = instant(day, Occasion::Announcement, &mut self.chance);
            let at = if at < self.end { at } else { at - TimeDelta::days(1) };
            self.plan.announced_at = Some(at);
            match self.chance.below(1000) {
                0..=84 => self.end_with(Ending::Expired, at + TimeDelta::days(WAITED_DAYS)),
                85..=96 => {
                    let after = self.minutes(60, 1_400);
                    self.end_with(Ending::Cancelled, at + after);
                }
                _ => {
                    let lead = i64::try_from(self.chance.weighted(LEAD_DAYS)).unwrap_or(1).max(1);
                    let day = next_open(local_day(at) + TimeDelta::days(lead));
                    let at = instant(day, Occasion::Delivery, &mut self.chance);
                    self.receive(at);
                }
            }
        } else {
            let at = self.walked_in(day);
            if self.chance.permille(6) {
                self.plan.customer = None;
            }
            self.receive(at);
        }
        self.plan
    }

    /// Nobody said that it would come.
    fn walked_in(&mut self, day: NaiveDate) -> DateTime<Utc> {
        let mut day = if calendar::is_open(day) { day } else { day - TimeDelta::days(1) };
        let mut at = instant(day, Occasion::Delivery, &mut self.chance);
        while at >= self.end {
            day -= TimeDelta::days(1);
            if calendar::is_open(day) {
                at = instant(day, Occasion::Delivery, &mut self.chance);
            }
        }
        at
    }

    fn receive(&mut self, at: DateTime<Utc>) {
        if at >= self.end {
            return;
        }
        self.plan.received_at = Some(at);
        if self.chance.permille(3) {
            let after = self.minutes(1, 4);
            self.end_with(Ending::Cancelled, at + after);
            return;
        }
        let stored_at = at + self.minutes(4, 55);
        if stored_at >= self.end {
            return;
        }
        self.plan.stored_at = Some(stored_at);
        if self.plan.customer.is_none() {
            let after = self.days(18, 28);
            self.end_on(Ending::Returned, at + after);
            return;
        }
        let notified_at = stored_at + TimeDelta::milliseconds(i64::from(self.chance.between(2_500, 60_000)));
        if notified_at >= self.end {
            return;
        }
        self.plan.notified_at = Some(notified_at);
        self.leave(at, notified_at);
    }

    fn leave(&mut self, received_at: DateTime<Utc>, notified_at: DateTime<Utc>) {
        match self.chance.below(1000) {
            0 => {
                let after = self.minutes(300, 20_000);
                self.end_with(Ending::Lost, notified_at + after);
            }
            1..=3 => self.damage(notified_at),
            4..=6 => {
                let after = self.days(46, 58);
                self.end_on(Ending::Abandoned, received_at + after);
            }
            7..=20 => {
                let after = self.days(15, 32);
                self.end_on(Ending::Returned, received_at + after);
            }
            _ => self.deliver(received_at, notified_at),
        }
    }

    fn damage(&mut self, notified_at: DateTime<Utc>) {
        let at = notified_at + self.minutes(30, 5_000);
        if at >= self.end {
            return;
        }
        self.plan.damaged_at = Some(at);
        let ending = if self.chance.permille(850) { Ending::Delivered } else { Ending::Returned };
        let after = self.days(1, 15);
        self.end_on(ending, at + after);
    }

    fn deliver(&mut self, received_at: DateTime<Utc>, notified_at: DateTime<Utc>) {
        let place = self.chance.weighted(PICKUP_DAYS.map(|(.., share)| share));
        let (least, most, _) = PICKUP_DAYS.get(place).copied().unwrap_or((1, 1, 1));
        let mut day = local_day(received_at) + TimeDelta::days(self.chance.between(least, most).into());
        loop {
            day = next_open(day);
            let at = instant(day, Occasion::Pickup, &mut self.chance);
            if at > notified_at + TimeDelta::minutes(10) {
                return self.end_with(Ending::Delivered, at);
            }
            day += TimeDelta::days(1);
        }
    }

    /// Ends it in an hour in which somebody is at the desk.
    fn end_on(&mut self, ending: Ending, about: DateTime<Utc>) {
        let at = instant(next_open(local_day(about) + TimeDelta::days(1)), Occasion::Delivery, &mut self.chance);
        self.end_with(ending, at);
    }

    fn end_with(&mut self, ending: Ending, at: DateTime<Utc>) {
        if at < self.end {
            self.plan.end = Some((ending, at));
        }
    }

    fn minutes(&mut self, least: u32, most: u32) -> TimeDelta {
        TimeDelta::seconds(i64::from(self.chance.between(least * 60, most * 60)))
    }

    fn days(&mut self, least: u32, most: u32) -> TimeDelta {
        TimeDelta::days(self.chance.between(least, most).into())
    }
}

/// The first customer is the one who can sign in: there is something to be seen.
fn give_some_to_the_first(all: &mut [Plan]) {
    for (status, count) in OWN {
        let latest = all.iter_mut().rev().filter(|plan| plan.status() == status);
        for plan in latest.step_by(3).take(count) {
            plan.customer = Some(0);
        }
    }
}

/// Gives every package that was stored a slot that it fits into and that nobody else has at that time. Returns how many there are.
fn give_slots(all: &mut [Plan]) -> usize {
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
        while let Some(Reverse((_, slot))) = self.held.peek().copied().filter(|Reverse((until, _))| *until < at) {
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

/// Whoever fetches something pays: receipts are numbered in the order of time.
fn number_receipts(all: &mut [Plan]) -> i64 {
    let mut paying: Vec<&mut Plan> =
        all.iter_mut().filter(|plan| matches!(plan.end, Some((Ending::Delivered, _)))).collect();
    paying.sort_by_key(|plan| plan.end_at());
    let mut count = 0;
    for plan in paying {
        count += 1;
        plan.receipt_no = Some(count);
    }
    count
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn end() -> DateTime<Utc> {
        "2026-11-29T00:00:00Z".parse().unwrap()
    }

    #[test]
    fn lives_are_believable_and_end_before_the_demo_does() {
        let Plans { all, slots, payments } = plans(20_000, 2_000, end());
        assert_eq!(all.len(), 20_000);
        assert!(slots >= slots::COUNT);
        assert!(all.is_sorted_by_key(Plan::created_at));
        let count = |status| all.iter().filter(|plan| plan.status() == status).count();
        assert!(count(Status::Delivered) > 17_000, "{}", count(Status::Delivered));
        assert_eq!(i64::try_from(count(Status::Delivered)).unwrap(), payments);
        for status in Status::ALL.iter().filter(|status| **status != Status::Received) {
            assert!(count(*status) > 0, "none is {status:?}");
        }
        for plan in &all {
            let times = [plan.announced_at, plan.received_at, plan.stored_at, plan.notified_at, plan.damaged_at, plan.end_at()];
            let times: Vec<_> = times.into_iter().flatten().collect();
            assert!(times.is_sorted() && times.iter().all(|at| *at < end()), "{plan:?}");
            assert!(plan.created_at() > end() - TimeDelta::days(calendar::DAYS + 3), "{plan:?}");
        }
        let own = all.iter().filter(|plan| plan.customer == Some(0) && plan.is_on_shelf()).count();
        assert!(own >= 4, "{own}");
    }

    #[test]
    fn no_slot_holds_two_packages_at_a_time_and_each_fits() {
        let Plans { all, .. } = plans(20_000, 2_000, end());
        let mut stays: BTreeMap<usize, Vec<(DateTime<Utc>, DateTime<Utc>)>> = BTreeMap::new();
        for plan in all.iter().filter(|plan| plan.stored_at.is_some()) {
            let slot = plan.slot.unwrap();
            assert!(slots::size(slot) == SizeClass::Extra || plan.size == SizeClass::Small);
            stays.entry(slot).or_default().push((plan.stored_at.unwrap(), plan.end_at().unwrap_or(end())));
        }
        for stays in stays.values_mut() {
            stays.sort();
            assert!(stays.windows(2).all(|pair| pair[0].1 < pair[1].0), "{stays:?}");
        }
    }

    #[test]
    fn the_same_day_gives_the_same_lives() {
        let told = |customers| format!("{:?}", plans(500, customers, end()).all);
        assert_eq!(told(50), told(50));
        assert_ne!(told(50), told(51));
    }
}
