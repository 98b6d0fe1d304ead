//! Who reads packages: steady readers that are paced, late ones that go on asking a part that stands still, and those that look
//! everywhere right after a write.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::desk::{CUSTOMERS, OPERATOR, Package, STAFF, VIEWERS, WAITERS, customer_of};
use super::facts::Status;
use super::sight::Filter;
use super::{Had, Packages, Question};
use crate::freshness::dice::Dice;

/// Longest wait for an answer; beyond every limit of the gateway.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);
/// Readers of each gateway and of each replica, and what share of all reads goes straight to replicas.
const READERS: usize = 8;
const DIRECT_READERS: usize = 2;
const DIRECT_SHARE: f64 = 0.05;
/// Reads of one reader between two looks at the clock.
const BURST: u32 = 4;
/// Answers one reader remembers.
const REMEMBERED: usize = 300;
/// So many reads in a hundred present a tag that the reader has.
const CONDITIONAL: u64 = 40;
/// How often a read begins at each gateway whatever became of the one before.
const LATE_EVERY: Duration = Duration::from_millis(40);
/// So many reads in a hundred are by the operator, and of the newest few packages: what is asked for once is in no memory.
const HOT_PERCENT: u64 = 70;
const HOT_PACKAGES: usize = 4;
/// Lists of packages in some statuses.
const BY_STATUS: [&[Status]; 5] = [
    &[Status::Stored],
    &[Status::Stored, Status::Notified],
    &[Status::Received],
    &[Status::Announced],
    &[Status::Delivered, Status::Returned],
];

