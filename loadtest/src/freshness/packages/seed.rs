//! The desk before anybody asks, made in the database: who works there, customers, slots, and packages that lie there since so long
//! that the clock makes each of them dearer, and some of them overdue, while the run goes on.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;

use super::Packages;
use super::desk::{CUSTOMERS, Desk, Package, STAFF, Tick, WAITERS, name};
use super::facts::{Facts, PERIOD_HOURS, Status};
use crate::freshness::dice::Dice;
use crate::freshness::parts::Domain;
use crate::freshness::stage::Stage;
use crate::freshness::system::System;
use crate::freshness::world::Target;

/// Pause between two packages that the clock changes.
pub(super) const TICKS_EVERY: Duration = Duration::from_secs(6);
/// Every so many of them is overdue from then on.
const HOLD_ENDS_EVERY: u32 = 3;
/// Periods after which a package is overdue, by the first version of the tariff.
const HOLD_PERIODS: i64 = 30;
/// Days after which it may be abandoned, likewise.
const ABANDON_DAYS: i64 = 45;
/// Slots beside those of packages that wait.
const FREE_SLOTS: usize = 30;
const TARIFF: &str = "00000000-0000-7000-8000-000000000001";
const MICROS_PER_HOUR: i64 = 3_600_000_000;

/// Everything that there is before the first read; packages go on ticking for so long.
pub(crate) async fn populate(
    seed: u64,
    lasts: Duration,
    system: &System,
    targets: Vec<Target>,
    stage: &Arc<Stage>,
) -> anyhow::Result<Packages> {
    let mut dice = Dice::new(seed, "packages", 0);
    let ticks = u32::try_from(lasts.as_secs() / TICKS_EVERY.as_secs() + 1)?;
    let slots = u32::try_from(FREE_SLOTS)? + ticks;
    let start = Instant::now();
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros())?;
    let desk = Desk::new(&mut dice, slots, (start, now));
    let staff: Vec<String> = (0..STAFF).map(|_| dice.uuid()).collect();
    let mut sql = people(&desk, &staff);
    for number in 0..FREE_SLOTS {
        sql.push_str(&slot(&dice.uuid(), &format!("S-{number}"), "free"));
    }
    let mut waiting = Vec::new();
    for turn in 1..=ticks {
        let at = start + TICKS_EVERY * turn + Duration::from_millis(dice.between(0, 3_000));
        let package = open(&desk, &mut dice, turn, at);
        sql.push_str(&waiter(&desk, &package, &dice.uuid())?);
        waiting.push(package);
    }
    let _ = desk.waiting.set(waiting);
    system.sql(Domain::Packages, &sql).await?;
    let customers = desk.customers.iter().take(CUSTOMERS).map(|customer| &customer.user_id);
    let bearers = staff.iter().chain(customers).map(|person| system.members.bearer(person));
    let bearers = bearers.collect::<anyhow::Result<Vec<_>>>()?;
    let tally = stage.tally(Domain::Packages).context("packages are not checked")?;
    Ok(Packages::new(targets, desk, bearers, Arc::clone(stage), tally))
}

fn open(desk: &Desk, dice: &mut Dice, turn: u32, at: Instant) -> Arc<Package> {
    let is_hold_end = turn.is_multiple_of(HOLD_ENDS_EVERY);
    let periods = if is_hold_end { HOLD_PERIODS } else { i64::from(1 + turn % 20) };
    let customer = CUSTOMERS + usize::try_from(turn).unwrap_or_default() % WAITERS;
    let standing = Facts {
        status: Status::Stored,
        version: 3,
        customer: Some(customer),
        paid_minor: 0,
        waived_minor: 0,
    };
    desk.open(dice, Some(standing), false, Some(Tick { at, periods, is_hold_end }))
}

