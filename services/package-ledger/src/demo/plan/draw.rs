//! Draws what becomes of one package.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::{Ending, Plan, WAITED_DAYS};
use crate::demo::calendar::{self, Occasion, instant, local_day, next_open};
use crate::demo::chance::Chance;
use crate::demo::parcels::parcel;

/// Days from an announcement to the parcel, as likely as they weigh.
const LEAD_DAYS: [u32; 9] = [0, 18, 22, 20, 14, 10, 7, 5, 4];
/// Days from reception to pickup: up to these, so many of a thousand.
const PICKUP_DAYS: [(u32, u32, u32); 7] =
    [(0, 0, 470), (1, 1, 270), (2, 2, 110), (3, 3, 60), (4, 7, 60), (8, 20, 25), (21, 44, 5)];

/// A life while it is drawn.
pub(super) struct Draw {
    chance: Chance,
    end: DateTime<Utc>,
    plan: Plan,
}

impl Draw {
    /// That of the `number`th package.
    pub(super) fn new(number: u32, customers: u32, end: DateTime<Utc>) -> Self {
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

    /// Known on this day.
    pub(super) fn plan(mut self, day: NaiveDate) -> Plan {
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
        let at =
            instant(next_open(local_day(about) + TimeDelta::days(1)), Occasion::Delivery, &mut self.chance);
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