pub(super) fn start(
    packages: &Arc<Packages>,
    tasks: &mut JoinSet<()>,
    dice: &impl Fn(&'static str, usize) -> Dice,
    reads: f64,
) {
    let gateways = packages.gateways as f64;
    let replicas = packages.targets.len().saturating_sub(packages.gateways) as f64;
    for (target, of) in packages.targets.iter().enumerate() {
        let (readers, rate) = if of.is_gateway {
            tasks.spawn(late(Arc::clone(packages), target, dice("late of packages", target)));
            (READERS, reads * (1.0 - DIRECT_SHARE) / gateways)
        } else {
            (DIRECT_READERS, reads * DIRECT_SHARE / replicas)
        };
        for number in 0..readers {
            let dice = dice("reader of packages", target * 1_000 + number);
            tasks.spawn(steady(Arc::clone(packages), target, dice, rate / readers as f64));
        }
    }
}

/// Reads from one target at a steady rate until the run stops.
async fn steady(packages: Arc<Packages>, target: usize, mut dice: Dice, rate: f64) {
    let Some(from) = packages.targets.get(target) else { return };
    let mut known: HashMap<(String, usize), Had> = HashMap::new();
    let pause = Duration::from_secs_f64(f64::from(BURST) / rate.max(0.1));
    let mut due = Instant::now() + pause.mul_f64(dice.below(100) as f64 / 100.0);
    while !packages.is_stopping() {
        sleep_until(due).await;
        // What a standstill has delayed is not made up for: it would come as a flood.
        due = (due + pause).max(Instant::now());
        for _ in 0..BURST {
            let Some((question, viewer)) = choose(&packages, &mut dice) else { continue };
            let key = (question.path.to_string(), viewer);
            let had = known.get(&key).filter(|_| dice.percent(CONDITIONAL));
            let answer = packages.ask(from, &question, viewer, had, PATIENCE).await;
            let Some(answer) = answer.filter(|answer| answer.status == StatusCode::OK) else { continue };
            if known.len() >= REMEMBERED {
                known.clear();
            }
            if let Some(tag) = answer.tag {
                known.insert(key, (tag, answer.seen));
            }
        }
    }
}

/// Begins a read every so often whether the one before was answered or not: while a gateway stands still, what is asked of
/// it waits, and is answered when it goes on.
async fn late(packages: Arc<Packages>, target: usize, mut dice: Dice) {
    while !packages.is_stopping() {
        sleep(LATE_EVERY).await;
        if let Some((question, viewer)) = choose(&packages, &mut dice) {
            ask_beside(&packages, target, question, viewer);
        }
    }
}

/// Asks every gateway, and one replica, for all that a write of this package has changed: as staff, and as its customers now and before.
pub(super) fn everywhere(
    packages: &Arc<Packages>,
    package: &Package,
    statuses: &'static [Status],
    customers: &[Option<usize>],
    dice: &mut Dice,
) {
    let desk = &packages.desk;
    let mut asked: Vec<(Option<Question>, usize)> = vec![
        (Question::package(package), OPERATOR),
        (Question::list(desk, Filter::All, ""), OPERATOR),
        (Question::list(desk, Filter::In(statuses), ""), OPERATOR),
        (Some(Question::figures()), OPERATOR),
    ];
    if package.is_announced {
        asked.push((Some(Question::announcements(dice.percent(50))), OPERATOR));
    }
    for customer in customers.iter().flatten() {
        let viewer = STAFF + customer;
        asked.push((Question::package(package), viewer));
        asked.push((Question::list(desk, Filter::All, ""), viewer));
        asked.push((Question::list(desk, Filter::Of(*customer), ""), OPERATOR));
    }
    let asked = asked.into_iter().filter_map(|(question, viewer)| Some((question?, viewer)));
    look_around(packages, &asked.collect::<Vec<_>>(), dice);
}

/// Asks every gateway, and one replica, where a name stands.
pub(super) fn of_customer(packages: &Arc<Packages>, customer: usize, dice: &mut Dice) {
    let desk = &packages.desk;
    let own = desk.live().0.into_iter().rev().find(|package| {
        package.standing.latest().flatten().is_some_and(|facts| facts.customer == Some(customer))
    });
    let asked = [
        (Question::list(desk, Filter::All, ""), STAFF + customer),
        (Question::list(desk, Filter::Of(customer), ""), OPERATOR),
        (own.and_then(|package| Question::package(&package)), OPERATOR),
        (Some(Question::announcements(false)), OPERATOR),
    ];
    let asked = asked.into_iter().filter_map(|(question, viewer)| Some((question?, viewer)));
    look_around(packages, &asked.collect::<Vec<_>>(), dice);
}

/// Asks every gateway, and one replica, for the figures.
pub(super) fn of_slots(packages: &Arc<Packages>, dice: &mut Dice) {
    look_around(packages, &[(Question::figures(), OPERATOR)], dice);
}

fn look_around(packages: &Arc<Packages>, asked: &[(Question, usize)], dice: &mut Dice) {
    let replica = packages.gateways + dice.below(packages.targets.len() - packages.gateways);
    for target in (0..packages.gateways).chain([replica]) {
        for (question, viewer) in asked {
            ask_beside(packages, target, question.clone(), *viewer);
        }
    }
}

fn ask_beside(packages: &Arc<Packages>, target: usize, question: Question, viewer: usize) {
    let Ok(room) = Arc::clone(&packages.extra).try_acquire_owned() else { return };
    let packages = Arc::clone(packages);
    // Not kept: it ends with its answer or its patience.
    tokio::spawn(async move {
        if let Some(target) = packages.targets.get(target) {
            packages.ask(target, &question, viewer, None, PATIENCE).await;
        }
        drop(room);
    });
}

/// What to ask next, and as whom.
fn choose(packages: &Packages, dice: &mut Dice) -> Option<(Question, usize)> {
    let desk = &packages.desk;
    let staff = if dice.percent(HOT_PERCENT) { OPERATOR } else { dice.below(STAFF) };
    let customer = dice.below(CUSTOMERS);
    let list = |filter, rest| Question::list(desk, filter, rest);
    let question = match dice.below(100) {
        0..22 => list(Filter::All, "")?,
        22..30 => return Some((list(Filter::All, "")?, STAFF + customer)),
        30..38 => list(Filter::In(dice.pick(&BY_STATUS)?), "")?,
        38..42 => list(Filter::Of(customer), "")?,
        42..45 => list(Filter::Of(CUSTOMERS + dice.below(WAITERS)), "limit=100")?,
        45..48 => list(Filter::Overdue, "limit=100")?,
        48..50 => list(Filter::Unidentified, "limit=10")?,
        50..53 => list(Filter::All, "limit=10&page=2")?,
        53..55 => list(Filter::Numbered(some_package(packages, dice)?.number), "")?,
        55..63 => Question::figures(),
        63..68 => Question::announcements(dice.percent(60)),
        68..80 => Question::package(&*some_waiter(packages, dice)?)?,
        _ => {
            let package = some_package(packages, dice)?;
            let viewer = if dice.percent(80) { staff } else { dice.below(VIEWERS) };
            return Some((Question::package(&package)?, viewer));
        }
    };
    debug_assert!(customer_of(staff).is_none());
    Some((question, staff))
}

/// One that is written of; mostly one of the newest.
fn some_package(packages: &Packages, dice: &mut Dice) -> Option<Arc<Package>> {
    let (live, _) = packages.desk.live();
    let written: Vec<&Arc<Package>> =
        live.iter().rev().filter(|package| package.tick.is_none() && package.id().is_some()).collect();
    let among = if dice.percent(HOT_PERCENT) { HOT_PACKAGES.min(written.len()) } else { written.len() };
    written.get(dice.below(among)).map(|package| Arc::clone(package))
}

/// One that ticks at about this time.
fn some_waiter(packages: &Packages, dice: &mut Dice) -> Option<Arc<Package>> {
    let waiting = packages.desk.waiting.get()?;
    let now = std::time::Instant::now();
    let next = waiting.iter().position(|package| package.tick.is_some_and(|tick| tick.at > now));
    let next = next.unwrap_or(waiting.len());
    // The one before it has just ticked.
    waiting.get((next + dice.below(2)).saturating_sub(1)).cloned()
}