fn people(desk: &Desk, staff: &[String]) -> String {
    let mut sql = String::new();
    for (person, role) in staff.iter().zip(["operator", "admin", "auditor"]) {
        sql.push_str(&format!(
            "INSERT INTO operator (user_id, role, name, created_at, updated_at) VALUES ('{person}', '{role}', 'A. Clerk', now(), now());\n"
        ));
    }
    for (number, customer) in desk.customers.iter().enumerate() {
        let (id, user, document) = (&customer.id, &customer.user_id, &customer.document);
        let name = name(number, 0);
        // Nobody is written to: a message that arrives would change a package, and nobody here would know when.
        sql.push_str(&format!(
            "INSERT INTO customer (id, user_id, name, search_name, phone, document_type, document_number, by_sms, by_email, created_at, \
               updated_at) \
               VALUES ('{id}', '{user}', '{name}', lower('{name}'), '+5730012345{number:02}', 'cc', '{document}', false, false, now(), now());\n"
        ));
    }
    sql
}

fn slot(id: &str, code: &str, status: &str) -> String {
    format!(
        "INSERT INTO slot (id, code, size_class, status, created_at, updated_at) VALUES ('{id}', '{code}', 'small', '{status}', now(), now());\n"
    )
}

/// A package in a slot of its own that was received whole periods before it ticks.
fn waiter(desk: &Desk, package: &Package, slot_id: &str) -> anyhow::Result<String> {
    let tick = package.tick.context("a package that does not wait")?;
    let facts = package.standing.latest().flatten().context("a package that is not there")?;
    let customer = facts.customer.and_then(|customer| desk.customers.get(customer)).context("no customer")?;
    let ticks_at = desk.micros(tick.at);
    let received_at = ticks_at - tick.periods * PERIOD_HOURS * MICROS_PER_HOUR;
    let (instant, days) = (|micros| instant(micros), |days: i64| received_at + days * 24 * MICROS_PER_HOUR);
    // Of version 7: it says when it was made.
    let id = uuid_at(received_at, slot_id);
    package.made(&id, None, Some(received_at));
    let code = format!("W-{}", package.number);
    let (guide, at) = (&package.guide, instant(received_at));
    let Facts { status, version, .. } = facts;
    Ok(format!(
        "{}INSERT INTO package (id, tracking_no, guide_number, customer_id, size_class, condition, status, slot_id, tariff_id, received_at, \
           stored_at, free_until, hold_until, abandon_at, version, created_at, updated_at) \
           VALUES ('{id}', '{code}-CHECK', '{guide}', '{}', 'small', 'good', '{}', '{slot_id}', '{TARIFF}', {at}, {at}, {}, {}, {}, {version}, \
           {at}, {at});\n",
        slot(slot_id, &code, "held"),
        customer.id,
        status.as_str(),
        instant(days(1)),
        instant(days(HOLD_PERIODS)),
        instant(days(ABANDON_DAYS)),
    ))
}

fn instant(micros: i64) -> String {
    format!("(timestamptz 'epoch' + {micros} * interval '1 microsecond')")
}

/// An id of version 7 with the instant, and the rest of another id.
fn uuid_at(micros: i64, other: &str) -> String {
    let rest: String = other.chars().skip(14).collect();
    let millis = micros / 1_000;
    format!("{:08x}-{:04x}-7{}", millis >> 16, millis & 0xffff, rest.chars().skip(1).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiting_package_was_received_whole_periods_before_it_ticks() {
        let mut dice = Dice::new(1, "seed", 0);
        let start = Instant::now();
        let desk = Desk::new(&mut dice, 30, (start, 1_700_000_000_000_000));
        let package = open(&desk, &mut dice, 3, start + Duration::from_secs(20));
        let sql = waiter(&desk, &package, "0f0e0d0c-0b0a-4908-8706-050403020100").unwrap();
        let received_at = 1_700_000_020_000_000 - HOLD_PERIODS * 24 * MICROS_PER_HOUR;
        assert_eq!(package.created_at(), Some(received_at));
        // It is overdue at the instant at which it ticks.
        assert!(sql.contains(&instant(1_700_000_020_000_000)), "{sql}");
        let id = package.id().unwrap();
        assert_eq!((id.len(), id.chars().nth(14)), (36, Some('7')));
        assert!(id.ends_with("908-8706-050403020100"), "{id}");
    }
}
