//! What becomes of each package, and when: drawn before anything is written, so that slots and receipts can be given out in the order
//! of time.

mod draw;
mod shelf;
#[cfg(test)]
mod tests;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use self::draw::Draw;
use super::calendar::{self, local_day};
use crate::domain::status::Status;
use crate::domain::tariff::SizeClass;

/// How long an announced parcel is waited for.
pub(super) const WAITED_DAYS: i64 = 60;
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
    let slots = shelf::give_slots(&mut all);
    number_receipts(&mut all);
    Plans { all, slots }
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

/// The first customer is the one who can sign in: there is something to be seen.
fn give_some_to_the_first(all: &mut [Plan]) {
    for (status, count) in OWN {
        let latest = all.iter_mut().rev().filter(|plan| plan.status() == status);
        for plan in latest.step_by(3).take(count) {
            plan.customer = Some(0);
        }
    }
}

/// Whoever fetches something pays: receipts are numbered in the order of time.
fn number_receipts(all: &mut [Plan]) {
    let mut paying: Vec<&mut Plan> =
        all.iter_mut().filter(|plan| matches!(plan.end, Some((Ending::Delivered, _)))).collect();
    paying.sort_by_key(|plan| plan.end_at());
    for (plan, number) in paying.into_iter().zip(1..) {
        plan.receipt_no = Some(number);
    }
}
